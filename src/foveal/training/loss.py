"""The losses and measures as functions on tensors: (outputs, targets) → a 0-dimensional tensor, the batch's mean.

Outputs are (N, K), or (N, K, …) where there are places beside the channels: pixels, steps of a sequence. Targets are class
numbers (N,) or (N, …), or values in the outputs' own shape: one-hot rows, several labels at once, numbers to be predicted.
All is computed in float32, whatever the network's own precision.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from foveal.backends.torch_layers.ending import logits_before
from foveal.errors import ConfigurationError
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.data.batches.protocol import Batches

LossFunction = Callable[[Tensor, Tensor], Tensor]
_SCORES = ("binary_cross_entropy", "hinge", "categorical_hinge")  # one output of theirs says yes above 0
SMALLEST_PROBABILITY = 1e-7  # Keras's epsilon: the logarithm of a probability stays finite


def loss_function(config: TrainingConfig) -> LossFunction:
    """The configured loss, with its smoothing and its view of the outputs (logits or probabilities).

    Example:
        >>> import torch
        >>> loss = loss_function(TrainingConfig(loss="cross_entropy"))
        >>> round(float(loss(torch.zeros(2, 10), torch.tensor([3, 7]))), 4)  # −log(1/10)
        2.3026
    """
    smoothing, logits = config.label_smoothing, config.from_logits
    if config.loss == "cross_entropy":
        return lambda outputs, targets: cross_entropy(outputs, targets, logits=logits, smoothing=smoothing)
    if config.loss == "binary_cross_entropy":
        return lambda outputs, targets: binary_cross_entropy(outputs, targets, logits=logits, smoothing=smoothing)
    return {
        "mse": mean_squared_error,
        "mae": mean_absolute_error,
        "hinge": hinge,
        "categorical_hinge": categorical_hinge,
    }[config.loss]


def cross_entropy(outputs: Tensor, targets: Tensor, *, logits: bool = True, smoothing: float = 0.0) -> Tensor:
    """−Σ q log p with q = (1 − s)·target + s/K; p is the softmax of logits, or the outputs themselves scaled to sum 1.

    Of a network that ends in a softmax the logits before it are taken (:mod:`foveal.backends.torch_layers.ending`).
    """
    before = logits_before(outputs, "softmax")
    if logits or before is not None:
        return F.cross_entropy((outputs if before is None else before).float(), targets, label_smoothing=smoothing)
    outputs = outputs.float()
    if not targets.is_floating_point():
        logs = outputs.clamp(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY).log()
        return F.cross_entropy(logs, targets, label_smoothing=smoothing)  # its softmax scales to sum 1
    shares = outputs / outputs.sum(1, keepdim=True)
    wanted = (1 - smoothing) * targets + smoothing / outputs.shape[1]
    return -(wanted * shares.clamp(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY).log()).sum(1).mean()


def binary_cross_entropy(outputs: Tensor, targets: Tensor, *, logits: bool = True, smoothing: float = 0.0) -> Tensor:
    """−t log p − (1 − t) log(1 − p), with t drawn towards ½ by the smoothing, over all outputs.

    Of a network that ends in a sigmoid the logits before it are taken: a probability that is 1 in float32 has no gradient.
    """
    wanted = (1 - smoothing) * as_values(outputs, targets) + smoothing / 2
    before = logits_before(outputs, "sigmoid")
    if logits or before is not None:
        return F.binary_cross_entropy_with_logits((outputs if before is None else before).float(), wanted)
    p = outputs.float().clamp(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return -(wanted * p.log() + (1 - wanted) * (1 - p).log()).mean()


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """(output − target)² over all outputs; class numbers count as one-hot rows."""
    return F.mse_loss(outputs.float(), as_values(outputs, targets))


def mean_absolute_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """|output − target| over all outputs; class numbers count as one-hot rows."""
    return F.l1_loss(outputs.float(), as_values(outputs, targets))


def hinge(outputs: Tensor, targets: Tensor) -> Tensor:
    """max(0, 1 − t·s) over all outputs, t = ±1: labels may be −1 and 1, or 0 and 1; class numbers are one against the rest."""
    sides = torch.where(as_values(outputs, targets) > 0, 1.0, -1.0)
    return (1 - sides * outputs.float()).clamp(min=0).mean()


def categorical_hinge(outputs: Tensor, targets: Tensor) -> Tensor:
    """max(0, 1 + max_j (1 − t_j) s_j − Σ_j t_j s_j) with one-hot t: the right class against the strongest other.

    As in Keras, the right class itself counts as 0 among the others.
    """
    outputs, wanted = outputs.float(), as_values(outputs, targets)
    return (1 + ((1 - wanted) * outputs).amax(1) - (wanted * outputs).sum(1)).clamp(min=0).mean()


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The share of samples whose largest output is that of the right class."""
    right = targets.argmax(1) if targets.ndim == outputs.ndim else targets
    return (outputs.argmax(1) == right).float().mean()


