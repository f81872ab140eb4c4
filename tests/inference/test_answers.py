"""Probabilities are what the loss meant by the outputs: in memory, out of a model file, and on the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from foveal import Model, layers, losses
from foveal.cli.app import app
from foveal.errors import ConfigurationError, FovealError
from foveal.inference.trained_classifier import load_classifier

X = np.random.default_rng(0).normal(size=(6, 8, 8, 1)).astype("float32")


def model(units: int, loss: Any, activation: str | None = None) -> Model:
    net = layers.Sequential([layers.Flatten(), layers.Dense(units, activation=activation)], input_shape=(8, 8, 1))
    made = Model(net, seed=0, classes=[f"class {i}" for i in range(max(units, 2))])
    if loss is not None:
        made.compile(loss=loss)
    return made


def sigmoid(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(1 / (1 + np.exp(-x.astype("float64"))))


def softmax(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    powers = np.exp(x.astype("float64") - x.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


LOGITS = losses.BinaryCrossentropy(from_logits=True)
CASES: list[tuple[int, Any, str | None, Any]] = [
    (1, LOGITS, None, sigmoid),
    (3, LOGITS, None, sigmoid),
    (1, "hinge", None, sigmoid),
    (3, "hinge", None, sigmoid),
    (3, "categorical_hinge", None, softmax),
    (3, losses.CategoricalCrossentropy(from_logits=True), None, softmax),
    (3, None, None, softmax),
    (1, None, None, sigmoid),
    (3, "binary_crossentropy", "sigmoid", lambda x: x),
    (3, "categorical_crossentropy", "softmax", lambda x: x),
    (1, "mse", "sigmoid", lambda x: x),
]


@pytest.mark.parametrize(("units", "loss", "activation", "meant"), CASES)
def test_predict_proba_follows_the_loss(tmp_path: Path, units: int, loss: Any, activation: Any, meant: Any) -> None:
    made = model(units, loss, activation)
    if loss is not None:
        made.fit(X, np.arange(6) % max(2, units), verbose=0)
    wanted = meant(made.predict(X))
    found = made.predict_proba(X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    loaded = Model.load(made.save(tmp_path / "kept.safetensors"))
    np.testing.assert_allclose(loaded.predict_proba(X), wanted, atol=1e-6)


def test_large_logits_give_0_and_1_without_a_warning() -> None:
    made = model(1, LOGITS)
    made.module.load_state_dict({name: 1000 * value for name, value in made.module.state_dict().items()})
    np.testing.assert_allclose(made.predict_proba(X), (made.predict(X) > 0).astype("float32"), atol=1e-3)


@pytest.mark.parametrize("loss", ["mse", "mae"])
def test_numbers_are_no_logits(loss: str) -> None:
    with pytest.raises(ConfigurationError, match="numbers") as caught:
        model(3, loss).predict_proba(X)
    assert caught.value.fix == ("model.predict(x), the numbers themselves",)


def test_a_model_file_of_several_yes_or_nos_is_read_as_such(tmp_path: Path) -> None:
    """``foveal predict`` shows each output's own probability; ``foveal evaluate`` makes them exclusive."""
    made = model(3, LOGITS)
    pixels = np.random.default_rng(1).integers(0, 256, (12, 8, 8, 1)).astype(np.uint8)
    labels = np.arange(12) % 3
    made.fit(pixels, labels, verbose=0)
    path = made.save(tmp_path / "kept.safetensors")
    wanted = sigmoid(made.predict(pixels))
    np.testing.assert_allclose(load_classifier(path).probabilities(pixels), wanted, atol=1e-6)
    np.savez(tmp_path / "data.npz", images=pixels, labels=labels)
    told = CliRunner().invoke(app, ["evaluate", str(path), str(tmp_path / "data.npz"), "--json"])
    assert told.exit_code == 0, told.output
    found = json.loads(told.output)
    assert found["accuracy"] == pytest.approx((wanted.argmax(axis=1) == labels).mean())


def test_foveal_train_refuses_one_output_with_a_choice_among_classes(tmp_path: Path) -> None:
    """Before anything is trained; with the loss that is offered it trains, tests and predicts."""
    np.savez(tmp_path / "data.npz", images=np.zeros((20, 8, 8), np.uint8), labels=np.arange(20) % 2)
    net = {"layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 1}], "name": "one"}
    (tmp_path / "one.json").write_text(json.dumps(net), encoding="utf-8")
    words = ["train", str(tmp_path / "one.json"), str(tmp_path / "data.npz"), "--epochs", "1", "--quiet",
             "--runs", str(tmp_path / "runs")]  # fmt: skip
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, ConfigurationError)
    assert "--loss binary_cross_entropy" in str(refused.exception)
    assert not (tmp_path / "runs").exists()
    trained = CliRunner().invoke(app, [*words, "--loss", "binary_cross_entropy", "--name", "first"])
    assert trained.exit_code == 0, (trained.output, trained.exception)
    found = load_classifier("first", tmp_path / "runs")
    rows = found.probabilities(np.zeros((1, 8, 8, 1), np.uint8))
    assert rows.shape == (1, 2)
    assert rows.sum() == pytest.approx(1)


@pytest.mark.parametrize(("labels", "says"), [((0, 255), "the labels are 0, 255: 254 of 256 classes"), ((-1, 1), "-1")])
def test_foveal_train_says_what_the_labels_are(tmp_path: Path, labels: tuple[int, int], says: str) -> None:
    y = np.array(labels)[np.arange(20) % 2]
    images = np.zeros((20, 8, 8), np.uint8)
    np.savez(tmp_path / "data.npz", images=images, labels=y)
    net = {"layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 1}], "name": "one"}
    (tmp_path / "one.json").write_text(json.dumps(net), encoding="utf-8")
    words = ["train", str(tmp_path / "one.json"), str(tmp_path / "data.npz"), "--loss", "binary_cross_entropy", "--epochs",
             "1", "--quiet", "--runs", str(tmp_path / "runs")]  # fmt: skip
    refused = CliRunner().invoke(app, words)
    assert isinstance(refused.exception, FovealError)
    assert says in str(refused.exception)
    repair = refused.exception.fix[0].split(" numbers")[0]
    mended: dict[str, Any] = {"y": y, "np": np}
    exec(repair, mended)
    np.savez(tmp_path / "data.npz", images=images, labels=mended["y"])
    trained = CliRunner().invoke(app, words)
    assert trained.exit_code == 0, (trained.output, trained.exception)
