"""What an embedding is measured by: which pictures, which pairs of them, and figures of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.evaluation.similarity import unit_rows

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import Split
    from foveal.evaluation.verification import Verification

DRAWS = 100  # of the bootstrap
LOOKED_AT = 3000  # pictures of held-out classes, and then of all classes alike, whose pairs are measured at most


@dataclass(frozen=True)
class Measured:
    """One representation of pictures, measured on pairs.

    Attributes:
        among: pairs of pictures of the held-out classes.
        against: pairs of a picture of a held-out class and a picture of any class.
        recall: share of pictures of held-out classes whose nearest other picture, of all classes, is of their class.
        recall_among: the same, sought among the held-out classes only.
    """

    among: Verification
    against: Verification
    recall: float
    recall_among: float

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        told: dict[str, Any] = {"recall_at_1": self.recall, "recall_at_1_among": self.recall_among}
        for name, found in (("among", self.among), ("against", self.against)):
            told[name] = {
                "auc": found.auc, "low": found.low, "high": found.high, "equal_error": found.equal_error,
                "threshold": found.threshold, "pairs": found.pairs, "same": found.same,
            }  # fmt: skip
        return told


def without(part: Split, classes: NDArray[np.int64]) -> Split:
    """The pictures of all other classes."""
    return part.take(np.flatnonzero(~np.isin(part.labels, classes)))


def looked_at(part: Split, held: NDArray[np.int64]) -> Split:
    """The first pictures of each class: up to ``LOOKED_AT`` of held-out classes, and of others as if all came to so many."""
    present = np.unique(part.labels)
    most = {int(k): LOOKED_AT // (len(held) if k in held else len(present)) for k in present}
    return part.take(np.concatenate([np.flatnonzero(part.labels == k)[: most[int(k)]] for k in present]))


def evenly(labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first pictures of each class, of each as many: a nearest neighbour should find all classes equally often.

    Example:
        >>> evenly(np.array([0, 0, 0, 1, 1])).tolist()
        [0, 1, 3, 4]
    """
    present, counts = np.unique(labels, return_counts=True)
    return np.concatenate([np.flatnonzero(labels == k)[: counts.min()] for k in present])


def embedded(module: Network, images: NDArray[np.uint8], mirror: bool) -> NDArray[np.float32]:
    """The embeddings of pictures, N × dimensions, each of length 1.

    Args:
        module: the network.
        images: uint8, N × height × width × channels.
        mirror: the direction between those of a picture and of its mirror image, for things that are the same in a mirror.
    """
    found = module.predict(images)
    if mirror:
        found = found + module.predict(np.ascontiguousarray(images[:, :, ::-1]))
    return unit_rows(found)


def measured(
    vectors: NDArray[Any], labels: NDArray[np.int64], held: NDArray[np.int64], seed: int, draws: int = 0
) -> Measured:
    """Verify pairs of pictures of the held-out classes, and of those with pictures of all classes, of each as many."""
    from foveal.evaluation.verification import pairs_of, recall_at_one, verify

    inside, even = np.isin(labels, held), evenly(labels)
    own, own_labels = vectors[inside], labels[inside]
    return Measured(
        among=verify(pairs_of(own, own_labels), own_labels, draws=draws, seed=seed),
        against=verify(pairs_of(vectors[even], labels[even], held)),
        recall=recall_at_one(vectors[even], labels[even], held),
        recall_among=recall_at_one(own, own_labels),
    )


def rates(
    vectors: NDArray[Any], labels: NDArray[np.int64], held: NDArray[np.int64], threshold: float
) -> dict[str, dict[str, float]]:
    """How often the threshold is right: shares of same pairs accepted and of different pairs refused."""
    from foveal.evaluation.verification import pairs_of

    inside, even = np.isin(labels, held), evenly(labels)
    asked = {
        "among": pairs_of(vectors[inside], labels[inside]),
        "against": pairs_of(vectors[even], labels[even], held),
    }
    return {
        name: {
            "same_accepted": float((pairs.distances[pairs.same] <= threshold).mean()),
            "different_refused": float((pairs.distances[~pairs.same] > threshold).mean()),
        }
        for name, pairs in asked.items()
    }
