"""Every worked sum is evaluated as it stands, and must give its value, the counts', and the shapes'."""

from __future__ import annotations

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal import zoo
from foveal.arithmetic.shapes import trace
from foveal.arithmetic.summary import Row, summarize
from foveal.arithmetic.worked import backward
from foveal.arithmetic.worked.derivation import Derivation, derive
from foveal.arithmetic.worked.layers import rules
from foveal.errors import RuleMissing, ShapeError, UnknownName
from foveal.network import Parallel, Residual, Sequential, layers
from foveal.network.activations import ACTIVATIONS
from foveal.network.layers import LAYERS
from foveal.network.node import Node
from foveal.network.shape import Image
from foveal.network.tree import COMPOSITIONS
from tests.contracts.instances import INSTANCES, label

_ARITHMETIC = re.compile(r"[\d\s.()+*/,]|max|min|floor|ceil|-")


def evaluated(text: str) -> float | None:
    """The value of a substitution; None if it is not an arithmetic (shapes, words)."""
    for sign, ours in (("×", "*"), ("−", "-"), ("⌊", "floor("), ("⌋", ")"), ("⌈", "ceil("), ("⌉", ")")):
        text = text.replace(sign, ours)
    if _ARITHMETIC.sub("", text) or not text.strip():
        return None
    return float(eval(text, {"floor": math.floor, "ceil": math.ceil, "max": max, "min": min, "__builtins__": {}}))


def hold(why: Derivation) -> int:
    """Evaluate all sums; how many there were."""
    checked = 0
    for section in why.sections:
        for step in section.steps:
            if isinstance(step.value, str) or step.value is None:
                continue
            value = evaluated(step.substitution)
            assert value is not None or "…" in step.substitution, (why.path, step)
            if value is not None:
                assert value == pytest.approx(step.value, abs=1e-9), (why.path, step)
                checked += 1
    return checked


def _value(why: Derivation, title: str, quantity: str) -> Any:
    found = [
        s.value for section in why.sections if section.title == title for s in section.steps if s.quantity == quantity
    ]
    return found[0] if found else None


def agree(why: Derivation, row: Row) -> None:
    """The worked values are those of the table."""
    for title, quantity, expected in (
        ("Parameters", "parameters", row.counts.parameters),
        ("Connections", "connections", row.counts.connections),
        ("Multiply-accumulates", "MACs", row.counts.macs),
        ("Receptive field", "size", row.receptive_field[0] if row.receptive_field else None),
    ):
        value = _value(why, title, quantity)
        assert value is None or value == expected, (why.path, title)


def test_one_rule_a_kind() -> None:
    every = set(LAYERS) | set(COMPOSITIONS)
    assert {kind.__name__ for kind in rules.rules} == every
    assert {kind.__name__ for kind in backward.rules.rules} == every
    assert backward.DERIVATIVES.keys() == ACTIVATIONS.keys()


@pytest.mark.parametrize("instance", INSTANCES, ids=label)
def test_every_layers_sums_hold(instance: tuple[Node, tuple[int, ...]]) -> None:
    layer, shape = instance
    network = Sequential([layer], input_shape=shape)
    (row,) = summarize(network).rows
    why = derive(network, row.path)
    assert hold(why) > 0
    agree(why, row)
    assert row.output is not None
    sizes = [s.value for s in why.section("Output").steps if isinstance(s.value, int)]
    assert sizes
    assert sizes[-1] in (*row.output.axes, row.output.size)
    assert why.section("Backward").steps


