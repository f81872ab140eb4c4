"""Model: what users hold, under Keras' names. Checked against torch by hand and against its own files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import foveal
from foveal import layers, losses, models, optimizers
from foveal.errors import ConfigurationError, DataError, DescriptionError, ModelFileError, ShapeError


def small(activation: str | None = None) -> models.Sequential:
    return models.Sequential(
        [
            layers.Conv2D(4, 3, activation="relu", input_shape=(6, 6, 1)),
            layers.Flatten(),
            layers.Dense(3, activation=activation),
        ]
    )


def pictures(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Three classes that a small network can tell apart: bright on the left, in the middle, on the right."""
    rng = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = rng.random((count, 6, 6, 1)) * 0.3
    for i, label in enumerate(y):
        x[i, :, 2 * label : 2 * label + 2] += 0.7
    return x, y


def compiled(**options: object) -> models.Sequential:
    model = small()
    model.compile(
        optimizer=optimizers.Adam(0.01), loss=losses.SparseCategoricalCrossentropy(from_logits=True), **options
    )
    return model


def test_learns_and_its_numbers_agree_with_torch() -> None:
    x, y = pictures()
    model = compiled()
    history = model.fit(x, y, epochs=12, batch_size=10, verbose=0, validation_data=(x, y))
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert history.history["loss"][-1] < history.history["loss"][0] / 2
    loss, accuracy = model.evaluate(x, y, verbose=0)
    with torch.no_grad():
        logits = model.module(torch.from_numpy(x).float().permute(0, 3, 1, 2))
        expected = nn.functional.cross_entropy(logits, torch.from_numpy(y))
    assert loss == pytest.approx(float(expected), rel=1e-5)
    assert accuracy == pytest.approx(float((logits.argmax(1).numpy() == y).mean()))
    assert loss == pytest.approx(history.history["val_loss"][-1], rel=1e-5)
    np.testing.assert_allclose(model.predict(x), logits.numpy(), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.predict_proba(x), logits.softmax(1).numpy(), rtol=1e-5, atol=1e-6)


def test_one_seed_gives_the_same_bits() -> None:
    x, y = pictures()
    runs = []
    for seed in (3, 3, 4):
        model = foveal.Model(small().network, seed=seed)
        model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
        model.fit(x, y, epochs=2, verbose=0)
        runs.append(model.predict(x))
    assert np.array_equal(runs[0], runs[1])
    assert not np.array_equal(runs[0], runs[2])


def test_the_random_seed_of_a_script_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    foveal.random.set_seed(11)
    try:
        by_script = small().module.state_dict()
    finally:
        foveal.random.set_seed(0)
    by_hand = foveal.Model(small().network, seed=11).module.state_dict()
    assert all(torch.equal(by_script[name], by_hand[name]) for name in by_hand)


def test_uint8_pixels_are_divided_by_255_everywhere() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (9, 6, 6), np.uint8)
    labels = np.arange(9) % 3
    model = compiled()
    floats = (pixels / 255.0)[..., None]
    np.testing.assert_allclose(model.predict(pixels), model.predict(floats), rtol=1e-5, atol=1e-6)
    assert model.evaluate(pixels, labels, verbose=0) == pytest.approx(model.evaluate(floats, labels, verbose=0))


def test_validation_split_takes_the_last_samples_as_keras_does() -> None:
    x, y = pictures(20)
    model = compiled()
    history = model.fit(x, y, epochs=1, validation_split=0.25, verbose=0)
    loss, accuracy = model.evaluate(x[15:], y[15:], verbose=0)
    assert history.history["val_loss"][-1] == pytest.approx(loss, rel=1e-5)
    assert history.history["val_accuracy"][-1] == pytest.approx(accuracy)


def test_evaluate_does_not_depend_on_the_batch_size() -> None:
    x, y = pictures(50)
    model = compiled()
    one, other = model.evaluate(x, y, batch_size=1, verbose=0), model.evaluate(x, y, batch_size=300, verbose=0)
    assert one == pytest.approx(other, rel=1e-5)
    assert model.evaluate(x, y, verbose=0, return_dict=True).keys() == {"loss", "accuracy"}


