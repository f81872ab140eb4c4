"""The learning rate over a run: pure functions from the number of a step to the factor on the configured rate.

Steps are counted from 0 over the whole run. Nothing here touches a tensor, so nothing waits for a device.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from foveal.training.config import TrainingConfig

Schedule = Callable[[int], float]
SPANNING = ("cosine", "one-cycle", "triangular")  # laid over all epochs of a run; each fit of a model is such a run
SCHEDULES_THAT_GO_ON = ("constant", "step", "exponential")  # depend on the epoch alone
START_FACTOR = 1 / 25  # of the one-cycle policy's highest rate (fastai's choice, and torch's)


def schedule(config: TrainingConfig, steps_per_epoch: int) -> Schedule:
    """The schedule of a configuration.

    Args:
        config: schedule, warmup, epochs, and the values of the schedule chosen.
        steps_per_epoch: steps in one pass over the training set.

    Returns:
        a function from the step's number (0 … epochs × steps_per_epoch − 1) to a factor from 0 to 1.

    Example:
        >>> rate = schedule(TrainingConfig(epochs=2, schedule="cosine", warmup=0.5), steps_per_epoch=4)
        >>> [round(rate(step), 2) for step in range(8)]
        [0.5, 1.0, 1.0, 0.93, 0.75, 0.5, 0.25, 0.07]
    """
    total = max(1, config.epochs * steps_per_epoch)
    rising = round(config.warmup * steps_per_epoch)
    if config.schedule in SPANNING:  # the others go on in another fit, with the rest of the rise
        rising = min(rising, total - 1)
    rest = max(1, total - rising)
    after: Schedule
    if config.schedule == "step":
        decay = 0.1 if config.decay is None else config.decay
        after = step_decay(decay, config.step_every * steps_per_epoch)
    elif config.schedule == "exponential":
        after = exponential_decay(0.9 if config.decay is None else config.decay, steps_per_epoch)
    elif config.schedule == "cosine":
        after = cosine(rest, config.final_factor)
    elif config.schedule == "one-cycle":
        after = one_cycle(rest, config.peak_at, config.final_factor)
    elif config.schedule == "triangular":
        after = triangular(rest, config.peak_at, config.final_factor)
    else:
        after = constant
    return after if rising == 0 else lambda step: (step + 1) / rising if step < rising else after(step - rising)


def constant(step: int) -> float:
    """The same rate throughout."""
    return 1.0


def step_decay(decay: float, every: float) -> Schedule:
    """decay^⌊step / every⌋: the rate drops at once, every so many steps (He et al. 2015, 3.4, divide by ten)."""
    return lambda step: decay ** math.floor(step / every)


def exponential_decay(decay: float, every: float) -> Schedule:
    """decay^(step / every): the rate falls by the same share every step."""
    return lambda step: decay ** (step / every)


def cosine(total: int, final: float = 0.0) -> Schedule:
    """Half a cosine from 1 to ``final`` (Loshchilov, Hutter 2016, eq. 5, without restarts)."""
    return lambda step: final + (1 - final) * (1 + math.cos(math.pi * min(step, total) / total)) / 2


def one_cycle(total: int, peak_at: float = 0.3, final: float = 0.0) -> Schedule:
    """Half a cosine up from 1/25 to 1, then half a cosine down to ``final`` (Smith, Topin 2017, in fastai's form)."""
    return _up_and_down(total, peak_at, final, lambda share: (1 - math.cos(math.pi * share)) / 2)


def triangular(total: int, peak_at: float = 0.3, final: float = 0.0) -> Schedule:
    """A straight line up from 1/25 to 1, then a straight line down to ``final`` (Smith 2015, one period)."""
    return _up_and_down(total, peak_at, final, lambda share: share)


def _up_and_down(total: int, peak_at: float, final: float, ease: Callable[[float], float]) -> Schedule:
    peak, end = peak_at * total - 1, total - 1

    def factor(step: int) -> float:
        if step <= peak and peak > 0:
            return START_FACTOR + (1 - START_FACTOR) * ease(step / peak)
        return 1 + (final - 1) * ease(min(1.0, (step - peak) / (end - peak)) if end > peak else 1.0)

    return factor
