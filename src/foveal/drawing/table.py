"""A network as a table for the terminal: what ``model.summary()`` prints, with windows, MACs and receptive fields.

The texts of all cells are made first, as plain data (:func:`layout`); then columns are chosen that fit, and printed with
colours by rich, or as plain text when the output is piped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

from foveal.arithmetic.pattern import Field
from foveal.arithmetic.summary import Row, Summary
from foveal.drawing.terminal import emit
from foveal.network.node import Node
from foveal.network.shape import Shape
from foveal.network.tree import Auxiliary, Parallel, Sequential

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

UNLIMITED = 10_000


@dataclass(frozen=True)
class Line:
    """One line of the table.

    Attributes:
        tree: the branches of the tree before the name.
        cells: texts by column.
        look: "input", "layer", "block", "head", "broken" or "total".
        family: for the colour: "convolution", "pooling", "dense", "other".
    """

    tree: str
    cells: dict[str, str]
    look: str
    family: str = "other"


_KINDS: dict[type[Node], str] = {Sequential: "", Auxiliary: "side head"}

# title: (alignment, how late it is dropped when the terminal is narrow)
COLUMNS: dict[str, tuple[str, int]] = {
    "Layer": ("left", 100),
    "Kind": ("left", 60),
    "Kernel": ("right", 70),
    "Stride": ("right", 50),
    "Padding": ("right", 40),
    "Output": ("right", 95),
    "Parameters": ("right", 90),
    "MACs": ("right", 80),
    "Sees": ("right", 75),
    "Step": ("right", 30),
    "Details": ("left", 20),
}


def layout(summary: Summary, depth: int | None = None) -> list[Line]:
    """The lines of a network's table, the input first and the total last.

    Args:
        summary: the network in numbers.
        depth: how many levels of compositions to open; deeper ones are one line with their sum. None opens all.

    Example:
        >>> from foveal.arithmetic.summary import summarize
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Conv2D
        >>> for line in layout(summarize(Sequential([Conv2D(8, 3)], input_shape=(28, 28, 1)))):
        ...     print(line.look, line.cells["Layer"], line.cells["Output"], line.cells["Parameters"])
        input input 28 × 28 × 1
        layer conv2d_1 26 × 26 × 8 80
        total total  80
    """
    rows = [row for row in summary.rows if depth is None or row.depth <= depth]
    shown: list[tuple[str, int, Row]] = []  # name, depth, row
    for place, row in enumerate(rows):
        if place and rows[place - 1].path == row.path.rpartition("/")[0] and _lone(rows, place):
            name, above, _ = shown.pop()  # a branch of one layer takes one line
            shown.append((f"{name}/{row.name}", above, row))
        else:
            shown.append((row.name, row.depth, row))
    lines = [Line("", _cells(Layer="input", Output=str(summary.input)), "input")]
    depths = [level for _, level, _ in shown]
    for (name, _, row), tree in zip(shown, _branches(depths), strict=True):
        folded = not row.layer and row.depth == depth
        lines.append(_line(row, name, tree, folded))
    total = _cells(Layer="total", Parameters=_number(summary.totals.parameters), MACs=_number(summary.totals.macs))
    lines.append(Line("", total, "total"))
    return lines


def _cells(**given: str) -> dict[str, str]:
    return {title: given.get(title, "") for title in COLUMNS}


def _lone(rows: Sequence[Row], place: int) -> bool:
    """Whether the row is a layer and the only part of its Sequential."""
    row, parent = rows[place], rows[place - 1]
    follows = place + 1 < len(rows) and rows[place + 1].depth >= row.depth
    return row.layer and isinstance(parent.node, Sequential) and not follows


def _line(row: Row, name: str, tree: str, folded: bool) -> Line:
    counted = row.layer or folded
    merges = counted or not isinstance(row.node, Sequential)  # a plain group gives what its last layer gives
    broken, parallel = row.output is None and row.layer, isinstance(row.node, Parallel)
    cells = _cells(
        Layer=name,
        Kind=f"Parallel, {row.details}" if parallel else _KINDS.get(type(row.node), row.kind),
        Kernel=row.kernel,
        Stride=row.strides,
        Padding=row.padding_text if row.padding_text != "0" else "–",
        Output="✗ does not fit" if broken else "✗" if row.output is None else str(row.output) if merges else "",
        Parameters=_number(row.counts.parameters) if counted and not broken else "",
        MACs=_number(row.counts.macs) if counted and not broken else _number(row.own.macs) if row.own.macs else "",
        Sees=seen(row.fields) if row.output is not None and merges else "",
        Step=step(row.stride) if row.output is not None and merges else "",
        Details="" if parallel else row.details,
    )
    look = "broken" if row.output is None else "head" if row.auxiliary else "layer" if row.layer else "block"
    return Line(tree, cells, look, row.node.family)


def _branches(depths: Sequence[int]) -> list[str]:
    """The lines of the tree before each row's name: ``│ └ ``. From the last row to the first, so that what follows is known."""
    found = []
    follows: list[bool] = []  # at each level, whether a row of that level comes before the next higher one
    for depth in reversed(depths):
        follows = follows[: depth + 1] + [False] * (depth + 1 - len(follows))
        marks = ["│ " if follows[level] else "  " for level in range(2, depth)]
        found.append("".join(marks) + ("" if depth <= 1 else "├ " if follows[depth] else "└ "))
        follows[depth] = True
    return found[::-1]


