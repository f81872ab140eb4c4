"""The worked arithmetic of tokens and sequences, of codes and of Boltzmann machines, forward and backward.

Registers its rules with :mod:`foveal.arithmetic.worked.steps` and :mod:`foveal.arithmetic.worked.backward`.
"""

from __future__ import annotations

from collections.abc import Iterator

from foveal.arithmetic.counts import count
from foveal.arithmetic.worked.backward import rules as backward
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
from foveal.network.node import Node
from foveal.network.shape import Shape, Tokens

VAE, HINTON = "Kingma, Welling 2013", "Hinton 2010, A Practical Guide to Training Restricted Boltzmann Machines"


def _nothing(why: str, source: str = "") -> WorkedSection:
    return WorkedSection(PARAMETERS, (WorkedStep("parameters", "none", "0", 0, why),), source)


# Forward --------------------------------------------------------------------------------------------------------------


@rules.rule(kinds.Embedding)
def _embedding(layer: kinds.Embedding, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    v, d = layer.input_dim, layer.output_dim
    note = "the row of each token; a product with 1 at its place and 0 elsewhere would give the same"
    yield WorkedSection(
        OUTPUT, (WorkedStep("output", "length · output_dim", product(*output.axes), output.size, note),)
    )
    step = WorkedStep("parameters", "input_dim · output_dim", product(v, d), v * d, "a row a token")
    yield WorkedSection(PARAMETERS, (step,), "Bengio, Ducharme, Vincent, Jauvin 2003")
    yield WorkedSection(MACS, (WorkedStep("MACs", "none", "0", 0, "rows are looked up, nothing is multiplied"),))


@rules.rule(kinds.Cropping1D)
def _cropping(layer: kinds.Cropping1D, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    (n,), (first, last) = input.spatial, layer.cropping
    numbers = "?" if n is None else f"{n} − {first} − {last}"
    yield WorkedSection(OUTPUT, (WorkedStep("output length", "n − beginning − end", numbers, output.spatial[0]),))
    yield _nothing("places are cut off")


@rules.rule(kinds.Permute)
def _permute(layer: kinds.Permute, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    order = ", ".join(f"axis {place} is what axis {axis} was" for place, axis in enumerate(layer.dims, 1))
    yield WorkedSection(OUTPUT, (WorkedStep("output", "the same values", product(*output.axes), output.size, order),))
    yield _nothing("axes change places")


@rules.rule(kinds.UnitNormalization, kinds.GaussianNoise)
def _itself(layer: Node, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    note = (
        "in training only" if isinstance(layer, kinds.GaussianNoise) else "x / √Σx² over the channels of each position"
    )
    yield WorkedSection(OUTPUT, (WorkedStep("output", "the input's shape", product(*output.axes), output.size, note),))
    yield _nothing("constants of the description are not learned")


@rules.rule(kinds.Sampling)
def _sampling(layer: kinds.Sampling, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    k = layer.units
    note = f"values 1 to {k} are the means μ, {k + 1} to {2 * k} the ln σ²; in training z = μ + e^(ln σ² / 2) · ε"
    yield WorkedSection(
        OUTPUT, (WorkedStep("output", "values / 2", f"{input.size} / 2", k, note),), f"{VAE}, section 2.4"
    )
    yield _nothing("random numbers are drawn, not learned")


@rules.rule(kinds.RBM)
def _rbm(layer: kinds.RBM, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    n, h = input.channels, layer.units
    counted = count(layer, input, output)
    yield WorkedSection(OUTPUT, (WorkedStep("output", "units", str(h), h, "P(h = 1 | v) = σ(W · v + c)"),))
    note = "weights, hidden biases c, visible biases b: downwards P(v = 1 | h) = σ(Wᵀ · h + b)"
    step = WorkedStep("parameters", "n · units + units + n", f"{n} × {h} + {h} + {n}", counted.parameters, note)
    yield WorkedSection(PARAMETERS, (step,), HINTON)
    note = "upwards; downwards it is the same weights and the visible biases"
    step = WorkedStep("connections", "(n + 1) · units", f"({n} + 1) × {h}", counted.connections, note)
    yield WorkedSection(CONNECTIONS, (step,))
    yield WorkedSection(MACS, (WorkedStep("MACs", "n · units", product(n, h), counted.macs, "no bias, no sigmoid"),))


# Backward -------------------------------------------------------------------------------------------------------------


@backward.rule(kinds.Embedding)
def _embedding_back(layer: kinds.Embedding, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    length = "?" if output.spatial[0] is None else str(output.spatial[0])
    note = "rows of tokens that do not occur get 0; there is no dE/dX: a token is a number, not a value"
    yield WorkedStep(
        "dE/dW", "row of token t: Σ dE/dO over the places of t", f"{length} places, {layer.input_dim} rows",
        product(layer.input_dim, layer.output_dim), note,
    )  # fmt: skip


@backward.rule(kinds.Cropping1D)
def _cropping_back(layer: kinds.Cropping1D, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    if isinstance(input, Tokens):
        yield WorkedStep("dE/dX", "none", "tokens are numbers, not values", "none")
        return
    first, last = layer.cropping
    yield WorkedStep("dE/dX", "dE/dO, and 0 where it was cut", f"{first} zeros, {output}, {last} zeros", str(input))


@backward.rule(kinds.Permute)
def _permute_back(layer: kinds.Permute, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield WorkedStep("dE/dX", "dE/dO with the axes in their old order", f"{output} → {input}", str(input))


@backward.rule(kinds.UnitNormalization)
def _unit_back(layer: kinds.UnitNormalization, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    note = "only what is across the direction is left: moving along it changes nothing; y is the output"
    yield WorkedStep("dE/dX", "(dE/dO − y · Σ y · dE/dO) / ‖x‖", f"over {input.channels} channels", str(input), note)


@backward.rule(kinds.GaussianNoise)
def _noise_back(layer: kinds.GaussianNoise, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield WorkedStep("dE/dX", "dE/dO", f"value by value, {input}", str(input), "the noise does not depend on x")


@backward.rule(kinds.Sampling)
def _sampling_back(layer: kinds.Sampling, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    note = "the random number is a given ε, so that gradients pass around it (the reparameterisation trick)"
    yield WorkedStep("dE/dμ", "dE/dz", f"{layer.units} values", str(layer.units), note)
    formula = "dE/dz · ε · e^(ln σ² / 2) / 2"
    yield WorkedStep("dE/d(ln σ²)", formula, f"{layer.units} values", str(layer.units), "in training; 0 afterwards")


@backward.rule(kinds.RBM)
def _rbm_back(layer: kinds.RBM, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    n, h = input.channels, layer.units
    note = "first back through the sigmoid; this is how a network is fine-tuned"
    yield WorkedStep("dE/do", "dE/dh · h · (1 − h)", f"value by value, {h}", str(h), note)
    yield WorkedStep("dE/dW", "dE/do ⊗ v", f"({h} × 1) · (1 × {n})", product(h, n))
    yield WorkedStep("dE/dc", "dE/do", str(h), str(h))
    yield WorkedStep("dE/dv", "Wᵀ · dE/do", f"({n} × {h}) · ({h} × 1)", str(n))
    rule = "⟨v hᵀ⟩ of the data − ⟨v hᵀ⟩ of the model"
    note = (
        "trained by itself it has no error to pass back: contrastive divergence runs a few steps of the model instead"
    )
    yield WorkedStep("−dF/dW", rule, f"{h} × {n} pairs", product(h, n), f"{note} (Hinton 2002)")
