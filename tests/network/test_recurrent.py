"""Recurrent layers as descriptions: counts against Keras' figures, shapes, what is refused, and what is read from a file."""

from __future__ import annotations

import pytest

from foveal.arithmetic.receptive_field import box
from foveal.arithmetic.shapes import trace
from foveal.arithmetic.summary import summarize
from foveal.errors import DescriptionError, FormatError, ShapeError
from foveal.network import Sequential, codec
from foveal.network.layers import (
    GRU,
    LSTM,
    Bidirectional,
    Conv1D,
    Conv2D,
    Conv3D,
    Dense,
    Flatten,
    Reshape,
    SimpleRNN,
    TimeDistributed,
)


# What Keras 3 prints for these layers on 28 steps of 28 values; each also by hand.
@pytest.mark.parametrize(
    ("layer", "parameters"),
    [
        (SimpleRNN(64), 5_952),  # (28 + 64 + 1) · 64
        (LSTM(64), 23_808),  # 4 · (28 + 64 + 1) · 64
        (GRU(64), 18_048),  # 3 · (28 + 64 + 2) · 64
        (GRU(64, reset_after=False), 17_856),  # 3 · (28 + 64 + 1) · 64
        (LSTM(64, use_bias=False), 23_552),
        (GRU(64, use_bias=False), 17_664),
        (Bidirectional(LSTM(64)), 47_616),
        (Bidirectional(GRU(32, return_sequences=True), merge_mode="sum"), 11_904),
        (TimeDistributed(Dense(10)), 290),
    ],
    ids=repr,
)
def test_parameters_are_keras_figures(layer, parameters):
    assert summarize(Sequential([layer]), (28, 28)).totals.parameters == parameters


def gives(layer, shape) -> str:
    return str(trace(Sequential([layer]), shape)[0].output)


def test_shapes():
    assert gives(LSTM(5), (28, 3)) == "5"
    assert gives(LSTM(5, return_sequences=True), (28, 3)) == "28 × 5"
    assert gives(GRU(5, return_sequences=True), (None, 3)) == "? × 5"
    assert gives(Bidirectional(LSTM(5, return_sequences=True)), (28, 3)) == "28 × 10"
    assert gives(Bidirectional(LSTM(5), "ave"), (28, 3)) == "5"
    assert gives(TimeDistributed(Dense(7)), (28, 3)) == "28 × 7"
    assert gives(TimeDistributed(Conv2D(7, 3)), (16, 28, 28, 1)) == "16 × 26 × 26 × 7"
    assert gives(TimeDistributed(Flatten()), (16, 28, 28, 1)) == "16 × 784"
    assert gives(TimeDistributed(LSTM(6)), (28, 20, 3)) == "28 × 6"
    assert gives(TimeDistributed(Reshape((2, 3, 1))), (4, 6)) == "4 × 2 × 3 × 1"


def test_macs_are_those_of_every_step():
    """28 steps, each two matrix products a gate; a dense layer on each of 28 steps."""
    totals = summarize(Sequential([LSTM(64, return_sequences=True), TimeDistributed(Dense(10))]), (28, 28)).totals
    assert totals.macs == 28 * 4 * (28 * 64 + 64 * 64) + 28 * 64 * 10


def test_a_step_sees_its_past():
    network = Sequential([Conv1D(4, 3, name="conv"), LSTM(4, return_sequences=True, name="there"), Dense(1)][:2])
    assert box(trace(network, (20, 2)), "there", (5,)).clipped == ((0, 7),)  # steps 0 … 5 of the convolution
    back = Sequential([GRU(4, return_sequences=True, go_backwards=True, name="back"), Conv1D(2, 3, name="conv")])
    steps = trace(back, (20, 2))
    assert box(steps, "back", (0,)).clipped == ((19, 19),)  # the first that comes out has seen the last step alone
    assert box(steps, "back", (4,)).clipped == ((15, 19),)
    assert box(steps, "conv", (4,)).clipped == ((13, 19),)
    rows = {row.path: row for row in summarize(back, (20, 2)).rows}
    found = {path: (row.receptive_field, [int(s) for s in row.stride]) for path, row in rows.items()}
    assert found == {"back": ((20,), [-1]), "conv": ((20 + (3 - 1) * 1,), [-1])}  # the formula's window, over the edge