def _number(n: int | None) -> str:
    return "?" if n is None else f"{n:,}"


def short(n: int | None) -> str:
    """A large number in three digits: 15.5 G.

    Example:
        >>> short(15470264320), short(93322), short(12)
        ('15.5 G', '93.3 k', '12')
    """
    if n is None:
        return "?"
    for size, unit in ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k")):
        if n >= (0.9995 * size if size > 10**3 else size):
            return f"{n / size:.3g} {unit}"
    return str(n)


def size_of(n: int | None) -> str:
    """Bytes for people: 527.8 MiB."""
    if n is None:
        return "?"
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if n >= size:
            return f"{n / size:.1f} {unit}"
    return f"{n} bytes"


def seen(fields: Sequence[Field]) -> str:
    """A receptive field: 212, or 3 × 7 where the axes differ."""
    texts = [str(field) for field in fields]
    return "" if not texts else texts[0] if len(set(texts)) == 1 else " × ".join(texts)


def step(strides: Sequence[Fraction]) -> str:
    """The step between neighbouring units: 32, 1/2; a dash where all units see the same."""
    texts = [str(s) if s else "–" for s in strides]
    return "" if not texts else texts[0] if len(set(texts)) == 1 else " × ".join(texts)


def fitting(lines: Sequence[Line], width: int) -> list[str]:
    """The columns that fit into ``width`` characters; empty columns are never shown."""
    columns = [title for title in COLUMNS if any(line.cells[title] for line in lines)]
    while len(columns) > 3 and _width(lines, columns) > width:
        columns.remove(min(columns, key=lambda title: COLUMNS[title][1]))
    return columns


def _column_width(lines: Sequence[Line], title: str) -> int:
    tree = title == "Layer"
    return max(len(title), *(len(line.cells[title]) + (len(line.tree) if tree else 0) for line in lines))


def _width(lines: Sequence[Line], columns: Sequence[str]) -> int:
    return sum(_column_width(lines, title) for title in columns) + 2 * (len(columns) - 1)


def notes(summary: Summary) -> list[tuple[str, str]]:
    """What stands under the table: a label and a text each."""
    found = []
    if summary.totals.fixed:
        found.append(("not trained", f"{summary.totals.fixed:,} more numbers (running statistics, fixed centres)"))
    if summary.auxiliary.parameters:
        both = summary.totals.parameters + summary.auxiliary.parameters
        text = f"{summary.auxiliary.parameters:,} parameters more, in training only: {both:,}"
        found.append(("side heads", text))
    if summary.memory is not None:
        m = summary.memory
        text = f"weights {size_of(m.weights)}"
        if m.running is not None:
            text += f" · running {size_of(m.running)} · training {size_of(m.training)} (float32, one sample, Adam)"
        found.append(("memory", text))
    if any(row.stride and row.output is not None for row in summary.rows):
        unit = "pixels" if len(summary.input.spatial) > 1 else "places"
        found.append(("sees", f"{unit} of the input along each axis; step: {unit} from one unit to the next"))
    return found


