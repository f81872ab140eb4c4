"""What every figure of matplotlib needs that shows other people's names: no formulas in them, no warnings about them."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator

from foveal.printable import printable


@contextlib.contextmanager
def lettering() -> Iterator[None]:
    """A figure that is made and saved within takes texts as they are: ``$x_1$`` is a name and no formula, and a letter that
    the font lacks is a box and no warning."""
    import matplotlib

    with matplotlib.rc_context({"text.parse_math": False}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing")
        warnings.filterwarnings("ignore", message="Matplotlib currently does not support .* natively")
        yield


def shorten(name: str, most: int = 16) -> str:
    r"""A name that fits beside an axis, on one line and with control characters made visible: as they are, matplotlib
    stops at some of them and writes others into files that nobody can open.

    Example:
        >>> shorten("a very long name of a class", 12), shorten("a\nb\x1b"), shorten(" ")
        ('a very long…', 'a b\\x1b', '(no name)')
    """
    flat = printable(" ".join(name.split())) or "(no name)"
    return flat if len(flat) <= most else flat[: most - 1].rstrip() + "…"