@pytest.mark.parametrize(
    ("layer", "shape", "repairs"),
    [
        (LSTM(4, name="a"), (28, 28, 3), ["Reshape((28, 84))", "Reshape((784, 3))"]),
        (LSTM(4, name="a"), (12,), ["Reshape((12, 1))"]),
        (Bidirectional(GRU(4), name="a"), (None, 28, 3), ["TimeDistributed(GRU(units=4))"]),
        (LSTM(4, name="a"), (5, 6, 7, 2), ["TimeDistributed(Flatten())"]),
        (TimeDistributed(Dense(3), name="a"), (12,), ["Dense(units=3)", "Reshape((12, 1))"]),
    ],
)
def test_what_does_not_fit_is_refused_with_repairs_that_work(layer, shape, repairs):
    with pytest.raises(ShapeError) as caught:
        trace(Sequential([layer]), shape)
    assert caught.value.where == "a"
    assert [repair.split(" b")[0].split(":")[0] for repair in caught.value.fix] == repairs
    for repair in repairs:
        first = eval(repair)
        following = [] if first in (getattr(layer, "layer", None), TimeDistributed(GRU(4))) else [layer]
        assert trace(Sequential([first, *following]), shape)[0].output


def test_an_inner_layer_that_does_not_fit_names_the_outer_one():
    with pytest.raises(ShapeError, match="Dense connects every input to every unit") as caught:
        trace(Sequential([TimeDistributed(Dense(3), name="each")]), (5, 8, 8, 1))
    assert caught.value.where == "each"
    with pytest.raises(ShapeError, match="no shape for a sequence of these frames"):
        trace(Sequential([TimeDistributed(Reshape((2, 2, 2, 1)))]), (5, 8))


def test_only_what_can_be_held_is_held():
    for wrong in (Dense(3), "LSTM", LSTM, None):
        with pytest.raises(DescriptionError, match="a recurrent layer"):
            Bidirectional(wrong)
    with pytest.raises(DescriptionError, match="Sequential is a composition"):
        TimeDistributed(Sequential([Dense(3)]))
    with pytest.raises(DescriptionError, match=r"Dense\(…\): call it"):
        TimeDistributed(Dense)
    for named in (LSTM(3, name="inner"), LSTM(3, input_shape=(4, 2))):
        with pytest.raises(DescriptionError) as caught:
            Bidirectional(named)
        assert caught.value.fix == ("layer=LSTM(units=3)",)
    with pytest.raises(DescriptionError, match="one way to merge of: concat, sum, mul, ave"):
        Bidirectional(LSTM(3), "max")


def test_a_file_may_write_the_inner_layer_in_every_form():
    expected = Sequential([TimeDistributed(Flatten()), Bidirectional(GRU(4))], input_shape=(3, 4, 4, 1))
    text = """
    input: [3, 4, 4, 1]
    layers:
      - TimeDistributed: {layer: Flatten}
      - kind: Bidirectional
        layer: {GRU: {units: 4}}
    """
    assert codec.from_yaml(text) == expected
    with pytest.raises(FormatError, match="there is no layer of kind 'Grue'"):
        codec.from_yaml("layers: [{Bidirectional: {layer: {Grue: {units: 4}}}}]")
    with pytest.raises(DescriptionError, match="layer cannot be Sequential"):
        codec.from_yaml("layers: [{TimeDistributed: {layer: [Flatten, {Dense: {units: 3}}]}}]")
    deep = "{TimeDistributed: {layer: " * 70 + "Flatten" + "}}" * 70
    with pytest.raises(FormatError, match="nested too deeply"):
        codec.from_yaml(f"layers: [{deep}]")


def test_a_film_through_layers_on_each_frame():
    network = Sequential(
        [TimeDistributed(Conv2D(4, 3)), TimeDistributed(Flatten()), LSTM(5), Dense(2)], input_shape=(6, 8, 8, 1)
    )
    assert [str(step.output) for step in trace(network)[1:]] == ["6 × 6 × 6 × 4", "6 × 144", "5", "2"]
    wrong = Sequential([TimeDistributed(Conv3D(4, 3))])
    with pytest.raises(ShapeError, match="Conv3D needs a solid"):
        trace(wrong, (6, 8, 8, 1))
