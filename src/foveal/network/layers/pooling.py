"""Layers that summarise a window of each feature map by one value, and those that summarise whole maps.

Lecture 003 names maximum, average, L2 norm and the average weighted by the distance from the central pixel; lecture 004 adds
the minimum. A pooling has no weights (but for LeNet-5's). Padding never takes part: a padded maximum ignores it, an
average divides by the number of real values.
"""

from __future__ import annotations

from dataclasses import dataclass

from foveal.network.fields import Axes, Named, Padding, axes, checked, flag, padding
from foveal.network.layers.convolution import activation_name
from foveal.network.node import Node


@dataclass(frozen=True, repr=False)
class _Pooling(Node):
    """What windowed poolings share; ``strides=None`` stands for the pool's own size: windows that do not overlap."""

    family = "pooling"
    # Of pictures; the other ranks have their own.
    pool_size: Axes = checked(axes(2), 2)
    strides: Axes = checked(axes(2, optional=True), None)
    padding: Padding = checked(padding(2), "valid")

    @property
    def steps(self) -> tuple[int, ...]:
        return self.strides if self.strides is not None else self.pool_size

    @property
    def window(self) -> tuple[int, ...]:
        return self.pool_size


@dataclass(frozen=True, repr=False)
class _Pooling1D(_Pooling):
    rank = 1
    pool_size: Axes = checked(axes(1), 2)
    strides: Axes = checked(axes(1, optional=True), None)
    padding: Padding = checked(padding(1), "valid")


@dataclass(frozen=True, repr=False)
class _Pooling2D(_Pooling):
    rank = 2


@dataclass(frozen=True, repr=False)
class _Pooling3D(_Pooling):
    rank = 3
    pool_size: Axes = checked(axes(3), 2)
    strides: Axes = checked(axes(3, optional=True), None)
    padding: Padding = checked(padding(3), "valid")


@dataclass(frozen=True, repr=False)
class MaxPooling1D(_Pooling1D):
    """Each window of a sequence becomes the largest value in it, channel by channel: length × channels."""


@dataclass(frozen=True, repr=False)
class MaxPooling2D(_Pooling2D):
    """Each window of a picture becomes the largest value in it, channel by channel: height × width × channels.

    The gradient goes whole to the winner; at a tie, to the first in reading order (lecture 003, "Training the Pooling layer").

    Args:
        pool_size: the window's height and width.
        strides: how far the window moves; None is the window's own size.
        padding: "valid" (what does not fill a window is dropped), "same", or numbers; padded places never win.

    Example:
        >>> MaxPooling2D((2, 2)).steps
        (2, 2)
    """


@dataclass(frozen=True, repr=False)
class MaxPooling3D(_Pooling3D):
    """Each window of a solid becomes the largest value in it, channel by channel: depth × height × width × channels."""


@dataclass(frozen=True, repr=False)
class AveragePooling1D(_Pooling1D):
    """Each window of a sequence becomes the mean of the values in it, channel by channel: length × channels."""


@dataclass(frozen=True, repr=False)
class AveragePooling2D(_Pooling2D):
    """Each window of a picture becomes the mean of the values in it, channel by channel: height × width × channels.

    Example:
        >>> AveragePooling2D((2, 2)).steps
        (2, 2)
    """


@dataclass(frozen=True, repr=False)
class AveragePooling3D(_Pooling3D):
    """Each window of a solid becomes the mean of the values in it, channel by channel: depth × height × width × channels."""


@dataclass(frozen=True, repr=False)
class MinPooling1D(_Pooling1D):
    """Each window of a sequence becomes the smallest value in it, channel by channel: length × channels."""


@dataclass(frozen=True, repr=False)
class MinPooling2D(_Pooling2D):
    """Each window of a picture becomes the smallest value in it, channel by channel: height × width × channels.

    Example:
        >>> MinPooling2D((2, 2)).steps
        (2, 2)
    """


@dataclass(frozen=True, repr=False)
class MinPooling3D(_Pooling3D):
    """Each window of a solid becomes the smallest value in it, channel by channel: depth × height × width × channels."""


@dataclass(frozen=True, repr=False)
class L2Pooling1D(_Pooling1D):
    """Each window of a sequence becomes the L2 norm √(Σ x²) in it, channel by channel: length × channels."""


@dataclass(frozen=True, repr=False)
class L2Pooling2D(_Pooling2D):
    """Each window of a picture becomes the L2 norm √(Σ x²) in it, channel by channel: height × width × channels.

    Lecture 003: "L² norm of a rectangular neighbourhood"; Boureau et al. 2010.

    Example:
        >>> L2Pooling2D((2, 2)).steps
        (2, 2)
    """


@dataclass(frozen=True, repr=False)
class L2Pooling3D(_Pooling3D):
    """Each window of a solid becomes the L2 norm √(Σ x²) in it, channel by channel: depth × height × width × channels."""


@dataclass(frozen=True, repr=False)
class DistanceWeightedPooling1D(_Pooling1D):
    """A mean in which a value weighs 1 / (1 + d), d its distance in steps from the middle of the window: length × channels.

    Lecture 003: "a weighted average based on the distance from the central pixel" (Goodfellow et al. 2016, section 9.3).
    The lecture fixes no weighting; ours is the inverse distance, normalised over the values that are there.
    """

    pool_size: Axes = checked(axes(1), 3)


