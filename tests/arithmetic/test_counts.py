"""Counts against loops that visit every connection, one by one."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.arithmetic.counts import Counts, count, total
from foveal.arithmetic.shapes import output_shape
from foveal.arithmetic.summary import summarize
from foveal.network import Image, Sequence, Vector, Volume, layers
from foveal.network.layers import LAYERS
from foveal.network.shape import Shape


def _visited(layer: Any, input: Shape, output: Shape) -> tuple[int, int]:
    """(weights, MACs) of a convolution: walk over all places, filters, channels and taps; collect the weights met."""
    table = getattr(layer, "connections", None)
    groups = getattr(layer, "groups", 1)
    filters, channels = output.channels, input.channels
    if isinstance(layer, layers.DepthwiseConv2D):
        groups = channels
    met, macs = set(), 0
    for place in itertools.product(*(range(n or 0) for n in output.spatial)):
        for f in range(filters):
            for c in range(channels):
                joined = c in table[f] if table else c // (channels // groups) == f // (filters // groups)
                for tap in itertools.product(*(range(k) for k in layer.kernel_size)):
                    if joined:
                        met.add((f, c, tap))
                        macs += 1
        del place
    return len(met), macs


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[Any, Shape]:
    rank = draw(st.sampled_from((1, 2, 2, 3)))
    groups = draw(st.sampled_from((1, 1, 2, 3)))
    channels = groups * draw(st.integers(1, 2))
    filters = groups * draw(st.integers(1, 2))
    sizes = [draw(st.integers(5, 7)) for _ in range(rank)]
    kernel = tuple(draw(st.integers(1, 3)) for _ in range(rank))
    arguments: dict[str, Any] = {
        "padding": draw(st.sampled_from(("valid", "same", 1))),
        "use_bias": draw(st.booleans()),
    }
    if draw(st.booleans()):
        arguments["strides"] = draw(st.integers(1, 3))
    else:
        arguments["dilation_rate"] = draw(st.integers(1, 2))
    shape = {1: Sequence, 2: Image, 3: Volume}[rank](*sizes, channels)
    if rank == 2 and groups == 1 and draw(st.booleans()):
        if draw(st.booleans()):
            return layers.DepthwiseConv2D(kernel, depth_multiplier=draw(st.integers(1, 2)), **arguments), shape
        rows = [draw(st.sets(st.integers(0, channels - 1), min_size=1)) for _ in range(filters)]
        arguments["connections"] = tuple(tuple(row) for row in rows)
    kind = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[rank]
    return kind(filters, kernel, groups=groups, **arguments), shape


@given(convolutions())
def test_convolutions_against_a_walk_over_every_connection(case: tuple[Any, Shape]) -> None:
    layer, shape = case
    output = output_shape(layer, shape)
    found = count(layer, shape, output)
    weights, macs = _visited(layer, shape, output)
    biases = output.channels if layer.use_bias else 0
    assert (found.weights, found.biases, found.macs) == (weights, biases, macs)
    assert found.connections == macs + (output.size if layer.use_bias else 0)
    assert found.activations == output.size


@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3), st.integers(1, 3), st.booleans())
def test_transposed_convolution_stamps(h: int, w: int, k: int, s: int, groups: int, bias: bool) -> None:
    layer = layers.Conv2DTranspose(2 * groups, k, strides=s, groups=groups, use_bias=bias)
    shape = Image(h, w, groups)
    output = output_shape(layer, shape)
    found = count(layer, shape, output)
    stamps = sum(1 for _ in itertools.product(range(h), range(w), range(groups), range(2), range(k), range(k)))
    assert found.macs == stamps
    assert found.connections == stamps + (output.size or 0) * bias
    assert found.weights == groups * 2 * k * k


def test_separable_is_its_two_steps() -> None:
    shape = Image(8, 8, 3)
    whole = count(layers.SeparableConv2D(5, 3, depth_multiplier=2), shape, Image(6, 6, 5))
    depth = count(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False), shape, Image(6, 6, 6))
    point = count(layers.Conv2D(5, 1), Image(6, 6, 6), Image(6, 6, 5))
    assert whole.parameters == depth.parameters + point.parameters
    assert whole.macs == (depth.macs or 0) + (point.macs or 0)
    assert whole.connections == (depth.connections or 0) + (point.connections or 0)


def test_lenet_5_as_the_paper_counts_it() -> None:
    """LeCun et al. 1998, section II.B: trainable parameters and connections of each layer."""
    table = [[(i + j) % 6 for j in range(3)] for i in range(6)]
    table += [[(i + j) % 6 for j in range(4)] for i in range(6)]
    table += [[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5], [0, 1, 2, 3, 4, 5]]
    steps: list[tuple[Any, int, int | None]] = [
        (layers.Conv2D(6, 5), 156, 122_304),
        (layers.Subsampling2D(2), 12, 5_880),
        (layers.Conv2D(16, 5, connections=table), 1_516, 151_600),
        (layers.Subsampling2D(2), 32, 2_000),
        (layers.Conv2D(120, 5), 48_120, 48_120),
        (layers.Flatten(), 0, 0),
        (layers.Dense(84), 10_164, 10_164),
    ]
    shape: Shape = Image(32, 32, 1)
    for layer, parameters, connections in steps:
        output = output_shape(layer, shape)
        found = count(layer, shape, output)
        assert (found.parameters, found.connections) == (parameters, connections), layer
        shape = output
    assert count(layers.RBF(10), shape, Vector(10)) == Counts(0, 0, 840, 10, 840, 840)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6), st.integers(1, 6))
def test_adaptive_pooling_windows(h: int, w: int, m: int, n: int) -> None:
    layer = layers.AdaptiveAveragePooling2D((m, n))
    seen = sum(
        len(range(i * h // m, -(-(i + 1) * h // m))) * len(range(j * w // n, -(-(j + 1) * w // n)))
        for i in range(m)
        for j in range(n)
    )
    assert count(layer, Image(h, w, 2), Image(m, n, 2)).connections == 2 * seen


@pytest.mark.parametrize("kind", [name for name in LAYERS if "Pooling" in name])
def test_pooling_learns_nothing(kind: str) -> None:
    rank = int(kind[-2])
    shape = {1: Sequence(6, 2), 2: Image(6, 6, 2), 3: Volume(6, 6, 6, 2)}[rank]
    layer = LAYERS[kind](output_size=2) if kind.startswith("Adaptive") else LAYERS[kind]()
    output = output_shape(layer, shape)
    found = count(layer, shape, output)
    assert (found.parameters, found.fixed, found.macs) == (0, 0, 0)
    assert found.connections is not None
    assert found.connections >= (output.size or 0)


def test_what_depends_on_an_unknown_size_is_unknown() -> None:
    numbers = summarize(layers_of(None))
    assert numbers.totals.parameters == (9 * 3 + 1) * 8 + 90
    assert numbers.totals.macs is None
    assert numbers.totals.activations is None
    assert numbers.rows[-1].counts.macs == 80
    assert summarize(layers_of(None), (10, 10, 3)).totals.macs == 8 * 8 * 27 * 8 + 80


def layers_of(size: int | None) -> Any:
    from foveal.network import Sequential

    parts = [layers.Conv2D(8, 3), layers.GlobalAveragePooling2D(), layers.Dense(10)]
    return Sequential(parts, input_shape=(size, size, 3))


def test_sums() -> None:
    assert total([Counts(1, 2, 3, 4, 5, 6), Counts(10, 20, 30, None, 50, 60)]) == Counts(11, 22, 33, None, 55, 66)


def test_normalisations() -> None:
    shape = Image(4, 4, 7)
    found = count(layers.BatchNormalization(scale=False), shape, shape)
    assert (found.parameters, found.fixed) == (7, 14)
    assert count(layers.LayerNormalization(), shape, shape).parameters == 14
    assert count(layers.Normalization(0.3, 0.1), shape, shape) == Counts(activations=112)
