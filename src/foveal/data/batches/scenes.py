"""Scenes in batches, made when they are asked for: every epoch has its own, and no epoch depends on another."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from foveal.data.batches.in_memory import served
from foveal.data.batches.protocol import Blocks
from foveal.data.generated.scenes import Composer, Scenes
from foveal.errors import ConfigurationError

SceneBatch = tuple[Tensor, Tensor, Tensor, Tensor]
"""Pictures (N, C, h, w) from 0 to 1, masks (N, h, w) int64, boxes (N, K, 4) in pixels, labels (N, K), -1 for none."""

_BLOCK = 256  # scenes made at once; a resumed epoch makes at most so many in vain


class SceneBatches(Blocks[SceneBatch]):
    """Serve composed scenes, epoch after epoch.

    Args:
        composer: what makes them.
        count: scenes an epoch.
        batch_size: scenes a batch; the last one may be smaller.
        device: where the batches lie.
        fresh: epoch e has the scenes e · count … (e + 1) · count - 1; False gives the first ``count`` every time.

    Raises:
        ConfigurationError: nothing to serve.

    Example:
        >>> from foveal.data import digits
        >>> batches = SceneBatches(Composer(digits.load().train, digits.CLASSES, size=16), 5, 2)
        >>> [tuple(pictures.shape) for pictures, masks, boxes, labels in batches.epoch(0, start=1)]
        [(2, 3, 16, 16), (1, 3, 16, 16)]
    """

    def __init__(
        self,
        composer: Composer,
        count: int,
        batch_size: int,
        *,
        device: str | torch.device = "cpu",
        fresh: bool = True,
    ) -> None:
        if count < 1 or batch_size < 1:
            raise ConfigurationError("a batch holds a scene at least", where="scenes",
                                     given=f"{count} scenes in batches of {batch_size}", fix="scenes=1000")  # fmt: skip
        self.composer, self.count, self.batch_size, self.fresh = composer, count, batch_size, fresh
        self.device = torch.device(device)
        self._kept: dict[int, SceneBatch] = {}

    @property
    def examples(self) -> int:
        """Scenes an epoch."""
        return self.count

    def _span(self) -> int:
        return max(1, _BLOCK // self.batch_size)

    def _block(self, number: int, block: int, first: int, last: int) -> Iterator[SceneBatch]:
        before = number * self.count if self.fresh else 0
        low, high = first * self.batch_size, min(last * self.batch_size, self.count)
        pictures, masks, boxes, labels = self._made(before + low, before + high)
        for start in range(0, high - low, self.batch_size):
            cut = slice(start, start + self.batch_size)
            yield pictures[cut], masks[cut], boxes[cut], labels[cut]

    def _made(self, low: int, high: int) -> SceneBatch:
        """Scenes low … high - 1 as tensors; kept where every epoch has the same."""
        made = self._kept.get(low)
        if made is None:
            made = tensors(self.composer.scenes(range(low, high)), self.device)
            if not self.fresh:
                self._kept[low] = made
        return made


def tensors(scenes: Scenes, device: str | torch.device = "cpu") -> SceneBatch:
    """Scenes as one batch."""
    return (
        served(torch.from_numpy(scenes.images).to(device)),
        torch.from_numpy(scenes.masks).to(device).long(),
        torch.from_numpy(scenes.boxes).to(device),
        torch.from_numpy(scenes.labels).to(device),
    )
