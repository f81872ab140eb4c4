"""Targets that users hand to a Model, as tensors: what belongs to the inputs and fits the network's outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from foveal.backends.values import as_tensor, refuse_not_finite
from foveal.data_adapter.layouts import agrees, refuse_shape
from foveal.data_adapter.loss_targets import check_targets, note_on_accuracy
from foveal.errors import DataError
from foveal.network.ending import check_ending
from foveal.network.shape import Shape
from foveal.network.tree import Sequential
from foveal.training.config import TrainingConfig


def targets_for(
    inputs: Tensor,
    y: Any,
    network: Sequential,
    output: Shape,
    config: TrainingConfig,
    say: Callable[[str], None],
    where: str,
    what: str = "y",
) -> Tensor:
    """Targets that belong to inputs and are what the configured loss takes; see :func:`as_targets`.

    ``say`` is told where a metric counts otherwise than one may think.

    Raises:
        DataError: no sample, or targets that cannot be learned.
        ConfigurationError: a loss that the network's outputs are not for.
    """
    if not len(inputs):
        raise DataError("there is no sample", where=where, given="arrays of length 0", expected="one or more")
    check_ending(config.loss, config.from_logits, network, output)  # compile may not know the shape yet
    targets = as_targets(y, len(inputs), output, where, what)
    check_targets(targets, output.channels, config, where, what)
    if note := note_on_accuracy(targets, output.channels, config):
        say(note)
    return targets


def as_targets(y: Any, count: int, output: Shape, where: str, what: str = "y") -> Tensor:
    """Class numbers as int64, or values as float32 in the layout of the module's outputs (channels first).

    Args:
        y: for a network with K outputs class numbers (N,) or (N, 1), one-hot rows or other values (N, K). For one that gives
            images, volumes or sequences: values with channels last, N × the output shape (a single channel's axis may be
            missing), or class numbers, N × the output shape without its channels.
        count: how many samples there are.
        output: what the network gives for a sample.
        where: the network's name, for messages.
        what: the array's name, for messages and repairs.

    Raises:
        DataError: another number of answers than samples, a class without an output, no numbers, values that are neither one
            a sample nor one an output, or another layout than channels last.

    Example:
        >>> from foveal.network import Image, Vector
        >>> as_targets([3, 1], 2, Vector(10), "net")
        tensor([3, 1])
        >>> as_targets(torch.zeros(2, 8, 6, 3), 2, Image(8, 6, 3), "net").shape
        torch.Size([2, 3, 8, 6])
    """
    tensor = as_tensor(_named(y, where, what), where, what)
    if tensor.dim() == 0 or len(tensor) != count:
        raise DataError(
            "there are not as many answers as inputs",
            where=where,
            given=f"{count:,} inputs, {len(tensor) if tensor.dim() else 'no list of'} answers",
            expected="one answer an input",
            fix="x and y of the same part of the data",
        )
    found = _row(tensor, output.channels, where, what) if output.spatial == () else _map(tensor, output, where, what)
    if found.is_floating_point():
        refuse_not_finite(found, where, what)
    elif output.channels > 1 and found.numel():
        _check_classes(found, output, where, what)
    return found


def _row(tensor: Tensor, outputs: int, where: str, what: str) -> Tensor:
    """Answers for a network that gives a row of values."""
    if tensor.dim() == 2 and tensor.shape[1] == 1 and (outputs > 1 or not tensor.is_floating_point()):
        tensor = tensor[:, 0]  # labels as a column, as some data sets have them
    if tensor.dim() == 1 and tensor.is_floating_point() and outputs > 1:
        tensor = _whole(tensor, f"N × {outputs} values", outputs, where, what)
    if tensor.dim() == 2 and tensor.shape[1] != outputs:
        raise DataError(
            "there are not as many values a sample as the network has outputs",
            where=where,
            given=f"answers of shape {len(tensor)} × {tensor.shape[1]}; the network has {outputs} outputs",
            expected=f"N class numbers, or N × {outputs} values",
            fix=f"Dense({tensor.shape[1]}) as the last layer" if tensor.shape[1] else None,
        )
    if tensor.dim() > 2:
        raise DataError(
            "the targets are not of the network's output shape",
            where=where,
            given=f"{what}: an array of shape {' × '.join(map(str, tensor.shape))}",
            expected=f"N class numbers, or N × {outputs} values",
        )
    return tensor.float() if tensor.is_floating_point() or tensor.dim() > 1 else tensor.long()


def _map(tensor: Tensor, output: Shape, where: str, what: str) -> Tensor:
    """Answers for a network that gives an image, a volume or a sequence: a value or a class number at each place."""
    places, channels = output.axes[:-1], output.channels
    if tensor.dim() == len(output.axes) + 1 and agrees(tensor.shape[1:], output.axes):
        return tensor.to(torch.float32).movedim(-1, 1)
    column = tensor.dim() == len(output.axes) + 1 and tensor.shape[-1] == 1
    numbers = tensor.squeeze(-1) if column else tensor
    if numbers.dim() != len(output.axes) or not agrees(numbers.shape[1:], places):
        refuse_shape(
            tensor.shape, output.axes, where, what, "the targets are not of the network's output shape",
            f"targets with channels last, as the network's output: {output}"
            + (f", or class numbers: N × {' × '.join(map(str, places))}" if channels > 1 else ""),
        )  # fmt: skip
    if channels == 1:
        return numbers.to(torch.float32).unsqueeze(1)
    if numbers.is_floating_point():
        numbers = _whole(numbers, f"N × {output} values", channels, where, what)
    return numbers.long()


def _check_classes(labels: Tensor, output: Shape, where: str, what: str) -> None:
    low, high, outputs = int(labels.min()), int(labels.max()), output.channels
    if low < 0 or high >= outputs:
        fix = []
        if low and high - low < outputs:
            fix.append(
                f"{what} - {low}, if the first class is {low}"
                if low > 0
                else f"{what} + {-low}, if the first class is {low}"
            )
        if low >= 0 and high < 10_000:
            last = (
                f"Dense({high + 1})"
                if output.spatial == ()
                else f"{high + 1} channels, one a class, in place of {outputs},"
            )
            fix.append(f"{last} as the last layer" if output.spatial == () else f"{last} in the last layer")
        raise DataError(
            "a label has no output",
            where=where,
            given=f"labels from {low} to {high}; the network has {outputs} outputs"
            + (" at each place" if output.spatial else ""),
            expected=f"0 to {outputs - 1}",
            fix=fix or "number the classes from 0",
        )


def _named(labels: Any, where: str, what: str) -> Any:
    """The labels, unless they are words or nothing at all."""
    if labels is None:
        raise DataError("there are no targets", where=where, given=f"{what}=None", expected="one target a sample")
    kind = getattr(getattr(labels, "dtype", None), "kind", "")
    first = labels
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    if kind in ("U", "S", "T") or isinstance(first, (str, bytes)) or (kind == "O" and _a_word(labels)):
        array = np.asarray(labels)
        raise DataError(
            "labels are class numbers, not names",
            where=where,
            given=f"an array of {array.dtype}" + (f", the first {str(array.flat[0])!r}" if array.size else ""),
            expected="whole numbers from 0",
            fix="classes, y = np.unique(y, return_inverse=True)",
        )
    return labels


def _a_word(labels: Any) -> bool:
    """Whether an array of objects holds words; a pandas column of text is one."""
    array = np.asarray(labels)
    return bool(array.size) and isinstance(array.flat[0], (str, bytes))


def _whole(labels: Tensor, otherwise: str, outputs: int, where: str, what: str) -> Tensor:
    """Class numbers that were written as floats; left so, they would be spread over all outputs."""
    refuse_not_finite(labels, where, what)
    broken = labels[labels != labels.round()]
    if len(broken):
        raise DataError(
            "a label is not a class number",
            where=where,
            given=f"{float(broken[0]):g}; the network has {outputs} outputs",
            expected=f"whole numbers from 0 to {outputs - 1}, or {otherwise}",
            fix="Dense(1) as the last layer, to learn one number a sample",
        )
    return labels.long()