def test_a_saved_model_comes_back_to_the_bit(tmp_path: Path) -> None:
    x, y = pictures()
    model = compiled()
    model.fit(x, y, epochs=1, verbose=0)
    model.classes = ("left", "middle", "right")
    path = model.save(tmp_path / "m.safetensors")
    back = models.load_model(path)
    assert np.array_equal(back.predict(x), model.predict(x))
    assert back.network == model.network
    assert back.classes == model.classes
    assert back.facts["history"]["loss"] == model.facts["history"]["loss"]


def test_adding_a_layer_keeps_the_weights_before_it() -> None:
    model = models.Sequential([layers.Conv2D(4, 3, input_shape=(6, 6, 1))])
    before = model.module.state_dict()["conv2d_1.weight"].clone()
    with torch.no_grad():
        model.module.conv2d_1.weight += 1
    model.add(layers.Flatten())
    assert torch.equal(model.module.conv2d_1.weight, before + 1)
    model.pop()
    assert len(model.layers) == 1


def test_the_input_shape_is_taken_from_the_data_where_it_is_missing() -> None:
    model = models.Sequential([layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3)])
    model.compile(loss=losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = pictures(12)
    model.fit(x[..., 0], y, verbose=0)
    assert model.input_shape == layers.Input((6, 6, 1))


def test_fit_goes_on_from_where_it_was() -> None:
    x, y = pictures()
    model = compiled()
    first = model.fit(x, y, epochs=3, verbose=0).history["loss"]
    second = model.fit(x, y, epochs=1, verbose=0).history["loss"]
    assert second[0] < first[0]


def test_softmax_at_the_end_with_probabilities_learns_the_same_as_logits() -> None:
    x, y = pictures()
    answers = []
    for activation, logits in ((None, True), ("softmax", False)):
        model = small(activation)
        model.compile("sgd", losses.SparseCategoricalCrossentropy(from_logits=logits))
        model.fit(x, y, epochs=2, verbose=0)
        answers.append(model.predict_proba(x))
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-3, atol=1e-4)


def test_without_a_loss_cross_entropy_fits_the_ending() -> None:
    x, y = pictures()
    for activation in (None, "softmax"):
        model = small(activation)
        model.compile("adam")
        assert model.fit(x, y, verbose=0).history["loss"][0] < 2


@pytest.mark.parametrize(
    ("activation", "logits", "says"), [(None, False, "ends in logits"), ("softmax", True, "probabilities")]
)
def test_logits_taken_for_probabilities_are_refused(activation: str | None, logits: bool, says: str) -> None:
    with pytest.raises(ConfigurationError, match=says) as caught:
        small(activation).compile("adam", losses.SparseCategoricalCrossentropy(from_logits=logits))
    assert f"from_logits={not logits}" in str(caught.value)


def test_mistakes_are_explained() -> None:
    x, y = pictures(12)
    model = compiled()
    with pytest.raises(ConfigurationError, match="must be compiled before fit"):
        small().fit(x, y)
    with pytest.raises(DataError, match="not of the network's input shape") as caught:
        model.predict(np.zeros((2, 36), np.float32))
    assert "x.reshape((-1, 6, 6, 1))" in str(caught.value)
    with pytest.raises(DataError, match="a label has no output") as caught:
        model.fit(x, y + 1, verbose=0)
    assert "Dense(4)" in str(caught.value)
    with pytest.raises(DataError, match="not as many answers"):
        model.fit(x, y[:-1], verbose=0)
    with pytest.raises(DataError, match="no numbers"):
        model.predict(np.array([["a"]]))
    with pytest.raises(DescriptionError, match="made of a network"):
        foveal.Model("resnet")  # type: ignore[arg-type]
    with pytest.raises(ShapeError, match="larger than its input"):
        model.pop(), model.pop(), model.add(layers.Conv2D(3, 9))
    assert len(model.layers) == 1, "the model stays as it was"


