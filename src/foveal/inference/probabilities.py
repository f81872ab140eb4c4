"""What a trained network says of pictures, as probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from foveal.errors import ConfigurationError
from foveal.evaluation.metrics import as_probabilities
from foveal.network.ending import are_independent, ends_in_probabilities

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.network.tree import Sequential


def class_probabilities(
    module: Network,
    images: NDArray[Any],
    *,
    from_logits: bool,
    independent: bool = False,
    mirror: bool = False,
    batch_size: int = 256,
) -> NDArray[np.float64]:
    """(N, classes) probabilities for uint8 pictures N × height × width × channels, or rows of a table.

    Args:
        module: the network's module.
        images: what to classify.
        from_logits: whether the outputs are logits, and not probabilities already.
        independent: each of several outputs is a yes or no of its own; see :func:`as_probabilities`.
        mirror: average the probabilities of each picture and of its mirror image (left and right exchanged), where a class
            is the same in the mirror: two answers in place of one, at twice the work (Krizhevsky et al. 2012, section 4.1).
        batch_size: how many are computed at once; it changes no answer.

    Example:
        >>> import foveal
        >>> from foveal.backends.torch import build
        >>> module = build(foveal.zoo.tiny("fashion_resnet"), seed=0)
        >>> pictures = np.random.default_rng(0).integers(0, 256, (2, *module.input_shape.axes), np.uint8)
        >>> once = class_probabilities(module, pictures, from_logits=True, mirror=True)
        >>> bool(np.allclose(once, class_probabilities(module, pictures[:, :, ::-1], from_logits=True, mirror=True)))
        True
    """
    found = as_probabilities(module.predict(images, batch_size), from_logits=from_logits, independent=independent)
    if not mirror or images.ndim != 4:
        return found
    turned = module.predict(np.ascontiguousarray(images[:, :, ::-1]), batch_size)
    return np.asarray((found + as_probabilities(turned, from_logits=from_logits, independent=independent)) / 2)


def probabilities_of(outputs: NDArray[Any], network: Sequential, loss: str | None) -> NDArray[Any]:
    """Outputs as probabilities in the outputs' own shape, as the loss understood them.

    A network that ends in a softmax or a sigmoid gives probabilities already. Else binary cross-entropy and hinge have meant
    a sigmoid of each output, categorical cross-entropy and hinge a softmax over all. Where the loss is not known, one output
    goes through the sigmoid and several through the softmax.

    Args:
        outputs: N × outputs, or with places between, channels last.
        network: the tree.
        loss: a name of :class:`foveal.training.config.TrainingConfig`; None where it is not known.

    Raises:
        ConfigurationError: a loss of numbers (mse, mae): what such a network gives are not logits.

    Example:
        >>> from foveal.network.layers import Dense
        >>> from foveal.network.tree import Sequential
        >>> probabilities_of(np.zeros((1, 2)), Sequential([Dense(2)]), "binary_cross_entropy").tolist()
        [[0.5, 0.5]]
    """
    if ends_in_probabilities(network):
        return outputs
    if loss in ("mse", "mae"):
        raise ConfigurationError(
            "this network was trained to predict numbers, which are not logits",
            where=network.name or "network",
            given=f"loss {loss}",
            expected="a cross-entropy or a hinge, or a network that ends in a softmax or a sigmoid",
            fix="model.predict(x), the numbers themselves",
        )
    if outputs.shape[-1] == 1 or are_independent(network, loss):
        return np.asarray(expit(outputs.astype(np.float64)), dtype=outputs.dtype)
    return np.asarray(softmax(outputs, axis=-1))
