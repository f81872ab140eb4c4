"""Batches of lines with their texts as numbers: what a step that learns to read is given."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from foveal.data.batches.in_memory import ResidentBatches
from foveal.data.dataset import Split
from foveal.data.generated.digit_lines import LETTERS, WrittenLines


class LineBatches:
    """Serve lines and texts; order and resumption as :class:`~foveal.data.batches.in_memory.ResidentBatches` has them.

    Args:
        lines: pictures and texts.
        batch_size: lines a batch; the last one of an epoch may be smaller.
        seed: of the order.
        shuffle: False keeps the order, for evaluation.
        device: where batches are made.

    Example:
        >>> lines = WrittenLines(np.zeros((2, 32, 192, 1), np.uint8), ("407", "81"), np.zeros((2, 10, 2), np.int16))
        >>> x, texts, lengths = next(LineBatches(lines, 2, shuffle=False).epoch(0))
        >>> tuple(x.shape), texts.tolist(), lengths.tolist()
        ((2, 1, 32, 192), [[4, 0, 7], [8, 1, 0]], [3, 2])
    """

    def __init__(
        self,
        lines: WrittenLines,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        device: str | torch.device = "cpu",
    ) -> None:
        numbered = Split(lines.images, np.arange(len(lines)))
        self._pictures = ResidentBatches(numbered, batch_size, device=device, seed=seed, shuffle=shuffle)
        self._texts = torch.zeros((len(lines), max(map(len, lines.texts))), dtype=torch.long)
        for row, text in enumerate(lines.texts):
            self._texts[row, : len(text)] = torch.tensor([LETTERS.index(letter) for letter in text])
        self._texts = self._texts.to(device)
        self._lengths = torch.tensor([len(text) for text in lines.texts], device=device)
        self.batch_size, self.examples = batch_size, len(lines)

    def __len__(self) -> int:
        return len(self._pictures)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        """The batches of an epoch from step ``start`` on: x N × 1 × H × W from 0 to 1, texts N × longest, their lengths."""
        for x, rows in self._pictures.epoch(number, start):
            yield x, self._texts[rows], self._lengths[rows]
