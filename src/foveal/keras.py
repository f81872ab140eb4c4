"""Foveal under the names of a Keras script: ``from foveal import keras`` in place of ``from tensorflow import keras``."""

from foveal import callbacks, datasets, layers, losses, models, optimizers, regularizers
from foveal.models import Model, Sequential
from foveal.network.shape import as_shape as Input

__all__ = [
    "Input",
    "Model",
    "Sequential",
    "callbacks",
    "datasets",
    "layers",
    "losses",
    "models",
    "optimizers",
    "regularizers",
]
