"""A report's sections laid out: which blocks stand beside each other, and the drawing or sheet of pictures of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from foveal.page import sprites
from foveal.page.charts import plot
from foveal.page.figure import draw
from foveal.page.shell import anchor
from foveal.report.blocks import (
    Answers,
    Bars,
    Block,
    Chart,
    Command,
    Heat,
    Lines,
    Pair,
    Paragraph,
    Pictures,
    Plot,
    Section,
    Settings,
    Single,
)

HALF = (Lines, Bars, Heat, Plot)  # kinds that stand two in a row
_GALLERY, _FLOWING = 6, 8  # columns of a sheet where its pictures flow over the page


@dataclass
class Shown:
    """A block, its id within the page, and the drawing or the sheet of pictures that belongs to it."""

    id: str
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

    id: str
    name: str
    heading: str
    text: str
    rows: list[Row]

    def pictures(self) -> list[tuple[Shown, Pictures | Answers]]:
        """What needs a sheet of pictures."""
        every = [shown for row in self.rows for shown in row.blocks]
        return [
            (each, each.block) for each in every if isinstance(each.block, Pictures | Answers) and len(each.block.stack)
        ]

    def without(self, shown: Shown) -> Part:
        """The part with one block less."""
        rows = [replace(row, blocks=[each for each in row.blocks if each is not shown]) for row in self.rows]
        return replace(self, rows=[row for row in rows if row.blocks])


def laid_out(sections: Sequence[Section]) -> list[Part]:
    """The sections with their blocks in rows; ids are of their own, even where names are not."""
    names, ids = {"command", "main", "theme"}, set[str]()  # the page itself has the first three
    parts = []
    for section in sections:
        name = section.name or section.heading
        parts.append(Part(_free(name, names), name, section.heading, section.text, _rows(section.blocks, ids)))
    return parts


def _rows(blocks: Sequence[Block], ids: set[str]) -> list[Row]:
    """A pair is a row, and so are two small charts that follow one another."""
    rows: list[Row] = []
    small: Row | None = None
    for block in blocks:
        if isinstance(block, Pair):
            rows.append(Row("pair wide" if block.wide else "pair", [_shown(block.left, ids), _shown(block.right, ids)]))
            small = None
        elif isinstance(block, HALF) and small is not None:
            small.kind = "pair twins blocks"
            small.blocks.append(_shown(block, ids))
            small = None
        else:
            rows.append(Row("", [_shown(block, ids)]))
            small = rows[-1] if isinstance(block, HALF) else None
    return rows


def _shown(block: Single, ids: set[str]) -> Shown:
    if isinstance(block, Paragraph | Command | Settings):
        return Shown("", block)
    own = _free(block.name, ids)
    if not isinstance(block, Chart):
        return Shown(own, block)
    painted = plot(block)
    return Shown(own, painted, draw(own, painted.size, painted.paint, painted.description))


def _free(name: str, taken: set[str]) -> str:
    first = free = anchor(name)
    count = 1
    while free in taken:
        count += 1
        free = f"{first}-{count}"
    taken.add(free)
    return free


def sheets(parts: Sequence[Part], most: int) -> list[tuple[str, sprites.Sheet]]:
    """Give all pictures their sheets, of at most about ``most`` bytes together; the sheets by the ids of their blocks."""
    made = []
    pictures = [each for part in parts for each in part.pictures()]
    for shown, block in pictures:
        across = min(block.columns or _FLOWING, len(block.stack)) if isinstance(block, Pictures) else _GALLERY
        sheet = shown.drawing = sprites.pictures(block.stack, across, min(sprites.BUDGET, most // len(pictures)))
        made.append((shown.id, sheet))
    return made
