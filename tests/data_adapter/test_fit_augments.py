"""What compile is told is done, or refused: augmentation in fit, and options that belong elsewhere."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

import foveal
from foveal import layers, losses, optimizers, systems
from foveal.data.augmentation.pipeline import parse
from foveal.data.batches.balanced import BalancedBatches
from foveal.data.batches.in_memory import ResidentBatches, TensorBatches
from foveal.data.dataset import Split
from foveal.errors import ConfigurationError, UnknownName
from tests.classifiers import prepare

RNG = np.random.default_rng(0)
PIXELS, Y = RNG.integers(0, 256, (40, 8, 8, 1), np.uint8), np.arange(40) % 3


def model(**options: Any) -> foveal.Model:
    made = foveal.Model(layers.Sequential([layers.Flatten(input_shape=(8, 8, 1)), layers.Dense(3)]), seed=0)
    made.compile(**options)
    return made


def test_images_are_augmented_as_for_the_command_line() -> None:
    """The same operations with the same numbers as batches of eight bits get them, on a whole epoch in one block."""
    augment = parse("shift=2,flip,mixup=0.5")
    ours = TensorBatches(torch.from_numpy(PIXELS) / 255, torch.from_numpy(Y), 16, seed=4, augment=augment)
    theirs = ResidentBatches(Split(PIXELS, Y), 16, seed=4, augment=augment)
    for one, other in zip(ours.epoch(2), theirs.epoch(2), strict=True):
        for a, b in zip(one, other, strict=True):
            assert torch.allclose(a.float(), b.float(), atol=1e-6)
    later = TensorBatches(
        torch.from_numpy(PIXELS) / 255, torch.from_numpy(Y), 16, seed=4, augment=augment, epochs_before=1
    )
    assert all(torch.equal(a[0], b[0]) for a, b in zip(ours.epoch(2), later.epoch(1), strict=True))


def test_augmentation_goes_on_from_fit_to_fit_and_changes_what_is_learned() -> None:
    text = "shift=2,flip,rotate=10,brightness,mixup"
    whole, parts = model(augment=text), model(augment=text)
    wanted = whole.fit(PIXELS, Y, epochs=3, verbose=0).history["loss"]
    assert [parts.fit(PIXELS, Y, verbose=0).history["loss"][0] for _ in range(3)] == wanted
    assert model().fit(PIXELS, Y, epochs=3, verbose=0).history["loss"] != wanted


@pytest.mark.parametrize("text", ["banana", "erase=7", "shift=x", "flip,flip", "contrast=nan"])
def test_a_bad_augmentation_is_refused_where_it_is_said(text: str) -> None:
    for say in (
        lambda: model(augment=text),
        lambda: prepare("mlp", "digits", changes={"augment": text}),
        lambda: systems.plan("transfer", changes={"augment": text}),
    ):
        with pytest.raises(ConfigurationError):
            say()


@pytest.mark.parametrize("text", ["shift=8", "shift=99", "crop=8", "flip,crop=99"])
def test_what_does_not_fit_the_pictures_is_refused_before_the_first_step(text: str) -> None:
    split, augment = Split(PIXELS, Y), parse(text)
    for make in (
        lambda: model(augment=text).fit(PIXELS, Y, verbose=0),
        lambda: ResidentBatches(split, 16, augment=augment),
        lambda: BalancedBatches(split, each=2, augment=augment),
    ):
        with pytest.raises(ConfigurationError, match=r"out of sight|does not fit"):
            make()


def test_what_is_no_image_with_one_target_is_not_augmented() -> None:
    table = foveal.Model(layers.Sequential([layers.Dense(3, input_shape=(4,))]), seed=0)
    table.compile(augment="flip")
    maps = foveal.Model(layers.Sequential([layers.Conv2D(1, 1, input_shape=(8, 8, 1))]), seed=0)
    maps.compile("adam", "mse", metrics=(), augment="flip")
    x = PIXELS / 255.0
    for fit in (
        lambda: table.fit(RNG.random((9, 4)), Y[:9], verbose=0),
        lambda: model(augment="flip").fit(x * 3, Y, verbose=0),
        lambda: maps.fit(x, x, verbose=0),
    ):
        with pytest.raises(ConfigurationError, match="changes images alone"):
            fit()


@pytest.mark.parametrize(
    "name",
    ["epochs", "batch_size", "shuffle", "validation", "seed", "mirror", "checkpoint_seconds", "lr", "momentum", "weight_decay",
     "decoupled", "optimizer_options", "from_logits", "label_smoothing"],
)  # fmt: skip
def test_options_that_would_be_dropped_are_refused_in_compile(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not said in compile") as caught:
        model(**{name: 1})
    assert caught.value.fix


@pytest.mark.parametrize("name", ["run_eagerly", "jit_compile", "loss_weights", "averaging"])
def test_options_that_do_not_exist_are_one_sentence(name: str) -> None:
    with pytest.raises(ConfigurationError, match="no such option"):
        model(**{name: 1})
    with pytest.raises(ConfigurationError) as caught:
        model(shedule="cosine")
    assert caught.value.fix == ("schedule=…",)


def test_metrics_as_keras_takes_them() -> None:
    assert model(metrics=None).fit(PIXELS, Y, verbose=0).history.keys() == {"loss"}
    assert model(metrics="accuracy").fit(PIXELS, Y, verbose=0).history.keys() == {"loss", "accuracy"}
    for wrong in (3, [None]):
        with pytest.raises(ConfigurationError, match="metrics are given by their names"):
            model(metrics=wrong)


@pytest.mark.parametrize("wrong", [None, 3, abs])
def test_an_optimizer_that_is_none(wrong: Any) -> None:
    with pytest.raises(UnknownName, match="no such optimizer"):
        model(optimizer=wrong)


TEXT: Any = "no"


@pytest.mark.parametrize(
    "wrong",
    [lambda: losses.BinaryCrossentropy(from_logits=TEXT), lambda: losses.SparseCategoricalCrossentropy(label_smoothing=TEXT),
     lambda: optimizers.SGD(momentum=True), lambda: optimizers.RMSprop(centered=TEXT), lambda: optimizers.Adam(decoupled=TEXT)],
)  # fmt: skip
def test_values_of_another_kind_are_refused(wrong: Any) -> None:
    with pytest.raises(ConfigurationError):
        wrong()
