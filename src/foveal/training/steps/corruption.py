"""Spoiling pictures on purpose, for networks that learn to fix them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from foveal.errors import ConfigurationError, UnknownName

KINDS = {
    "gaussian": "x + amount · n with n normal, cut to 0 … 1",
    "masking": "a share amount of the pixels becomes 0 (Vincent et al. 2008, section 2.3)",
    "salt": "a share amount of the pixels becomes 0 or 1, equally likely (Vincent et al. 2010, section 3.3)",
}


@dataclass(frozen=True)
class Corruption:
    """Noise on pictures whose values go from 0 to 1.

    Args:
        kind: gaussian, masking or salt; see ``KINDS``.
        amount: the normal distribution's deviation, or the share of pixels that are lost.

    Raises:
        UnknownName: no such kind.
        ConfigurationError: a negative amount, or a share above 1.

    Example:
        >>> spoilt = Corruption("masking", 0.25)(torch.ones(1, 1, 300, 300), torch.Generator().manual_seed(1))
        >>> round(float(spoilt.mean()), 2)
        0.75
    """

    kind: str = "gaussian"
    amount: float = 0.3

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise UnknownName(
                "there is no such noise",
                where="corruption",
                given=repr(self.kind),
                expected=f"one of {', '.join(KINDS)}",
                fix=list(KINDS)[:2],
            )
        most = None if self.kind == "gaussian" else 1.0
        if not 0 <= self.amount <= (most or float("inf")):
            raise ConfigurationError(
                "there cannot be so much noise",
                where="corruption",
                given=f"{self.kind} {self.amount}",
                expected="a deviation of 0 or more" if most is None else "a share from 0 to 1",
                fix="0.3",
            )

    def __call__(self, x: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """A spoilt copy; random numbers from ``generator``, or from torch's own where there is none."""
        if self.kind == "gaussian":
            drawn = torch.randn(x.shape, generator=generator).to(x)
            return x.add(drawn, alpha=self.amount).clamp_(0.0, 1.0)
        drawn = torch.rand(x.shape, generator=generator).to(x)
        if self.kind == "masking":
            return torch.where(drawn < self.amount, 0.0, x)
        spoilt = torch.where(drawn < self.amount / 2, 0.0, x)
        return torch.where(drawn >= 1 - self.amount / 2, 1.0, spoilt)
