"""Batches from what stays in memory (of the device), at almost no cost a step.

A training step of a small network takes milliseconds, so what Python does between two steps shows. Here samples are
shuffled, augmented and scaled by the thousand (a *block* of some steps), and a step only cuts its slice out.

The random numbers of a block depend on the seed, the epoch and the block's number alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor

from foveal.data.augmentation.pipeline import Augmentation
from foveal.data.batches.protocol import CHANGES, Blocks, mixed, shuffled
from foveal.data.dataset import Split
from foveal.errors import ConfigurationError

Batch = tuple[Tensor, ...]

_BLOCK_PICTURES = 4096
_BLOCK_VALUES = 4 << 20
"""A block has at most so many values: 16 MiB as float32, well under what glibc keeps instead of giving back."""


class TensorBatches(Blocks[Batch]):
    """Serve two tensors in batches, epoch after epoch.

    Args:
        x: inputs, N first and channels last. ``uint8`` are pixels, which are divided by 255; ``int64`` are tokens, which stay
            whole numbers; others are taken as they are.
        y: targets, N first.
        batch_size: samples a batch; the last one of an epoch may be smaller.
        device: where the data are kept and the batches made, ``"cpu"`` or ``"cuda"``.
        seed: of order and augmentation.
        augment: what is done to the images (pixels, or values from 0 to 1), or None.
        shuffle: a new order every epoch; False keeps the order, for evaluation.
        epochs_before: epochs that were served before this object was made: the orders go on after them.
        dtype: of the inputs in the batches.
        memory_format: of images, ``torch.channels_last`` or ``torch.contiguous_format``.
        drop_last: leave out the last batch of an epoch where it is smaller than the others.

    Raises:
        ConfigurationError: a batch size below 1, augmentation of a table or not of this size, an empty epoch.

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
        device: str | torch.device = "cpu",
        seed: int = 0,
        augment: Augmentation | None = None,
        shuffle: bool = True,
        epochs_before: int = 0,
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.channels_last,
        drop_last: bool = False,
    ) -> None:
        if batch_size < 1:
            raise ConfigurationError("a batch holds a picture at least", where="batch_size", given=str(batch_size))
        if augment is not None and x.dim() == 2:
            raise ConfigurationError(
                "rows of a table cannot be augmented as pictures",
                where="augment",
                given=str(augment),
                fix="no augment",
            )
        if drop_last and len(x) < batch_size:
            raise ConfigurationError(
                "every batch would be dropped",
                where="drop_last",
                given=f"{len(x):,} pictures, batches of {batch_size:,}",
                fix=f"batch_size={max(len(x), 1)}",
            )
        if augment is not None:
            augment.check(*x.shape[1:3])
        self.batch_size, self.seed, self.augment, self.shuffle = batch_size, seed, augment, shuffle
        self.epochs_before, self.dtype, self.memory_format = epochs_before, dtype, memory_format
        self.device, self.count, self.drop_last = torch.device(device), len(x), drop_last
        self._x, self._y = x.to(self.device).contiguous(), y.to(self.device)
        self._ordered = -1, torch.empty(0, dtype=torch.int64)

    @property
    def examples(self) -> int:
        """Samples that an epoch serves: all, unless the last batch is dropped."""
        return self.count - self.count % self.batch_size if self.drop_last else self.count

    def order(self, epoch: int) -> Tensor:
        """The order of an epoch, as indices into the data; the same on every device."""
        if self._ordered[0] != epoch:  # all blocks of an epoch ask for it
            number = epoch + self.epochs_before
            order = shuffled(self.count, self.seed, number) if self.shuffle else torch.arange(self.count)
            self._ordered = epoch, order.to(self.device)
        return self._ordered[1]

    def _span(self) -> int:
        values = max(1, self._x[0].numel())
        return max(1, min(_BLOCK_PICTURES, _BLOCK_VALUES // values) // self.batch_size)

    def _block(self, number: int, block: int, first: int, last: int) -> Iterator[Batch]:
        """``(x, y)``: x of ``dtype``, N × C × H × W for images, N × features for a table; tokens stay ``int64``.

        With mixup ``(x, y, y2, lam)``, lam a tensor without axes.
        """
        size = self.batch_size
        index = self.order(number)[first * size : last * size]
        generator = torch.Generator(self.device).manual_seed(
            mixed(self.seed, CHANGES, number + self.epochs_before, block)
        )
        # A slice of an unshuffled order is itself a range, but the copy is far cheaper than the scaling that follows.
        x, y = self._x.index_select(0, index), self._y.index_select(0, index)
        x = served(x, self.augment, generator, self.dtype, self.memory_format)
        mixup = self.augment.mixup if self.augment else None
        lams = mixup.draw(last - first, generator, self.device) if mixup else None
        for step in range(last - first):
            cut = slice(step * size, (step + 1) * size)
            yield (x[cut], y[cut]) if mixup is None or lams is None else mixup(x[cut], y[cut], lams[step])


class ResidentBatches(TensorBatches):
    """Serve a part of a data set in batches, epoch after epoch.

    Args:
        split: pictures (N × H × W × C, ``uint8``) or a table (N × features, ``float32``). Its memory is shared, not copied.
        batch_size, device, seed, augment, shuffle, dtype, memory_format, drop_last: see :class:`TensorBatches`.

    Raises:
        ConfigurationError: as :class:`TensorBatches`.

    Example:
        >>> split = Split(np.full((10, 8, 8, 1), 255, np.uint8), np.arange(10) % 2)
        >>> batches = ResidentBatches(split, 4, seed=1)
        >>> [(tuple(x.shape), x.max().item(), len(y)) for x, y in batches.epoch(0)]
        [((4, 1, 8, 8), 1.0, 4), ((4, 1, 8, 8), 1.0, 4), ((2, 1, 8, 8), 1.0, 2)]
    """

    def __init__(
        self,
        split: Split,
        batch_size: int,
        *,
        device: str | torch.device = "cpu",
        seed: int = 0,
        augment: Augmentation | None = None,
        shuffle: bool = True,
        dtype: torch.dtype = torch.float32,
        memory_format: torch.memory_format = torch.channels_last,
        drop_last: bool = False,
    ) -> None:
        super().__init__(
            *tensors(split), batch_size, device=device, seed=seed, augment=augment, shuffle=shuffle, dtype=dtype,
            memory_format=memory_format, drop_last=drop_last,
        )  # fmt: skip


def served(
    x: Tensor,
    augment: Augmentation | None = None,
    generator: torch.Generator | None = None,
    dtype: torch.dtype = torch.float32,
    memory_format: torch.memory_format = torch.channels_last,
) -> Tensor:
    """Samples as a network takes them: channels first, changed, pixels divided by 255; tokens (``int64``) as they are.

    Args:
        x: samples with channels last.
        augment: what is done to images, with the numbers of ``generator``; None for nothing.
        dtype, memory_format: of what is served.

    Example:
        >>> served(torch.full((1, 4, 4, 3), 255, dtype=torch.uint8)).shape
        torch.Size([1, 3, 4, 4])
    """
    if x.dtype == torch.int64:
        return x
    if x.dim() > 2:
        x = x.movedim(-1, 1)  # a view: the memory stays channels-last
    if augment is not None:
        assert generator is not None
        x = augment(x, generator)
    if x.dtype == torch.uint8:
        x = x.float().div_(255.0)
    x = x.to(dtype)
    return x.contiguous(memory_format=memory_format) if x.dim() == 4 else x


def tensors(split: Split) -> tuple[Tensor, Tensor]:
    """The pictures (or rows) and labels of a part as tensors, in the same memory where torch may share it."""
    return shared(split.images), shared(split.labels)


def shared(array: np.ndarray[Any, Any]) -> Tensor:
    """The array's memory where torch may have it; else a copy: read-only, turned round, or in another byte order.

    Example:
        >>> shared(np.arange(3)[::-1]).tolist(), shared(np.array([1, 2], ">i4")).dtype
        ([2, 1, 0], torch.int32)
    """
    fine = array.flags.writeable and array.dtype.isnative and min(array.strides, default=0) >= 0
    fine = fine and all(stride % array.itemsize == 0 for stride in array.strides)  # a column of a table of records
    return torch.from_numpy(array if fine else np.array(array, array.dtype.newbyteorder("="), order="C", subok=False))
