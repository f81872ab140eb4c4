"""A text with a colour behind each character: the bits that it cost, or what a cell held when it was read."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from foveal.report.blocks import Plot

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 72


def painted(
    name: str, text: str, values: Sequence[float], caption: str, description: str, *, full: float, unit: str
) -> Plot:
    """A drawing of a text whose characters lie on coloured cells.

    Args:
        name: of the block.
        text: what is shown; a line break is shown as ⏎.
        values: one a character: above zero in the page's first colour, below in its second, the fuller the larger.
        caption, description: what is seen, with and without eyes.
        full: the value of full colour.
        unit: what a value is, for the table.
    """
    placed = list(_placed(text))
    lines = 1 + max((row for row, _ in placed), default=0)

    def paint(figure: Figure) -> None:
        from matplotlib.patches import Rectangle

        from foveal.report.colours import FIRST, INK, SECOND

        axes = figure.add_subplot()
        axes.set_xlim(0, COLUMNS)
        axes.set_ylim(lines, 0)
        axes.axis("off")
        for (row, column), character, value in zip(placed, text, values, strict=True):
            depth = min(1.0, abs(value) / full)
            if depth > 0.04:
                colour = FIRST if value > 0 else SECOND
                axes.add_patch(
                    Rectangle((column, row + 0.04), 1.0, 0.92, facecolor=colour, alpha=0.75 * depth, linewidth=0)
                )
            shown = "⏎" if character == "\n" else character
            if shown != " ":
                axes.text(column + 0.5, row + 0.54, shown, ha="center", va="center", fontsize=8, color=INK)

    rows = [(_shown(character), float(value)) for character, value in zip(text, values, strict=True)]
    return Plot(name, paint, caption, description, ("character", unit), rows, (7.6, 0.23 * lines))


def _placed(text: str) -> Iterator[tuple[int, int]]:
    """Row and column of each character; long lines are broken."""
    row = column = 0
    for character in text:
        if column == COLUMNS:
            row, column = row + 1, 0
        yield row, column
        column += 1
        if character == "\n":
            row, column = row + 1, 0


def _shown(character: str) -> str:
    return {"\n": "line break", " ": "space", "\0": "end"}.get(character, character)


def shortened(text: str, length: int) -> str:
    """The beginning of a text, cut at a word where it is too long.

    Example:
        >>> shortened("Return the path.", 12)
        'Return the …'
    """
    return text if len(text) <= length else textwrap.shorten(text[: length + 20], length, placeholder=" …")
