"""How sure a measurement is: Wilson's interval of a share, Student's of a mean over seeds or draws, the bootstrap of all else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    from scipy.special import stdtrit

    mean = fmean(values)
    spread = float(stdtrit(len(values) - 1, (1 + level) / 2)) * stdev(values) / sqrt(len(values))
    return Interval(mean - spread, mean + spread, level)


def mean_of(values: Sequence[float], level: float = 0.95) -> dict[str, float]:
    """The mean and the ends of :func:`student`'s interval, as reports and JSON have them.

    Example:
        >>> {name: round(value, 3) for name, value in mean_of([0.8, 0.9, 1.0]).items()}
        {'mean': 0.9, 'low': 0.652, 'high': 1.148}
    """
    interval = student(values, level)
    return {"mean": float(np.mean(values)), "low": interval.low, "high": interval.high}


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


def resampled(
    statistic: Callable[[NDArray[np.int64]], float],
    groups: NDArray[Any],
    *,
    draws: int,
    seed: int | Sequence[int],
) -> NDArray[np.float64]:
    """What a statistic comes to when the samples are drawn anew, with replacement, as many of each group as there are.

    Args:
        statistic: of how often each sample was drawn, (N,) whole numbers that sum to N.
        groups: (N,) which group each sample belongs to; zeros where all may stand for all.
        draws: how many times all of them are drawn.
        seed: of the draws.

    Returns:
        (draws,).

    Example:
        >>> resampled(lambda times: times[0], np.array([0, 1, 1]), draws=3, seed=0).tolist()  # alone in its group
        [1.0, 1.0, 1.0]
    """
    random = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == each) for each in np.unique(groups)]
    values = np.empty(draws)
    times = np.zeros(len(groups), np.int64)
    for draw in range(draws):
        for own in members:
            times[own] = np.bincount(random.integers(0, len(own), len(own)), minlength=len(own))
        values[draw] = statistic(times)
    return values


def bootstrap(
    statistic: Callable[[NDArray[np.int64]], float],
    samples: int | NDArray[Any],
    *,
    draws: int = 1000,
    seed: int | Sequence[int] = 0,
    level: float = 0.95,
) -> Interval:
    """The percentile interval of any statistic (Efron 1979, Annals of Statistics 7).

    What is not independent is drawn together: lines and not their characters, pictures and not their pairs.

    Args:
        statistic: of how often each sample was drawn; see :func:`resampled`.
        samples: how many there are, or (N,) the group of each, within which they are drawn.
        draws: how many times all samples are drawn.
        seed: of the draws.
        level: how often such intervals cover the truth, between 0 and 1.

    Example:
        >>> right, lines = np.array([5, 5, 2]), np.array([5, 5, 4])
        >>> found = bootstrap(lambda times: (times * right).sum() / (times * lines).sum(), 3)
        >>> found.low, found.high
        (0.5, 1.0)
    """
    groups = np.zeros(samples) if isinstance(samples, int) else samples
    values = resampled(statistic, groups, draws=draws, seed=seed)
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high), level)


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
