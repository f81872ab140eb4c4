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
- **Attention**: a unit sees what its query sees, and whatever any place of the memory sees.

Channels do not matter here: groups and connection tables narrow what a unit sees in depth, not in the plane. Batch
normalisation is taken as it runs after training; in training it sees the whole batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from foveal.arithmetic.geometry import transposed_padding, windows
from foveal.arithmetic.pattern import IDENTITY, Budget, Field, Pattern, Span, WorkedStep, hull
from foveal.arithmetic.places import Places, every, seen, together
from foveal.arithmetic.repeating import repeated, shares, stamps
from foveal.arithmetic.shapes import Traced
from foveal.errors import UnknownName
from foveal.network import layers as kinds
from foveal.network.interpreter import Interpreter
from foveal.network.node import Node
from foveal.network.shape import Shape, as_shape
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential, children

End = TypeVar("End")
ReachRule = Callable[..., "WorkedStep | None"]
rules: Interpreter[ReachRule] = Interpreter("receptive field")


def reach(layer: Node, input: Shape, axis: int, path: str = "") -> WorkedStep | None:
    """What units of ``layer`` see of its own input, along one spatial axis; None: everything.

    Raises:
        RuleMissing: the kind has no rule.
    """
    return rules.for_node(layer, path)(layer, input, axis)


@rules.rule(
    kinds.Conv1D, kinds.Conv2D, kinds.Conv3D, kinds.DepthwiseConv2D, kinds.SeparableConv2D, kinds.Subsampling2D,
    *kinds.pooling.WINDOWED,
)  # fmt: skip
def _window(layer: Node, input: Shape, axis: int) -> Pattern:
    """From x · s − p to x · s − p + d (k − 1)."""
    slid = windows(layer, input)
    assert slid is not None
    one = slid[axis]
    return Pattern(((-one.before, one.extent - 1 - one.before),), one.stride, one.dilation)


@rules.rule(kinds.Conv2DTranspose)
def _transposed(layer: kinds.Conv2DTranspose, input: Shape, axis: int) -> WorkedStep:
    """Output y holds the stamp of input x at offset m where x · s − cut + d · m = y, for some m of 0 … k − 1."""
    cut, _, _ = transposed_padding(layer)[axis]
    return stamps(cut, layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis])


@rules.rule(kinds.UpSampling2D)
def _upsampling(layer: kinds.UpSampling2D, input: Shape, axis: int) -> WorkedStep:
    """Nearest: output y repeats input ⌊y / f⌋. Bilinear: it lies between the two centres around (y + 1/2) / f − 1/2."""
    return repeated(layer.size[axis], layer.interpolation == "nearest")


@rules.rule(kinds.SimpleRNN, kinds.LSTM, kinds.GRU)
def _whole_past(layer: kinds.LSTM, input: Shape, axis: int) -> Pattern | None:
    """The output of step t sees the steps 0 … t, as under a window that reaches back over the whole sequence.

    Read backwards, output t belongs to step n − 1 − t and sees the steps from there on: neighbours are −1 step apart. The
    last output alone sees everything.
    """
    n = input.spatial[axis]
    if n is None or not layer.return_sequences:
        return None
    return Pattern(((n - 1, 2 * n - 2),), -1) if layer.go_backwards else Pattern(((1 - n, 0),), 1)


@rules.rule(kinds.TimeDistributed)
def _each_step(layer: kinds.TimeDistributed, input: Shape, axis: int) -> WorkedStep | None:
    """In time its own step; within a frame what the layer sees there."""
    return IDENTITY if axis == 0 else rules.for_node(layer.layer)(layer.layer, as_shape(input.axes[1:]), axis - 1)


@rules.rule(kinds.Cropping1D)
def _cropping(layer: kinds.Cropping1D, input: Shape, axis: int) -> Pattern:
    first = layer.cropping[0]
    return Pattern(((first, first),), 1)


@rules.rule(kinds.ZeroPadding2D)
def _zero_padding(layer: kinds.ZeroPadding2D, input: Shape, axis: int) -> Pattern:
    before = layer.padding[axis][0]
    return Pattern(((-before, -before),), 1)


