"""What a network's outputs are: logits, or probabilities already."""

from __future__ import annotations

from foveal.errors import ConfigurationError
from foveal.network import layers as kinds
from foveal.network.node import Node
from foveal.network.shape import Shape
from foveal.network.tree import Parallel, Sequential

_PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid")
_NOTHING = (kinds.Dropout, kinds.SpatialDropout2D, kinds.GaussianNoise)
"""What changes nothing when the network is used."""
_ONLY_MOVED = (
    kinds.Flatten, kinds.Reshape, kinds.Permute, kinds.Cropping1D, kinds.UpSampling2D, *kinds.pooling.AVERAGE,
    *kinds.pooling.MAX, *kinds.pooling.MIN, *kinds.pooling.GLOBAL, *kinds.pooling.ADAPTIVE,
)  # fmt: skip
"""What puts values elsewhere or chooses or averages among them: probabilities stay probabilities."""


def last_activation(network: Node) -> str:
    """The activation that the network ends in; "linear" where it gives logits.

    Example:
        >>> from foveal.network.layers import Dense, Dropout, TimeDistributed
        >>> last_activation(Sequential([Dense(3, activation="softmax"), Dropout(0.1)]))
        'softmax'
        >>> last_activation(TimeDistributed(Dense(3, activation="sigmoid")))
        'sigmoid'
    """
    if isinstance(network, Sequential):
        for layer in reversed(network.layers):
            if not changes_nothing(layer):
                return last_activation(layer)
        return "linear"
    if isinstance(network, kinds.TimeDistributed):
        return last_activation(network.layer)
    return str(getattr(network, "activation", "linear"))


def changes_nothing(layer: Node) -> bool:
    """Whether a layer gives what it is given, when the network is used: dropout, noise, the identity."""
    if isinstance(layer, kinds.TimeDistributed):
        return changes_nothing(layer.layer)
    return isinstance(layer, _NOTHING) or (isinstance(layer, kinds.Activation) and layer.activation == "linear")


def kind_of_outputs(network: Node) -> str:
    """Which activation the outputs come from: the last one, also where layers follow that only move, choose or average.

    Example:
        >>> from foveal.network.layers import Conv2D, Flatten
        >>> kind_of_outputs(Sequential([Conv2D(10, 1, activation="softmax"), Flatten()]))
        'softmax'
    """
    if isinstance(network, Sequential):
        for layer in reversed(network.layers):
            if not (changes_nothing(layer) or isinstance(layer, _ONLY_MOVED)):
                return kind_of_outputs(layer)
        return "linear"
    if isinstance(network, Parallel) and network.merge == "concat":
        found = {kind_of_outputs(branch) for branch in network.branches}
        return found.pop() if len(found) == 1 else "linear"
    return last_activation(network)


def ends_in_probabilities(network: Node) -> bool:
    """Whether the outputs are probabilities: the network ends in a softmax or a sigmoid.

    Example:
        >>> from foveal.network.layers import Dense
        >>> ends_in_probabilities(Sequential([Dense(3)]))
        False
    """
    return kind_of_outputs(network) in _PROBABILITIES


def are_independent(network: Node, loss: str | None = None) -> bool:
    """Whether each output is a yes or no of its own, and not one class of several: as the loss has it, else as the end has it.

    Args:
        network: the tree.
        loss: a name of :class:`foveal.training.config.TrainingConfig`; None where it is not known.

    Example:
        >>> from foveal.network.layers import Dense
        >>> net = Sequential([Dense(3)])
        >>> are_independent(net, "binary_cross_entropy"), are_independent(net, "cross_entropy"), are_independent(net)
        (True, False, False)
    """
    if loss in ("cross_entropy", "binary_cross_entropy", "hinge", "categorical_hinge"):
        return loss in ("binary_cross_entropy", "hinge")
    return kind_of_outputs(network) in ("sigmoid", "hard_sigmoid")


def check_ending(loss: str, from_logits: bool, network: Sequential, output: Shape | None = None) -> None:
    """What a loss and the end of a network cannot learn together is refused: it would go on and say nothing.

    A cross-entropy that takes logits for probabilities, or the other way round, learns badly. A choice among one class has
    the loss 0 whatever the network does.

    Args:
        loss, from_logits: of a :class:`foveal.training.config.TrainingConfig`.
        network: the tree.
        output: the shape of an answer, where it is known.

    Raises:
        ConfigurationError: the loss expects what the network does not end in; a categorical cross-entropy over one output,
            or a softmax over one (which is always 1).

    Example:
        >>> from foveal.network.layers import Dense
        >>> from foveal.network.shape import Vector
        >>> check_ending("binary_cross_entropy", True, Sequential([Dense(1)]), Vector(1))
        >>> check_ending("cross_entropy", True, Sequential([Dense(1)]), Vector(1))
        Traceback (most recent call last):
        ...
        foveal.errors.ConfigurationError: network: cross-entropy chooses among classes, and the network has one output
          given     1 output, loss cross_entropy
          expected  an output a class, or the binary loss of one output
          to fix    loss=losses.BinaryCrossentropy(from_logits=True); for foveal train --loss binary_cross_entropy
                or  Dense(2) as the last layer
    """
    if output is not None:
        _check_one_output(loss, network, output.channels)
    if loss.endswith("cross_entropy"):
        _check_logits(loss, from_logits, network)


def _check_one_output(loss: str, network: Sequential, outputs: int) -> None:
    """What one output cannot learn is refused: a choice among one class has the loss 0 whatever the network does.

    Raises:
        ConfigurationError: a categorical cross-entropy over one output, or a softmax over one (which is always 1).
    """
    last = last_activation(network)
    if outputs != 1 or (loss != "cross_entropy" and last != "softmax"):
        return
    where = network.name or "network"
    if last == "softmax":
        raise ConfigurationError(
            "a softmax over one output is always 1: nothing can be learned",
            where=where,
            given=f'1 output, last activation "softmax", loss {loss}',
            expected="a sigmoid for one output, or a softmax over an output a class",
            fix=[
                'activation="sigmoid" on the last layer, with loss="binary_crossentropy"',
                'Dense(2, activation="softmax") as the last layer, with loss="sparse_categorical_crossentropy"',
            ],
        )
    sigmoid = ends_in_probabilities(network)
    raise ConfigurationError(
        "cross-entropy chooses among classes, and the network has one output",
        where=where,
        given="1 output, loss cross_entropy",
        expected="an output a class, or the binary loss of one output",
        fix=[
            ('loss="binary_crossentropy"' if sigmoid else "loss=losses.BinaryCrossentropy(from_logits=True)")
            + "; for foveal train --loss binary_cross_entropy",
            'Dense(2, activation="softmax") as the last layer' if sigmoid else "Dense(2) as the last layer",
        ],
    )


def _check_logits(loss: str, from_logits: bool, network: Sequential) -> None:
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
            given=f'from_logits={from_logits}, last activation "{kind_of_outputs(network)}"',
            expected="from_logits=True without, or from_logits=False with a softmax (or sigmoid) at the end",
            fix=[
                f"{'Binary' if loss.startswith('binary') else 'SparseCategorical'}Crossentropy(from_logits={not from_logits})",
                "no activation on the last layer"
                if from_logits
                else f'activation="{"sigmoid" if loss.startswith("binary") else "softmax"}" on the last layer',
            ],
        )
