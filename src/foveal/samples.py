"""Arrays that users hand to a Model, as tensors: checked against the network before anything is computed."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from foveal.errors import DataError
from foveal.network.shape import Shape, Tokens


def as_inputs(x: Any, shape: Shape, where: str) -> Tensor:
    """An array as a float32 tensor with channels last, N × the network's input shape; tokens as int64.

    Args:
        x: uint8 pixels, which are divided by 255, or other numbers, which are taken as they are. The channel axis of grey
            pictures may be missing. Tokens are whole numbers, N × length, and stay what they are.
        shape: the network's input.
        where: the network's name, for messages.

    Raises:
        DataError: no numbers, or another shape.

    Example:
        >>> from foveal.network import Image
        >>> as_inputs(np.full((2, 28, 28), 255, np.uint8), Image(28, 28, 1), "net").shape
        torch.Size([2, 28, 28, 1])
    """
    tensor = x if isinstance(x, Tensor) else _tensor(np.asarray(x), where)
    if isinstance(shape, Tokens):
        return _tokens(tensor, shape, where)
    tensor = tensor.float().div_(255) if tensor.dtype == torch.uint8 else tensor.to(torch.float32)
    if tensor.dim() == len(shape.axes) and shape.channels == 1:
        tensor = tensor.unsqueeze(-1)
    known = [n is None or n == m for n, m in zip(shape.axes, tensor.shape[1:], strict=False)]
    if tensor.dim() == len(shape.axes) + 1 and all(known):
        return tensor
    same_size = shape.size is not None and len(tensor) > 0 and tensor[0].numel() == shape.size
    raise DataError(
        "the array is not of the network's input shape",
        where=where,
        given=f"an array of shape {' × '.join(map(str, tensor.shape))}",
        expected=f"N × {shape}",
        mend=f"x.reshape((-1, {', '.join(map(str, shape.axes))}))"
        if same_size
        else "bring the pictures to this size, or give the network another input_shape",
    )


def _tokens(tensor: Tensor, shape: Tokens, where: str) -> Tensor:
    """Whole numbers, N × length."""
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise DataError(
            "tokens are whole numbers",
            where=where,
            given=f"an array of {tensor.dtype}",
            expected="integers, each the index of a row of the Embedding",
            mend="x.astype('int64')",
        )
    if tensor.dim() != 2 or shape.length not in (None, tensor.shape[1]):
        raise DataError(
            "the array is not of the network's input shape",
            where=where,
            given=f"an array of shape {' × '.join(map(str, tensor.shape))}",
            expected=f"N × {shape}",
            mend="cut longer texts, and fill shorter ones up with a token of their own",
        )
    return tensor.long()


def as_answers(y: Any, count: int, outputs: int, where: str) -> Tensor:
    """Class numbers as int64 (N,), or values as float32 (N, K).

    Args:
        y: class numbers (N,) or (N, 1), one-hot rows or other values (N, K).
        count: how many samples there are.
        outputs: how many values the network gives.
        where: the network's name, for messages.

    Raises:
        DataError: another number of answers than samples, a class without an output, no numbers, values that are neither one
            a sample nor one an output.

    Example:
        >>> as_answers([3, 1], 2, 10, "net")
        tensor([3, 1])
    """
    tensor = y if isinstance(y, Tensor) else _tensor(_named(np.asarray(y), where), where)
    if tensor.dim() == 2 and tensor.shape[1] == 1 and (outputs > 1 or not tensor.is_floating_point()):
        tensor = tensor[:, 0]  # labels as a column, as some data sets have them
    if tensor.dim() == 1 and tensor.is_floating_point() and outputs > 1:
        tensor = _whole(tensor, outputs, where)  # labels as floats; left so, they would be spread over all outputs
    if tensor.dim() == 2 and tensor.shape[1] != outputs:
        raise DataError(
            "there are not as many values a sample as the network has outputs",
            where=where,
            given=f"answers of shape {len(tensor)} × {tensor.shape[1]}; the network has {outputs} outputs",
            expected=f"N class numbers, or N × {outputs} values",
            mend=f"Dense({tensor.shape[1]}) as the last layer",
        )
    tensor = tensor.float() if tensor.is_floating_point() or tensor.dim() > 1 else tensor.long()
    if len(tensor) != count:
        raise DataError(
            "there are not as many answers as inputs",
            where=where,
            given=f"{count:,} inputs, {len(tensor):,} answers",
            expected="one answer an input",
            mend="x and y of the same part of the data",
        )
    if tensor.dim() == 1 and not tensor.is_floating_point() and outputs > 1 and count:
        low, high = int(tensor.min()), int(tensor.max())
        if low < 0 or high >= outputs:
            raise DataError(
                "a label has no output",
                where=where,
                given=f"labels from {low} to {high}; the network has {outputs} outputs",
                expected=f"0 to {outputs - 1}",
                mend=f"Dense({high + 1}) as the last layer" if low >= 0 else "number the classes from 0",
            )
    return tensor


def _named(labels: np.ndarray[Any, Any], where: str) -> np.ndarray[Any, Any]:
    """The labels, unless they are words."""
    if labels.dtype.kind in "USO":
        raise DataError(
            "labels are class numbers, not names",
            where=where,
            given=f"an array of {labels.dtype}, the first {labels.flat[0]!r}" if labels.size else f"{labels.dtype}",
            expected="whole numbers from 0",
            mend="classes, y = np.unique(y, return_inverse=True)",
        )
    return labels


def _whole(labels: Tensor, outputs: int, where: str) -> Tensor:
    """Class numbers that were written as floats."""
    broken = labels[labels != labels.round()]
    if len(broken):
        raise DataError(
            "a label is no class number",
            where=where,
            given=f"{float(broken[0]):g}; the network has {outputs} outputs",
            expected=f"whole numbers from 0 to {outputs - 1}, or N × {outputs} values",
            mend="Dense(1) as the last layer, to learn one number a sample",
        )
    return labels.long()


def _tensor(array: np.ndarray[Any, Any], where: str) -> Tensor:
    if array.dtype.kind not in "fiub":
        raise DataError(
            "these are no numbers",
            where=where,
            given=f"an array of {array.dtype}",
            expected="uint8 pixels, floats, or class numbers",
            mend='array.astype("float32"), if they are numbers written as text',
        )
    return torch.from_numpy(np.ascontiguousarray(array) if array.flags.writeable else array.copy())
