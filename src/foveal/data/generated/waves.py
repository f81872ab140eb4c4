"""Waveforms in noise: six kinds of periodic signal, each with a frequency, phase, size and level of its own.

What tells a square wave from a triangle is the shape of a few samples, wherever in time they lie: the case for a convolution
along time. The noise is white, and as strong as is asked for, so that accuracy can be drawn against it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.errors import DataError

Floats = NDArray[np.float64]

CLASSES = ("sine", "square", "triangle", "sawtooth", "chirp", "pulse")
NOISE = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0)
"""Standard deviations of the noise, the signal's own being 1: at 1 noise and signal are equally strong (0 dB)."""
LENGTH, TRAIN, TEST = 128, 12_000, 4_200
CYCLES = (2.0, 8.0)
"""Periods within the 128 samples; the shortest is 16 samples long at any length."""
_TRAIN_PART, _TEST_PART = 1, 2


@shown_briefly
@dataclass(frozen=True, eq=False)
class Signals:
    """Signals of one part of the data.

    Attributes:
        values: float32 (N, length, 1), with their noise.
        clean: float32 (N, length, 1), the same without.
        labels: int64 (N,), places in ``CLASSES``.
        noise: float32 (N,), the noise's standard deviation in units of the signal's.
    """

    values: NDArray[np.float32]
    clean: NDArray[np.float32]
    labels: NDArray[np.int64]
    noise: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: NDArray[np.int64] | Sequence[int]) -> Signals:
        """The signals at ``indices``, in that order."""
        index = np.asarray(indices, dtype=np.int64)
        return Signals(self.values[index], self.clean[index], self.labels[index], self.noise[index])


@shown_briefly
@dataclass(frozen=True, eq=False)
class Waves:
    """A training and a test part, drawn independently.

    Attributes:
        train, test: the parts; every class is equally frequent in each, and every level of noise equally frequent in a class.
        classes: names, in the order of the labels.
        levels: the levels of noise.
    """

    train: Signals
    test: Signals
    classes: tuple[str, ...] = CLASSES
    levels: tuple[float, ...] = NOISE


def load(
    seed: int = 0, train: int = TRAIN, test: int = TEST, length: int = LENGTH, noise: Sequence[float] = NOISE
) -> Waves:
    """Draw the signals.

    Each is size × (wave(cycles · t / length + phase) + level + σ · white noise), the wave brought to mean 0 and variance 1:
    2 to 8 cycles (for 128 samples, evenly in the logarithm), any phase, a size of ½ to 2, a level of −1 to 1.

    Args:
        seed: of everything; the same seed gives the same bits.
        train, test: how many signals each part has.
        length: samples of a signal, at least 32.
        noise: the levels σ.

    Raises:
        DataError: nothing to draw, signals too short to hold two periods, or a level below 0.

    Example:
        >>> waves = load(seed=1, train=12, test=84)
        >>> waves.train.values.shape, waves.test.values.dtype, np.bincount(waves.train.labels).tolist()
        ((12, 128, 1), dtype('float32'), [2, 2, 2, 2, 2, 2])
    """
    levels = tuple(float(level) for level in noise)
    if min(train, test) < 1 or length < 32 or not levels or min(levels) < 0:
        raise DataError(
            "these waves cannot be drawn",
            where="foveal.data.generated.waves",
            given=f"train={train}, test={test}, length={length}, noise={list(levels)}",
            expected="a signal of each part at least, 32 samples or more, and levels of noise of 0 or more",
            fix=f"load(seed, train={TRAIN}, test={TEST}, length={LENGTH})",
        )
    learned = _part(seed, _TRAIN_PART, train, length, levels)
    return Waves(learned, _part(seed, _TEST_PART, test, length, levels), levels=levels)


def examples(count: int = 6, seed: int = 0) -> list[tuple[NDArray[np.float32], str]]:
    """``count`` signals to look at (length × 1), each with its class and its noise.

    Example:
        >>> [(signal.shape, told) for signal, told in examples(2)]
        [((128, 1), 'sine, noise 0'), ((128, 1), 'square, noise 0')]
    """
    part = load(seed, train=count, test=1).train
    return [(part.values[i], f"{CLASSES[part.labels[i]]}, noise {part.noise[i]:g}") for i in range(count)]


def wave(kind: str, cycles: Floats, phase: Floats, length: int = LENGTH, duty: Floats | None = None) -> Floats:
    """Clean signals of one kind, each of mean 0 and variance 1.

    Args:
        kind: one of ``CLASSES``.
        cycles: (N,) periods within the signal; a chirp begins at two thirds of that rate and ends at four thirds.
        phase: (N,) where in its period each begins, 0 to 1.
        length: samples.
        duty: (N,) the share of a period that a pulse lasts; an eighth by default.

    Returns:
        (N, length).

    Example:
        >>> np.round(wave("square", np.array([2.0]), np.array([0.0]), 8), 3).tolist()
        [[1.0, 1.0, -1.0, -1.0, 1.0, 1.0, -1.0, -1.0]]
    """
    t = np.arange(length) / length
    turns = np.asarray(cycles)[:, None] * (t * (2 + t) / 3 if kind == "chirp" else t) + phase[:, None]
    place = turns % 1.0
    if kind in ("sine", "chirp"):
        values = np.sin(2 * np.pi * turns)
    elif kind == "square":
        values = np.where(place < 0.5, 1.0, -1.0)
    elif kind == "triangle":
        values = 1 - 4 * np.abs(place - 0.5)
    elif kind == "sawtooth":
        values = 2 * place - 1
    else:
        share = np.full(len(turns), 0.125) if duty is None else duty
        values = np.where(place < share[:, None], 1.0, 0.0)
    values = values - values.mean(1, keepdims=True)
    return np.asarray(values / values.std(1, keepdims=True))


def _part(seed: int, number: int, count: int, length: int, levels: tuple[float, ...]) -> Signals:
    random = np.random.default_rng([seed, number])
    labels = np.arange(count) % len(CLASSES)
    noise = np.array(levels)[np.arange(count) // len(CLASSES) % len(levels)]
    low, high = (cycles * length / LENGTH for cycles in CYCLES)
    cycles = np.exp(random.uniform(np.log(low), np.log(high), count))
    phase, duty = random.uniform(0, 1, count), random.uniform(0.1, 0.2, count)
    size = np.exp2(random.uniform(-1, 1, count))[:, None]
    level = random.uniform(-1, 1, count)[:, None]
    white = random.standard_normal((count, length))
    clean = np.empty((count, length))
    for label, kind in enumerate(CLASSES):
        of_kind = labels == label
        clean[of_kind] = wave(kind, cycles[of_kind], phase[of_kind], length, duty[of_kind])
    noisy = size * (clean + level + noise[:, None] * white)
    return Signals(
        noisy.astype(np.float32)[..., None],
        (size * (clean + level)).astype(np.float32)[..., None],
        labels.astype(np.int64),
        noise.astype(np.float32),
    )
