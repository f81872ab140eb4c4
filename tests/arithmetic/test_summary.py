"""The summary: columns add up, nothing is lost when a network breaks, memory is what a run needs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from foveal import zoo
from foveal.arithmetic.comparison import dense_twin, dense_twin_at, totals_beside
from foveal.arithmetic.summary import details, summarize, window_text
from foveal.errors import DescriptionError
from foveal.network import Auxiliary, Image, Parallel, Residual, Sequential, layers

KEYS = {"path", "kind", "output_shape", "parameters", "macs", "receptive_field", "stride", "padding"}


@pytest.mark.parametrize("name", zoo.names())
def test_columns_add_up_to_totals(name: str) -> None:
    found = summarize(zoo.create(name), name=name).to_dict()
    totals = found["totals"]
    for key in ("parameters", "macs", "non_trainable", "activations", "connections"):
        assert sum(layer[key] for layer in found["layers"]) == totals[key]
    heads = sum(layer["parameters"] for layer in found.get("auxiliary", []))
    assert totals.get("auxiliary_parameters", 0) == heads
    tops = [row for row in summarize(zoo.create(name)).rows if row.depth == 1]
    axes = len(summarize(zoo.create(name)).input.spatial)
    assert sum(row.counts.parameters for row in tops) == totals["parameters"] + heads
    assert json.loads(json.dumps(found)) == found
    for layer in found["layers"]:
        assert layer.keys() >= KEYS
        assert len(layer["receptive_field"]) == len(layer["stride"]) == len(layer["padding"]) == axes


def test_json_of_a_small_network() -> None:
    network = Sequential([layers.Conv2D(8, 3, strides=2, padding="same", name="conv1")], input_shape=(28, 28, 1))
    found = summarize(network, name="one").to_dict()
    assert found["network"] == "one"
    assert found["input"] == [28, 28, 1]
    (layer,) = found["layers"]
    assert {key: layer[key] for key in KEYS} == {
        "path": "conv1",
        "kind": "Conv2D",
        "output_shape": [14, 14, 8],
        "parameters": 80,
        "macs": 14 * 14 * 9 * 8,
        "receptive_field": [3, 3],
        "stride": [2, 2],
        "padding": [0, 0],
    }


def test_side_heads_are_apart() -> None:
    head = Auxiliary([layers.Flatten(), layers.Dense(10)], name="aux")
    network = Sequential([layers.Conv2D(1, 1), head, layers.Flatten(), layers.Dense(10)], input_shape=(3, 3, 1))
    numbers = summarize(network)
    assert (numbers.totals.parameters, numbers.auxiliary.parameters) == (2 + 100, 100)
    found = numbers.to_dict()
    assert [layer["path"] for layer in found["auxiliary"]] == ["aux/head/flatten_1", "aux/head/dense_1"]
    assert found["totals"]["parameters_with_auxiliary_heads"] == 202


def test_a_broken_network_is_summed_up_to_the_break() -> None:
    network = Sequential([layers.Conv2D(8, 3), layers.Dense(10), layers.Dense(5)], input_shape=(9, 9, 1))
    numbers = summarize(network)
    assert [(row.path, row.output) for row in numbers.rows] == [("conv2d_1", Image(7, 7, 8)), ("dense_1", None)]
    assert numbers.totals.parameters == 80
    assert numbers.error is not None
    assert numbers.error.where == "dense_1"
    found = numbers.to_dict()
    assert found["layers"][1]["output_shape"] is None
    assert found["error"].startswith("dense_1: Dense connects every input to every unit")


@pytest.mark.parametrize(
    "broken",
    [
        Residual([layers.Conv2D(4, 3, padding="same")]),
        Parallel([[layers.Conv2D(4, 3)], [layers.Conv2D(4, 1)]]),
        Parallel([[], [layers.Conv2D(4, 99), layers.Conv2D(4, 1)]], merge="add"),
        layers.Conv1D(3, 3),
        layers.MaxPooling2D(20),
        Sequential([Residual([layers.Conv2D(8, 3), layers.Dense(3)], shortcut=[layers.Conv2D(1, 1)])]),
    ],
)
def test_every_way_to_break_leaves_a_summary(broken: Any) -> None:
    numbers = summarize(Sequential([layers.Conv2D(8, 3), broken, layers.Flatten()], input_shape=(9, 9, 1)))
    assert numbers.error is not None
    assert numbers.rows[0].output == Image(7, 7, 8)
    assert all(row.path != "flatten_1" for row in numbers.rows)
    assert numbers.to_dict()["totals"]["memory_bytes"] is None


def test_memory_of_a_chain() -> None:
    """784 → 100 → 10: weights 79,510; running needs 784 + 100 values at once, training all of them."""
    network = Sequential([layers.Dense(100), layers.Dense(10)], input_shape=784)
    memory = summarize(network).memory
    assert memory is not None
    assert memory.weights == 4 * 79_510
    assert memory.activations == 4 * (784 + 100 + 10)
    assert memory.running == 4 * (79_510 + 884)
    assert memory.training == 4 * (4 * 79_510 + 894)


@pytest.mark.parametrize(
    ("block", "values"),
    [
        # the input stays until the sum: in + body's end, then the sum itself
        (Residual([layers.Conv2D(1, 1), layers.Conv2D(1, 1)]), 30),
        # in, two ends, and the concatenation of both
        (Parallel([[layers.Conv2D(1, 1)], [layers.Conv2D(2, 1)]]), 10 + 20 + 30),
        (Sequential([layers.Activation("relu"), layers.Activation("relu")]), 20),
        (Parallel([[], [layers.Conv2D(2, 1)]]), 10 + 20 + 30),
    ],
)
def test_memory_where_something_waits(block: Any, values: int) -> None:
    network = Sequential([block], input_shape=(10, 1, 1))
    numbers = summarize(network)
    assert numbers.memory is not None
    assert numbers.memory.running is not None
    assert numbers.memory.running - numbers.memory.weights == 4 * values


def test_window_texts() -> None:
    image = Image(224, 224, 3)
    assert window_text(layers.Conv2D(96, 11, strides=4, padding="same"), image) == ("11 × 11", "4", "3/4")
    assert window_text(layers.Conv2D(8, (3, 5), dilation_rate=2), image) == ("3 × 5 (2 apart)", "1", "0")
    assert window_text(layers.MaxPooling2D(2), image) == ("2 × 2", "2", "0")
    assert window_text(layers.ZeroPadding2D(2), image) == ("", "", "2")
    assert window_text(layers.Dense(3), image) == ("", "", "")


@pytest.mark.parametrize(
    ("layer", "text"),
    [
        (layers.Conv2D(8, 3, activation="relu", use_bias=False, groups=2), "2 groups · relu · no bias"),
        (layers.Dropout(0.5), "0.5"),
        (layers.Conv2D(2, 3, connections=((0,), (0, 1))), "table of 3 pairs"),
        (layers.Normalization(0.25, 0.5), "mean 0.25 · variance 0.5"),
        (layers.Normalization((0.1, 0.2), (1.0, 1.0)), "mean of each channel · variance of each channel"),
        (layers.UpSampling2D(2), "× 2"),
        (Parallel([[], []], merge="add"), "add"),
        (layers.Dense(3, kernel_regularizer="l2"), "L2 0.01"),
        (layers.Activation("leaky_relu", negative_slope=0.1), "leaky_relu · negative_slope 0.1"),
    ],
)
def test_details(layer: Any, text: str) -> None:
    assert details(layer) == text


def test_dense_against_convolution() -> None:
    network = Sequential([layers.Conv2D(6, 5, name="c1"), layers.MaxPooling2D(2, name="s2")], input_shape=(32, 32, 3))
    twin = dense_twin_at(network, "c1")
    assert twin.dense.weights == 14_450_688
    assert twin.dense.parameters == 14_450_688 + 4704
    assert twin.unshared == 28 * 28 * 456
    assert twin.ratio == pytest.approx((14_450_688 + 4704) / 456)
    titles = [section.title for section in twin.derivation().sections]
    assert titles == ["A dense layer in its place", "Sparse connections", "Shared weights"]
    assert twin.to_dict()["convolution"]["parameters"] == 456
    with pytest.raises(DescriptionError) as caught:
        dense_twin_at(network, "s2")
    assert "only a convolution with known sizes has a dense twin" in str(caught.value)
    bare = dense_twin(layers.Conv2D(6, 5, use_bias=False), Image(32, 32, 3), Image(28, 28, 6))
    assert bare.dense.parameters == bare.dense.weights


def test_totals_beside() -> None:
    a, b = summarize(zoo.lenet5()), summarize(zoo.lecture_cnn())
    found = {name: (x, y, ratio) for name, x, y, ratio in totals_beside(a, b)}
    assert found["parameters"] == (61_706, 93_322, 93_322 / 61_706)
    assert found["sees"][:2] == (32, 18)
