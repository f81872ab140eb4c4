"""Search by similarity, measured: nearest neighbours, how often they are of the same class, and clusters against classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SCORES = 1 << 24  # held at once: of some queries with all rows
_ROWS = 5000  # made float64 at once


def unit_rows(values: NDArray[Any]) -> NDArray[np.float32]:
    """Rows divided by their length, so that the dot product of two is the cosine of the angle between them.

    Args:
        values: (N, …); axes beyond the first are laid out in one row.

    Returns:
        (N, n); rows of zeros stay so.

    Example:
        >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]])).round(3).tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    values = _rows(values).astype(np.float32)
    length = np.linalg.norm(values, axis=1, keepdims=True)
    return np.asarray(values / np.where(length > 0, length, 1), np.float32)


def neighbours(
    values: NDArray[Any],
    count: int,
    *,
    euclidean: bool = False,
    queries: NDArray[Any] | None = None,
    rows: NDArray[np.integer[Any]] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The nearest rows of ``values`` for each of them, itself left out, or for each of ``queries``.

    Args:
        values: (N, …); axes beyond the first are laid out in one row.
        count: how many; at most N − 1, or N for queries from elsewhere.
        euclidean: nearest by distance, in float64, not by cosine.
        queries: (M, …), not among ``values``.
        rows: (M,) which rows of ``values`` are asked for; None for all.

    Returns:
        indices (M, count), the nearest first, and cosines (or minus half the squared distances) of the same shape. Of equals
        the one that comes first.

    Example:
        >>> found, cosines = neighbours(np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.1]]), 1)
        >>> found[:, 0].tolist(), cosines[0].round(3).tolist()
        ([2, 2, 0], [0.9950000047683716])
        >>> neighbours(np.array([[0.0], [3.0], [5.0]]), 1, euclidean=True, rows=np.array([1]))[0].tolist()
        [[2]]
    """
    given = _rows(values) if euclidean else unit_rows(values)
    own = np.arange(len(given)) if rows is None else np.asarray(rows)
    if queries is not None:
        asked = _rows(queries) if euclidean else unit_rows(queries)
    else:
        asked = given if rows is None else given[own]
    count = min(count, len(given) - (queries is None))
    found = np.empty((len(asked), count), np.int64)
    near = np.empty((len(asked), count), np.float32)
    several = max(1, _SCORES // len(given))
    for start in range(0, len(asked), several):
        block = asked[start : start + several]
        scores = _scores(block, given, euclidean)
        if queries is None:
            scores[np.arange(len(block)), own[start : start + several]] = -np.inf
        # All that are at least as near as the last wanted one, then by nearness and index: no tie depends on the algorithm.
        best = np.argsort(-scores, axis=1, kind="stable")[:, :count] if len(given) < 64 else _best(scores, count)
        found[start : start + len(block)] = best
        near[start : start + len(block)] = np.take_along_axis(scores, best, 1)
    return found, near


def _rows(values: NDArray[Any]) -> NDArray[Any]:
    values = np.asarray(values)
    return values.reshape(len(values), -1)


def _scores(block: NDArray[Any], values: NDArray[Any], euclidean: bool) -> NDArray[Any]:
    """Cosines, or minus half the squared distances; a few thousand rows at once are made float64, not a whole album."""
    if not euclidean:
        return np.asarray(block @ values.T)
    wide = block.astype(np.float64)
    parts = (values[at : at + _ROWS].astype(np.float64) for at in range(0, len(values), _ROWS))
    scores = np.concatenate([wide @ part.T - (part**2).sum(1) / 2 for part in parts], axis=1)
    return np.asarray(scores - ((wide**2).sum(1) / 2)[:, None])


def _best(scores: NDArray[Any], count: int) -> NDArray[np.int64]:
    """The ``count`` largest of each row, the largest first, of equals the first."""
    several = min(scores.shape[1], count + 16)
    part = np.sort(np.argpartition(-scores, several - 1, axis=1)[:, :several], axis=1)
    order = np.argsort(-np.take_along_axis(scores, part, 1), axis=1, kind="stable")[:, :count]
    return np.asarray(np.take_along_axis(part, order, 1), np.int64)


def same_class(found: NDArray[np.int64], labels: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(N, count): whether each neighbour is of its query's class. The first column's mean is recall@1."""
    return np.asarray(labels[found] == labels[:, None])


def clusters(values: NDArray[Any], count: int, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """k-means of unit rows (scikit-learn, best of four starts, one thread so that its bits repeat), largest cluster first.

    Args:
        values: (N, n).
        count: clusters; fewer where there are not so many rows.
        seed: of the starts.

    Returns:
        the cluster of each row (N,), and the centres (count, n).
    """
    from sklearn.cluster import KMeans
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        fitted = KMeans(min(count, len(values)), n_init=4, random_state=seed).fit(unit_rows(values))
    order = np.argsort(-np.bincount(fitted.labels_, minlength=len(fitted.cluster_centers_)), kind="stable")
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[fitted.labels_].astype(np.int64), fitted.cluster_centers_[order].astype(np.float64)


def purity(found: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """The share of samples that belong to the most frequent class of their cluster (Manning et al. 2008, section 16.3).

    Example:
        >>> purity(np.array([0, 0, 0, 1, 1]), np.array([7, 7, 8, 9, 9]))
        0.8
    """
    most = sum(int(np.bincount(labels[found == each]).max()) for each in np.unique(found))
    return most / len(labels)


def mutual_information(found: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """Normalised mutual information of clusters and classes, 0 to 1 (scikit-learn; arithmetic mean of the entropies)."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(labels, found))
