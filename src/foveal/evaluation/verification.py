"""Are two pictures of the same thing? What a distance between them is worth as an answer, for things never seen in training.

Every pair of pictures is one question; the smaller the distance, the rather the answer is yes. Two pictures give one pair, a
thousand half a million, so pairs are far from independent: an interval draws pictures anew, not pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.evaluation.intervals import bootstrap
from foveal.evaluation.similarity import neighbours

Vectors = NDArray[np.floating]
Labels = NDArray[np.integer]
_BINS = 4096  # of the bootstrap's histograms, each with as many pairs as any other
_POINTS = 160  # of a curve that is drawn


@shown_briefly
@dataclass(frozen=True)
class Pairs:
    """Pairs of pictures: how far apart, and whether they are of one class.

    Attributes:
        distances: squared Euclidean, (P,).
        same: (P,).
        first, second: which pictures, (P,) each.
    """

    distances: NDArray[np.float32]
    same: NDArray[np.bool_]
    first: NDArray[np.int64]
    second: NDArray[np.int64]


@shown_briefly
@dataclass(frozen=True)
class Verification:
    """How well a distance tells same from different.

    Attributes:
        auc: the probability that of two pairs, one same and one different, the same one is closer (area under the ROC).
        low, high: its 95 % interval, over pictures drawn anew; None where it was not asked for.
        equal_error: the error rate where as many same pairs are refused as different ones are accepted.
        threshold: the squared distance at which that is.
        false_accepted, true_accepted: the ROC, thinned for drawing.
        pairs, same: how many, and how many of them are of one class.
    """

    auc: float
    low: float | None
    high: float | None
    equal_error: float
    threshold: float
    false_accepted: NDArray[np.float64]
    true_accepted: NDArray[np.float64]
    pairs: int
    same: int


def squared_distances(a: Vectors, b: Vectors) -> NDArray[np.float32]:
    """‖a_i − b_j‖² for rows of two arrays, N × M.

    Example:
        >>> squared_distances(np.eye(2), np.eye(2)).tolist()
        [[0.0, 2.0], [2.0, 0.0]]
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1)[None, :] - 2 * (a @ b.T)
    return np.asarray(np.maximum(squares, 0.0), np.float32)


def pairs_of(vectors: Vectors, labels: Labels, asked: Labels | None = None) -> Pairs:
    """All pairs of different pictures.

    Args:
        vectors: (N, K).
        labels: (N,).
        asked: only pairs with at least one picture of these classes; None for all pairs.

    Example:
        >>> found = pairs_of(np.eye(3), np.array([0, 0, 1]), asked=np.array([1]))
        >>> found.first.tolist(), found.second.tolist(), found.same.tolist()
        ([0, 1], [2, 2], [False, False])
    """
    first, second = np.triu_indices(len(labels), 1)
    if asked is not None:
        inside = np.isin(labels, asked)
        kept = inside[first] | inside[second]
        first, second = first[kept], second[kept]
    distances = squared_distances(vectors, vectors)[first, second]
    return Pairs(distances, labels[first] == labels[second], first, second)


def verify(pairs: Pairs, labels: Labels | None = None, *, draws: int = 0, seed: int = 0) -> Verification:
    """The ROC of the distances, its area and its equal error.

    Args:
        pairs: both kinds, at least one of each.
        labels: of the pictures, for the interval: pictures are drawn anew within each class.
        draws: how often; 0 for no interval.
        seed: of the draws.

    Example:
        >>> found = verify(pairs_of(np.array([[0.0], [0.1], [1.0], [1.1]]), np.array([0, 0, 1, 1])))
        >>> found.auc, found.equal_error
        (1.0, 0.0)
    """
    from sklearn.metrics import roc_auc_score, roc_curve

    false_accepted, true_accepted, limits = roc_curve(pairs.same, -pairs.distances)
    refused = 1 - true_accepted
    at = int(np.abs(refused - false_accepted).argmin())
    thinned = np.unique(np.searchsorted(false_accepted, np.linspace(0, 1, _POINTS) ** 2).clip(0, len(limits) - 1))
    low = high = None
    if draws and labels is not None:
        interval = bootstrap(binned_area(pairs), labels, draws=draws, seed=[seed, 11])
        low, high = interval.low, interval.high
    return Verification(
        auc=float(roc_auc_score(pairs.same, -pairs.distances)),
        low=low,
        high=high,
        equal_error=float((refused[at] + false_accepted[at]) / 2),
        threshold=float(-limits[at]),
        false_accepted=false_accepted[thinned],
        true_accepted=true_accepted[thinned],
        pairs=len(pairs.same),
        same=int(pairs.same.sum()),
    )


def binned_area(pairs: Pairs) -> Callable[[NDArray[np.int64]], float]:
    """The area under the ROC as a function of how often each picture was drawn, for :func:`foveal.evaluation.intervals.bootstrap`.

    A picture drawn twice counts twice in each of its pairs; a pair of a picture with itself does not count. Distances are
    sorted into bins with equally many pairs, within which order is taken as even: no visible error, and far faster.
    """
    edges = np.quantile(pairs.distances, np.linspace(0, 1, _BINS + 1)[1:-1])
    bins = np.searchsorted(edges, pairs.distances, side="right").astype(np.int32)
    parts = [(bins[chosen], pairs.first[chosen], pairs.second[chosen]) for chosen in (pairs.same, ~pairs.same)]

    def area(times: NDArray[np.int64]) -> float:
        same, other = (np.bincount(b, times[i] * times[j], _BINS) for b, i, j in parts)
        below = np.cumsum(same) - same / 2  # same pairs closer than a different pair of this bin; ties count half
        return float((below * other).sum() / (same.sum() * other.sum()))

    return area


def recall_at_one(vectors: Vectors, labels: Labels, asked: Labels | None = None) -> float:
    """The share of pictures (of the classes asked for) whose nearest other picture is of their class.

    Example:
        >>> recall_at_one(np.array([[0.0], [0.1], [0.3], [0.9]]), np.array([0, 0, 1, 1]))
        0.75
    """
    rows = np.arange(len(labels)) if asked is None else np.flatnonzero(np.isin(labels, asked))
    return float((labels[neighbours(vectors, 1, euclidean=True, rows=rows)[0][:, 0]] == labels[rows]).mean())
