"""The losses under their Keras names: light descriptions, which training turns into functions on tensors.

``compile(loss=losses.SparseCategoricalCrossentropy(from_logits=True))`` and ``compile(loss="mse")`` both end in one of
these. Importing this module loads no torch; the arithmetic is in :mod:`foveal.training.loss`.

As in Keras, a cross-entropy expects probabilities unless ``from_logits=True`` says otherwise.
"""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any, ClassVar, cast

from foveal.errors import ConfigurationError, UnknownName
from foveal.keywords import Told
from foveal.spelling import nearest

__all__ = [
    "BinaryCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalHinge",
    "Hinge",
    "Loss",
    "MeanAbsoluteError",
    "MeanSquaredError",
    "SparseCategoricalCrossentropy",
    "get",
]


@dataclass(frozen=True)
class Loss(metaclass=Told):
    """What every loss says of itself: its name in a :class:`~foveal.training.config.TrainingConfig`."""

    kind: ClassVar[str] = ""


def _check(loss: SparseCategoricalCrossentropy | BinaryCrossentropy) -> None:
    """Refuse what a cross-entropy's arguments cannot be."""
    where, value, logits = type(loss).__name__, cast(Any, loss.label_smoothing), cast(Any, loss.from_logits)
    if not isinstance(logits, bool):
        raise ConfigurationError(
            "from_logits is True or False",
            where=where,
            given=f"from_logits={logits!r}",
            fix=["from_logits=True: the network gives logits", "from_logits=False: it ends in a softmax or a sigmoid"],
        )
    if isinstance(value, bool) or not isinstance(value, numbers.Real) or not 0.0 <= float(value) < 1.0:
        raise ConfigurationError(
            "label smoothing is the share of certainty given to the other classes",
            where=where,
            given=f"label_smoothing={value!r}",
            expected="0 ≤ label_smoothing < 1",
            fix="label_smoothing=0.1",
        )


@dataclass(frozen=True)
class SparseCategoricalCrossentropy(Loss):
    """−log of the probability of the right class; the labels are integers of shape (N,), the outputs (N, K).

    Args:
        from_logits: the outputs are logits, and the softmax is still to be taken.
        label_smoothing: s takes the target to (1 − s) on the right class plus s/K on each (Szegedy et al. 2015, 7).

    Example:
        >>> SparseCategoricalCrossentropy(from_logits=True)
        SparseCategoricalCrossentropy(from_logits=True, label_smoothing=0.0)
    """

    kind: ClassVar[str] = "cross_entropy"
    from_logits: bool = False
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class CategoricalCrossentropy(SparseCategoricalCrossentropy):
    """−Σ target · log probability; the targets are one-hot, or any distribution, of shape (N, K)."""


@dataclass(frozen=True)
class BinaryCrossentropy(Loss):
    """−t log p − (1 − t) log(1 − p), the mean over all outputs: two classes, or several labels at once.

    Args:
        from_logits: the outputs are logits, and the sigmoid is still to be taken.
        label_smoothing: s takes the target t to (1 − s) t + s/2.
    """

    kind: ClassVar[str] = "binary_cross_entropy"
    from_logits: bool = False
    label_smoothing: float = 0.0

    def __post_init__(self) -> None:
        _check(self)


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """(output − target)², the mean over all outputs."""

    kind: ClassVar[str] = "mse"


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """|output − target|, the mean over all outputs."""

    kind: ClassVar[str] = "mae"


@dataclass(frozen=True)
class Hinge(Loss):
    """max(0, 1 − t·s), t = ±1, the mean over all outputs: two classes, or several labels at once.

    The labels are −1 and 1, or 0 and 1, which give the same. Class numbers over several outputs are one against the rest.
    """

    kind: ClassVar[str] = "hinge"


@dataclass(frozen=True)
class CategoricalHinge(Loss):
    """max(0, 1 + max_j (1 − t_j) s_j − Σ_j t_j s_j): the right class should lead the strongest other by 1; targets are one-hot.

    As in Keras, the largest is taken over all K products, so that it is at least 0: the right class counts there as 0.
    """

    kind: ClassVar[str] = "categorical_hinge"


OTHERS = ("squared_hinge", "huber", "log_cosh", "poisson", "kl_divergence", "kld", "cosine_similarity", "mape", "msle",
          "mean_squared_logarithmic_error", "mean_absolute_percentage_error", "categorical_focal_crossentropy",
          "binary_focal_crossentropy", "dice", "tversky", "ctc", "circle", "nll_loss", "smooth_l1", "l1_loss", "mle",
          "categorical_generalized_cross_entropy")  # fmt: skip
"""Losses of Keras and PyTorch that are not here: names, not misspellings of ours."""

_BY_NAME: dict[str, type[Loss]] = {
    "sparse_categorical_crossentropy": SparseCategoricalCrossentropy,
    "categorical_crossentropy": CategoricalCrossentropy,
    "cross_entropy": SparseCategoricalCrossentropy,
    "binary_crossentropy": BinaryCrossentropy,
    "binary_cross_entropy": BinaryCrossentropy,
    "mean_squared_error": MeanSquaredError,
    "mse": MeanSquaredError,
    "mean_absolute_error": MeanAbsoluteError,
    "mae": MeanAbsoluteError,
    "hinge": Hinge,
    "categorical_hinge": CategoricalHinge,
}


def get(loss: str | Loss) -> Loss:
    """A loss by its Keras name (``"sparse_categorical_crossentropy"``, ``"mse"``, …), or the loss itself.

    Raises:
        UnknownName: there is no loss of this name; the nearest ones are offered.

    Example:
        >>> get("mse")
        MeanSquaredError()
    """
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, str) and loss.lower() in _BY_NAME:
        return _BY_NAME[loss.lower()]()
    raise UnknownName(
        "there is no such loss",
        where="loss",
        given=repr(loss),
        expected="one of " + ", ".join(_BY_NAME),
        fix=[f'loss="{name}"' for name in nearest(loss, _BY_NAME, 2, OTHERS)] or None,
    )
