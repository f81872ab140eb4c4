"""Output shapes: one rule a layer kind, and the walk that applies them to a network.

A rule takes the layer and the shape that comes in, and returns the shape that goes out, or raises a
:class:`~foveal.errors.ShapeError` that shows the arithmetic and offers repairs; the walk adds the path. The formulas are in
:mod:`foveal.arithmetic.window`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from foveal.arithmetic.geometry import transposed_padding, windows
from foveal.arithmetic.shape_errors import layers as mistakes
from foveal.arithmetic.shape_errors import recurrent as recurrent_mistakes
from foveal.arithmetic.shape_errors import sequence as sequence_mistakes
from foveal.arithmetic.window import transposed_size
from foveal.errors import DescriptionError, ShapeError
from foveal.network import layers as kinds
from foveal.network.interpreter import Interpreter
from foveal.network.node import Node
from foveal.network.shape import Image, Sequence, Shape, Tokens, Vector, Volume, as_shape
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential, children

ShapeRule = Callable[..., Shape]
rules: Interpreter[ShapeRule] = Interpreter("output shape")

LONGEST = 2**20  # pixels or samples on an axis: a description from elsewhere must not cost hours of arithmetic
_RANKS: dict[int, type[Shape]] = {1: Sequence, 2: Image, 3: Volume}


@dataclass(frozen=True)
class Traced:
    """A node, and what flows in and out of it.

    Attributes:
        path: the node's path; "" for the root.
        node: the layer or composition.
        input, output: shapes; the output is None where the network breaks before it.
        depth: how many compositions stand above it.
        auxiliary: whether it is part of a side head.
    """

    path: str
    node: Node
    input: Shape
    output: Shape | None
    depth: int
    auxiliary: bool


def output_shape(layer: Node, shape: Shape, path: str = "") -> Shape:
    """The shape that ``layer`` makes of ``shape``.

    Raises:
        ShapeError: they do not fit; the message has the path, the numbers, and repairs.
        RuleMissing: the kind has no rule.

    Example:
        >>> from foveal.network.layers import Conv2D
        >>> print(output_shape(Conv2D(32, 3), Image(28, 28, 1)))
        26 × 26 × 32
    """
    rule = rules.for_node(layer, path)
    try:
        if isinstance(shape, Tokens) and not layer.takes_tokens:
            raise sequence_mistakes.tokens_are_no_values(layer, shape)
        return rule(layer, shape)
    except ShapeError as error:
        if error.where is None:
            error.where = path or layer.name or layer.kind
        raise
    except DescriptionError as error:
        raise mistakes.no_shape(error, path or layer.name or layer.kind) from None


def trace(network: Node, input: Shape | Iterable[int | None] | int | str | None = None) -> tuple[Traced, ...]:
    """Every node with the shapes that flow in and out, parents before children.

    Args:
        network: the tree.
        input: the shape of one sample; None takes the network's own.

    Raises:
        ShapeError: the layers do not fit. Its ``traced`` holds what was computed up to the failure.
        DescriptionError: no input shape is known, or one that no picture has.

    Example:
        >>> from foveal.network.layers import Conv2D, Flatten
        >>> for step in trace(Sequential([Conv2D(8, 3), Flatten()]), (28, 28, 1)):
        ...     print(step.path or "network", step.output)
        network 5408
        conv2d_1 26 × 26 × 8
        flatten_1 5408
    """
    shape = as_shape(input) if input is not None else network.input_shape
    if shape is None:
        raise DescriptionError(
            "the network has no input shape",
            where=network.name or "network",
            expected="the shape of one sample: height × width × channels, or the number of values",
            fix=["input_shape=(28, 28, 1) on the first layer", "`--input 28x28x1` on the command line"],
        )
    if any(n is not None and n > LONGEST for n in shape.spatial):
        raise DescriptionError(
            "the input is larger than any picture",
            where=network.name or "network",
            given=f"input {shape}",
            expected=f"at most {LONGEST:,} on each axis",
            fix="the size of a real picture or recording; None for an axis that varies",
        )
    found: list[Traced] = []
    try:
        _trace(network, shape, "", 0, False, found)
    except ShapeError as error:
        error.traced = tuple(found)
        raise
    return tuple(found)


def _trace(node: Node, shape: Shape, path: str, depth: int, auxiliary: bool, found: list[Traced]) -> Shape:
    place = len(found)
    found.append(Traced(path, node, shape, None, depth, auxiliary))
    parts = [(f"{path}/{name}" if path else name, child) for name, child in children(node)]
    if isinstance(node, Sequential):
        output = shape
        for child_path, child in parts:
            output = _trace(child, output, child_path, depth + 1, auxiliary, found)
    elif isinstance(node, Parallel):
        ends = [(p, _trace(child, shape, p, depth + 1, auxiliary, found)) for p, child in parts]
        try:
            output = MERGES[node.merge](ends, path or node.kind)
        except DescriptionError as error:
            raise mistakes.no_shape(error, path or node.kind) from None
    elif isinstance(node, Residual):
        body = (parts[0][0], _trace(parts[0][1], shape, parts[0][0], depth + 1, auxiliary, found))
        if len(parts) > 1:
            short = (parts[1][0], _trace(parts[1][1], shape, parts[1][0], depth + 1, auxiliary, found))
        else:
            short = ("the shortcut", shape)
        output = _added([body, short], path or node.kind, residual=True)
    elif isinstance(node, Auxiliary):
        for child_path, child in parts:
            _trace(child, shape, child_path, depth + 1, True, found)
        output = shape
    else:
        output = output_shape(node, shape, path)
    found[place] = Traced(path, node, shape, output, depth, auxiliary)
    return output


def _added(ends: list[tuple[str, Shape]], path: str, residual: bool = False) -> Shape:
    first = ends[0][1]
    if any(end != first for _, end in ends):
        raise mistakes.cannot_add(ends, path, residual)
    return first


def _concatenated(ends: list[tuple[str, Shape]], path: str) -> Shape:
    first = ends[0][1]
    if any(type(end) is not type(first) or end.spatial != first.spatial for _, end in ends):
        raise mistakes.cannot_concatenate(ends, path)
    return first.resized(first.spatial, sum(end.channels for _, end in ends))


def _attended(ends: list[tuple[str, Shape]], path: str) -> Shape:
    """[query, context] at each place of the queries."""
    (_, queries), (_, memory) = ends
    if not isinstance(queries, Sequence) or not isinstance(memory, Sequence) or queries.c != memory.c:
        raise sequence_mistakes.cannot_attend(ends, path)
    return Sequence(queries.length, 2 * queries.c)


MERGES: dict[str, Callable[[list[tuple[str, Shape]], str], Shape]] = {
    "concat": _concatenated,
    "add": lambda ends, path: _added(ends, path),
    "attention": _attended,
}


# One rule a layer kind ------------------------------------------------------------------------------------------------


def _needs(layer: Node, shape: Shape) -> Shape:
    """The input, if it is of the layer's rank."""
    if layer.rank and not isinstance(shape, _RANKS[layer.rank]):
        raise mistakes.wrong_rank(layer, shape, _RANKS[layer.rank])
    return shape


