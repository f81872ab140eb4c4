"""The worked arithmetic of recurrent layers, and of layers that hold another: what a step computes, with its numbers.

Beside :mod:`foveal.arithmetic.worked.layers`. Of a wrapper, the inner layer's own rule is asked, and its sections are set into
the whole: twice for two directions, once a step for a layer on each step.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from foveal.arithmetic.counts import GATES, count
from foveal.arithmetic.worked.steps import (
    CONNECTIONS,
    MACS,
    OUTPUT,
    PARAMETERS,
    WorkedSection,
    WorkedStep,
    product,
    rules,
)
from foveal.network import layers as kinds
from foveal.network.activations import ACTIVATIONS
from foveal.network.node import Node
from foveal.network.shape import Shape, as_shape

SOURCES = {
    kinds.SimpleRNN: "Elman 1990; lecture 002",
    kinds.LSTM: "Hochreiter, Schmidhuber 1997; Gers, Schmidhuber, Cummins 2000",
    kinds.GRU: "Cho et al. 2014",
}
LECUN = "LeCun, Bottou, Bengio, Haffner 1998, section II.B"


def _linear(gate: str, layer: kinds.LSTM | kinds.GRU, state: str = "h_(t−1)") -> str:
    bias = f" + b_{gate}" if layer.use_bias else ""
    return f"W_{gate} · x_t + U_{gate} · {state}{bias}"


def _of(name: str, inner: str) -> str:
    """A function applied: σ(…), tanh(…); nothing around it where it is linear."""
    return inner if name == "linear" else f"{'σ' if name == 'sigmoid' else name}({inner})"


def _simple(layer: kinds.SimpleRNN) -> Iterator[tuple[str, str, str]]:
    bias = " + b" if layer.use_bias else ""
    yield "h_t", _of(layer.activation, f"W · x_t + U · h_(t−1){bias}"), "the state, which is also what comes out"


def _lstm(layer: kinds.LSTM) -> Iterator[tuple[str, str, str]]:
    said = {"i": "what is let in", "f": "what is kept", "g": "what could be added", "o": "what is shown"}
    for gate, note in said.items():
        name = layer.activation if gate == "g" else layer.recurrent_activation
        yield gate, _of(name, _linear(gate, layer)), note
    yield "c_t", "f ∘ c_(t−1) + i ∘ g", "the cell: added to and scaled, never written anew"
    yield "h_t", f"o ∘ {_of(layer.activation, 'c_t')}", "the state, which is also what comes out"


def _gru(layer: kinds.GRU) -> Iterator[tuple[str, str, str]]:
    yield "r", _of(layer.recurrent_activation, _linear("r", layer)), "how much of the old state the new one looks at"
    yield "z", _of(layer.recurrent_activation, _linear("z", layer)), "how much of the old state stays"
    d = " + d_n" if layer.use_bias else ""
    b = " + b_n" if layer.use_bias else ""
    new = f"W_n · x_t{b} + r ∘ (U_n · h_(t−1){d})" if layer.reset_after else _linear("n", layer, "(r ∘ h_(t−1))")
    note = "d: the state's side has biases of its own (in the gates they add up)" if layer.reset_after and b else ""
    yield "n", _of(layer.activation, new), note
    yield "h_t", "z ∘ h_(t−1) + (1 − z) ∘ n", "the state, which is also what comes out"


_STEPS = {kinds.SimpleRNN: _simple, kinds.LSTM: _lstm, kinds.GRU: _gru}


@rules.rule(kinds.SimpleRNN, kinds.LSTM, kinds.GRU)
def _recurrent(layer: kinds.LSTM, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    n, u, many = input.channels, layer.units, input.spatial[0]
    shapes = f"({u} × {n}) · ({n}) + ({u} × {u}) · ({u})" + (f" + ({u})" if layer.use_bias else "")
    made = []
    for quantity, formula, note in _STEPS[type(layer)](layer):  # type: ignore[operator]
        made.append(WorkedStep(quantity, formula, shapes if "W" in formula else f"value by value, {u}", str(u), note))
    functions = {layer.activation, getattr(layer, "recurrent_activation", "linear")} - {"linear", "tanh"}
    told = "; ".join(f"{'σ' if name == 'sigmoid' else name}(x) = {ACTIVATIONS[name]}" for name in sorted(functions))
    order = "the last step first" if layer.go_backwards else "the first step first, h_0 = 0"
    steps = WorkedStep(
        "steps", "length", "?" if many is None else str(many), many, "; ".join(filter(None, (order, told)))
    )
    seen = "every step's state comes out: it has seen all steps up to its own"
    last = "the last state alone comes out: it has seen all steps"
    every = "length · units" if layer.return_sequences else "units"
    came = WorkedStep("output", every, product(*output.axes), output.size, seen if layer.return_sequences else last)
    yield WorkedSection(OUTPUT, (steps, *made, came), SOURCES[type(layer)])
    yield from _numbers(layer, input, output)


def _numbers(layer: kinds.LSTM, input: Shape, output: Shape) -> Iterator[WorkedSection]:
    """Parameters once, connections and MACs at every step."""
    counted = count(layer, input, output)
    n, u, gates = input.channels, layer.units, GATES[type(layer)]
    biases = 0 if not layer.use_bias else 2 if getattr(layer, "reset_after", False) else 1
    more = ("", f" + {biases}")[biases > 0]
    times = ("", f"{gates} · ", f"{gates} × ")
    first, second = (times[1], times[2]) if gates > 1 else (times[0], times[0])
    own, numbers = f"{first}(inputs + units{more}) · units", f"{second}({n} + {u}{more}) × {u}"
    notes = {0: "no bias", 1: "", 2: "two biases: one of the input's side, one of the state's"}
    kept = "one set for all steps" + (f"; {notes[biases]}" if notes[biases] else "")
    yield WorkedSection(
        PARAMETERS, (WorkedStep("parameters", own, numbers, counted.parameters, kept),), SOURCES[type(layer)]
    )
    length = product(*input.spatial)
    connections = WorkedStep("connections", f"length · {own}", f"{length} × {numbers}", counted.connections)
    yield WorkedSection(CONNECTIONS, (connections,), LECUN)
    formula = f"length · {first}(inputs + units) · units"
    note = "two matrix products a gate; products of gates and states, value by value, are not counted"
    macs = WorkedStep("MACs", formula, f"{length} × {second}({n} + {u}) × {u}", counted.macs, note)
    yield WorkedSection(MACS, (macs,))


# Layers that hold a layer ---------------------------------------------------------------------------------------------


def _inner(layer: Node, input: Shape, output: Shape, place: object) -> dict[str, WorkedSection]:
    return {section.title: section for section in rules.for_node(layer)(layer, input, output, place)}


@rules.rule(kinds.Bidirectional)
def _bidirectional(layer: kinds.Bidirectional, input: Shape, output: Shape, place: object) -> Iterator[WorkedSection]:
    one = output.resized(output.spatial, layer.layer.units)
    inner, counted, half = _inner(layer.layer, input, one, place), count(layer, input, output), layer.layer.units
    ways = {
        "concat": ("both, one behind the other", f"{half} + {half}"),
        "sum": ("forward + backward", str(half)),
        "mul": ("forward ∘ backward", str(half)),
        "ave": ("(forward + backward) / 2", str(half)),
    }
    formula, text = ways[layer.merge_mode]
    note = "of the same step" if layer.layer.return_sequences else "the last state of each direction"
    merged = WorkedStep("output channels", formula, text, output.channels, note)
    both = [replace(step, quantity=f"{step.quantity}, each direction") for step in inner[OUTPUT].steps]
    yield WorkedSection(OUTPUT, (*both, merged), "Schuster, Paliwal 1997")
    for title, quantity, value in (
        (PARAMETERS, "parameters", counted.parameters),
        (CONNECTIONS, "connections", counted.connections),
        (MACS, "MACs", counted.macs),
    ):
        (step,) = inner[title].steps
        twice = f"2 × {step.substitution}" if "?" not in step.substitution else "?"
        yield WorkedSection(
            title, (WorkedStep(quantity, f"2 · {step.formula}", twice, value, step.note),), inner[title].source
        )


@rules.rule(kinds.TimeDistributed)
def _each_step(layer: kinds.TimeDistributed, input: Shape, output: Shape, place: object) -> Iterator[WorkedSection]:
    each, made = (as_shape(shape.axes[1:]) for shape in (input, output))
    counted, many = count(layer, input, output), input.axes[0]
    flow = f"each {each} → {made}: {layer.layer.kind} on each step by itself"
    text = "?" if output.size is None else product(*output.axes)
    whole = WorkedStep("output", "steps · values of a step", text, output.size, flow)
    inner = _inner(layer.layer, each, made, place)
    own = inner.get(OUTPUT)
    of_step = [replace(step, quantity=f"{step.quantity} of a step") for step in (own.steps if own else ())]
    yield WorkedSection(OUTPUT, (*of_step, whole), own.source if own else "")
    if PARAMETERS in inner:
        shared = [
            replace(step, note="; ".join(filter(None, (step.note, "one set for all steps"))))
            for step in inner[PARAMETERS].steps
        ]
        yield replace(inner[PARAMETERS], steps=tuple(shared))
    for title, quantity, value in (
        (CONNECTIONS, "connections", counted.connections),
        (MACS, "MACs", counted.macs),
    ):
        if title not in inner:
            continue
        steps = [replace(step, quantity=f"{step.quantity} of a step") for step in inner[title].steps]
        last = inner[title].steps[-1]
        text = "?" if value is None or last.value is None else f"{many} × {last.value}"
        yield WorkedSection(
            title, (*steps, WorkedStep(quantity, f"steps · {quantity} of a step", text, value)), inner[title].source
        )
