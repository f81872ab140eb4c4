"""Did you mean: slips of the fingers are mended, other names are left alone; in every list of names that there is."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal import layers, losses, optimizers, zoo
from foveal.errors import FovealError
from foveal.network.activations import ACTIVATIONS, INITIALIZERS
from foveal.network.aliases import ACTIVATION_ALIASES, INITIALIZER_ALIASES, LAYER_ALIASES, OTHER_ACTIVATIONS
from foveal.network.layers import LAYERS, Activation, Dense
from foveal.spelling import nearest
from foveal.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("written", "known", "meant"),
    [
        ("rellu", ACTIVATIONS, ["relu"]),
        ("sigmod", ACTIVATIONS, ["sigmoid"]),
        ("tahn", ACTIVATIONS, ["tanh"]),
        ("softmx", ACTIVATIONS, ["softmax"]),
        ("hard-sigmoid", ACTIVATIONS, ["hard_sigmoid"]),
        ("Conv2d", LAYERS, ["Conv2D"]),
        ("adma", optimizers.NAMES, ["adam"]),
        ("moment", optimizers.NAMES, ["momentum"]),
        ("resnet51", zoo.names(), ["resnet50"]),
        ("lecture-cnn", zoo.names(), ["lecture_cnn"]),
        ("kernel", ["kernel_size", "strides"], ["kernel_size"]),
        ("swish", ACTIVATIONS, []),
        ("banana", ACTIVATIONS, []),
        ("", ACTIVATIONS, []),
        (3, ACTIVATIONS, []),
        ("x" * 1_000_000, ACTIVATIONS, []),
    ],
)
def test_what_was_meant(written, known, meant):
    assert nearest(written, known) == meant


@given(st.sampled_from([name for name in ACTIVATIONS if len(name) > 4]), st.data())
def test_one_slip_in_a_longer_name_is_mended(name, data):
    place = data.draw(st.integers(0, len(name) - 1))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    slips = [
        name[:place] + letter + name[place:],
        name[:place] + name[place + 1 :],
        name[:place] + letter + name[place + 1 :],
    ]
    for slip in slips:
        assert slip == "" or name in nearest(slip, [name])


@pytest.mark.parametrize("name", sorted(OTHER_ACTIVATIONS))
def test_another_function_is_no_misspelling_of_ours(name):
    """Keras and PyTorch have these: a network that asks for one must not get a neighbour in the list."""
    with pytest.raises(FovealError) as caught:
        Dense(4, activation=name)
    assert caught.value.fix == ("one of these names",)


def test_other_optimizers_and_losses_are_no_misspellings_of_ours():
    for name in optimizers.OTHERS:
        with pytest.raises(FovealError) as caught:
            optimizers.get(name)
        assert not caught.value.fix
        with pytest.raises(FovealError) as caught:
            TrainingConfig(optimizer=name)
        assert not caught.value.fix
    for name in losses.OTHERS:
        with pytest.raises(FovealError) as caught:
            losses.get(name)
        assert not caught.value.fix


def test_aliases_are_the_same_functions():
    assert Dense(4, activation="swish") == Dense(4, activation="silu")
    assert Activation("Swish").activation == "silu"
    for alias, name in ACTIVATION_ALIASES.items():
        assert name in ACTIVATIONS
        assert alias not in ACTIVATIONS
        assert Dense(4, activation=alias) == Dense(4, activation=name)
    for alias, name in INITIALIZER_ALIASES.items():
        assert name in INITIALIZERS
        assert Dense(4, kernel_initializer=alias) == Dense(4, kernel_initializer=name)


def test_swish_is_x_times_the_logistic_function():
    """Against the definition in float64, not against our own silu."""
    import numpy as np

    import foveal

    x = np.linspace(-6, 6, 25, dtype=np.float32)
    model = foveal.Model(layers.Sequential([Activation("swish")], input_shape=25), seed=0)
    exact = x.astype(np.float64) / (1 + np.exp(-x.astype(np.float64)))
    assert np.abs(model.predict(x[None])[0] - exact).max() < 1e-6


def test_a_slope_that_differs_elsewhere_is_said():
    for name in ("LeakyReLU", "lrelu", "leakyrelu"):
        with pytest.raises(FovealError) as caught:
            Dense(4, activation=name)
        assert caught.value.fix[0] == 'activation="leaky_relu": its slope is 0.2'
        assert "negative_slope=0.3" in caught.value.fix[1]


def test_keras_second_names_of_layers():
    for alias, name in LAYER_ALIASES.items():
        if name in LAYERS:
            assert getattr(layers, alias) is LAYERS[name]
    assert layers.MaxPool2D(2) == layers.MaxPooling2D(2)
    assert layers.Convolution2D(8, 3) == layers.Conv2D(8, 3)
    with pytest.raises(AttributeError, match="did you mean Conv2D"):
        _ = layers.Conv2d
    with pytest.raises(AttributeError, match="Parallel with its branches"):
        _ = layers.Concatenate
    with pytest.raises(AttributeError, match=r"has no attribute 'Lambda'$"):
        _ = layers.Lambda
