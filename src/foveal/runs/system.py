"""What a system is: one method of the lectures, as plain data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """One method of the lectures: networks, a step, data, and a report of its own. Plain data, which needs no torch.

    Attributes:
        name: what ``foveal train`` calls it.
        title: what people call it.
        lecture: which lecture describes or names it.
        source: authors, year and title of the paper.
        networks: names in the zoo.
        data: data sets that it takes, the default first; empty where it brings its own.
        method: the module under ``foveal.systems`` whose ``METHOD`` carries it out; ``module:NAME`` where a module has several.
        about: one line.
    """

    name: str
    title: str
    lecture: str
    source: str
    networks: tuple[str, ...]
    data: tuple[str, ...]
    method: str
    about: str

    @property
    def command(self) -> str:
        """The shortest command that trains it."""
        return f"foveal train {self.name}"
