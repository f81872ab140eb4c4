"""Scenes in batches, made when they are asked for: every epoch has its own, and no epoch depends on another."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from foveal.data.generated.scenes import Composer, Scenes
from foveal.errors import ConfigurationError

SceneBatch = tuple[Tensor, Tensor, Tensor, Tensor]
"""Pictures (N, C, h, w) from 0 to 1, masks (N, h, w) int64, boxes (N, K, 4) in pixels, labels (N, K), -1 for none."""

_BLOCK = 256  # scenes made at once; a resumed epoch makes at most so many in vain


class SceneBatches:
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
                                     given=f"{count} scenes in batches of {batch_size}", mend="scenes=1000")  # fmt: skip
        self.composer, self.examples, self.batch_size, self.fresh = composer, count, batch_size, fresh
        self.device = torch.device(device)
        self._kept: dict[int, SceneBatch] = {}

    def __len__(self) -> int:
        return -(-self.examples // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[SceneBatch]:
        """The batches of epoch ``number`` from step ``start`` on."""
        first = number * self.examples if self.fresh else 0
        span = max(1, _BLOCK // self.batch_size)
        for block in range(start // span, -(-len(self) // span)):
            low, high = block * span * self.batch_size, min((block + 1) * span * self.batch_size, self.examples)
            made = self._block(first + low, first + high)
            steps = range(block * span, -(-high // self.batch_size))
            for step in steps[max(0, start - block * span) :]:
                cut = slice(step * self.batch_size - low, min((step + 1) * self.batch_size, high) - low)
                pictures, masks, boxes, labels = made
                yield pictures[cut], masks[cut], boxes[cut], labels[cut]

    def _block(self, low: int, high: int) -> SceneBatch:
        """Scenes low … high - 1 as tensors; kept where every epoch has the same."""
        made = self._kept.get(low)
        if made is None:
            made = tensors(self.composer.scenes(range(low, high)), self.device)
            if not self.fresh:
                self._kept[low] = made
        return made


def tensors(scenes: Scenes, device: str | torch.device = "cpu") -> SceneBatch:
    """Scenes as one batch."""
    pictures = torch.from_numpy(scenes.images).to(device).permute(0, 3, 1, 2).float().div_(255.0)
    return (
        pictures.contiguous(memory_format=torch.channels_last),
        torch.from_numpy(scenes.masks).to(device).long(),
        torch.from_numpy(scenes.boxes).to(device),
        torch.from_numpy(scenes.labels).to(device),
    )
