"""The losses and measures as functions on tensors: (outputs, targets) → a 0-dimensional tensor, the batch's mean.

Outputs are (N, K), or (N, K, …) where there are places beside the channels: pixels, steps of a sequence. Targets are class
numbers (N,) or (N, …), or values in the outputs' own shape: one-hot rows, several labels at once, numbers to be predicted.
All is computed in float32, whatever the network's own precision.
"""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from foveal.errors import ConfigurationError
from foveal.training.config import TrainingConfig

LossFunction = Callable[[Tensor, Tensor], Tensor]
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
    return {"mse": mean_squared_error, "mae": mean_absolute_error, "hinge": hinge}[config.loss]


def cross_entropy(outputs: Tensor, targets: Tensor, *, logits: bool = True, smoothing: float = 0.0) -> Tensor:
    """−Σ q log p with q = (1 − s)·target + s/K; p is the softmax of logits, or the outputs themselves."""
    outputs = outputs.float()
    if logits:
        return F.cross_entropy(outputs, targets, label_smoothing=smoothing)
    logs = outputs.clamp(SMALLEST_PROBABILITY, 1.0).log()
    right = (logs * targets).sum(1) if targets.is_floating_point() else logs.gather(1, targets[:, None])[:, 0]
    return -((1 - smoothing) * right + smoothing * logs.mean(1)).mean()


def binary_cross_entropy(outputs: Tensor, targets: Tensor, *, logits: bool = True, smoothing: float = 0.0) -> Tensor:
    """−t log p − (1 − t) log(1 − p), with t drawn towards ½ by the smoothing, over all outputs."""
    outputs = outputs.float()
    wanted = (1 - smoothing) * as_values(outputs, targets) + smoothing / 2
    if logits:
        return F.binary_cross_entropy_with_logits(outputs, wanted)
    p = outputs.clamp(SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    return -(wanted * p.log() + (1 - wanted) * (1 - p).log()).mean()


def mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """(output − target)² over all outputs; class numbers count as one-hot rows."""
    return F.mse_loss(outputs.float(), as_values(outputs, targets))


def mean_absolute_error(outputs: Tensor, targets: Tensor) -> Tensor:
    """|output − target| over all outputs; class numbers count as one-hot rows."""
    return F.l1_loss(outputs.float(), as_values(outputs, targets))


def hinge(outputs: Tensor, targets: Tensor) -> Tensor:
    """Σ_{j≠y} max(0, 1 + s_j − s_y); of one output a picture max(0, 1 − t·s) with t = ±1 (labels 1 and 0)."""
    outputs = outputs.float()
    if outputs.shape[1] == 1:
        return (1 - (2 * as_values(outputs, targets) - 1) * outputs).clamp(min=0).mean()
    right = targets.argmax(1) if targets.ndim > 1 else targets
    margins = (1 + outputs - outputs.gather(1, right[:, None])).clamp(min=0)
    return margins.sum(1).mean() - 1.0  # the right class itself always contributes exactly 1


def accuracy(outputs: Tensor, targets: Tensor) -> Tensor:
    """The share of samples whose largest output is that of the right class."""
    right = targets.argmax(1) if targets.ndim == outputs.ndim else targets
    return (outputs.argmax(1) == right).float().mean()


def binary_accuracy(outputs: Tensor, targets: Tensor, threshold: float) -> Tensor:
    """The share of outputs on the right side of the threshold, over all outputs and labels."""
    return ((outputs.float() > threshold) == (as_values(outputs, targets) > 0.5)).float().mean()


def measures(config: TrainingConfig) -> dict[str, LossFunction]:
    """The configured metrics by their names in a history."""
    threshold = 0.0 if config.from_logits and config.loss in ("binary_cross_entropy", "hinge") else 0.5
    binary = config.loss == "binary_cross_entropy"

    def right(outputs: Tensor, targets: Tensor) -> Tensor:
        if outputs.shape[1] == 1 or (binary and targets.ndim > 1):
            return binary_accuracy(outputs, targets, threshold)
        return accuracy(outputs, targets)

    known: dict[str, LossFunction] = {"accuracy": right, "mse": mean_squared_error, "mae": mean_absolute_error}
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
        mend=["change the units of the last layer", "reshape the targets"],
    )
