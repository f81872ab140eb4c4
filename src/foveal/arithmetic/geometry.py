"""Which window a layer slides: kernel, stride, zeros and dilation for each axis, at a given input.

Every interpreter that needs to know asks here, so that "same" is resolved in one place.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from foveal.arithmetic import window
from foveal.network.layers import Conv2DTranspose
from foveal.network.node import Node
from foveal.network.shape import Shape

Pads = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Window:
    """A window over one axis; sizes in pixels or samples.

    Attributes:
        kernel: values that the window takes in.
        stride: how far it moves.
        before, after: zeros added at either end.
        dilation: distance of the values that it takes in.
    """

    kernel: int
    stride: int = 1
    before: int = 0
    after: int = 0
    dilation: int = 1

    @property
    def extent(self) -> int:
        """What the window spans."""
        return window.extent(self.kernel, self.dilation)

    def places(self, n: int) -> int:
        """How many outputs an axis of ``n`` values gives."""
        return window.output_size(n, self.kernel, self.stride, self.before, self.after, self.dilation)


def windows(layer: Node, shape: Shape) -> tuple[Window, ...] | None:
    """The window that ``layer`` slides over each spatial axis of ``shape``; None if it slides none.

    "same" needs the size of the input. Where that is unknown, a stride that divides it is assumed, as then the zeros do
    not depend on it.

    Example:
        >>> from foveal.network import Image
        >>> from foveal.network.layers import Conv2D
        >>> windows(Conv2D(96, 11, strides=4, padding="same"), Image(224, 224, 3))[0]
        Window(kernel=11, stride=4, before=3, after=4, dilation=1)
    """
    kernel = layer.window
    if kernel is None or isinstance(layer, Conv2DTranspose):
        return None
    dilation = getattr(layer, "dilation_rate", (1,) * len(kernel))
    pads = layer.padding  # type: ignore[attr-defined]
    return _slid(kernel, layer.steps, tuple(dilation), pads, shape.spatial)


@functools.lru_cache(maxsize=1024)  # every interpreter asks, and most layers of a network are alike
def _slid(
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    pads: str | Pads,
    spatial: tuple[int | None, ...],
) -> tuple[Window, ...]:
    found = []
    for axis, (k, s, d) in enumerate(zip(kernel, strides, dilation, strict=True)):
        if pads == "same":
            n = spatial[axis] if axis < len(spatial) else None
            before, after = window.same_padding(n if n is not None else s * window.extent(k, d), k, s, d)
        elif isinstance(pads, str):  # valid
            before = after = 0
        else:
            before, after = pads[axis]
        found.append(Window(k, s, before, after, d))
    return tuple(found)


def transposed_padding(layer: Conv2DTranspose) -> tuple[tuple[int, int, int], ...]:
    """(cut before, cut after, added after) on each axis of a transposed convolution."""
    kernel, strides, dilation = layer.kernel_size, layer.strides, layer.dilation_rate
    if layer.padding == "same":
        return tuple(window.transposed_same(k, s, d) for k, s, d in zip(kernel, strides, dilation, strict=True))
    if layer.padding == "valid" and not any(layer.output_padding):
        return tuple(
            (0, 0, window.transposed_valid(k, s, d)) for k, s, d in zip(kernel, strides, dilation, strict=True)
        )
    pads = ((0, 0),) * len(kernel) if isinstance(layer.padding, str) else layer.padding
    return tuple((*pair, extra) for pair, extra in zip(pads, layer.output_padding, strict=True))
