"""The optimizers under their Keras names: light descriptions, which training turns into torch's fused ones.

``compile(optimizer="adam")`` and ``compile(optimizer=optimizers.Adam(learning_rate=3e-4))`` both end in one of these.
Arguments, defaults and numbers are Keras's, also where epsilon stands. Importing this module loads no torch.

``weight_decay`` λ acts on the weights themselves and apart from the gradient, w ← (1 − η λ) w, on every parameter.
``decay_all=False`` spares biases and the scales and shifts of normalisation layers (every parameter of fewer than two
dimensions), where shrinking towards zero has no use. ``decoupled=False`` adds λ w to the gradient instead, as PyTorch's SGD
and the older papers do; with a momentum μ that decays 1 / (1 − μ) times as much.
"""

from __future__ import annotations

import dataclasses
import math
import numbers
from dataclasses import dataclass, field
from typing import ClassVar

from foveal.errors import ConfigurationError, UnknownName
from foveal.keywords import Told
from foveal.spelling import nearest

__all__ = [
    "Adagrad",
    "Adam",
    "AdamW",
    "Optimizer",
    "RMSprop",
    "SGD",
    "get",
]


@dataclass(frozen=True)
class Optimizer(metaclass=Told):
    """What every optimizer has: a learning rate, a weight decay, and a name in a training configuration.

    Args:
        learning_rate: η.
        weight_decay: λ; None is 0, as in Keras.
        decay_all: whether biases and normalisations decay too.
        decoupled: whether the decay acts on the weights, and not through the gradient.
    """

    kind: ClassVar[str] = ""
    learning_rate: float = 0.001
    weight_decay: float | None = field(default=0.0, kw_only=True)
    decay_all: bool = field(default=True, kw_only=True)
    decoupled: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        if self.weight_decay is None:
            object.__setattr__(self, "weight_decay", 0.0)
        for each in dataclasses.fields(self):
            value, standard = getattr(self, each.name), each.default
            if isinstance(standard, bool):
                if not isinstance(value, bool):
                    raise ConfigurationError(
                        f"{each.name} is True or False",
                        where=type(self).__name__,
                        given=f"{each.name}={value!r}",
                        fix=[f"{each.name}=True", f"{each.name}=False"],
                    )
                continue
            number = isinstance(value, numbers.Real) and not isinstance(value, bool)
            if not (number and _works(each.name, float(value))):
                raise ConfigurationError(
                    f"this {each.name.replace('_', ' ')} cannot work",
                    where=type(self).__name__,
                    given=f"{each.name}={value}",
                    expected=_RANGE.get(each.name, f"{each.name} ≥ 0"),
                    fix=f"{each.name}={standard if standard else 0.9 if each.name == 'momentum' else 0.0}",
                )


def _works(name: str, value: float) -> bool:
    above = value > 0 if name in ("learning_rate", "epsilon") else value >= 0
    return above and (value < 1 if name in ("momentum", "rho", "beta_1", "beta_2") else math.isfinite(value))


