"""Why each number is what it is: results as structured steps (formula, the numbers put in, value).

A layer's own sums (output, parameters, connections, multiply-accumulates) come from :mod:`foveal.arithmetic.worked.layers`, a
composition's, and what holds for every node (receptive field, memory), from :mod:`foveal.arithmetic.worked.networks`, the
backward pass from :mod:`foveal.arithmetic.worked.backward`. Each ``substitution`` that gives a number is arithmetic that can be
evaluated as it stands, and a test does so. Sums on numbers that are given (a small image, a kernel) are in
:mod:`foveal.arithmetic.worked.numeric`.
"""

from __future__ import annotations

from collections.abc import Iterable

from foveal.arithmetic.worked import layers as layer_sums
from foveal.arithmetic.worked import recurrent as recurrent_sums
from foveal.arithmetic.worked import recurrent_backward
from foveal.arithmetic.worked import sequence as sequence_sums
from foveal.arithmetic.worked.backward import backward
from foveal.arithmetic.worked.networks import locate, memory_section, receptive_field_section
from foveal.arithmetic.worked.steps import Derivation, WorkedSection, WorkedStep, rules
from foveal.network.node import Node
from foveal.network.shape import Shape

__all__ = [
    "Derivation",
    "WorkedSection",
    "WorkedStep",
    "derive",
    "layer_sums",
    "recurrent_backward",
    "recurrent_sums",
    "rules",
    "sequence_sums",
]


def derive(network: Node, path: str, input: Shape | Iterable[int | None] | int | str | None = None) -> Derivation:
    """The worked arithmetic of one node.

    Args:
        network: the tree.
        path: the node; "" is the network.
        input: the shape of one sample; None takes the network's own.

    Raises:
        UnknownName: no node has that path.
        ShapeError: the layers do not fit.

    Example:
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Conv2D
        >>> why = derive(Sequential([Conv2D(32, 3, input_shape=(28, 28, 1))]), "conv2d_1")
        >>> for step in why.section("Parameters").steps:
        ...     print(step.quantity, "=", step.formula, "=", step.substitution, "=", step.value)
        parameters = (k_h · k_w · channels + 1) · filters = (3 × 3 × 1 + 1) × 32 = 320
    """
    place = locate(network, path, input)
    at = place.at
    assert at.output is not None
    sections = [
        *rules.for_node(at.node, path)(at.node, at.input, at.output, place),
        *receptive_field_section(place),
        *memory_section(place),
        *backward(at.node, at.input, at.output, path),
    ]
    heading = f"{at.input} → {at.output}"
    return Derivation(path, at.node.kind, heading, tuple(section for section in sections if section.steps))
