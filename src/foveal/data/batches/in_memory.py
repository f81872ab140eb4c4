"""Batches from pictures that stay in memory (of the device) as ``uint8``, at almost no cost a step.

A training step of a small network takes milliseconds, so what Python does between two steps shows. Here pictures are
shuffled, augmented and scaled by the thousand (a *block* of some steps), and a step only cuts its slice out.

The order of epoch ``n`` depends on (seed, n) alone, and the random numbers of a block on (seed, n, block): a run that is
resumed in the middle of an epoch (``epoch(n, start=step)``) sees exactly the batches it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from foveal.data.augmentation.pipeline import Augmentation
from foveal.data.dataset import Split
from foveal.errors import ConfigurationError

Batch = tuple[Tensor, ...]

_BLOCK_PICTURES = 4096
_BLOCK_VALUES = 4 << 20
"""A block has at most so many values: 16 MiB as float32, well under what glibc keeps instead of giving back."""

ORDER, CHANGES = 1, 2


class ResidentBatches:
    """Serve a part of a data set in batches, epoch after epoch.

    Args:
        split: pictures (N × H × W × C, ``uint8``) or a table (N × features, ``float32``).
        batch_size: pictures a batch; the last one of an epoch may be smaller.
        device: where the data are kept and the batches made, ``"cpu"`` or ``"cuda"``.
        seed: of order and augmentation.
        augment: what is done to the pictures, or None.
        shuffle: False keeps the order, for evaluation.
        dtype: of the batches' pictures.
        memory_format: ``torch.channels_last`` or ``torch.contiguous_format``.
        drop_last: leave out the last batch of an epoch where it is smaller than the others.

    Raises:
        ConfigurationError: a batch size below 1, augmentation of a table or not of this size, an empty epoch.

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
        if batch_size < 1:
            raise ConfigurationError("a batch holds a picture at least", where="batch_size", given=str(batch_size))
        self.is_table = split.images.ndim == 2
        if augment is not None and self.is_table:
            raise ConfigurationError(
                "rows of a table cannot be augmented as pictures",
                where="augment",
                given=str(augment),
                mend="no augment",
            )
        if drop_last and len(split) < batch_size:
            raise ConfigurationError(
                "every batch would be dropped",
                where="drop_last",
                given=f"{len(split):,} pictures, batches of {batch_size:,}",
                mend=f"batch_size={max(len(split), 1)}",
            )
        if augment is not None:
            augment.check(*split.images.shape[1:3])
        self.batch_size = batch_size
        self.device = torch.device(device)
        self.seed = seed
        self.augment = augment
        self.shuffle = shuffle
        self.dtype = dtype
        self.memory_format = memory_format
        self.drop_last = drop_last
        self.count = len(split)
        self._images = _tensor(split.images).to(self.device)
        self._labels = _tensor(split.labels).to(self.device)

    @property
    def steps(self) -> int:
        """Batches an epoch."""
        whole, rest = divmod(self.count, self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    @property
    def pictures(self) -> int:
        """Pictures that an epoch serves: all, unless the last batch is dropped."""
        return min(self.count, self.steps * self.batch_size)

    @property
    def examples(self) -> int:
        """The same number, under the name that the training loop reads of any kind of data."""
        return self.pictures

    def __len__(self) -> int:
        return self.steps

    def order(self, epoch: int) -> Tensor:
        """The order of an epoch, as indices into the part; the same on every device."""
        if not self.shuffle:
            return torch.arange(self.count, device=self.device)
        generator = torch.Generator().manual_seed(mixed(self.seed, ORDER, epoch))
        return torch.randperm(self.count, generator=generator).to(self.device)

    def epoch(self, number: int, start: int = 0) -> Iterator[Batch]:
        """The batches of epoch ``number`` from step ``start`` on.

        Yields:
            ``(x, y)``: x of ``dtype``, N × C × H × W with values 0 to 1 (N × features for a table, as they are), y
            ``int64``. With mixup ``(x, y, y2, lam)``, lam a tensor without axes.
        """
        if not 0 <= start <= self.steps:
            raise ConfigurationError(
                "an epoch has no such step", where="start", given=str(start), expected=f"0 to {self.steps}"
            )
        order = self.order(number)
        size, span = self.batch_size, self._block_steps()
        for block in range(start // span, -(-self.steps // span)):
            first, last = block * span, min((block + 1) * span, self.steps)
            index = order[first * size : last * size]
            generator = torch.Generator(self.device).manual_seed(mixed(self.seed, CHANGES, number, block))
            x, y = self._made(index, generator), self._labels.index_select(0, index)
            mixup = self.augment.mixup if self.augment else None
            lams = mixup.draw(last - first, generator, self.device) if mixup else None
            for step in range(max(start, first) - first, last - first):
                cut = slice(step * size, (step + 1) * size)
                if mixup is not None and lams is not None:
                    yield mixup(x[cut], y[cut], lams[step])
                else:
                    yield x[cut], y[cut]

    def _block_steps(self) -> int:
        """Steps a block; it depends on the data's shape and the batch size alone, for resuming relies on it."""
        values = max(1, self._images[0].numel())
        return max(1, min(_BLOCK_PICTURES, _BLOCK_VALUES // values) // self.batch_size)

    def _made(self, index: Tensor, generator: torch.Generator) -> Tensor:
        """The pictures at ``index``, changed and scaled."""
        # A slice of an unshuffled order is itself a range, but the copy is far cheaper than the scaling that follows.
        x = self._images.index_select(0, index)
        if self.is_table:
            return x.to(self.dtype)
        x = x.permute(0, 3, 1, 2)
        if self.augment is not None:
            x = self.augment(x, generator)
        if not x.is_floating_point():
            x = x.float().div_(255.0)
        return x.to(self.dtype).contiguous(memory_format=self.memory_format)


def mixed(*numbers: int) -> int:
    """One seed out of several numbers; a change of any one changes all of it."""
    words = np.random.SeedSequence([number & 0xFFFF_FFFF_FFFF_FFFF for number in numbers]).generate_state(1, np.uint64)
    return int(words[0]) & 0x7FFF_FFFF_FFFF_FFFF


def _tensor(array: np.ndarray[tuple[int, ...], np.dtype[np.generic]]) -> Tensor:
    """The array's memory itself where torch may share it; a copy where the array is read-only."""
    return torch.from_numpy(array if array.flags.writeable else array.copy())
