"""The engine against float64 and a second algorithm, in processes that may die without taking the suite along.

Each family runs in a process; a case that kills it, or never returns, is named, and the rest goes on in another. The small form
takes a share of the combinations; ``make check-engine`` (FOVEAL_ENGINE_BATCHES=12) takes all, with all batch sizes.
"""

from __future__ import annotations

import os

import pytest

from foveal.backends.checking.isolation import Isolated
from foveal.backends.checking.report import Checked
from foveal.network import Sequential, codec
from foveal.network.node import Node
from tests.contracts.engine_cases import FAMILIES, cases

BATCHES = int(os.environ.get("FOVEAL_ENGINE_BATCHES", "0")) or None


def faults(found: list[tuple[Node, tuple[int, ...], int]]) -> list[str]:
    """What is not right, each with its case."""
    parts = [
        (codec.to_dict(Sequential([layer], input_shape=shape)), list(shape), batch) for layer, shape, batch in found
    ]
    task = {"parts": parts, "device": "cpu", "seed": 0, "tolerance": 1e-4}
    outline = {
        number: Checked(f"batch {batch}", repr(layer), str(shape), "", "")
        for number, (layer, shape, batch) in enumerate(found)
    }
    results = Isolated(task, outline, 60.0, lambda checked: None).run()
    assert results.keys() == outline.keys()
    told = []
    for number, checked in results.items():
        if not checked.fine:
            case = outline[number]
            told.append(f"{case.layer} on {case.input}, {case.path}: {checked.verdict} {checked.errors} {checked.note}")
    return told


@pytest.mark.parametrize("family", FAMILIES)
def test_kernels_of_every_size(family: str) -> None:
    wrong = faults(cases(family, BATCHES))
    assert not wrong, f"{len(wrong)} cases, of which the first: " + "\n".join(wrong[:10])
