"""References for layers that go step by step: the formulas of their papers in loops over time, and back through time by hand.

Weights come as the model file has them: W (gates · units × channels), U (gates · units × units), biases; gates one after
another. Nothing of Foveal's arithmetic or of PyTorch is used.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from foveal.network import layers as kinds
from tests.oracles import reference
from tests.oracles.reference import Array, Weights, activate, rules


def order(layer: Any, length: int) -> list[int]:
    """The steps in the order of reading."""
    return list(reversed(range(length))) if layer.go_backwards else list(range(length))


def parts(weights: Weights, gates: int) -> list[tuple[Array, Array, Array, Array]]:
    """(W, U, b, d) of each gate, zeros where there is no bias."""
    w, u = weights["weight"], weights["recurrent_weight"]
    b, d = (weights.get(name, np.zeros(len(w))) for name in ("bias", "recurrent_bias"))
    return list(zip(*(np.split(part, gates) for part in (w, u, b, d)), strict=True))


def through(layer: Any, x: Array, step: Any) -> Array:
    """``step(x_t, states)`` → states, over all steps; the first of the states comes out."""
    states = [np.zeros((len(x), layer.units)), np.zeros((len(x), layer.units))]
    out = []
    for t in order(layer, x.shape[1]):
        states = step(x[:, t], states)
        out.append(states[0])
    return np.stack(out, axis=1) if layer.return_sequences else out[-1]


@rules.rule(kinds.SimpleRNN)
def _simple(layer: Any, x: Array, weights: Weights) -> Array:
    ((w, u, b, _),) = parts(weights, 1)
    return through(layer, x, lambda now, s: [activate(layer.activation, now @ w.T + s[0] @ u.T + b)])


@rules.rule(kinds.LSTM)
def _lstm(layer: Any, x: Array, weights: Weights) -> Array:
    gates = parts(weights, 4)

    def step(now: Array, states: list[Array]) -> list[Array]:
        h, c = states
        i, f, g, o = (now @ w.T + h @ u.T + b for w, u, b, _ in gates)
        i, f, o = (activate(layer.recurrent_activation, gate) for gate in (i, f, o))
        c = f * c + i * activate(layer.activation, g)
        return [o * activate(layer.activation, c), c]

    return through(layer, x, step)


@rules.rule(kinds.GRU)
def _gru(layer: Any, x: Array, weights: Weights) -> Array:
    (w_r, u_r, b_r, d_r), (w_z, u_z, b_z, d_z), (w_n, u_n, b_n, d_n) = parts(weights, 3)

    def step(now: Array, states: list[Array]) -> list[Array]:
        h = states[0]
        r = activate(layer.recurrent_activation, now @ w_r.T + b_r + h @ u_r.T + d_r)
        z = activate(layer.recurrent_activation, now @ w_z.T + b_z + h @ u_z.T + d_z)
        inner = r * (h @ u_n.T + d_n) if layer.reset_after else (r * h) @ u_n.T
        n = activate(layer.activation, now @ w_n.T + b_n + inner)
        return [z * h + (1 - z) * n]

    return through(layer, x, step)


@rules.rule(kinds.Bidirectional)
def _bidirectional(layer: Any, x: Array, weights: Weights) -> Array:
    one = layer.layer
    there = reference.forward(one, x, within(weights, "forward_layer"))
    back = reference.forward(one, x[:, ::-1], within(weights, "backward_layer"))
    if one.return_sequences:
        back = back[:, ::-1]
    merges = {"concat": lambda: np.concatenate([there, back], axis=-1), "sum": lambda: there + back,
              "mul": lambda: there * back, "ave": lambda: 0.5 * there + 0.5 * back}  # fmt: skip
    return merges[layer.merge_mode]()


@rules.rule(kinds.TimeDistributed)
def _each_step(layer: Any, x: Array, weights: Weights) -> Array:
    inner = within(weights, "layer")
    return np.stack([reference.forward(layer.layer, x[:, t], inner) for t in range(x.shape[1])], axis=1)


def within(weights: Weights, name: str) -> Weights:
    """The tensors of an inner layer."""
    return {key.removeprefix(f"{name}."): value for key, value in weights.items() if key.startswith(f"{name}.")}


# Back through time, by hand (tanh and σ) ------------------------------------------------------------------------------


def sigma(x: Array) -> Array:
    """The logistic function."""
    return 1 / (1 + np.exp(-x))


def upstreams(layer: Any, x: Array, upstream: Array) -> list[Array]:
    """dE/dO of each step that is read, in the order of reading: zeros before the last where that alone comes out."""
    if layer.return_sequences:
        return [upstream[:, t] for t in range(x.shape[1])]
    return [np.zeros_like(upstream)] * (x.shape[1] - 1) + [upstream]


def simple_backward(layer: Any, x: Array, weights: Weights, upstream: Array) -> tuple[Array, Weights]:
    """(dE/dX, gradients by tensor): δ_t = dE/dh_t (1 − h_t²), and dE/dh_(t−1) += Uᵀ δ_t."""
    w, u, b = weights["weight"], weights["recurrent_weight"], weights["bias"]
    steps = order(layer, x.shape[1])
    states = [np.zeros((len(x), layer.units))]
    for t in steps:
        states.append(np.tanh(x[:, t] @ w.T + states[-1] @ u.T + b))
    dx, found = np.zeros_like(x), {name: np.zeros_like(value) for name, value in weights.items()}
    back = np.zeros_like(states[0])
    for place, above in reversed(list(enumerate(upstreams(layer, x, upstream)))):
        delta = (above + back) * (1 - states[place + 1] ** 2)
        found["weight"] += delta.T @ x[:, steps[place]]
        found["recurrent_weight"] += delta.T @ states[place]
        found["bias"] += delta.sum(axis=0)
        dx[:, steps[place]] = delta @ w
        back = delta @ u
    return dx, found


def lstm_backward(layer: Any, x: Array, weights: Weights, upstream: Array) -> tuple[Array, Weights]:
    """(dE/dX, gradients by tensor): the cell hands its gradient on through f alone."""
    w, u, b = weights["weight"], weights["recurrent_weight"], weights["bias"]
    steps = order(layer, x.shape[1])
    h, c = [np.zeros((len(x), layer.units))], [np.zeros((len(x), layer.units))]
    gates = []
    for t in steps:
        i, f, g, o = np.split(x[:, t] @ w.T + h[-1] @ u.T + b, 4, axis=1)
        i, f, g, o = sigma(i), sigma(f), np.tanh(g), sigma(o)
        gates.append((i, f, g, o))
        c.append(f * c[-1] + i * g)
        h.append(o * np.tanh(c[-1]))
    dx, found = np.zeros_like(x), {name: np.zeros_like(value) for name, value in weights.items()}
    back, cell = np.zeros_like(h[0]), np.zeros_like(h[0])
    for place, above in reversed(list(enumerate(upstreams(layer, x, upstream)))):
        i, f, g, o = gates[place]
        shown = np.tanh(c[place + 1])
        by_h = above + back
        by_c = by_h * o * (1 - shown**2) + cell
        delta = np.concatenate(
            [by_c * g * i * (1 - i), by_c * c[place] * f * (1 - f), by_c * i * (1 - g**2), by_h * shown * o * (1 - o)],
            axis=1,
        )
        found["weight"] += delta.T @ x[:, steps[place]]
        found["recurrent_weight"] += delta.T @ h[place]
        found["bias"] += delta.sum(axis=0)
        dx[:, steps[place]] = delta @ w
        back, cell = delta @ u, by_c * f
    return dx, found


def gru_backward(layer: Any, x: Array, weights: Weights, upstream: Array) -> tuple[Array, Weights]:
    """(dE/dX, gradients by tensor), the reset after the product or before it."""
    (w_r, u_r, b_r, d_r), (w_z, u_z, b_z, d_z), (w_n, u_n, b_n, d_n) = parts(weights, 3)
    steps = order(layer, x.shape[1])
    h = [np.zeros((len(x), layer.units))]
    kept = []
    for t in steps:
        now = x[:, t]
        r = sigma(now @ w_r.T + b_r + h[-1] @ u_r.T + d_r)
        z = sigma(now @ w_z.T + b_z + h[-1] @ u_z.T + d_z)
        looked = h[-1] @ u_n.T + d_n if layer.reset_after else r * h[-1]
        n = np.tanh(now @ w_n.T + b_n + (r * looked if layer.reset_after else looked @ u_n.T))
        kept.append((r, z, n, looked))
        h.append(z * h[-1] + (1 - z) * n)
    dx, found = np.zeros_like(x), {name: np.zeros_like(value) for name, value in weights.items()}
    back = np.zeros_like(h[0])
    for place, above in reversed(list(enumerate(upstreams(layer, x, upstream)))):
        (r, z, n, looked), before, by_h = kept[place], h[place], above + back
        delta_n = by_h * (1 - z) * (1 - n**2)
        delta_z = by_h * (before - n) * z * (1 - z)
        if layer.reset_after:
            delta_r, state_n = delta_n * looked * r * (1 - r), delta_n * r
            back = state_n @ u_n
        else:
            by_looked = delta_n @ u_n
            delta_r, state_n = by_looked * before * r * (1 - r), delta_n
            back = by_looked * r
        back = back + by_h * z + delta_r @ u_r + delta_z @ u_z
        delta = np.concatenate([delta_r, delta_z, delta_n], axis=1)
        state = np.concatenate([delta_r, delta_z, state_n], axis=1)
        found["weight"] += delta.T @ x[:, steps[place]]
        units = layer.units
        found["recurrent_weight"][: 2 * units] += state[:, : 2 * units].T @ before
        found["recurrent_weight"][2 * units :] += state_n.T @ (before if layer.reset_after else looked)
        found["bias"] += delta.sum(axis=0)
        if "recurrent_bias" in found:
            found["recurrent_bias"] += state.sum(axis=0)
        dx[:, steps[place]] = delta_r @ w_r + delta_z @ w_z + delta_n @ w_n
    return dx, found
