"""Whether targets are what a loss takes: looked at once an array, before the first step.

A loss is a formula; it also gives a number for labels it was never meant for (−1 and 1 where it takes 0 and 1), and the
network then learns something else, or its loss falls without a floor. What is refused here is refused with what the labels are.
"""

from __future__ import annotations

import torch
from torch import Tensor

from foveal.errors import DataError
from foveal.training.config import TrainingConfig

SUM_TOLERANCE = 1e-3  # of the rows of a distribution: what float16 and averaged answers leave


def check_targets(targets: Tensor, outputs: int, config: TrainingConfig, where: str, what: str = "y") -> None:
    """Raise unless the configured loss takes these targets.

    Args:
        targets: finite values as floats, outputs on axis 1 where there are several axes; or class numbers as whole numbers,
            each with an output (:func:`foveal.data_adapter.targets.as_targets`).
        outputs: how many values the network gives (a place, where it gives a map or a sequence).
        config: whose ``loss`` is meant.
        where: the network's name, for messages.
        what: the array's name, for messages and repairs.

    Raises:
        DataError: a categorical cross-entropy's rows that are not distributions; labels of a two-class loss that are not 0
            and 1 (hinge also takes −1 and 1).

    Example:
        >>> check_targets(torch.tensor([0.0, 1.0]), 1, TrainingConfig(loss="binary_cross_entropy"), "net")
        >>> check_targets(torch.tensor([0.0, 255.0]), 1, TrainingConfig(loss="binary_cross_entropy"), "net")
        Traceback (most recent call last):
        ...
        foveal.errors.DataError: net: binary cross-entropy takes labels from 0 to 1
          given     y: the values 0 and 255
          expected  0 and 1, or shares between them
          to fix    y / 255
    """
    if not targets.numel() or (outputs > 1 and not targets.is_floating_point()):
        return
    if config.loss == "cross_entropy":
        _check_distributions(targets, where, what)
    elif config.loss == "binary_cross_entropy":
        _check_shares(targets, where, what)
    elif config.loss in ("hinge", "categorical_hinge"):
        _check_sides(targets, config.loss, outputs, where, what)


def note_on_accuracy(targets: Tensor, outputs: int, config: TrainingConfig) -> str:
    """What "accuracy" counts where a sample has several labels, in a line; "" where there is nothing to say.

    Example:
        >>> binary = TrainingConfig(loss="binary_cross_entropy")
        >>> note_on_accuracy(torch.tensor([[0.0, 1.0, 1.0]]), 3, binary)[:48]
        'samples have several labels: accuracy looks only'
    """
    plain = "accuracy" in config.metrics and config.loss in ("binary_cross_entropy", "hinge")
    if not plain or outputs == 1 or not targets.is_floating_point() or not bool(((targets > 0.5).sum(1) > 1).any()):
        return ""
    return (
        "samples have several labels: accuracy looks only at the largest output and the first label, as in Keras; "
        'metrics=["binary_accuracy"] counts every label'
    )


def _check_distributions(rows: Tensor, where: str, what: str) -> None:
    """Rows of values for a categorical cross-entropy."""
    sums = rows.double().sum(1)
    low = float(rows.min())
    broken = ((rows < 0).any(1) | ((sums - 1).abs() > SUM_TOLERANCE)).flatten()
    if not bool(broken.any()):
        return
    first = int(broken.nonzero()[0])
    row = rows.movedim(1, -1).reshape(-1, rows.shape[1])[first]
    several = "each of them is a label of its own" if _only(rows, 0.0, 1.0) and bool((sums > 1).any()) else ""
    fix: list[str] = []
    if several:
        fix.append('loss="binary_crossentropy", with a sigmoid or from_logits=True: several labels at once')
    elif low >= 0 and bool((sums > 0).all()):
        fix.append(f"{what} / {what}.sum(axis=-1, keepdims=True), if these are shares or counts")
    if not several:
        fix.append('loss="mse", if these are numbers to be predicted')
    raise DataError(
        "categorical cross-entropy takes one-hot rows or other distributions",
        where=where,
        given=f"{what}: {int(broken.sum()):,} of {broken.numel():,} rows are none; the first, sample {_sample(first, rows)}, is "
        f"{_row(row)}, sum {float(row.double().sum()):.6g}" + (f"; {several}" if several else ""),
        expected="values of 0 or more with sum 1 in every row, or class numbers",
        fix=fix,
    )


