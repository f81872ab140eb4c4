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

from foveal.data.batches.protocol import Blocks, shuffled
from foveal.errors import ConfigurationError

Indices = NDArray[np.int64]
MARK = 0


class Streams(Blocks[tuple[Tensor, Tensor, bool]]):
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
                fix=["a smaller batch_size", "shorter windows"],
            )

    @property
    def examples(self) -> int:
        """Windows in an epoch."""
        return self.steps * self.batch_size

    def row(self, epoch: int) -> Tensor:
        """All texts of an epoch in their order, a mark before each and one at the end."""
        row = torch.from_numpy(self._row)
        if self.shuffle:
            starts = np.concatenate([[0], self._ends[:-1]])
            order = shuffled(len(self._ends), self.seed, epoch).tolist()
            row = torch.cat([row[starts[i] : self._ends[i]] for i in order])
        return torch.cat([torch.full((1,), MARK), row])

    def _span(self) -> int:
        return self.steps

    def _block(self, number: int, block: int, first: int, last: int) -> Iterator[tuple[Tensor, Tensor, bool]]:
        """x and y int64 (streams, length); fresh only at the first step of an epoch."""
        row = self.row(number).to(self.device)
        span = (len(row) - 1) // self.batch_size
        x = row[: span * self.batch_size].view(self.batch_size, span)
        y = row[1 : span * self.batch_size + 1].view(self.batch_size, span)
        for step in range(first, last):
            cut = slice(step * self.length, (step + 1) * self.length)
            yield x[:, cut], y[:, cut], step == 0