@dataclass(frozen=True, repr=False)
class DistanceWeightedPooling2D(_Pooling2D):
    """A mean in which a value weighs 1 / (1 + d), d its distance in steps from the middle of the window: height × width × channels.

    Lecture 003: "a weighted average based on the distance from the central pixel" (Goodfellow et al. 2016, section 9.3).
    The lecture fixes no weighting; ours is the inverse distance, normalised over the values that are there.
    """

    pool_size: Axes = checked(axes(2), 3)


@dataclass(frozen=True, repr=False)
class DistanceWeightedPooling3D(_Pooling3D):
    """A mean in which a value weighs 1 / (1 + d), d its distance in steps from the window's middle.

    Lecture 003: "a weighted average based on the distance from the central pixel" (Goodfellow et al. 2016, section 9.3).
    The lecture fixes no weighting; ours is the inverse distance, normalised over the values that are there.
    """

    pool_size: Axes = checked(axes(3), 3)


@dataclass(frozen=True, repr=False)
class Subsampling2D(_Pooling2D):
    """LeNet-5's trainable subsampling: activation(coefficient × sum of the window + bias), one pair a channel.

    Parameters: 2 × channels. LeCun, Bottou, Bengio, Haffner 1998, section II.B, layers S2 and S4.

    Example:
        >>> Subsampling2D(2, activation="sigmoid")
        Subsampling2D(activation='sigmoid')
    """

    activation: Named = checked(activation_name, None)
    use_bias: bool = checked(flag, True)


class _Whole1D(Node):
    """Poolings of whole maps, or of windows that cover them."""

    family = "pooling"
    rank = 1


class _Whole2D(_Whole1D):
    rank = 2


class _Whole3D(_Whole1D):
    rank = 3


@dataclass(frozen=True, repr=False)
class GlobalAveragePooling1D(_Whole1D):
    """The mean of each whole feature map: length × channels → channels. Takes a sequence of any size."""


@dataclass(frozen=True, repr=False)
class GlobalAveragePooling2D(_Whole2D):
    """The mean of each whole feature map: height × width × channels → channels. Takes a picture of any size."""


@dataclass(frozen=True, repr=False)
class GlobalAveragePooling3D(_Whole3D):
    """The mean of each whole feature map: depth × height × width × channels → channels. Takes a solid of any size."""


@dataclass(frozen=True, repr=False)
class GlobalMaxPooling1D(_Whole1D):
    """The largest value of each whole feature map: length × channels → channels. Takes a sequence of any size."""


@dataclass(frozen=True, repr=False)
class GlobalMaxPooling2D(_Whole2D):
    """The largest value of each whole feature map: height × width × channels → channels. Takes a picture of any size."""


@dataclass(frozen=True, repr=False)
class GlobalMaxPooling3D(_Whole3D):
    """The largest value of each whole feature map: depth × height × width × channels → channels. Takes a solid of any size."""


@dataclass(frozen=True, repr=False)
class AdaptiveAveragePooling1D(_Whole1D):
    """The mean of windows laid so that ``output_size`` of them cover the input, whatever its size.

    Window i of n reaches from ⌊i · size / n⌋ to ⌈(i + 1) · size / n⌉ (lecture 003: "handling inputs of varying size").
    """

    output_size: Axes = checked(axes(1))


@dataclass(frozen=True, repr=False)
class AdaptiveAveragePooling2D(_Whole2D):
    """The mean of windows laid so that ``output_size`` of them cover the input, whatever its size.

    Window i of n reaches from ⌊i · size / n⌋ to ⌈(i + 1) · size / n⌉ (lecture 003: "handling inputs of varying size").
    """

    output_size: Axes = checked(axes(2))


@dataclass(frozen=True, repr=False)
class AdaptiveMaxPooling1D(_Whole1D):
    """The largest value of windows laid so that ``output_size`` of them cover the input, whatever its size.

    Window i of n reaches from ⌊i · size / n⌋ to ⌈(i + 1) · size / n⌉ (lecture 003: "handling inputs of varying size").
    """

    output_size: Axes = checked(axes(1))


@dataclass(frozen=True, repr=False)
class AdaptiveMaxPooling2D(_Whole2D):
    """The largest value of windows laid so that ``output_size`` of them cover the input, whatever its size.

    Window i of n reaches from ⌊i · size / n⌋ to ⌈(i + 1) · size / n⌉ (lecture 003: "handling inputs of varying size").
    """

    output_size: Axes = checked(axes(2))


# The same pooling of sequences, pictures and solids: what interpreters have one rule for.
MAX = (MaxPooling1D, MaxPooling2D, MaxPooling3D)
AVERAGE = (AveragePooling1D, AveragePooling2D, AveragePooling3D)
MIN = (MinPooling1D, MinPooling2D, MinPooling3D)
L2 = (L2Pooling1D, L2Pooling2D, L2Pooling3D)
DISTANCE_WEIGHTED = (DistanceWeightedPooling1D, DistanceWeightedPooling2D, DistanceWeightedPooling3D)
WINDOWED = (*MAX, *AVERAGE, *MIN, *L2, *DISTANCE_WEIGHTED)
GLOBAL_AVERAGE = (GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D)
GLOBAL_MAX = (GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D)
GLOBAL = (*GLOBAL_AVERAGE, *GLOBAL_MAX)
ADAPTIVE_AVERAGE = (AdaptiveAveragePooling1D, AdaptiveAveragePooling2D)
ADAPTIVE_MAX = (AdaptiveMaxPooling1D, AdaptiveMaxPooling2D)
ADAPTIVE = (*ADAPTIVE_AVERAGE, *ADAPTIVE_MAX)
