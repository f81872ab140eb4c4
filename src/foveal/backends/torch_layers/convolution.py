"""Convolutions in PyTorch. Sums first, then the activation written over them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from foveal.arithmetic.geometry import transposed_padding
from foveal.backends.torch_layers.activations import overwriting
from foveal.backends.torch_layers.border import padding_of
from foveal.backends.torch_layers.context import BuildContext, rules
from foveal.backends.torch_layers.sliding import convolve, transpose
from foveal.network import layers as kinds
from foveal.network.activations import Regularizer
from foveal.network.node import Node


def _bias(layer: Any, context: BuildContext, n_in: int, n_out: int) -> nn.Parameter | None:
    return context.parameter(layer.bias_initializer, (layer.filters,), n_in, n_out) if layer.use_bias else None


class Convolution(nn.Module):
    """Conv1D, Conv2D, Conv3D and DepthwiseConv2D.

    Attributes:
        weight: filters × channels / groups × kernel.
        bias: one a filter, or None.
    """

    bias: nn.Parameter | None

    def __init__(
        self, layer: Any, context: BuildContext, weight: nn.Parameter, bias: nn.Parameter | None, groups: int
    ) -> None:
        super().__init__()
        self.weight = weight
        self.register_parameter("bias", bias)
        padding = padding_of(layer, context.input)
        self.border = padding.border
        self.geometry = (layer.strides, padding.symmetric, layer.dilation_rate, groups)
        self.activation = overwriting(layer.activation)
        self.label = repr(layer)

    def forward(self, x: Tensor) -> Tensor:
        if self.border is not None:
            x = self.border(x)
        sums = convolve(x, self.weight, self.bias, *self.geometry)
        return sums if self.activation is None else self.activation(sums)

    def extra_repr(self) -> str:
        return self.label


@rules.rule(kinds.Conv1D, kinds.Conv3D)
def _convolution(layer: Any, context: BuildContext) -> nn.Module:
    per_group = context.input.channels // layer.groups
    n_in, n_out = math.prod(layer.kernel_size) * per_group, math.prod(layer.kernel_size) * layer.filters
    weight = context.parameter(layer.kernel_initializer, (layer.filters, per_group, *layer.kernel_size), n_in, n_out)
    return Convolution(layer, context, weight, _bias(layer, context, n_in, n_out), layer.groups)


@rules.rule(kinds.Conv2D)
def _convolution_2d(layer: kinds.Conv2D, context: BuildContext) -> nn.Module:
    return _convolution(layer, context) if layer.connections is None else PartialConvolution(layer, context)


@rules.rule(kinds.DepthwiseConv2D)
def _depthwise(layer: kinds.DepthwiseConv2D, context: BuildContext) -> nn.Module:
    channels, area = context.input.channels, math.prod(layer.kernel_size)
    filters, n_out = channels * layer.depth_multiplier, area * layer.depth_multiplier
    n_in = area * channels  # Keras' count: a depthwise kernel is one array over all channels
    weight = context.parameter(layer.kernel_initializer, (filters, 1, *layer.kernel_size), n_in, n_out)
    bias = context.parameter(layer.bias_initializer, (filters,), n_in, n_out) if layer.use_bias else None
    return Convolution(layer, context, weight, bias, channels)


class PartialConvolution(nn.Module):
    """A convolution whose filters see only the channels of a table (LeNet-5's C3).

    The parameter holds the connections that exist and nothing else; forward lays them into a kernel full of zeros.

    Attributes:
        weight: connections × kernel height × kernel width, filter by filter, channels ascending.
    """

    bias: nn.Parameter | None
    places: Tensor

    def __init__(self, layer: kinds.Conv2D, context: BuildContext) -> None:
        super().__init__()
        assert layer.connections is not None
        channels, area = context.input.channels, math.prod(layer.kernel_size)
        count = sum(map(len, layer.connections))
        n_out = max(1, round(area * count / channels))  # filters that see a channel, on the average
        rows = [
            context.values(layer.kernel_initializer, (len(row), *layer.kernel_size), area * len(row), n_out)
            for row in layer.connections
        ]
        self.weight = nn.Parameter(torch.cat(rows))
        self.register_parameter("bias", _bias(layer, context, area * count // layer.filters, n_out))
        seen = [f * channels + c for f, row in enumerate(layer.connections) for c in row]
        self.register_buffer("places", torch.tensor(seen, device=self.weight.device), persistent=False)
        self.dense_shape = (layer.filters, channels, *layer.kernel_size)
        padding = padding_of(layer, context.input)
        self.border = padding.border
        self.geometry = (layer.strides, padding.symmetric, layer.dilation_rate)
        self.activation = overwriting(layer.activation)

    def kernel(self) -> Tensor:
        """The full kernel, filters × channels × height × width, with zeros where nothing is connected."""
        filters, channels, *size = self.dense_shape
        empty = self.weight.new_zeros((filters * channels, *size))
        return empty.index_copy(0, self.places, self.weight).view(self.dense_shape)

    def forward(self, x: Tensor) -> Tensor:
        if self.border is not None:
            x = self.border(x)
        sums = convolve(x, self.kernel(), self.bias, *self.geometry)
        return sums if self.activation is None else self.activation(sums)


class Separable(nn.Module):
    """A filter for each channel, then a 1 × 1 convolution that mixes them.

    Attributes:
        depthwise: channels · depth_multiplier × 1 × kernel.
        pointwise: filters × channels · depth_multiplier × 1 × 1.
    """

    bias: nn.Parameter | None

    def __init__(self, layer: kinds.SeparableConv2D, context: BuildContext) -> None:
        super().__init__()
        self.channels, area = context.input.channels, math.prod(layer.kernel_size)
        middle = self.channels * layer.depth_multiplier
        self.depthwise = context.parameter(
            layer.kernel_initializer,
            (middle, 1, *layer.kernel_size),
            area * self.channels,
            area * layer.depth_multiplier,
        )
        self.pointwise = context.parameter(
            layer.kernel_initializer, (layer.filters, middle, 1, 1), middle, layer.filters
        )
        self.register_parameter("bias", _bias(layer, context, middle, layer.filters))
        padding = padding_of(layer, context.input)
        self.border = padding.border
        self.geometry = (layer.strides, padding.symmetric, layer.dilation_rate, self.channels)
        self.activation = overwriting(layer.activation)

    def forward(self, x: Tensor) -> Tensor:
        if self.border is not None:
            x = self.border(x)
        each = convolve(x, self.depthwise, None, *self.geometry)
        sums = convolve(each, self.pointwise, self.bias, (1, 1), (0, 0), (1, 1))
        return sums if self.activation is None else self.activation(sums)


class Transposed(nn.Module):
    """The convolution's adjoint, with what its padding cuts away.

    Attributes:
        weight: channels × filters / groups × kernel, as PyTorch has it for this layer.
    """

    bias: nn.Parameter | None

    def __init__(self, layer: kinds.Conv2DTranspose, context: BuildContext) -> None:
        super().__init__()
        channels, area, per_group = context.input.channels, math.prod(layer.kernel_size), layer.filters // layer.groups
        n_in, n_out = area * per_group, area * channels  # Keras' count: of the convolution whose adjoint this is
        self.weight = context.parameter(
            layer.kernel_initializer, (channels, per_group, *layer.kernel_size), n_in, n_out
        )
        self.register_parameter("bias", _bias(layer, context, n_in, n_out))
        cuts = transposed_padding(layer)
        self.even = tuple(min(before, after) for before, after, _ in cuts)  # PyTorch cuts both ends alike
        self.extra = tuple(extra for _, _, extra in cuts)
        self.rest = [(before - even, after - even) for (before, after, _), even in zip(cuts, self.even, strict=True)]
        self.strides, self.dilation, self.groups = layer.strides, layer.dilation_rate, layer.groups
        self.activation = overwriting(layer.activation)

    def forward(self, x: Tensor) -> Tensor:
        sums = transpose(x, self.weight, self.bias, self.strides, self.even, self.extra, self.groups, self.dilation)
        (top, bottom), (left, right) = self.rest
        if top or bottom or left or right:
            sums = sums[:, :, top : sums.shape[2] - bottom, left : sums.shape[3] - right]
        return sums if self.activation is None else self.activation(sums)


def penalised(layer: Node, within: str = "") -> Iterator[tuple[str, Regularizer]]:
    """The tensors that a ``kernel_regularizer`` is about, the layer's and those of layers that it holds, and the penalty."""
    rule = getattr(layer, "kernel_regularizer", None)
    if rule is not None:
        names = ("depthwise", "pointwise") if isinstance(layer, kinds.SeparableConv2D) else ("weight",)
        yield from ((within + name, rule) for name in names)
    for name, part in layer.held():
        yield from penalised(part, f"{within}{name}.")


# A module that takes a layer and its place is the rule of its kind itself.
rules.rule(kinds.SeparableConv2D)(Separable)
rules.rule(kinds.Conv2DTranspose)(Transposed)
