"""The arguments of ``compile``, ``fit``, ``evaluate`` and ``predict``, checked before anything is computed."""

from __future__ import annotations

import math
import operator
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foveal.errors import ConfigurationError
from foveal.network.ending import check_ending, ends_in_probabilities
from foveal.spelling import nearest

if TYPE_CHECKING:
    from foveal.losses import Loss
    from foveal.network.shape import Shape
    from foveal.network.tree import Sequential
    from foveal.optimizers import Optimizer
    from foveal.training.callbacks import Callback
    from foveal.training.config import TrainingConfig


def whole(name: str, value: Any, least: int, where: str, usual: int) -> int:
    """A whole number of at least ``least``; numpy's are taken, floats and booleans are not.

    Example:
        >>> whole("epochs", 5, 1, "fit", usual=5)
        5
    """
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least or isinstance(value, bool):
        raise ConfigurationError(
            f"{name} is a whole number, {least} or more",
            where=where,
            given=f"{name}={_short(value)}",
            expected=f"{least}, {least + 1}, {least + 2}, …",
            fix=f"{name}={usual}",
        )
    return number


def configuration(
    optimizer: str | Optimizer,
    loss: str | Loss | None,
    metrics: Sequence[str] | str | None,
    given: Mapping[str, Any],
    network: Sequential,
    output: Shape | None,
) -> TrainingConfig:
    """What ``compile`` asks for.

    Args:
        optimizer, loss, metrics: its arguments.
        given: its further options.
        network: what is to be trained.
        output: what the network gives for a sample; None where that is not known yet.

    Raises:
        UnknownName, ConfigurationError: a name or value that cannot work, or a loss that the network's end is not for.
    """
    from foveal import losses
    from foveal.training.batching import augmentation
    from foveal.training.config import TrainingConfig

    if loss is None:
        loss = losses.SparseCategoricalCrossentropy(from_logits=not ends_in_probabilities(network))
    fields = {"augment": "", "validation": 0.0, **options(given, TrainingConfig.__dataclass_fields__)}
    config = TrainingConfig(metrics=metrics_of(metrics), **fields).with_optimizer(optimizer).with_loss(loss)
    augmentation(config.augment)
    check_ending(config.loss, config.from_logits, network, output)
    return config


_ELSEWHERE = {
    "epochs": "fit(x, y, epochs=…)",
    "batch_size": "fit(x, y, batch_size=…)",
    "shuffle": "fit(x, y, shuffle=…)",
    "validation": "fit(x, y, validation_split=…)",
    "seed": "Model(network, seed=…), or foveal.random.set_seed(…)",
    "mirror": "foveal train --mirror",
    "checkpoint_seconds": "callbacks.ModelCheckpoint(…)",
    "lr": "optimizer=optimizers.Adam(learning_rate=…), or another of foveal.optimizers",
    "momentum": "optimizer=optimizers.SGD(momentum=…)",
    "weight_decay": "optimizer=optimizers.Adam(weight_decay=…), or another of foveal.optimizers",
    "decoupled": "optimizer=optimizers.Adam(decoupled=…), or another of foveal.optimizers",
    "optimizer_options": "optimizer=optimizers.Adam(…), or another of foveal.optimizers",
    "from_logits": "loss=losses.SparseCategoricalCrossentropy(from_logits=…), or another of foveal.losses",
    "label_smoothing": "loss=losses.SparseCategoricalCrossentropy(label_smoothing=…), or another of foveal.losses",
}


def metrics_of(given: Any) -> tuple[str, ...]:
    """The names of metrics: one name, several, or None for none, as in Keras.

    Raises:
        ConfigurationError: something else.

    Example:
        >>> metrics_of("accuracy"), metrics_of(None), metrics_of(["mae", "mse"])
        (('accuracy',), (), ('mae', 'mse'))
    """
    names = () if given is None else (given,) if isinstance(given, str) else given
    found = tuple(names) if isinstance(names, Iterable) else (names,)
    if not all(isinstance(name, str) for name in found):
        raise ConfigurationError(
            "metrics are given by their names",
            where="compile",
            given=f"metrics={_short(given)}",
            expected="a list of names, or None",
            fix='metrics=["accuracy"]',
        )
    return found


_OWN = {"optimizer", "loss", "metrics"}


