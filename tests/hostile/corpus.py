"""The trials: every way in which something comes into Foveal from outside, with input that means ill or is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from tests.hostile import commands, datasets, descriptions, files
from tests.hostile.harness import Case

FAMILIES: tuple[Callable[[], Iterator[Case]], ...] = (
    descriptions.described,
    descriptions.texts,
    files.models,
    files.runs,
    datasets.images,
    datasets.tables,
    datasets.folders,
    commands.outputs,
    commands.options,
)


def cases(scale: float) -> list[Case]:
    """All trials; ``scale`` below 1 takes a share of each family's."""
    found: list[Case] = []
    for family in FAMILIES:
        every = list(family())
        step = max(1, round(1 / scale))
        found += every[::step]
    return found
