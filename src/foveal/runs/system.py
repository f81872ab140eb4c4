"""What a system is: one method of the lectures, from the data to the report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """One method of the lectures: networks, a step, data, and a report of its own.

    Attributes:
        name: what ``foveal train`` calls it.
        title: what people call it.
        lecture: which lecture describes or names it.
        source: authors, year and title of the paper.
        networks: names in the zoo.
        data: data sets that it takes, the default first; empty where it brings its own.
        family: the file under ``foveal/systems`` that carries it out.
        about: one line.
    """

    name: str
    title: str
    lecture: str
    source: str
    networks: tuple[str, ...]
    data: tuple[str, ...]
    family: str
    about: str

    @property
    def command(self) -> str:
        """The shortest command that trains it."""
        return f"foveal train {self.name}"