def options(given: Mapping[str, Any], known: Collection[str]) -> Mapping[str, Any]:
    """Further options of ``compile``: those that belong elsewhere would be dropped there, and are refused.

    Args:
        given: what was written.
        known: the fields of a training configuration.

    Raises:
        ConfigurationError: an option that belongs elsewhere, or that does not exist.
    """
    known = set(known)
    for name in given:
        if name in _ELSEWHERE:
            raise ConfigurationError(
                f"{name} is not said in compile",
                where="compile",
                given=f"{name}={_short(given[name])}",
                fix=_ELSEWHERE[name],
            )
        if name not in known:
            near = nearest(name, sorted(known - set(_ELSEWHERE)), 2)
            raise ConfigurationError(
                "compile has no such option",
                where="compile",
                given=f"{name}={_short(given[name])}",
                expected="optimizer, loss, metrics, or one of " + ", ".join(sorted(known - set(_ELSEWHERE) - _OWN)),
                fix=[f"{each}=…" for each in near] or f"leave {name} out",
            )
    return given


def counts(batch_size: Any, epochs: Any, initial_epoch: Any) -> tuple[int, int, int]:
    """The whole numbers of ``fit``."""
    return (
        whole("batch_size", batch_size, 1, "fit", usual=32),
        whole("epochs", epochs, 1, "fit", usual=5),
        whole("initial_epoch", initial_epoch, 0, "fit", usual=0),
    )


def share(name: str, value: Any, where: str) -> float:
    """A share of the samples: 0 or more, below 1."""
    number = isinstance(value, (int, float)) or hasattr(value, "__float__")
    if not number or isinstance(value, bool) or not 0.0 <= (part := float(value)) < 1.0 or not math.isfinite(part):
        raise ConfigurationError(
            f"{name} is a share of the samples",
            where=where,
            given=f"{name}={_short(value)}",
            expected="0 or more, below 1",
            fix=f"{name}=0.1",
        )
    return part


def switch(name: str, value: Any, where: str) -> bool:
    """True or False; numpy's booleans, 0 and 1 are taken."""
    if type(value).__name__ not in ("bool", "bool_", "int") or value not in (True, False):
        raise ConfigurationError(
            f"{name} is True or False",
            where=where,
            given=f"{name}={_short(value)}",
            fix=[f"{name}=True", f"{name}=False"],
        )
    return bool(value)


def verbosity(value: Any, where: str) -> int | str:
    """What ``verbose`` may be: 0 silent, 1 a bar, 2 lines, "auto"."""
    if isinstance(value, str):
        if value == "auto":
            return value
    elif hasattr(value, "__index__") and not getattr(value, "ndim", 0) and value in (0, 1, 2):
        return operator.index(value)
    raise ConfigurationError(
        "verbose says how much is shown",
        where=where,
        given=f"verbose={_short(value)}",
        expected='0 (silent), 1 (a bar), 2 (a line an epoch) or "auto"',
        fix=["verbose=0", 'verbose="auto"'],
    )


def pair(value: Any) -> tuple[Any, Any]:
    """``validation_data``: x and y."""
    if isinstance(value, (tuple, list)) and len(value) == 2:
        return value[0], value[1]
    given = f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, (tuple, list)) else "")
    raise ConfigurationError(
        "validation_data is a pair of arrays",
        where="fit",
        given=given,
        expected="(x, y); weights of single samples are not supported",
        fix="validation_data=(x_val, y_val)",
    )


def hung(callbacks: Any) -> list[Callback]:
    """The callbacks as a list; a single one, or None, is understood as Keras understands it."""
    from foveal.training.callbacks import Callback

    if callbacks is None:
        return []
    one = not isinstance(callbacks, Iterable) or isinstance(callbacks, (str, Mapping))
    listed: list[Any] = [callbacks] if one else [*callbacks]
    for callback in listed:
        if not isinstance(callback, Callback):
            kind = isinstance(callback, type) and issubclass(callback, Callback)
            raise ConfigurationError(
                "a callback is an object of foveal.callbacks.Callback or a subclass",
                where="fit",
                given=f"the class {callback.__name__}" if kind else _short(callback),
                expected="callbacks=[callbacks.EarlyStopping(patience=3)], say",
                fix=f"{callback.__name__}(…): call it" if kind else "derive the class from foveal.callbacks.Callback",
            )
    return listed


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "…"