def _slide(layer: Node, shape: Shape, channels: int) -> Shape:
    """The places of the layer's window on each axis."""
    spatial: list[int | None] = []
    for axis, (n, one) in enumerate(zip(shape.spatial, windows(layer, shape) or (), strict=True)):
        if n is None:
            spatial.append(None)
            continue
        places = one.places(n)
        if places < 1:
            raise mistakes.window_too_large(layer, shape, axis, one)
        spatial.append(places)
    return shape.resized(spatial, channels)


@rules.rule(kinds.Conv1D, kinds.Conv2D, kinds.Conv3D, kinds.SeparableConv2D)
def _convolution(layer: kinds.Conv2D, shape: Shape) -> Shape:
    _needs(layer, shape)
    groups = getattr(layer, "groups", 1)
    if shape.channels % groups:
        raise mistakes.groups_do_not_divide(layer, shape, groups)
    table = getattr(layer, "connections", None)
    if table is not None and max(max(row) for row in table) >= shape.channels:
        raise mistakes.table_beyond_channels(layer, shape, table)
    return _slide(layer, shape, layer.filters)


@rules.rule(kinds.DepthwiseConv2D)
def _depthwise(layer: kinds.DepthwiseConv2D, shape: Shape) -> Shape:
    return _slide(layer, _needs(layer, shape), shape.channels * layer.depth_multiplier)


