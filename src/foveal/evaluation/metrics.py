"""An evaluation out of probabilities and labels: every number that the report shows is computed here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, softmax

from foveal.errors import DataError
from foveal.evaluation.calibration import brier, calibrate, negative_log_likelihood
from foveal.evaluation.intervals import wilson
from foveal.evaluation.results import ClassScore, Confusion, Evaluation, Mistake, RegressionEvaluation, TopK

_WHERE = "evaluation"


def evaluate(
    probabilities: ArrayLike,
    labels: ArrayLike,
    classes: Sequence[str],
    *,
    mistakes: int = 36,
    confused: int = 10,
    bins: int = 15,
    level: float = 0.95,
) -> Evaluation:
    """Measures a classifier.

    Args:
        probabilities: (N, K), each row between 0 and 1 with sum 1 (see :func:`as_probabilities` for logits).
        labels: (N,), integers 0 … K − 1. Between equal probabilities the lower index wins.
        classes: the K names.
        mistakes: how many of the most confident wrong answers to keep.
        confused: how many of the most confused pairs to keep.
        bins: equal-width bins of the reliability curve.
        level: of the accuracy's interval.

    Raises:
        DataError: nothing to measure, shapes that do not fit, labels out of range, rows that are not probabilities.

    Example:
        >>> found = evaluate([[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]], [0, 1, 1], ["cat", "dog"])
        >>> found.correct, found.confusion
        (2, ((1, 0), (1, 1)))
        >>> found.mistakes[0].index, found.scores[1].recall
        (2, 0.5)
    """
    p, y = _checked(probabilities, labels, classes)
    count, width = p.shape
    order = np.argsort(-p, axis=1, kind="stable")
    predicted = order[:, 0]
    right = predicted == y
    rank = np.argmax(order == y[:, None], axis=1)
    table = np.zeros((width, width), dtype=np.int64)
    np.add.at(table, (y, predicted), 1)
    scores, macro = _scores(y, predicted, classes, table)
    correct = int(right.sum())
    return Evaluation(
        classes=tuple(classes),
        count=count,
        correct=correct,
        accuracy=correct / count,
        interval=wilson(correct, count, level),
        top_k=tuple(TopK(k, float((rank < k).mean())) for k in (1, 2, 3, 5) if k == 1 or k < width),
        scores=scores,
        macro_precision=macro[0],
        macro_recall=macro[1],
        macro_f1=macro[2],
        confusion=tuple(tuple(int(each) for each in row) for row in table),
        confused=_confused(table, confused),
        mistakes=_mistakes(p, y, predicted, right, mistakes),
        calibration=calibrate(p[np.arange(count), predicted], right, bins),
        negative_log_likelihood=negative_log_likelihood(p, y),
        brier=brier(p, y),
    )


def evaluate_regression(predictions: ArrayLike, targets: ArrayLike) -> RegressionEvaluation:
    """Mean squared and mean absolute error, over all N values or N × D components.

    Raises:
        DataError: shapes that differ, nothing to measure, values that are not finite.

    Example:
        >>> evaluate_regression([1.0, 2.0], [1.0, 4.0])
        RegressionEvaluation(count=2, mse=2.0, mae=1.0)
    """
    given, wanted = np.asarray(predictions, dtype=np.float64), np.asarray(targets, dtype=np.float64)
    if given.shape[:1] == wanted.shape[:1] and given.size == wanted.size:
        given = given.reshape(wanted.shape)  # (N, 1) of a network, (N,) of a data set
    if given.shape != wanted.shape or not given.size:
        raise DataError(
            "predictions and targets do not fit",
            where=_WHERE,
            given=f"predictions {given.shape}, targets {wanted.shape}",
            expected="the same shape, and at least one sample",
        )
    if not (np.isfinite(given).all() and np.isfinite(wanted).all()):
        raise DataError("a prediction or a target is not finite", where=_WHERE, expected="finite numbers")
    error = given - wanted
    return RegressionEvaluation(len(given), float(np.square(error).mean()), float(np.abs(error).mean()))


def as_probabilities(outputs: ArrayLike, *, from_logits: bool = True, independent: bool = False) -> NDArray[np.float64]:
    """A network's outputs as (N, K) probabilities in float64.

    Logits of exclusive classes go through softmax, and the rows sum to 1. One output a sample, (N,) or (N, 1), is the logit
    (or the probability) of the second of two classes. ``from_logits=False`` only scales the rows, whose float32 sums are
    never quite 1.

    Args:
        outputs: of the network.
        from_logits: whether they are logits, and not probabilities already.
        independent: each of several outputs is a yes or no of its own (binary cross-entropy): logits go through the sigmoid,
            and rows sum to what they sum to; :func:`as_distribution` makes them exclusive.

    Example:
        >>> as_probabilities([[0.0, 0.0]]).tolist(), as_probabilities([[0.25]], from_logits=False).tolist()
        ([[0.5, 0.5]], [[0.75, 0.25]])
        >>> as_probabilities([[0.0, 0.0, 0.0]], independent=True).tolist()
        [[0.5, 0.5, 0.5]]
    """
    values = np.asarray(outputs, dtype=np.float64)
    if values.ndim == 1 or values.shape[1:] == (1,):
        column = values.reshape(-1, 1)
        other = np.zeros_like(column) if from_logits else 1.0 - column
        values = np.concatenate([other, column], axis=1)
    elif independent:
        return np.asarray(expit(values) if from_logits else values)
    return np.asarray(softmax(values, axis=1)) if from_logits else as_distribution(values)


def as_distribution(values: ArrayLike) -> NDArray[np.float64]:
    """Rows scaled to sum 1: independent probabilities as those of exclusive classes. A row of zeros becomes an equal one.

    Example:
        >>> as_distribution([[0.9, 0.3], [0.0, 0.0]]).tolist()
        [[0.75, 0.25], [0.5, 0.5]]
    """
    rows = np.asarray(values, dtype=np.float64)
    sums = rows.sum(axis=1, keepdims=True)
    return np.asarray(np.where(sums == 0, 1 / rows.shape[1], rows / np.where(sums == 0, 1, sums)), dtype=np.float64)


def _checked(
    probabilities: ArrayLike, labels: ArrayLike, classes: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    p, y = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if p.ndim != 2 or y.shape != p.shape[:1] or p.shape[1] != len(classes) or not p.size:
        raise DataError(
            "probabilities, labels and classes do not fit",
            where=_WHERE,
            given=f"probabilities {p.shape}, labels {y.shape}, {len(classes)} classes",
            expected="probabilities (N, K), labels (N,), K classes, N of at least 1",
        )
    if not np.issubdtype(y.dtype, np.integer) or y.min() < 0 or y.max() >= len(classes):
        raise DataError(
            "a label names no class",
            where=_WHERE,
            given=f"{y.dtype} labels from {y.min()} to {y.max()}",
            expected=f"integers from 0 to {len(classes) - 1}",
            fix="give the classes of the data that are evaluated, in the order of the network's outputs",
        )
    sums = p.sum(axis=1)
    if not np.isfinite(p).all() or p.min() < -1e-6 or np.abs(sums - 1).max() > 1e-3:
        row = int(np.argmax(~np.isfinite(sums) | (p.min(axis=1) < -1e-6) | (np.abs(sums - 1) > 1e-3)))
        raise DataError(
            "a row is not a probability distribution",
            where=f"{_WHERE}, sample {row}",
            given=f"values from {p[row].min():.4g} to {p[row].max():.4g}, sum {sums[row]:.4g}",
            expected="values from 0 to 1 with sum 1",
            fix="as_probabilities(outputs), if these are logits",
        )
    return p, y.astype(np.int64)


def _scores(
    y: NDArray[np.int64], predicted: NDArray[np.int64], classes: Sequence[str], table: NDArray[np.int64]
) -> tuple[tuple[ClassScore, ...], list[float | None]]:
    """Precision, recall and F1 a class and their macro means, by scikit-learn; undefined quotients are None."""
    from sklearn.metrics import precision_recall_fscore_support

    columns: Any = precision_recall_fscore_support(
        y, predicted, labels=np.arange(len(classes)), average=None, zero_division=np.nan
    )[:3]
    exact = [[None if np.isnan(value) else float(value) for value in column] for column in columns]
    scores = tuple(
        ClassScore(name, exact[0][i], exact[1][i], exact[2][i], int(table[i].sum()), int(table[:, i].sum()))
        for i, name in enumerate(classes)
    )
    kept = [[value for value in column if value is not None] for column in exact]
    return scores, [sum(column) / len(column) if column else None for column in kept]


def _confused(table: NDArray[np.int64], most: int) -> tuple[Confusion, ...]:
    pairs = [(int(table[t, q]), int(t), int(q)) for t, q in np.argwhere(table) if t != q]
    pairs.sort(key=lambda pair: (-pair[0], pair[1], pair[2]))
    return tuple(Confusion(t, q, n, n / int(table[t].sum())) for n, t, q in pairs[:most])


def _mistakes(
    p: NDArray[np.float64], y: NDArray[np.int64], predicted: NDArray[np.int64], right: NDArray[np.bool_], most: int
) -> tuple[Mistake, ...]:
    wrong = np.flatnonzero(~right)
    worst = wrong[np.argsort(-p[wrong, predicted[wrong]], kind="stable")][:most]
    return tuple(
        Mistake(int(i), int(y[i]), int(predicted[i]), float(p[i, predicted[i]]), float(p[i, y[i]])) for i in worst
    )
