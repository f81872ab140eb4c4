"""Pictures turned by quarters, and by how many: answers that any picture brings along (Gidaris, Singh, Komodakis 2018)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from foveal.data.batches.protocol import mixed
from foveal.errors import DataError

if TYPE_CHECKING:
    from foveal.data.batches.in_memory import TensorBatches

_TURNS = 31  # a stream of random numbers
KINDS = 4


class RotatedBatches:
    """Serve the pictures of other batches, each turned by 0, 90, 180 or 270 degrees, with the number of quarters as answer.

    The turns of a batch follow from the seed, the epoch and the step alone.

    Args:
        batches: whose pictures are turned; their answers are not looked at.
        seed: of the turns.

    Raises:
        DataError: pictures that are not square, whose shape would tell.

    Example:
        >>> import numpy as np
        >>> from foveal.data.dataset import Split
        >>> from foveal.data.batches.in_memory import ResidentBatches
        >>> split = Split(np.zeros((5, 8, 8, 1), np.uint8), np.zeros(5, np.int64))
        >>> [(tuple(x.shape), y.max().item() < 4) for x, y in RotatedBatches(ResidentBatches(split, 4)).epoch(0)]
        [((4, 1, 8, 8), True), ((1, 1, 8, 8), True)]
    """

    def __init__(self, batches: TensorBatches, seed: int = 0) -> None:
        self.batches, self.seed = batches, seed
        self.examples, self.batch_size = batches.examples, batches.batch_size

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch from step ``start`` on."""
        for step, (x, *_) in enumerate(self.batches.epoch(number, start), start):
            if x.shape[2] != x.shape[3]:
                raise DataError(
                    "only square pictures can be turned by a quarter",
                    given=f"{x.shape[2]} × {x.shape[3]} pixels",
                    fix=f"--size {min(x.shape[2:])}x{min(x.shape[2:])}",
                )
            draw = torch.Generator().manual_seed(mixed(self.seed, _TURNS, number, step))
            turns = torch.randint(KINDS, (len(x),), generator=draw).to(x.device)
            whole = x.clone()
            for quarters in range(1, KINDS):
                own = turns == quarters
                whole[own] = torch.rot90(x[own], quarters, (2, 3))
            yield whole, turns