@rules.rule(kinds.Conv2DTranspose)
def _transposed(layer: kinds.Conv2DTranspose, shape: Shape) -> Shape:
    _needs(layer, shape)
    if shape.channels % layer.groups:
        raise mistakes.groups_do_not_divide(layer, shape, layer.groups)
    spatial: list[int | None] = []
    for axis, (before, after, extra) in enumerate(transposed_padding(layer)):
        n = shape.spatial[axis]
        k, s, d = layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]
        size = None if n is None else transposed_size(n, k, s, before, after, d, extra)
        if size is not None and size < 1:
            raise mistakes.transposed_too_small(layer, shape, axis, (before, after, extra), size)
        spatial.append(size)
    return shape.resized(spatial, layer.filters)


@rules.rule(*kinds.pooling.WINDOWED, kinds.Subsampling2D)
def _pooling(layer: Node, shape: Shape) -> Shape:
    return _slide(layer, _needs(layer, shape), shape.channels)


@rules.rule(*kinds.pooling.GLOBAL)
def _global_pooling(layer: Node, shape: Shape) -> Shape:
    return Vector(_needs(layer, shape).channels)


@rules.rule(*kinds.pooling.ADAPTIVE)
def _adaptive_pooling(layer: kinds.AdaptiveAveragePooling2D, shape: Shape) -> Shape:
    return _needs(layer, shape).resized(layer.output_size)


@rules.rule(kinds.Dense, kinds.RBF)
def _dense(layer: kinds.Dense, shape: Shape) -> Shape:
    if not isinstance(shape, Vector):
        raise mistakes.needs_vector(layer, shape)
    if (
        isinstance(layer, kinds.RBF)
        and layer.kernel_initializer == "digit_bitmaps"
        and (layer.units, shape.n) != (10, 84)
    ):
        raise mistakes.bitmaps_need_84(layer, shape)
    return Vector(layer.units)


@rules.rule(kinds.Flatten)
def _flatten(layer: kinds.Flatten, shape: Shape) -> Shape:
    if shape.size is None:
        raise mistakes.unknown_size(layer, shape)
    return Vector(shape.size)


