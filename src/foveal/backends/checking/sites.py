"""What there is to check in a network: each layer, and each place where branches meet, with the shapes that come in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from foveal.arithmetic.shapes import Traced, trace
from foveal.backends.torch import owns_result
from foveal.network import codec
from foveal.network.node import Node
from foveal.network.shape import Shape
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential, children


@dataclass(frozen=True)
class Site:
    """One node to check.

    Attributes:
        path: the node's path.
        node: a layer; or a composition whose branches meet.
        inputs: the shape of what comes in; for a composition, of what each branch hands over.
        output: the shape of what comes out.
        overwrite: whether it may write its result over its input, as it may in the network.
    """

    path: str
    node: Node
    inputs: tuple[Shape, ...]
    output: Shape
    overwrite: bool

    @property
    def key(self) -> str:
        """Equal for sites that compute the same."""
        if isinstance(self.node, Parallel):
            what = f"merge {self.node.merge}"
        elif isinstance(self.node, Residual):
            what = "residual"
        else:
            description = codec.to_dict(Sequential([self.node]))["layers"][0]
            what = json.dumps({key: value for key, value in description.items() if key != "name"}, sort_keys=True)
        return f"{what} {self.inputs} {self.overwrite}"


def sites(network: Sequential, input: Shape) -> list[Site]:
    """All that computes, in the order of the tree.

    Raises:
        ShapeError: the layers do not fit together.
    """
    traced = {step.path: step for step in trace(network, input)}
    return list(_walk(network, "", False, traced))


def _walk(node: Node, path: str, own: bool, traced: dict[str, Traced]) -> Iterator[Site]:
    step = traced[path]
    assert step.output is not None
    if isinstance(node, Sequential):
        for name, child in children(node):
            yield from _walk(child, f"{path}/{name}" if path else name, own, traced)
            own = owns_result(child, own)
    elif isinstance(node, Parallel | Residual | Auxiliary):
        met = []
        for name, child in children(node):
            yield from _walk(child, f"{path}/{name}", False, traced)
            met.append(traced[f"{path}/{name}"].output or step.input)
        if isinstance(node, Residual):
            met = met if len(met) == 2 else [*met, step.input]
            yield Site(path, node, tuple(met), step.output, owns_result(node.body, False))
        elif isinstance(node, Parallel):
            yield Site(path, node, tuple(met), step.output, False)
    else:
        yield Site(path, node, (step.input,), step.output, own)
