"""The zeros (or −∞) around a layer's input.

An operation of PyTorch pads both ends of an axis alike. Where that suffices it is left to the operation, which costs
nothing; :class:`Border` writes a padded copy, and is used only for the rest: an odd zero at the bottom and the right,
unequal sides, or "same" at a stride above 1 on an axis whose size is known only when the data come.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor

from foveal.arithmetic.geometry import Window, windows
from foveal.arithmetic.window import same_padding
from foveal.network.node import Node
from foveal.network.shape import Shape


@dataclass(frozen=True)
class Border:
    """Pads the spatial axes of N × channels × …, by fixed numbers or by "same" for the size at hand.

    Attributes:
        windows: the window of each axis.
        value: what is laid around.
        by_size: whether the numbers follow from each input's size.
    """

    windows: tuple[Window, ...]
    value: float
    by_size: bool

    def __call__(self, x: Tensor) -> Tensor:
        sides: list[int] = []
        for n, one in zip(
            reversed(x.shape[2:]), reversed(self.windows), strict=True
        ):  # PyTorch counts from the last axis
            if self.by_size:
                sides += same_padding(n, one.kernel, one.stride, one.dilation)
            else:
                sides += (one.before, one.after)
        return F.pad(x, sides, value=self.value) if any(sides) else x


@dataclass(frozen=True)
class Padding:
    """How a layer's input is padded: by the operation itself, or by a border before it.

    Attributes:
        symmetric: zeros on both ends of each axis, for the operation.
        border: what pads before the operation; None where the operation suffices.
        any: whether anything is padded at all.
    """

    symmetric: tuple[int, ...]
    border: Border | None
    any: bool


def padding_of(layer: Node, shape: Shape, value: float = 0.0, most: tuple[int, ...] | None = None) -> Padding:
    """The cheapest way to pad ``layer``'s input.

    Args:
        layer: a convolution or a pooling.
        shape: what comes in.
        value: what a padded place holds: 0, or −∞ where it must never win.
        most: what the operation can pad on each axis by itself; None is any number.

    Example:
        >>> from foveal.network import Image
        >>> from foveal.network.layers import Conv2D
        >>> padding_of(Conv2D(8, 3, padding="same"), Image(28, 28, 1)).symmetric
        (1, 1)
        >>> padding_of(Conv2D(8, 3, strides=2, padding="same"), Image(28, 28, 1)).border is None
        False
    """
    found = windows(layer, shape)
    assert found is not None
    by_size = layer.padding == "same" and any(  # type: ignore[attr-defined]
        n is None and one.stride > 1 for n, one in zip(shape.spatial, found, strict=True)
    )
    nothing = (0,) * len(found)
    if by_size:
        return Padding(nothing, Border(found, value, True), True)
    if not any(one.before or one.after for one in found):
        return Padding(nothing, None, False)
    limits = most or (10**9,) * len(found)
    if all(one.before == one.after <= limit for one, limit in zip(found, limits, strict=True)):
        return Padding(tuple(one.before for one in found), None, True)
    return Padding(nothing, Border(found, value, False), True)
