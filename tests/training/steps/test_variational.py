"""The variational bound against numbers found another way: sampling, quadrature, NumPy."""

from __future__ import annotations

import functools

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import build
from foveal.data.batches.in_memory import TensorBatches
from foveal.network import Sequential, layers
from foveal.training import TrainingConfig, run
from foveal.training.steps.variational import (
    Variational,
    binarised,
    bound,
    divergence,
    drawn,
    importance_bound,
    log_likelihood,
)

CONFIG = TrainingConfig(epochs=1, batch_size=32, lr=0.01, metrics=(), precision="fp32")


def tiny(pixels: int = 3, latent: int = 1) -> Sequential:
    return Sequential(
        [
            Sequential([layers.Dense(2 * latent, name="posterior")], name="encoder"),
            layers.Sampling(latent, name="sampling"),
            Sequential([layers.Dense(pixels, name="pixels")], name="decoder"),
        ],
        input_shape=pixels,
    )


def test_the_closed_divergence_is_what_sampling_finds():
    mean, log_variance = np.array([0.7, -1.2, 0.1]), np.array([-0.5, 0.4, -2.0])
    draw = np.random.default_rng(0)
    z = mean + np.exp(log_variance / 2) * draw.standard_normal((400_000, 3))
    of_q = -0.5 * ((z - mean) ** 2 / np.exp(log_variance) + log_variance).sum(1)
    of_p = -0.5 * (z**2).sum(1)
    found = float(divergence(torch.tensor(mean[None]), torch.tensor(log_variance[None]))[0])
    assert found == pytest.approx((of_q - of_p).mean(), abs=0.01)


def test_the_likelihood_is_that_of_numpy():
    draw = np.random.default_rng(1)
    x, logits = draw.uniform(size=(4, 1, 3, 3)), draw.standard_normal((4, 1, 3, 3))
    p = 1 / (1 + np.exp(-logits))
    wanted = (x * np.log(p) + (1 - x) * np.log(1 - p)).sum((1, 2, 3))
    assert log_likelihood(torch.tensor(x), torch.tensor(logits)).numpy() == pytest.approx(wanted, rel=1e-5)


def exact(module, x: np.ndarray) -> np.ndarray:
    """ln p(x) by quadrature over the one latent number."""
    z = np.linspace(-8, 8, 4001)
    weight = module.node("decoder/pixels").weight.detach().double().numpy()
    bias = module.node("decoder/pixels").bias.detach().double().numpy()
    logits = z[:, None] * weight[:, 0] + bias
    each = -np.logaddexp(0, logits)[None] * (1 - x[:, None]) - np.logaddexp(0, -logits)[None] * x[:, None]
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    return np.log((np.exp(each.sum(-1)) * density).sum(1) * (z[1] - z[0]))


def test_the_bounds_lie_in_order_below_the_likelihood():
    module = build(tiny(), seed=2).eval()
    with torch.no_grad():
        module.node("decoder/pixels").weight.mul_(3)
    x = np.array([[0.0, 1.0, 1.0], [1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    many = torch.from_numpy(np.repeat(x, 4000, axis=0)).float()
    draw = torch.Generator().manual_seed(0)
    mean = lambda values: values.double().reshape(3, 4000).mean(1).numpy()  # noqa: E731
    with torch.no_grad():
        likelihood, kl = bound(module, many, draw)
        elbo = mean(likelihood - kl)
        five = mean(importance_bound(module, many, draw, 5))
        hundred = mean(importance_bound(module, many, draw, 100))
    wanted = exact(module, x)
    assert (elbo < five - 0.005).all()
    assert (five < hundred).all()
    assert hundred == pytest.approx(wanted, abs=0.02)


def test_draws_have_the_moments_that_were_asked_for_and_repeat():
    mean, log_variance = torch.full((50_000, 1), 2.0), torch.full((50_000, 1), -1.0)
    z = drawn(mean, log_variance, torch.Generator().manual_seed(0))
    assert float(z.mean()) == pytest.approx(2.0, abs=0.01)
    assert float(z.var()) == pytest.approx(np.exp(-1.0), rel=0.02)
    assert torch.equal(z, drawn(mean, log_variance, torch.Generator().manual_seed(0)))
    grey = torch.full((1, 100_000), 0.3)
    assert float(binarised(grey, torch.Generator().manual_seed(0)).mean()) == pytest.approx(0.3, abs=0.01)


def pictures(count: int = 96) -> torch.Tensor:
    """Two kinds of stripes, blurred: a latent number is worth having."""
    draw = torch.Generator().manual_seed(5)
    kind = torch.randint(2, (count,), generator=draw)
    base = torch.stack([torch.arange(48) % 2, 1 - torch.arange(48) % 2]).float()[kind]
    return (0.1 + 0.8 * base + 0.1 * torch.rand(count, 48, generator=draw)).reshape(count, 6, 8, 1)


def test_training_raises_the_bound_and_repeats_its_bits():
    found = []
    for _ in range(2):
        module = build(zoo.vae((6, 8, 1), latent=2, hidden=(16,)), seed=0)
        batches = TensorBatches(pictures(), torch.zeros(96), 32)
        history = run(module, batches, batches, CONFIG.replace(epochs=12), make_step=Variational)
        found.append(history.history)
    assert found[0] == found[1]
    loss = found[0]["val_loss"]
    assert loss[-1] < loss[0] - 5
    for name in ("", "val_"):
        sums = np.add(found[0][f"{name}reconstruction"], found[0][f"{name}kl"])
        assert found[0][f"{name}loss"] == pytest.approx(sums, rel=1e-5)


def test_a_heavier_divergence_tells_less():
    told = []
    for beta in (0.1, 4.0):
        module = build(zoo.vae((6, 8, 1), latent=2, hidden=(16,)), seed=0)
        batches = TensorBatches(pictures(), torch.zeros(96), 32)
        step = functools.partial(Variational, beta=beta)
        told.append(run(module, batches, None, CONFIG.replace(epochs=12), make_step=step).history["kl"][-1])
    assert told[1] < told[0] / 3
