"""What two networks do not have in common, whatever it is: an argument, a name, an order, a penalty, the input."""

from __future__ import annotations

import dataclasses
import json
import re

import pytest
from typer.testing import CliRunner

from foveal import zoo
from foveal.arithmetic.comparison import differences
from foveal.arithmetic.summary import summarize
from foveal.cli.app import app
from foveal.drawing import pair
from foveal.network import Residual, Sequential, codec
from foveal.network.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D


def network(*layers, shape=(12, 12, 1), name="net") -> Sequential:
    return Sequential(list(layers), input_shape=shape, name=name)


def told(a: Sequential, b: Sequential) -> list[tuple]:
    return [(one.first, one.second, one.what, one.values) for one in differences(summarize(a), summarize(b))]


BASE = (Conv2D(4, 3, name="c"), BatchNormalization(), Residual([Conv2D(4, 3, padding="same")]), Flatten(), Dense(3))


@pytest.mark.parametrize(
    ("place", "changes", "path", "values"),
    [
        (0, {"activation": "relu"}, "c", ("'linear'", "'relu'")),
        (0, {"kernel_regularizer": "l2"}, "c", ("None", "Regularizer(l1=0.0, l2=0.01)")),
        (0, {"use_bias": False}, "c", ("True", "False")),
        (0, {"kernel_initializer": "he_normal"}, "c", ("'glorot_uniform'", "'he_normal'")),
        (1, {"momentum": 0.9}, "batch_normalization_1", ("0.99", "0.9")),
        (1, {"epsilon": 1e-5}, "batch_normalization_1", ("0.001", "1e-05")),
        (4, {"units": 4}, "dense_1", ("3", "4")),
    ],
)
def test_an_argument_that_differs_is_shown_with_both_values(place, changes, path, values):
    other = list(BASE)
    other[place] = dataclasses.replace(other[place], **changes)
    assert told(network(*BASE), network(*other)) == [(path, path, next(iter(changes)), values)]


def test_within_blocks_too():
    other = [*BASE[:2], Residual([Conv2D(4, 5, padding="same")]), *BASE[3:]]
    assert told(network(*BASE), network(*other)) == [
        ("residual_1/body/conv2d_1", "residual_1/body/conv2d_1", "kernel_size", ("(3, 3)", "(5, 5)"))
    ]


def test_names_order_input_and_what_only_one_has():
    assert told(network(*BASE), network(dataclasses.replace(BASE[0], name="first"), *BASE[1:])) == [
        ("c", "first", "name", ("'c'", "'first'"))
    ]
    assert told(network(*BASE), network(*BASE, shape=(13, 12, 1))) == [
        ("", "", "input", ("12 × 12 × 1", "13 × 12 × 1"))
    ]
    one, two = network(Conv2D(4, 3), MaxPooling2D(2), Flatten()), network(Conv2D(4, 3), Flatten())
    assert told(one, two) == [("max_pooling2d_1", None, "kind", ("MaxPooling2D", "–"))]
    one, two = network(Flatten(), Dropout(0.5), Dense(3)), network(Flatten(), Dense(3), Dropout(0.5))
    assert {what for *_, what, _ in told(one, two)} == {"kind"}


def test_equal_networks_have_no_difference():
    for name in ("lecture_cnn", "resnet18"):
        made = summarize(zoo.create(name))
        assert differences(made, made) == []
    assert "No difference" in pair.plain(made, made)


def test_differences_stand_in_columns():
    one = summarize(network(Conv2D(4, 3, name="a_long_name"), Conv2D(3, 1), Flatten()))
    two = summarize(network(Conv2D(4, 3, name="b"), Conv2D(2, 1), Flatten()))
    three = summarize(network(Conv2D(2, 1, name="x" * 18), Flatten()))
    for a, b in ((one, two), (one, three), (two, three)):
        found = pair.different(a, b)
        assert len(found) > 1
        assert len({[cell.start() for cell in re.finditer(r"(?<=  )\S", line)][1] for line in found}) == 1, found
        assert len({line.rindex("  ") for line in found}) == 1, found


def test_many_differences_are_counted():
    one, two = (summarize(network(*[Conv2D(n, 1) for _ in range(100)])) for n in (2, 3))
    lines = pair.different(one, two)
    assert len(lines) == pair.MOST_SHOWN + 1
    assert lines[-1] == "… and 40 more (--json has all)"
    assert lines[0] == "conv2d_1   filters  2 → 3"


def test_the_command_shows_them(tmp_path):
    paths = []
    for activation in ("relu", "gelu"):
        path = tmp_path / f"{activation}.json"
        path.write_text(codec.to_json(network(Conv2D(4, 3, activation=activation), Flatten())), encoding="utf-8")
        paths.append(str(path))
    found = CliRunner().invoke(app, ["show", *paths])
    assert "conv2d_1  activation  'relu' → 'gelu'" in found.output
    found = json.loads(CliRunner().invoke(app, ["show", *paths, "--json"]).output)
    assert found["differences"] == [
        {"first": "conv2d_1", "second": "conv2d_1", "what": "activation", "values": ["'relu'", "'gelu'"]}
    ]
