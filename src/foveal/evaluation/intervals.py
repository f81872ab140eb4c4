"""How sure a measurement is: Wilson's score interval of a share, Student's of a mean over seeds or draws."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, isfinite, sqrt
from statistics import NormalDist, fmean, stdev
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.evaluation.results import Interval


def wilson(successes: int, trials: int, level: float = 0.95) -> Interval:
    """Wilson's score interval of a proportion (Wilson, 1927, JASA 22).

    Unlike "p ± 1.96 s" it stays inside 0…1 and is right near both ends, where good classifiers live.

    Args:
        successes: samples that were right, 0 … ``trials``.
        trials: samples in all, at least 1.
        level: how often such intervals cover the truth, between 0 and 1.

    Raises:
        ValueError: counts or level out of range.

    Example:
        >>> interval = wilson(9, 10)
        >>> f"{interval.low:.3f} … {interval.high:.3f}"
        '0.596 … 0.982'
    """
    if not (trials >= 1 and 0 <= successes <= trials and 0 < level < 1):
        raise ValueError(f"no interval for {successes} of {trials} at level {level}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    share = successes / trials
    centre = share + z * z / (2 * trials)
    spread = z * sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low = 0.0 if successes == 0 else (centre - spread) / scale
    high = 1.0 if successes == trials else (centre + spread) / scale
    return Interval(low, high, level)


def student(values: Sequence[float], level: float = 0.95) -> Interval:
    """Student's interval of the mean of a few independent measurements (Student, 1908, Biometrika 6).

    Args:
        values: one a seed or a draw; a single one says nothing of its spread, and its interval has no ends.
        level: how often such intervals cover the true mean, between 0 and 1.

    Raises:
        ValueError: no values, or the level out of range.

    Example:
        >>> interval = student([0.8, 0.9, 1.0])
        >>> f"{interval.low:.3f} … {interval.high:.3f}"
        '0.652 … 1.148'
    """
    if not (values and 0 < level < 1):
        raise ValueError(f"no interval for {len(values)} values at level {level}")
    if len(values) == 1:
        return Interval(-inf, inf, level)
    from scipy.special import stdtrit  # type: ignore[import-untyped]

    mean = fmean(values)
    spread = float(stdtrit(len(values) - 1, (1 + level) / 2)) * stdev(values) / sqrt(len(values))
    return Interval(mean - spread, mean + spread, level)


def paired(first: NDArray[Any], second: NDArray[Any], level: float = 0.95) -> tuple[float, Interval]:
    """By how much the first of two answers to the same samples is right more often, with a normal interval.

    The differences are 1, 0 or −1 a sample; their mean and its standard error need no assumption on how often both are right
    together, which is what makes a paired comparison sharper than two separate intervals.

    Args:
        first, second: (N,) whether each answer was right, or two measurements of each sample.
        level: how often such intervals cover the true difference.

    Example:
        >>> difference, interval = paired(np.arange(100) < 60, np.arange(100) < 40)
        >>> f"{difference:.2f}: {interval.low:.3f} … {interval.high:.3f}"
        '0.20: 0.121 … 0.279'
    """
    differences = np.asarray(first, float) - np.asarray(second, float)
    mean = float(differences.mean())
    if len(differences) < 2:
        return mean, Interval(-inf, inf, level)
    error = NormalDist().inv_cdf((1 + level) / 2) * float(differences.std(ddof=1)) / sqrt(len(differences))
    return mean, Interval(mean - error, mean + error, level)


def in_percent(low: float, high: float, digits: int = 1) -> str:
    """The ends of an interval of shares or their differences, in percent.

    Example:
        >>> in_percent(-0.0071, 0.026)
        '−0.7 to 2.6'
    """
    return ends(100 * low, 100 * high, digits)


def ends(low: float | None, high: float | None, digits: int = 4) -> str:
    """The ends of an interval as people write them; a single measurement tells none (JSON has None for infinity).

    Example:
        >>> ends(0.7435, 0.76028), ends(-inf, inf)
        ('0.7435 to 0.7603', 'not known')
    """
    if low is None or high is None or not (isfinite(low) and isfinite(high)):
        return "not known"
    return f"{low:.{digits}f} to {high:.{digits}f}".replace("-", "−")
