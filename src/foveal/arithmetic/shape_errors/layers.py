"""What to say when layers do not fit: the arithmetic with its numbers, and repairs that would work."""

from __future__ import annotations

import math

from foveal.arithmetic.geometry import Window
from foveal.arithmetic.window import ceil_div
from foveal.errors import DescriptionError, ShapeError
from foveal.network import layers as kinds
from foveal.network.layers import of_rank
from foveal.network.node import Node
from foveal.network.shape import Image, Sequence, Shape, Vector, Volume

_AXES = {1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}
_ASKED = {
    Sequence: "a sequence (length × channels)",
    Image: "a picture (height × width × channels)",
    Volume: "a solid (depth × height × width × channels)",
    Vector: "a vector (n values)",
}


def _plural(n: int, word: str) -> str:
    return f"{n} {word}" + ("" if n == 1 else "s")


def window_too_large(layer: Node, shape: Shape, axis: int, one: Window) -> ShapeError:
    """A window larger than its (padded) input."""
    n = shape.spatial[axis]
    assert n is not None
    name = _AXES[len(shape.spatial)][axis]
    argument = "kernel_size" if layer.family == "convolution" else "pool_size"
    padded = n + one.before + one.after
    spread = (
        f" (dilation {one.dilation}: {one.dilation} × ({one.kernel} − 1) + 1 = {one.extent})"
        if one.dilation > 1
        else ""
    )
    fitting = [min(k, m) for k, m in zip(getattr(layer, argument), _fitting(layer, shape), strict=True)]
    repairs = []
    if all(k >= 1 for k in fitting):
        repairs.append(f"{argument}={_axes_text(fitting)}: the largest window that fits")
    repairs.append(f'padding="same": the output is then ⌈{n} / {one.stride}⌉ = {ceil_div(n, one.stride)}')
    if one.dilation > 1:
        repairs.append("dilation_rate=1")
    repairs.append("one pooling or stride fewer before this layer, or a larger input picture")
    return ShapeError(
        "the window is larger than its input",
        given=f"input {shape}, {argument} {_axes_text(getattr(layer, argument))}, strides {one.stride}, "
        f"zeros {one.before} before and {one.after} after\n"
        f"{name}: ⌊({n} + {one.before} + {one.after} − {one.extent}) / {one.stride}⌋ + 1, and {padded} − {one.extent} = "
        f"−{one.extent - padded} is below 0{spread}",
        expected=f"a window that spans at most {padded} on the {name} axis",
        fix=repairs,
    )


def _fitting(layer: Node, shape: Shape) -> list[int]:
    """The largest kernel on each axis that the padded input holds, at the layer's dilation."""
    dilation = getattr(layer, "dilation_rate", (1,) * len(shape.spatial))
    pads = layer.padding if isinstance(layer.padding, tuple) else ((0, 0),) * len(shape.spatial)  # type: ignore[attr-defined]
    return [
        10**9 if n is None else (n + sum(pad) - 1) // d + 1
        for n, d, pad in zip(shape.spatial, dilation, pads, strict=True)
    ]


def _axes_text(values: list[int] | tuple[int, ...]) -> str:
    return str(tuple(values)) if len(values) > 1 else str(values[0])


def transposed_too_small(layer: Node, shape: Shape, axis: int, cut: tuple[int, int, int], size: int) -> ShapeError:
    """A transposed convolution whose padding cuts away everything."""
    n, k = shape.spatial[axis], layer.kernel_size[axis]  # type: ignore[attr-defined]
    s, d = layer.strides[axis], layer.dilation_rate[axis]  # type: ignore[attr-defined]
    before, after, extra = cut
    return ShapeError(
        "the padding cuts away the whole output",
        given=f"input {shape}, kernel_size {k}, strides {s}, cut {before} before and {after} after\n"
        f"({n} − 1) × {s} + {d} × ({k} − 1) + 1 − {before} − {after} + {extra} = {size}",
        expected="an output of at least 1",
        fix=['padding="same"', 'padding="valid"'],
    )


def groups_do_not_divide(layer: Node, shape: Shape, groups: int) -> ShapeError:
    """Channels that cannot be cut into groups."""
    c, filters = shape.channels, layer.filters  # type: ignore[attr-defined]
    both = [g for g in range(1, min(c, filters, 4096) + 1) if c % g == 0 and filters % g == 0]
    nearest = min(both, key=lambda g: (abs(g - groups), -g))
    return ShapeError(
        "groups do not divide the channels that come in",
        given=f"input {shape}: {_plural(c, 'channel')} / {groups} groups = {c / groups:.4g}",
        expected=f"a divisor of {math.gcd(c, filters)}, the greatest common divisor of {c} channels and {filters} filters: "
        + ", ".join(map(str, both)),
        fix=[f"groups={nearest}", f"{ceil_div(c, groups) * groups} filters in the layer before"],
    )


