"""What training asks of batches, whatever they are cut from; and the place in an epoch, which all kinds find alike.

The order of epoch ``n`` depends on (seed, n) alone, and what is drawn in it on its place: a run that is resumed in the middle of
an epoch (``epoch(n, start=step)``) sees exactly the batches it would have seen.
"""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from foveal.errors import ConfigurationError

ORDER, CHANGES = 1, 2  # streams of random numbers
Served = TypeVar("Served")


class Batches(Protocol):
    """A set of examples in batches. The batch of an epoch and step depends on nothing but these two and the seed."""

    @property
    def examples(self) -> int:
        """Examples in an epoch."""

    @property
    def batch_size(self) -> int:
        """Examples in every batch but the last."""

    def __len__(self) -> int:
        """Batches in an epoch; the last one may be smaller."""

    def epoch(self, number: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch, from the one numbered ``start`` on."""


class Blocks(ABC, Generic[Served]):
    """Batches that are made some steps at once. A kind of batches says how long it is, and makes a block."""

    batch_size: int

    @property
    @abstractmethod
    def examples(self) -> int:
        """Examples that an epoch serves."""

    def __len__(self) -> int:
        """Batches an epoch; the last one may be smaller."""
        return -(-self.examples // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[Served]:
        """The batches of epoch ``number`` from step ``start`` on.

        Raises:
            ConfigurationError: the epoch has no such step.
        """
        if not 0 <= start <= len(self):
            raise ConfigurationError(
                "an epoch has no such step", where="start", given=str(start), expected=f"0 to {len(self)}"
            )
        span = self._span()
        for block in range(start // span, -(-len(self) // span)):
            first, last = block * span, min((block + 1) * span, len(self))
            yield from itertools.islice(self._block(number, block, first, last), max(0, start - first), None)

    def _span(self) -> int:
        """Steps a block; it depends on the data's shape and the batch size alone, for resuming relies on it."""
        return 1

    @abstractmethod
    def _block(self, number: int, block: int, first: int, last: int) -> Iterator[Served]:
        """The batches of steps ``first`` to ``last`` − 1 of epoch ``number``."""


def shuffled(count: int, seed: int, epoch: int) -> Tensor:
    """The order of an epoch: indices that follow from the seed and its number alone.

    Example:
        >>> sorted(shuffled(4, 1, 0).tolist())
        [0, 1, 2, 3]
    """
    return torch.randperm(count, generator=torch.Generator().manual_seed(mixed(seed, ORDER, epoch)))


def mixed(*numbers: int) -> int:
    """One seed out of several numbers; a change of any one changes all of it."""
    words = np.random.SeedSequence([number & 0xFFFF_FFFF_FFFF_FFFF for number in numbers]).generate_state(1, np.uint64)
    return int(words[0]) & 0x7FFF_FFFF_FFFF_FFFF