def _check_shares(values: Tensor, where: str, what: str) -> None:
    """Targets of a binary cross-entropy."""
    if float(values.min()) < 0 or float(values.max()) > 1:
        raise DataError(
            "binary cross-entropy takes labels from 0 to 1",
            where=where,
            given=f"{what}: {_told(values)}",
            expected="0 and 1, or shares between them",
            fix=_two_class_repairs(values, what),
        )


def _check_sides(values: Tensor, loss: str, outputs: int, where: str, what: str) -> None:
    """Targets of the hinges: 0 and 1, or −1 and 1."""
    several = loss == "categorical_hinge" and outputs > 1
    if not (_only(values, 0.0, 1.0) or (_only(values, -1.0, 1.0) and not several)):
        signs = _only(values, -1.0, 1.0)
        raise DataError(
            f"{loss} takes " + ("one-hot rows of 0 and 1" if several else "labels of 0 and 1, or of −1 and 1"),
            where=where,
            given=f"{what}: {_told(values)}",
            expected="0 and 1" if several else "0 and 1, or −1 and 1",
            fix=f"({what} + 1) / 2" if signs else _two_class_repairs(values, what),
        )
    if several and not bool(((values > 0).sum(1) == 1).all()):
        raise DataError(
            "categorical_hinge takes one class a sample",
            where=where,
            given=f"rows with {int((values > 0).sum(1).min())} to {int((values > 0).sum(1).max())} ones",
            expected="one-hot rows, or class numbers",
            fix='loss="hinge": several labels at once',
        )


def _two_class_repairs(values: Tensor, y: str) -> list[str]:
    """What turns these labels into 0 and 1; where there are not two of them, what they may have been meant for."""
    found = torch.unique(values)
    if len(found) <= 2:
        low, high = float(found[0]), float(found[-1])
        if low == 0:
            return [f"{y} / {high:g}"]
        if (low, high) == (-1.0, 1.0):
            return [f"({y} + 1) / 2"]
        if high == low + 1:
            return [f"{y} - {low:g}" if low > 0 else f"{y} + {-low:g}"]
        if high > low:
            return [f"({y} == {high:g}).astype('float32')"]
        return ["labels of both classes, 0 and 1"]
    whole = bool((found == found.round()).all()) and float(found[0]) >= 0
    classes = int(found[-1]) + 1
    repairs = []
    if whole and classes <= 1000 and values.dim() == 1:
        repairs.append(
            f'Dense({classes}) as the last layer with loss="sparse_categorical_crossentropy": one class of several'
        )
    if float(found[0]) >= 0:
        repairs.append(f"{y} / {float(found[-1]):g}, if these are shares of {float(found[-1]):g}")
    repairs.append('loss="mse" and no activation on the last layer, if these are numbers to be predicted')
    return repairs


def _only(values: Tensor, one: float, other: float) -> bool:
    return bool(((values == one) | (values == other)).all())


def _told(values: Tensor) -> str:
    """What the labels are, in words: the values where they are few, their range where they are many."""
    found = torch.unique(values)
    if len(found) == 1:
        return f"only the value {float(found[0]):g}"
    if len(found) == 2:
        return f"the values {float(found[0]):g} and {float(found[1]):g}"
    if len(found) <= 5:
        return "the values " + ", ".join(f"{float(value):g}" for value in found)
    return f"{len(found):,} different values from {float(found[0]):g} to {float(found[-1]):g}"


def _sample(first: int, rows: Tensor) -> int:
    """The sample of a row, where there are several rows a sample."""
    places = rows.numel() // rows.shape[1]
    return first // max(1, places // len(rows))


def _row(row: Tensor) -> str:
    shown = ", ".join(f"{float(value):.4g}" for value in row[:4])
    return f"({shown}{', …' if len(row) > 4 else ''})"
