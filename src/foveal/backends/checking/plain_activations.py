"""Activation functions by their formulas, in elementary operations; see :mod:`foveal.backends.checking.plain`."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def activate(name: str, x: Tensor, slope: float = 0.2, alpha: float = 1.0) -> Tensor:
    """The function's formula, as ``foveal.network.activations.ACTIVATIONS`` prints it."""
    made: Tensor = _ACTIVATE[name](x, slope, alpha)
    return made


def _exp_below(x: Tensor) -> Tensor:
    return torch.exp(torch.where(x > 0, 0.0, x))


def _softplus(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.0) + torch.log(1 + torch.exp(-x.abs()))


def _sigma(x: Tensor) -> Tensor:
    return 1 / (1 + torch.exp(-x))


def _log_shares(x: Tensor) -> Tensor:
    largest: Tensor = x.max(-1, keepdim=True).values
    shifted = x - largest.detach()
    shares: Tensor = shifted - torch.log(torch.exp(shifted).sum(-1, keepdim=True))
    return shares


_ACTIVATE: dict[str, Callable[[Tensor, float, float], Tensor]] = {
    "linear": lambda x, s, a: x,
    "step": lambda x, s, a: (x > 0).to(x.dtype) + 0 * x,
    "sigmoid": lambda x, s, a: _sigma(x),
    "tanh": lambda x, s, a: 2 * _sigma(2 * x) - 1,
    "scaled_tanh": lambda x, s, a: 1.7159 * (2 * _sigma(4 * x / 3) - 1),
    "relu": lambda x, s, a: torch.where(x > 0, x, 0.0),
    "relu6": lambda x, s, a: torch.where(x > 6, 6.0, torch.where(x > 0, x, 0.0)),
    "leaky_relu": lambda x, s, a: torch.where(x > 0, x, s * x),
    "elu": lambda x, s, a: torch.where(x > 0, x, a * (_exp_below(x) - 1)),
    "selu": lambda x, s, a: 1.0507009873554805 * torch.where(x > 0, x, 1.6732632423543772 * (_exp_below(x) - 1)),
    "gelu": lambda x, s, a: x * 0.5 * (1 + torch.erf(x / math.sqrt(2))),
    "silu": lambda x, s, a: x * _sigma(x),
    "mish": lambda x, s, a: x * (2 * _sigma(2 * _softplus(x)) - 1),
    "softplus": lambda x, s, a: _softplus(x),
    "softsign": lambda x, s, a: x / (1 + x.abs()),
    "hard_sigmoid": lambda x, s, a: torch.where(x > 3, 1.0, torch.where(x < -3, 0.0, x / 6 + 0.5)),
    "exponential": lambda x, s, a: torch.exp(x),
    "softmax": lambda x, s, a: torch.exp(_log_shares(x)),
    "log_softmax": lambda x, s, a: _log_shares(x),
}
