"""The layers, under Keras' names: ``layers.Conv2D(32, (3, 3), activation="relu")``. The public face of `foveal.network`."""

from __future__ import annotations

from collections.abc import Iterable

from foveal.network import layers as _layers
from foveal.network.layers import *  # noqa: F403  # the registry is the list
from foveal.network.layers import Activation
from foveal.network.shape import Shape, as_shape
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential

__all__ = [
    *_layers.__all__,
    "Auxiliary",
    "Input",
    "LeakyReLU",
    "Parallel",
    "ReLU",
    "Residual",
    "Sequential",
    "Softmax",
]


def Input(shape: Iterable[int | None] | int | str) -> Shape:
    """The shape of one sample, to stand first in a list of layers.

    Example:
        >>> Input((28, 28, 1))
        Image(h=28, w=28, c=1)
    """
    return as_shape(shape)


def ReLU(name: str | None = None) -> Activation:
    """``Activation("relu")``, under Keras' name."""
    return Activation("relu", name=name)


def LeakyReLU(negative_slope: float = 0.2, name: str | None = None) -> Activation:
    """``Activation("leaky_relu")``, under Keras' name."""
    return Activation("leaky_relu", negative_slope=negative_slope, name=name)


def Softmax(name: str | None = None) -> Activation:
    """``Activation("softmax")``, under Keras' name."""
    return Activation("softmax", name=name)