def title(name: str, given: Shape, output: Shape | None) -> str:
    """The heading: name, input → output."""
    return f"{name}   {given} → {output if output is not None else '✗'}"


def plain(summary: Summary, *, depth: int | None = None, width: int = UNLIMITED) -> str:
    """The table as text without colours: what is printed into a pipe or a file.

    Example:
        >>> from foveal.arithmetic.summary import summarize
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Conv2D
        >>> print(plain(summarize(Sequential([Conv2D(8, 3)], input_shape=(28, 28, 1), name="one")), width=60))
        one   28 × 28 × 1 → 26 × 26 × 8
        <BLANKLINE>
        Layer     Kernel       Output  Parameters    MACs  Sees
        input             28 × 28 × 1
        conv2d_1   3 × 3  26 × 26 × 8          80  48,672     3
        total                                  80  48,672
        <BLANKLINE>
        memory  weights 320 bytes · running 24.5 KiB · training 25.4 KiB (float32, one sample, Adam)
        sees  pixels of the input along each axis; step: pixels from one unit to the next
    """
    lines = layout(summary, depth)
    columns = fitting(lines, width)
    widths = {name: _column_width(lines, name) for name in columns}
    text = [title(summary.name, summary.input, summary.output), ""]
    text.append("  ".join(_aligned(name, name, widths[name]) for name in columns).rstrip())
    for line in lines:
        cells = [(line.tree if name == "Layer" else "") + line.cells[name] for name in columns]
        text.append(
            "  ".join(_aligned(name, cell, widths[name]) for name, cell in zip(columns, cells, strict=True)).rstrip()
        )
    return "\n".join([*text, "", *(f"{label}  {note}" for label, note in notes(summary))])


def _aligned(name: str, cell: str, width: int) -> str:
    return cell.rjust(width) if COLUMNS[name][0] == "right" else cell.ljust(width)


# Colours --------------------------------------------------------------------------------------------------------------

_PAINT = {"convolution": "bright_blue", "pooling": "green", "dense": "magenta", "other": "default"}
_DIM = ("Stride", "Padding", "Details", "Step")


def pretty(summary: Summary, width: int, *, depth: int | None = None) -> RenderableType:
    """The table for a terminal ``width`` characters wide."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    lines = layout(summary, depth)
    columns = fitting(lines, width - 4)
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold", show_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if COLUMNS[name][0] == "right" else "left", no_wrap=True)
    narrow = "Kind" not in columns
    for line in lines:
        if line.look == "total":
            table.add_row()
        table.add_row(*(_painted(line, name, narrow) for name in columns))
    heading = Text()
    heading.append(summary.name, "bold")
    heading.append(f"   {summary.input} ", "default")
    heading.append("→ ", "dim")
    heading.append(str(summary.output) if summary.output is not None else "✗", "default")
    rule = Text("─" * min(width - 4, _width(lines, columns)), "dim")
    below = Table.grid(padding=(0, 2, 0, 0))
    below.add_column(style="dim", no_wrap=True)
    below.add_column(style="dim")
    for label, note in notes(summary):
        below.add_row(label, note)
    return Padding(Group(heading, rule, table, rule, below), (1, 2))


def _painted(line: Line, name: str, narrow: bool) -> RenderableType:
    from rich.text import Text

    cell, paint = line.cells[name], _PAINT[line.family]
    if line.look == "broken":
        return Text.assemble((line.tree if name == "Layer" else "", "dim"), (cell, "bold red"))
    if name == "Layer":
        usual = paint if narrow else "default"
        style = {"total": "bold", "block": "bold", "input": "dim", "head": "dim"}.get(line.look, usual)
        return Text.assemble((line.tree, "dim"), (cell, style))
    if line.look in ("block", "input", "head") or name in _DIM:
        return Text(cell, "dim")
    if name == "Kind":
        return Text(cell, paint)
    if name in ("Parameters", "MACs"):
        return Text(cell, "bold" if line.look == "total" else "dim" if cell == "0" else "default")
    return Text(cell)


def show(summary: Summary, console: Console | None = None, *, depth: int | None = None) -> None:
    """Print the table: with colours on a terminal, as plain text into a pipe."""
    emit(lambda: plain(summary, depth=depth), lambda width: pretty(summary, width, depth=depth), console)
