"""Receptive fields against a dependency that is followed pixel by pixel, and against published ones."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.arithmetic.geometry import transposed_padding
from foveal.arithmetic.receptive_field import box, receptive_fields
from foveal.arithmetic.shapes import trace
from foveal.arithmetic.summary import summarize
from foveal.errors import ShapeError, UnknownName
from foveal.network import Image, Parallel, Residual, Sequential, Vector, layers
from foveal.network.node import Node
from foveal.network.tree import children

Seen = np.ndarray
"""Along one axis: seen[unit, pixel] is whether the unit depends on the pixel."""


def _slide(seen: Seen, kernel: int, stride: int, before: int, after: int, dilation: int) -> Seen:
    """Lay zeros around, and let every window gather what its taps have seen."""
    pixels = seen.shape[1]
    padded = np.concatenate([np.zeros((before, pixels), bool), seen, np.zeros((after, pixels), bool)])
    rows = []
    start = 0
    while start + dilation * (kernel - 1) < len(padded):
        rows.append(np.logical_or.reduce([padded[start + dilation * m] for m in range(kernel)]))
        start += stride
    return np.array(rows, bool).reshape(len(rows), pixels)


def _dependency(node: Node, seen: Seen, axis: int) -> Seen:
    """What the units of ``node`` depend on along an axis; written from the layers' meaning, not from formulas."""
    if isinstance(node, Sequential):
        for _, child in children(node):
            seen = _dependency(child, seen, axis)
        return seen
    if isinstance(node, Parallel | Residual):
        ends = [_dependency(child, seen, axis) for _, child in children(node)]
        if isinstance(node, Residual) and not node.shortcut.layers:
            ends.append(seen)
        return np.logical_or.reduce(ends)
    if isinstance(node, layers.Flatten | layers.Dense | layers.GlobalAveragePooling2D):
        return seen.any(axis=0, keepdims=True)
    return _along(node, seen, axis)


