"""Fully connected layers in PyTorch, and layers that only rearrange or switch.

Flatten and Reshape run through the values with the channels fastest, as the lectures and Keras do. In channels_last memory
that is the order in which they lie, so that nothing is copied.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from foveal.backends.torch_layers.activations import overwriting
from foveal.backends.torch_layers.context import BuildContext, rules
from foveal.network import layers as kinds


def channels_to_end(x: Tensor) -> Tensor:
    """N × channels × height × width seen as N × height × width × channels; any number of axes."""
    return x if x.dim() == 2 else x.movedim(1, -1)


def channels_to_front(x: Tensor) -> Tensor:
    """The other way round."""
    return x if x.dim() == 2 else x.movedim(-1, 1)


class Dense(nn.Module):
    """activation(x · weightᵀ + bias).

    Attributes:
        weight: units × n.
        bias: one a unit, or None.
    """

    bias: nn.Parameter | None

    def __init__(self, layer: kinds.Dense, context: BuildContext) -> None:
        super().__init__()
        n = context.input.channels
        self.weight = context.parameter(layer.kernel_initializer, (layer.units, n), n, layer.units)
        bias = context.parameter(layer.bias_initializer, (layer.units,), n, layer.units) if layer.use_bias else None
        self.register_parameter("bias", bias)
        self.activation = overwriting(layer.activation)
        self.label = repr(layer)

    def forward(self, x: Tensor) -> Tensor:
        sums = F.linear(x, self.weight, self.bias)
        return sums if self.activation is None else self.activation(sums)

    def extra_repr(self) -> str:
        return self.label


class RBF(nn.Module):
    """Minus the squared distance to each unit's centre.

    Attributes:
        weight: centres, units × n; a parameter where they learn, else a buffer (in the model file either way).
    """

    weight: Tensor

    def __init__(self, layer: kinds.RBF, context: BuildContext) -> None:
        super().__init__()
        n = context.input.channels
        if layer.trainable:
            self.weight = context.parameter(layer.kernel_initializer, (layer.units, n), n, layer.units)
        else:
            centres = context.values(layer.kernel_initializer, (layer.units, n), n, layer.units)
            self.register_buffer("weight", centres)

    def forward(self, x: Tensor) -> Tensor:
        return -(x.unsqueeze(1) - self.weight).square().sum(2)


class Flatten(nn.Module):
    """All values in one row, channels fastest."""

    def forward(self, x: Tensor) -> Tensor:
        return channels_to_end(x).flatten(1)


class Reshape(nn.Module):
    """The same values in the same order, channels fastest, in another shape."""

    def __init__(self, target: tuple[int, ...]) -> None:
        super().__init__()
        self.target = target

    def forward(self, x: Tensor) -> Tensor:
        return channels_to_front(channels_to_end(x).reshape(x.shape[0], *self.target))

    def extra_repr(self) -> str:
        return str(self.target)


class Dropout(nn.Module):
    """In training, zeros a share of the values (or of the maps) and scales the others up."""

    def __init__(self, rate: float, maps: bool) -> None:
        super().__init__()
        self.rate, self.maps = rate, maps

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.rate == 0:
            return x
        return F.dropout2d(x, self.rate) if self.maps else F.dropout(x, self.rate)

    def extra_repr(self) -> str:
        return f"rate={self.rate}"


class ZeroPadding(nn.Module):
    """A border of zeros."""

    def __init__(self, padding: tuple[tuple[int, int], ...]) -> None:
        super().__init__()
        self.sides = [n for pair in reversed(padding) for n in pair]

    def forward(self, x: Tensor) -> Tensor:
        return F.pad(x, self.sides)

    def extra_repr(self) -> str:
        return str(self.sides)


class UpSampling(nn.Module):
    """Each pixel several times as high and wide."""

    def __init__(self, size: tuple[int, ...], mode: str) -> None:
        super().__init__()
        self.size, self.mode = size, mode

    def forward(self, x: Tensor) -> Tensor:
        target = [n * factor for n, factor in zip(x.shape[2:], self.size, strict=True)]
        return F.interpolate(x, target, mode=self.mode, align_corners=False if self.mode == "bilinear" else None)

    def extra_repr(self) -> str:
        return f"{self.size}, {self.mode}"


@rules.rule(kinds.Flatten)
def _flatten(layer: kinds.Flatten, context: BuildContext) -> nn.Module:
    return Flatten()


@rules.rule(kinds.Reshape)
def _reshape(layer: kinds.Reshape, context: BuildContext) -> nn.Module:
    return Reshape(tuple(n for n in context.output.axes if n is not None))


@rules.rule(kinds.Dropout)
def _dropout(layer: kinds.Dropout, context: BuildContext) -> nn.Module:
    return Dropout(layer.rate, maps=False)


@rules.rule(kinds.SpatialDropout2D)
def _spatial_dropout(layer: kinds.SpatialDropout2D, context: BuildContext) -> nn.Module:
    return Dropout(layer.rate, maps=True)


@rules.rule(kinds.ZeroPadding2D)
def _zero_padding(layer: kinds.ZeroPadding2D, context: BuildContext) -> nn.Module:
    return ZeroPadding(layer.padding)


@rules.rule(kinds.UpSampling2D)
def _upsampling(layer: kinds.UpSampling2D, context: BuildContext) -> nn.Module:
    return UpSampling(layer.size, layer.interpolation)


# A module that takes a layer and its place is the rule of its kind itself.
rules.rule(kinds.Dense)(Dense)
rules.rule(kinds.RBF)(RBF)
