"""Recurrent layers and wrappers by their formulas, step by step; see :mod:`foveal.backends.checking.plain`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from foveal.backends.checking.plain import LOOP, Given, forward, rule
from foveal.backends.checking.plain_activations import activate
from foveal.network import layers as kinds

Step = Callable[[Tensor, list[Tensor]], list[Tensor]]


def _gates(given: Given, count: int) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
    """(W, U, b, d) of each gate; zeros where there is no bias."""
    w, u = given.weights["weight"], given.weights["recurrent_weight"]
    none = torch.zeros_like(w[:, 0])
    b, d = (given.weights.get(name, none) for name in ("bias", "recurrent_bias"))
    return list(zip(*(part.chunk(count) for part in (w, u, b, d)), strict=True))


def _through(layer: Any, x: Tensor, step: Step) -> Tensor:
    states = [x.new_zeros(len(x), layer.units) for _ in range(2)]
    made = []
    for t in reversed(range(x.shape[1])) if layer.go_backwards else range(x.shape[1]):
        states = step(x[:, t], states)
        made.append(states[0])
    return torch.stack(made, 1) if layer.return_sequences else made[-1]


@rule(LOOP, kinds.SimpleRNN)
def _simple(layer: Any, x: Tensor, given: Given) -> Tensor:
    ((w, u, b, _),) = _gates(given, 1)
    return _through(layer, x, lambda now, s: [activate(layer.activation, now @ w.T + s[0] @ u.T + b)])


@rule(LOOP, kinds.LSTM)
def _lstm(layer: Any, x: Tensor, given: Given) -> Tensor:
    gates = _gates(given, 4)

    def step(now: Tensor, states: list[Tensor]) -> list[Tensor]:
        h, c = states
        i, f, g, o = (now @ w.T + h @ u.T + b for w, u, b, _ in gates)
        i, f, o = (activate(layer.recurrent_activation, gate) for gate in (i, f, o))
        c = f * c + i * activate(layer.activation, g)
        return [o * activate(layer.activation, c), c]

    return _through(layer, x, step)


@rule(LOOP, kinds.GRU)
def _gru(layer: Any, x: Tensor, given: Given) -> Tensor:
    (w_r, u_r, b_r, d_r), (w_z, u_z, b_z, d_z), (w_n, u_n, b_n, d_n) = _gates(given, 3)

    def step(now: Tensor, states: list[Tensor]) -> list[Tensor]:
        h = states[0]
        r = activate(layer.recurrent_activation, now @ w_r.T + b_r + h @ u_r.T + d_r)
        z = activate(layer.recurrent_activation, now @ w_z.T + b_z + h @ u_z.T + d_z)
        inner = r * (h @ u_n.T + d_n) if layer.reset_after else (r * h) @ u_n.T
        return [z * h + (1 - z) * activate(layer.activation, now @ w_n.T + b_n + inner)]

    return _through(layer, x, step)


@rule(LOOP, kinds.Bidirectional)
def _bidirectional(layer: Any, x: Tensor, given: Given) -> Tensor:
    one = layer.layer
    there = forward(one, x, given.within("forward_layer"))
    back = forward(one, x.flip(1), given.within("backward_layer"))
    if one.return_sequences:
        back = back.flip(1)
    merged = {
        "concat": lambda: torch.cat([there, back], -1),
        "sum": lambda: there + back,
        "mul": lambda: there * back,
        "ave": lambda: 0.5 * there + 0.5 * back,
    }
    return merged[layer.merge_mode]()


@rule(LOOP, kinds.TimeDistributed)
def _each_step(layer: Any, x: Tensor, given: Given) -> Tensor:
    """All steps are one batch: a normalisation inside sees them together."""
    made = forward(layer.layer, x.reshape(-1, *x.shape[2:]), given.within("layer"))
    return made.reshape(*x.shape[:2], *made.shape[1:])
