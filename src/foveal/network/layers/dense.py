"""Fully connected layers, and layers that only rearrange or switch."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from foveal.network.activations import Regularizer, regularizer
from foveal.network.fields import (
    Axes,
    Named,
    Pads,
    Refused,
    axes,
    checked,
    flag,
    number,
    one_of,
    padding,
    positive,
    whole,
)
from foveal.network.layers.convolution import activation_name, initializer_name
from foveal.network.node import Node


@dataclass(frozen=True, repr=False)
class Dense(Node):
    """Every input to every unit: n values → units. Parameters: n × units + units.

    Args:
        units: values that come out.
        activation: applied to the sum; None is linear.
        use_bias: whether each unit adds a bias.
        kernel_initializer, bias_initializer: see ``foveal.network.activations.INITIALIZERS``.
        kernel_regularizer: a penalty on the weights, added to the loss.

    Takes vectors only. A picture is flattened first, by a layer that the table then shows.

    Example:
        >>> Dense(10)
        Dense(units=10)
    """

    family = "dense"
    units: int = checked(positive)
    activation: Named = checked(activation_name, None)
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    bias_initializer: str = checked(initializer_name, "zeros")
    kernel_regularizer: Regularizer | None = checked(regularizer, None)


@dataclass(frozen=True, repr=False)
class RBF(Node):
    """LeNet-5's output: minus the squared distance of the input to each unit's centre, −Σⱼ (xⱼ − wᵢⱼ)².

    The paper outputs the distance itself, the smallest winning; here the sign is turned, so that the largest wins as
    everywhere else, and softmax of it is the paper's posterior (LeCun et al. 1998, section II.B and equation 9).

    Args:
        units: classes.
        trainable: whether the centres learn; LeNet-5's are fixed.
        kernel_initializer: "digit_bitmaps" (10 units on 84 values) as in the paper, "random_signs", or any other.

    Parameters: n × units, trainable or not.
    """

    family = "dense"
    units: int = checked(positive)
    trainable: bool = checked(flag, False)
    kernel_initializer: str = checked(initializer_name, "random_signs")


@dataclass(frozen=True, repr=False)
class Flatten(Node):
    """All values in one row: height × width × channels → their product, channels running fastest."""


def _target(value: Any) -> tuple[int, ...]:
    sizes = (value,) if isinstance(value, int) and not isinstance(value, bool) else value
    if isinstance(sizes, list | tuple) and 1 <= len(sizes) <= 4:
        known = [n for n in sizes if not (whole(n, -1) and n == -1)]
        if all(whole(n, 1) for n in known) and len(known) >= len(sizes) - 1:
            return tuple(sizes)
    raise Refused("1 to 4 sizes, channels last; one of them may be −1 (whatever is left)", "…=(28, 28, 1)")


@dataclass(frozen=True, repr=False)
class Reshape(Node):
    """The same values in another shape, in the same order, channels running fastest.

    Args:
        target_shape: (n,), (length, channels), (height, width, channels) or (depth, height, width, channels);
            one entry may be −1.

    Example:
        >>> Reshape((28, 28, 1))
        Reshape(target_shape=(28, 28, 1))
    """

    target_shape: tuple[int, ...] = checked(_target)


@dataclass(frozen=True, repr=False)
class Activation(Node):
    """A function of each value (softmax: of each position's channels).

    Args:
        activation: a name of ``foveal.network.activations.ACTIVATIONS``.
        negative_slope: leaky_relu's slope below zero.
        alpha: elu's value far below zero is −alpha.

    Example:
        >>> Activation("leaky_relu", negative_slope=0.1)
        Activation(activation='leaky_relu', negative_slope=0.1)
    """

    activation: Named = checked(activation_name)
    negative_slope: float = checked(number(0.0), 0.2)
    alpha: float = checked(number(0.0), 1.0)


@dataclass(frozen=True, repr=False)
class Dropout(Node):
    """In training, sets a share ``rate`` of the values to 0 and divides the others by 1 − rate (Srivastava et al. 2014).

    Example:
        >>> Dropout(0.5)
        Dropout(rate=0.5)
    """

    rate: float = checked(number(0.0, below=1.0))


@dataclass(frozen=True, repr=False)
class SpatialDropout2D(Node):
    """Dropout of whole feature maps (Tompson et al. 2014)."""

    rank = 2
    rate: float = checked(number(0.0, below=1.0))


def _border(value: Any) -> Pads:
    with contextlib.suppress(Refused):
        sides = padding(2)(value)
        if not isinstance(sides, str):
            return tuple(sides)
    raise Refused("a number, (rows, columns), or ((top, bottom), (left, right))", "…=2")


@dataclass(frozen=True, repr=False)
class ZeroPadding2D(Node):
    """A border of zeros: LeNet-5's pictures of 28 × 28 become 32 × 32.

    Example:
        >>> ZeroPadding2D(2).padding
        ((2, 2), (2, 2))
    """

    rank = 2
    padding: Any = checked(_border, 1)


@dataclass(frozen=True, repr=False)
class UpSampling2D(Node):
    """Each pixel ``size`` times as high and wide.

    Args:
        size: factors of height and width.
        interpolation: "nearest" repeats, "bilinear" interpolates between pixel centres.
    """

    rank = 2
    size: Axes = checked(axes(2), 2)
    interpolation: str = checked(one_of(("nearest", "bilinear"), what="way"), "nearest")
