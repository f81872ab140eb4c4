"""Every layer against its NumPy reference in float64: what comes out, and the gradients by differences of the reference."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.network.layers import LAYERS
from foveal.network.node import Node
from foveal.network.shape import Tokens
from tests.contracts.instances import INSTANCES, Instance, label
from tests.oracles import recurrent, reference, sequences  # noqa: F401  # they register their rules
from tests.oracles.bridge import answers, single, weights_of
from tests.oracles.reference import Array, Weights


def drawn(shape: tuple[int, ...], seed: int) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def inputs(layer: Node, shape: tuple[int, ...] | Tokens, n: int, seed: int) -> Array:
    """A batch of random values, or of random tokens that the layer has rows for."""
    if isinstance(shape, Tokens):
        rows: int = layer.input_dim  # type: ignore[attr-defined]
        return np.random.default_rng(seed).integers(0, rows, (n, *shape.axes))  # type: ignore[arg-type]
    return drawn((n, *shape), seed)


def test_every_layer_has_a_reference() -> None:
    assert {kind.__name__ for kind in reference.rules.rules} == set(LAYERS)


@pytest.mark.parametrize("instance", INSTANCES, ids=label)
def test_forward(instance: Instance) -> None:
    layer, shape = instance
    module, x = single(layer, shape), inputs(layer, shape, 3, 1)
    expected = reference.forward(layer, x, weights_of(module))
    given, _, _ = answers(module, x)
    assert given.shape == expected.shape
    np.testing.assert_allclose(given, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("instance", INSTANCES, ids=label)
def test_gradients(instance: Instance) -> None:
    """Along random directions in input and weights: (E(θ + εd) − E(θ − εd)) / 2ε of the reference = gradient · d."""
    layer, shape = instance
    module, x = single(layer, shape), inputs(layer, shape, 2, 2)
    weights = weights_of(module)
    out, by_input, by_weight = answers(module, x)
    upstream = drawn(out.shape, 3)
    _, by_input, by_weight = answers(module, x, upstream)

    def energy(x: Array, weights: Weights) -> float:
        return float((reference.forward(layer, x, weights) * upstream).sum())

    # two steps, so that a kink (of a maximum, a ReLU) within one of them is not taken for a wrong gradient
    def slope(direction: Array, name: str | None) -> list[float]:
        found = []
        for step in (1e-5, 1e-6):
            moved = [
                energy(x + sign * step * direction, weights)
                if name is None
                else energy(x, {**weights, name: weights[name] + sign * step * direction})
                for sign in (1, -1)
            ]
            found.append((moved[0] - moved[1]) / (2 * step))
        return found

    unused = {"visible_bias"}  # works downwards only
    trainable = [name.split(".", 1)[-1] for name, _ in module.named_parameters()]
    trainable = [name for name in trainable if name not in unused]
    assert sorted(by_weight) == sorted(trainable)
    by_input_too = [] if isinstance(shape, Tokens) else [(None, by_input)]  # tokens are not values to move along
    for seed, (name, gradient) in enumerate([*by_input_too, *by_weight.items()]):
        direction = drawn(gradient.shape, 10 + seed)
        along, scale = float((gradient * direction).sum()), 1 + float(np.abs(gradient).sum())
        assert min(abs(along - found) for found in slope(direction, name)) < 2e-6 * scale, f"by {name or 'input'}"


@pytest.mark.parametrize("shape", [(10,), (8, 3), (4, 3, 5)])
def test_batch_normalisation_in_training(shape: tuple[int, ...]) -> None:
    """Batch statistics in forward; running ones by Keras' momentum, the variance divided by n as Keras and ONNX keep it."""
    layer = LAYERS["BatchNormalization"](momentum=0.8, epsilon=0.01)  # type: ignore[call-arg]
    module, x = single(layer, shape), drawn((6, *shape), 4)
    before = weights_of(module)
    given, by_input, _ = answers(module.train(), x, upstream := drawn((6, *shape), 5))
    np.testing.assert_allclose(given, reference.batch_normalised(layer, x, before), atol=1e-10)
    mean, variance = reference.batch_statistics(x)
    after = weights_of(module)
    np.testing.assert_allclose(after["running_mean"], 0.8 * before["running_mean"] + 0.2 * mean)
    np.testing.assert_allclose(after["running_var"], 0.8 * before["running_var"] + 0.2 * variance)
    direction, step = drawn(x.shape, 6), 1e-6
    ends = [(reference.batch_normalised(layer, x + s * step * direction, before) * upstream).sum() for s in (1, -1)]
    assert (ends[0] - ends[1]) / (2 * step) == pytest.approx((by_input * direction).sum(), rel=1e-5, abs=1e-6)
