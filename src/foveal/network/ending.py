"""What a network's outputs are: logits, or probabilities already."""

from __future__ import annotations

from foveal.network.node import Node
from foveal.network.tree import Sequential

_PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid")


def last_activation(network: Node) -> str:
    """The activation that the network ends in; "linear" where it gives logits.

    Example:
        >>> from foveal.network.layers import Dense, Dropout
        >>> last_activation(Sequential([Dense(3, activation="softmax"), Dropout(0.1)]))
        'softmax'
    """
    if isinstance(network, Sequential):
        for layer in reversed(network.layers):
            if not hasattr(layer, "rate"):  # dropout changes nothing when the network is used
                return last_activation(layer)
        return "linear"
    return str(getattr(network, "activation", "linear"))


def ends_in_probabilities(network: Node) -> bool:
    """Whether the outputs are probabilities: the network ends in a softmax or a sigmoid.

    Example:
        >>> from foveal.network.layers import Dense
        >>> ends_in_probabilities(Sequential([Dense(3)]))
        False
    """
    return last_activation(network) in _PROBABILITIES
