"""Networks of restricted Boltzmann machines: one alone, and several on top of each other with a classifier."""

from __future__ import annotations

from collections.abc import Sequence

from foveal.network import Node, Vector, as_shape
from foveal.network import Sequential as Chain
from foveal.network.layers import RBM, Activation, Dense, Flatten, Rescaling
from foveal.zoo.parts import ShapeLike, thin


def rbm(
    input_shape: ShapeLike = (28, 28, 1), hidden: int = 256, width: float = 1.0, threshold: float | None = None
) -> Chain:
    """A restricted Boltzmann machine on pictures: 784 visible and 256 hidden units; 201,744 parameters.

    784 · 256 weights, which serve both directions, 256 hidden and 784 visible biases. Run upwards, as a network is, it gives
    the probabilities of its hidden units: lecture 002 has it "used for feature extraction". What it knows of the other
    direction is in its module (``down``, ``free_energy``), and :mod:`foveal.training.steps.boltzmann` trains it.

    Args:
        input_shape: a picture, flattened first, or a vector; values 0 and 1, or probabilities.
        hidden: hidden units.
        width: factor on them.
        threshold: pixels brighter than this share become 1 and all others 0, before anything else; None leaves them.

    Example:
        >>> [layer.name for layer in rbm().layers]
        ['flatten', 'rbm']
    """
    before = _before(input_shape, threshold)
    return Chain([*before, RBM(thin(hidden, width), name="rbm")], input_shape=as_shape(input_shape), name="rbm")


def dbn(
    classes: int = 10,
    input_shape: ShapeLike = (28, 28, 1),
    hidden: Sequence[int] = (500, 500),
    width: float = 1.0,
    threshold: float | None = None,
) -> Chain:
    """A deep belief network: restricted Boltzmann machines on top of each other, and a classifier; 649,294 parameters.

    Each machine learns, without answers, from the hidden probabilities of the one below (Hinton, Osindero, Teh 2006, "A
    Fast Learning Algorithm for Deep Belief Nets", section 4); then the whole chain is a network of sigmoid layers that
    backpropagation goes on with. The parameters count the machines' visible biases, which the classifier does not use.
    The paper has 500, 500 and 2,000 units and its labels beside the last; here labels come in only in the fine-tuning
    (Hinton, Salakhutdinov 2006).

    Args:
        classes: values that come out, as logits.
        input_shape: a picture, flattened first, or a vector; values 0 and 1, or probabilities.
        hidden: hidden units of each machine.
        width: factor on them.
        threshold: pixels brighter than this share become 1 and all others 0, before anything else; None leaves them.

    Example:
        >>> [layer.name for layer in dbn().layers]
        ['flatten', 'rbm1', 'rbm2', 'output']
    """
    machines = [RBM(thin(units, width), name=f"rbm{number}") for number, units in enumerate(hidden, start=1)]
    layers = [*_before(input_shape, threshold), *machines, Dense(classes, name="output")]
    return Chain(layers, input_shape=as_shape(input_shape), name="dbn")


def _before(input_shape: ShapeLike, threshold: float | None) -> list[Node]:
    """What turns a picture into the zeros and ones of visible units."""
    layers: list[Node] = []
    if threshold is not None:
        layers = [Rescaling(1.0, -threshold, name="shift"), Activation("step", name="threshold")]
    return layers if isinstance(as_shape(input_shape), Vector) else [*layers, Flatten(name="flatten")]