@rules.rule(*kinds.pooling.ADAPTIVE)
def _adaptive(layer: kinds.AdaptiveAveragePooling2D, input: Shape, axis: int) -> WorkedStep | None:
    """Window i of m reaches from ⌊i · n / m⌋ to ⌈(i + 1) · n / m⌉ − 1."""
    n, m = input.spatial[axis], layer.output_size[axis]
    return None if n is None else shares(n, m)


@rules.rule(
    *kinds.pooling.GLOBAL,
    kinds.Flatten, kinds.Dense, kinds.RBF, kinds.RBM, kinds.Sampling, kinds.Bidirectional,
)  # fmt: skip
def _everything(layer: Node, input: Shape, axis: int) -> None:
    return None  # of a sequence read both ways, what one direction has not seen yet the other has


@rules.rule(kinds.Permute)
def _permute(layer: kinds.Permute, input: Shape, axis: int) -> Pattern | None:
    """Axes change places, so that nothing can be said axis by axis, unless all stay."""
    return IDENTITY if list(layer.dims) == sorted(layer.dims) else None


@rules.rule(kinds.Reshape)
def _reshape(layer: kinds.Reshape, input: Shape, axis: int) -> Pattern | None:
    """Values get other places: nothing can be said, unless the plane stays as it is."""
    return IDENTITY if layer.target_shape == input.axes else None


