"""What to know of a data set before trusting a score on it: the balance of its classes, and pictures that occur twice.

A picture of the test part that is also in the training part makes the score look better than it is. Only exact copies
are found here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from foveal.data.brief import shown_briefly
from foveal.data.dataset import DataSet, Images
from foveal.printable import counted


@shown_briefly
@dataclass(frozen=True)
class Audit:
    """The findings; indices count from 0 within their part.

    Attributes:
        train_counts, test_counts: pictures a class, in the order of the classes; no test counts without a test part.
        imbalance: the largest training class over the smallest one; infinite where one is empty.
        repeated: training pictures that are copies of an earlier training picture.
        leaked: pairs (training picture, test picture) that are the same picture.
        contradictions: pairs of training pictures that are the same and have different labels.
    """

    train_counts: tuple[int, ...]
    test_counts: tuple[int, ...] | None
    imbalance: float
    repeated: tuple[int, ...]
    leaked: tuple[tuple[int, int], ...]
    contradictions: tuple[tuple[int, int], ...]

    def findings(self) -> list[str]:
        """One sentence for each thing that deserves attention; none for a clean data set."""
        lines = []
        if sum(count > 0 for count in self.train_counts) == 1:
            lines.append("all of the training part is of one class: no classifier can learn from it")
        if self.leaked:
            leaked = len({test for _, test in self.leaked})
            is_too = "is a training picture too" if leaked == 1 else "are training pictures too"
            lines.append(f"{counted(leaked, 'test picture')} {is_too}: the test score flatters")
        if self.contradictions:
            lines.append(f"the same training picture with another label: {counted(len(self.contradictions), 'time')}")
        if self.repeated:
            is_copy = "is a copy of another one" if len(self.repeated) == 1 else "are copies of others"
            lines.append(f"{counted(len(self.repeated), 'training picture')} {is_copy}")
        if 1.5 < self.imbalance < float("inf"):
            lines.append(f"the largest class has {self.imbalance:.3g} times as many training samples as the smallest")
        return lines


def audit(data: DataSet) -> Audit:
    """Look a data set over.

    Example:
        >>> from foveal.data import from_arrays
        >>> pictures = np.zeros((3, 4, 4), np.uint8)
        >>> pictures[1] = 9
        >>> found = audit(from_arrays(pictures, [0, 1, 1], pictures[1:2], [1]))
        >>> found.repeated, found.leaked, found.contradictions
        ((2,), ((1, 0),), ((0, 2),))
    """
    classes = len(data.classes)
    counts = data.train.counts(classes)
    places: dict[bytes, list[int]] = defaultdict(list)
    for index, key in enumerate(_keys(data.train.images)):
        places[key].append(index)
    twins = [same for same in places.values() if len(same) > 1]
    labels = data.train.labels
    contradictions = tuple((same[0], i) for same in twins for i in same[1:] if labels[i] != labels[same[0]])
    leaked: list[tuple[int, int]] = []
    if data.test is not None:
        leaked = [(places[key][0], i) for i, key in enumerate(_keys(data.test.images)) if key in places]
    return Audit(
        train_counts=tuple(counts.tolist()),
        test_counts=tuple(data.test.counts(classes).tolist()) if data.test is not None else None,
        imbalance=float(counts.max() / counts.min()) if counts.min() else float("inf"),
        repeated=tuple(sorted(i for same in twins for i in same[1:])),
        leaked=tuple(leaked),
        contradictions=contradictions,
    )


def _keys(images: Images) -> list[bytes]:
    rows = np.ascontiguousarray(images).reshape(len(images), -1)
    return [hashlib.blake2b(row.tobytes(), digest_size=16).digest() for row in rows]