@pytest.mark.parametrize("name", zoo.names())
def test_every_node_of_the_zoo_is_explained(name: str) -> None:
    network = zoo.tiny(name)
    numbers = summarize(network)
    for row in numbers.rows[:: max(1, len(numbers.rows) // 20)]:
        why = derive(network, row.path)
        hold(why)
        agree(why, row)
    whole = derive(network, "")
    assert _value(whole, "Parameters", "parameters") == numbers.totals.parameters


@given(
    st.integers(3, 40),
    st.integers(1, 7),
    st.integers(1, 5),
    st.sampled_from(("valid", "same", 2)),
    st.sampled_from((1, 2)),
)
def test_window_sums_hold_for_any_window(n: int, k: int, s: int, padding: Any, d: int) -> None:
    layer = layers.Conv2D(3, (k, 2), strides=1 if d > 1 else s, padding=padding, dilation_rate=d)
    network = Sequential([layer], input_shape=(n, 9, 2))
    try:
        (row,) = summarize_or_raise(network)
    except ShapeError:
        return
    why = derive(network, row.path)
    hold(why)
    agree(why, row)
    heights = [
        s.value for s in why.section("Output").steps if s.quantity in ("output height", "output height and width")
    ]
    assert row.output is not None
    assert heights == [row.output.axes[0]]


def summarize_or_raise(network: Sequential) -> tuple[Row, ...]:
    numbers = summarize(network)
    if numbers.error is not None:
        raise numbers.error
    return numbers.rows


def test_same_padding_of_the_lecture_is_worked_out() -> None:
    why = derive(Sequential([layers.Conv1D(1, 6, strides=5, padding="same")], input_shape=(13, 1)), "conv1d_1")
    assert [(s.quantity, s.substitution, s.value) for s in why.section("Output").steps][:4] == [
        ("zeros in all on length", "max(0, (⌈13 / 5⌉ − 1) × 5 + 6 − 13)", 3),
        ("zeros before length", "⌊3 / 2⌋", 1),
        ("zeros after length", "3 − 1", 2),
        ("output length", "⌊(13 + 1 + 2 − 6) / 5⌋ + 1", 3),
    ]
    assert why.section("Output").steps[2].note == "the odd one is at the end"


def test_what_flooring_drops_is_said() -> None:
    why = derive(Sequential([layers.MaxPooling2D(2)], input_shape=(11, 10, 1)), "max_pooling2d_1")
    first, second = why.section("Output").steps[:2]
    assert (first.quantity, first.value, first.note) == ("output height", 5, "the last 1 of 11 are under no window")
    assert (second.quantity, second.value, second.note) == ("output width", 5, "")


def test_branches_add_up() -> None:
    block = Parallel([[layers.Conv2D(2, 1)], [layers.Conv2D(3, 5, padding="same")]], name="block")
    why = derive(Sequential([block, Residual([layers.Conv2D(5, 3, padding="same")])], input_shape=(9, 9, 1)), "block")
    assert why.section("Output").steps[0].substitution == "2 + 3"
    assert why.section("Parameters").steps[0].substitution == "4 + 78"
    assert why.section("Receptive field").steps[0].substitution == "max(0, 2) − min(0, −2) + 1"


def test_the_gradients_of_a_padded_strided_convolution() -> None:
    why = derive(
        Sequential([layers.Conv2D(8, 3, strides=2, padding=1, activation="relu")], input_shape=(28, 28, 3)), "conv2d_1"
    )
    steps = {s.quantity: s for s in why.section("Backward").steps}
    assert steps["dE/dO"].formula == "dE/dy · f′(x), f′ = 1 if x > 0 else 0"
    assert steps["dE/dF"].value == "3 × 3 × 3 × 8"
    assert steps["dE/dF"].substitution == "(30 × 30 × 3, padded) ⋆ (14 × 14 × 8)"
    assert "1 zeros between its values (stride)" in steps["dE/dX"].note
    assert steps["height of dE/dF"].value == 3
    assert steps["dE/dX"].value == "28 × 28 × 3"


def test_derivatives_are_derivatives() -> None:
    """Each formula that is plain arithmetic, against a central difference."""
    functions = {
        "sigmoid": (lambda x: 1 / (1 + math.exp(-x)), lambda x, y: y * (1 - y)),
        "tanh": (math.tanh, lambda x, y: 1 - y**2),
        "scaled_tanh": (lambda x: 1.7159 * math.tanh(2 * x / 3), lambda x, y: 1.7159 * 2 / 3 * (1 - (y / 1.7159) ** 2)),
        "softplus": (lambda x: math.log(1 + math.exp(x)), lambda x, y: 1 / (1 + math.exp(-x))),
        "softsign": (lambda x: x / (1 + abs(x)), lambda x, y: 1 / (1 + abs(x)) ** 2),
        "silu": (
            lambda x: x / (1 + math.exp(-x)),
            lambda x, y: 1 / (1 + math.exp(-x)) * (1 + x * (1 - 1 / (1 + math.exp(-x)))),
        ),
    }
    for name, (function, slope) in functions.items():
        assert name in backward.DERIVATIVES
        for x in (-1.5, -0.2, 0.4, 2.0):
            numeric = (function(x + 1e-6) - function(x - 1e-6)) / 2e-6
            assert slope(x, function(x)) == pytest.approx(numeric, rel=1e-6), name


def test_a_layer_without_a_rule_is_named() -> None:
    class Mystery(Node):
        pass

    with pytest.raises(RuleMissing) as caught:
        rules.for_node(Mystery(), "features/mystery")
    assert str(caught.value).startswith("features/mystery: there is no rule for the worked arithmetic of Mystery")


def test_a_wrong_path_is_answered_with_near_ones() -> None:
    with pytest.raises(UnknownName) as caught:
        derive(zoo.lecture_cnn(), "conv2_2")
    assert "conv2d_2" in str(caught.value)


def test_unknown_sizes_stay_unknown() -> None:
    network = Sequential([layers.Conv2D(8, 3), layers.GlobalAveragePooling2D()], input_shape=(None, None, 1))
    assert [t.path for t in trace(network)] == ["", "conv2d_1", "global_average_pooling2d_1"]
    why = derive(network, "conv2d_1")
    assert why.section("Output").steps[0].value is None
    assert why.section("Parameters").steps[0].value == 80
    assert derive(network, "conv2d_1", (28, 28, 1)).section("Output").steps[0].value == 26


@pytest.mark.parametrize("layer", [layers.AveragePooling2D((2, 3)), layers.Subsampling2D((2, 3))])
def test_a_window_s_gradient_is_shown_with_both_its_sides(layer):
    texts = [
        str(step) for section in backward.backward(layer, Image(4, 6, 1), Image(2, 2, 1)) for step in section.steps
    ]
    assert any("2 × 3" in text for text in texts), texts
