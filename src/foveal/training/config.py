"""How a run is to go, as one frozen value: written into the run folder, read back on resumption, never changed by a run.

The defaults are the lecture's own training (five epochs of Adam, batches of 32). What is fast and good for a network is
in :mod:`foveal.training.recipes`.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from foveal import losses, optimizers
from foveal.errors import ConfigurationError, UnknownName
from foveal.spelling import nearest

SCHEDULES = ("constant", "step", "exponential", "cosine", "one-cycle", "triangular")
LOSSES = ("cross_entropy", "binary_cross_entropy", "mse", "mae", "hinge", "categorical_hinge")
METRICS = ("accuracy", "binary_accuracy", "mae", "mse")
_ACCURACIES = (
    "acc",
    "categorical_accuracy",
    "sparse_categorical_accuracy",
)  # Keras' names of what "accuracy" finds by itself
PRECISIONS = ("auto", "fp32", "bf16")
ENGINES = ("auto", "torch")
EARLIER = {"decoupled": False}
"""What fields that are younger than a run stood for before they were there: version 0.1.0 put every weight decay but AdamW's
into the gradient. Fields that are not here had their defaults."""


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides the bits of a run, apart from the network and the data.

    Args:
        epochs: passes over the training set.
        batch_size: pictures a step; the last step of an epoch takes what is left.
        optimizer: sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw.
        lr: the learning rate, the highest that the schedule reaches; None takes the optimizer's own default.
        momentum: of sgd, momentum, nesterov and rmsprop; None takes the optimizer's own default.
        weight_decay: pulls weights (not biases, not normalisations) towards zero; None takes the optimizer's default.
        decoupled: whether the decay acts on the weights themselves, and not through the gradient; adamw's always does.
        optimizer_options: further arguments of the optimizer under their Keras names, such as ``{"beta_2": 0.99}``;
            ``{"decay_all": True}`` lets biases and normalisations decay too.
        schedule: constant, step, exponential, cosine, one-cycle or triangular; see :mod:`foveal.training.optim.schedule`.
        warmup: epochs (a fraction will do) over which the rate rises linearly before the schedule begins.
        step_every: epochs between two drops of the schedule "step".
        decay: the factor of a drop ("step", default 0.1) or of an epoch ("exponential", default 0.9).
        peak_at: the share of the run at which "one-cycle" and "triangular" are highest.
        final_factor: what is left of the rate at the end of "cosine", "one-cycle" and "triangular".
        loss: cross_entropy, binary_cross_entropy, mse, mae, hinge or categorical_hinge.
        from_logits: False where the network ends in a softmax or sigmoid of its own.
        label_smoothing: the share of certainty that a cross-entropy spreads over all classes.
        metrics: measured beside the loss: accuracy, binary_accuracy, mae, mse.
        augment: what is done to training pictures, as text: ``"shift=2,flip"``; empty for nothing.
        mirror: when the trained network is used, average its answers for a picture and for its mirror image.
        validation: the share of the training set put aside to watch the training by; 0 for none.
        ema: the decay of a running average of the weights, which is evaluated and saved in their place; None for none.
        early_stopping: epochs without improvement after which to stop and return to the best weights; None for never.
        clip_norm: the longest a gradient (all parameters together) may be; None for any length.
        seed: of weights, order, augmentation and dropout.
        shuffle: a new order of the training set every epoch.
        device: auto, cpu, cuda or cuda:N.
        engine: auto or torch.
        precision: auto and fp32 are float32; bf16 is bfloat16 for convolutions and matrix products, where the hardware has it.
        deterministic: on CUDA, choose algorithms that give the same bits each time.
        cuda_graph: on CUDA, record a step once and replay it, where that is possible.
        checkpoint_seconds: how often a checkpoint is written, beside one at the end of every epoch.

    Raises:
        ConfigurationError: a value out of its range, with the range and a repair.

    Example:
        >>> config = TrainingConfig(epochs=2, schedule="one-cycle", lr=5e-3)
        >>> TrainingConfig.from_json(config.to_json()) == config
        True
    """

    epochs: int = 5
    batch_size: int = 32
    optimizer: str = "adam"
    lr: float | None = None
    momentum: float | None = None
    weight_decay: float | None = None
    decoupled: bool = True
    optimizer_options: Mapping[str, float | bool] = field(default_factory=dict)
    schedule: str = "constant"
    warmup: float = 0.0
    step_every: float = 10.0
    decay: float | None = None
    peak_at: float = 0.3
    final_factor: float = 0.0
    loss: str = "cross_entropy"
    from_logits: bool = True
    label_smoothing: float = 0.0
    metrics: tuple[str, ...] = ("accuracy",)
    augment: str = ""
    mirror: bool = False
    validation: float = 0.1
    ema: float | None = None
    early_stopping: int | None = None
    clip_norm: float | None = None
    seed: int = 0
    shuffle: bool = True
    device: str = "auto"
    engine: str = "auto"
    precision: str = "auto"
    deterministic: bool = True
    cuda_graph: bool = True
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "metrics", tuple("accuracy" if m in _ACCURACIES else m for m in self.metrics))
        object.__setattr__(self, "optimizer_options", dict(self.optimizer_options))
        for name, (kind, holds, expected, repair) in _RULES.items():
            value = getattr(self, name)
            if not (_is(value, kind) and holds(value)):
                raise ConfigurationError(
                    f"{name} cannot be {value!r}",
                    where=f"TrainingConfig.{name}",
                    expected=expected,
                    fix=[f"{name}={option!r}" for option in repair],
                )
        for name, (names, several) in _CHOICES.items():
            for value in getattr(self, name) if several else (getattr(self, name),):
                _choose(name, value, names)
        if self.from_logits is False and not self.loss.endswith("cross_entropy"):
            object.__setattr__(self, "from_logits", True)  # these losses take any number as it is
        self.optimizer_spec()  # raises where the optimizer refuses a value

    def optimizer_spec(self) -> optimizers.Optimizer:
        """The optimizer with its values, as :mod:`foveal.optimizers` describes it."""
        named = {"learning_rate": self.lr, "momentum": self.momentum, "weight_decay": self.weight_decay}
        given = {name: value for name, value in named.items() if value is not None}
        decoupled = self.decoupled or self.optimizer == "adamw"
        return optimizers.get(
            self.optimizer, **{"decay_all": False, "decoupled": decoupled, **self.optimizer_options, **given}
        )

    def with_optimizer(self, optimizer: str | optimizers.Optimizer) -> TrainingConfig:
        """The same configuration with another optimizer, given as Keras users give it (a name or an object)."""
        spec = optimizers.get(optimizer)
        if isinstance(optimizer, str):
            decays = bool(spec.weight_decay)
            return self.replace(
                optimizer=optimizer.lower(), lr=None, momentum=None, weight_decay=None, decoupled=True,
                optimizer_options={"decay_all": True} if decays else {},
            )  # fmt: skip
        values = {f.name: getattr(spec, f.name) for f in dataclasses.fields(spec)}
        lr, decay, decoupled = (values.pop(name) for name in ("learning_rate", "weight_decay", "decoupled"))
        momentum = values.pop("momentum", None)
        return self.replace(
            optimizer=spec.kind, lr=lr, momentum=momentum, weight_decay=decay, decoupled=decoupled,
            optimizer_options=values,
        )  # fmt: skip

    def with_loss(self, loss: str | losses.Loss) -> TrainingConfig:
        """The same configuration with another loss, given as Keras users give it (a name or an object)."""
        spec = losses.get(loss)
        return self.replace(
            loss=spec.kind,
            from_logits=getattr(spec, "from_logits", True),
            label_smoothing=getattr(spec, "label_smoothing", 0.0),
        )

    def replace(self, **changes: Any) -> TrainingConfig:
        """A copy with some fields changed, checked again."""
        for name in changes:
            _choose("TrainingConfig field", name, tuple(_FIELDS))
        return dataclasses.replace(self, **changes)

    def to_json(self) -> dict[str, Any]:
        """All fields as a JSON object."""
        return {**dataclasses.asdict(self), "metrics": list(self.metrics)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any] | str) -> TrainingConfig:
        """The configuration of a JSON object or text. Fields that are not there take their defaults.

        Raises:
            ConfigurationError: no JSON object, or a value out of its range.
            UnknownName: a field that does not exist.
        """
        read = json.loads(value) if isinstance(value, str) else value
        if not isinstance(read, Mapping):
            raise ConfigurationError("a training configuration is a JSON object", given=type(read).__name__)
        return cls().replace(**{k: tuple(v) if k == "metrics" else v for k, v in read.items()})


