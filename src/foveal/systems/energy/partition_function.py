"""The partition function of a restricted Boltzmann machine: by summing every state, and by annealed importance sampling.

p(v) = e^−F(v) / Z, and Z is a sum over all states of one side. Up to about twenty units a sum is a sum; beyond that
Z is estimated (Salakhutdinov, Murray 2008, "On the Quantitative Analysis of Deep Belief Networks").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from foveal.errors import ConfigurationError

if TYPE_CHECKING:
    from foveal.backends.torch_layers.stochastic import RBM

MOST = 20
"""Units that are summed over exactly: 2²⁰ states."""


def every_state(units: int) -> Tensor:
    """All 2ⁿ states of n units, one a row, in float64; the first unit changes fastest.

    Example:
        >>> every_state(2).tolist()
        [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]
    """
    return ((torch.arange(2**units)[:, None] >> torch.arange(units)) & 1).double()


def log_partition(machine: RBM) -> float:
    """ln Z, exactly: a sum over all states of the smaller side, the other side summed in closed form.

    Z = Σ over v of e^(b·v) Π (1 + e^(cⱼ + Wⱼ·v)) = Σ over h of e^(c·h) Π (1 + e^(bᵢ + h·W ᵢ)), in float64.

    Raises:
        ConfigurationError: both sides have more than 20 units.
    """
    hidden, visible = machine.weight.shape
    if min(hidden, visible) > MOST:
        raise ConfigurationError(
            "there are too many states to sum over",
            where="log_partition",
            given=f"{visible} visible and {hidden} hidden units, 2^{min(hidden, visible)} states",
            expected=f"at most {MOST} units on one side",
            fix="annealed_log_partition, which estimates it",
        )
    weight, b, c = _double(machine)
    with torch.no_grad():
        if visible <= hidden:
            states = every_state(visible)
            logs = states @ b + F.softplus(states @ weight.t() + c).sum(1)
        else:
            states = every_state(hidden)
            logs = states @ c + F.softplus(states @ weight + b).sum(1)
        return float(torch.logsumexp(logs, 0))


@dataclass(frozen=True)
class Annealed:
    """An estimate of ln Z.

    Attributes:
        log_z: the estimate, in nats.
        low, high: ln of the mean weight ± three standard errors; −inf where the error is larger than a third of the mean.
        spread: standard deviation of the chains' own ln Z; beyond a few nats the estimate is not to be trusted.
    """

    log_z: float
    low: float
    high: float
    spread: float


def annealed_log_partition(
    machine: RBM, base: Tensor | None = None, *, chains: int = 100, temperatures: int = 1000, seed: int = 0
) -> Annealed:
    """ln Z by annealed importance sampling (Salakhutdinov, Murray 2008, section 4.1).

    From a machine without weights, whose Z is known, to this one, through machines with βW, βc and (1 − β) a + βb. The
    temperatures lie as densely as in the paper: 1/29 of them up to β = 0.5, 8/29 up to 0.9, the rest up to 1.

    Args:
        machine: float32 on any device; computed there.
        base: a, the visible biases of the machine at β = 0; the machine's own where none are given.
        chains: independent estimates, averaged.
        temperatures: steps from 0 to 1.
        seed: of the chains.

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> machine = build(zoo.rbm(4, hidden=3)).rbm
        >>> found = annealed_log_partition(machine, temperatures=100)
        >>> abs(found.log_z - log_partition(machine)) < 0.01
        True
    """
    weight, b, c = machine.weight.detach(), machine.visible_bias.detach(), machine.bias.detach()
    start = b if base is None else base.to(b)
    generator = torch.Generator(b.device).manual_seed(seed)

    def log_weight(v: Tensor, below: float, beta: float) -> Tensor:
        """ln p*(v) at ``beta`` minus ln p*(v) at ``below``."""
        inputs = F.linear(v, weight)
        step = F.softplus(beta * (inputs + c)) - F.softplus(below * (inputs + c))
        return (beta - below) * (v @ (b - start)).double() + step.sum(1, dtype=torch.float64)

    logs = torch.zeros(chains, dtype=torch.float64, device=b.device)
    with torch.no_grad():
        v = torch.bernoulli(torch.sigmoid(start).expand(chains, -1), generator=generator)
        below = 0.0
        for beta in _ladder(temperatures):
            logs += log_weight(v, below, beta)
            hidden = torch.bernoulli(torch.sigmoid(beta * F.linear(v, weight, c)), generator=generator)
            sums = beta * F.linear(hidden, weight.t(), b) + (1 - beta) * start
            v = torch.bernoulli(torch.sigmoid(sums), generator=generator)
            below = beta
    known = len(c) * math.log(2) + float(F.softplus(start.double()).sum())
    logs = logs.cpu()
    largest = logs.max()
    weights = torch.exp(logs - largest)
    mean, error = float(weights.mean()), float(weights.std()) / math.sqrt(chains)
    middle = known + float(largest)

    def log(value: float) -> float:
        return middle + math.log(value) if value > 0 else -math.inf

    return Annealed(log(mean), log(mean - 3 * error), log(mean + 3 * error), float(logs.std()))


def _ladder(temperatures: int) -> list[float]:
    """The inverse temperatures above 0, rising to 1."""
    first, second = max(1, temperatures // 29), max(1, 8 * temperatures // 29)
    third = max(1, temperatures - first - second)
    pieces = ((0.0, 0.5, first), (0.5, 0.9, second), (0.9, 1.0, third))
    return [low + (high - low) * (i + 1) / count for low, high, count in pieces for i in range(count)]


def _double(machine: RBM) -> tuple[Tensor, Tensor, Tensor]:
    """W, b and c in float64 on the CPU."""
    parts = (machine.weight, machine.visible_bias, machine.bias)
    weight, b, c = (part.detach().cpu().double() for part in parts)
    return weight, b, c
