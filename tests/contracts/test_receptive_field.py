"""Receptive fields as the arithmetic has them, and as gradients find them: which pixels does one unit answer to?

The networks are made honest for it: maxima become means, functions become linear and weights positive, so that no path is
shut and none cancels another. What a unit then answers to is exactly what it sees.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch

from foveal.arithmetic.receptive_field import box
from foveal.arithmetic.shapes import trace
from foveal.backends.torch import Network, layer_outputs
from foveal.network import Sequential, layers
from foveal.network.layers import LAYERS
from foveal.network.node import Node
from foveal.network.shape import Tokens, Vector
from tests.contracts.subjects import SUBJECTS, subject
from tests.oracles.bridge import in_float64

LINEAR = {
    kind: kind.replace("Max", "Average").replace("Min", "Average") for kind in LAYERS if "Max" in kind or "Min" in kind
}

PICTURES = [name for name in SUBJECTS if not isinstance(subject(name).input_shape, Vector | Tokens)]
TEXTS = [name for name in SUBJECTS if isinstance(subject(name).input_shape, Tokens)]


def honest(node: Node) -> Node:
    """The same geometry without maxima and functions."""
    changes: dict[str, Any] = {}
    for name in node.__dataclass_fields__:
        value = getattr(node, name)
        if isinstance(value, Node):
            changes[name] = honest(value)
        elif isinstance(value, tuple) and value and isinstance(value[0], Node):
            changes[name] = tuple(honest(part) for part in value)
        elif name == "activation":
            changes[name] = "linear"
    if node.kind in LINEAR:
        kept = {name: getattr(node, name) for name in node.__dataclass_fields__}
        return LAYERS[LINEAR[node.kind]](**kept)
    if isinstance(node, layers.LocalResponseNormalization | layers.LayerNormalization | layers.UnitNormalization):
        return layers.Rescaling(1.0, name=node.name)  # within one place: nothing to see, and what they add may cancel
    return dataclasses.replace(node, **changes)


def positive(module: Network) -> Network:
    """All weights positive, each unit about the mean of what it sees, so that deep networks neither die nor explode."""
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            kind = name.rsplit(".", 1)[-1]
            if kind == "running_mean" or kind == "bias":
                tensor.zero_()
            elif tensor.dim() < 2:
                tensor.fill_(1.0)
            else:
                tensor.uniform_(0.5, 1.5, generator=torch.Generator().manual_seed(0)).div_(math.prod(tensor.shape[1:]))
    return module.eval()


def probed(output: torch.Tensor, x: torch.Tensor, unit: tuple[int, ...] | None) -> tuple[tuple[int, int] | None, ...]:
    """First and last place on each axis with a gradient from all channels at ``unit``, or at all units together."""
    answer = output[(0, slice(None), *unit)] if unit is not None else output
    (gradient,) = torch.autograd.grad(answer.sum(), x, retain_graph=True)
    seen = gradient[0].abs().sum(0).numpy() > 0
    found: list[tuple[int, int] | None] = []
    for axis in range(seen.ndim):
        places = np.flatnonzero(seen.any(axis=tuple(a for a in range(seen.ndim) if a != axis)))
        found.append((int(places[0]), int(places[-1])) if len(places) else None)
    return tuple(found)


@pytest.mark.parametrize("name", PICTURES, ids=PICTURES)
def test_gradients_see_what_the_arithmetic_says(name: str) -> None:
    network = honest(subject(name))
    assert isinstance(network, Sequential)
    module = positive(in_float64(network)).keep_inputs()
    steps = trace(network)
    shape = steps[0].input
    x = torch.rand((1, shape.channels, *(n or 1 for n in shape.spatial)), dtype=torch.float64).requires_grad_()

    outputs: dict[str, torch.Tensor] = {}
    for step in steps:
        if not step.auxiliary:
            module.node(step.path).register_forward_hook(
                lambda part, inputs, output, path=step.path: outputs.__setitem__(path, output)
            )
    module(x)
    order = [step.path for step in steps]
    turned = [step.path for step in steps if step.node.kind in ("Reshape", "Permute")]
    dilated = any(max(getattr(step.node, "dilation_rate", (1,))) > 1 for step in steps)
    asked = [step for step in steps if step.path in outputs]
    for step in asked[:: max(1, len(asked) // 6)] + asked[-1:]:  # some places of a deep network, and its end
        assert step.output is not None
        size = [n or 1 for n in step.output.spatial]
        # Behind a layer that turns axes, and in a composition that holds one, the arithmetic says what all units see.
        shuffled = any(
            order.index(path) <= order.index(step.path) or path.startswith(step.path and f"{step.path}/")
            for path in turned
        )
        for unit in {(0,) * len(size), tuple(n // 2 for n in size), tuple(n - 1 for n in size)}:
            seen = probed(outputs[step.path], x, None if shuffled else unit)
            found = box(steps, step.path, unit)
            expected = (
                found.clipped if None not in found.clipped else (None,) * len(size)
            )  # nothing on one axis is nothing
            if (
                dilated and found.unclipped != found.clipped
            ):  # the edge may cut between the values that a window takes in
                assert all(
                    s is None or (b and b[0] <= s[0] <= s[1] <= b[1]) for s, b in zip(seen, expected, strict=True)
                )
            else:
                assert seen == expected, f"{step.path} at {unit}"


@pytest.mark.parametrize("name", TEXTS, ids=TEXTS)
def test_units_answer_to_the_tokens_that_the_arithmetic_says(name: str) -> None:
    """Tokens have no gradients: one after another is changed, and what changes behind it is looked at."""
    network = honest(subject(name))
    assert isinstance(network, Sequential)
    module = positive(in_float64(network)).keep_inputs()
    steps = [step for step in trace(network) if step.output is not None and not isinstance(step.output, Tokens)]
    length = trace(network)[0].input.spatial[0] or 9
    x = torch.zeros((1, length), dtype=torch.int64)
    before = layer_outputs(module, x, [step.path for step in steps])
    after = []
    for place in range(length):
        changed = x.clone()
        changed[0, place] = 1
        after.append(layer_outputs(module, changed, [step.path for step in steps]))
    for step in steps:
        assert step.output is not None
        size = [n or 1 for n in step.output.spatial]
        for unit in {(0,) * len(size), tuple(n // 2 for n in size), tuple(n - 1 for n in size)}:
            at = (0, slice(None), *unit)
            seen = [p for p in range(length) if not torch.equal(after[p][step.path][at], before[step.path][at])]
            found = box(trace(network), step.path, unit).clipped
            assert found == ((min(seen), max(seen)) if seen else None,), f"{step.path} at {unit}"