@rules.rule(
    kinds.Activation, kinds.Dropout, kinds.SpatialDropout2D, kinds.BatchNormalization, kinds.LayerNormalization,
    kinds.LocalResponseNormalization, kinds.Rescaling, kinds.Normalization, kinds.UnitNormalization, kinds.GaussianNoise,
    kinds.Embedding,
)  # fmt: skip
def _itself(layer: Node, input: Shape, axis: int) -> Pattern:
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
        self.budget = Budget()
        self._names: dict[str, list[str]] = {}  # the parts of each composition
        self._places: dict[str, int] = {}  # each part's place among them
        self._origins: dict[tuple[str, tuple[Places, ...]], tuple[Places, ...]] = {}  # what was traced back before
        self._forward("", tuple(Field(IDENTITY) for _ in self.root.input.spatial))

    def _parts(self, path: str) -> list[str]:
        if path not in self._names:
            names = (f"{path}/{name}" if path else name for name, _ in children(self.at[path].node))
            self._names[path] = [
                part for part in names if part in self.at
            ]  # a broken network is traced up to the break
            self._places.update((part, place) for place, part in enumerate(self._names[path]))
        return self._names[path]

    def _forward(self, path: str, below: tuple[Field, ...]) -> tuple[Field, ...]:
        at = self.at[path]
        self.before[path] = below
        parts = self._parts(path)
        if isinstance(at.node, Sequential):
            fields = below
            for part in parts:
                fields = self._forward(part, fields)
        elif isinstance(at.node, Parallel | Residual):
            ends = [self._forward(part, below) for part in parts]
            ends = [self._all_of(part) if whole else end for part, end, whole in self._shared(path, ends)]
            if isinstance(at.node, Residual) and not at.node.shortcut.layers:
                ends.append(below)
            sizes = at.output.spatial if at.output is not None else ()
            fields = tuple(
                self._hull(along, sizes[axis : axis + 1]) for axis, along in enumerate(zip(*ends, strict=True))
            )
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
            both = step.after(below.step, self.budget) if isinstance(step, Pattern) else step.after(below.step)
            return Field(both, beyond=both is None)
        n, m = self.root.input.spatial[axis], at.input.spatial[axis]
        if n is None or m is None:
            return Field(None)
        return _constant(self.back_from_input(path, self._everything(at.input))[axis])

    def _shared(self, path: str, ends: Sequence[End]) -> Iterator[tuple[str, End, bool]]:
        """The branches with their ends, and whether every unit of the merge sees all places of the branch: a memory."""
        seen = getattr(self.at[path].node, "merge", "") == "attention"
        for place, (part, end) in enumerate(zip(self._parts(path), ends, strict=True)):
            yield part, end, seen and place == 1

    def _all_of(self, path: str) -> tuple[Field, ...]:
        """What all units of ``path`` see together."""
        end = self.at[path].output
        if end is None or None in (*end.spatial, *self.root.input.spatial):
            return tuple(Field(None) for _ in self.root.input.spatial)
        return tuple(map(_constant, self.back_from_input(path, self.back(path, self._everything(end)))))

    def _everything(self, shape: Shape | None) -> tuple[Places, ...]:
        """All places of a map."""
        return tuple(every(size) for size in (self._sizes(shape) if shape is not None else ()))

    def _reach(self, path: str, axis: int) -> WorkedStep | None:
        """Layers that take axes away see everything along those that change, so the axes that are left are still the input's."""
        at = self.at[path]
        return reach(at.node, at.input, axis, path) if axis < len(at.input.spatial) else None

    def _sizes(self, shape: Shape) -> tuple[int | None, ...]:
        """The sizes of a map along the network's axes; 1 where it has none."""
        spatial = shape.spatial
        return tuple(spatial[axis] if axis < len(spatial) else 1 for axis in range(len(self.root.input.spatial)))

    def back(self, path: str, units: tuple[Places, ...]) -> tuple[Places, ...]:
        """What these units of the output of ``path`` see of that node's own input; only places that exist."""
        at = self.at[path]
        if isinstance(at.node, Sequential):
            for part in reversed(self._parts(path)):
                units = self.back(part, units)
            return units
        if isinstance(at.node, Parallel | Residual):
            ends = [
                self.back(part, self._everything(self.at[part].output) if whole else units)
                for part, _, whole in self._shared(path, self._parts(path))
            ]
            if isinstance(at.node, Residual) and not at.node.shortcut.layers:
                ends.append(units)
            return tuple(together(along, self.budget) for along in zip(*ends, strict=True))
        if isinstance(at.node, Auxiliary):
            return units
        found = []
        for axis, n in enumerate(self._sizes(at.input)):
            step = self._reach(path, axis)
            if not units[axis]:
                found.append(units[axis])
            elif step is None:
                found.append(Places(every(n).of, units[axis].exact))
            else:
                found.append(seen(step, units[axis], n, self.budget))
        return tuple(found)

    def back_from_input(self, path: str, units: tuple[Places, ...]) -> tuple[Places, ...]:
        """What these places of the input of ``path`` see of the network's input."""
        passed = []  # where the way back led through, with what was seen there: others who come by have the rest of the way
        while path:
            parent = path.rpartition("/")[0]
            if isinstance(self.at[parent].node, Sequential):
                parts = self._parts(parent)
                for place in range(self._places[path] - 1, -1, -1):
                    passed.append((parts[place], units))
                    if passed[-1] in self._origins:
                        return self._remembered(passed[:-1], self._origins[passed[-1]])
                    units = self.back(parts[place], units)
            path = parent
        return self._remembered(passed, units)

    def _remembered(
        self, passed: list[tuple[str, tuple[Places, ...]]], origin: tuple[Places, ...]
    ) -> tuple[Places, ...]:
        self._origins.update(dict.fromkeys(passed, origin))
        return origin

    def _hull(self, fields: tuple[Field, ...], size: tuple[int | None, ...]) -> Field:
        """What any of the branches sees."""
        steps = [field.step for field in fields if field.step is not None]
        if len(steps) < len(fields):
            return Field(None, any(field.beyond for field in fields))
        return Field(hull(steps, size[0] if size else None, self.budget))


def _constant(places: Places) -> Field:
    """All units see the same."""
    return Field(Pattern((places.span,), 0, exact=places.exact))


@dataclass(frozen=True)
class Box:
    """The pixels that one unit sees: first and last along each axis, both included.

    Attributes:
        unclipped: the formula's window, which may reach over the edges; None for a unit that sees nothing.
        clipped: first and last pixel that it really depends on: only pixels of the input, no detour over zeros that a
            layer between added, nothing that falls between the taps of a dilated kernel. Each axis is followed by itself.
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
            fix="`foveal show NET` lists all paths",
        )
    fields = walk.fields[path]
    at = [
        0 if axis >= len(unit) or field.step is None or field.step.advance == 0 else unit[axis]
        for axis, field in enumerate(fields)
    ]
    unclipped = tuple(None if f.step is None else f.step.at(place) for f, place in zip(fields, at, strict=True))
    origin = walk.back_from_input(path, walk.back(path, tuple(Places(range(place, place + 1)) for place in at)))
    real = all(origin)
    return Box(unclipped, tuple(places.span if real else None for places in origin))
