"""The adding problem: remember a number until a second one comes, and give their sum. Sequences are made as they are needed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveal.data.batches.protocol import Blocks
from foveal.errors import ConfigurationError

BEGINNING = 10
"""The first number is marked at one of so many first steps."""

ALWAYS_ONE = 1 / 6
"""The mean squared error of always answering 1, the mean: two variances of a uniform number, 2 / 12."""

ONE_FORGOTTEN = 1 / 12
"""The mean squared error of who knows the second number and has forgotten the first: the variance of that one."""


def sequences(
    count: int, lag: int, draw: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.int64]]:
    """Sequences of random numbers, two of which are marked, ``lag`` steps apart.

    Args:
        count: how many.
        lag: steps from the first marked number to the second.
        draw: where numbers and places come from.

    Returns:
        sequences (count, lag + 10, 2), the numbers (uniform in 0 … 1) and the marks (0 or 1); sums (count, 1); the place of
        the first mark (count,).

    Source: Hochreiter, Schmidhuber 1997, "Long Short-Term Memory", section 5.4. There the second mark lies anywhere in the
    first half and the answer is asked for at the end; here the lag is exact, so that it can be put on an axis, the numbers are
    0 … 1 (theirs −1 … 1), and the sum is not scaled.

    Example:
        >>> x, sums, first = sequences(2, 20, np.random.default_rng(0))
        >>> x.shape, bool(np.allclose(sums[:, 0], (x[..., 0] * x[..., 1]).sum(1)))
        ((2, 30, 2), True)
    """
    length, rows = lag + BEGINNING, np.arange(count)
    x = np.zeros((count, length, 2), np.float32)
    x[..., 0] = draw.random((count, length), dtype=np.float32)
    first = draw.integers(0, BEGINNING, count)
    x[rows, first, 1] = x[rows, first + lag, 1] = 1
    sums = x[rows, first, 0] + x[rows, first + lag, 0]
    return x, sums[:, None], first


class AddingBatches(Blocks[tuple[Tensor, Tensor]]):
    """New sequences at every step: batch ``step`` of epoch ``number`` follows from the seed, the lag and these two.

    Args:
        lag: steps from the first marked number to the second; the sequences have ``lag + 10`` steps.
        batch_size: sequences a batch.
        steps: batches an epoch.
        seed: of the numbers.
        device: where the batches are to be.

    Batches are (inputs (N, 2, length), sums (N, 1)), channels first as inside PyTorch.

    Raises:
        ConfigurationError: a lag, a batch size or a number of steps below 1.

    Example:
        >>> [(tuple(x.shape), tuple(y.shape)) for x, y in AddingBatches(20, 4, 2).epoch(0)]
        [((4, 2, 30), (4, 1)), ((4, 2, 30), (4, 1))]
    """

    def __init__(
        self, lag: int, batch_size: int, steps: int, *, seed: int = 0, device: str | torch.device = "cpu"
    ) -> None:
        for name, value in (("lag", lag), ("batch_size", batch_size), ("steps", steps)):
            if value < 1:
                raise ConfigurationError(
                    f"{name} has to be at least 1",
                    where="AddingBatches",
                    given=f"{name}={value}",
                    expected="a whole number of at least 1",
                    fix=f"{name}=20, say",
                )
        self.lag, self.batch_size, self.steps, self.seed, self.device = lag, batch_size, steps, seed, device

    @property
    def examples(self) -> int:
        """Sequences in an epoch."""
        return self.steps * self.batch_size

    def _block(self, number: int, block: int, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        for step in range(first, last):
            draw = np.random.default_rng([self.seed, self.lag, number, step])
            x, sums, _ = sequences(self.batch_size, self.lag, draw)
            yield torch.from_numpy(x).movedim(-1, 1).to(self.device), torch.from_numpy(sums).to(self.device)
