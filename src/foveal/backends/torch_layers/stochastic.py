"""Layers that draw random numbers in PyTorch, and the Boltzmann machine.

They draw from PyTorch's own generator, which checkpoints hold, so that a resumed run sees the same numbers.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveal.backends.torch_layers.context import BuildContext, rules
from foveal.network import layers as kinds


class GaussianNoise(nn.Module):
    """x + stddev · ε in training."""

    def __init__(self, stddev: float) -> None:
        super().__init__()
        self.stddev = stddev

    def forward(self, x: Tensor) -> Tensor:
        return x + torch.randn_like(x) * self.stddev if self.training and self.stddev else x

    def extra_repr(self) -> str:
        return f"stddev={self.stddev}"


class Sampling(nn.Module):
    """μ + e^(ln σ² / 2) · ε in training, μ afterwards."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.units = units

    def forward(self, x: Tensor) -> Tensor:
        mean = x[:, : self.units]
        if not self.training:
            return mean
        return mean + torch.exp(x[:, self.units :] / 2) * torch.randn_like(mean)

    def extra_repr(self) -> str:
        return f"units={self.units}"


class RBM(nn.Module):
    """A restricted Boltzmann machine with n visible and h hidden units, each 0 or 1.

    Its energy is E(v, h) = −v · b − h · c − h · W v. Called, it goes up.

    Attributes:
        weight: W, h × n.
        bias: c, of the hidden units.
        visible_bias: b.
    """

    def __init__(self, layer: kinds.RBM, context: BuildContext) -> None:
        super().__init__()
        n, h = context.input.channels, layer.units
        self.weight = context.parameter(layer.kernel_initializer, (h, n), n, h)
        self.bias = context.parameter("zeros", (h,))
        self.visible_bias = context.parameter("zeros", (n,))
        self.label = repr(layer)

    def forward(self, v: Tensor) -> Tensor:
        return self.up(v)

    def up(self, v: Tensor) -> Tensor:
        """P(h = 1 | v), N × h, for visible values N × n."""
        return torch.sigmoid(F.linear(v, self.weight, self.bias))

    def down(self, h: Tensor) -> Tensor:
        """P(v = 1 | h), N × n, for hidden values N × h."""
        return torch.sigmoid(F.linear(h, self.weight.t(), self.visible_bias))

    def free_energy(self, v: Tensor) -> Tensor:
        """F(v) = −v · b − Σ ln(1 + e^(c + W v)), one a sample: P(v) = e^−F(v) / Z (Hinton 2010, section 16.1)."""
        return -(v @ self.visible_bias) - F.softplus(F.linear(v, self.weight, self.bias)).sum(1)

    def extra_repr(self) -> str:
        return self.label


@rules.rule(kinds.GaussianNoise)
def _noise(layer: kinds.GaussianNoise, context: BuildContext) -> nn.Module:
    return GaussianNoise(layer.stddev)


@rules.rule(kinds.Sampling)
def _sampling(layer: kinds.Sampling, context: BuildContext) -> nn.Module:
    return Sampling(layer.units)


# A module that takes a layer and its place is the rule of its kind itself.
rules.rule(kinds.RBM)(RBM)
