"""Tokens, sequences and codes that do not fit: what is said, and each repair applied."""

from __future__ import annotations

import pytest

from foveal.arithmetic.shapes import trace
from foveal.errors import ShapeError
from foveal.network import Parallel, Sequential, Tokens
from foveal.network.layers import (
    RBM,
    Conv1D,
    Cropping1D,
    Dense,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    Permute,
    Sampling,
)


def mistake(layers, shape) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        trace(Sequential(layers), shape)
    return caught.value


def gives(layers, shape) -> str:
    """What comes out: the repaired network works."""
    return str(trace(Sequential(layers), shape)[0].output)


def test_values_are_computed_from_tokens():
    error = mistake([Dense(3, name="first")], Tokens(6))
    assert str(error) == (
        "first: Dense computes on values, and tokens are only numbers of words or characters\n"
        "  given     input 6 tokens\n"
        "  expected  values: a vector for each token\n"
        "  to fix    Embedding(input_dim, output_dim) before it; input_dim is how many tokens there are"
    )
    assert gives([Embedding(9, 4), GlobalAveragePooling1D(), Dense(3)], Tokens(6)) == "3"


def test_an_embedding_of_values():
    error = mistake([Embedding(9, 4, name="words")], 6)
    assert "words: Embedding looks up a row for each whole number" in str(error)
    assert error.fix == ('input_shape="6 tokens"', "Dense(4) instead, if these are values")
    assert gives([Embedding(9, 4)], "6 tokens") == "6 × 4"
    assert gives([Dense(4)], 6) == "4"
    assert mistake([Embedding(9, 4)], (6, 2)).fix == ("Conv1D(4, 1) instead, if these are values",)
    assert gives([Conv1D(4, 1)], (6, 2)) == "6 × 4"


def test_nothing_left():
    error = mistake([Cropping1D((4, 3), name="cut")], Tokens(6))
    assert "given     input 6 tokens: 6 − 4 − 3 = −1" in str(error)
    assert error.fix == ("cropping=(4, 1)", "an input of at least 8 places")
    assert gives([Cropping1D((4, 1))], Tokens(6)) == "1 token"
    assert gives([Cropping1D((4, 3))], Tokens(8)) == "1 token"


def test_axes_that_are_not_there():
    error = mistake([Permute((2, 1), name="turn")], (6, 5, 1))
    assert "turn: the order is not one of these axes" in str(error)
    assert error.fix == ("dims=(2, 1, 3)",)
    assert gives([Permute((2, 1, 3))], (6, 5, 1)) == "5 × 6 × 1"
    error = mistake([Permute((3, 1, 2))], (6, None, 1))
    assert "cannot become the channels" in str(error)
    assert error.fix == ("dims=(1, 2, 3)",)
    assert gives([Permute((1, 2, 3))], (6, None, 1)) == "6 × ? × 1"
    assert mistake([Permute((2, 1))], 6).fix == ("take it out: one axis has one order",)


def test_a_code_without_variances():
    error = mistake([Dense(6), Sampling(2, name="code")], 9)
    assert "code: Sampling(2) needs a mean and a variance for each of its 2 values" in str(error)
    assert error.fix == ("Dense(4) before it: 2 means, 2 logarithms of variances", "units=3")
    assert gives([Dense(6), Dense(4), Sampling(2)], 9) == "2"
    assert gives([Dense(6), Sampling(3)], 9) == "3"
    assert mistake([Sampling(2)], (5, 3)).fix[0].startswith("Flatten() and Dense(4)")
    assert gives([Flatten(), Dense(4), Sampling(2)], (5, 3)) == "2"


def test_a_boltzmann_machine_on_a_sequence():
    error = mistake([RBM(3)], (5, 2))
    assert error.fix[0].startswith("Flatten() before it")
    assert gives([Flatten(), RBM(3)], (5, 2)) == "3"


def test_queries_and_memory_of_different_widths():
    def joined(queries, memory):
        return Parallel({"queries": queries, "memory": memory}, merge="attention", name="attend")

    error = mistake([joined([Embedding(9, 4)], [Embedding(9, 3)])], Tokens(6))
    assert "given     attend/queries gives 6 × 4 (queries)" in str(error)
    assert error.fix[:2] == (
        "4 channels in the last layer of attend/memory",
        "3 channels in the last layer of attend/queries",
    )
    for size in (3, 4):
        assert gives([joined([Embedding(9, size)], [Embedding(9, size)])], Tokens(6)) == f"6 × {2 * size}"
