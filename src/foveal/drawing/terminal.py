"""What the terminal drawings share: a console for people, plain text for pipes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from foveal import streams

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def emit(plain: Callable[[], str], pretty: Callable[[int], RenderableType], console: Console | None = None) -> None:
    """Print for people on a terminal, as plain text into a pipe or a file; rich is loaded only for people.

    Args:
        plain: makes the text.
        pretty: makes the coloured drawing for a terminal of that many characters.
        console: print there, whatever standard output is.
    """
    if console is None:
        if sys.stdout is None or not sys.stdout.isatty():
            streams.say(plain())
            return
        console = streams.console()
    console.print(pretty(console.width))


def columns(rows: Iterable[Sequence[str]], right: Collection[int] = (), most: int = sys.maxsize) -> list[str]:
    """Rows of cells as lines of plain text: every column as wide as its longest cell, two blanks between.

    Args:
        rows: all of one length.
        right: the columns that are set to the right.
        most: no column is wider; a longer cell moves its own line only.

    Example:
        >>> columns([("name", "n"), ("vgg16", "138")], right=[1])
        ['name     n', 'vgg16  138']
    """
    lines = [tuple(row) for row in rows]
    widths = [min(max(map(len, column)), most) for column in zip(*lines, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if place in right else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    ]


def grouped(value: object) -> str:
    """A value for people: thousands separated, fractions to four digits."""
    if value is None:
        return "?"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