def _along(node: Node, seen: Seen, axis: int) -> Seen:
    """One layer that keeps an order along the axis."""
    if isinstance(node, layers.Conv2D | layers.MaxPooling2D):
        k = (node.kernel_size if isinstance(node, layers.Conv2D) else node.pool_size)[axis]
        s = (node.strides if isinstance(node, layers.Conv2D) else node.steps)[axis]
        d = node.dilation_rate[axis] if isinstance(node, layers.Conv2D) else 1
        before, after = _zeros(node.padding, axis, len(seen), k, s, d)
        return _slide(seen, k, s, before, after, d)
    if isinstance(node, layers.Conv2DTranspose):
        cut, cut_after, extra = transposed_padding(node)[axis]
        k, s, d = node.kernel_size[axis], node.strides[axis], node.dilation_rate[axis]
        whole = np.zeros(((len(seen) - 1) * s + d * (k - 1) + 1 + extra, seen.shape[1]), bool)
        for place, row in enumerate(seen):
            for m in range(k):
                whole[place * s + d * m] |= row
        return whole[cut : len(whole) - cut_after]
    if isinstance(node, layers.UpSampling2D):
        return np.repeat(seen, node.size[axis], axis=0)
    if isinstance(node, layers.ZeroPadding2D):
        return np.pad(seen, (node.padding[axis], (0, 0)))
    if isinstance(node, layers.AdaptiveAveragePooling2D):
        n, m = len(seen), node.output_size[axis]
        return np.array([seen[i * n // m : -(-(i + 1) * n // m)].any(axis=0) for i in range(m)])
    return seen


def _zeros(padding: Any, axis: int, n: int, k: int, s: int, d: int) -> tuple[int, int]:
    if padding == "same":
        for zeros in range(k * d + s + 1):  # the fewest that give ⌈n / s⌉ places
            room = n + zeros - d * (k - 1) - 1
            if room >= 0 and room // s + 1 >= -(-n // s):
                return zeros // 2, zeros - zeros // 2
    return (0, 0) if isinstance(padding, str) else tuple(padding[axis])


@st.composite
def plain_layers(draw: st.DrawFn) -> Node:
    kind = draw(st.sampled_from(("conv", "conv", "conv", "pool", "transposed", "up", "pad", "elementwise", "adaptive")))
    pads = draw(st.sampled_from(("valid", "same", 1, ((0, 2), (1, 0)))))
    if kind == "conv":
        spread = draw(st.booleans())
        return layers.Conv2D(
            1,
            (draw(st.integers(1, 4)), draw(st.integers(1, 3))),
            strides=1 if spread else draw(st.integers(1, 3)),
            dilation_rate=draw(st.integers(1, 3)) if spread else 1,
            padding=pads,
        )
    if kind == "pool":
        return layers.MaxPooling2D(draw(st.integers(1, 3)), strides=draw(st.integers(1, 3)), padding=pads)
    if kind == "transposed":
        s = draw(st.integers(1, 3))
        padding = draw(st.sampled_from(("valid", "same")))
        extra = 0 if padding == "same" else draw(st.integers(0, s - 1))
        return layers.Conv2DTranspose(1, draw(st.integers(1, 4)), strides=s, padding=padding, output_padding=extra)
    if kind == "up":
        return layers.UpSampling2D(draw(st.integers(1, 3)))
    if kind == "pad":
        return layers.ZeroPadding2D(((draw(st.integers(0, 2)), 1), (0, draw(st.integers(0, 2)))))
    if kind == "adaptive":
        return layers.AdaptiveAveragePooling2D((draw(st.integers(1, 5)), draw(st.integers(1, 5))))
    return draw(st.sampled_from((layers.BatchNormalization(), layers.Activation("relu"), layers.Dropout(0.5))))


@st.composite
def networks(draw: st.DrawFn) -> Sequential:
    parts: list[Node] = draw(st.lists(plain_layers(), min_size=1, max_size=5))
    if draw(st.booleans()):
        same = st.builds(
            lambda k, d: layers.Conv2D(1, k, dilation_rate=d, padding="same"), st.integers(1, 4), st.integers(1, 2)
        )
        body = draw(st.lists(same, min_size=1, max_size=2))
        block: Node = Residual(body) if draw(st.booleans()) else Parallel([[], body, [draw(same)]], merge="add")
        parts.insert(draw(st.integers(0, len(parts))), block)
    if draw(st.booleans()):
        parts += [layers.Flatten(), layers.Dense(2)]
    return Sequential(parts)


@given(networks(), st.integers(5, 14), st.integers(5, 14))
def test_boxes_are_what_a_unit_depends_on(network: Sequential, h: int, w: int) -> None:
    try:
        traced = trace(network, (h, w, 1))
    except ShapeError:
        return
    if (traced[0].output is None) or (traced[0].output.size or 0) > 800:
        return
    last = [t.path for t in traced if "/" not in t.path][-1]
    along = [_dependency(network, np.eye(n, dtype=bool), axis) for axis, n in enumerate((h, w))]
    for unit in range(max(map(len, along))):
        place = tuple(min(unit, len(seen) - 1) for seen in along)
        pixels = [np.flatnonzero(seen[at]) for seen, at in zip(along, place, strict=True)]
        whole = all(map(len, pixels))
        expected = [(int(found[0]), int(found[-1])) if whole else None for found in pixels]
        assert list(box(traced, last, place).clipped) == expected, place


@given(networks().filter(lambda network: not isinstance(network.layers[-1], layers.Dense)))
def test_size_and_stride_are_those_of_inner_units(network: Sequential) -> None:
    """On a picture large enough that some unit sees nothing of the border, along the first axis."""
    n = 150
    if any(isinstance(layer, layers.AdaptiveAveragePooling2D) for layer in network.layers):
        return
    try:
        traced = trace(network, (n, n, 1))
    except ShapeError:
        return
    last = [t.path for t in traced if "/" not in t.path][-1]
    field = receptive_fields(traced)[last][0]
    seen = _dependency(network, np.eye(n, dtype=bool), 0)
    spans = [(int(p[0]), int(p[-1])) if len(p := np.flatnonzero(row)) else None for row in seen]
    inner = [span for span in spans if span is not None and span[0] > 0 and span[1] < n - 1]
    if len(inner) < 12:
        return
    assert field.size == max(high - low + 1 for low, high in inner)
    assert field.step is not None
    period = len(field.step.spans)
    middle = len(spans) // 2
    for unit in range(middle - 3, middle + 3):
        here, there = spans[unit], spans[unit + period]
        if here is not None and there is not None and here[0] > 0 and there[1] < n - 1:
            assert there[0] - here[0] == field.stride * period
            assert field.step.at(unit) == here  # padding, too: the pattern has the right place


def test_vgg16_and_resnets_as_published() -> None:
    """Araujo, Norris, Sim 2019, table 1."""
    numbers = summarize(_vgg16(), (224, 224, 3))
    last = numbers.rows[-1]
    assert (last.receptive_field, last.stride, last.padding) == ((212, 212), (32, 32), (90, 90))


def _vgg16() -> Sequential:
    parts: list[Node] = []
    for many, filters in ((2, 64), (2, 128), (3, 256), (3, 512), (3, 512)):
        parts += [layers.Conv2D(filters, 3, padding="same") for _ in range(many)]
        parts.append(layers.MaxPooling2D(2))
    return Sequential(parts)


def test_the_odd_zero_of_same_is_after_so_padding_is_the_smaller_side() -> None:
    numbers = summarize(Sequential([layers.Conv2D(96, 11, strides=4, padding="same")]), (224, 227, 3))
    (row,) = numbers.rows
    assert row.padding == (3, 4)  # 224 wants 7 zeros, 227 wants 8


def test_after_a_dense_layer_all_units_see_what_is_not_dropped() -> None:
    """26 of the lecture's 28 pixels: the first pooling drops nothing, the second the last row and column of 11."""
    parts = [
        layers.Conv2D(1, 3),
        layers.MaxPooling2D(2),
        layers.Conv2D(1, 3),
        layers.MaxPooling2D(2),
        layers.Conv2D(1, 3),
    ]
    numbers = summarize(Sequential([*parts, layers.Flatten(), layers.Dense(10)]), (28, 28, 1))
    for row in numbers.rows[-2:]:
        assert (row.receptive_field, row.stride, row.padding) == ((26, 26), (0, 0), (0, 0))
    wide = summarize(Sequential([_vgg16(), layers.Flatten()]), (224, 224, 3)).rows[-1]
    assert wide.receptive_field == (224, 224)


def test_a_transposed_convolution_halves_the_stride_and_units_take_turns() -> None:
    traced = trace(Sequential([layers.Conv2DTranspose(1, 3, strides=2, name="up")]), (5, 5, 1))
    field = receptive_fields(traced)["up"][0]
    assert (field.stride, field.size) == (Fraction(1, 2), 2)
    assert [box(traced, "up", (u, 0)).unclipped[0] for u in range(4)] == [(-1, 0), (0, 0), (0, 1), (1, 1)]
    holes = trace(Sequential([layers.Conv2DTranspose(1, 1, strides=2, name="up")]), (5, 5, 1))
    assert box(holes, "up", (1, 0)).clipped[0] is None


def test_an_unknown_size_leaves_only_the_whole_picture_unknown() -> None:
    numbers = summarize(Sequential([layers.Conv2D(8, 3, strides=2), layers.GlobalAveragePooling2D()]), (None, None, 3))
    assert [row.receptive_field for row in numbers.rows] == [(3, 3), (None, None)]


def test_vectors_have_no_receptive_field() -> None:
    numbers = summarize(Sequential([layers.Dense(9), layers.Reshape((3, 3, 1)), layers.Conv2D(1, 3)]), 4)
    assert [row.receptive_field for row in numbers.rows] == [(), (), ()]
    traced = trace(Sequential([layers.Flatten(), layers.Reshape((4, 4, 1)), layers.Conv2D(1, 3)]), Image(4, 4, 1))
    assert traced[0].output == Image(2, 2, 1)
    assert receptive_fields(traced)["conv2d_1"][0].size == 4
    assert Vector(3).spatial == ()


def test_unknown_paths_are_refused_in_words() -> None:
    traced = trace(Sequential([layers.Conv2D(8, 3)]), (9, 9, 1))
    with pytest.raises(UnknownName) as caught:
        box(traced, "conv", (0, 0))
    assert "conv: the network has no such node" in str(caught.value)


def test_densely_connected_blocks_cost_no_explosion() -> None:
    """Sixty nested branches: the walk is linear, or this would not end."""
    block = [Parallel([[], [layers.Conv2D(1, 3, padding="same")]]) for _ in range(60)]
    numbers = summarize(Sequential(block), (9, 9, 1))
    assert numbers.rows[-2].receptive_field == (121, 121)


@pytest.mark.parametrize("padding", ["valid", "same", ((1, 0), (0, 1))])
@pytest.mark.parametrize("s", [1, 2, 3])
@pytest.mark.parametrize("k", [2, 3, 4, 5])
def test_every_transposed_convolution(k: int, s: int, padding: Any) -> None:
    for d in (1, 2) if s == 1 else (1,):
        layer = layers.Conv2DTranspose(1, k, strides=s, padding=padding, dilation_rate=d, name="up")
        network = Sequential([layers.Conv2D(1, 2), layer, layers.Conv2D(1, 3, padding=1)])
        traced = trace(network, (7, 7, 1))
        for axis in (0, 1):
            seen = _dependency(network, np.eye(7, dtype=bool), axis)
            for unit in range(len(seen)):
                pixels = np.flatnonzero(seen[unit])
                found = box(traced, "conv2d_2", (unit, unit)).clipped[axis]
                other = np.flatnonzero(_dependency(network, np.eye(7, dtype=bool), 1 - axis)[unit])
                whole = len(pixels) and len(other)
                assert found == ((int(pixels[0]), int(pixels[-1])) if whole else None)