def table_beyond_channels(layer: Node, shape: Shape, table: tuple[tuple[int, ...], ...]) -> ShapeError:
    """A connection table that names a channel that does not come in."""
    row = next(i for i, entries in enumerate(table) if max(entries) >= shape.channels)
    return ShapeError(
        "the connection table names a channel that is not there",
        given=f"input {shape}; row {row} of the table is {table[row]}",
        expected=f"channels 0 to {shape.channels - 1}",
        fix=[f"{max(map(max, table)) + 1} filters in the layer before", "connections=None"],
    )


def wrong_rank(layer: Node, shape: Shape, asked: type[Shape]) -> ShapeError:
    """A layer for pictures on something that is none, and the like."""
    repairs = []
    if asked is Image and isinstance(shape, Vector):
        repairs = [f"Reshape({_square(shape.n)}) before it", "take out the Flatten before it"]
    elif asked is Image and isinstance(shape, Sequence):
        repairs = [f"Reshape(({shape.length or -1}, {shape.channels}, 1)) before it", *of_rank(layer, 1)]
    elif asked is Sequence and isinstance(shape, Vector):
        repairs = [f"Reshape(({shape.n}, 1)) before it"]
    elif asked is Sequence and isinstance(shape, Image):
        rows, values = shape.h, None if shape.w is None else shape.w * shape.c
        repairs = of_rank(layer, 2)
        if rows is not None and values is not None:
            repairs.append(f"Reshape(({rows}, {values})) before it: the rows as a sequence")
    elif asked is Volume and isinstance(shape, Image):
        repairs = of_rank(layer, 2)
        if shape.size is not None:
            repairs.append(f"Reshape((1, {shape.h}, {shape.w}, {shape.c})) before it: a film of one picture")
    elif asked is Image and isinstance(shape, Volume):
        repairs = of_rank(layer, 3)
    return ShapeError(
        f"{layer.kind} needs {_ASKED[asked]}",
        given=f"input {shape}, {_ASKED.get(type(shape), type(shape).__name__)}",
        expected=_ASKED[asked],
        fix=repairs or f"a layer before it that makes {_ASKED[asked]}",
    )


