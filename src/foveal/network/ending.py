"""What a network's outputs are: logits, or probabilities already."""

from __future__ import annotations

from foveal.errors import ConfigurationError
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


def check_ending(from_logits: bool, network: Sequential) -> None:
    """A cross-entropy that takes logits for probabilities, or the other way round, learns badly and says nothing: it is refused.

    Raises:
        ConfigurationError: the loss expects what the network does not end in.
    """
    if from_logits == ends_in_probabilities(network):
        raise ConfigurationError(
            "the loss expects logits, but the network ends in probabilities"
            if from_logits
            else "the loss expects probabilities, but the network ends in logits",
            where=network.name or "network",
            given=f'from_logits={from_logits}, last activation "{last_activation(network)}"',
            expected="from_logits=True without, or from_logits=False with a softmax (or sigmoid) at the end",
            mend=[
                f"SparseCategoricalCrossentropy(from_logits={not from_logits})",
                'activation="softmax" on the last layer' if not from_logits else "no activation on the last layer",
            ],
        )
