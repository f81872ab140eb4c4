"""Each loss and its gradient beside a NumPy formula and its difference quotient."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from foveal.errors import ConfigurationError
from foveal.training.config import TrainingConfig
from foveal.training.loss import loss_function, measures

Array = NDArray[np.float64]
N, K = 5, 4
DRAW = np.random.default_rng(7)
SCORES = DRAW.normal(size=(N, K)) * 2
LABELS = DRAW.integers(0, K, N)
ONE_HOT = np.eye(K)[LABELS]
SOFT = DRAW.dirichlet(np.ones(K), N)


def softmax(x: Array) -> Array:
    e = np.exp(x - x.max(1, keepdims=True))
    return np.asarray(e / e.sum(1, keepdims=True))


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def cross_entropy(p: Array, targets: Array, s: float) -> float:
    p = p / p.sum(1, keepdims=True)
    return float(-(((1 - s) * targets + s / K) * np.log(p)).sum(1).mean())


def binary(p: Array, targets: Array, s: float) -> float:
    t = (1 - s) * targets + s / 2
    return float(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean())


def one_against_the_rest(x: Array, labels: NDArray[np.int64]) -> float:
    total = 0.0
    for row, y in zip(x, labels, strict=True):
        total += sum(max(0.0, 1 - row[j] if j == y else 1 + row[j]) for j in range(len(row)))
    return total / x.size


def strongest_other(x: Array, labels: NDArray[np.int64]) -> float:
    total = 0.0
    for row, y in zip(x, labels, strict=True):
        total += max(0.0, 1 + max(0.0, *(row[j] for j in range(len(row)) if j != y)) - row[y])
    return total / len(x)


CASES: dict[str, tuple[TrainingConfig, Array, Array, Callable[[Array], float]]] = {
    "cross-entropy": (TrainingConfig(), SCORES, LABELS, lambda x: cross_entropy(softmax(x), ONE_HOT, 0.0)),
    "cross-entropy, smoothed": (
        TrainingConfig(label_smoothing=0.1), SCORES, LABELS, lambda x: cross_entropy(softmax(x), ONE_HOT, 0.1)
    ),
    "cross-entropy, soft targets": (
        TrainingConfig(label_smoothing=0.2), SCORES, SOFT, lambda x: cross_entropy(softmax(x), SOFT, 0.2)
    ),
    "cross-entropy of probabilities": (
        TrainingConfig(from_logits=False), softmax(SCORES), LABELS, lambda p: cross_entropy(p, ONE_HOT, 0.0)
    ),
    "cross-entropy of probabilities, smoothed": (
        TrainingConfig(from_logits=False, label_smoothing=0.1), softmax(SCORES), LABELS,
        lambda p: cross_entropy(p, ONE_HOT, 0.1),
    ),
    "cross-entropy of probabilities, soft targets": (
        TrainingConfig(from_logits=False), softmax(SCORES), SOFT, lambda p: cross_entropy(p, SOFT, 0.0)
    ),
    "binary": (
        TrainingConfig(loss="binary_cross_entropy"), SCORES, ONE_HOT, lambda x: binary(sigmoid(x), ONE_HOT, 0.0)
    ),
    "binary of probabilities, smoothed": (
        TrainingConfig(loss="binary_cross_entropy", from_logits=False, label_smoothing=0.1), sigmoid(SCORES), LABELS,
        lambda p: binary(p, ONE_HOT, 0.1),
    ),
    "binary, one output": (
        TrainingConfig(loss="binary_cross_entropy"), SCORES[:, :1], LABELS % 2,
        lambda x: binary(sigmoid(x), (LABELS % 2)[:, None].astype(float), 0.0),
    ),
    "mse": (TrainingConfig(loss="mse"), SCORES, SOFT, lambda x: float(((x - SOFT) ** 2).mean())),
    "mse of class numbers": (TrainingConfig(loss="mse"), SCORES, LABELS, lambda x: float(((x - ONE_HOT) ** 2).mean())),
    "mae": (TrainingConfig(loss="mae"), SCORES, SOFT, lambda x: float(np.abs(x - SOFT).mean())),
    "hinge": (TrainingConfig(loss="hinge"), SCORES, LABELS, lambda x: one_against_the_rest(x, LABELS)),
    "hinge of one-hot rows": (TrainingConfig(loss="hinge"), SCORES, ONE_HOT, lambda x: one_against_the_rest(x, LABELS)),
    "hinge of -1 and 1": (
        TrainingConfig(loss="hinge"), SCORES, 2 * ONE_HOT - 1, lambda x: one_against_the_rest(x, LABELS)
    ),
    "hinge, one output": (
        TrainingConfig(loss="hinge"), SCORES[:, :1], LABELS % 2,
        lambda x: float(np.maximum(0, 1 - (2 * (LABELS % 2) - 1) * x[:, 0]).mean()),
    ),
    "hinge, one output, -1 and 1": (
        TrainingConfig(loss="hinge"), SCORES[:, :1], 2 * (LABELS % 2) - 1,
        lambda x: float(np.maximum(0, 1 - (2 * (LABELS % 2) - 1) * x[:, 0]).mean()),
    ),
    "categorical hinge": (
        TrainingConfig(loss="categorical_hinge"), SCORES, LABELS, lambda x: strongest_other(x, LABELS)
    ),
    "categorical hinge of one-hot rows": (
        TrainingConfig(loss="categorical_hinge"), SCORES, ONE_HOT, lambda x: strongest_other(x, LABELS)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_value_and_gradient(name: str) -> None:
    config, x, targets, reference = CASES[name]
    outputs = torch.tensor(x, dtype=torch.float32, requires_grad=True)
    answers = torch.tensor(targets, dtype=torch.float32 if targets.dtype.kind == "f" else torch.int64)
    loss = loss_function(config)(outputs, answers)
    loss.backward()
    assert loss.shape == ()
    assert float(loss.detach()) == pytest.approx(reference(x), rel=1e-5, abs=1e-6)
    step = 1e-5
    quotient = np.zeros_like(x)
    for at in np.ndindex(*x.shape):
        up, down = x.copy(), x.copy()
        up[at] += step
        down[at] -= step
        quotient[at] = (reference(up) - reference(down)) / (2 * step)
    assert outputs.grad is not None
    np.testing.assert_allclose(outputs.grad.numpy(), quotient, rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_certain_and_wrong_probabilities_give_a_finite_loss(loss: str) -> None:
    config = TrainingConfig(loss=loss, from_logits=False)
    outputs = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    value = loss_function(config)(outputs, torch.tensor([1, 0]))
    value.backward()
    assert float(value.detach()) == pytest.approx(-np.log(1e-7), rel=1e-2)
    assert outputs.grad is not None
    assert bool(torch.isfinite(outputs.grad).all())


@given(st.integers(1, 30), st.integers(2, 8), st.integers(0, 99))
def test_accuracy_counts(n: int, k: int, seed: int) -> None:
    draw = np.random.default_rng(seed)
    x, y = draw.normal(size=(n, k)), draw.integers(0, k, n)
    found = measures(TrainingConfig())["accuracy"](torch.tensor(x), torch.tensor(y))
    assert float(found) == pytest.approx((x.argmax(1) == y).mean())
    assert float(measures(TrainingConfig())["accuracy"](torch.tensor(x), torch.eye(k)[y])) == pytest.approx(
        float(found)
    )


def test_accuracy_of_a_single_output_depends_on_what_it_is() -> None:
    targets = torch.tensor([1, 0, 1])
    logits = measures(TrainingConfig(loss="binary_cross_entropy"))["accuracy"]
    chances = measures(TrainingConfig(loss="binary_cross_entropy", from_logits=False))["accuracy"]
    assert float(logits(torch.tensor([[0.2], [-0.2], [0.3]]), targets)) == 1.0
    assert float(chances(torch.tensor([[0.2], [0.1], [0.7]]), targets)) == pytest.approx(2 / 3)


def test_accuracy_is_one_whichever_way_the_labels_are_written() -> None:
    """With several outputs the largest counts, as Keras 3 resolves "accuracy"; "binary_accuracy" counts every output."""
    draw = np.random.default_rng(0)
    x, y = torch.tensor(draw.random((200, 10))), torch.tensor(draw.integers(0, 10, 200))
    rows = torch.eye(10)[y]
    for loss in ("binary_cross_entropy", "cross_entropy", "mse", "hinge"):
        found = measures(TrainingConfig(loss=loss, from_logits=False, metrics=("accuracy", "binary_accuracy")))
        assert (
            float(found["accuracy"](x, y))
            == float(found["accuracy"](x, rows))
            == float((x.argmax(1) == y).float().mean())
        )
        assert float(found["binary_accuracy"](x, y)) == float(found["binary_accuracy"](x, rows))


def test_shapes_that_do_not_fit_are_explained_not_broadcast() -> None:
    with pytest.raises(ConfigurationError) as caught:
        loss_function(TrainingConfig(loss="mse"))(torch.zeros(4, 3), torch.zeros(4))
    assert caught.value.given == "outputs (4, 3), targets (4,)"


def test_losses_are_computed_in_float32() -> None:
    outputs = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    for config in (TrainingConfig(), TrainingConfig(loss="mse"), TrainingConfig(loss="hinge")):
        assert loss_function(config)(outputs.bfloat16(), torch.zeros(8, dtype=torch.int64)).dtype == torch.float32
