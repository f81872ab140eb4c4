"""How well labels are ranked where a document has several: precision at k, nDCG at k, average precision of a label.

The measures of extreme multi-label classification (Liu, Chang, Wu, Yang 2017, section 4.3; Bhatia et al., the Extreme
Classification Repository). Scores are (N, labels), higher is likelier; targets are (N, labels) of 0 and 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[Any]


def ranked(scores: Numbers, count: int) -> NDArray[np.int64]:
    """The ``count`` best labels of each document, best first; of equal scores the label with the smaller number first.

    Example:
        >>> ranked(np.array([[0.1, 0.9, 0.9]]), 2).tolist()
        [[1, 2]]
    """
    return np.argsort(-np.asarray(scores, np.float64), axis=1, kind="stable")[:, :count].astype(np.int64)


def hits(scores: Numbers, targets: Numbers, count: int) -> Floats:
    """Whether each of the ``count`` best labels is one: (N, count) of 0 and 1; places that no label has are 0."""
    found = np.take_along_axis(np.asarray(targets, np.float64), ranked(scores, count), 1)
    return np.pad(found, ((0, 0), (0, count - found.shape[1])))


def precision_at(scores: Numbers, targets: Numbers, k: int) -> Floats:
    """For each document, the share of its ``k`` best labels that are right.

    A document with fewer than k labels cannot reach 1; see :func:`best_precision`.

    Example:
        >>> precision_at(np.array([[3.0, 2.0, 1.0]]), np.array([[1, 0, 1]]), 2).tolist()
        [0.5]
    """
    return np.asarray(hits(scores, targets, k).sum(1) / k)


def best_precision(targets: Numbers, k: int) -> Floats:
    """What a perfect ranking would reach: min(k, labels of the document) / k.

    Example:
        >>> best_precision(np.array([[1, 0, 1]]), 5).tolist()
        [0.4]
    """
    return np.asarray(np.minimum(np.asarray(targets).sum(1), k) / k)


def ndcg_at(scores: Numbers, targets: Numbers, k: int) -> Floats:
    """Discounted cumulative gain over that of a perfect ranking: Σ_{i ≤ k} hit_i / log₂(i + 1), divided by its largest value.

    A document without labels has 0. Järvelin, Kekäläinen 2002.

    Example:
        >>> ndcg_at(np.array([[3.0, 2.0, 1.0]]), np.array([[0, 1, 0]]), 3).round(4).tolist()  # 1 / log₂ 3
        [0.6309]
    """
    weights = 1.0 / np.log2(np.arange(k) + 2.0)
    gained = hits(scores, targets, k) @ weights
    possible = np.concatenate([[0.0], np.cumsum(weights)])[np.minimum(np.asarray(targets).sum(1).astype(int), k)]
    return np.asarray(np.divide(gained, possible, out=np.zeros_like(gained), where=possible > 0))


def average_precision(scores: Numbers, targets: Numbers) -> Floats:
    """For each label, the mean of the precision at each document that has it, documents ranked by the label's score.

    NaN for a label that no document has. Equal scores count as one step, as in scikit-learn.

    Example:
        >>> average_precision(np.array([[0.9], [0.5], [0.1]]), np.array([[1], [0], [1]])).round(4).tolist()  # (1 + 2/3) / 2
        [0.8333]
    """
    from sklearn.metrics import average_precision_score

    given = np.asarray(targets)
    return np.array(
        [
            average_precision_score(given[:, i], np.asarray(scores)[:, i]) if given[:, i].any() else np.nan
            for i in range(given.shape[1])
        ]
    )


def summary(scores: Numbers, targets: Numbers, ranks: Sequence[int] = (1, 3, 5)) -> dict[str, float]:
    """Precision and nDCG at each rank, means over documents.

    Example:
        >>> summary(np.array([[3.0, 2.0]]), np.array([[1, 0]]), ranks=[1])
        {'precision_at_1': 1.0, 'ndcg_at_1': 1.0}
    """
    told = {f"precision_at_{k}": float(precision_at(scores, targets, k).mean()) for k in ranks}
    return told | {f"ndcg_at_{k}": float(ndcg_at(scores, targets, k).mean()) for k in ranks}
