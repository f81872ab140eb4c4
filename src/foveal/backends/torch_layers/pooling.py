"""Poolings in PyTorch, for sequences, pictures and solids alike.

Padded places never take part: they hold −∞ for a maximum, and a mean is divided by what the values that are there weigh.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveal.arithmetic.geometry import windows
from foveal.backends.torch_layers.activations import overwriting
from foveal.backends.torch_layers.border import padding_of
from foveal.backends.torch_layers.context import BuildContext, rules
from foveal.backends.torch_layers.sliding import convolve
from foveal.errors import ShapeError
from foveal.network import layers as kinds

_Op = Callable[..., Tensor]
_MAX: dict[int, _Op] = {1: torch.max_pool1d, 2: torch.max_pool2d, 3: torch.max_pool3d}
_AVERAGE: dict[int, _Op] = {1: F.avg_pool1d, 2: F.avg_pool2d, 3: F.avg_pool3d}
_ADAPTIVE: dict[str, dict[int, _Op]] = {
    "max": {1: F.adaptive_max_pool1d, 2: F.adaptive_max_pool2d, 3: F.adaptive_max_pool3d},
    "average": {1: F.adaptive_avg_pool1d, 2: F.adaptive_avg_pool2d},
}


class _Windowed(nn.Module):
    """What poolings over windows share: kernel, strides, padding, and who pads."""

    def __init__(self, layer: Any, context: BuildContext, value: float = 0.0) -> None:
        super().__init__()
        self.kernel, self.strides = layer.pool_size, layer.steps
        self.rank = len(self.kernel)
        _refuse_empty_windows(layer, context)
        # PyTorch's poolings pad at most half a window themselves
        padding = padding_of(layer, context.input, value, tuple(k // 2 for k in self.kernel))
        self.symmetric, self.border, self.padded = padding.symmetric, padding.border, padding.any
        self.label = repr(layer)

    def extra_repr(self) -> str:
        return self.label


class MaxPooling(_Windowed):
    """The largest value of each window; the first in reading order gets the gradient."""

    def __init__(self, layer: Any, context: BuildContext) -> None:
        super().__init__(layer, context, -math.inf)

    def largest(self, x: Tensor) -> Tensor:
        """max x over each window."""
        if self.border is not None:
            x = self.border(x)
        return _MAX[self.rank](x, self.kernel, self.strides, self.symmetric)

    def forward(self, x: Tensor) -> Tensor:
        return self.largest(x)


class MinPooling(MaxPooling):
    """The smallest value: minus the largest of the negatives."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.neg(self.largest(-x))


class _Summing(_Windowed):
    """Sums over windows, weighted or not; padded places add nothing."""

    def __init__(self, layer: Any, context: BuildContext) -> None:
        super().__init__(layer, context)
        self.area = math.prod(self.kernel)

    def total(self, x: Tensor) -> Tensor:
        """Σ x over each window."""
        if self.border is not None:
            x = self.border(x)
        means = _AVERAGE[self.rank](x, self.kernel, self.strides, self.symmetric)  # zeros counted: Σ x / area
        return torch.mul(means, self.area)


class AveragePooling(_Summing):
    """The mean of the values that are there."""

    def forward(self, x: Tensor) -> Tensor:
        if self.border is None:
            return _AVERAGE[self.rank](x, self.kernel, self.strides, self.symmetric, False, False)
        return self.total(x) / self.total(x.new_ones((1, 1, *x.shape[2:])))


class L2Pooling(_Summing):
    """√(Σ x²); where all values are 0, so is the gradient (the root's own would be infinite)."""

    def forward(self, x: Tensor) -> Tensor:
        squares = self.total(x * x)
        positive = squares > 0
        norms: Tensor = torch.where(positive, squares, 1.0).sqrt() * positive
        return norms


class Subsampling(_Summing):
    """activation(weight · Σ x + bias), a pair a channel; it starts as the mean.

    Attributes:
        weight: one coefficient a channel.
        bias: one a channel, or None.
    """

    bias: nn.Parameter | None

    def __init__(self, layer: kinds.Subsampling2D, context: BuildContext) -> None:
        super().__init__(layer, context)
        channels = context.input.channels
        self.weight = context.parameter("ones", (channels,))
        if context.generator is not None:
            self.weight.data.div_(self.area)
        self.register_parameter("bias", context.parameter("zeros", (channels,)) if layer.use_bias else None)
        self.activation = overwriting(layer.activation)

    def forward(self, x: Tensor) -> Tensor:
        sums = self.total(x) * self.weight[:, None, None]
        if self.bias is not None:
            sums = sums + self.bias[:, None, None]
        return sums if self.activation is None else self.activation(sums)


