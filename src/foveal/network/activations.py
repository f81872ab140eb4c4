"""The names of activation functions, initialisers and regularisers: closed sets, so that a file never names code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foveal.network.fields import Refused, apply, checked, number

# name: formula. The parameters α and slope stand in Activation's fields; inside other layers they have these values.
ACTIVATIONS: dict[str, str] = {
    "linear": "x",
    "step": "1 if x > 0 else 0",
    "sigmoid": "1 / (1 + e^−x)",
    "tanh": "(e^x − e^−x) / (e^x + e^−x)",
    "scaled_tanh": "1.7159 · tanh(2x / 3)",
    "relu": "max(0, x)",
    "relu6": "min(6, max(0, x))",
    "leaky_relu": "x if x > 0 else slope · x",
    "elu": "x if x > 0 else α (e^x − 1)",
    "selu": "1.0507 x if x > 0 else 1.7581 (e^x − 1)",
    "gelu": "x · Φ(x)",
    "silu": "x / (1 + e^−x)",
    "mish": "x · tanh(ln(1 + e^x))",
    "softplus": "ln(1 + e^x)",
    "softsign": "x / (1 + |x|)",
    "hard_sigmoid": "min(1, max(0, x / 6 + 1/2))",
    "exponential": "e^x",
    "softmax": "e^xᵢ / Σⱼ e^xⱼ over the channels",
    "log_softmax": "xᵢ − ln Σⱼ e^xⱼ over the channels",
}

# name: the spread of the distribution; n_in and n_out are the values a unit sees, and those that see it.
INITIALIZERS: dict[str, str] = {
    "glorot_uniform": "uniform in ±√(6 / (n_in + n_out)); Glorot, Bengio 2010",
    "glorot_normal": "normal, variance 2 / (n_in + n_out), cut at two deviations",
    "he_uniform": "uniform in ±√(6 / n_in); He et al. 2015",
    "he_normal": "normal, variance 2 / n_in, cut at two deviations",
    "lecun_uniform": "uniform in ±√(3 / n_in)",
    "lecun_normal": "normal, variance 1 / n_in, cut at two deviations",
    "lecun_1998": "uniform in ±2.4 / n_in; LeCun et al. 1998, appendix A",
    "orthogonal": "an orthogonal matrix; Saxe et al. 2013",
    "random_normal": "normal, deviation 0.05",
    "random_uniform": "uniform in ±0.05",
    "truncated_normal": "normal, deviation 0.05, cut at two deviations",
    "digit_bitmaps": "±1, a 7 × 12 picture of each digit: the RBF units of LeCun et al. 1998, section II.B",
    "random_signs": "±1, equally likely",
    "zeros": "0",
    "ones": "1",
}


@dataclass(frozen=True)
class Regularizer:
    """A penalty on a layer's weights, added to the loss: l1 · Σ|w| + l2 · Σw².

    Example:
        >>> L2(1e-4)
        Regularizer(l1=0.0, l2=0.0001)
    """

    l1: float = checked(number(0.0), 0.0)
    l2: float = checked(number(0.0), 0.0)

    def __post_init__(self) -> None:
        apply(self)


def L1(l1: float = 0.01) -> Regularizer:
    """The sum of absolute weights, times ``l1``: pulls weights to exactly zero."""
    return Regularizer(l1=l1)


def L2(l2: float = 0.01) -> Regularizer:
    """The sum of squared weights, times ``l2``: weight decay."""
    return Regularizer(l2=l2)


def L1L2(l1: float = 0.0, l2: float = 0.0) -> Regularizer:
    """Both penalties at once (elastic net)."""
    return Regularizer(l1=l1, l2=l2)


def regularizer(value: Any) -> Regularizer | None:
    """The check for a regulariser argument: None, "l1", "l2", "l1_l2", a mapping, or a :class:`Regularizer`."""
    named = {"l1": L1(), "l2": L2(), "l1_l2": L1L2(0.01, 0.01)}
    if value is None or isinstance(value, Regularizer):
        return value
    if isinstance(value, str) and value.lower() in named:
        return named[value.lower()]
    if isinstance(value, dict) and value.keys() <= {"l1", "l2"}:
        return Regularizer(**value)
    raise Refused('"l1", "l2", "l1_l2", or a Regularizer', ["…=regularizers.L2(1e-4)", '…="l2" (strength 0.01)'])
