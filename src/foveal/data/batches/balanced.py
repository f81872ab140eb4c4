"""Batches with the same number of pictures of each class: what is learned from pairs needs pairs of both kinds in every batch.

As everywhere, a batch follows from (seed, epoch, step) alone, so that a resumed epoch sees the batches it would have seen.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from foveal.data.augmentation.pipeline import Augmentation
from foveal.data.batches.in_memory import served, tensors
from foveal.data.batches.protocol import CHANGES, Blocks, mixed
from foveal.data.dataset import Split
from foveal.errors import ConfigurationError

_DRAW = 3  # the third kind of random numbers of an epoch, beside order and augmentation


class BalancedBatches(Blocks[tuple[Tensor, Tensor]]):
    """Serve ``classes`` classes with ``each`` pictures a batch (P × K of Hermans, Beyer, Leibe 2017, section 2).

    An epoch has as many batches as it takes to serve as many pictures as there are. Within a batch no picture comes twice.

    Args:
        split: pictures, ``uint8`` N × H × W × C.
        classes: P, how many classes a batch has; 0 for all there are.
        each: K, how many pictures of each, at least 2.
        seed: of the draw, and of the changes.
        device: where the data are kept and the batches made.
        augment: what is done to the pictures, or None.

    Raises:
        ConfigurationError: more classes than there are, a class with fewer pictures than asked for, no pairs.

    Example:
        >>> split = Split(np.zeros((12, 8, 8, 1), np.uint8), np.arange(12) % 3)
        >>> batches = BalancedBatches(split, classes=2, each=3, seed=1)
        >>> len(batches), [sorted(y.bincount(minlength=3).tolist()) for _, y in batches.epoch(0)]
        (2, [[0, 3, 3], [0, 3, 3]])
    """

    def __init__(
        self,
        split: Split,
        classes: int = 0,
        each: int = 16,
        *,
        seed: int = 0,
        device: str | torch.device = "cpu",
        augment: Augmentation | None = None,
    ) -> None:
        present = np.unique(split.labels)
        classes = classes or len(present)
        smallest = min((int((split.labels == label).sum()) for label in present), default=0)
        if not 2 <= classes <= len(present):
            raise ConfigurationError(
                "a batch cannot have so many classes",
                where="classes",
                given=f"{classes} of {len(present)} classes",
                expected=f"2 to {len(present)}" if len(present) > 1 else "data of at least 2 classes",
            )
        if not 2 <= each <= smallest:
            raise ConfigurationError(
                "a batch cannot have so many pictures of a class",
                where="each",
                given=f"{each}; the smallest class has {smallest}",
                expected=f"2 to {smallest}",
            )
        if augment is not None:
            augment.check(*split.images.shape[1:3])
        self.classes, self.each, self.seed, self.augment = classes, each, seed, augment
        self.batch_size = classes * each
        self._images = tensors(split)[0].to(device)
        self._labels = [int(label) for label in present]
        self._members = [torch.from_numpy(np.flatnonzero(split.labels == label)) for label in present]

    @property
    def examples(self) -> int:
        """Pictures that an epoch serves."""
        return max(1, len(self._images) // self.batch_size) * self.batch_size

    def _block(self, number: int, block: int, first: int, last: int) -> Iterator[tuple[Tensor, Tensor]]:
        """x N × C × H × W from 0 to 1, and y the labels."""
        for step in range(first, last):
            generator = torch.Generator().manual_seed(mixed(self.seed, _DRAW, number, step))
            chosen = torch.randperm(len(self._members), generator=generator)[: self.classes].sort().values.tolist()
            drawn = [self._drawn(self._members[one], generator) for one in chosen]
            labels = torch.tensor([self._labels[one] for one in chosen]).repeat_interleave(self.each)
            device = self._images.device
            if device.type != "cpu":  # what is changed there is drawn there
                generator = torch.Generator(device).manual_seed(mixed(self.seed, CHANGES, number, step))
            pictures = self._images[torch.cat(drawn).to(device)]
            yield served(pictures, self.augment, generator), labels.to(device)

    def _drawn(self, members: Tensor, generator: torch.Generator) -> Tensor:
        return members[torch.randperm(len(members), generator=generator)[: self.each]]