class DistanceWeightedPooling(_Windowed):
    """A mean in which a value at (Euclidean) distance d from the window's middle weighs 1 / (1 + d)."""

    weights: Tensor

    def __init__(self, layer: Any, context: BuildContext) -> None:
        super().__init__(layer, context)
        outline = context.generator is None
        weights = torch.empty(self.kernel, device="meta") if outline else distance_weights(self.kernel)
        self.register_buffer("weights", weights[None, None], persistent=False)

    def total(self, x: Tensor) -> Tensor:
        """Σ weight · x over each window, channel by channel."""
        if self.border is not None:
            x = self.border(x)
        channels = x.shape[1]
        kernel = self.weights.expand(channels, *self.weights.shape[1:])
        return convolve(x, kernel, None, self.strides, self.symmetric, (1,) * self.rank, channels)

    def forward(self, x: Tensor) -> Tensor:
        if not self.padded:
            return self.total(x) / self.weights.sum()
        return self.total(x) / self.total(x.new_ones((1, 1, *x.shape[2:])))


def distance_weights(kernel: tuple[int, ...]) -> Tensor:
    """1 / (1 + d) for each place of a window, d its distance from the middle in steps.

    Example:
        >>> [round(weight, 3) for weight in distance_weights((3,)).tolist()]
        [0.5, 1.0, 0.5]
    """
    squares = torch.zeros(kernel)
    for axis, k in enumerate(kernel):
        offsets = torch.arange(k) - (k - 1) / 2
        squares += offsets.square().reshape([-1 if a == axis else 1 for a in range(len(kernel))])
    return 1 / (1 + squares.sqrt())


def _refuse_empty_windows(layer: Any, context: BuildContext) -> None:
    """A window that lies wholly in the padding has no largest value and no mean."""
    for axis, (n, one) in enumerate(zip(context.input.spatial, windows(layer, context.input) or (), strict=True)):
        last = None if n is None else (one.places(n) - 1) * one.stride - one.before
        if one.before >= one.kernel or (last is not None and n is not None and last >= n):
            side = "before" if one.before >= one.kernel else "after"
            raise ShapeError(
                "a window lies wholly in the padding: there is no value in it to pool",
                where=context.path,
                given=f"input {context.input}, pool_size {one.kernel}, padding {one.before} before and {one.after} after "
                f"on axis {axis + 1}",
                expected=f"less padding {side} than the window is wide: at most {one.kernel - 1}",
                fix=['padding="same"', f"padding={one.kernel // 2}"],
            )


class AdaptivePooling(nn.Module):
    """As many windows as asked for, laid over whatever comes in."""

    def __init__(self, table: str, size: tuple[int, ...]) -> None:
        super().__init__()
        self.table, self.size = table, size

    def forward(self, x: Tensor) -> Tensor:
        return _ADAPTIVE[self.table][x.dim() - 2](x, self.size)

    def extra_repr(self) -> str:
        return f"{self.table}, {self.size}"


class GlobalAverage(nn.Module):
    """The mean of each map."""

    def forward(self, x: Tensor) -> Tensor:
        return x.mean(dim=tuple(range(2, x.dim())))


class GlobalMax(nn.Module):
    """The largest value of each map; the first in reading order gets the gradient."""

    def forward(self, x: Tensor) -> Tensor:
        return _ADAPTIVE["max"][x.dim() - 2](x, 1).flatten(1)


@rules.rule(*kinds.pooling.GLOBAL_AVERAGE)
def _global_average(layer: Any, context: BuildContext) -> nn.Module:
    return GlobalAverage()


@rules.rule(*kinds.pooling.GLOBAL_MAX)
def _global_max(layer: Any, context: BuildContext) -> nn.Module:
    return GlobalMax()


@rules.rule(*kinds.pooling.ADAPTIVE_AVERAGE)
def _adaptive_average(layer: Any, context: BuildContext) -> nn.Module:
    return AdaptivePooling("average", layer.output_size)


@rules.rule(*kinds.pooling.ADAPTIVE_MAX)
def _adaptive_max(layer: Any, context: BuildContext) -> nn.Module:
    return AdaptivePooling("max", layer.output_size)


# A module that takes a layer and its place is the rule of its kind itself.
rules.rule(*kinds.pooling.MAX)(MaxPooling)
rules.rule(*kinds.pooling.MIN)(MinPooling)
rules.rule(*kinds.pooling.AVERAGE)(AveragePooling)
rules.rule(*kinds.pooling.L2)(L2Pooling)
rules.rule(*kinds.pooling.DISTANCE_WEIGHTED)(DistanceWeightedPooling)
rules.rule(kinds.Subsampling2D)(Subsampling)
