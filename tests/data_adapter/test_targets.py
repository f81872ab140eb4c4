"""Labels that a loss does not take are refused before the first step, and the repairs that are offered work."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from foveal import Model, layers, losses
from foveal.data.splitting import split_at
from foveal.errors import ConfigurationError, DataError, FovealError

Array = NDArray[Any]
X = np.random.default_rng(0).normal(size=(40, 5)).astype("float32")
TWO = np.arange(40) % 2


def model(units: int, loss: Any, activation: str | None = None) -> Model:
    made = Model(layers.Sequential([layers.Dense(units, activation=activation, input_shape=(5,))]), seed=0)
    made.compile(loss=loss)
    return made


def binary() -> Model:
    return model(1, "binary_crossentropy", "sigmoid")


def refused(y: Array, units: int, loss: Any, activation: str | None = None) -> DataError:
    """What fit, validation and evaluate say; all three the same."""
    said = []
    good = np.zeros(40, np.int64) if units == 1 else TWO
    for act in (
        lambda m: m.fit(X, good, validation_data=(X, y), verbose=0),
        lambda m: m.fit(X, y, verbose=0),
        lambda m: m.evaluate(X, y, verbose=0),
    ):
        with pytest.raises(DataError) as caught:
            act(model(units, loss, activation))
        said.append(str(caught.value).replace("y_val", "y"))
    assert len(set(said)) == 1
    return caught.value


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        (TWO * 255, "the values 0 and 255"),
        (2 * TWO - 1, "the values -1 and 1"),
        (TWO + 1, "the values 1 and 2"),
        (TWO * 2.5 + 1.5, "the values 1.5 and 4"),
        (TWO * 3 - 1, "the values -1 and 2"),
    ],
)
def test_two_labels_of_a_binary_loss_are_0_and_1(labels: Array, says: str) -> None:
    error = refused(labels, 1, "binary_crossentropy", "sigmoid")
    assert error.given == f"y: {says}"
    wanted = binary().evaluate(X, TWO, verbose=0)
    for repair in error.fix:
        assert binary().evaluate(X, eval(repair, {"y": labels}), verbose=0) == pytest.approx(wanted)


def test_shares_and_booleans_are_labels_of_a_binary_loss() -> None:
    shares = np.random.default_rng(1).random(40)
    for y in (shares, TWO.astype(bool), TWO.astype("float32"), TWO[:, None], np.zeros(40)):
        binary().fit(X, y, verbose=0)


def test_many_classes_in_one_output_are_told_what_they_need() -> None:
    error = refused(np.arange(40) % 4, 1, losses.BinaryCrossentropy(from_logits=True))
    assert error.given == "y: the values 0, 1, 2, 3"
    assert error.fix[0].startswith('Dense(4) as the last layer with loss="sparse_categorical_crossentropy"')
    model(4, "sparse_categorical_crossentropy", "softmax").fit(X, np.arange(40) % 4, verbose=0)


@given(st.integers(0, 2**16), st.integers(1, 4))
def test_hinge_takes_minus_1_and_1_as_0_and_1(seed: int, units: int) -> None:
    y = np.random.default_rng(seed).integers(0, 2, (40, units)).astype("float32")
    net = model(units, "hinge")
    scores, sides = net.predict(X).astype("float64"), 2 * y - 1
    wanted = np.maximum(0, 1 - sides * scores).mean()
    for labels in (y, sides, y.astype(bool), sides.astype("int64")):
        found = net.evaluate(X, labels, verbose=0)
        assert found[0] == pytest.approx(wanted, rel=1e-5)
    if units == 1:
        assert found[1] == pytest.approx(((scores > 0) == (y > 0)).mean())


@pytest.mark.parametrize("labels", [TWO * 255, TWO + 1, np.arange(40) % 3 - 1, TWO * 0.5])
def test_hinge_takes_nothing_else(labels: Array) -> None:
    error = refused(labels, 1, "hinge")
    assert "0 and 1, or −1 and 1" in str(error)


def test_categorical_hinge_takes_one_class_a_sample() -> None:
    rows = np.eye(3)[np.arange(40) % 3]
    assert "(y + 1) / 2" in refused(2 * rows - 1, 3, "categorical_hinge").fix
    assert "hinge" in refused(np.maximum(rows, np.eye(3)[0]), 3, "categorical_hinge").fix[0]
    once, again = model(3, "categorical_hinge"), model(3, "categorical_hinge")
    assert once.evaluate(X, rows, verbose=0) == again.evaluate(X, np.arange(40) % 3, verbose=0)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy"])
def test_rows_of_a_categorical_loss_are_distributions(loss: str) -> None:
    draw = np.random.default_rng(0)
    shares = draw.dirichlet(np.ones(3), 40)
    model(3, loss, "softmax").fit(X, shares, verbose=0)
    model(3, loss, "softmax").fit(X, shares.astype(np.float16), verbose=0)
    scaled = refused(shares * 255, 3, loss, "softmax")
    assert "sum 255" in str(scaled)
    repair = scaled.fix[0].split(",")[0] + ", keepdims=True)"
    mended = eval(repair, {"y": shares * 255})
    assert model(3, loss, "softmax").evaluate(X, mended, verbose=0) == pytest.approx(
        model(3, loss, "softmax").evaluate(X, shares, verbose=0)
    )
    several = (draw.random((40, 3)) > 0.3).astype("float32")
    assert "binary_crossentropy" in refused(several, 3, loss, "softmax").fix[0]
    model(3, "binary_crossentropy", "sigmoid").fit(X, several, verbose=0)
    numbers = refused(draw.normal(size=(40, 3)), 3, loss, "softmax")
    assert [one.split(",")[0] for one in numbers.fix] == ['loss="mse"']
    model(3, "mse").fit(X, draw.normal(size=(40, 3)), verbose=0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    ("units", "loss", "activation"),
    [
        (1, "mse", None), (1, "mae", None), (1, "hinge", None), (1, "binary_crossentropy", "sigmoid"),
        (3, "mse", None), (3, "categorical_crossentropy", "softmax"), (3, "categorical_hinge", None),
    ],
)  # fmt: skip
def test_targets_that_are_no_numbers(value: float, units: int, loss: str, activation: str | None) -> None:
    y = np.eye(3)[np.arange(40) % 3][:, :units].astype("float32")
    broken = y.copy()
    broken[3, 0] = value
    error = refused(broken, units, loss, activation)
    assert f"1 of {y.size} values" in str(error)
    keep = np.isfinite(broken.reshape(len(y), -1)).all(axis=1)
    model(units, loss, activation).fit(X[keep], broken[keep], verbose=0)


@pytest.mark.parametrize("labels", [np.arange(40) % 4 - 1, np.arange(40) % 4, np.arange(40) % 3 + 0.5])
@pytest.mark.parametrize("loss", ["sparse_categorical_crossentropy", "binary_crossentropy", "mse", "hinge"])
def test_class_numbers_have_outputs(labels: Array, loss: str) -> None:
    activation = None if loss in ("mse", "hinge") else "softmax"
    error = refused(labels, 3, loss, activation)
    assert error.fix
    if error.fix[0].startswith("Dense(4)"):
        model(4, loss, activation).fit(X, labels, verbose=0)


def test_accuracy_of_several_labels_is_explained_once(capsys: pytest.CaptureFixture[str]) -> None:
    """The number is Keras' (largest output against first label); the metric that counts every label is named."""
    several = (np.random.default_rng(0).random((40, 3)) > 0.4).astype("float32")
    net = model(3, "binary_crossentropy", "sigmoid")
    found = net.evaluate(X, several, verbose=0)
    net.evaluate(X, several, verbose=0)
    assert capsys.readouterr().err.count('metrics=["binary_accuracy"]') == 1
    assert found[1] == pytest.approx((net.predict(X).argmax(1) == several.argmax(1)).mean())
    net.compile(loss="binary_crossentropy", metrics=["binary_accuracy"])
    assert net.evaluate(X, several, verbose=0)[1] == pytest.approx(((net.predict(X) > 0.5) == several).mean())
    fresh = model(3, "binary_crossentropy", "sigmoid")
    fresh.evaluate(X, np.eye(3)[np.arange(40) % 3], verbose=0)
    assert "binary_accuracy" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["acc", "categorical_accuracy", "sparse_categorical_accuracy"])