_RANGE = {
    "learning_rate": "learning_rate > 0",
    "epsilon": "epsilon > 0",
    "momentum": "0 ≤ momentum < 1",
    "rho": "0 ≤ rho < 1",
    "beta_1": "0 ≤ beta_1 < 1",
    "beta_2": "0 ≤ beta_2 < 1",
}


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent: v ← μ v + g, w ← w − η v; Nesterov's variant looks ahead (w ← w − η (g + μ v)).

    Keras keeps η v; the two are the same while the rate is. Where a schedule changes it, the new rate holds here at once, as
    in PyTorch.

    Example:
        >>> SGD(learning_rate=0.1, momentum=0.9, nesterov=True).momentum
        0.9
    """

    kind: ClassVar[str] = "sgd"
    learning_rate: float = 0.01
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and self.momentum == 0:
            raise ConfigurationError(
                "Nesterov's look-ahead needs a momentum to look along",
                where=type(self).__name__,
                given="nesterov=True, momentum=0",
                fix=["momentum=0.9", "nesterov=False"],
            )


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """w ← w − η g / √(s + ε), s the sum of all squared gradients so far and of its first value (Duchi, Hazan, Singer 2011)."""

    kind: ClassVar[str] = "adagrad"
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """u ← μ u + g / √(v + ε), w ← w − η u, v ← ρ v + (1 − ρ) g² (Hinton's lecture 6e, 2012).

    ``centered`` takes the square of the running mean of g from v. As in Keras, epsilon stands inside the root: 10⁻⁷ there is
    3 · 10⁻⁴ beside it.
    """

    kind: ClassVar[str] = "rmsprop"
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False


@dataclass(frozen=True)
class Adam(Optimizer):
    """w ← w − α m / (√v + ε̂), α = η √(1 − β₂ᵗ) / (1 − β₁ᵗ), m and v running means of g and g² (Kingma, Ba 2014, sec. 2).

    As in Keras, epsilon is the paper's ε̂: it stands beside the root before that is corrected for its start. PyTorch's ε stands
    beside the corrected root, and weighs √(1 − β₂ᵗ) as much.

    Example:
        >>> Adam(learning_rate=3e-4).beta_2
        0.999
    """

    kind: ClassVar[str] = "adam"
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-7


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with a weight decay by default: w ← (1 − η λ) w (Loshchilov, Hutter 2017, alg. 2)."""

    kind: ClassVar[str] = "adamw"
    weight_decay: float = field(default=0.004, kw_only=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.decoupled:
            raise ConfigurationError(
                "AdamW is the Adam whose weight decay is decoupled",
                where="AdamW",
                given="decoupled=False",
                fix=["decoupled=True", "Adam(weight_decay=…, decoupled=False)"],
            )


_BY_NAME: dict[str, type[Optimizer]] = {kind.kind: kind for kind in (SGD, Adagrad, RMSprop, Adam, AdamW)}
OTHERS = ("nadam", "adamax", "adadelta", "adafactor", "radam", "ftrl", "lion", "lamb", "lars", "muon", "rprop", "asgd", "lbfgs",
          "sparse_adam")  # fmt: skip
"""Optimizers of Keras and PyTorch that are not here: names, not misspellings of ours."""
NAMES = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")


def get(optimizer: str | Optimizer | type[Optimizer], **changes: float | bool) -> Optimizer:
    """An optimizer by its name or class, or the optimizer itself; ``changes`` replace single values of it.

    ``"momentum"`` and ``"nesterov"`` are SGD with momentum 0.9 (the lectures name them as methods of their own).

    Raises:
        UnknownName: there is no optimizer of this name; the nearest ones are offered.
        ConfigurationError: a value that the optimizer does not have, or that is out of its range.

    Example:
        >>> get("nesterov", learning_rate=0.05)
        SGD(learning_rate=0.05, weight_decay=0.0, decay_all=True, decoupled=True, momentum=0.9, nesterov=True)
    """
    if isinstance(optimizer, Optimizer):
        return _changed(optimizer, changes)
    name = optimizer.lower() if isinstance(optimizer, str) else ""
    if isinstance(optimizer, type) and issubclass(optimizer, Optimizer):
        name = optimizer.kind  # the class itself, as Keras takes it too: with its defaults
    if name in ("momentum", "nesterov"):
        return _changed(SGD(momentum=0.9, nesterov=name == "nesterov"), changes)
    if name in _BY_NAME:
        return _changed(_BY_NAME[name](), changes)
    raise UnknownName(
        "there is no such optimizer",
        where="optimizer",
        given=repr(optimizer),
        expected="one of " + ", ".join(NAMES),
        fix=[f'optimizer="{near}"' for near in nearest(name, NAMES, 2, OTHERS)] or None,
    )


def _changed(optimizer: Optimizer, changes: dict[str, float | bool]) -> Optimizer:
    known = {field.name for field in dataclasses.fields(optimizer)}
    for name in changes:
        if name not in known:
            raise ConfigurationError(
                f"{type(optimizer).__name__} has no {name}",
                where="optimizer",
                given=f"{name}={changes[name]}",
                expected="one of " + ", ".join(sorted(known)),
                fix=f"leave {name} out",
            )
    return dataclasses.replace(optimizer, **changes) if changes else optimizer  # type: ignore[arg-type]