def _is(value: object, kind: str) -> bool:
    if value is None:
        return kind.endswith("?")
    if isinstance(value, bool):
        return kind.startswith("bool")
    if kind.startswith("int"):
        return isinstance(value, int)
    return isinstance(value, (int, float)) and math.isfinite(value)


def _choose(what: str, value: object, names: tuple[str, ...]) -> None:
    if value in names:
        return
    others = (*optimizers.OTHERS, *losses.OTHERS)
    raise UnknownName(
        f"there is no {what} {value!r}",
        where=what,
        given=repr(value),
        expected="one of " + ", ".join(names),
        fix=nearest(value, names, 2, others) or None,
    )


_Rule = tuple[str, Callable[[Any], bool], str, tuple[object, ...]]
_RULES: dict[str, _Rule] = {
    "epochs": ("int", lambda v: v >= 1, "a whole number, 1 or more", (5,)),
    "batch_size": ("int", lambda v: v >= 1, "a whole number of pictures, 1 or more", (32,)),
    "lr": ("float?", lambda v: v is None or v > 0, "a number above 0, or None for the optimizer's own", (1e-3, None)),
    "warmup": ("float", lambda v: v >= 0, "a number of epochs, 0 or more", (0.0,)),
    "step_every": ("float", lambda v: v > 0, "a number of epochs above 0", (10.0,)),
    "decay": ("float?", lambda v: v is None or 0 < v <= 1, "a factor above 0 and at most 1", (0.1, None)),
    "peak_at": ("float", lambda v: 0 < v < 1, "a share of the run between 0 and 1", (0.3,)),
    "final_factor": ("float", lambda v: 0 <= v <= 1, "a factor from 0 to 1", (0.0,)),
    "decoupled": ("bool", lambda v: True, "True or False", (True, False)),
    "from_logits": ("bool", lambda v: True, "True or False", (True, False)),
    "label_smoothing": ("float", lambda v: 0 <= v < 1, "0 or more, below 1", (0.1, 0.0)),
    "validation": ("float", lambda v: 0 <= v < 1, "a share of the training set, 0 or more and below 1", (0.1, 0.0)),
    "ema": ("float?", lambda v: v is None or 0 < v < 1, "a decay between 0 and 1, or None", (0.999, None)),
    "early_stopping": ("int?", lambda v: v is None or v >= 1, "a number of epochs, 1 or more, or None", (5, None)),
    "clip_norm": ("float?", lambda v: v is None or v > 0, "a length above 0, or None", (1.0, None)),
    "seed": ("int", lambda v: 0 <= v < 2**63, "a whole number from 0 to 2⁶³ − 1", (0,)),
    "mirror": ("bool", lambda v: True, "True or False", (True, False)),
    "shuffle": ("bool", lambda v: True, "True or False", (True, False)),
    "deterministic": ("bool", lambda v: True, "True or False", (True, False)),
    "cuda_graph": ("bool", lambda v: True, "True or False", (True, False)),
    "checkpoint_seconds": ("float", lambda v: v >= 0, "a number of seconds, 0 or more", (60.0,)),
}
_CHOICES: dict[str, tuple[tuple[str, ...], bool]] = {
    "optimizer": (optimizers.NAMES, False),
    "schedule": (SCHEDULES, False),
    "loss": (LOSSES, False),
    "metrics": (METRICS, True),
    "precision": (PRECISIONS, False),
    "engine": (ENGINES, False),
}
_FIELDS = {f.name for f in dataclasses.fields(TrainingConfig)}
