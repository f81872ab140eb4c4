"""The layers, under Keras' names: ``layers.Conv2D(32, (3, 3), activation="relu")``. The public face of `foveal.network`."""

from __future__ import annotations

from collections.abc import Iterable

from foveal.network import layers as _layers
from foveal.network.aliases import LAYER_ALIASES, layer_repairs
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


def LeakyReLU(negative_slope: float = 0.3, name: str | None = None) -> Activation:
    """``Activation("leaky_relu")``, under Keras' name and with Keras' slope for the layer; ``activation="leaky_relu"`` has 0.2.

    Example:
        >>> LeakyReLU(), LeakyReLU(0.2)
        (Activation(activation='leaky_relu', negative_slope=0.3), Activation(activation='leaky_relu'))
    """
    return Activation("leaky_relu", negative_slope=negative_slope, name=name)


def Softmax(name: str | None = None) -> Activation:
    """``Activation("softmax")``, under Keras' name."""
    return Activation("softmax", name=name)


def __getattr__(name: str) -> object:
    """Keras' second names: ``layers.MaxPool2D`` is ``layers.MaxPooling2D``; other names are answered with what to write."""
    if name in LAYER_ALIASES and LAYER_ALIASES[name] in __all__:
        return globals()[LAYER_ALIASES[name]]
    said = [] if name.startswith("_") else layer_repairs(name, __all__)
    raise AttributeError(
        f"module {__name__!r} has no attribute {name!r}" + (f"; did you mean {' or '.join(said)}?" if said else "")
    )
