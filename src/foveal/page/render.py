"""A report as one HTML file: it opens from disk, needs no network, and stays under a megabyte."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from markupsafe import Markup

from foveal.files import write_text
from foveal.page import sprites
from foveal.page.blocks import HALF, plot
from foveal.page.figure import draw
from foveal.page.shell import anchor, page
from foveal.report import outline
from foveal.report.blocks import Answers, Chart, Pair, Pictures, Report, RunFacts, Section, Single

LIMIT = 1_000_000
"""Bytes; pictures get smaller, and in the end are left out, before a page exceeds this."""
_SHEETS = (600_000, 300_000, 120_000, 30_000)  # bytes of all pictures together, one try after the other
_GALLERY, _FLOWING = 6, 8  # columns of a sheet where its pictures flow over the page


@dataclass
class Shown:
    """A block, and the drawing or the sheet of pictures that belongs to it."""

    block: Single
    drawing: Markup | sprites.Sheet | None = None


@dataclass
class Row:
    """Blocks beside each other; ``kind`` is the class of what holds them, "" where a block stands alone."""

    kind: str
    blocks: list[Shown]


@dataclass
class Part:
    """A section, laid out."""

    name: str
    heading: str
    text: str
    rows: list[Row]


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
    parts = [_laid_out(section) for section in outline.sections(report, about)]
    for most in _SHEETS:
        html = _page(report, about, parts, most)
        if len(html.encode("utf-8")) < LIMIT:
            return html
    report = replace(report, notes=[*report.notes, "A part of this report was left out to keep the file small."])
    while len(html.encode("utf-8")) >= LIMIT and (pictures := _pictures(parts)):
        heaviest = max(pictures, key=lambda each: each[1].stack.nbytes)[0]
        for part in parts:
            for row in part.rows:
                row.blocks = [each for each in row.blocks if each is not heaviest]
        parts = [part for part in parts if any(row.blocks for row in part.rows)]
        html = _page(report, about, parts, _SHEETS[0])
    return html


def _page(report: Report, about: RunFacts, parts: Sequence[Part], most: int) -> str:
    """The page with sheets of at most about ``most`` bytes, all together."""
    sheets = []
    pictures = _pictures(parts)
    for shown, block in pictures:
        across = min(block.columns or _FLOWING, len(block.stack)) if isinstance(block, Pictures) else _GALLERY
        shown.drawing = sprites.pictures(block.stack, across, min(sprites.BUDGET, most // len(pictures)))
        sheets.append((block.name, shown.drawing))
    return page(
        report=report,
        about=about,
        heading=outline.heading(about),
        figure=report.headlines[0],
        figures=outline.figures(report, about),
        parts=parts,
        sheets=sheets,
    )


def _pictures(parts: Sequence[Part]) -> list[tuple[Shown, Pictures | Answers]]:
    """What needs a sheet of pictures."""
    every = [shown for part in parts for row in part.rows for shown in row.blocks]
    return [
        (each, each.block) for each in every if isinstance(each.block, Pictures | Answers) and len(each.block.stack)
    ]


def _laid_out(section: Section) -> Part:
    """The section in rows: a pair is one, and so are small charts that follow one another."""
    rows: list[Row] = []
    small: Row | None = None
    for block in section.blocks:
        if isinstance(block, Pair):
            rows.append(Row("pair wide" if block.wide else "pair", [_shown(block.left), _shown(block.right)]))
            small = None
        elif isinstance(block, HALF) and small is not None:
            small.kind = "pair twins blocks"
            small.blocks.append(_shown(block))
        else:
            rows.append(Row("", [_shown(block)]))
            small = rows[-1] if isinstance(block, HALF) else None
    return Part(section.name or section.heading, section.heading, section.text, rows)


def _shown(block: Single) -> Shown:
    if not isinstance(block, Chart):
        return Shown(block)
    painted = plot(block)
    return Shown(painted, draw(anchor(painted.name), painted.size, painted.paint, painted.description))
