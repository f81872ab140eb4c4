"""Whether a probability of 0.9 is right nine times in ten: reliability curve, calibration error, proper scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foveal.evaluation.results import Calibration, ReliabilityBin

LEAST = 1e-12
"""Probabilities are raised to this before their logarithm is taken, so that one 0 cannot make the mean infinite."""


def calibrate(confidence: NDArray[np.floating], right: NDArray[np.bool_], bins: int = 15) -> Calibration:
    """The reliability curve over equal-width bins (Guo et al. 2017, section 2; 15 bins, as in their tables).

    Args:
        confidence: (N,) the highest probability of each sample, 0 … 1.
        right: (N,) whether the most probable class was the true one.
        bins: how many bins of equal width part 0 … 1. A bin holds ``low < p ≤ high``, the first also p = 0.

    Returns:
        The curve with ECE = Σ |bin| / N · |accuracy − confidence| and the largest such gap of a bin that is not empty.

    Example:
        >>> found = calibrate(np.array([0.9, 0.9, 0.9, 0.9]), np.array([True, True, True, False]), bins=10)
        >>> round(found.error, 4)                            # 75 % right, 90 % sure
        0.15
    """
    confidence = np.asarray(confidence, dtype=np.float64)
    right = np.asarray(right, dtype=bool)
    edges = np.linspace(0.0, 1.0, bins + 1)
    places = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    sure = np.bincount(places, weights=confidence, minlength=bins)
    good = np.bincount(places, weights=right, minlength=bins)
    gaps = np.abs(good - sure)
    filled = counts > 0
    return Calibration(
        error=float(gaps.sum() / len(confidence)),
        largest=float((gaps[filled] / counts[filled]).max()),
        confidence=float(confidence.mean()),
        accuracy=float(right.mean()),
        bins=tuple(
            ReliabilityBin(
                low=float(edges[i]),
                high=float(edges[i + 1]),
                count=int(counts[i]),
                confidence=float(sure[i] / counts[i]) if counts[i] else None,
                accuracy=float(good[i] / counts[i]) if counts[i] else None,
            )
            for i in range(bins)
        ),
    )


def negative_log_likelihood(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean of −ln p(true class), in nats; p is at least :data:`LEAST`. (N, K) and (N,) in.

    Example:
        >>> round(negative_log_likelihood(np.array([[0.5, 0.5]]), np.array([1])), 4)
        0.6931
    """
    true = probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.clip(true, LEAST, 1.0)).mean())


def brier(probabilities: NDArray[np.floating], labels: NDArray[np.integer]) -> float:
    """Mean over samples of Σ over classes of (p − y)², 0 (perfect) … 2 (sure and wrong). (N, K) and (N,) in.

    Example:
        >>> brier(np.array([[0.0, 1.0], [1.0, 0.0]]), np.array([1, 1]))
        1.0
    """
    target = np.zeros_like(probabilities)
    target[np.arange(len(labels)), labels] = 1.0
    return float(np.square(probabilities - target).sum(axis=1).mean())
