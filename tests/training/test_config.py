"""The configuration: checked when made, the same after JSON, spoken in Keras's names."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal import losses, optimizers
from foveal.errors import ConfigurationError, UnknownName
from foveal.training.config import SCHEDULES, TrainingConfig
from foveal.training.recipes import RECIPES, recipe_for


@given(
    st.integers(1, 500),
    st.sampled_from(optimizers.NAMES),
    st.sampled_from(SCHEDULES),
    st.one_of(st.none(), st.floats(1e-6, 10)),
    st.floats(0, 0.9),
)
def test_json_gives_the_same_back(
    epochs: int, optimizer: str, schedule: str, lr: float | None, smoothing: float
) -> None:
    config = TrainingConfig(epochs=epochs, optimizer=optimizer, schedule=schedule, lr=lr, label_smoothing=smoothing)
    assert TrainingConfig.from_json(json.dumps(config.to_json())) == config


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("epochs", 0), ("epochs", 1.5), ("epochs", True), ("batch_size", 0), ("lr", 0.0), ("lr", -1), ("lr", float("nan")),
        ("warmup", -1), ("label_smoothing", 1.0), ("validation", 1.0), ("ema", 1.0), ("early_stopping", 0),
        ("clip_norm", 0), ("seed", -1), ("peak_at", 1.0), ("final_factor", 2), ("shuffle", "yes"), ("decay", 0),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_with_a_repair_that_works(field: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfig().replace(**{field: value})
    assert caught.value.where == f"TrainingConfig.{field}"
    assert caught.value.expected
    for repair in caught.value.fix:
        TrainingConfig(**eval(f"dict({repair})"))


def test_the_text_of_a_refusal() -> None:
    with pytest.raises(ConfigurationError) as caught:
        TrainingConfig(batch_size=0)
    assert str(caught.value) == (
        "TrainingConfig.batch_size: batch_size cannot be 0\n"
        "  expected  a whole number of pictures, 1 or more\n"
        "  to fix    batch_size=32"
    )


@pytest.mark.parametrize(
    ("field", "value", "near"),
    [("optimizer", "adm", "adam"), ("schedule", "onecycle", "one-cycle"), ("loss", "crossentropy", "cross_entropy"),
     ("precision", "bf32", "bf16"), ("metrics", ("acuracy",), "accuracy")],
)  # fmt: skip
def test_a_wrong_name_is_answered_with_a_near_one(field: str, value: object, near: str) -> None:
    with pytest.raises(UnknownName) as caught:
        TrainingConfig(**{field: value})  # type: ignore[arg-type]
    assert near in str(caught.value)


def test_an_unknown_field_is_refused() -> None:
    with pytest.raises(UnknownName, match="learning_rate"):
        TrainingConfig.from_json({"learning_rate": 0.1})


def test_an_optimizer_that_has_no_momentum_says_so() -> None:
    with pytest.raises(ConfigurationError, match="Adam has no momentum"):
        TrainingConfig(optimizer="adam", momentum=0.9)


@pytest.mark.parametrize("name", optimizers.NAMES)
def test_every_optimizer_survives_the_way_into_a_configuration_and_back(name: str) -> None:
    spec = dataclasses.replace(optimizers.get(name), learning_rate=0.123, weight_decay=0.01)
    assert TrainingConfig().with_optimizer(spec).optimizer_spec() == spec


def test_keras_names_reach_the_configuration() -> None:
    config = TrainingConfig().with_loss(losses.SparseCategoricalCrossentropy(from_logits=True, label_smoothing=0.1))
    assert (config.loss, config.from_logits, config.label_smoothing) == ("cross_entropy", True, 0.1)
    assert TrainingConfig().with_loss("sparse_categorical_crossentropy").from_logits is False  # as in Keras
    assert TrainingConfig().with_loss("mse").loss == "mse"
    with pytest.raises(UnknownName, match="no such loss"):
        losses.get("crosentropy")
    with pytest.raises(UnknownName, match="no such optimizer"):
        optimizers.get("adamx")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: optimizers.Adam(beta_1=1.0),
        lambda: optimizers.Adam(learning_rate=0),
        lambda: optimizers.SGD(momentum=-0.1),
        lambda: optimizers.SGD(nesterov=True),
        lambda: optimizers.RMSprop(epsilon=0),
        lambda: losses.BinaryCrossentropy(label_smoothing=1.0),
    ],
)
def test_values_no_optimizer_or_loss_can_have(wrong: object) -> None:
    with pytest.raises(ConfigurationError):
        wrong()  # type: ignore[operator]


def test_recipes_prefer_the_particular() -> None:
    assert recipe_for("lecture_cnn", "fashion-mnist") is RECIPES["lecture_cnn", "fashion-mnist"]
    assert recipe_for("lecture_cnn", "my folder") is RECIPES["lecture_cnn", None]
    assert recipe_for("lecture_cnn", "digits") is RECIPES[None, "digits"]  # a few hundred pictures want more epochs
    assert recipe_for("my network", "my folder") is RECIPES[None, None]
    assert recipe_for("lecture_cnn", "fashion-mnist").config.epochs <= 2, (
        "foveal train as it comes has two epochs at most"
    )


@pytest.mark.parametrize("device", [[1] * 50_000, {"a": 1}, 1.5, "", "nowhere"])
def test_a_device_that_is_none_is_one_short_error(device: object) -> None:
    from foveal.training.precision import chosen_device

    with pytest.raises(ConfigurationError, match="there is no device") as caught:
        chosen_device(device)  # type: ignore[arg-type]
    assert len(str(caught.value)) < 16_000
