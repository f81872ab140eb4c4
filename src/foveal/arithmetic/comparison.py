"""Dense against convolution, and one network against another, in numbers.

Lecture 001 names what makes a convolution small: connections are **sparse** (a unit sees a window, not the picture) and
weights are **shared** (every place has the same kernel). :class:`DenseTwin` takes the two apart: the dense layer that would
give the same values, the local one without sharing, and the convolution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Any

from foveal.arithmetic.counts import Counts, count
from foveal.arithmetic.shapes import trace
from foveal.arithmetic.summary import Row, Summary
from foveal.arithmetic.worked.steps import Derivation, WorkedSection, WorkedStep, product
from foveal.errors import DescriptionError
from foveal.network.fields import shown
from foveal.network.layers import Conv1D, Conv2D, Conv3D, DepthwiseConv2D
from foveal.network.node import Node
from foveal.network.shape import Shape
from foveal.network.tree import find

_CONVOLUTIONS = (Conv1D, Conv2D, Conv3D, DepthwiseConv2D)


@dataclass(frozen=True)
class DenseTwin:
    """A convolution, and the dense layer that would give as many values from as many.

    Attributes:
        path, layer, input, output: the convolution.
        own: its counts.
        dense: those of the dense layer: inputs × outputs weights.
        unshared: trainable parameters, if each place had a kernel of its own.
    """

    path: str
    layer: Node
    input: Shape
    output: Shape
    own: Counts
    dense: Counts
    unshared: int

    @property
    def ratio(self) -> float:
        """How many times as many parameters the dense layer has."""
        return self.dense.parameters / self.own.parameters

    def derivation(self) -> Derivation:
        """The comparison as worked arithmetic."""
        n_in, n_out = self.input.size, self.output.size
        places = product(*self.output.spatial)
        bias = self.layer.use_bias  # type: ignore[attr-defined]
        dense = WorkedStep(
            "dense weights",
            "inputs · outputs",
            f"({product(*self.input.axes)}) × ({product(*self.output.axes)})",
            self.dense.weights,
            f"every one of {n_in:,} values to every one of {n_out:,}",
        )
        steps = [dense]
        if bias:
            steps.append(
                WorkedStep("with biases", "weights + outputs", f"{self.dense.weights} + {n_out}", self.dense.parameters)
            )
        local = f"{places} × {self.own.parameters}"
        note = "each unit sees its window only, but every place has its own kernel"
        sparse = WorkedStep("sparse, not shared", "places · parameters of a kernel", local, self.unshared, note)
        shared = WorkedStep(
            "sparse and shared",
            "parameters of a kernel",
            str(self.own.parameters),
            self.own.parameters,
            "the convolution",
        )
        ratio = f"{self.dense.parameters} / {self.own.parameters}"
        times = WorkedStep(
            "dense against convolution", "dense / convolution", ratio, self.ratio, "times as many parameters"
        )
        sections = (
            WorkedSection("A dense layer in its place", tuple(steps), "lecture 001, why convolutions?"),
            WorkedSection("Sparse connections", (sparse,)),
            WorkedSection("Shared weights", (shared, times)),
        )
        return Derivation(self.path, f"{self.layer.kind} against Dense", f"{self.input} → {self.output}", sections)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {
            "path": self.path,
            "kind": self.layer.kind,
            "input_shape": list(self.input.axes),
            "output_shape": list(self.output.axes),
            "convolution": {
                "parameters": self.own.parameters,
                "connections": self.own.connections,
                "macs": self.own.macs,
            },
            "unshared": {"parameters": self.unshared},
            "dense": {
                "weights": self.dense.weights,
                "parameters": self.dense.parameters,
                "connections": self.dense.connections,
                "macs": self.dense.macs,
            },
            "ratio": self.ratio,
        }


def dense_twin(layer: Node, input: Shape, output: Shape, path: str = "") -> DenseTwin:
    """The dense layer that a convolution stands for.

    Raises:
        DescriptionError: the layer is not a convolution, or a size is unknown.

    Example:
        >>> from foveal.network import Image
        >>> twin = dense_twin(Conv2D(6, 5), Image(32, 32, 3), Image(28, 28, 6))
        >>> twin.dense.weights, twin.unshared, twin.own.parameters  # lecture 001: "nearly equal to 14 million!"
        (14450688, 357504, 456)
    """
    if not isinstance(layer, _CONVOLUTIONS) or input.size is None or output.size is None:
        raise DescriptionError(
            "only a convolution with known sizes has a dense twin",
            where=path or layer.kind,
            given=f"{layer.kind} on {input}",
            expected="Conv1D, Conv2D, Conv3D or DepthwiseConv2D, and no unknown axis",
            fix=["the path of a convolution: `foveal show NET` lists them", "--input 28x28x1"],
        )
    own = count(layer, input, output, path)
    weights, biases = input.size * output.size, output.size if layer.use_bias else 0
    dense = Counts(
        weights, biases, 0, output.size, weights + biases, weights
    )  # as of a Dense, which ends at 2⁶³ − 1 units
    places = output.size // output.channels
    return DenseTwin(path, layer, input, output, own, dense, places * own.parameters)


def dense_twin_at(network: Node, path: str, input: Shape | Iterable[int | None] | int | str | None = None) -> DenseTwin:
    """:func:`dense_twin` of the layer at ``path``.

    Raises:
        UnknownName: no such path.
        ShapeError: the layers do not fit.
    """
    find(network, path)
    at = next(t for t in trace(network, input) if t.path == path)
    assert at.output is not None
    return dense_twin(at.node, at.input, at.output, path)


def totals_beside(a: Summary, b: Summary) -> list[tuple[str, int | None, int | None, float | None]]:
    """What two networks have in all: (name, first, second, second / first); the ratio is None where it says nothing."""
    pairs: list[tuple[str, int | None, int | None]] = [
        ("layers", len(a.layers), len(b.layers)),
        ("parameters", a.totals.parameters, b.totals.parameters),
        ("not trained", a.totals.fixed, b.totals.fixed),
        ("MACs", a.totals.macs, b.totals.macs),
        ("connections", a.totals.connections, b.totals.connections),
        ("activations", a.totals.activations, b.totals.activations),
        ("sees", _widest(a), _widest(b)),
    ]
    if a.memory is not None and b.memory is not None:
        pairs += [
            ("bytes of weights", a.memory.weights, b.memory.weights),
            ("bytes, running", a.memory.running, b.memory.running),
            ("bytes, training", a.memory.training, b.memory.training),
        ]
    return [(name, x, y, y / x if x and y is not None else None) for name, x, y in pairs]


def _widest(summary: Summary) -> int | None:
    """The largest receptive field of a unit that has a place in the picture."""
    sizes = [row.receptive_field[0] for row in summary.layers if row.stride and row.stride[0] and not row.auxiliary]
    return max((n for n in sizes if n is not None), default=None)


@dataclass(frozen=True)
class Difference:
    """Something that two networks do not have in common.

    Attributes:
        first, second: the paths of the node in each; "" for the network, None where there is no such node.
        what: "input", "kind" (of a node that only one has), "name", or the argument.
        values: as written in each.
    """

    first: str | None
    second: str | None
    what: str
    values: tuple[str, str]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return {"first": self.first, "second": self.second, "what": self.what, "values": list(self.values)}


_PARTS = ("layers", "branches", "body", "shortcut", "head")
_MOST_ALIGNED = 1_500
"""Rows up to which networks of another structure are laid beside each other; the search grows with their product."""


def differences(a: Summary, b: Summary) -> list[Difference]:
    """What two networks do not have in common: input, nodes that only one has, names, and every argument that differs.

    Nodes are paired in order, where kind and depth agree.

    Example:
        >>> from foveal.arithmetic.summary import summarize
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Dense
        >>> one, two = (summarize(Sequential([Dense(9, f)], input_shape=9)) for f in ("relu", "gelu"))
        >>> differences(one, two)
        [Difference(first='dense_1', second='dense_1', what='activation', values=("'relu'", "'gelu'"))]
    """
    found = []
    if a.input != b.input:
        found.append(Difference("", "", "input", (str(a.input), str(b.input))))
    for x, y in _paired(a.rows, b.rows):
        if x is None or y is None:
            kinds = ("–" if x is None else x.kind, "–" if y is None else y.kind)
            found.append(Difference(None if x is None else x.path, None if y is None else y.path, "kind", kinds))
            continue
        if x.node.name != y.node.name:
            found.append(Difference(x.path, y.path, "name", (shown(x.node.name), shown(y.node.name))))
        for argument in x.node.__dataclass_fields__:
            first, second = getattr(x.node, argument), getattr(y.node, argument)
            if argument not in ("name", "input_shape", *_PARTS) and first != second:
                texts = shown(first), shown(second)
                if texts[0] == texts[1]:  # long values that differ behind what is shown
                    texts = texts[0], f"{texts[1]}, with another rest"
                found.append(Difference(x.path, y.path, argument, texts))
    return found


def _paired(a: Sequence[Row], b: Sequence[Row]) -> Iterator[tuple[Row | None, Row | None]]:
    marks = [[f"{row.depth} {row.kind}" for row in rows] for rows in (a, b)]
    if marks[0] == marks[1]:
        yield from zip(a, b, strict=True)
        return
    if max(len(a), len(b)) > _MOST_ALIGNED:
        for x, y in zip_longest(a, b):
            yield from ((x, y),) if x is None or y is None or x.kind == y.kind else ((x, None), (None, y))
        return
    for same, start, stop, other, end in SequenceMatcher(None, marks[0], marks[1], autojunk=False).get_opcodes():
        if same == "equal":
            yield from zip(a[start:stop], b[other:end], strict=True)
        else:
            yield from ((row, None) for row in a[start:stop])
            yield from ((None, row) for row in b[other:end])
