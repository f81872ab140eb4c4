"""Compositions: how layers make a network.

A network is a :class:`Sequential` with an input shape. Branches are :class:`Parallel` and :class:`Residual`; a side head is
:class:`Auxiliary`. A node's path is the names from the root to it, joined by ``/``: the key under which every interpreter
knows it.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from foveal.errors import DescriptionError, UnknownName
from foveal.network.fields import Refused, checked, number, one_of, shown
from foveal.network.node import Node, snake_case
from foveal.network.shape import Shape, as_shape
from foveal.spelling import nearest

if TYPE_CHECKING:

    class Nodes:
        """For type checkers: lists are accepted, a tuple of nodes is held."""

        def __get__(self, owner: object, kind: type) -> tuple[Node, ...]: ...
        def __set__(self, owner: object, value: Iterable[Node | Shape]) -> None: ...

    class Branch:
        """For type checkers: a node or a list of nodes is accepted, a Sequential is held."""

        def __get__(self, owner: object, kind: type) -> Sequential: ...
        def __set__(self, owner: object, value: Node | Iterable[Node]) -> None: ...

    class Branches:
        """For type checkers: lists, or names with lists, are accepted; a tuple of Sequential is held."""

        def __get__(self, owner: object, kind: type) -> tuple[Sequential, ...]: ...
        def __set__(
            self, owner: object, value: Iterable[Node | Iterable[Node]] | Mapping[str, Node | Iterable[Node]]
        ) -> None: ...
else:
    Nodes = Branch = Branches = tuple


DEEPEST = 128
"""Compositions in one another, a body and its Residual counting as two: whatever walks the tree stays far from Python's limit."""


def _nodes(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Node) or not isinstance(value, list | tuple):
        raise Refused("a list of layers", "…=[layers.Conv2D(32, 3), …]")
    for entry in value:
        if not isinstance(entry, Node | Shape):
            hint = f"{entry.__name__}(…): call it" if isinstance(entry, type) else "layers.Dense(10), say"
            raise Refused(f"a list of layers; {entry!r} is none", hint)
    return tuple(value)


def _branch(value: Any) -> Sequential:
    if isinstance(value, Sequential):
        return value
    return Sequential(_nodes([value] if isinstance(value, Node) else value))


def _branches(value: Any) -> tuple[Sequential, ...]:
    if isinstance(value, Mapping):
        named = [dataclasses.replace(_branch(layers), name=name) for name, layers in value.items()]
    elif isinstance(value, list | tuple):
        named = [_branch(layers) for layers in value]
    else:
        raise Refused(
            "a list of branches, each a list of layers", "…=[[layers.Conv2D(64, 1)], [layers.MaxPooling2D(3)]]"
        )
    if not named:
        raise Refused("at least one branch", "…=[[layers.Conv2D(64, 1)], []]: an empty branch hands its input on")
    return tuple(named)


@dataclass(frozen=True, repr=False)
class Sequential(Node):
    """Layers one after another; empty, it hands its input on.

    Args:
        layers: the layers, in order. The first may carry ``input_shape``, or a shape may stand before it.
        input_shape: the shape of one sample, for a whole network.
        name: its part of the path.

    Example:
        >>> from foveal.network.layers import Conv2D, Dense, Flatten
        >>> network = Sequential([Conv2D(8, 3, input_shape=(28, 28, 1)), Flatten(), Dense(10)])
        >>> network.input_shape
        Image(h=28, w=28, c=1)
        >>> [path for path, _ in walk(network)]
        ['', 'conv2d_1', 'flatten_1', 'dense_1']
    """

    is_composition = True

    layers: Nodes = checked(_nodes, ())

    def validate(self) -> None:
        layers: list[Any] = list(self.layers)
        given = self.input_shape
        if layers and isinstance(layers[0], Shape):
            given = given or layers.pop(0)
        for index, layer in enumerate(layers):
            if isinstance(layer, Shape):
                raise DescriptionError(
                    "an input shape can only stand first",
                    where=self.name or self.kind,
                    given=f"{layer!r} in place {index + 1}",
                    expected="a layer",
                    fix="take it out; shapes inside are computed",
                )
            if layer.input_shape is not None and not isinstance(layer, Sequential):
                if index == 0 and given is None:
                    given = layer.input_shape
                layers[index] = dataclasses.replace(layer, input_shape=None)
        object.__setattr__(self, "input_shape", given)
        object.__setattr__(self, "layers", tuple(layers))
        _note_depth(self, self.layers)
        _refuse_twins([layer.name for layer in layers], self)

    def add(self, *layers: Node) -> Sequential:
        """A longer network; this one stays as it is."""
        return dataclasses.replace(self, layers=(*self.layers, *layers))

    def with_input(self, shape: Shape | Iterable[int | None] | int | str) -> Sequential:
        """The same layers on another input shape."""
        return dataclasses.replace(self, input_shape=as_shape(shape))


