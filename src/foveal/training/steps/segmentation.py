"""Learning a class for every pixel: cross-entropy a pixel, and the overlap of whole regions (soft Dice)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from foveal.training.config import TrainingConfig
from foveal.training.steps import Values
from foveal.training.steps.base import CapturableLossStep


class Segmentation(CapturableLossStep):
    """One network that gives logits (N, classes, h, w), held against masks (N, h, w).

    The batch is ``(pictures, masks, …)``; what follows is not looked at. The loss is

        (1 - d) · mean over pixels of -log p(true class)  +  d · (1 - mean over classes of Dice),
        Dice of class c = (2 Σ p_c t_c + 1) / (Σ p_c + Σ t_c + 1),

    sums over all pixels of the batch, t the one-hot truth (Milletari, Navab, Ahmadi 2016, V-Net, section 3; the 1 keeps
    a class that is absent and not predicted at 1). Cross-entropy alone cares for pixels, and most are ground; Dice
    counts every class alike, as the mean IoU does that is measured in the end.

    Args:
        module: pictures (N, C, h, w) → logits (N, classes, h, w).
        config: optimizer, schedule, precision, label_smoothing.
        steps_per_epoch: for the schedule.
        dice: the share d of the second part, 0 to 1.
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int, *, dice: float = 0.3) -> None:
        super().__init__(module, config, steps_per_epoch)
        self.dice, self.smoothing = dice, config.label_smoothing

    def _measured(self, batch: Any) -> Values:
        pictures, masks = batch[0], batch[1]
        with self._autocast():
            logits = self.module(pictures)
        logits = logits.float()
        entropy = functional.cross_entropy(logits, masks, label_smoothing=self.smoothing)
        overlap = soft_dice(logits, masks)
        with torch.no_grad():
            accuracy = (logits.argmax(1) == masks).float().mean()
        loss = (1 - self.dice) * entropy + self.dice * (1 - overlap)
        return {"loss": loss, "cross_entropy": entropy, "dice": overlap, "accuracy": accuracy}


def soft_dice(logits: Tensor, masks: Tensor) -> Tensor:
    """Mean over the classes of (2 Σ p t + 1) / (Σ p + Σ t + 1), sums over a batch's pixels.

    Args:
        logits: (N, classes, h, w).
        masks: (N, h, w), class numbers.

    Example:
        >>> sure = 50.0 * torch.eye(2)[torch.tensor([[[0, 1]]])].permute(0, 3, 1, 2)
        >>> round(soft_dice(sure, torch.tensor([[[0, 1]]])).item(), 3), round(soft_dice(sure, torch.tensor([[[1, 1]]])).item(), 3)
        (1.0, 0.625)
    """
    shares = logits.softmax(1)
    truth = functional.one_hot(masks, logits.shape[1]).permute(0, 3, 1, 2).to(shares.dtype)
    both = (shares * truth).sum((0, 2, 3))
    either = shares.sum((0, 2, 3)) + truth.sum((0, 2, 3))
    return ((2 * both + 1) / (either + 1)).mean()
