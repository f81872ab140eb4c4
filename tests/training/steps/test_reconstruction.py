"""Autoencoders against what is known of them: principal components, the penalty in NumPy, noise on one side only."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from foveal.backends.torch import build
from foveal.data.batches.in_memory import TensorBatches
from foveal.errors import ConfigurationError, UnknownName
from foveal.network import Sequential, layers
from foveal.training import TrainingConfig, run
from foveal.training.steps import Capturable, Step
from foveal.training.steps.adversarial import Adversarial
from foveal.training.steps.corruption import Corruption
from foveal.training.steps.reconstruction import Reconstruction, Sparsity
from foveal.training.steps.variational import Variational

CONFIG = TrainingConfig(epochs=1, batch_size=64, loss="mse", metrics=(), precision="fp32")


def halves(values: int, code: int, activation: str | None = None) -> Sequential:
    encoder = Sequential([layers.Dense(code, activation=activation, name="code")], name="encoder")
    return Sequential([encoder, Sequential([layers.Dense(values, name="out")], name="decoder")], input_shape=values)


def rows(count: int = 256, values: int = 8) -> np.ndarray:
    draw = np.random.default_rng(3)
    turned = np.linalg.qr(draw.standard_normal((values, values)))[0]
    spread = np.array([1.0, 0.8, 0.6, *[0.15] * (values - 3)])
    return (draw.standard_normal((count, values)) * spread @ turned + 0.5).astype(np.float32)


def test_a_linear_autoencoder_finds_the_principal_components():
    """Baldi, Hornik 1989: the squared error has one minimum, the projection on the first components."""
    data, code = rows(), 3
    module = build(halves(8, code), seed=0)
    x = torch.from_numpy(data)
    config = CONFIG.replace(epochs=200, lr=0.02, schedule="cosine")
    run(module, TensorBatches(x, torch.zeros(len(x)), 64), None, config, make_step=Reconstruction)
    best = PCA(code).fit(data)
    least = float(((best.inverse_transform(best.transform(data)) - data) ** 2).mean())
    found = float(((module.predict(data) - data) ** 2).mean())
    assert least * (1 - 1e-5) <= found < least * 1.01
    spanned = np.linalg.qr(module.node("decoder/out").weight.detach().numpy())[0]
    cosines = np.linalg.svd(best.components_ @ spanned, compute_uv=False)
    assert cosines.min() > 0.999, "the decoder spans the principal plane"


def test_the_divergence_is_that_of_numpy():
    code = np.random.default_rng(0).uniform(0.01, 0.9, (50, 7))
    mean, rho = code.mean(0), 0.05
    wanted = 3.0 * (rho * np.log(rho / mean) + (1 - rho) * np.log((1 - rho) / (1 - mean))).sum()
    assert float(Sparsity("kl", 3.0, rho)(torch.from_numpy(code))) == pytest.approx(wanted, rel=1e-5)
    assert float(Sparsity("kl", 3.0, 0.2)(torch.full((5, 4), 0.2))) == pytest.approx(0.0, abs=1e-6)


def test_the_absolute_penalty_is_that_of_numpy():
    code = np.random.default_rng(0).standard_normal((50, 7, 2, 2))
    assert float(Sparsity("l1", 0.3)(torch.from_numpy(code))) == pytest.approx(0.3 * np.abs(code).sum() / 50, rel=1e-5)


def test_the_penalty_makes_units_rarer_and_costs_error():
    data = 1 / (1 + np.exp(-3 * rows()))
    x = torch.from_numpy(data.astype(np.float32))
    config = CONFIG.replace(epochs=40, lr=0.02)
    activity, error = [], []
    for weight in (0.0, 0.3):
        module = build(halves(8, 6, "sigmoid"), seed=0)
        step = functools.partial(Reconstruction, sparsity=Sparsity("kl", weight, 0.1))
        history = run(module, TensorBatches(x, torch.zeros(len(x)), 64), None, config, make_step=step)
        activity.append(float(module.node("encoder")(x).detach().mean()))
        error.append(history.history["reconstruction"][-1])
    assert activity[1] < 0.2 < activity[0]
    assert error[1] > error[0]


def test_the_target_is_the_clean_input():
    """A network that hands everything on has, on noisy input, exactly the noise as its error."""
    module = build(halves(8, 8), seed=0)
    with torch.no_grad():
        module.node("encoder/code").weight.copy_(torch.eye(8))
        module.node("decoder/out").weight.copy_(torch.eye(8))
    clean = torch.rand(200, 8, generator=torch.Generator().manual_seed(1))
    noise = Corruption("masking", 0.4)
    step = Reconstruction(module, CONFIG, 1, corruption=noise)
    with step.evaluating() as measure:
        first = float(measure((clean, None))["loss"])
        second = float(measure((clean, None))["loss"])
    with step.evaluating() as measure:
        again = float(measure((clean, None))["loss"])
    spoilt = noise(clean, torch.Generator().manual_seed(CONFIG.seed))
    assert first == pytest.approx(float(((spoilt - clean) ** 2).mean()), rel=1e-6)
    assert first != second, "each batch has noise of its own"
    assert first == again, "each look at the validation set has the same noise"


@pytest.mark.parametrize("kind", ["gaussian", "masking", "salt"])
def test_noise_is_what_it_is_called(kind):
    x = torch.full((1, 1, 300, 300), 0.5)
    spoilt = Corruption(kind, 0.1)(x, torch.Generator().manual_seed(0))
    assert torch.equal(spoilt, Corruption(kind, 0.1)(x, torch.Generator().manual_seed(0)))
    assert torch.equal(x, torch.full_like(x, 0.5)), "the clean picture stays"
    changed = spoilt[spoilt != 0.5]
    if kind == "gaussian":
        assert float((spoilt - x).std()) == pytest.approx(0.1, rel=0.02)
    else:
        assert len(changed) / x.numel() == pytest.approx(0.1, abs=0.005)
        assert set(changed.tolist()) == ({0.0} if kind == "masking" else {0.0, 1.0})
        assert float(changed.mean()) == pytest.approx(0.0 if kind == "masking" else 0.5, abs=0.02)


def test_wrong_noise_and_penalties_are_explained():
    with pytest.raises(UnknownName, match="no such noise"):
        Corruption("pink", 0.1)
    with pytest.raises(ConfigurationError, match="a share from 0 to 1"):
        Corruption("masking", 1.5)
    with pytest.raises(UnknownName, match="no such penalty"):
        Sparsity("l2")
    with pytest.raises(ConfigurationError, match="a target between 0 and 1"):
        Sparsity("kl", 1.0, 1.0)


def test_it_is_a_step_that_nobody_records():
    """Its noise is drawn on the host, which a recorded CUDA graph would draw once and for all."""
    step = Reconstruction(build(halves(4, 2), seed=0), CONFIG, 1)
    assert isinstance(step, Step)
    assert not isinstance(step, Capturable)


@pytest.mark.parametrize("make", [Reconstruction, Variational, Adversarial])
def test_a_network_without_the_parts_is_refused(make):
    with pytest.raises(ConfigurationError, match="a network of named parts"):
        make(build(Sequential([layers.Dense(2)], input_shape=4)), CONFIG, 1)
    with pytest.raises(ConfigurationError, match="given     Linear"):
        make(torch.nn.Linear(4, 4), CONFIG, 1)