@dataclass(frozen=True, repr=False)
class Parallel(Node):
    """Branches on the same input, merged: GoogLeNet's inception module, DenseNet's block, a U-Net level.

    Args:
        branches: lists of layers, or a mapping from branch names to them; an empty list hands the input on.
        merge: "concat" lays feature maps behind one another (equal height and width); "add" sums them (equal shapes);
            "attention" lets each place of the first branch (queries, Sequence of L_q × d) look at all places of the second
            (memory, Sequence of L_m × d), and gives both what asked and what it found: L_q × 2d.

    Attention (Luong, Pham, Manning 2015, section 3.1, score "dot"): the weights of query i are the softmax over j of
    qᵢ · mⱼ, its context is cᵢ = Σⱼ weightᵢⱼ · mⱼ, and [qᵢ, cᵢ] comes out.

    Example:
        >>> from foveal.network.layers import Conv2D
        >>> block = Parallel({"1x1": [Conv2D(64, 1)], "3x3": [Conv2D(96, 1), Conv2D(128, 3, padding="same")]})
        >>> [path for path, _ in walk(block)]
        ['', '1x1', '1x1/conv2d_1', '3x3', '3x3/conv2d_1', '3x3/conv2d_2']
    """

    is_composition = True

    branches: Branches = checked(_branches)
    merge: str = checked(one_of(("concat", "add", "attention"), what="way to merge"), "concat")

    def validate(self) -> None:
        if self.merge == "attention" and len(self.branches) != 2:
            raise DescriptionError(
                "attention joins two branches",
                where=self.name or self.kind,
                given=f"{len(self.branches)} branches",
                expected="two: the queries, then the memory that they look at",
                fix='Parallel({"queries": […], "memory": […]}, merge="attention")',
            )
        _note_depth(self, self.branches)
        _refuse_twins([branch.name for branch in self.branches], self)


@dataclass(frozen=True, repr=False)
class Residual(Node):
    """y = F(x) + shortcut(x): the gradient always has a way back (He, Zhang, Ren, Sun 2015).

    Args:
        body: F, a list of layers.
        shortcut: what the input goes through on the other way; empty, it is handed on unchanged.

    Example:
        >>> from foveal.network.layers import Conv2D
        >>> Residual([Conv2D(64, 3, padding="same")]).shortcut.layers
        ()
    """

    is_composition = True

    body: Branch = checked(_branch)
    shortcut: Branch = checked(_branch, ())

    def validate(self) -> None:
        _note_depth(self, (self.body, self.shortcut))


@dataclass(frozen=True, repr=False)
class Auxiliary(Node):
    """A side head: hands its input on unchanged and, in training, gives a second answer (Szegedy et al. 2014, section 5).

    Args:
        head: the layers of the head; its output has the shape of the network's.
        weight: what its loss counts beside the main one.
    """

    is_composition = True

    head: Branch = checked(_branch)
    weight: float = checked(number(0.0), 0.3)

    def validate(self) -> None:
        _note_depth(self, (self.head,))


COMPOSITIONS: dict[str, type[Node]] = {
    "Sequential": Sequential,
    "Parallel": Parallel,
    "Residual": Residual,
    "Auxiliary": Auxiliary,
}


def children(node: Node) -> Iterator[tuple[str, Node]]:
    """The named parts of a composition in order; nothing for a layer.

    Parts without a name of their own are numbered by kind: ``conv2d_1``, ``conv2d_2``, ``branch_1``.
    """
    if isinstance(node, Sequential):
        yield from _numbered(node.layers)
    elif isinstance(node, Parallel):
        yield from _numbered(node.branches, "branch")
    elif isinstance(node, Residual):
        yield "body", node.body
        if node.shortcut.layers:
            yield "shortcut", node.shortcut
    elif isinstance(node, Auxiliary):
        yield "head", node.head


def walk(node: Node, path: str = "") -> Iterator[tuple[str, Node]]:
    """Every node below ``node`` with its path, parents before children; the root's path is ``path``."""
    yield path, node
    for name, child in children(node):
        yield from walk(child, f"{path}/{name}" if path else name)


def find(node: Node, path: str) -> Node:
    """The node at ``path``.

    Raises:
        UnknownName: there is none; the message offers the nearest paths.
    """
    paths = dict(walk(node))
    if path in paths:
        return paths[path]
    last = path.rpartition("/")[2]
    near = nearest(path, paths) or [each for each in paths if each.rpartition("/")[2] == last][:3]
    first = [each for each in paths if each][:6]
    raise UnknownName(
        "the network has no such node",
        where=path,
        given=f"path {shown(path)}",
        expected="one of: " + ", ".join(near or first) + (", …" if not near and len(paths) > 7 else ""),
        fix="`foveal show NET` lists all paths",
    )


def _numbered(nodes: tuple[Node, ...], stem: str | None = None) -> Iterator[tuple[str, Node]]:
    taken = {node.name for node in nodes}
    count: Counter[str] = Counter()
    for node in nodes:
        if node.name is not None:
            yield node.name, node
            continue
        base = stem or snake_case(node.kind)
        count[base] += 1
        while f"{base}_{count[base]}" in taken:
            count[base] += 1
        yield f"{base}_{count[base]}", node


def _note_depth(node: Node, parts: Iterable[Node]) -> None:
    """How many compositions stand in one another here, kept beside the fields; refused beyond :data:`DEEPEST`."""
    depth = 1 + max((part.__dict__.get("_depth", 0) for part in parts), default=0)
    if depth > DEEPEST:
        raise DescriptionError(
            "the network is nested too deeply",
            where=node.name or node.kind,
            given=f"{depth} compositions in one another",
            expected=f"at most {DEEPEST}",
            fix="a Sequential in a Sequential can be one list of layers",
        )
    node.__dict__["_depth"] = depth


def _refuse_twins(names: list[str | None], owner: Node) -> None:
    twins = [name for name, count in Counter(n for n in names if n).items() if count > 1]
    if twins:
        raise DescriptionError(
            f"the name {twins[0]!r} is used twice",
            where=owner.name or owner.kind,
            given=f"{names.count(twins[0])} parts named {twins[0]!r}",
            expected="names that are unique beside each other: they make the path",
            fix=[f'name="{twins[0]}_2" for the second', "no name: it is then numbered"],
        )
