"""Receptive fields: which pixels of the input a unit sees. One rule a layer kind.

Araujo, Norris, Sim 2019, "Computing Receptive Fields of Convolutional Neural Networks", sections 2 and 3. Along one axis, unit
x of a feature map sees the pixels from x · stride − padding to x · stride − padding + size − 1, where for each layer with
kernel k, stride s, dilation d and p zeros before

    size    = size before + d (k − 1) · stride before
    padding = padding before + p · stride before
    stride  = s · stride before

Of branches the hull counts. With "same", p is the number of zeros before, at the given input size. Where a rule goes beyond
the paper:

- A **transposed convolution** and an **upsampling** spread their input: the stride becomes a fraction (1/2: two neighbours
  step one pixel), units see windows of different sizes, by turns, and ``size`` is the largest.
- After a **global pooling, Flatten, Dense** or **Reshape** a unit sees whatever any unit before it sees: size is what
  lies within the picture (pixels that flooring dropped are not seen), stride and padding are 0, since all units see the same.
- **Adaptive pooling** that divides its input is an ordinary one; else the stride is the mean one.

Channels do not matter here: groups and connection tables narrow what a unit sees in depth, not in the plane. Batch
normalisation is taken as it runs after training; in training it sees the whole batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from foveal.arithmetic.geometry import transposed_padding, windows
from foveal.arithmetic.shapes import Traced
from foveal.arithmetic.window import ceil_div
from foveal.errors import UnknownName
from foveal.network import layers as kinds
from foveal.network.interpreter import Interpreter
from foveal.network.node import Node
from foveal.network.shape import Shape
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential, children

Span = tuple[int, int]
"""First and last place, both included."""


@dataclass(frozen=True)
class Step:
    """What units along one axis see of the axis below; the pattern repeats after ``len(spans)`` units.

    Attributes:
        spans: what units 0, 1, … see; None for a unit that sees nothing.
        advance: how many places the spans move when the pattern repeats.
    """

    spans: tuple[Span | None, ...]
    advance: int

    def at(self, unit: int) -> Span | None:
        """What ``unit`` sees; units outside the map count on as if it went on."""
        turn, phase = divmod(unit, len(self.spans))
        span = self.spans[phase]
        return None if span is None else (span[0] + turn * self.advance, span[1] + turn * self.advance)

    def over(self, first: int, last: int) -> Span | None:
        """What the units from ``first`` to ``last`` see together: the hull."""
        low = high = None
        while first <= last and (low := self.at(first)) is None:
            first += 1
        while first <= last and (high := self.at(last)) is None:
            last -= 1
        return None if low is None or high is None else (low[0], high[1])

    def after(self, below: Step) -> Step:
        """The two steps in one: this one seen through ``below``."""
        if below.advance == 0:
            return below
        turns = len(below.spans) // math.gcd(len(below.spans), self.advance) if self.advance else 1
        spans = []
        for unit in range(len(self.spans) * turns):
            span = self.at(unit)
            spans.append(None if span is None else below.over(*span))
        return _shortest(tuple(spans), turns * self.advance * below.advance // len(below.spans))


def _shortest(spans: tuple[Span | None, ...], advance: int) -> Step:
    """The same pattern with one span, if all are alike."""
    step = Step(spans[:1], advance // len(spans))
    if len(spans) > 1 and advance % len(spans) == 0 and all(step.at(i) == span for i, span in enumerate(spans)):
        return step
    return Step(spans, advance)


IDENTITY = Step(((0, 0),), 1)


@dataclass(frozen=True)
class Field:
    """What units see of the network's input, along one axis.

    Attributes:
        step: the pattern; None where a unit sees everything and the input's size is unknown.
    """

    step: Step | None

    @property
    def size(self) -> int | None:
        """Pixels from the first to the last one that a unit sees; the largest, where units differ."""
        if self.step is None:
            return None
        return max((high - low + 1 for low, high in filter(None, self.step.spans)), default=0)

    @property
    def stride(self) -> Fraction:
        """Pixels from a unit's first pixel to its neighbour's; a fraction after a transposed convolution."""
        return Fraction(0) if self.step is None else Fraction(self.step.advance, len(self.step.spans))

    @property
    def padding(self) -> int:
        """How far the window of the first unit reaches over the input's edge."""
        first = None if self.step is None else self.step.spans[0]
        return 0 if first is None else -first[0]


