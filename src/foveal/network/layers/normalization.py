"""Layers that bring values to a common scale."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foveal.errors import DescriptionError
from foveal.network.fields import Refused, checked, flag, number, positive
from foveal.network.node import Node


@dataclass(frozen=True, repr=False, kw_only=True)  # Keras' first argument is the axis, which is always the last here
class BatchNormalization(Node):
    """Each channel to mean 0 and variance 1 over the batch, then scaled and shifted by learned values (Ioffe, Szegedy 2015).

    Parameters: 2 × channels learned (scale, shift), and 2 × channels running statistics that are counted apart.

    Args:
        momentum: running = momentum × running + (1 − momentum) × batch (Keras' meaning; PyTorch's is 1 − this).
        epsilon: added to the variance.
        center, scale: whether there is a learned shift and a learned factor.
    """

    momentum: float = checked(number(0.0, 1.0), 0.99)
    epsilon: float = checked(number(0.0), 1e-3)
    center: bool = checked(flag, True)
    scale: bool = checked(flag, True)


@dataclass(frozen=True, repr=False, kw_only=True)  # Keras' first argument is the axis, which is always the last here
class LayerNormalization(Node):
    """Each position's channels to mean 0 and variance 1, then scaled and shifted by learned values (Ba et al. 2016).

    Args:
        epsilon: added to the variance.
        center, scale: whether there is a learned shift and a learned factor.
    """

    epsilon: float = checked(number(0.0), 1e-3)
    center: bool = checked(flag, True)
    scale: bool = checked(flag, True)


@dataclass(frozen=True, repr=False)
class LocalResponseNormalization(Node):
    """AlexNet's competition among neighbouring feature maps: x / (k + alpha × Σ x²)^beta, over ``size`` channels.

    Krizhevsky, Sutskever, Hinton 2012, section 3.3. (PyTorch divides alpha by size; here alpha is the paper's.)
    """

    size: int = checked(positive, 5)
    alpha: float = checked(number(0.0), 1e-4)
    beta: float = checked(number(0.0), 0.75)
    k: float = checked(number(0.0), 2.0)


@dataclass(frozen=True, repr=False)
class Rescaling(Node):
    """x × scale + offset, on every value: ``Rescaling(2.0, -1.0)`` takes 0…1 to −1…1."""

    scale: float = checked(number())
    offset: float = checked(number(), 0.0)


def _constants(value: Any) -> tuple[float, ...]:
    check = number()
    values = (value,) if isinstance(value, int | float) else value
    if not isinstance(values, list | tuple) or not values:
        raise Refused("a number, or one a channel", "…=0.2860")
    return tuple(check(v) for v in values)


@dataclass(frozen=True, repr=False)
class Normalization(Node):
    """(x − mean) / √variance with fixed constants, one for all channels or one a channel.

    Example:
        >>> Normalization(mean=0.2860, variance=0.1246)  # Fashion-MNIST
        Normalization(mean=(0.286,), variance=(0.1246,))
    """

    mean: Any = checked(_constants, 0.0)
    variance: Any = checked(_constants, 1.0)

    def validate(self) -> None:
        if min(self.variance) <= 0:
            raise DescriptionError(
                "a variance must be above 0",
                where=self.name or self.kind,
                given=f"variance={self.variance}",
                expected="positive numbers: the square of the standard deviation",
                fix="drop channels that never vary, or give variance=1.0",
            )
        if len(self.mean) != len(self.variance) and 1 not in (len(self.mean), len(self.variance)):
            raise DescriptionError(
                "mean and variance disagree on the number of channels",
                where=self.name or self.kind,
                given=f"{len(self.mean)} means, {len(self.variance)} variances",
                expected="one of each a channel, or one for all",
                fix="give as many variances as means",
            )


@dataclass(frozen=True, repr=False)
class UnitNormalization(Node):
    """Each position's channels to length 1: x / max(√Σx², 10⁻¹²), so that only the direction is left.

    Distances between such vectors are those of angles: ‖x − y‖² = 2 − 2 cos(x, y). (Schroff, Kalenichenko, Philbin 2015,
    "FaceNet", section 3: embeddings live on the hypersphere.)
    """
