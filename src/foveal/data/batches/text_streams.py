"""Batches of text for a network that carries its state along: many streams side by side, each cut into windows.

All texts of an epoch, in a new order, make one long row with a mark before each. The row is cut into as many streams as a
batch has lines; a step takes the next window of every stream, so that the state which a window ends with is the one that
the next begins with (Graves 2013; truncated backpropagation through time, Williams, Peng 1990).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from foveal.data.batches.in_memory import ORDER, mixed
from foveal.data.batches.tensors import TensorBatches
from foveal.errors import ConfigurationError

Indices = NDArray[np.int64]
MARK = 0


class Streams:
    """Serve texts as ``(x, y, fresh)``: windows, the symbols that follow, and whether states begin anew.

    The order of epoch ``n`` depends on (seed, n) alone. What does not fill a whole step is left out; with a new order it is
    other texts every time.

    Args:
        texts: rows of indices without marks.
        batch_size: streams.
        length: symbols of a window.
        seed: of the order of the texts.
        shuffle: a new order every epoch.
        device: where the batches are made.

    Raises:
        ConfigurationError: too little text for one step.

    Example:
        >>> batches = Streams([np.array([5, 6, 7]), np.array([8, 9])], 2, 2, shuffle=False)
        >>> [(x.tolist(), y.tolist(), fresh) for x, y, fresh in batches.epoch(0)]
        [([[0, 5], [7, 0]], [[5, 6], [0, 8]], True)]
    """

    def __init__(
        self,
        texts: Sequence[Indices],
        batch_size: int,
        length: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        device: str | torch.device = "cpu",
    ) -> None:
        mark = np.zeros(1, np.int64)
        self._row = np.concatenate([piece for text in texts for piece in (text, mark)])
        self._ends = np.cumsum([len(text) + 1 for text in texts])
        self.batch_size, self.length, self.seed, self.shuffle, self.device = batch_size, length, seed, shuffle, device
        self.steps = len(self._row) // batch_size // length
        if not self.steps:
            raise ConfigurationError(
                "there is too little text for one step",
                where="Streams",
                given=f"{len(self._row):,} characters",
                expected=f"{batch_size * length:,}: {batch_size} streams, windows of {length}",
                mend=["a smaller batch_size", "shorter windows"],
            )

    @property
    def examples(self) -> int:
        """Windows in an epoch."""
        return self.steps * self.batch_size

    def __len__(self) -> int:
        return self.steps

    def row(self, epoch: int) -> Tensor:
        """All texts of an epoch in their order, a mark before each and one at the end."""
        row = torch.from_numpy(self._row)
        if self.shuffle:
            generator = torch.Generator().manual_seed(mixed(self.seed, ORDER, epoch))
            starts = np.concatenate([[0], self._ends[:-1]])
            order = torch.randperm(len(self._ends), generator=generator).tolist()
            row = torch.cat([row[starts[i] : self._ends[i]] for i in order])
        return torch.cat([torch.full((1,), MARK), row])

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor, bool]]:
        """The steps of an epoch from ``start`` on: x and y int64 (streams, length); fresh only at the first step."""
        row = self.row(number).to(self.device)
        span = (len(row) - 1) // self.batch_size
        x = row[: span * self.batch_size].view(self.batch_size, span)
        y = row[1 : span * self.batch_size + 1].view(self.batch_size, span)
        for step in range(start, self.steps):
            cut = slice(step * self.length, (step + 1) * self.length)
            yield x[:, cut], y[:, cut], step == 0


class TokenBatches(TensorBatches):
    """Serve tokens (N × length) with their answers; they stay whole numbers, as an Embedding wants them.

    Example:
        >>> batches = TokenBatches(torch.ones(3, 4, dtype=torch.int64), torch.zeros(3, 2), 2, shuffle=False)
        >>> [(x.dtype, tuple(x.shape), tuple(y.shape)) for x, y in batches.epoch(0)]
        [(torch.int64, (2, 4), (2, 2)), (torch.int64, (1, 4), (1, 2))]
    """

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch from step ``start`` on: x int64 (N, length), y as it was given."""
        order = self.order(number)
        for step in range(start, len(self)):
            index = order[step * self.batch_size : (step + 1) * self.batch_size]
            yield self._x.index_select(0, index), self._y.index_select(0, index)
