"""The backward pass through time: of recurrent layers, and of layers that hold another.

The steps are gone through last to first. δ is a step's gradient of the error by its sums, before the function; what goes back
from a step to the one before, through U, is a product that long sequences repeat (Werbos 1990, "Backpropagation Through Time";
Bengio, Simard, Frasconi 1994, "Learning Long-Term Dependencies with Gradient Descent is Difficult").
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from foveal.arithmetic.counts import GATES
from foveal.arithmetic.worked.backward import DERIVATIVES, backward, own_function, rules
from foveal.arithmetic.worked.steps import WorkedStep, product
from foveal.network import layers as kinds
from foveal.network.shape import Shape, as_shape

own_function.update((kinds.SimpleRNN, kinds.LSTM, kinds.GRU))


def _given(layer: kinds.LSTM, output: Shape) -> WorkedStep:
    every = "each step's own dE/dO, and what comes back from the step after"
    last = "dE/dO at the last step, and what comes back from the step after"
    text = str(output) if layer.return_sequences else f"{output}, at the last step alone"
    return WorkedStep(
        "dE/dh_t",
        every if layer.return_sequences else last,
        text,
        str(layer.units),
        "last step first: back through time (Werbos 1990)",
    )


def _slope(name: str) -> str:
    return f"({DERIVATIVES[name]})" if " " in DERIVATIVES[name] else DERIVATIVES[name]


def _sums(layer: kinds.LSTM, input: Shape, deltas: str) -> Iterator[WorkedStep]:
    """What every recurrent layer has: the gradients of W, U, b and x_t are sums and products of the δ."""
    n, u, rows = input.channels, layer.units, GATES[type(layer)] * layer.units
    many = f"Σ over {product(*input.spatial)} steps"
    before = "r ∘ h_(t−1) in its rows for n" if not getattr(layer, "reset_after", True) else "h_(t−1)"
    yield WorkedStep("dE/dW", "Σ_t δ_t ⊗ x_t", f"{many} of ({rows} × 1) · (1 × {n})", product(rows, n), deltas)
    twice = " (of n: r ∘ δ_n)" if getattr(layer, "reset_after", False) else ""
    yield WorkedStep("dE/dU", f"Σ_t δ_t{twice} ⊗ {before}", f"{many} of ({rows} × 1) · (1 × {u})", product(rows, u))
    if layer.use_bias:
        yield WorkedStep("dE/db", "Σ_t δ_t", many, str(rows))
        if getattr(layer, "reset_after", False):
            yield WorkedStep("dE/dd", "Σ_t δ_t, of n: r ∘ δ_n", many, str(rows), "the biases of the state's side")
    yield WorkedStep("dE/dx_t", "Wᵀ · δ_t", f"({n} × {rows}) · ({rows})", str(n), "for each step: in all " + str(input))


@rules.rule(kinds.SimpleRNN)
def _simple(layer: kinds.SimpleRNN, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    u = layer.units
    yield _given(layer, output)  # type: ignore[arg-type]
    yield WorkedStep("δ_t", f"dE/dh_t ∘ {_slope(layer.activation)}, y = h_t", f"value by value, {u}", str(u))
    note = "k steps back this has been done k times: what is smaller than 1 vanishes, what is larger explodes"
    yield WorkedStep("dE/dh_(t−1)", "Uᵀ · δ_t", f"({u} × {u}) · ({u})", str(u), note)
    yield from _sums(layer, input, "")  # type: ignore[arg-type]


@rules.rule(kinds.LSTM)
def _lstm(layer: kinds.LSTM, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    u = layer.units
    each, f, g = f"value by value, {u}", layer.activation, layer.recurrent_activation
    yield _given(layer, output)
    text = f"dE/dh_t ∘ o ∘ {_slope(f)} + f of the step after ∘ dE/dc_(t+1), y = {f}(c_t)"
    note = "from cell to cell the gradient is only scaled by f: where f is near 1 it comes through, however many steps"
    yield WorkedStep("dE/dc_t", text, each, str(u), note)
    yield WorkedStep("δ_o", f"dE/dh_t ∘ {f}(c_t) ∘ {_slope(g)}, y = o", each, str(u))
    yield WorkedStep("δ_f", f"dE/dc_t ∘ c_(t−1) ∘ {_slope(g)}, y = f", each, str(u))
    yield WorkedStep("δ_i", f"dE/dc_t ∘ g ∘ {_slope(g)}, y = i", each, str(u))
    yield WorkedStep("δ_g", f"dE/dc_t ∘ i ∘ {_slope(f)}, y = g", each, str(u))
    yield WorkedStep(
        "dE/dh_(t−1)", "Uᵀ · δ_t", f"({u} × {4 * u}) · ({4 * u})", str(u), "δ_t: all four, one after another"
    )
    yield from _sums(layer, input, "rows of W: i, f, g, o")


@rules.rule(kinds.GRU)
def _gru(layer: kinds.GRU, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    u = layer.units
    each, f, g = f"value by value, {u}", layer.activation, layer.recurrent_activation
    yield _given(layer, output)  # type: ignore[arg-type]
    yield WorkedStep("δ_n", f"dE/dh_t ∘ (1 − z) ∘ {_slope(f)}, y = n", each, str(u))
    yield WorkedStep("δ_z", f"dE/dh_t ∘ (h_(t−1) − n) ∘ {_slope(g)}, y = z", each, str(u))
    inner = "U_n · h_(t−1) + d_n" if layer.use_bias else "U_n · h_(t−1)"
    through = f"δ_n ∘ ({inner})" if layer.reset_after else "(U_nᵀ · δ_n) ∘ h_(t−1)"
    yield WorkedStep("δ_r", f"{through} ∘ {_slope(g)}, y = r", each, str(u))
    back = "U_nᵀ · (r ∘ δ_n)" if layer.reset_after else "r ∘ (U_nᵀ · δ_n)"
    note = "the first summand is only scaled by z: where z is near 1 the gradient comes through, however many steps"
    formula = f"dE/dh_t ∘ z + U_rᵀ · δ_r + U_zᵀ · δ_z + {back}"
    yield WorkedStep("dE/dh_(t−1)", formula, f"{u} + three times ({u} × {u}) · ({u})", str(u), note)
    yield from _sums(layer, input, "rows of W: r, z, n")  # type: ignore[arg-type]


# Layers that hold a layer ---------------------------------------------------------------------------------------------


@rules.rule(kinds.Bidirectional)
def _bidirectional(layer: kinds.Bidirectional, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    one = output.resized(output.spatial, layer.layer.units)
    shares = {
        "concat": "each direction its own half of dE/dO",
        "sum": "each direction the whole of dE/dO",
        "mul": "each direction dE/dO ∘ what the other gave",
        "ave": "each direction dE/dO / 2",
    }
    yield WorkedStep("dE/dO of a direction", shares[layer.merge_mode], f"2 × ({one})", str(one))
    for step in rules.for_node(layer.layer)(layer.layer, input, one):
        yield replace(step, quantity=f"{step.quantity}, each direction")
    yield WorkedStep("dE/dX", "forward's + backward's", f"two of {input}", str(input), "both have read the same input")


@rules.rule(kinds.TimeDistributed)
def _each_step(layer: kinds.TimeDistributed, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    each, made = (as_shape(shape.axes[1:]) for shape in (input, output))
    many = product(input.axes[0])
    for section in backward(layer.layer, each, made):
        for step in section.steps:
            yield replace(step, quantity=f"{step.quantity} of a step")
    note = "gradients of weights add up over the steps, since all share them"
    yield WorkedStep("dE/dX", "each step's own", f"{many} of {each}", str(input), note)