@rules.rule(kinds.Reshape)
def _reshape(layer: kinds.Reshape, shape: Shape) -> Shape:
    if shape.size is None:
        raise mistakes.unknown_size(layer, shape)
    rest = math.prod(n for n in layer.target_shape if n != -1)
    target = tuple(shape.size // rest if n == -1 else n for n in layer.target_shape)
    if math.prod(target) != shape.size:
        raise mistakes.cannot_reshape(layer, shape, rest)
    return as_shape(target)


@rules.rule(kinds.ZeroPadding2D)
def _zero_padding(layer: kinds.ZeroPadding2D, shape: Shape) -> Shape:
    _needs(layer, shape)
    sides = zip(shape.spatial, layer.padding, strict=True)
    return shape.resized([None if n is None else n + before + after for n, (before, after) in sides])


@rules.rule(kinds.UpSampling2D)
def _upsampling(layer: kinds.UpSampling2D, shape: Shape) -> Shape:
    _needs(layer, shape)
    return shape.resized([None if n is None else n * f for n, f in zip(shape.spatial, layer.size, strict=True)])


@rules.rule(kinds.SpatialDropout2D, kinds.LocalResponseNormalization)
def _maps(layer: Node, shape: Shape) -> Shape:
    if isinstance(layer, kinds.LocalResponseNormalization):
        return shape
    return _needs(layer, shape)


@rules.rule(kinds.Normalization)
def _constants(layer: kinds.Normalization, shape: Shape) -> Shape:
    if max(len(layer.mean), len(layer.variance)) not in (1, shape.channels):
        raise mistakes.constants_do_not_fit(layer, shape)
    return shape


@rules.rule(kinds.Embedding)
def _embedding(layer: kinds.Embedding, shape: Shape) -> Shape:
    if not isinstance(shape, Tokens):
        raise sequence_mistakes.needs_tokens(layer, shape)
    return Sequence(shape.length, layer.output_dim)


@rules.rule(kinds.Cropping1D)
def _cropping(layer: kinds.Cropping1D, shape: Shape) -> Shape:
    if not isinstance(shape, Tokens):
        _needs(layer, shape)
    (n,) = shape.spatial
    if n is not None and n <= sum(layer.cropping):
        raise sequence_mistakes.nothing_left(layer, shape)
    return shape.resized([None if n is None else n - sum(layer.cropping)])


@rules.rule(kinds.Permute)
def _permute(layer: kinds.Permute, shape: Shape) -> Shape:
    if len(layer.dims) != len(shape.axes) or shape.axes[layer.dims[-1] - 1] is None:
        raise sequence_mistakes.cannot_permute(layer, shape)
    return as_shape(tuple(shape.axes[axis - 1] for axis in layer.dims))


@rules.rule(kinds.SimpleRNN, kinds.LSTM, kinds.GRU)
def _recurrent(layer: kinds.LSTM, shape: Shape) -> Shape:
    if not isinstance(shape, Sequence):
        raise recurrent_mistakes.needs_steps(layer, shape)
    return Sequence(shape.length, layer.units) if layer.return_sequences else Vector(layer.units)


@rules.rule(kinds.Bidirectional)
def _bidirectional(layer: kinds.Bidirectional, shape: Shape) -> Shape:
    one = _recurrent(layer.layer, shape)
    return one.resized(one.spatial, (2 if layer.merge_mode == "concat" else 1) * one.channels)


@rules.rule(kinds.TimeDistributed)
def _each_step(layer: kinds.TimeDistributed, shape: Shape) -> Shape:
    if len(shape.axes) < 2:
        raise recurrent_mistakes.needs_frames(layer, shape)
    made = rules.for_node(layer.layer)(layer.layer, frame(shape))
    if isinstance(made, Volume):
        raise recurrent_mistakes.too_many_axes(layer, shape.axes[0], made)
    return as_shape((shape.axes[0], *made.axes))


def frame(shape: Shape) -> Shape:
    """One step of a sequence, a picture or a film: the shape without its first axis.

    Example:
        >>> frame(Volume(16, 28, 28, 1))
        Image(h=28, w=28, c=1)
    """
    return as_shape(shape.axes[1:])


@rules.rule(kinds.Sampling)
def _sampling(layer: kinds.Sampling, shape: Shape) -> Shape:
    if not isinstance(shape, Vector) or shape.n != 2 * layer.units:
        raise sequence_mistakes.needs_means_and_variances(layer, shape)
    return Vector(layer.units)


@rules.rule(kinds.RBM)
def _rbm(layer: kinds.RBM, shape: Shape) -> Shape:
    if not isinstance(shape, Vector):
        raise mistakes.needs_vector(layer, shape)
    return Vector(layer.units)


@rules.rule(
    kinds.Activation, kinds.Dropout, kinds.BatchNormalization, kinds.LayerNormalization, kinds.Rescaling,
    kinds.UnitNormalization, kinds.GaussianNoise,
)  # fmt: skip
def _unchanged(layer: Node, shape: Shape) -> Shape:
    return shape
