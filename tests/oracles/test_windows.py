"""Convolutions and poolings of any size, stride, padding, dilation and grouping, against loops; gradients by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from foveal.errors import ShapeError
from foveal.network import layers
from foveal.network.layers import LAYERS
from foveal.network.tree import Residual, Sequential
from tests.oracles import gradients, reference
from tests.oracles.bridge import answers, in_float64, single, to_numpy, to_torch, weights_of
from tests.oracles.reference import Array

pair = st.tuples(st.integers(1, 4), st.integers(1, 4))
side = st.tuples(st.integers(0, 3), st.integers(0, 3))
sizes = st.tuples(st.integers(3, 9), st.integers(3, 9))
paddings = st.one_of(st.sampled_from(["valid", "same"]), st.tuples(side, side))
examples = settings(max_examples=60)


def drawn(shape: tuple[int, ...], seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def built(layer: Any, shape: tuple[int, ...]) -> Any:
    """The module, unless hypothesis hit upon a window that does not fit."""
    try:
        return single(layer, shape)
    except ShapeError:
        assume(False)


@st.composite
def convolutions(draw: Any) -> layers.Conv2D:
    strided = draw(st.booleans())
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    return layers.Conv2D(
        filters=groups * draw(st.integers(1, 3)),
        kernel_size=draw(pair),
        strides=draw(pair) if strided else 1,
        dilation_rate=1 if strided else draw(st.tuples(st.integers(1, 3), st.integers(1, 3))),
        padding=draw(paddings),
        groups=groups,
        use_bias=draw(st.booleans()),
        activation=draw(st.sampled_from(["linear", "relu"])),
    )


@examples
@given(convolutions(), sizes)
def test_convolution(layer: layers.Conv2D, size: tuple[int, int]) -> None:
    shape = (*size, 6)
    module, x = built(layer, shape), drawn((2, *shape))
    weights = weights_of(module)
    kernel = reference.dense_kernel(layer, weights["weight"], 6)
    pads = reference.pads_of(layer, size, layer.kernel_size, layer.strides)
    sums = reference.convolve(x, kernel, layer.strides, layer.dilation_rate, pads) + weights.get("bias", 0.0)
    upstream = drawn(sums.shape, 1)
    out, by_input, by_weight = answers(module, x, upstream)
    np.testing.assert_allclose(out, reference.activate(layer.activation, sums), atol=1e-10)

    below = gradients.relu(sums, upstream) if layer.activation == "relu" else upstream
    dx, dk, db = gradients.convolution(x, kernel, layer, below)
    np.testing.assert_allclose(by_input, dx, atol=1e-10)
    per_group, made = 6 // layer.groups, layer.filters // layer.groups
    for f in range(layer.filters):  # the part of the dense kernel that the group has
        part = slice(f // made * per_group, f // made * per_group + per_group)
        np.testing.assert_allclose(by_weight["weight"][f], np.moveaxis(dk[..., part, f], -1, 0), atol=1e-10)
    if layer.use_bias:
        np.testing.assert_allclose(by_weight["bias"], db, atol=1e-10)


@st.composite
def tables(draw: Any) -> tuple[tuple[int, ...], ...]:
    rows = draw(st.lists(st.sets(st.integers(0, 4), min_size=1), min_size=1, max_size=5))
    return tuple(tuple(sorted(row)) for row in rows)


@examples
@given(tables(), pair, paddings, sizes)
def test_partial_connections(table: Any, kernel_size: Any, padding: Any, size: tuple[int, int]) -> None:
    layer = layers.Conv2D(len(table), kernel_size, padding=padding, connections=table)
    module, x = built(layer, (*size, 5)), drawn((2, *size, 5))
    weights = weights_of(module)
    assert weights["weight"].size == sum(map(len, table)) * kernel_size[0] * kernel_size[1]
    expected = reference.forward(layer, x, weights)
    upstream = drawn(expected.shape, 1)
    out, by_input, by_weight = answers(module, x, upstream)
    np.testing.assert_allclose(out, expected, atol=1e-10)
    dx, dk, _ = gradients.convolution(x, reference.dense_kernel(layer, weights["weight"], 5), layer, upstream)
    np.testing.assert_allclose(by_input, dx, atol=1e-10)
    joined = [dk[..., c, f] for f, row in enumerate(table) for c in row]
    np.testing.assert_allclose(by_weight["weight"], np.stack(joined), atol=1e-10)


@st.composite
def transposed(draw: Any) -> layers.Conv2DTranspose:
    strides, groups = draw(pair), draw(st.sampled_from([1, 2]))
    padding = draw(st.one_of(st.sampled_from(["valid", "same"]), st.tuples(side, side)))
    extra = tuple(0 if padding == "same" else draw(st.integers(0, s - 1)) for s in strides)
    return layers.Conv2DTranspose(
        2 * groups, draw(pair), strides=strides, padding=padding, output_padding=extra, groups=groups
    )


@examples
@given(transposed(), sizes)
def test_transposed(layer: layers.Conv2DTranspose, size: tuple[int, int]) -> None:
    module, x = built(layer, (*size, 4)), drawn((2, *size, 4))
    np.testing.assert_allclose(answers(module, x)[0], reference.forward(layer, x, weights_of(module)), atol=1e-10)


@examples
@given(
    st.sampled_from(["Max", "Average", "Min", "L2", "DistanceWeighted"]),
    pair,
    st.one_of(st.none(), pair),
    paddings,
    sizes,
)
def test_pooling(kind: str, pool: Any, strides: Any, padding: Any, size: tuple[int, int]) -> None:
    layer = LAYERS[f"{kind}Pooling2D"](pool, strides, padding)  # type: ignore[call-arg]
    module, x = built(layer, (*size, 3)), drawn((2, *size, 3))
    expected = reference.forward(layer, x, {})
    upstream = drawn(expected.shape, 1)
    out, by_input, _ = answers(module, x, upstream)
    np.testing.assert_allclose(out, expected, atol=1e-10)
    if kind == "Max":
        np.testing.assert_allclose(by_input, gradients.max_pooling(x, layer, upstream), atol=1e-12)
    if kind == "Min":
        np.testing.assert_allclose(by_input, gradients.max_pooling(-x, layer, upstream), atol=1e-12)


@examples
@given(paddings, sizes)
def test_ties_go_to_the_first_in_reading_order(padding: Any, size: tuple[int, int]) -> None:
    layer = layers.MaxPooling2D((2, 3), strides=1, padding=padding)
    module = built(layer, (*size, 2))
    x = np.random.default_rng(0).integers(0, 2, (2, *size, 2)).astype(np.float64)
    upstream = drawn(reference.forward(layer, x, {}).shape, 1)
    np.testing.assert_allclose(answers(module, x, upstream)[1], gradients.max_pooling(x, layer, upstream), atol=1e-12)


def test_a_window_of_zeros_has_a_finite_gradient_in_l2_pooling() -> None:
    x = np.zeros((1, 4, 4, 1))
    x[0, 0, 0, 0] = 2.0
    out, by_input, _ = answers(single(layers.L2Pooling2D(2), (4, 4, 1)), x)
    assert out.ravel().tolist() == [2.0, 0.0, 0.0, 0.0]
    assert by_input.ravel().tolist() == [1.0] + [0.0] * 15


@examples
@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 4))
def test_dense(n: int, units: int, batch: int) -> None:
    layer = layers.Dense(units, activation="relu")
    module, x = single(layer, (n,)), drawn((batch, n))
    weights = weights_of(module)
    sums = x @ weights["weight"].T + weights["bias"]
    upstream = drawn(sums.shape, 1)
    out, by_input, by_weight = answers(module, x, upstream)
    np.testing.assert_allclose(out, np.maximum(sums, 0), atol=1e-12)
    dx, dw, db = gradients.dense(x, weights["weight"], gradients.relu(sums, upstream))
    for given_one, expected in ((by_input, dx), (by_weight["weight"], dw), (by_weight["bias"], db)):
        np.testing.assert_allclose(given_one, expected, atol=1e-12)


@examples
@given(st.booleans(), sizes)
def test_residual(relu: bool, size: tuple[int, int]) -> None:
    """dE/dx = dE/dy + what comes back through F: the shortcut hands the gradient on whole."""
    body = layers.Conv2D(3, 3, padding="same", activation="relu" if relu else None)
    module = single(Residual([body]), (*size, 3))
    x = drawn((2, *size, 3))
    weights, inside = weights_of(module), "body.conv2d_1."
    kernel = reference.dense_kernel(body, weights[inside + "weight"], 3)
    sums = reference.convolve(x, kernel, (1, 1), (1, 1), [(1, 1), (1, 1)]) + weights[inside + "bias"]
    upstream = drawn(sums.shape, 1)
    out, by_input, by_weight = answers(module, x, upstream)
    np.testing.assert_allclose(out, x + reference.activate(body.activation, sums), atol=1e-10)
    below = gradients.relu(sums, upstream) if relu else upstream
    dx, dk, _ = gradients.convolution(x, kernel, body, below)
    np.testing.assert_allclose(by_input, upstream + dx, atol=1e-10)
    np.testing.assert_allclose(by_weight[inside + "weight"], np.transpose(dk, (3, 2, 0, 1)), atol=1e-10)


@examples
@given(sizes, st.sampled_from([1, 2, 3]), st.sampled_from(["conv", "max", "average", "distance", "global"]))
def test_an_unknown_size_is_padded_by_what_comes(size: tuple[int, int], stride: int, kind: str) -> None:
    """Built for any size, "same" pads each input as a module built for that size does."""
    layer = {
        "conv": layers.Conv2D(2, 3, strides=stride, padding="same", name="a"),
        "max": layers.MaxPooling2D(3, strides=stride, padding="same", name="a"),
        "average": layers.AveragePooling2D(3, strides=stride, padding="same", name="a"),
        "distance": layers.DistanceWeightedPooling2D(3, strides=stride, padding="same", name="a"),
        "global": layers.GlobalAveragePooling2D(name="a"),
    }[kind]
    anyone = in_float64(Sequential([layer], input_shape=(None, None, 2)))
    fixed = in_float64(Sequential([layer], input_shape=(*size, 2)))
    x = to_torch(drawn((2, *size, 2)))
    np.testing.assert_allclose(to_numpy(anyone(x)), to_numpy(fixed(x)), atol=1e-12)
    np.testing.assert_allclose(to_numpy(fixed(x)), reference.forward(layer, to_numpy(x), weights_of(fixed)), atol=1e-10)
