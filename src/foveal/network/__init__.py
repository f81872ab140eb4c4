"""WHAT: the description of a network, as a tree of small frozen dataclasses. Standard library only."""

from __future__ import annotations

from foveal.network.activations import L1, L1L2, L2, Regularizer
from foveal.network.layers import LAYERS
from foveal.network.node import Node
from foveal.network.shape import Image, Sequence, Shape, Tokens, Vector, Volume, as_shape
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential, children, find, walk

__all__ = [
    "L1",
    "L1L2",
    "L2",
    "LAYERS",
    "Auxiliary",
    "Image",
    "Node",
    "Parallel",
    "Regularizer",
    "Residual",
    "Sequence",
    "Sequential",
    "Shape",
    "Tokens",
    "Vector",
    "Volume",
    "as_shape",
    "children",
    "find",
    "walk",
]
