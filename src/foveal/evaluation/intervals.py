"""How sure a measurement is: Wilson's score interval of a share, Student's of a mean over seeds or draws."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf, sqrt
from statistics import NormalDist, fmean, stdev

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
