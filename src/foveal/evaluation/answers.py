"""What a trained network says of pictures, as probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.evaluation.metrics import as_probabilities

if TYPE_CHECKING:
    from foveal.backends.torch import Network


def class_probabilities(
    module: Network, images: NDArray[Any], *, from_logits: bool, mirror: bool = False, batch_size: int = 256
) -> NDArray[np.float64]:
    """(N, classes) probabilities for uint8 pictures N × height × width × channels, or rows of a table.

    Args:
        module: the network's module.
        images: what to classify.
        from_logits: whether the outputs are logits, and not probabilities already.
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
    found = as_probabilities(module.predict(images, batch_size), from_logits=from_logits)
    if not mirror or images.ndim != 4:
        return found
    turned = np.ascontiguousarray(images[:, :, ::-1])
    return np.asarray((found + as_probabilities(module.predict(turned, batch_size), from_logits=from_logits)) / 2)
