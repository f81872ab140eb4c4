"""What a network's outputs are, whichever layers stand behind the last activation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import foveal
from foveal import layers
from foveal.errors import ConfigurationError
from foveal.network.ending import ends_in_probabilities, kind_of_outputs, last_activation

SOFTMAX = {"activation": "softmax"}
PROBABILITIES: dict[str, tuple[list[Any], tuple[int, ...]]] = {
    "a layer at every step": ([layers.TimeDistributed(layers.Dense(3, **SOFTMAX))], (5, 2)),
    "a softmax at every step": (
        [layers.TimeDistributed(layers.Dense(3)), layers.TimeDistributed(layers.Activation("softmax"))],
        (5, 2),
    ),
    "flattened": ([layers.Conv2D(3, 4, **SOFTMAX), layers.Flatten()], (4, 4, 1)),
    "reshaped": ([layers.Conv2D(3, 4, **SOFTMAX), layers.Reshape((3,))], (4, 4, 1)),
    "averaged": ([layers.Conv2D(3, 3, **SOFTMAX), layers.GlobalAveragePooling2D()], (4, 4, 1)),
    "cropped": ([layers.Conv1D(3, 3, **SOFTMAX), layers.Cropping1D(1)], (9, 2)),
    "enlarged": ([layers.Conv2D(3, 3, padding="same", **SOFTMAX), layers.UpSampling2D(2)], (4, 4, 1)),
    "with noise": ([layers.Dense(3, **SOFTMAX), layers.GaussianNoise(0.1)], (4,)),
    "handed on": ([layers.Dense(3, **SOFTMAX), layers.Activation("linear")], (4,)),
}


@pytest.mark.parametrize("name", PROBABILITIES)
def test_probabilities_stay_probabilities(name: str) -> None:
    """The loss is −log p of what ``predict`` gives, ``predict_proba`` takes no second softmax, and no loss means the same."""
    body, shape = PROBABILITIES[name]
    model = foveal.Model(layers.Sequential(body, input_shape=shape), seed=0)
    x = np.random.default_rng(0).normal(size=(4, *shape)).astype(np.float32)
    p = model.predict(x)
    labels = np.random.default_rng(1).integers(0, 3, p.shape[:-1])
    right = -np.log(np.take_along_axis(p.astype(np.float64), labels[..., None], -1)).mean()
    for loss in ("sparse_categorical_crossentropy", None):
        model.compile("sgd", loss)
        assert model.evaluate(x, labels, verbose=0)[0] == pytest.approx(right, rel=1e-5)  # type: ignore[index]
        np.testing.assert_array_equal(model.predict_proba(x), p)


COMPUTED_FURTHER: list[list[Any]] = [
    [layers.Dense(3, **SOFTMAX), layers.Dense(3)],
    [layers.Dense(3, **SOFTMAX), layers.Rescaling(9.0)],
    [layers.Parallel([[layers.Dense(2, activation="sigmoid")], [layers.Dense(1)]])],
]


@pytest.mark.parametrize("body", COMPUTED_FURTHER)
def test_what_is_computed_further_is_no_probability(body: list[Any]) -> None:
    assert not ends_in_probabilities(layers.Sequential(body))


def test_branches_of_one_kind() -> None:
    branches = [[layers.Dense(2, activation="sigmoid")], [layers.Dense(1, activation="sigmoid")]]
    assert kind_of_outputs(layers.Sequential([layers.Parallel(branches)])) == "sigmoid"
    assert last_activation(layers.Sequential([layers.Parallel(branches)])) == "linear"


def test_a_softmax_over_steps_is_a_choice() -> None:
    """One value at each of three places, which a softmax over three channels made: no softmax over one."""
    model = foveal.Model(layers.Sequential([layers.Dense(3, **SOFTMAX), layers.Reshape((3, 1))], input_shape=(4,)))
    model.compile("sgd", "binary_crossentropy")
    with pytest.raises(ConfigurationError, match="always 1"):
        foveal.Model(
            layers.Sequential([layers.TimeDistributed(layers.Dense(1, **SOFTMAX))], input_shape=(5, 4))
        ).compile("sgd", "binary_crossentropy")
