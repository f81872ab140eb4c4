"""The optimizers under their Keras names: light descriptions, which training turns into torch's fused ones.

``compile(optimizer="adam")`` and ``compile(optimizer=optimizers.Adam(learning_rate=3e-4))`` both end in one of these.
Arguments and defaults are Keras's. Importing this module loads no torch.

``weight_decay`` spares biases and the scales and shifts of normalisation layers (every parameter of fewer than two
dimensions), where shrinking towards zero has no use; ``decay_all=True`` decays them too.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import ClassVar

from foveal.errors import ConfigurationError, UnknownName
from foveal.spelling import nearest


@dataclass(frozen=True)
class Optimizer:
    """What every optimizer has: a learning rate, a weight decay, and a name in a training configuration."""

    kind: ClassVar[str] = ""
    learning_rate: float = 0.001
    weight_decay: float = 0.0
    decay_all: bool = False

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool):
                continue
            low_ok = value > 0 if field.name in ("learning_rate", "epsilon") else value >= 0
            high_ok = value < 1 if field.name in ("momentum", "rho", "beta_1", "beta_2") else math.isfinite(value)
            if not (low_ok and high_ok):
                standard = next(f.default for f in dataclasses.fields(type(self)) if f.name == field.name)
                raise ConfigurationError(
                    f"this {field.name.replace('_', ' ')} cannot work",
                    where=type(self).__name__,
                    given=f"{field.name}={value}",
                    expected=_RANGE.get(field.name, f"{field.name} ≥ 0"),
                    mend=f"{field.name}={standard if standard else 0.9 if field.name == 'momentum' else 0.0}",
                )


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
                mend=["momentum=0.9", "nesterov=False"],
            )


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """Rates divided by the root of the sum of all squared gradients so far (Duchi, Hazan, Singer 2011)."""

    kind: ClassVar[str] = "adagrad"
    initial_accumulator_value: float = 0.1
    epsilon: float = 1e-7


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Rates divided by the root of a running mean of squared gradients (Hinton's lecture 6e, 2012)."""

    kind: ClassVar[str] = "rmsprop"
    rho: float = 0.9
    momentum: float = 0.0
    epsilon: float = 1e-7
    centered: bool = False


@dataclass(frozen=True)
class Adam(Optimizer):
    """Running means of the gradient and of its square, both corrected for their start (Kingma, Ba 2014, alg. 1).

    A ``weight_decay`` here is added to the gradient, so it is scaled with it; AdamW's is not.

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
    """Adam whose weight decay acts on the weights themselves: w ← w − η λ w (Loshchilov, Hutter 2017, alg. 2)."""

    kind: ClassVar[str] = "adamw"
    weight_decay: float = 0.004


_BY_NAME: dict[str, type[Optimizer]] = {kind.kind: kind for kind in (SGD, Adagrad, RMSprop, Adam, AdamW)}
OTHERS = ("nadam", "adamax", "adadelta", "adafactor", "radam", "ftrl", "lion", "lamb", "lars", "muon", "rprop", "asgd", "lbfgs",
          "sparse_adam")  # fmt: skip
"""Optimizers of Keras and PyTorch that are not here: names, not misspellings of ours."""
NAMES = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw")


def get(optimizer: str | Optimizer, **changes: float | bool) -> Optimizer:
    """An optimizer by its name, or the optimizer itself; ``changes`` replace single values of it.

    ``"momentum"`` and ``"nesterov"`` are SGD with momentum 0.9 (the lectures name them as methods of their own).

    Raises:
        UnknownName: there is no optimizer of this name; the nearest ones are offered.
        ConfigurationError: a value that the optimizer does not have, or that is out of its range.

    Example:
        >>> get("nesterov", learning_rate=0.05)
        SGD(learning_rate=0.05, weight_decay=0.0, decay_all=False, momentum=0.9, nesterov=True)
    """
    if isinstance(optimizer, Optimizer):
        return _changed(optimizer, changes)
    name = optimizer.lower() if isinstance(optimizer, str) else ""
    if name in ("momentum", "nesterov"):
        return _changed(SGD(momentum=0.9, nesterov=name == "nesterov"), changes)
    if name in _BY_NAME:
        return _changed(_BY_NAME[name](), changes)
    raise UnknownName(
        "there is no such optimizer",
        where="optimizer",
        given=repr(optimizer),
        expected="one of " + ", ".join(NAMES),
        mend=[f'optimizer="{near}"' for near in nearest(name, NAMES, 2, OTHERS)] or None,
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
                mend=f"leave {name} out",
            )
    return dataclasses.replace(optimizer, **changes) if changes else optimizer  # type: ignore[arg-type]
