"""Layers that slide learned filters over their input.

"Convolution" is cross-correlation here, as in every framework (the kernel is not turned); the window arithmetic is in
:mod:`foveal.arithmetic.window`. Shapes are height × width × channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foveal.errors import DescriptionError
from foveal.network.activations import ACTIVATIONS, INITIALIZERS, Regularizer, regularizer
from foveal.network.aliases import ACTIVATION_ALIASES, ACTIVATION_REPAIRS, INITIALIZER_ALIASES, OTHER_ACTIVATIONS
from foveal.network.fields import (
    Axes,
    Named,
    Padding,
    Refused,
    axes,
    checked,
    divisor,
    flag,
    one_of,
    padding,
    positive,
    whole,
)
from foveal.network.node import Node

activation_name = one_of(
    ACTIVATIONS,
    none="linear",
    what="activation function",
    aliases=ACTIVATION_ALIASES,
    others=OTHER_ACTIVATIONS,
    repairs=ACTIVATION_REPAIRS,
)
initializer_name = one_of(INITIALIZERS, what="initialiser", aliases=INITIALIZER_ALIASES)


def connection_table(value: Any) -> tuple[tuple[int, ...], ...] | None:
    """The check for a partial connection table: for each filter, the input channels that it sees."""
    if value is None:
        return None
    if isinstance(value, list | tuple):
        rows = tuple(tuple(row) if isinstance(row, list | tuple) else () for row in value)
        if rows and all(
            row and all(whole(c, 0) for c in row)
            and len(set(row)) == len(row)
            for row in rows
        ):  # fmt: skip
            return tuple(tuple(sorted(row)) for row in rows)
    raise Refused(
        "for each filter the list of input channels that it sees, counted from 0, none twice",
        "…=((0, 1, 2), (1, 2, 3), …): one row a filter",
    )


@dataclass(frozen=True, repr=False)
class _Convolution(Node):
    """What convolutions of all ranks share."""

    family = "convolution"

    @property
    def window(self) -> tuple[int, ...]:
        return tuple(getattr(self, "kernel_size"))  # noqa: B009  # each kind declares its own

    @property
    def steps(self) -> tuple[int, ...]:
        return tuple(getattr(self, "strides"))  # noqa: B009

    def validate(self) -> None:
        filters, groups = getattr(self, "filters", 1), getattr(self, "groups", 1)
        if filters % groups:
            # a hostile description may say 10³⁰ filters: look at no more than anybody would read
            divisors = [g for g in range(1, min(filters, 4096) + 1) if filters % g == 0]
            nearest = min(divisors, key=lambda g: (abs(g - groups), -g))
            raise DescriptionError(
                "groups must divide filters, so that each group makes equally many",
                where=self.name or self.kind,
                given=f"filters={filters}, groups={groups}: {filters} / {groups} = {filters / groups:.4g}",
                expected=f"a divisor of {filters}: {', '.join(map(str, divisors))}",
                fix=[f"groups={nearest}", f"filters={-(-filters // groups) * groups}"],
            )
        strides, dilation = getattr(self, "strides", (1,)), getattr(self, "dilation_rate", (1,))
        if max(strides) > 1 and max(dilation) > 1:
            raise DescriptionError(
                "strides and dilation_rate cannot both be above 1: the window would skip what it spreads over",
                where=self.name or self.kind,
                given=f"strides={strides}, dilation_rate={dilation}",
                expected="one of them 1",
                fix=["strides=1", "dilation_rate=1"],
            )


@dataclass(frozen=True, repr=False)
class Conv1D(_Convolution):
    """A convolution along time: length × channels → length' × filters.

    Args:
        filters: number of filters, and of channels that come out.
        kernel_size: samples that a filter sees.
        strides: samples that the window moves at each step.
        padding: "valid" (none), "same" (output ⌈n / stride⌉, the odd zero at the end), or zeros (before, after).
        dilation_rate: distance of the samples that a filter sees.
        groups: channels and filters are cut into this many groups that do not see one another.
        activation: applied to the sum; None is linear.
        use_bias: whether a bias is added for each filter.
        kernel_initializer, bias_initializer: see ``foveal.network.activations.INITIALIZERS``.
        kernel_regularizer: a penalty on the kernel, added to the loss.

    Example:
        >>> Conv1D(16, 5, padding="same")
        Conv1D(filters=16, kernel_size=(5,), padding='same')
    """

    rank = 1
    filters: int = checked(positive)
    kernel_size: Axes = checked(axes(1))
    strides: Axes = checked(axes(1), 1)
    padding: Padding = checked(padding(1), "valid")
    dilation_rate: Axes = checked(axes(1), 1)
    groups: int = checked(divisor, 1)
    activation: Named = checked(activation_name, None)
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    bias_initializer: str = checked(initializer_name, "zeros")
    kernel_regularizer: Regularizer | None = checked(regularizer, None)


@dataclass(frozen=True, repr=False)
class Conv2D(_Convolution):
    """A convolution over a picture: height × width × channels → height' × width' × filters.

    Parameters: (kernel height × kernel width × channels / groups + 1) × filters. Output: ⌊(n + padding − kernel) / stride⌋ + 1.

    Args:
        filters: number of filters, and of feature maps that come out.
        kernel_size: height and width of a filter.
        strides: pixels that the window moves at each step.
        padding: "valid" (none), "same" (output ⌈n / stride⌉; zeros as even as possible, the odd one at the bottom and
            the right), a number for all sides, or ((top, bottom), (left, right)).
        dilation_rate: distance of the pixels that a filter sees.
        groups: channels and filters are cut into this many groups that do not see one another.
        activation: applied to the sum; None is linear.
        use_bias: whether a bias is added for each filter.
        kernel_initializer, bias_initializer: see ``foveal.network.activations.INITIALIZERS``.
        kernel_regularizer: a penalty on the kernel, added to the loss.
        connections: a partial connection table: for each filter, the input channels that it sees (LeNet-5's C3;
            LeCun et al. 1998, table I). None: every filter sees all channels.

    Raises:
        DescriptionError: groups do not divide filters, strides and dilation both above 1, a table of another length.

    Example:
        >>> Conv2D(32, (3, 3), activation="relu")
        Conv2D(filters=32, kernel_size=(3, 3), activation='relu')
    """

    rank = 2
    filters: int = checked(positive)
    kernel_size: Axes = checked(axes(2))
    strides: Axes = checked(axes(2), 1)
    padding: Padding = checked(padding(2), "valid")
    dilation_rate: Axes = checked(axes(2), 1)
    groups: int = checked(divisor, 1)
    activation: Named = checked(activation_name, None)
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    bias_initializer: str = checked(initializer_name, "zeros")
    kernel_regularizer: Regularizer | None = checked(regularizer, None)
    connections: tuple[tuple[int, ...], ...] | None = checked(connection_table, None)

    def validate(self) -> None:
        super().validate()
        if self.connections is None:
            return
        if len(self.connections) != self.filters:
            raise DescriptionError(
                "the connection table needs one row for each filter",
                where=self.name or self.kind,
                given=f"filters={self.filters}, {len(self.connections)} rows",
                expected=f"{self.filters} rows",
                fix=[f"filters={len(self.connections)}", "connections=None (every filter sees all channels)"],
            )
        if self.groups > 1:
            raise DescriptionError(
                "groups and a connection table both say which channels a filter sees",
                where=self.name or self.kind,
                given=f"groups={self.groups} and connections",
                expected="one of the two",
                fix=["groups=1", "connections=None"],
            )


@dataclass(frozen=True, repr=False)
class Conv3D(_Convolution):
    """A convolution over a solid or a film: depth × height × width × channels; arguments as in :class:`Conv2D`.

    Example:
        >>> Conv3D(8, 3, strides=(1, 2, 2))
        Conv3D(filters=8, kernel_size=(3, 3, 3), strides=(1, 2, 2))
    """

    rank = 3
    filters: int = checked(positive)
    kernel_size: Axes = checked(axes(3))
    strides: Axes = checked(axes(3), 1)
    padding: Padding = checked(padding(3), "valid")
    dilation_rate: Axes = checked(axes(3), 1)
    groups: int = checked(divisor, 1)
    activation: Named = checked(activation_name, None)
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    bias_initializer: str = checked(initializer_name, "zeros")
    kernel_regularizer: Regularizer | None = checked(regularizer, None)


@dataclass(frozen=True, repr=False)
class Conv2DTranspose(_Convolution):
    """The convolution's adjoint: each input value stamps its kernel onto a larger picture, and the stamps add up.

    Output: (n − 1) × stride + kernel − padding + output_padding (Dumoulin, Visin 2016); with "same" exactly n × stride, with
    "valid" at least that: a kernel below the stride leaves rows at the end that no input reaches, as in Keras.

    Args:
        filters, kernel_size, strides, dilation_rate, groups, activation, use_bias: as in :class:`Conv2D`.
        padding: what is cut from the result: nothing ("valid"), down to n × stride ("same"), or numbers; 0 cuts nothing, and
            adds nothing either.
        output_padding: rows and columns added at the bottom and the right; less than the stride.

    Example:
        >>> Conv2DTranspose(16, 3, strides=2, padding="same")
        Conv2DTranspose(filters=16, kernel_size=(3, 3), strides=(2, 2), padding='same')
    """

    rank = 2
    filters: int = checked(positive)
    kernel_size: Axes = checked(axes(2))
    strides: Axes = checked(axes(2), 1)
    padding: Padding = checked(padding(2), "valid")
    output_padding: Axes = checked(axes(2, low=0), 0)
    dilation_rate: Axes = checked(axes(2), 1)
    groups: int = checked(divisor, 1)
    activation: Named = checked(activation_name, None)
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    bias_initializer: str = checked(initializer_name, "zeros")
    kernel_regularizer: Regularizer | None = checked(regularizer, None)

    def validate(self) -> None:
        super().validate()
        if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides, strict=True) if extra):
            raise DescriptionError(
                "output_padding must be less than the stride",
                where=self.name or self.kind,
                given=f"output_padding={self.output_padding}, strides={self.strides}",
                expected="output_padding < strides on each axis: more would be rows that no input reaches",
                fix=["output_padding=0", f"strides={max(self.output_padding) + 1}"],
            )
        if self.padding == "same" and any(self.output_padding):
            raise DescriptionError(
                'padding="same" already fixes the output at n × stride',
                where=self.name or self.kind,
                given=f'padding="same", output_padding={self.output_padding}',
                expected="output_padding=0",
                fix=["output_padding=0", 'padding="valid"'],
            )


@dataclass(frozen=True, repr=False)
class DepthwiseConv2D(_Convolution):
    """One filter for each channel (``depth_multiplier`` of them), nothing summed over channels.

    Example:
        >>> DepthwiseConv2D(3, padding="same")
        DepthwiseConv2D(kernel_size=(3, 3), padding='same')
    """

    rank = 2
    kernel_size: Axes = checked(axes(2))
    strides: Axes = checked(axes(2), 1)
    padding: Padding = checked(padding(2), "valid")
    depth_multiplier: int = checked(positive, 1)
    dilation_rate: Axes = checked(axes(2), 1)
    activation: Named = checked(activation_name, None)
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    bias_initializer: str = checked(initializer_name, "zeros")
    kernel_regularizer: Regularizer | None = checked(regularizer, None)


@dataclass(frozen=True, repr=False)
class SeparableConv2D(_Convolution):
    """A convolution in two steps: a filter for each channel, then a 1 × 1 convolution that mixes them (Chollet 2016).

    Parameters: kernel height × kernel width × channels × depth_multiplier + channels × depth_multiplier × filters + filters.

    Args:
        filters, kernel_size, strides, padding, dilation_rate, activation, use_bias: as in :class:`Conv2D`.
        depth_multiplier: filters for each channel in the first step.

    Example:
        >>> SeparableConv2D(64, 3, padding="same", activation="relu")
        SeparableConv2D(filters=64, kernel_size=(3, 3), padding='same', activation='relu')
    """

    rank = 2
    filters: int = checked(positive)
    kernel_size: Axes = checked(axes(2))
    strides: Axes = checked(axes(2), 1)
    padding: Padding = checked(padding(2), "valid")
    dilation_rate: Axes = checked(axes(2), 1)
    depth_multiplier: int = checked(positive, 1)
    activation: Named = checked(activation_name, None)
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    bias_initializer: str = checked(initializer_name, "zeros")
    kernel_regularizer: Regularizer | None = checked(regularizer, None)
