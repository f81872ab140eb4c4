"""What users hold, under Keras' names: ``models.Sequential()``, ``models.load_model(path)``."""

from __future__ import annotations

from pathlib import Path

from foveal.model import Model
from foveal.network import tree
from foveal.network.node import Node
from foveal.network.shape import Shape

__all__ = ["Model", "Sequential", "load_model"]


class Sequential(Model):
    """A model made of layers one after another, empty at first or not.

    Args:
        layers: the layers; the first carries ``input_shape``, or ``layers.Input(...)`` stands before it.
        name: the network's name.

    Example:
        >>> from foveal import layers
        >>> model = Sequential()
        >>> model.add(layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)))
        >>> model.add(layers.MaxPooling2D((2, 2)))
        >>> model.output_shape
        Image(h=13, w=13, c=32)
    """

    def __init__(self, layers: list[Node | Shape] | None = None, name: str | None = None) -> None:
        super().__init__(tree.Sequential(layers or [], name=name))


def load_model(path: str | Path) -> Model:
    """The model in a model file or in a run's folder; see :meth:`foveal.Model.load`."""
    return Model.load(path)
