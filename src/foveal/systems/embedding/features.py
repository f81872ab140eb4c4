"""What a trained network makes of pictures before it decides: the values that its last dense layer looks at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.errors import ConfigurationError
from foveal.network.layers import Dense
from foveal.network.tree import Sequential, find, walk

if TYPE_CHECKING:
    from foveal.backends.torch import Network

TOGETHER = 256  # pictures computed at once


def last_dense(network: Sequential) -> str:
    """The path of the last dense layer: a classifier's head.

    Raises:
        ConfigurationError: the network has none.

    Example:
        >>> from foveal import zoo
        >>> last_dense(zoo.lecture_cnn()), last_dense(zoo.fashion_resnet())
        ('dense_2', 'fc')
    """
    paths = [path for path, node in walk(network) if isinstance(node, Dense)]
    if not paths:
        raise ConfigurationError(
            "this network ends in no dense layer, whose input could be taken for features",
            where=network.name or "network",
            expected="a classifier that ends in Dense",
            fix="lecture_cnn",
        )
    return paths[-1]


def first_dense(network: Sequential) -> str:
    """The path of the first dense layer: where a convolutional network's head begins.

    Raises:
        ConfigurationError: the network has none.

    Example:
        >>> from foveal import zoo
        >>> first_dense(zoo.lecture_cnn())
        'dense_1'
    """
    last_dense(network)  # complains where there is none
    return next(path for path, node in walk(network) if isinstance(node, Dense))


def beneath(network: Sequential, path: str, names: Iterable[str]) -> list[str]:
    """Of tensor names, those of layers that come before ``path`` in the order of the tree.

    Example:
        >>> from foveal import zoo
        >>> beneath(zoo.lecture_cnn(), "dense_1", ["conv2d_3.bias", "dense_1.weight", "dense_2.bias"])
        ['conv2d_3.bias']
    """
    find(network, path)  # complains where there is no such node
    order = [each for each, _ in walk(network)]
    replaced = set(order[order.index(path) :])
    return [name for name in names if name.rpartition(".")[0].replace(".", "/") not in replaced]


def features(module: Network, images: NDArray[Any], path: str | None = None) -> NDArray[np.float32]:
    """What a layer is given, N × values in a row, for uint8 pictures, computed as in evaluation.

    Args:
        module: the network's.
        images: N × height × width × channels.
        path: of the layer; None takes the last dense one.

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> features(build(zoo.lecture_cnn()), np.zeros((2, 28, 28, 1), np.uint8)).shape
        (2, 64)
    """
    found: list[NDArray[np.float32]] = []

    def keep(part: object, inputs: tuple[Any, ...]) -> None:
        found.append(inputs[0].detach().flatten(1).float().cpu().numpy().copy())

    hook = module.node(last_dense(module.network) if path is None else path).register_forward_pre_hook(keep)
    try:
        module.predict(images, TOGETHER)
    finally:
        hook.remove()
    return np.concatenate(found)