ReachRule = Callable[..., "Step | None"]
rules: Interpreter[ReachRule] = Interpreter("receptive field")


def reach(layer: Node, input: Shape, axis: int, path: str = "") -> Step | None:
    """What units of ``layer`` see of its own input, along one spatial axis; None: everything.

    Raises:
        RuleMissing: the kind has no rule.
    """
    return rules.for_node(layer, path)(layer, input, axis)


@rules.rule(
    kinds.Conv1D, kinds.Conv2D, kinds.Conv3D, kinds.DepthwiseConv2D, kinds.SeparableConv2D, kinds.Subsampling2D,
    *(getattr(kinds, f"{kind}Pooling{rank}D") for kind in ("Max", "Average", "Min", "L2") for rank in (1, 2, 3)),
    kinds.DistanceWeightedPooling1D, kinds.DistanceWeightedPooling2D, kinds.DistanceWeightedPooling3D,
)  # fmt: skip
def _window(layer: Node, input: Shape, axis: int) -> Step:
    """From x · s − p to x · s − p + d (k − 1)."""
    slid = windows(layer, input)
    assert slid is not None
    one = slid[axis]
    return Step(((-one.before, one.extent - 1 - one.before),), one.stride)


@rules.rule(kinds.Conv2DTranspose)
def _transposed(layer: kinds.Conv2DTranspose, input: Shape, axis: int) -> Step:
    """Output y holds the stamp of input x at offset m where x · s − cut + d · m = y, for some m of 0 … k − 1."""
    cut, _, _ = transposed_padding(layer)[axis]
    k, s, d = layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]
    spans: list[Span | None] = []
    for y in range(s):
        stamps = [(y + cut - d * m) // s for m in range(k) if (y + cut - d * m) % s == 0]
        spans.append((min(stamps), max(stamps)) if stamps else None)
    return _shortest(tuple(spans), 1)


@rules.rule(kinds.UpSampling2D)
def _upsampling(layer: kinds.UpSampling2D, input: Shape, axis: int) -> Step:
    """Nearest: output y repeats input ⌊y / f⌋. Bilinear: it lies between the two centres around (y + 1/2) / f − 1/2."""
    f = layer.size[axis]
    if layer.interpolation == "nearest":
        return _shortest(((0, 0),) * f, 1)
    centres = [Fraction(2 * y + 1, 2 * f) - Fraction(1, 2) for y in range(f)]
    return _shortest(tuple((math.floor(c), math.ceil(c)) for c in centres), 1)


@rules.rule(kinds.ZeroPadding2D)
def _zero_padding(layer: kinds.ZeroPadding2D, input: Shape, axis: int) -> Step:
    before = layer.padding[axis][0]
    return Step(((-before, -before),), 1)


@rules.rule(*(getattr(kinds, f"Adaptive{kind}Pooling{rank}D") for kind in ("Average", "Max") for rank in (1, 2)))
def _adaptive(layer: kinds.AdaptiveAveragePooling2D, input: Shape, axis: int) -> Step | None:
    """Window i of m reaches from ⌊i · n / m⌋ to ⌈(i + 1) · n / m⌉ − 1."""
    n, m = input.spatial[axis], layer.output_size[axis]
    if n is None:
        return None
    return _shortest(tuple((i * n // m, ceil_div((i + 1) * n, m) - 1) for i in range(m)), n)


@rules.rule(
    *(getattr(kinds, f"Global{kind}Pooling{rank}D") for kind in ("Average", "Max") for rank in (1, 2, 3)),
    kinds.Flatten, kinds.Dense, kinds.RBF,
)  # fmt: skip
def _everything(layer: Node, input: Shape, axis: int) -> None:
    return None


@rules.rule(kinds.Reshape)
def _reshape(layer: kinds.Reshape, input: Shape, axis: int) -> Step | None:
    """Values get other places: nothing can be said, unless the plane stays as it is."""
    return IDENTITY if layer.target_shape == input.axes else None


@rules.rule(
    kinds.Activation, kinds.Dropout, kinds.SpatialDropout2D, kinds.BatchNormalization, kinds.LayerNormalization,
    kinds.LocalResponseNormalization, kinds.Rescaling, kinds.Normalization,
)  # fmt: skip
def _itself(layer: Node, input: Shape, axis: int) -> Step:
    """A unit sees its own place (and there, perhaps, other channels)."""
    return IDENTITY


# Through a network ----------------------------------------------------------------------------------------------------


def receptive_fields(traced: Sequence[Traced]) -> dict[str, tuple[Field, ...]]:
    """The receptive field at every path, one :class:`Field` a spatial axis of the network's input.

    Args:
        traced: what :func:`foveal.arithmetic.shapes.trace` gives, also when it broke off.

    Example:
        >>> from foveal.arithmetic.shapes import trace
        >>> from foveal.network.layers import Conv2D
        >>> fields = receptive_fields(trace(Sequential([Conv2D(8, 3), Conv2D(8, 3)]), (9, 9, 1)))
        >>> fields["conv2d_2"][0].size, fields["conv2d_2"][0].stride, fields["conv2d_2"][0].padding
        (5, Fraction(1, 1), 0)
    """
    return Walk(traced).fields


class Walk:
    """The walk from the input to the output, and back from a unit to the input."""

    def __init__(self, traced: Sequence[Traced]) -> None:
        self.at = {t.path: t for t in traced}
        self.root = traced[0]
        self.fields: dict[str, tuple[Field, ...]] = {}
        self.before: dict[str, tuple[Field, ...]] = {}  # what reaches each node
        self._forward("", tuple(Field(IDENTITY) for _ in self.root.input.spatial))

    def _parts(self, path: str) -> Iterator[str]:
        for name, _ in children(self.at[path].node):
            part = f"{path}/{name}" if path else name
            if part in self.at:  # a broken network is traced up to the break
                yield part

    def _forward(self, path: str, below: tuple[Field, ...]) -> tuple[Field, ...]:
        at = self.at[path]
        self.before[path] = below
        parts = list(self._parts(path))
        if isinstance(at.node, Sequential):
            fields = below
            for part in parts:
                fields = self._forward(part, fields)
        elif isinstance(at.node, Parallel | Residual):
            ends = [self._forward(part, below) for part in parts]
            if isinstance(at.node, Residual) and not at.node.shortcut.layers:
                ends.append(below)
            sizes = at.output.spatial if at.output is not None else ()
            fields = tuple(_hull(along, sizes[axis : axis + 1]) for axis, along in enumerate(zip(*ends, strict=True)))
        elif isinstance(at.node, Auxiliary):
            for part in parts:
                self._forward(part, below)
            fields = below
        elif at.output is None:  # the layer that does not fit
            return below
        else:
            fields = tuple(self._through(path, axis, field) for axis, field in enumerate(below))
        self.fields[path] = fields
        return fields

    def _through(self, path: str, axis: int, below: Field) -> Field:
        at = self.at[path]
        if below.step is None or below.step.advance == 0:
            return below
        step = self._reach(path, axis)
        if step is not None:
            return Field(step.after(below.step))
        n, m = self.root.input.spatial[axis], at.input.spatial[axis]
        if n is None or m is None:
            return Field(None)
        span = self.back_from_input(path, axis, (0, m - 1))
        return Field(Step((span,), 0))

    def _reach(self, path: str, axis: int) -> Step | None:
        at = self.at[path]
        step = reach(at.node, at.input, axis, path) if axis < len(at.input.spatial) else None
        same_axes = len(at.input.spatial) == len(self.root.input.spatial)
        return step if same_axes else None

    def back(self, path: str, axis: int, span: Span | None) -> Span | None:
        """What the units ``span`` of the output of ``path`` see of that node's own input; only places that exist."""
        at = self.at[path]
        if span is None:
            return None
        if isinstance(at.node, Sequential):
            for part in reversed(list(self._parts(path))):
                span = self.back(part, axis, span)
            return span
        if isinstance(at.node, Parallel | Residual):
            ends = [self.back(part, axis, span) for part in self._parts(path)]
            if isinstance(at.node, Residual) and not at.node.shortcut.layers:
                ends.append(span)
            real = [end for end in ends if end is not None]
            return (min(low for low, _ in real), max(high for _, high in real)) if real else None
        if isinstance(at.node, Auxiliary):
            return span
        n = at.input.spatial[axis] if axis < len(at.input.spatial) else 1
        step = self._reach(path, axis)
        seen = step.over(*span) if step is not None else None if n is None else (0, n - 1)
        return _within(seen, n)

    def back_from_input(self, path: str, axis: int, span: Span | None) -> Span | None:
        """What the places ``span`` of the input of ``path`` see of the network's input."""
        while path:
            parent = path.rpartition("/")[0]
            if isinstance(self.at[parent].node, Sequential):
                parts = list(self._parts(parent))
                for part in reversed(parts[: parts.index(path)]):
                    span = self.back(part, axis, span)
            path = parent
        return _within(span, self.root.input.spatial[axis])


def _within(span: Span | None, n: int | None) -> Span | None:
    """The part of ``span`` that exists: 0 … n − 1."""
    if span is None:
        return None
    low, high = max(span[0], 0), span[1] if n is None else min(span[1], n - 1)
    return (low, high) if low <= high else None


def _hull(fields: tuple[Field, ...], size: tuple[int | None, ...]) -> Field:
    """What any of the branches sees. Their strides are equal but for maps of a pixel or two; then unit by unit."""
    steps = [field.step for field in fields if field.step is not None]
    if len(steps) < len(fields):
        return Field(None)
    if len(set(steps)) == 1:
        return fields[0]
    strides = {Fraction(step.advance, len(step.spans)) for step in steps}
    period = math.lcm(*(len(step.spans) for step in steps))
    advance = int(max(strides) * period)
    if len(strides) > 1:
        n = size[0] if size and size[0] is not None else 1
        period, advance = n, int(max(strides) * n)
    spans: list[Span | None] = []
    for unit in range(period):
        real = [span for span in (step.at(unit) for step in steps) if span is not None]
        spans.append((min(low for low, _ in real), max(high for _, high in real)) if real else None)
    return Field(_shortest(tuple(spans), advance))


@dataclass(frozen=True)
class Box:
    """The pixels that one unit sees: first and last along each axis, both included.

    Attributes:
        unclipped: the formula's window, which may reach over the edges; None for a unit that sees nothing.
        clipped: what is there: only pixels of the input, and no detour over zeros that a layer between added.
    """

    unclipped: tuple[Span | None, ...]
    clipped: tuple[Span | None, ...]


def box(traced: Sequence[Traced], path: str, unit: Sequence[int]) -> Box:
    """The pixels that the unit at ``unit`` of the map at ``path`` sees.

    Args:
        traced: what :func:`foveal.arithmetic.shapes.trace` gives.
        path: a node of the network.
        unit: its place on each spatial axis (row, column); empty or of any values behind a Flatten.

    Raises:
        UnknownName: no such path.

    Example:
        >>> from foveal.arithmetic.shapes import trace
        >>> from foveal.network.layers import Conv2D
        >>> box(trace(Sequential([Conv2D(8, 3, padding="same")]), (28, 28, 1)), "conv2d_1", (0, 27))
        Box(unclipped=((-1, 1), (26, 28)), clipped=((0, 1), (26, 27)))
    """
    walk = Walk(traced)
    if path not in walk.fields:
        raise UnknownName(
            "the network has no such node",
            where=path,
            given=f"path {path!r}",
            expected="a path of the trace",
            mend="`foveal show NET` lists all paths",
        )
    unclipped: list[Span | None] = []
    clipped: list[Span | None] = []
    for axis, field in enumerate(walk.fields[path]):
        place = unit[axis] if axis < len(unit) else 0
        if field.step is None or field.step.advance == 0:
            place = 0
        unclipped.append(field.step.at(place) if field.step is not None else None)
        clipped.append(walk.back_from_input(path, axis, walk.back(path, axis, (place, place))))
    return Box(tuple(unclipped), tuple(clipped))
