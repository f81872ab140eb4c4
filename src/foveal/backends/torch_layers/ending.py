"""The logits before a network's last sigmoid or softmax, for the loss that belongs to it.

A probability that rounds to 0 or 1 has lost what it was made of: its logarithm is cut off, and no gradient comes back. The last
layer therefore leaves a note on what it gives, with the logits; a cross-entropy that finds the note computes from them. Keras
on TensorFlow does the same.
"""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from foveal.backends.torch_layers.activations import PURE, Activation
from foveal.backends.torch_layers.convolution import Convolution, PartialConvolution, Separable, Transposed
from foveal.backends.torch_layers.dense import Dense
from foveal.network import layers as kinds
from foveal.network.node import Node
from foveal.network.tree import Auxiliary, Sequential, children, walk

_NOTE = "_foveal_logits"
NOTED = ("sigmoid", "softmax")


class Noting:
    """An activation whose result knows what it was computed from."""

    def __init__(self, name: str) -> None:
        self.name, self.function = name, PURE[name]

    def __call__(self, x: Tensor) -> Tensor:
        y = self.function(x)
        setattr(y, _NOTE, (self.name, x))
        return y


def logits_before(outputs: Tensor, activation: str) -> Tensor | None:
    """The logits that ``activation`` made the outputs of; None where they are not known.

    Example:
        >>> import torch
        >>> logits_before(Noting("sigmoid")(torch.tensor([40.0])), "sigmoid")
        tensor([40.])
    """
    name, logits = getattr(outputs, _NOTE, ("", None))
    return logits if name == activation else None


def note_logits(network: Node, module_at: Callable[[str], nn.Module]) -> None:
    """Let the last layer of a network, and of each side head, note its logits where it ends in a sigmoid or a softmax.

    Args:
        network: the tree.
        module_at: the module at a node path.
    """
    heads = [_last(node.head, f"{path}/head") for path, node in walk(network) if isinstance(node, Auxiliary)]
    for path, node in [_last(network, ""), *heads]:
        name = getattr(node, "activation", None)
        if name not in NOTED:
            continue
        module = module_at(path)
        if isinstance(module, Activation):
            module.pure = module.writing = Noting(name)
        elif isinstance(module, Dense | Convolution | PartialConvolution | Separable | Transposed):
            module.activation = Noting(name)


def _last(node: Node, path: str) -> tuple[str, Node]:
    """The layer that a node's result comes from; dropout changes nothing when the network is used."""
    if isinstance(node, Sequential):
        for name, child in reversed(list(children(node))):
            if not isinstance(child, kinds.Dropout | kinds.SpatialDropout2D):
                return _last(child, f"{path}/{name}" if path else name)
    return path, node
