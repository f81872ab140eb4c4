"""A network's rows: what the table, the diagram, the JSON and the report show. Numbers only; printing is elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from foveal.arithmetic.counts import Counts, counted, total
from foveal.arithmetic.geometry import transposed_padding, windows
from foveal.arithmetic.memory import Memory, memory
from foveal.arithmetic.pattern import Field
from foveal.arithmetic.receptive_field import receptive_fields
from foveal.arithmetic.shapes import Traced, trace
from foveal.errors import ShapeError
from foveal.network import layers as kinds
from foveal.network.codec import shape_out
from foveal.network.node import Node, public_fields
from foveal.network.shape import Shape
from foveal.network.tree import COMPOSITIONS, Auxiliary, Parallel, Sequential


@dataclass(frozen=True)
class Row:
    """One node of the network.

    Attributes:
        path, kind: where and what.
        node: the layer or composition itself.
        depth: how many compositions stand above it.
        layer: whether it is a layer; a composition only groups and merges.
        kernel, strides, padding_text: how its window is set, as text for people; "" where it has none.
        details: everything else that was set: activation, rate, …
        input, output: shapes; the output is None from the place on where the network breaks.
        counts: the layer's own; for a composition the sum of what is in it.
        own: what is the node's alone: a layer's counts, the products of an attention; 0 for other compositions.
        fields: receptive field, one a spatial axis of the network's input.
        auxiliary: part of a side head, and so not in the totals.
    """

    path: str
    kind: str
    node: Node
    depth: int
    layer: bool
    kernel: str
    strides: str
    padding_text: str
    details: str
    input: Shape
    output: Shape | None
    counts: Counts
    own: Counts
    fields: tuple[Field, ...]
    auxiliary: bool

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]

    @property
    def receptive_field(self) -> tuple[int | None, ...]:
        """Pixels along each axis; None where they are not known exactly: the input's size is not known and everything is seen,
        or units see windows of so many sizes that they are not listed (``fields`` then has what no unit exceeds)."""
        return tuple(field.size for field in self.fields)

    @property
    def stride(self) -> tuple[Fraction, ...]:
        """Pixels of the input between neighbouring units; 0 where all units see the same."""
        return tuple(field.stride for field in self.fields)

    @property
    def padding(self) -> tuple[int | None, ...]:
        """How far the first unit's window reaches over the input's edge; None where it is not known."""
        return tuple(field.padding for field in self.fields)

    def to_dict(self) -> dict[str, Any]:
        """The row as JSON has it."""
        found: dict[str, Any] = {
            "path": self.path,
            "kind": self.kind,
            "output_shape": None if self.output is None else shape_out(self.output),
            "parameters": self.counts.parameters,
            "macs": self.counts.macs,
            "receptive_field": list(self.receptive_field),
            "stride": [int(s) if s.denominator == 1 else float(s) for s in self.stride],
            "padding": list(self.padding),
            "non_trainable": self.counts.fixed,
            "activations": self.counts.activations,
            "connections": self.counts.connections,
        }
        if any(field.size is None and field.at_most is not None for field in self.fields):
            found["receptive_field_at_most"] = [field.at_most for field in self.fields]
        return found


@dataclass(frozen=True)
class Summary:
    """A network in numbers.

    Attributes:
        name: what it is called.
        input: the shape of one sample.
        rows: every node but the root, parents before children.
        totals: the sum over the layers of the network itself.
        auxiliary: the sum over the layers of its side heads.
        memory: bytes; see :mod:`foveal.arithmetic.memory`.
        error: why the network breaks, if it does; the rows then end at the break.
    """

    name: str
    input: Shape
    rows: tuple[Row, ...]
    totals: Counts
    auxiliary: Counts
    memory: Memory | None
    error: ShapeError | None = None

    @property
    def output(self) -> Shape | None:
        """What the network gives."""
        top = [row for row in self.rows if row.depth == 1]
        return self.input if not top else top[-1].output

    @property
    def layers(self) -> tuple[Row, ...]:
        """The rows of the layers."""
        return tuple(row for row in self.rows if row.layer)

    @property
    def counted(self) -> tuple[Row, ...]:
        """The rows of the layers, and of merges that compute, each with what is its own.

        Their columns add up to the totals (and the side heads').
        """
        rows = (row if row.layer else replace(row, counts=row.own) for row in self.rows)
        return tuple(row for row in rows if row.layer or row.own != Counts())

    def row(self, path: str) -> Row | None:
        """The row at ``path``."""
        return next((row for row in self.rows if row.path == path), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON.

        ``layers`` are the network's own, and add up to ``totals`` (an attention's products are among them, under the path
        of its Parallel); the layers of side heads are in ``auxiliary``, and compositions, with what is in them summed up, in
        ``blocks``. Side heads and blocks are left out where there are none.
        """
        found: dict[str, Any] = {
            "network": self.name,
            "input": shape_out(self.input),
            "layers": [row.to_dict() for row in self.counted if not row.auxiliary],
        }
        heads = [row.to_dict() for row in self.counted if row.auxiliary]
        blocks = [row.to_dict() for row in self.rows if not row.layer]
        found |= {"auxiliary": heads} if heads else {}
        found |= {"blocks": blocks} if blocks else {}
        found["totals"] = {
            "parameters": self.totals.parameters,
            "macs": self.totals.macs,
            "non_trainable": self.totals.fixed,
            "activations": self.totals.activations,
            "connections": self.totals.connections,
            "memory_bytes": None
            if self.memory is None
            else {
                "weights": self.memory.weights,
                "activations": self.memory.activations,
                "running": self.memory.running,
                "training": self.memory.training,
            },
        }
        if heads:
            found["totals"]["auxiliary_parameters"] = self.auxiliary.parameters
            found["totals"]["parameters_with_auxiliary_heads"] = self.totals.parameters + self.auxiliary.parameters
        if self.error is not None:
            found["error"] = str(self.error)
        return found


def summarize(
    network: Node, input: Shape | Iterable[int | None] | int | str | None = None, name: str | None = None
) -> Summary:
    """All numbers of a network.

    Args:
        network: the tree.
        input: the shape of one sample; None takes the network's own.
        name: what to call it; None takes its own name.

    Raises:
        DescriptionError: no input shape is known.
        RuleMissing: a layer without a rule.

    A network whose layers do not fit is summed up as far as it goes, and the result's ``error`` says why.

    Example:
        >>> from foveal.network.layers import Conv2D
        >>> numbers = summarize(Sequential([Conv2D(6, 5), Conv2D(16, 5)], name="two"), (32, 32, 1))
        >>> [(row.path, row.counts.parameters, row.receptive_field) for row in numbers.rows]
        [('conv2d_1', 156, (5, 5)), ('conv2d_2', 2416, (9, 9))]
        >>> numbers.totals.parameters, numbers.error
        (2572, None)
    """
    error: ShapeError | None = None
    try:
        traced = trace(network, input)
    except ShapeError as broken:
        traced, error = broken.traced, broken
    fields = receptive_fields(traced)
    own = counted(traced)
    sums = _with_sums(own, traced)
    rows = tuple(_row(t, sums.get(t.path), own.get(t.path, Counts()), fields.get(t.path, ())) for t in traced if t.path)
    heads = {t.path for t in traced if t.auxiliary}
    totals = total(counts for path, counts in own.items() if path not in heads)
    return Summary(
        name or network.name or "network",
        traced[0].input,
        rows,
        totals,
        total(counts for path, counts in own.items() if path in heads),
        None if error is not None else memory(traced, totals),
        error,
    )


def _composition(node: Node) -> bool:
    return type(node) in COMPOSITIONS.values()


def _with_sums(own: dict[str, Counts], traced: Sequence[Traced]) -> dict[str, Counts]:
    """The nodes' own counts, and for each composition the sum of what is in it."""
    sums = dict(own)
    for path in reversed([at.path for at in traced]):  # parts before what they are in, so that each is added once
        parent = path.rpartition("/")[0]
        if parent and path in sums:
            sums[parent] = sums.get(parent, Counts()) + sums[path]
    return sums


def _row(at: Traced, counts: Counts | None, own: Counts, fields: tuple[Field, ...]) -> Row:
    if counts is None:  # an empty branch, or the layer that does not fit
        known = _composition(at.node)
        counts = Counts() if known else Counts(activations=None, connections=None, macs=None)
    kernel, strides, padding = window_text(at.node, at.input)
    return Row(
        at.path,
        at.node.kind,
        at.node,
        at.depth,
        not _composition(at.node),
        kernel,
        strides,
        padding,
        details(at.node),
        at.input,
        at.output,
        counts,
        own,
        fields,
        at.auxiliary or isinstance(at.node, Auxiliary),
    )


def window_text(layer: Node, input: Shape) -> tuple[str, str, str]:
    """Kernel, stride and padding of a layer's window as people write them: ``("3 × 3", "2", "1")``.

    Padding that differs between the sides is written before/after: "same" on 224 pixels with kernel 11, stride 4 is ``3/4``.

    Example:
        >>> from foveal.network import Image
        >>> from foveal.network.layers import Conv2D
        >>> window_text(Conv2D(96, 11, strides=4, padding="same"), Image(224, 224, 3))
        ('11 × 11', '4', '3/4')
    """
    kernel = layer.window
    if kernel is None:
        return "", "", _axes(_sides(layer.padding)) if isinstance(layer, kinds.ZeroPadding2D) else ""
    text = " × ".join(map(str, kernel))
    if max(getattr(layer, "dilation_rate", (1,))) > 1:
        text += f" ({_axes([str(d) for d in layer.dilation_rate])} apart)"  # type: ignore[attr-defined]
    strides = [str(s) for s in layer.steps]
    if isinstance(layer, kinds.Conv2DTranspose):
        pads = [(before, after) for before, after, _ in transposed_padding(layer)]
    elif len(input.spatial) != len(kernel):
        return text, _axes(strides), str(layer.padding)  # type: ignore[attr-defined]
    else:
        pads = [(one.before, one.after) for one in windows(layer, input) or ()]
    return text, _axes(strides), _axes(_sides(pads))


def _sides(pads: Sequence[tuple[int, int]]) -> list[str]:
    return [str(before) if before == after else f"{before}/{after}" for before, after in pads]


def _axes(values: Sequence[str]) -> str:
    """One text for all axes, or one an axis where they differ."""
    return values[0] if len(set(values)) == 1 else " × ".join(values)


_SHOWN_ELSEWHERE = {
    "filters", "units", "kernel_size", "pool_size", "strides", "padding", "layers", "branches", "body", "shortcut", "head",
    "kernel_initializer", "bias_initializer", "recurrent_initializer", "dilation_rate", "target_shape", "output_size",
    "momentum", "epsilon", "output_dim", "embeddings_initializer",
}  # fmt: skip
_WORDS: dict[str, Any] = {
    "groups": lambda n: f"{n} groups",
    "use_bias": lambda on: "bias" if on else "no bias",
    "connections": lambda table: f"table of {sum(map(len, table))} pairs",
    "merge": str,
    "activation": str,
    "rate": lambda rate: f"{rate:g}",
    "interpolation": str,
    "size": lambda n: f"size {n}" if isinstance(n, int) else "× " + _axes([str(f) for f in n]),
    "depth_multiplier": lambda n: f"{n} a channel",
    "mean": lambda m: f"mean {m[0]:.4g}" if len(m) == 1 else "mean of each channel",
    "variance": lambda v: f"variance {v[0]:.4g}" if len(v) == 1 else "variance of each channel",
    "trainable": lambda on: "trainable" if on else "fixed",
    "kernel_regularizer": lambda r: " ".join(f"{n.upper()} {getattr(r, n):g}" for n in ("l1", "l2") if getattr(r, n)),
    "weight": lambda w: f"weight {w:g}",
    "input_dim": lambda n: f"{n} tokens",
    "cropping": lambda ends: f"{ends[0]} before, {ends[1]} after",
    "dims": lambda order: "axes " + " ".join(map(str, order)),
    "stddev": lambda s: f"deviation {s:g}",
    "layer": repr,
    "merge_mode": str,
    "recurrent_activation": lambda name: f"gates {name}",
    "unit_forget_bias": lambda on: "forget bias 1" if on else "forget bias like the others",
    "reset_after": lambda on: f"reset {'after' if on else 'before'} the product",
    "return_sequences": lambda on: "every step" if on else "last step",
    "go_backwards": lambda on: f"read {'backwards' if on else 'forwards'}",
    "recurrent_dropout": lambda rate: f"dropout of the state {rate:g}",
}


def details(layer: Node) -> str:
    """What was set on a layer and has no column of its own: ``relu · no bias``."""
    set_fields = public_fields(layer)
    if isinstance(layer, Parallel):
        set_fields = {"merge": layer.merge}
    if isinstance(layer, Sequential):
        return ""
    if isinstance(layer, kinds.UpSampling2D | kinds.LocalResponseNormalization):
        set_fields = {"size": layer.size, **set_fields}
    if isinstance(layer, Auxiliary):
        set_fields = {"weight": layer.weight, **set_fields}
    texts = []
    for name, value in set_fields.items():
        if name in _SHOWN_ELSEWHERE:
            continue
        texts.append(_WORDS[name](value) if name in _WORDS else f"{name} {_short(value)}")
    return " · ".join(texts)


def _short(value: Any) -> str:
    if isinstance(value, tuple):
        return " ".join(_short(v) for v in value)
    return f"{value:g}" if isinstance(value, float) else str(value)
