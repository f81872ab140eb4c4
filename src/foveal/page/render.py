"""A report as one HTML file: it opens from disk, needs no network, and stays under a megabyte."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from foveal.files import write_text
from foveal.page.blocks import Part, laid_out, sheets
from foveal.page.shell import page
from foveal.report import outline
from foveal.report.blocks import Report, RunFacts

LIMIT = 1_000_000
"""Bytes; pictures get smaller, and in the end are left out, before a page exceeds this."""
_SHEETS = (600_000, 300_000, 120_000, 30_000)  # bytes of all pictures together, one try after the other


def write(path: str | os.PathLike[str], report: Report, about: RunFacts) -> Path:
    """Write the report, atomically.

    Args:
        path: the HTML file, usually ``runs/NAME/report.html``.
        report: what was found out.
        about: the run that found it.

    Returns:
        The path of the HTML file.

    Raises:
        FileError: it could not be written.
    """
    write_text(path, render(report, about))
    return Path(path)


def render(report: Report, about: RunFacts) -> str:
    """The report as HTML text, under :data:`LIMIT` bytes."""
    parts = laid_out(outline.sections(report, about))
    for most in _SHEETS:
        html = _page(report, about, parts, most)
        if len(html.encode("utf-8")) < LIMIT:
            return html
    report = replace(report, notes=[*report.notes, "A part of this report was left out to keep the file small."])
    while len(html.encode("utf-8")) >= LIMIT and (pictures := [each for part in parts for each in part.pictures()]):
        heaviest = max(pictures, key=lambda each: each[1].stack.nbytes)[0]
        parts = [left for part in parts if (left := part.without(heaviest)).rows or not part.rows]
        html = _page(report, about, parts, most)
    return html


def _page(report: Report, about: RunFacts, parts: Sequence[Part], most: int) -> str:
    """The page with pictures of at most about ``most`` bytes, all together."""
    return page(
        report=report,
        about=about,
        heading=outline.heading(about),
        figure=report.headlines[0],
        figures=outline.figures(report, about),
        sheets=sheets(parts, most),
        parts=parts,
    )
