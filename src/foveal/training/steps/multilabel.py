"""Learning several labels at once: a logit for each, cross-entropy of each label by itself, precision of the best few.

The loss is the mean over documents and labels of −t ln σ(s) − (1 − t) ln(1 − σ(s)), which Liu, Chang, Wu, Yang 2017, section
3.1.4, found better for many labels than losses of ranking. So the step is that of any examples with answers, measured by
precision at k in place of accuracy: where a document has 3 of 250 labels, saying "none" is right in 98.8 % of all cases.
"""

from __future__ import annotations

from torch import Tensor, nn

from foveal.training.config import TrainingConfig
from foveal.training.loss import LossFunction
from foveal.training.steps.supervised import Supervised

RANKS = (1, 3, 5)


def multilabel(module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> Supervised:
    """A step on ``(inputs, targets)``, targets N × labels of 0 and 1, that measures precision at 1, 3 and 5.

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
