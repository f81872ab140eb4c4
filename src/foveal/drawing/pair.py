"""Two networks side by side: the layers of each, and what both have in all."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from foveal.arithmetic.comparison import differences, totals_beside
from foveal.arithmetic.summary import Summary
from foveal.drawing.table import Line, layout, short, size_of, title
from foveal.drawing.terminal import columns, emit

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_SHOWN = ("Layer", "Output", "Parameters", "MACs")


def beside(a: Summary, b: Summary) -> list[tuple[str, str, str, str]]:
    """What both have in all, as text: (name, first, second, how many times as much).

    Example:
        >>> from foveal.arithmetic.summary import summarize
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Dense
        >>> one, two = (summarize(Sequential([Dense(n)], input_shape=9)) for n in (1, 2))
        >>> beside(one, two)[1]
        ('parameters', '10', '20', '× 2')
    """
    found = []
    for name, x, y, ratio in totals_beside(a, b):
        if x == y == 0:
            continue
        texts = [size_of(n) if name.startswith("bytes") else "–" if n is None else f"{n:,}" for n in (x, y)]
        label = {
            "bytes of weights": "weights",
            "bytes, running": "memory, running",
            "bytes, training": "memory, training",
        }
        found.append((label.get(name, name), *texts, _ratio(ratio)))
    return [(name, x, y, ratio) for name, x, y, ratio in found]


def _ratio(ratio: float | None) -> str:
    if ratio is None or ratio == 1:
        return ""
    return f"× {ratio:.3g}" if ratio >= 1 else f"÷ {1 / ratio:.3g}" if ratio else ""


def _cells(line: Line | None) -> list[str]:
    if line is None:
        return [""] * len(_SHOWN)
    name = line.tree + line.cells["Layer"]
    macs = line.cells["MACs"].replace(",", "")
    return [name, line.cells["Output"], line.cells["Parameters"], short(int(macs)) if macs.isdigit() else macs]


def rows(a: Summary, b: Summary, depth: int | None = None) -> list[list[str]]:
    """The lines of both tables, next to each other; totals last on both sides."""
    left, right = layout(a, depth), layout(b, depth)
    body = [[*_cells(x), *_cells(y)] for x, y in zip_longest(left[:-1], right[:-1])]
    return [*body, [*_cells(left[-1]), *_cells(right[-1])]]


MOST_SHOWN = 60
"""Differences that are listed; the JSON has all."""
MOST_WIDE = 48
"""Characters of a column of differences; a longer path moves its own line only."""


def different(a: Summary, b: Summary) -> list[str]:
    """What differs between two networks, a line each: where, which argument, both values, in columns.

    Example:
        >>> from foveal.arithmetic.summary import summarize
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Dense
        >>> one, two = (summarize(Sequential([Dense(9, f)], input_shape=9)) for f in ("relu", "gelu"))
        >>> different(one, two)
        ["dense_1  activation  'relu' → 'gelu'"]
    """
    cells = []
    for one in (found := differences(a, b))[:MOST_SHOWN]:
        place = (
            (one.first or one.second or "network") if one.first in ("", None) or one.second in (None, one.first) else ""
        )
        place = place or f"{one.first} | {one.second}"
        if one.what == "kind":
            name, kind = (a.name, one.values[0]) if one.second is None else (b.name, one.values[1])
            cells.append((place, kind, f"only in {'the first' if one.second is None else 'the second'}, {name}"))
        else:
            cells.append((place, one.what, f"{one.values[0]} → {one.values[1]}"))
    lines = columns(cells, most=MOST_WIDE)
    if len(found) > MOST_SHOWN:
        lines.append(f"… and {len(found) - MOST_SHOWN:,} more (--json has all)")
    return lines


def _heading(lines: list[str]) -> str:
    return "Differences" if lines else "No difference: the same layers with the same arguments and names"


def plain(a: Summary, b: Summary, depth: int | None = None) -> str:
    """Both networks as text without colours."""
    half = len(_SHOWN)
    cells = [[*line[:half], "│", *line[half:]] for line in ([*_SHOWN, *_SHOWN], *rows(a, b, depth))]
    lines = columns(cells, right=[i for i in range(2 * half + 1) if i % (half + 1) and i != half])
    first, second = (title(s.name, s.input, s.output) for s in (a, b))
    heading = f"{first:<{lines[0].index('│')}}│  {second}"
    totals = columns([("", a.name, b.name, ""), *beside(a, b)], right=(1, 2))
    apart = different(a, b)
    return "\n".join([heading, "", *lines, "", *totals, "", _heading(apart), *(f"  {line}" for line in apart)])


def pretty(a: Summary, b: Summary, width: int, depth: int | None = None) -> RenderableType:
    """Both networks for a terminal; on a narrow one only what they have in all."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    totals = Table(box=None, padding=(0, 3, 0, 0), pad_edge=False, header_style="bold")
    for name, justify in (("", "left"), (a.name, "right"), (b.name, "right"), ("", "left")):
        totals.add_column(name, justify="right" if justify == "right" else "left", no_wrap=True)
    for name, x, y, ratio in beside(a, b):
        totals.add_row(Text(name, "dim"), x, y, Text(ratio, "bold cyan"))
    lines = rows(a, b, depth)
    half = len(_SHOWN)
    needed = sum(max(len(line[c]) for line in [[*_SHOWN, *_SHOWN], *lines]) + 2 for c in range(2 * half)) + 7
    parts: list[RenderableType] = []
    if needed <= width:
        both = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
        for place in range(2 * half + 1):
            name = "│" if place == half else _SHOWN[place % (half + 1) if place < half else place - half - 1]
            both.add_column(name, justify="left" if name in ("Layer", "│") else "right", no_wrap=True)
        for place, line in enumerate(lines):
            style = "bold" if place == len(lines) - 1 else "dim" if place == 0 else ""
            both.add_row(*line[:half], Text("│", "dim"), *line[half:], style=style)
        parts += [both, Text()]
    else:
        note = f"{needed} characters are needed to lay the layers side by side; here are the totals, and --depth 1 is narrower"
        parts += [Text(note, "dim italic"), Text()]
    top = Text.assemble((a.name, "bold"), "  against  ", (b.name, "bold"))
    below = different(a, b)
    parts.append(totals)
    parts += [Text(), Text(_heading(below), "bold"), *(Text(f"  {line}") for line in below)]
    return Padding(Group(top, Text(), *parts), (1, 2))


def show(a: Summary, b: Summary, console: Console | None = None, *, depth: int | None = None) -> None:
    """Print two networks side by side."""
    emit(lambda: plain(a, b, depth), lambda width: pretty(a, b, width, depth), console)
