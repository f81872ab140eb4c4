"""What the terminal drawings share: a console for people, plain text for pipes."""

from __future__ import annotations

import sys
from collections.abc import Callable
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


def grouped(value: object) -> str:
    """A value for people: thousands separated, fractions to four digits."""
    if value is None:
        return "?"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