def test_keras_names_of_accuracy(name: str) -> None:
    net = Model(layers.Sequential([layers.Dense(3, input_shape=(5,))]), seed=0)
    net.compile(metrics=[name])
    assert "accuracy" in net.fit(X, np.arange(40) % 3, verbose=0).history


# One output --------------------------------------------------------------------------------------------------------------


ONE_OUTPUT = [
    (None, None), ("sigmoid", None), ("softmax", None), ("softmax", "sparse_categorical_crossentropy"),
    ("sigmoid", "categorical_crossentropy"), ("softmax", "binary_crossentropy"), ("softmax", "mse"),
    (None, losses.CategoricalCrossentropy(from_logits=True)),
]  # fmt: skip


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(("activation", "loss"), ONE_OUTPUT)
def test_one_output_cannot_choose_among_classes(activation: str | None, loss: Any, known: bool) -> None:
    def net(units: int, activation: str | None) -> Model:
        shape = {"input_shape": (5,)} if known else {}
        return Model(layers.Sequential([layers.Dense(units, activation=activation)], **shape), seed=0)

    def train_one() -> None:
        one = net(1, activation)
        one.compile(loss=loss)
        one.fit(X, TWO, verbose=0)

    with pytest.raises(ConfigurationError) as caught:
        train_one()
    for repair in caught.value.fix:
        said = "softmax" if 'activation="softmax"' in repair else "sigmoid" if "sigmoid" in repair else None
        if "Dense(2" in repair:
            mended = net(2, said)
            mended.compile(loss="sparse_categorical_crossentropy" if "sparse" in repair or said else loss)
        else:
            mended = net(1, said or activation)
            mended.compile(
                loss=losses.BinaryCrossentropy(from_logits=True) if "from_logits" in repair else "binary_crossentropy"
            )
        history = mended.fit(X, TWO, epochs=3, verbose=0).history
        assert history["loss"][0] > history["loss"][-1] > 0.1


# Keras' cut --------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 300), st.floats(0.01, 0.99))
def test_the_split_is_keras(count: int, share: float) -> None:
    at = int(np.floor(count * (1.0 - share)))
    if 0 < at < count:
        assert split_at(count, share, "fit") == at
    else:
        with pytest.raises(FovealError):
            split_at(count, share, "fit")


def test_a_model_trains_on_what_keras_trains_on() -> None:
    first, second = binary(), binary()
    split = first.fit(X[:25], TWO[:25], validation_split=0.1, verbose=0).history
    cut = second.fit(X[:22], TWO[:22], validation_data=(X[22:25], TWO[22:25]), verbose=0).history
    assert split == cut
