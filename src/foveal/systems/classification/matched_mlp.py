"""An MLP with as many parameters as another network: what a convolution is fairly held against."""

from __future__ import annotations

from foveal import zoo
from foveal.arithmetic.shapes import trace
from foveal.arithmetic.summary import summarize
from foveal.network.tree import Sequential


def parameters(network: Sequential) -> int:
    """The trainable parameters of a network with an input shape."""
    return summarize(network).totals.parameters


def equal_mlp(network: Sequential, last: int = 64) -> Sequential:
    """The MLP of two hidden layers whose parameters come nearest to a network's; same input, same number of answers.

    Of n inputs, h and k hidden units and c answers it has h (n + 1) + k (h + 1) + c (k + 1) parameters, which is solved for h.

    Args:
        network: with its input shape.
        last: k, the units of the second hidden layer.

    Example:
        >>> tree = equal_mlp(zoo.lecture_cnn())
        >>> [layer.units for layer in tree.layers[1:]], parameters(tree), parameters(zoo.lecture_cnn())
        ([109, 64, 10], 93255, 93322)
    """
    root = trace(network)[0]
    assert root.output is not None
    assert root.input.size is not None
    classes = root.output.channels
    left = parameters(network) - last - classes * (last + 1)
    units = max(1, round(left / (root.input.size + 1 + last)))
    return zoo.mlp(classes, root.input, hidden=(units, last))
