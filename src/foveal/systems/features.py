"""What a trained network makes of pictures before it decides: the values that its last dense layer looks at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.errors import ConfigurationError
from foveal.network.layers import Dense
from foveal.network.tree import Sequential, walk

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
            mend="lecture_cnn",
        )
    return paths[-1]


def features(module: Network, images: NDArray[Any]) -> NDArray[np.float32]:
    """What the last dense layer is given, N × values, for uint8 pictures, computed as in evaluation.

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> features(build(zoo.lecture_cnn()), np.zeros((2, 28, 28, 1), np.uint8)).shape
        (2, 64)
    """
    found: list[NDArray[np.float32]] = []

    def keep(part: object, inputs: tuple[Any, ...]) -> None:
        found.append(inputs[0].detach().float().cpu().numpy().copy())

    hook = module.node(last_dense(module.network)).register_forward_pre_hook(keep)
    try:
        module.predict(images, TOGETHER)
    finally:
        hook.remove()
    return np.concatenate(found)
