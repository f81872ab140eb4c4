"""Learning to translate: at each place of the target the network is given what stands before it, and asked for what comes.

Teacher forcing (Williams, Zipser 1989): in training the decoder reads the true characters before each place, not its own
answers, so that all places are learned at once. The loss is the mean of −ln p(true character), over all places of a batch but
the padding. Translating, a network reads its own answers instead: :mod:`foveal.systems.sequence.translator`.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from foveal.training.config import TrainingConfig
from foveal.training.steps import Values
from foveal.training.steps.base import LossStep

PAD = 0  # the answer that counts nothing


class SequenceToSequence(LossStep):
    """One network that is asked for the next character everywhere at once.

    The batch is ``(x, y)``: x whole numbers N × length, source and target (moved on by one place) in one row; y the target,
    N × places, 0 where it has ended. Values: ``loss``; ``characters``, the share of them that were likeliest; ``whole``,
    the share of targets all of whose characters were (each with the true ones before it).

    Args:
        module: x → logits N × characters × places.
        config: optimizer, schedule, precision, clipping, label smoothing; its ``loss`` is not looked at.
        steps_per_epoch: for the schedule.
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> None:
        super().__init__(module, config, steps_per_epoch)
        self.smoothing = config.label_smoothing

    def _measured(self, batch: Any) -> Values:
        x, y = batch
        with self._autocast():
            logits = self.module(x)
        loss = F.cross_entropy(logits.float(), y, ignore_index=PAD, label_smoothing=self.smoothing)
        with torch.no_grad():
            real = y != PAD
            right = (logits.detach().argmax(1) == y) | ~real
            characters = (right & real).sum() / real.sum()
            whole = right.all(1).float().mean()
        return {"loss": loss, "characters": characters, "whole": whole}
