"""What the restricted Boltzmann machine and the deep belief network share: batches, first biases, features judged."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.errors import ConfigurationError

if TYPE_CHECKING:
    from torch import Tensor

    from foveal.backends.torch import Network
    from foveal.backends.torch_layers.stochastic import RBM
    from foveal.data.dataset import DataSet, Split
    from foveal.runs.run import Run

STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
"""Values of C, the inverse strength of a linear classifier's regularisation, that the validation part chooses among."""
ITERATIONS = 300
MEASURED = 500  # pictures a batch where nothing is learned


def parts(run: Run) -> tuple[DataSet, Split, Split, Split]:
    """The data set, and its training, validation and test part; a missing test part is cut off the training part.

    Raises:
        ConfigurationError: no validation part was left, by which regularisation is chosen here.
    """
    from foveal.data.splitting import with_test

    data = with_test(run.pictures(), seed=run.seed)
    train, validation = run.split(data.train)
    if validation is None:
        raise ConfigurationError(
            f"{run.system.name} chooses by a validation part",
            where="validation",
            given="0",
            expected="a share of the training set",
            fix="validation=0.1",
        )
    assert data.test is not None
    return data, train, validation, data.test


def some(split: Split, most: int) -> NDArray[np.uint8]:
    """So many pictures of a part, evenly spaced; all of them where there are fewer."""
    kept: NDArray[np.uint8] = split.images[np.linspace(0, len(split) - 1, min(most, len(split))).astype(int)]
    return kept


def visible(module: Network, images: NDArray[np.uint8], path: str = "rbm") -> Tensor:
    """What the machine at ``path`` sees of uint8 pictures: N × its visible units."""
    import torch

    from foveal.training.steps.boltzmann import beneath, reached

    below, _ = beneath(module, path)
    pieces = range(0, len(images), MEASURED)
    return torch.cat([reached(below, module.as_input(images[i : i + MEASURED])) for i in pieces])


def begin(machine: RBM, examples: Tensor) -> None:
    """Set the visible biases to ln(p / (1 − p)), p the share of examples whose unit is on (Hinton 2010, section 8.1).

    Shares are kept within 0.001 … 0.999, so that a pixel that is never on does not get an infinite bias.

    Args:
        machine: whose biases are set.
        examples: N × visible units.
    """
    import torch

    share = examples.mean(0).clamp(0.001, 0.999)
    with torch.no_grad():
        machine.visible_bias.copy_(torch.log(share / (1 - share)))


def as_picture(values: NDArray[Any], shape: Sequence[int]) -> NDArray[np.uint8]:
    """Rows of probabilities as uint8 pictures N × height × width × channels; a vector's shape is one row of pixels."""
    whole = tuple(shape) if len(shape) == 3 else (1, int(shape[0]), 1)
    drawn: NDArray[np.uint8] = np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8).reshape(len(values), *whole)
    return drawn


def weights_as_pictures(weights: NDArray[Any], shape: Sequence[int]) -> NDArray[np.uint8]:
    """Rows of weights as pictures: grey is 0, white the unit's largest weight, black minus that."""
    largest = np.abs(weights).max(1, keepdims=True)
    return as_picture(0.5 + 0.5 * weights / np.maximum(largest, 1e-12), shape)


def codes_as_pictures(codes: NDArray[Any], shape: Sequence[int]) -> NDArray[np.uint8]:
    """Hidden probabilities as pictures of a size: the units row by row in a square, each a rectangle of pixels.

    Example:
        >>> codes_as_pictures(np.array([[0.0, 1.0, 1.0, 0.0]]), (4, 4, 1))[0, :, :, 0].tolist()[0]
        [0, 0, 255, 255]
    """
    height, width, channels = (*shape, 1)[:3]
    side = math.ceil(math.sqrt(codes.shape[1]))
    square = np.full((len(codes), side * side), 0.5)
    square[:, : codes.shape[1]] = codes
    whole = square.reshape(len(codes), side, side)
    large = whole[:, (np.arange(height) * side) // height][:, :, (np.arange(width) * side) // width]
    return np.repeat(as_picture(large.reshape(len(codes), -1), (height, width, 1)), channels, 3)


def one_a_class(labels: NDArray[np.int64], count: int = 10) -> NDArray[np.int64]:
    """Indices of the first example of each class, or of the first few where there are fewer classes."""
    firsts = np.unique(labels, return_index=True)[1]
    others = np.setdiff1d(np.arange(len(labels)), firsts)
    return np.concatenate([firsts, others])[:count].astype(np.int64)


def linear_classifier(
    learned: tuple[NDArray[Any], NDArray[np.int64]],
    validation: tuple[NDArray[Any], NDArray[np.int64]],
    strengths: Sequence[float] = STRENGTHS,
) -> tuple[Any, float, float]:
    """Scikit-learn's multinomial logistic regression, its regularisation chosen by the validation part.

    Args:
        learned, validation: features (N, n) and classes (N,).
        strengths: values of C to choose among; of equals, the strongest regularisation.

    Returns:
        the classifier, its C, its accuracy on the validation part.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    best: tuple[Any, float, float] | None = None
    with warnings.catch_warnings():
        # Weakly regularised fits on separable data run on for ever; the iterations at hand are the same for both sides.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for strength in strengths:
            found = LogisticRegression(C=strength, max_iter=ITERATIONS).fit(*learned)
            score = float(found.score(*validation))
            if best is None or score > best[2]:
                best = (found, strength, score)
    assert best is not None
    return best


KINDS = {True: "persistent CD", False: "CD"}
