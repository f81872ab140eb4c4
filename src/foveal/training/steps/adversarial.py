"""Learning to make pictures by deceiving a judge that learns to tell them from real ones: a GAN's step."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveal.backends.torch import evaluating
from foveal.training.config import TrainingConfig
from foveal.training.optim.scheduled_optimizer import ScheduledOptimizer
from foveal.training.precision import autocast
from foveal.training.steps import Values
from foveal.training.steps.base import OneNetwork, require_submodules

MOMENTS = (0.01, 0.03, 0.08, 0.2, 0.4, 0.7, 1.0)  # of a run: most happens early


class Adversarial(OneNetwork):
    """Two sides, two losses, two descents: the discriminator moves first, then the generator, once each a batch.

    The discriminator lowers −log D(x) − log(1 − D(G(z))), the generator −log D(G(z)): the loss that does not saturate while
    the discriminator is far ahead (Goodfellow et al. 2014, section 3). The discriminator's aim for real pictures may be
    less than certain (``label_smoothing``, on this side only; Salimans et al. 2016, section 3.4). Real and made pictures
    go through it apart, each with the statistics of its own batch (Radford et al. 2015). With ``config.ema`` a running
    average of the generator's weights is used in the end (Yaz et al. 2018).

    The values are ``loss`` (the generator's), ``discriminator_loss``, ``real`` and ``made``: the shares of real and of made
    pictures that the discriminator recognised for what they were before it learned from them.

    Args:
        module: a tree of two parts, ``generator`` (Vector(n) → picture) and ``discriminator`` (picture → one logit).
        config: optimizer, lr, label_smoothing, ema, precision and the rest; both sides have the same.
        steps_per_epoch: for the schedule.
        filmed: noise vectors whose pictures are kept along the way, always the same ones; 0 keeps none.
        moments: when, as shares of the whole run.

    Attributes:
        film: by the number of steps done, uint8 pictures (filmed, H, W, C) as the averaged generator then made them. They
            belong to the state, so an interrupted run keeps them.

    Batches are ``(pictures, …)``, N × C × H × W with values from 0 to 1; labels are not looked at.
    """

    def __init__(
        self,
        module: nn.Module,
        config: TrainingConfig,
        steps_per_epoch: int,
        *,
        filmed: int = 0,
        moments: Sequence[float] = MOMENTS,
    ) -> None:
        module = require_submodules(module, "Adversarial", "generator", "discriminator")
        super().__init__(module, config)
        self.generator, self.discriminator = module.node("generator"), module.node("discriminator")
        self.noise_size = int(module.input_shape.size or 1)
        self.making = ScheduledOptimizer(self.generator, config, steps_per_epoch)
        self.judging = ScheduledOptimizer(self.discriminator, config.replace(ema=None), steps_per_epoch)
        self.certainty = 1 - config.label_smoothing
        self._device = self.making.parameters[0].device
        whole = config.epochs * steps_per_epoch
        self._moments = {max(1, round(share * whole)) for share in moments} if filmed else set()
        self._filmed = self.noise(filmed, torch.Generator().manual_seed(config.seed))
        self.film: dict[int, Tensor] = {}
        self._autocast = autocast(config.precision, self._device, self.generator, self.discriminator)

    @property
    def rate(self) -> float:
        return self.making.rate

    def __call__(self, batch: Any) -> Values:
        real = batch[0]
        with self._autocast():
            made = self.generator(self.noise(len(real)))
        judged, shares = self._judge(real, made.detach())
        fooled = self._make(made)
        if self.making.count in self._moments:
            self.film[self.making.count] = self._frame()
        return {"loss": fooled, "discriminator_loss": judged, **shares}

    def noise(self, count: int, generator: torch.Generator | None = None) -> Tensor:
        """Normally distributed numbers, (count, n)."""
        return torch.randn(count, self.noise_size, generator=generator).to(self._device)

    def _judge(self, real: Tensor, made: Tensor) -> tuple[Tensor, Values]:
        """The discriminator's move."""
        self.judging.before_step()
        with self._autocast():
            of_real, of_made = self.discriminator(real), self.discriminator(made)
        loss = discriminator_loss(of_real, of_made, self.certainty)
        self.judging.step(loss)
        self.judging.after_step()
        with torch.no_grad():
            return loss.detach(), recognised(of_real, of_made)

    def _make(self, made: Tensor) -> Tensor:
        """The generator's move: the discriminator hands the gradient through, and stays as it is."""
        self.making.before_step()
        with _held(self.judging.parameters), self._autocast():
            loss = generator_loss(self.discriminator(made))
        self.making.step(loss)
        self.making.after_step()
        return loss.detach()

    @torch.no_grad()
    def _frame(self) -> Tensor:
        with self.making.averaged(), evaluating(self.generator):
            return as_pixels(self.generator(self._filmed))

    def _as_used(self) -> AbstractContextManager[None]:
        return self.making.averaged()

    def _validation(self) -> Callable[[Any], Values]:
        draw = torch.Generator().manual_seed(self.seed)

        def measure(batch: Any) -> Values:
            real = batch[0]
            with self._autocast():
                made = self.generator(self.noise(len(real), draw))
                of_real, of_made = self.discriminator(real), self.discriminator(made)
            judged = discriminator_loss(of_real, of_made, self.certainty)
            return {"loss": generator_loss(of_made), "discriminator_loss": judged, **recognised(of_real, of_made)}

        return measure

    def finish(self) -> None:
        self.making.finish()
        super().finish()

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "making": self.making.state_dict(),
            "judging": self.judging.state_dict(),
            "film": {str(count): frame for count, frame in self.film.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.making.load_state_dict(state["making"])
        self.judging.load_state_dict(state["judging"])
        self.film = {int(count): frame for count, frame in state["film"].items()}


def discriminator_loss(of_real: Tensor, of_made: Tensor, certainty: float = 1.0) -> Tensor:
    """−c log σ(r) − (1 − c) log(1 − σ(r)) − log(1 − σ(m)), the means over real logits r and logits m of made pictures.

    Example:
        >>> round(float(discriminator_loss(torch.zeros(3, 1), torch.zeros(3, 1))), 4)  # 2 ln 2: it cannot tell
        1.3863
    """
    real, made = of_real.float(), of_made.float()
    return F.binary_cross_entropy_with_logits(real, torch.full_like(real, certainty)) + F.softplus(made).mean()


def generator_loss(of_made: Tensor) -> Tensor:
    """−log σ(m), the mean over the logits m of made pictures.

    Example:
        >>> round(float(generator_loss(torch.zeros(3, 1))), 4)
        0.6931
    """
    return F.softplus(-of_made.float()).mean()


def recognised(of_real: Tensor, of_made: Tensor) -> Values:
    """The shares of real pictures with a logit above 0, and of made ones with a logit below."""
    return {"real": (of_real > 0).float().mean(), "made": (of_made < 0).float().mean()}


def as_pixels(pictures: Tensor) -> Tensor:
    """Pictures (N, C, H, W) with values from 0 to 1 as uint8 (N, H, W, C), on the CPU.

    Example:
        >>> as_pixels(torch.full((1, 1, 1, 1), 0.5)).flatten().tolist()
        [128]
    """
    return (255 * pictures.float().clamp(0, 1)).round().to(torch.uint8).movedim(1, -1).cpu().contiguous()


@contextlib.contextmanager
def _held(parameters: list[nn.Parameter]) -> Iterator[None]:
    """Inside the block nobody computes gradients of these parameters: a quarter of the step's work that would be thrown away."""
    for parameter in parameters:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in parameters:
            parameter.requires_grad_(True)