def test_labels_written_as_floats_or_in_a_column_are_class_numbers() -> None:
    """At a batch of as many samples as outputs, floats left as they are would be spread over the outputs unnoticed."""
    x, y = pictures(12)
    wanted = compiled().fit(x, y, batch_size=3, verbose=0).history
    for labels in (y.astype(float), y[:, None], y[:, None].astype(np.float32), torch.tensor(y).double()):
        assert compiled().fit(x, labels, batch_size=3, verbose=0).history == wanted


def test_numbers_to_learn_may_be_a_row_or_a_column() -> None:
    x, y = np.arange(12.0).reshape(6, 2), np.arange(6) / 7
    for values in (y, y[:, None]):
        model = models.Sequential([layers.Dense(1, input_shape=(2,))])
        model.compile("adam", "mse", metrics=["mae"])
        mean = np.mean(np.abs(model.predict(x)[:, 0] - y))
        assert model.evaluate(x, values, verbose=0)[1] == pytest.approx(mean, rel=1e-5)


@pytest.mark.parametrize(
    ("labels", "says", "fix"),
    [
        (np.arange(12) / 4, r"not a class number\n  given     0.25;", "Dense(1)"),
        (np.array(["cat", "dog", "owl"] * 4), "class numbers, not names", "np.unique(y, return_inverse=True)"),
        (np.eye(4)[np.arange(12) % 4], r"answers of shape 12 × 4; the network has 3 outputs", "Dense(4)"),
    ],
)
def test_answers_that_cannot_be_learnt_are_explained(labels: np.ndarray, says: str, fix: str) -> None:
    with pytest.raises(DataError, match=says) as caught:
        compiled().fit(pictures(12)[0], labels, batch_size=3, verbose=0)
    assert fix in str(caught.value)


def test_no_sample_at_all() -> None:
    x, y = pictures(3)
    for verb in (compiled().fit, compiled().evaluate):
        with pytest.raises(DataError, match="there is no sample"):
            verb(x[:0], y[:0], verbose=0)
    assert compiled().predict(x[:0]).shape == (0, 3)


@pytest.mark.parametrize("name", ["m.h5", "m.keras", "m"])
def test_a_model_is_not_saved_under_an_ending_that_says_something_else(name: str, tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="saved as") as caught:
        small().save(tmp_path / name)
    assert "m.safetensors" in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_a_summary_goes_as_far_as_the_layers_fit_and_says_why_no_further(capsys: pytest.CaptureFixture[str]) -> None:
    model = models.Sequential([layers.Conv2D(4, 3, input_shape=(6, 6, 1)), layers.Dense(3)])
    with pytest.raises(ShapeError, match="dense_1"):
        model.summary()
    assert "conv2d_1" in capsys.readouterr().out


def test_summary_prints_the_lectures_table(capsys: pytest.CaptureFixture[str]) -> None:
    foveal.Model(foveal.zoo.lecture_cnn()).summary()
    printed = capsys.readouterr().out
    assert "93,322" in printed
    assert "18,496" in printed


def test_the_lectures_script_runs_as_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    """examples/lecture.py on 300 pictures, its plots drawn and not shown."""
    import runpy

    import matplotlib.pyplot as plt

    from foveal.data.published import fashion_mnist

    rng = np.random.default_rng(0)
    parts = [(rng.integers(0, 256, (n, 28, 28), np.uint8), rng.integers(0, 10, n).astype(np.uint8)) for n in (300, 50)]
    monkeypatch.setattr(fashion_mnist, "load_data", lambda: tuple(parts))
    shown = []
    monkeypatch.setattr(plt, "show", lambda: shown.append(plt.gcf()))
    names = runpy.run_path(str(Path(__file__).parents[1] / "examples" / "lecture.py"))
    assert len(shown) == 3
    assert names["model"].count_params() == 93_322
    assert set(names["history"].history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(names["history"].history["loss"]) == 5
    plt.close("all")
