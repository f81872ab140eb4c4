"""Batches from arrays that are already in memory as floats: what ``Model.fit(x, y)`` is given.

The order of epoch ``n`` depends on (seed, n) alone, as for :class:`~foveal.data.batches.in_memory.ResidentBatches`, which serves
pictures of eight bits and augments them.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from foveal.data.augmentation.pipeline import Augmentation
from foveal.data.batches.in_memory import CHANGES, ORDER, mixed

_BLOCK_VALUES = 4 << 20  # 16 MiB of float32: pages that the allocator keeps


class TensorBatches:
    """Serve two tensors in batches.

    Args:
        x: inputs, N first and channels last; int64 are tokens.
        y: answers, N first.
        batch_size: samples a batch; the last one of an epoch may be smaller.
        seed: of the order.
        shuffle: a new order every epoch.
        device: where the batches are made.
        augment: what is done to the images, whose values are 0 to 1.
        epochs_before: epochs that were served before this object was made: the orders go on after them.

    Example:
        >>> batches = TensorBatches(torch.zeros(10, 8, 8, 3), torch.arange(10), 4)
        >>> [tuple(x.shape) for x, y in batches.epoch(0)]
        [(4, 3, 8, 8), (4, 3, 8, 8), (2, 3, 8, 8)]
    """

    def __init__(
        self,
        x: Tensor,
        y: Tensor,
        batch_size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        device: str | torch.device = "cpu",
        epochs_before: int = 0,
        augment: Augmentation | None = None,
    ) -> None:
        self.batch_size, self.seed, self.shuffle = batch_size, seed, shuffle
        self.examples, self.epochs_before, self.augment = len(x), epochs_before, augment
        self._x, self._y = x.to(device).contiguous(), y.to(device)

    def __len__(self) -> int:
        return -(-self.examples // self.batch_size)

    def order(self, epoch: int) -> Tensor:
        """The order of an epoch, as indices."""
        if not self.shuffle:
            return torch.arange(self.examples, device=self._x.device)
        generator = torch.Generator().manual_seed(mixed(self.seed, ORDER, epoch + self.epochs_before))
        return torch.randperm(self.examples, generator=generator).to(self._x.device)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, ...]]:
        """The batches of an epoch from step ``start`` on: x with channels first (in channels_last memory), y.

        With mixup they are ``(x, y, y2, lam)``, as those of :class:`~foveal.data.batches.in_memory.ResidentBatches`.
        """
        order, size = self.order(number), self.batch_size
        span = max(1, _BLOCK_VALUES // (max(1, self._x[0].numel()) * size))
        for block in range(start // span, -(-len(self) // span)):
            index = order[block * span * size : (block + 1) * span * size]
            x, y = self._x.index_select(0, index), self._y.index_select(0, index)
            x = x if x.dtype == torch.int64 else x.float()  # tokens stay whole numbers
            if x.dim() > 2:
                x = x.movedim(-1, 1)  # a view: the memory stays channels-last
            steps, lams, mixup = -(-len(index) // size), None, None
            if self.augment is not None:
                draws = torch.Generator(x.device).manual_seed(
                    mixed(self.seed, CHANGES, number + self.epochs_before, block)
                )
                x, mixup = self.augment(x, draws).contiguous(memory_format=torch.channels_last), self.augment.mixup
                lams = mixup.draw(steps, draws, x.device) if mixup else None
            for step in range(max(start - block * span, 0), steps):
                cut = slice(step * size, (step + 1) * size)
                yield (x[cut], y[cut]) if mixup is None or lams is None else mixup(x[cut], y[cut], lams[step])
