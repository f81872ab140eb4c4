"""The zoo as a list: name, paper, year, parameters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from foveal.drawing.terminal import columns, emit

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


class Listed(Protocol):
    """What a list needs to know of a network."""

    @property
    def name(self) -> str: ...
    @property
    def paper(self) -> str: ...
    @property
    def year(self) -> int: ...
    @property
    def input_text(self) -> str: ...
    @property
    def classes(self) -> int | None: ...
    @property
    def parameters(self) -> int: ...
    @property
    def description(self) -> str: ...


class ListedSystem(Protocol):
    """What a list needs to know of a system."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def data(self) -> tuple[str, ...]: ...
    @property
    def about(self) -> str: ...


_TITLES = ("Network", "Year", "Parameters", "Input", "Classes", "Paper")


def rows(entries: Sequence[Listed]) -> list[tuple[str, ...]]:
    """The cells of the list."""
    return [(e.name, str(e.year), f"{e.parameters:,}", e.input_text, str(e.classes or "–"), e.paper) for e in entries]


def plain(entries: Sequence[Listed]) -> str:
    """The list without colours."""
    return "\n".join(columns([_TITLES, *rows(entries)], right=(1, 2, 3, 4)))


def pretty(entries: Sequence[Listed], width: int) -> RenderableType:
    """The list for a terminal."""
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    wide = width >= 110
    for name in _TITLES if wide else (*_TITLES[:3], _TITLES[5]):
        table.add_column(
            name,
            justify="left" if name in ("Network", "Paper") else "right",
            no_wrap=name != "Paper",
            overflow="ellipsis" if name == "Paper" else "fold",
        )
    above = ""
    for entry, cells in zip(entries, rows(entries), strict=True):
        shown = cells if wide else (*cells[:3], cells[5])
        last = Text(entry.description, "dim")
        if entry.paper != above:  # networks of one paper follow one another: it is said once
            last = Text.assemble(entry.paper, ("\n" + entry.description, "dim"))
            above = entry.paper
        table.add_row(Text(shown[0], "bold bright_blue"), *shown[1:-1], last)
    return Padding(table, (1, 2))


def show(entries: Sequence[Listed], console: Console | None = None) -> None:
    """Print the list."""
    emit(lambda: plain(entries), lambda width: pretty(entries, width), console)


def show_systems(systems: Sequence[ListedSystem], console: Console | None = None) -> None:
    """Print what ``foveal train`` can train beside classifiers."""
    emit(lambda: plain_systems(systems), lambda width: pretty_systems(systems), console)


def plain_systems(systems: Sequence[ListedSystem]) -> str:
    """The systems without colours, as commands."""
    width = max(len(each.name) for each in systems)
    lines = [f"foveal train {each.name.ljust(width)}  {each.title}: {each.about}" for each in systems]
    return "\n".join(["", "Systems, each with data and a report of its own:", *lines])


def pretty_systems(systems: Sequence[ListedSystem]) -> RenderableType:
    """The systems for a terminal."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in ("System", "What it is", "Data"):
        table.add_column(name, no_wrap=name == "System")
    for each in systems:
        said = Text.assemble(each.title, ("\n" + each.about, "dim"))
        table.add_row(Text(each.name, "bold bright_blue"), said, ", ".join(each.data) or "its own")
    lead = Text("Trained by foveal train SYSTEM [DATA], each with a report of its own:", "dim")
    return Padding(Group(lead, Text(), table), (0, 2, 1, 2))
