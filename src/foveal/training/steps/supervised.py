"""Learning from examples with answers: classification and regression."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from foveal.training.config import TrainingConfig
from foveal.training.loss import LossFunction, loss_function, measures
from foveal.training.steps import Values
from foveal.training.steps.base import CapturableLossStep

RANKS = (1, 3, 5)  # how many of the best labels precision is measured on


class Supervised(CapturableLossStep):
    """One network, one loss against the answers.

    The batch is ``(inputs, targets)``, or ``(inputs, targets, others, share)`` of mixup, whose loss is
    share · loss(targets) + (1 − share) · loss(others) (Zhang et al. 2017). A network with side heads returns
    ``(outputs, [side outputs])`` in training, and has ``auxiliary_weights`` for them. A network with regularised layers
    has ``regularization_loss()``, whose value belongs to the loss.

    Args:
        module: inputs (N, …) → outputs (N, K).
        config: loss, optimizer, precision and the rest.
        steps_per_epoch: for the schedule.
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> None:
        super().__init__(module, config, steps_per_epoch)
        self.loss: LossFunction = loss_function(config)
        self.measures = measures(config)
        self._regularisation: Callable[[], Tensor | None] = getattr(module, "regularization_loss", lambda: None)
        self._auxiliary_weights: tuple[float, ...] = tuple(getattr(module, "auxiliary_weights", ()))

    @property
    def value_names(self) -> tuple[str, ...]:
        """What a step measures, known before the first one."""
        return ("loss", *self.measures)

    def _measured(self, batch: Any) -> Values:
        inputs, *answers = batch
        with self._autocast():
            outputs, side_outputs = _with_sides(self.module(inputs))
        loss = self._mixed(self.loss, outputs, answers)
        if self.module.training:
            for weight, side in zip(self._auxiliary_weights, side_outputs, strict=False):
                loss = loss + weight * self._mixed(self.loss, side, answers)
        penalty = self._regularisation()
        if penalty is not None:
            loss = loss + penalty
        with torch.no_grad():
            return {"loss": loss, **self._metrics(outputs.detach(), answers)}

    def _metrics(self, outputs: Tensor, answers: list[Any]) -> Values:
        return {name: self._mixed(measure, outputs, answers) for name, measure in self.measures.items()}

    @staticmethod
    def _mixed(function: LossFunction, outputs: Tensor, answers: list[Any]) -> Tensor:
        if len(answers) == 1:
            return function(outputs, answers[0])
        targets, others, share = answers
        mixed: Tensor = share * function(outputs, targets) + (1 - share) * function(outputs, others)
        return mixed


def _with_sides(result: Any) -> tuple[Tensor, list[Tensor]]:
    """The outputs, and those of the side heads where the network has any."""
    if isinstance(result, tuple):
        return result[0], list(result[1])
    return result, []


def multilabel(module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> Supervised:
    """A step on ``(inputs, targets)`` with several labels at once, targets N × labels of 0 and 1: precision of the best few.

    The loss is the mean over samples and labels of −t ln σ(s) − (1 − t) ln(1 − σ(s)), which Liu, Chang, Wu, Yang 2017, section
    3.1.4, found better for many labels than losses of ranking. Precision at 1, 3 and 5 stands in place of accuracy: where a
    document has 3 of 250 labels, saying "none" is right in 98.8 % of all cases.

    Args:
        module: inputs → logits N × labels.
        config: ``loss`` is to be "binary_cross_entropy"; its ``metrics`` are not looked at.
        steps_per_epoch: for the schedule.
    """
    step = Supervised(module, config, steps_per_epoch)
    step.measures = {f"precision_at_{rank}": _precision(rank) for rank in RANKS}
    return step


def _precision(rank: int) -> LossFunction:
    def measured(outputs: Tensor, targets: Tensor) -> Tensor:
        best = outputs.topk(min(rank, outputs.shape[1]), 1).indices
        return targets.gather(1, best).float().sum(1).mean() / rank

    return measured
