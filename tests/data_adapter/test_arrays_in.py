"""Arrays handed to a Model: what fits is taken, what is odd is said, what cannot mean one thing is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import foveal
from foveal import layers, losses
from foveal.data_adapter.layouts import repairs
from foveal.errors import ConfigurationError, DataError, FovealError

RNG = np.random.default_rng(0)


def model(*nodes: Any, shape: Any, loss: Any = "mse", metrics: tuple[str, ...] = ()) -> foveal.Model:
    made = foveal.Model(layers.Sequential(list(nodes), input_shape=shape), seed=0)
    made.compile("adam", loss, metrics=metrics)
    return made


def classifier(shape: tuple[int, ...] = (6, 6, 3)) -> foveal.Model:
    logits = losses.SparseCategoricalCrossentropy(from_logits=True)
    return model(layers.Flatten(), layers.Dense(2), shape=shape, loss=logits)


# Targets have channels last, as everything outside ---------------------------------------------------------------------

MAPS = {
    "image": ((8, 6, 3), [layers.Conv2D(2, 3)]),
    "one channel": ((8, 6, 3), [layers.Conv2D(1, 1)]),
    "volume": ((4, 5, 6, 2), [layers.Conv3D(3, 1)]),
    "sequence": ((7, 5), [layers.LSTM(4, return_sequences=True)]),
    "steps": ((7, 5), [layers.GRU(3, return_sequences=True), layers.Conv1D(2, 1)]),
    "row": ((7,), [layers.Dense(4)]),
    "number": ((7,), [layers.Dense(1)]),
    "transposed": ((4, 4, 2), [layers.Conv2DTranspose(3, 2, strides=2)]),
}


@pytest.mark.parametrize("kind", MAPS)
def test_what_predict_gives_is_what_evaluate_and_fit_take(kind: str) -> None:
    shape, nodes = MAPS[kind]
    net = model(*nodes, shape=shape)
    x = RNG.random((5, *shape), dtype=np.float32)
    y = net.predict(x)
    assert net.evaluate(x, y, verbose=0) == [0.0]
    wanted = float(np.mean((y.astype(np.float64) - (y + np.arange(y.shape[-1]))) ** 2))
    assert net.evaluate(x, y + np.arange(y.shape[-1]), verbose=0)[0] == pytest.approx(wanted, rel=1e-5)
    history = net.fit(x, y, validation_data=(x, y), verbose=0, shuffle=False).history
    assert history["loss"] == [0.0]


def test_an_identity_network_has_no_error_on_its_own_input() -> None:
    net = model(layers.Conv2D(3, 1), shape=(8, 6, 3))
    with torch.no_grad():
        net.module.conv2d_1.weight[:] = torch.eye(3)[:, :, None, None]
    x = RNG.random((4, 8, 6, 3), dtype=np.float32)
    assert net.evaluate(x, x, verbose=0) == [0.0]
    with pytest.raises(DataError, match="not of the network's output shape") as caught:
        net.evaluate(x, np.moveaxis(x, -1, 1), verbose=0)
    assert caught.value.fix == ("np.moveaxis(y, 1, -1)",)


def test_class_numbers_of_places_count_as_one_hot_places_do() -> None:
    logits = losses.SparseCategoricalCrossentropy(from_logits=True)
    net = model(layers.Conv2D(3, 1), shape=(8, 6, 2), loss=logits, metrics=("accuracy", "mse"))
    x, y = RNG.random((4, 8, 6, 2), dtype=np.float32), RNG.integers(0, 3, (4, 8, 6))
    z = net.predict(x).astype(np.float64)
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    hot = np.eye(3)[y]
    wanted = [-np.log((p * hot).sum(-1)).mean(), (z.argmax(-1) == y).mean(), ((z - hot) ** 2).mean()]
    for targets in (y, y[..., None], y.astype(np.float32), hot):
        assert net.evaluate(x, targets, verbose=0) == pytest.approx(wanted, rel=1e-4)
    with pytest.raises(DataError, match="a label has no output"):
        net.evaluate(x, y + 1, verbose=0)
    with pytest.raises(DataError, match="not a class number"):
        net.evaluate(x, y + 0.5, verbose=0)


# Repairs mean the same ---------------------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(2, 7), min_size=2, max_size=4, unique=True),
    st.integers(1, 5),
    st.sampled_from(["first", "one", "one first"]),
)
def test_a_repair_gives_the_array_that_was_meant(sizes: list[int], count: int, how: str) -> None:
    meant = RNG.random((count if how == "first" else 1, *sizes))
    turned = {"first": np.moveaxis(meant, -1, 1), "one": meant[0], "one first": np.moveaxis(meant[0], -1, 0)}[how]
    found, sentence = repairs(turned.shape, sizes)
    assert found or sentence
    if len(found) == 1 and turned.shape != meant.shape:
        assert np.array_equal(eval(found[0], {"np": np, "x": turned}), meant)


@pytest.mark.parametrize(
    ("shape", "given", "fix"),
    [
        ((6, 6, 3), (5, 3, 6, 6), ["np.moveaxis(x, 1, -1)"]),
        ((6, 6, 3), (6, 6, 3), ["x[np.newaxis]"]),
        ((6, 6, 3), (3, 6, 6), ["np.moveaxis(x, 0, -1)[np.newaxis]"]),
        ((6, 6, 1), (5, 1, 6, 6), ["np.moveaxis(x, 1, -1)"]),
        ((6, 6, 1), (6, 6), ["x[np.newaxis, ..., np.newaxis]"]),
        ((6, 6, 1), (5, 36), ["x.reshape((-1, 6, 6, 1))"]),
        ((6, 6, 3), (5, 6, 6), ["np.repeat(x[..., np.newaxis], 3, axis=-1)"]),
        ((6, 6, 3), (5, 6, 6, 1), ["np.repeat(x, 3, axis=-1)"]),
        ((6, 6, 3), (5, 108), []),  # channels may lie either way in a row
        ((6, 5, 3), (5, 5, 6, 3), []),  # height and width exchanged: mirrored pictures, or other axes
        ((7, 5), (4, 5, 7), ["np.moveaxis(x, 1, -1)"]),
        ((7, 5), (7, 5), ["x[np.newaxis]"]),
        ((36,), (5, 6, 6), ["x.reshape((len(x), -1))"]),
        ((36,), (36,), ["x[np.newaxis]"]),
        ((6, 6, 3), (5, 6, 6, 3, 1), ["x[..., 0]"]),
        ((6, 6, 3), (1, 5, 6, 6, 3), ["x[0]"]),
        ((6, 6, 3), (6, 6, 3, 5), ["np.moveaxis(x, -1, 0)"]),
        ((6, 6, 3), (), []),
        ((6, 6, 3), (5, 6, 6, 4), []),
    ],
)
def test_another_layout_is_refused_with_a_repair_only_where_it_means_the_same(shape: Any, given: Any, fix: Any) -> None:
    net = classifier(shape) if len(shape) > 1 else model(layers.Dense(2), shape=shape)
    x = RNG.random(given)
    with pytest.raises(DataError, match="not of the network's input shape") as caught:
        net.predict(x)
    repaired = [text for text in caught.value.fix if ("x" in text and "[" in text) or "(x" in text or "x." in text]
    assert repaired == fix
    for text in fix:
        assert np.isfinite(net.predict(eval(text, {"np": np, "x": x}))).all()


def test_images_with_channels_first_do_not_tell_a_network_its_shape() -> None:
    net = foveal.Model(layers.Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(2)]), seed=0)
    x = RNG.random((4, 3, 12, 12))
    with pytest.raises(DataError, match="cannot be told") as caught:
        net.predict(x)
    assert "np.moveaxis(x, 1, -1)" in str(caught.value)
    assert net.input_shape is None
    assert net.predict(np.moveaxis(x, 1, -1)).shape == (4, 2)


# Types -------------------------------------------------------------------------------------------------------------------

FLOATS = [">f4", ">f8", ">f2", "f2", "f8", "longdouble"]
WHOLE = [">i2", ">i4", ">i8", ">u2", "i1", "u2", "u4", "u8", "i8", "?"]


def forms(x: np.ndarray) -> dict[str, Any]:
    """The same numbers as people may hold them."""
    read_only = x.copy()
    read_only.flags.writeable = False
    records = np.zeros(x.shape, np.dtype([("gap", "i1"), ("value", x.dtype)]))
    records["value"] = x

    class Framed:
        def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
            return x

    grown = torch.tensor(x)
    return {
        "read-only": read_only,
        "turned round": np.ascontiguousarray(x[::-1])[::-1],
        "a column of records": records["value"],
        "lists": x.tolist(),
        "objects": x.astype(object),
        "rows of objects": list(x),
        "masked, nothing hidden": np.ma.masked_array(x, mask=False),
        "anything with __array__": Framed(),
        "a tensor": grown,
        "a tensor with a gradient": grown.double().requires_grad_(),
        "a bfloat16 tensor": grown.to(torch.bfloat16),
        "a list of tensors": list(grown),
        "a sparse tensor": grown.to_sparse(),
        "fortran": np.asfortranarray(x),
        "float8": grown.to(torch.float8_e4m3fn),
    }


def test_every_form_of_the_same_numbers_gives_the_same_answers() -> None:
    net = model(layers.Dense(3), shape=(5,))
    x = RNG.integers(0, 2, (4, 5)).astype(np.float32)
    wanted = net.predict(x)
    for name, form in {**forms(x), **{kind: x.astype(kind) for kind in FLOATS + WHOLE}}.items():
        assert np.array_equal(net.predict(form), wanted), name


def test_every_form_of_the_same_labels_gives_the_same_loss() -> None:
    net = classifier()
    x, y = RNG.random((4, 6, 6, 3)), np.array([0, 1, 1, 0])
    wanted = net.evaluate(x, y, verbose=0)
    for name, form in {**forms(y), **{kind: y.astype(kind) for kind in FLOATS + WHOLE}}.items():
        assert net.evaluate(x, form, verbose=0) == wanted, name


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        (np.zeros((4, 5), complex), "complex"),
        (torch.zeros(4, 5, dtype=torch.complex64), "complex"),
        (np.zeros((4, 5), [("a", "f4")]), "records"),
        (np.zeros((4, 5), "M8[s]"), "dates"),
        (np.zeros((4, 5), "m8[s]"), "spans of time"),
        (np.ma.masked_array(np.zeros((4, 5)), mask=np.eye(4, 5)), "masked"),
        (np.full((4, 5), "1"), "no numbers"),
        (np.full((4, 5), None), "no numbers"),
        (torch.zeros(4, 5, device="meta"), "no array of numbers"),
        ((row for row in range(4)), "not an array of numbers"),
        ([[1.0, 2.0], [1.0]], "not an array of numbers"),
        (None, "not an array of numbers"),
        ({"x": 1}, "not an array of numbers"),
        (np.array([[1.0, 2, 3, np.nan, 5]]), "not finite"),
        (np.full((2, 5), 1e300), "not finite"),
        (np.float64(3), "input shape"),
        (np.zeros((4, 0)), "input shape"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_what_is_no_array_of_numbers_is_one_sentence(bad: Any, says: str) -> None:
    net = model(layers.Dense(3), shape=(5,))
    good, y = np.zeros((4, 5)), np.zeros((4, 3))
    for use in (lambda: net.predict(bad), lambda: net.fit(bad, y, verbose=0), lambda: net.evaluate(bad, y, verbose=0)):
        with pytest.raises(DataError, match=says):
            use()
    if says != "input shape":
        with pytest.raises(DataError):
            net.fit(good, bad, verbose=0)


def test_images_of_no_size_are_no_images() -> None:
    net = model(layers.Conv2D(2, 1), layers.GlobalAveragePooling2D(), shape=(None, None, 3))
    with pytest.raises(DataError, match="not of the network's input shape"):
        net.predict(np.zeros((2, 0, 4, 3)))


# Scales ------------------------------------------------------------------------------------------------------------------


def test_the_division_by_255_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    net, pixels, y = classifier(), RNG.integers(0, 256, (4, 6, 6, 3), np.uint8), [0, 1, 0, 1]
    net.fit(pixels, y, verbose=0)
    assert capsys.readouterr().err.count("divided by 255") == 1
    assert net.evaluate(pixels, y, verbose=0) == pytest.approx(net.evaluate(pixels / 255.0, y, verbose=0), rel=1e-5)
    assert capsys.readouterr().err == ""
    net.predict(pixels.astype(np.int32))
    told = capsys.readouterr().err
    assert "int32, taken as it is, 0 to 255" in told or "int32, taken as it is" in told
    net.predict(pixels.astype(np.int32))
    assert capsys.readouterr().err == ""


def test_pixels_that_nobody_divides_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    pixels = RNG.integers(0, 256, (4, 6, 6, 3))
    classifier().predict(pixels)
    assert "only uint8 pixels are divided by 255" in capsys.readouterr().err
    classifier().predict(pixels / 255.0)
    classifier().predict(RNG.normal(size=(4, 6, 6, 3)))
    model(layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2), shape=(6, 6, 3)).predict(pixels)
    assert capsys.readouterr().err == ""
    classifier().predict(pixels.astype(np.uint16) * 257)
    assert "only uint8 pixels are divided by 255" in capsys.readouterr().err
    twice = model(layers.Rescaling(1 / 255), layers.Flatten(), layers.Dense(2), shape=(6, 6, 3))
    twice.predict(pixels.astype(np.uint8))
    assert "Rescaling comes on top" in capsys.readouterr().err


def test_validation_on_another_scale_is_refused() -> None:
    pixels, y = RNG.integers(0, 256, (4, 6, 6, 3), np.uint8), [0, 1, 0, 1]
    with pytest.raises(DataError, match="two scales") as caught:
        classifier().fit(pixels, y, validation_data=(pixels.astype(int), y), verbose=0)
    assert caught.value.fix == ('x_val.astype("uint8")',)
    with pytest.raises(DataError, match="two scales"):
        classifier().fit(pixels.astype(np.float32), y, validation_data=(pixels, y), verbose=0)
    classifier().fit(pixels, y, validation_data=(pixels / 255.0, y), verbose=0)


# Arguments ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("batch_size", [0, -1, 2.5, 32.0, True, None, "32", [32]])
def test_a_batch_size_is_a_whole_number_everywhere(batch_size: Any) -> None:
    net, x, y = classifier(), RNG.random((4, 6, 6, 3)), [0, 1, 0, 1]
    for use in (
        lambda: net.fit(x, y, batch_size),
        lambda: net.evaluate(x, y, batch_size),
        lambda: net.predict(x, batch_size),
    ):
        with pytest.raises(ConfigurationError, match="batch_size is a whole number"):
            use()


@pytest.mark.parametrize(
    "arguments",
    [
        {"epochs": 0},
        {"epochs": 1.0},
        {"epochs": "5"},
        {"validation_split": 1.0},
        {"validation_split": -0.1},
        {"validation_split": float("nan")},
        {"validation_split": "0.1"},
        {"validation_split": 0.1, "verbose": 3},
        {"verbose": "loud"},
        {"verbose": None},
        {"shuffle": "batch"},
        {"shuffle": None},
        {"validation_data": 5},
        {"validation_data": (1, 2, 3)},
        {"callbacks": "EarlyStopping"},
        {"callbacks": [print]},
        {"callbacks": [foveal.callbacks.EarlyStopping]},
    ],
)
def test_arguments_of_fit_are_refused_in_one_sentence(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        classifier().fit(RNG.random((4, 6, 6, 3)), [0, 1, 0, 1], **arguments)
    assert caught.value.fix


def test_numpy_numbers_and_a_single_callback_are_arguments_too() -> None:
    x, y = RNG.random((4, 6, 6, 3)), [0, 1, 0, 1]
    classifier().fit(x, y, np.int64(3), np.int32(1), verbose=np.int64(0), callbacks=foveal.callbacks.Callback())
    classifier().fit(x, y, 10**9, 1, False, callbacks=None, validation_split=np.float32(0.25), shuffle=np.bool_(True))
    with pytest.raises(FovealError, match="as many answers"):
        classifier().fit(x, 3, verbose=0)
    with pytest.raises(FovealError, match="no targets"):
        classifier().fit(x, None, verbose=0)  # type: ignore[arg-type]


def test_a_sparse_matrix_is_its_array() -> None:
    from scipy import sparse

    net, x = model(layers.Dense(3), shape=(5,)), np.eye(4, 5, dtype=np.float32)
    assert np.array_equal(net.predict(sparse.csr_matrix(x)), net.predict(x))


@pytest.mark.parametrize(
    ("tokens", "fix"),
    [
        (np.ones((6, 5)), ["x.astype('int64')"]),
        (np.full((6, 5), 0.5), ["number the tokens from 0, without fractions"]),
        (np.full((6, 5), 2**63, np.uint64), ["number the tokens from 0, without fractions"]),
        (np.full((6, 5), -1), ["number the tokens from 0"]),
        (np.full((6, 5), 12), ["input_dim=13, or an own token for what is unknown"]),
        (np.zeros(5, int), ["x[np.newaxis]"]),
        (np.zeros((6, 7), int), ["cut longer texts, and fill shorter ones up with a token of their own"]),
    ],
)
def test_tokens_are_answered_with_what_they_are(tokens: np.ndarray, fix: list[str]) -> None:
    net = model(layers.Embedding(10, 4), layers.Flatten(), layers.Dense(2), shape="5 tokens")
    with pytest.raises(DataError) as caught:
        net.predict(tokens)
    assert list(caught.value.fix) == fix


@pytest.mark.parametrize(
    ("labels", "fix"),
    [
        ([1, 2, 2], ("y - 1, if the first class is 1", "Dense(3) as the last layer")),
        ([-1, 0, 0], ("y + 1, if the first class is -1",)),
        ([0, 1, 5], ("Dense(6) as the last layer",)),
        ([-1, 0, 5], ("number the classes from 0",)),
    ],
)
def test_labels_that_begin_elsewhere_are_moved(labels: list[int], fix: tuple[str, ...]) -> None:
    with pytest.raises(DataError, match="a label has no output") as caught:
        classifier().evaluate(RNG.random((3, 6, 6, 3)), labels, verbose=0)
    assert caught.value.fix == fix
    if "if the first" in fix[0]:
        y = np.array(labels)
        classifier().evaluate(RNG.random((3, 6, 6, 3)), eval(fix[0].split(",")[0], {"y": y}), verbose=0)


def test_class_numbers_of_places_are_answered_in_the_words_of_maps() -> None:
    net = model(layers.Conv2D(3, 1), shape=(4, 5, 2))
    x, y = RNG.random((2, 4, 5, 2)), RNG.integers(0, 3, (2, 4, 5))
    with pytest.raises(DataError) as caught:
        net.evaluate(x, y + 1, verbose=0)
    assert caught.value.fix[1] == "4 channels, one a class, in place of 3, in the last layer"
    with pytest.raises(DataError) as caught:
        net.evaluate(x, y.swapaxes(1, 2), verbose=0)
    assert "class numbers: N × 4 × 5" in str(caught.value)


def test_a_long_double_beyond_float64_is_one_sentence() -> None:
    huge = np.full((2, 6, 6, 3), np.longdouble(1e308)) * np.longdouble(1e308)
    with pytest.raises(DataError, match="not finite"):
        classifier().predict(huge)
