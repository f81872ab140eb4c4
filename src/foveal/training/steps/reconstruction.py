"""Learning to give back what came in: autoencoders, plain, sparse and denoising."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foveal.backends.torch import Network
from foveal.errors import ConfigurationError, UnknownName
from foveal.training.config import TrainingConfig
from foveal.training.loss import loss_function
from foveal.training.steps import Values
from foveal.training.steps.base import LossStep, require_submodules
from foveal.training.steps.corruption import Corruption

PENALTIES = ("kl", "l1")
_EDGE = 1e-6  # a unit that is never active has a finite divergence, and a gradient


@dataclass(frozen=True)
class Sparsity:
    """A penalty on a code whose units are active too often.

    ``kl``: β · Σⱼ KL(ρ ‖ ρ̂ⱼ), where ρ̂ⱼ is unit j's mean activation over the batch and KL(ρ ‖ ρ̂) = ρ ln(ρ / ρ̂) +
    (1 − ρ) ln((1 − ρ) / (1 − ρ̂)); for activations from 0 to 1 (Ng 2011, CS294A lecture notes, section 3; the idea is that of
    Lee, Ekanadham, Ng 2008). ``l1``: β · Σⱼ |aⱼ|, the mean over the batch, for activations of any size.

    Args:
        kind: kl or l1.
        weight: β.
        target: ρ, how active a unit is to be on average.

    Raises:
        UnknownName: another kind.
        ConfigurationError: a target that is not a share, or a negative weight.

    Example:
        >>> round(float(Sparsity("kl", 1.0, 0.05)(torch.full((4, 3), 0.2))), 4)  # 3 · (0.05 ln ¼ + 0.95 ln (0.95 / 0.8))
        0.2818
    """

    kind: str = "kl"
    weight: float = 1.0
    target: float = 0.05

    def __post_init__(self) -> None:
        if self.kind not in PENALTIES:
            raise UnknownName(
                "there is no such penalty",
                where="sparsity",
                given=repr(self.kind),
                expected=f"one of {', '.join(PENALTIES)}",
                fix=list(PENALTIES),
            )
        if not 0 < self.target < 1 or self.weight < 0:
            raise ConfigurationError(
                "a sparse code cannot be asked for like this",
                where="sparsity",
                given=f"target {self.target}, weight {self.weight}",
                expected="a target between 0 and 1, a weight of 0 or more",
                fix="target 0.05, weight 1",
            )

    def __call__(self, code: Tensor) -> Tensor:
        """The penalty of a batch of codes, (N, …)."""
        active = code.float().flatten(1)
        if self.kind == "l1":
            return self.weight * active.abs().sum(1).mean()
        mean, rho = active.mean(0).clamp(_EDGE, 1 - _EDGE), self.target
        divergence = rho * (rho / mean).log() + (1 - rho) * ((1 - rho) / (1 - mean)).log()
        return self.weight * divergence.sum()


class Reconstruction(LossStep):
    """One network that is to give its own input back.

    The loss is that of the configuration (``mse``, the mean over all pixels; or ``binary_cross_entropy``) between what comes
    out and the *clean* input, whatever was done to what goes in (Vincent et al. 2008), and the penalty on the code where
    one is given. The values are ``loss``, and where there is a penalty its two parts ``reconstruction`` and ``penalty``.

    Args:
        module: a tree of two parts, ``encoder`` and ``decoder``; pictures (N, C, H, W) come out as they went in.
        config: loss, optimizer, precision and the rest.
        steps_per_epoch: for the schedule.
        corruption: what is done to the input; None for nothing.
        sparsity: the penalty on the code; None for none.

    Batches are ``(pictures, …)``; labels are not looked at.
    """

    module: Network

    def __init__(
        self,
        module: nn.Module,
        config: TrainingConfig,
        steps_per_epoch: int,
        *,
        corruption: Corruption | None = None,
        sparsity: Sparsity | None = None,
    ) -> None:
        module = require_submodules(module, "Reconstruction", "encoder", "decoder")
        super().__init__(module, config, steps_per_epoch)
        self.encoder, self.decoder = module.node("encoder"), module.node("decoder")
        self.corruption, self.sparsity = corruption, sparsity
        self.distance = loss_function(config)

    def _measured(self, batch: Any) -> Values:
        return self._values(batch[0], None)

    def _values(self, clean: Tensor, generator: torch.Generator | None) -> Values:
        given = clean if self.corruption is None else self.corruption(clean, generator)
        with self._autocast():
            code = self.encoder(given)
            back = self.decoder(code)
        loss = self.distance(back.flatten(1), clean.flatten(1))
        extra = self.module.regularization_loss()
        if extra is not None:
            loss = loss + extra
        if self.sparsity is None:
            return {"loss": loss}
        penalty = self.sparsity(code)
        return {"loss": loss + penalty, "reconstruction": loss, "penalty": penalty}

    def _validation(self) -> Callable[[Any], Values]:
        draw = torch.Generator().manual_seed(self.seed)
        return lambda batch: self._values(batch[0], draw)
