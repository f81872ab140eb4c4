"""How sure a share measured on a sample is: Wilson's score interval."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist

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
