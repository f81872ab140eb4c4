"""What training asks of batches, whatever they are cut from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol


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
