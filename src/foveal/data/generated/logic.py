"""AND, OR and XOR: the four pairs of two bits, and what each function makes of them.

A line separates the ones from the zeros of AND and of OR. None does it for XOR, which is where a single unit ends
(Minsky, Papert 1969, Perceptrons).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import DataSet, Split
from foveal.errors import UnknownName

CLASSES = ("0", "1")
FEATURES = ("first input", "second input")
POINTS: tuple[tuple[int, int], ...] = ((0, 0), (0, 1), (1, 0), (1, 1))
TABLES: dict[str, tuple[int, int, int, int]] = {"and": (0, 0, 0, 1), "or": (0, 1, 1, 1), "xor": (0, 1, 1, 0)}
"""What each function gives for ``POINTS``, in their order."""


def load(name: str = "xor") -> DataSet:
    """A truth table as a :class:`~foveal.data.dataset.DataSet`: four rows of two features, and no test part.

    Args:
        name: ``and``, ``or`` or ``xor``.

    Raises:
        UnknownName: another function.

    Example:
        >>> data = load("xor")
        >>> data.train.images.tolist(), data.train.labels.tolist()
        ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0])
    """
    if name not in TABLES:
        raise UnknownName(
            "there is no truth table of this name",
            where="foveal.data.generated.logic",
            given=repr(name),
            expected=", ".join(TABLES),
            fix=list(TABLES),
        )
    part = Split(np.array(POINTS, dtype=np.float32), np.array(TABLES[name], dtype=np.int64))
    return DataSet(name, CLASSES, part, None, "a truth table")


def examples(count: int = 4, name: str = "xor") -> list[tuple[NDArray[np.float32], str]]:
    """The first ``count`` rows, each with its answer.

    Example:
        >>> [(row.tolist(), answer) for row, answer in examples(2)]
        [([0.0, 0.0], '0'), ([0.0, 1.0], '1')]
    """
    part = load(name).train
    return [(row, CLASSES[int(label)]) for row, label in zip(part.images[:count], part.labels[:count], strict=True)]
