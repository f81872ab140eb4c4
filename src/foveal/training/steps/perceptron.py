"""The perceptron rule: w ← w + η (t − y) x after every example that was answered wrong. No gradient, no loss to descend.

Rosenblatt 1958, The Perceptron; the form and the proof that it ends are Novikoff's (1962, On Convergence Proofs on
Perceptrons): if some line leaves all examples on their side by a distance γ, and none is farther from the origin than R (both
with a constant 1 as a further input, the bias'), then rule and zero weights make at most (R / γ)² corrections, in any order.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from foveal.errors import ConfigurationError
from foveal.network import layers
from foveal.network.tree import walk
from foveal.training.config import TrainingConfig
from foveal.training.steps import Values
from foveal.training.steps.base import OneNetwork


class PerceptronRule(OneNetwork):
    """One unit with the step function, corrected example by example.

    A batch is ``(inputs (N, n), targets (N,) of 0 and 1)`` and is gone through one example after the other, each answered by
    the weights that the one before left. ``loss`` is the share answered wrong before their correction: times the number of
    examples, it is the number of corrections.

    Args:
        module: the network: ``Dense(1, activation="step")`` on a vector, and nothing else.
        config: its learning rate is η. The optimizer's kind, the schedule and the loss do not matter here.
        steps_per_epoch: not used; the rule has no schedule.

    Raises:
        ConfigurationError: the network is not a single unit with the step function.

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> module = build(zoo.perceptron())
        >>> learn = PerceptronRule(module, TrainingConfig(optimizer="sgd", lr=1.0), 1)
        >>> round(float(learn((torch.tensor([[2.0, 3.0]]), torch.tensor([1])))["loss"]), 1)  # net = 0 is no 1: a correction
        1.0
        >>> module.node("unit").weight.tolist(), module.node("unit").bias.tolist()
        ([[2.0, 3.0]], [1.0])
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> None:
        super().__init__(module, config)
        self.unit = _unit(module)
        self.eta = config.optimizer_spec().learning_rate

    @property
    def rate(self) -> float:
        return self.eta

    @torch.no_grad()
    def __call__(self, batch: Any) -> Values:
        inputs, targets = batch
        wrong = torch.zeros((), device=inputs.device)
        for x, t in zip(inputs, targets, strict=True):
            error = t - self.module(x[None])[0, 0]  # 1: should have fired; −1: should not have; 0: right
            self.unit.weight += self.eta * error * x
            self.unit.bias += self.eta * error
            wrong = wrong + error.abs()
        return _values(wrong / len(targets))

    def _validation(self) -> Callable[[Any], Values]:
        def measure(batch: Any) -> Values:
            inputs, targets = batch
            return _values((targets - self.module(inputs)[:, 0]).abs().mean())

        return measure


def _values(wrong: Tensor) -> Values:
    return {"loss": wrong, "accuracy": 1 - wrong}


def _unit(module: nn.Module) -> Any:
    """The network's one layer, where it is such a unit."""
    network = getattr(module, "network", None)
    if network is not None and len(network.layers) == 1:
        (path, node) = list(walk(network))[-1]
        if isinstance(node, layers.Dense) and (node.units, node.activation, node.use_bias) == (1, "step", True):
            return module.node(path)  # type: ignore[operator]
    raise ConfigurationError(
        "the perceptron rule trains one unit with the step function",
        where="PerceptronRule",
        given=f"{getattr(network, 'name', '') or type(module).__name__}, "
        f"{sum(p.numel() for p in module.parameters()):,} parameters",
        expected='one layer, Dense(1, activation="step") with a bias',
        fix=["foveal.zoo.perceptron(input_shape=n)", "Supervised, which descends the gradient of any other network"],
    )