def _square(n: int) -> str:
    side = math.isqrt(n)
    if side * side == n:
        return f"({side}, {side}, 1)"
    if n % 3 == 0 and math.isqrt(n // 3) ** 2 == n // 3:
        return f"({math.isqrt(n // 3)}, {math.isqrt(n // 3)}, 3)"
    return f"(1, 1, {n})"


def needs_vector(layer: Node, shape: Shape) -> ShapeError:
    """Dense on feature maps."""
    repairs = []
    if shape.size is not None:
        numbers = " × ".join(str(n) for n in shape.axes)
        repairs.append(f"Flatten() before it: {numbers} = {shape.size} values, {shape.size} weights a unit")
    if isinstance(shape, Image | Sequence | Volume):
        rank = len(shape.spatial)
        repairs.append(
            f"GlobalAveragePooling{rank}D() before it: {_plural(shape.channels, 'value')}, one a feature map, whatever the size"
        )
    return ShapeError(
        f"{layer.kind} connects every input to every unit, so it needs a vector",
        given=f"input {shape}, {_ASKED.get(type(shape), type(shape).__name__)}",
        expected=_ASKED[Vector],
        fix=repairs,
    )


def bitmaps_need_84(layer: kinds.RBF, shape: Shape) -> ShapeError:
    """LeNet-5's fixed centres are drawings of a fixed size."""
    return ShapeError(
        "the digit bitmaps are 10 drawings of 7 × 12 = 84 values",
        given=f"input {shape}, units={layer.units}",
        expected="84 values and 10 units",
        fix=['kernel_initializer="random_signs"', "Dense(84) before it, and units=10"],
    )


def unknown_size(layer: Node, shape: Shape) -> ShapeError:
    """A layer that must know the size of its input."""
    rank = len(shape.spatial)
    return ShapeError(
        f"{layer.kind} must know the size of its input",
        given=f"input {shape}",
        expected="no unknown axis",
        fix=[
            f"GlobalAveragePooling{rank}D() in its place: it takes any size",
            f"AdaptiveAveragePooling{min(rank, 2)}D({_axes_text((4,) * min(rank, 2))}) before it",
        ],
    )


def cannot_reshape(layer: kinds.Reshape, shape: Shape, rest: int) -> ShapeError:
    """A target of another number of values."""
    product = " × ".join(str(n) for n in layer.target_shape)
    size = shape.size or 0
    if -1 in layer.target_shape:
        given = f"input {shape} = {size} values; {size} / {rest} = {size / rest:.4g}"
    else:
        given = f"input {shape} = {size} values; {product} = {rest}"
    side = list(layer.target_shape)
    side[-1] = -1
    others = math.prod(n for n in side if n != -1)
    repairs = [f"Reshape(({', '.join(map(str, side))}))"] if size % others == 0 else []
    return ShapeError(
        "the target shape holds another number of values",
        given=given,
        expected=f"sizes whose product is {size}",
        fix=[*repairs, f"Reshape(({size},))"],
    )


def constants_do_not_fit(layer: kinds.Normalization, shape: Shape) -> ShapeError:
    """As many means as channels, or one."""
    return ShapeError(
        "the constants are for another number of channels",
        given=f"input {shape}: {_plural(shape.channels, 'channel')}; {len(layer.mean)} means, {len(layer.variance)} variances",
        expected=f"1 or {shape.channels} of each",
        fix="one mean and variance for all channels",
    )


def cannot_add(ends: list[tuple[str, Shape]], path: str, residual: bool) -> ShapeError:
    """Branches of different shapes, summed."""
    (_, body), (_, short) = ends[0], ends[-1]
    repairs = []
    if residual and isinstance(body, Image) and isinstance(short, Image) and ends[-1][0] == "the shortcut":
        strides = _strides(short, body)
        if strides is not None:
            step = "" if strides == (1, 1) else f", strides={strides[0] if strides[0] == strides[1] else strides}"
            repairs.append(f"shortcut=[Conv2D({body.c}, 1{step})]: a projection (He et al. 2015, option B)")
    if body.spatial != short.spatial and body.channels == short.channels:
        repairs.append('padding="same" and strides=1 in every layer of the body keep height and width')
    if body.spatial == short.spatial:
        repairs.append(f"{short.channels} filters in the last layer of {ends[0][0]}")
    if not residual:
        repairs.append('merge="concat", if only channels differ' if body.spatial == short.spatial else 'padding="same"')
    return ShapeError(
        "shapes that differ cannot be added",
        where=path,
        given="\n".join(f"{name} gives {shape}" for name, shape in ends),
        expected="one and the same shape on every branch, since values are added place by place",
        fix=repairs or "layers that bring every branch to the same shape",
    )


def _strides(short: Image, body: Image) -> tuple[int, int] | None:
    """Strides of a 1 × 1 projection that bring the shortcut to the body's size, if there are any."""
    found = []
    for n, m in ((short.h, body.h), (short.w, body.w)):
        if n is None or m is None:
            return None
        step = next((s for s in range(1, min(n, 4096) + 1) if (n - 1) // s + 1 == m), None)
        if step is None:
            return None
        found.append(step)
    return found[0], found[1]


def cannot_concatenate(ends: list[tuple[str, Shape]], path: str) -> ShapeError:
    """Branches of different height and width, laid behind one another."""
    first, other = (
        ends[0],
        next(e for e in ends if e[1].spatial != ends[0][1].spatial or type(e[1]) is not type(ends[0][1])),
    )
    if type(first[1]) is not type(other[1]):
        reason = f"{first[0]} gives {_ASKED.get(type(first[1]))}, {other[0]} {_ASKED.get(type(other[1]))}"
        repairs = ["the same kind of layer at the end of every branch"]
    else:
        sizes = [" × ".join("?" if n is None else str(n) for n in end.spatial) for _, end in (first, other)]
        reason = f"{sizes[0]} is not {sizes[1]}"
        repairs = [
            'padding="same" and equal strides in all layers of the branches',
            "a Sequential of them, if one should follow the other",
        ]
    return ShapeError(
        "feature maps of different sizes cannot be concatenated",
        where=path,
        given="\n".join(f"{name} gives {shape}" for name, shape in ends) + f"\n{reason}",
        expected="equal height and width on every branch; channels may differ and add up",
        fix=repairs,
    )


def no_shape(error: DescriptionError, where: str) -> ShapeError:
    """What comes out has a side beyond all sizes (:data:`foveal.network.fields.LARGEST`)."""
    problem = f"what comes out is not a shape: {error.problem}"
    return ShapeError(problem, where=where, given=error.given, expected=error.expected, fix=error.fix)
