"""A run's report as one HTML file: it opens from disk, needs no network, and stays under a megabyte."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from foveal.files import write_text
from foveal.page import report_run as run
from foveal.page import report_sections as sections
from foveal.page import sprites
from foveal.page.markup import Markup, join
from foveal.page.parts import tile_style
from foveal.page.shell import page, static
from foveal.printable import json_text
from foveal.report.classification import ReportData

LIMIT = 1_000_000
"""Bytes; :func:`render` leaves pictures out before it exceeds this."""


def write(path: str | os.PathLike[str], data: ReportData) -> Path:
    """Writes the report to ``path``, and ``evaluation.json`` beside it, each atomically.

    Args:
        path: the HTML file, usually ``runs/NAME/report.html``.
        data: the run.

    Returns:
        The path of the HTML file.

    Raises:
        FileError: a file could not be written.
    """
    target = Path(path)
    write_text(target.with_name("evaluation.json"), _json(data.evaluation.to_json()))
    write_text(target, render(data))
    return target


def render(data: ReportData) -> str:
    """The report as HTML text, under :data:`LIMIT` bytes: without its pictures where it would not be."""
    html = _rendered(data)
    for lighter in ({"pictures": None}, {"filters": None}):
        if len(html.encode("utf-8")) >= LIMIT:
            note = "A part of this report was left out to keep the file small."
            data = replace(data, notes=[*(each for each in data.notes if each != note), note], **lighter)  # type: ignore[arg-type]
            html = _rendered(data)
    return html


def _rendered(data: ReportData) -> str:
    gallery = sprites.pictures(data.pictures) if data.pictures is not None and len(data.pictures) else None
    kernels = sprites.filters(data.filters[..., :64]) if data.filters is not None and data.filters.size else None
    parts = {
        "Curves": sections.curves(data),
        "Confusion": sections.confusions(data),
        "Classes": sections.classes(data),
        "Calibration": sections.calibration(data),
        "Mistakes": sections.mistakes(data, gallery),
        "Filters": run.filters(data, kernels),
        "Network": run.network(data),
        "Reproduce": run.reproduce(data),
    }
    shown = {name: part for name, part in parts.items() if part is not None}
    style = join(
        Markup(static("report.css")),
        tile_style(gallery, "mistake") if gallery else None,
        tile_style(kernels, "kernel") if kernels else None,
    )
    return page(data.title, style, sections.headline(data), shown)


def _json(value: dict[str, Any]) -> str:
    """Indented, but each list of plain values on one line: a row of the confusion matrix is a row.

    No text can hold a line break as it is, so a ``[`` before one opens a list.
    """
    text = json_text(value, ascii=False, indent=2, nan=False)
    return re.sub(r"\[\n[^\[\]{}\"]*\]", lambda match: " ".join(match[0].split()), text) + "\n"