def binary_accuracy(outputs: Tensor, targets: Tensor, threshold: float) -> Tensor:
    """The share of outputs on the right side of the threshold, over all outputs and labels."""
    return ((outputs.float() > threshold) == (as_values(outputs, targets) > 0.5)).float().mean()


def measures(config: TrainingConfig) -> dict[str, LossFunction]:
    """The configured metrics by their names in a history.

    ``accuracy`` is what Keras makes of the word: with one output the share on the right side of the threshold, with several
    the share of samples whose largest output is where the target's largest value is. ``binary_accuracy`` counts every
    output by itself: for several labels at once. The threshold is 0.5, or 0 where the outputs are logits or scores.
    """
    threshold = 0.0 if config.from_logits and config.loss in _SCORES else 0.5

    def right(outputs: Tensor, targets: Tensor) -> Tensor:
        return sides(outputs, targets) if outputs.shape[1] == 1 else accuracy(outputs, targets)

    def sides(outputs: Tensor, targets: Tensor) -> Tensor:
        return binary_accuracy(outputs, targets, threshold)

    known: dict[str, LossFunction] = {
        "accuracy": right,
        "binary_accuracy": sides,
        "mse": mean_squared_error,
        "mae": mean_absolute_error,
    }
    return {name: known[name] for name in config.metrics}


def as_values(outputs: Tensor, targets: Tensor) -> Tensor:
    """Targets as numbers in the outputs' shape: class numbers become one-hot rows, (N,) becomes (N, 1).

    Raises:
        ConfigurationError: the shapes do not fit; nothing is broadcast in silence.
    """
    if targets.shape == outputs.shape:
        return targets.float()
    if targets.ndim == 1 and outputs.shape == (len(targets), 1):
        return targets.float()[:, None]
    if not targets.is_floating_point() and targets.shape == outputs[:, 0].shape:
        return F.one_hot(targets, outputs.shape[1]).float().movedim(-1, 1)
    raise ConfigurationError(
        "the targets do not have the shape of the network's outputs",
        given=f"outputs {tuple(outputs.shape)}, targets {tuple(targets.shape)}",
        expected=f"targets {tuple(outputs.shape)}, or class numbers ({len(outputs)},)",
        fix=["change the units of the last layer", "reshape the targets"],
    )


def mean_values(module: Any, batches: Batches, config: TrainingConfig) -> dict[str, float]:
    """The loss, with what regularised layers add to it, and the metrics over a whole set, by their names.

    Args:
        module: a :class:`foveal.backends.torch.Network`, in evaluation mode.
        batches: of inputs and targets.
        config: which loss and which metrics.
    """
    functions = {"loss": loss_function(config), **measures(config)}
    totals = dict.fromkeys(functions, 0.0)
    with torch.inference_mode():
        for inputs, targets in batches.epoch(0):
            outputs = module(inputs)
            for name, function in functions.items():
                totals[name] += float(function(outputs, targets)) * len(targets)
        penalty = module.regularization_loss()
    values = {name: total / batches.examples for name, total in totals.items()}
    if penalty is not None:
        values["loss"] += float(penalty)
    return values
