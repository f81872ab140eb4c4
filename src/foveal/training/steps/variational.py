"""Learning a distribution of pictures by way of a few hidden numbers: the variational autoencoder's step and its bounds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveal.backends.torch import Network
from foveal.training.config import TrainingConfig
from foveal.training.steps import Values
from foveal.training.steps.base import LossStep, require_submodules


class Variational(LossStep):
    """Raises the evidence lower bound (Kingma, Welling 2013, equations 3 and 10).

        ELBO = E_q(z|x) [ln p(x|z)] − KL(q(z|x) ‖ N(0, I)),   loss = −E[ln p(x|z)] + β · KL, in nats a picture

    The first part is estimated by one draw z = μ + σ · n a picture, the second is exact. p(x|z) is a Bernoulli distribution a
    pixel. Grey pixels are taken as they are, x ln p + (1 − x) ln (1 − p), which is the expectation of the bound over pictures
    whose pixels are drawn black or white with probability x; with ``binarise`` they are drawn, anew every time.

    The values are ``loss``, ``reconstruction`` (−E[ln p(x|z)]) and ``kl``.

    Args:
        module: a tree of three parts: ``encoder`` (picture → 2k numbers), ``sampling`` (a Sampling layer) and ``decoder``
            (k numbers → logits of the pixels).
        config: optimizer, precision and the rest; its loss is not used.
        steps_per_epoch: for the schedule.
        beta: what the divergence counts; 1 is the bound (other values: Higgins et al. 2017).
        binarise: whether grey pixels are drawn black or white.

    Batches are ``(pictures, …)``, values from 0 to 1; labels are not looked at.
    """

    module: Network

    def __init__(
        self,
        module: nn.Module,
        config: TrainingConfig,
        steps_per_epoch: int,
        *,
        beta: float = 1.0,
        binarise: bool = False,
    ) -> None:
        module = require_submodules(module, "Variational", "encoder", "sampling", "decoder")
        self.encoder, self.sampling, self.decoder = (module.node(part) for part in ("encoder", "sampling", "decoder"))
        super().__init__(module, config, steps_per_epoch, ends=(self.encoder, self.decoder))
        self.beta, self.binarise = beta, binarise

    def _measured(self, batch: Any) -> Values:
        x = self._seen(batch[0], None)
        with self._autocast():
            posterior = self.encoder(x)
        posterior = posterior.float()
        z = self.sampling(posterior)
        with self._autocast():
            logits = self.decoder(z)
        return self._values(-log_likelihood(x, logits).mean(), divergence(*halves(posterior)).mean())

    def _seen(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        return binarised(x, generator) if self.binarise else x

    def _values(self, reconstruction: Tensor, kl: Tensor) -> Values:
        return {"loss": reconstruction + self.beta * kl, "reconstruction": reconstruction, "kl": kl}

    def _validation(self) -> Callable[[Any], Values]:
        draw = torch.Generator().manual_seed(self.seed)

        def measure(batch: Any) -> Values:
            x = self._seen(batch[0], draw)
            reconstruction, kl = bound(self.module, x, draw)
            return self._values(-reconstruction.mean(), kl.mean())

        return measure


def halves(posterior: Tensor) -> tuple[Tensor, Tensor]:
    """Means and log-variances, (N, k) each, of an encoder's (N, 2k)."""
    mean, log_variance = posterior.float().chunk(2, dim=1)
    return mean, log_variance


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """KL(N(μ, σ²) ‖ N(0, I)) = ½ Σ (μ² + σ² − 1 − ln σ²), (N,) in nats (Kingma, Welling 2013, appendix B).

    Example:
        >>> divergence(torch.tensor([[3.0, 0.0]]), torch.zeros(1, 2)).tolist()  # half the squared distance of the means
        [4.5]
    """
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum(1)


def log_likelihood(x: Tensor, logits: Tensor) -> Tensor:
    """Σ x ln p + (1 − x) ln (1 − p) over the pixels with p = σ(logit), (N,) in nats.

    Example:
        >>> round(float(log_likelihood(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2))[0]), 4)  # 4 ln ½
        -2.7726
    """
    return -F.binary_cross_entropy_with_logits(logits.float(), x, reduction="none").flatten(1).sum(1)


def binarised(x: Tensor, generator: torch.Generator | None = None) -> Tensor:
    """Each pixel 1 with the probability that is its grey value, else 0.

    Example:
        >>> binarised(torch.tensor([0.0, 1.0])).tolist()
        [0.0, 1.0]
    """
    return (torch.rand(x.shape, generator=generator).to(x) < x).to(x)


def bound(module: Network, x: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Both parts of the bound of each picture, by one draw: (ln p(x|z), KL), (N,) each, in nats; ELBO = first − second."""
    mean, log_variance = halves(module.node("encoder")(x))
    z = drawn(mean, log_variance, generator)
    return log_likelihood(x, module.node("decoder")(z)), divergence(mean, log_variance)


def importance_bound(module: Network, x: Tensor, generator: torch.Generator, draws: int) -> Tensor:
    """ln (1/K Σₖ p(x|zₖ) p(zₖ) / q(zₖ|x)), (N,) in nats: never looser than the ELBO on average (Burda et al. 2015, eq. 8)."""
    mean, log_variance = halves(module.node("encoder")(x))
    weights = []
    for _ in range(draws):
        z = drawn(mean, log_variance, generator)
        prior = -0.5 * z.square().sum(1)
        proposal = -0.5 * ((z - mean).square() * (-log_variance).exp() + log_variance).sum(1)
        weights.append(log_likelihood(x, module.node("decoder")(z)) + prior - proposal)
    return torch.stack(weights).logsumexp(0) - math.log(draws)


def drawn(mean: Tensor, log_variance: Tensor, generator: torch.Generator) -> Tensor:
    """z = μ + σ · n with n from the generator: what the Sampling layer does in training, repeatable in evaluation."""
    noise = torch.randn(mean.shape, generator=generator).to(mean)
    return mean + (0.5 * log_variance).exp() * noise
