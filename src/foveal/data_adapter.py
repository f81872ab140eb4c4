"""Arrays that users hand to a Model, as tensors: checked against the network before anything is computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from foveal.backends.values import as_tensor, refuse_not_finite
from foveal.errors import ConfigurationError, DataError
from foveal.layouts import repairs
from foveal.network.ending import check_ending
from foveal.network.shape import Shape, Tokens, Vector
from foveal.network.tree import Sequential
from foveal.training.batching import augmentation
from foveal.training.config import TrainingConfig
from foveal.training.targets import check_targets, note_on_accuracy


def as_inputs(x: Any, shape: Shape, where: str, what: str = "x") -> Tensor:
    """An array as a tensor with channels last, N × the network's input shape: uint8, float32, or int64 for tokens.

    Args:
        x: uint8 pixels, which batches divide by 255, or other numbers, which are taken as they are. The channel axis of grey
            pictures may be missing. Tokens are whole numbers, N × length, and stay what they are.
        shape: the network's input.
        where: the network's name, for messages.
        what: the array's name, for messages and repairs.

    Raises:
        DataError: no numbers, values that are not finite, or another shape.

    Example:
        >>> from foveal.network import Image
        >>> as_inputs(np.full((2, 28, 28), 255, np.uint8), Image(28, 28, 1), "net").shape
        torch.Size([2, 28, 28, 1])
    """
    tensor = as_tensor(x, where, what)
    if isinstance(shape, Tokens):
        return _tokens(tensor, shape, where, what)
    grey = tensor.dim() == len(shape.axes) and shape.channels == 1 and not isinstance(shape, Vector)
    if grey and _agrees(tensor.shape[1:], shape.axes[:-1]):
        tensor = tensor.unsqueeze(-1)
    if tensor.dim() != len(shape.axes) + 1 or not _agrees(tensor.shape[1:], shape.axes):
        _refuse_shape(
            tensor.shape, shape.axes, where, what, "the array is not of the network's input shape",
            "bring the pictures to this size, or give the network another input_shape",
        )  # fmt: skip
    if tensor.dtype == torch.uint8:
        return tensor
    values = tensor.to(torch.float32)
    refuse_not_finite(values, where, what)
    return values


def _refuse_shape(
    given: Sequence[int], wanted: Sequence[int | None], where: str, what: str, problem: str, fix: str
) -> None:
    """Refuse an array of another shape than N × ``wanted``, with repairs that mean the same."""
    mend, sentence = repairs(given, wanted, what)
    text = " × ".join("?" if n is None else str(n) for n in wanted)
    raise DataError(
        problem,
        where=where,
        given=f"{what}: an array of shape {' × '.join(map(str, given)) or '() (one number)'}",
        expected=f"N × {text}" + (f"; {sentence}" if sentence else ""),
        mend=mend or (None if sentence else fix),
    )


def _agrees(sizes: Sequence[int], wanted: Sequence[int | None]) -> bool:
    """Whether every known size is met; a size of 0 meets none."""
    return all(m > 0 and n in (None, m) for n, m in zip(wanted, sizes, strict=True))


def _tokens(tensor: Tensor, shape: Tokens, where: str, what: str) -> Tensor:
    """Whole numbers, N × length."""
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise DataError(
            "tokens are whole numbers",
            where=where,
            given=f"{what}: an array of {str(tensor.dtype).removeprefix('torch.')}",
            expected="integers, each the index of a row of the Embedding",
            mend=f"{what}.astype('int64')" if _whole_numbers(tensor) else "number the tokens from 0, without fractions",
        )
    if tensor.dim() != 2 or shape.length not in (None, tensor.shape[1]):
        _refuse_shape(
            tensor.shape, shape.axes, where, what, "the array is not of the network's input shape",
            "cut longer texts, and fill shorter ones up with a token of their own",
        )  # fmt: skip
    return tensor.long()


def _whole_numbers(tensor: Tensor) -> bool:
    """Whether floats (or truth values) are whole numbers that int64 holds."""
    values = tensor.double()
    return bool(((values == values.round()) & (values.abs() < 2**62)).all())


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
    """Targets that belong to inputs and are what the configured loss takes; see :func:`as_answers`.

    ``say`` is told where a metric counts otherwise than one may think.

    Raises:
        DataError: no sample, or targets that cannot be learned.
        ConfigurationError: a loss that the network's outputs are not for.
    """
    if not len(inputs):
        raise DataError("there is no sample", where=where, given="arrays of length 0", expected="one or more")
    check_ending(config.loss, config.from_logits, network, output)  # compile may not know the shape yet
    targets = as_answers(y, len(inputs), output, where, what)
    check_targets(targets, output.channels, config, where, what)
    if note := note_on_accuracy(targets, output.channels, config):
        say(note)
    return targets


def as_answers(y: Any, count: int, output: Shape, where: str, what: str = "y") -> Tensor:
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
        >>> as_answers([3, 1], 2, Vector(10), "net")
        tensor([3, 1])
        >>> as_answers(torch.zeros(2, 8, 6, 3), 2, Image(8, 6, 3), "net").shape
        torch.Size([2, 3, 8, 6])
    """
    tensor = as_tensor(_named(y, where, what), where, what)
    if tensor.dim() == 0 or len(tensor) != count:
        raise DataError(
            "there are not as many answers as inputs",
            where=where,
            given=f"{count:,} inputs, {len(tensor) if tensor.dim() else 'no list of'} answers",
            expected="one answer an input",
            mend="x and y of the same part of the data",
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
            mend=f"Dense({tensor.shape[1]}) as the last layer" if tensor.shape[1] else None,
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
    if tensor.dim() == len(output.axes) + 1 and _agrees(tensor.shape[1:], output.axes):
        return tensor.to(torch.float32).movedim(-1, 1)
    column = tensor.dim() == len(output.axes) + 1 and tensor.shape[-1] == 1
    numbers = tensor.squeeze(-1) if column else tensor
    if numbers.dim() != len(output.axes) or not _agrees(numbers.shape[1:], places):
        _refuse_shape(
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
        mend = []
        if low and high - low < outputs:
            mend.append(
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
            mend.append(f"{last} as the last layer" if output.spatial == () else f"{last} in the last layer")
        raise DataError(
            "a label has no output",
            where=where,
            given=f"labels from {low} to {high}; the network has {outputs} outputs"
            + (" at each place" if output.spatial else ""),
            expected=f"0 to {outputs - 1}",
            mend=mend or "number the classes from 0",
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
            mend="classes, y = np.unique(y, return_inverse=True)",
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
            "a label is no class number",
            where=where,
            given=f"{float(broken[0]):g}; the network has {outputs} outputs",
            expected=f"whole numbers from 0 to {outputs - 1}, or {otherwise}",
            mend="Dense(1) as the last layer, to learn one number a sample",
        )
    return labels.long()


def check_augmentable(x: Tensor, text: str, output: Shape) -> None:
    """Refuse an augmentation that cannot be done to these inputs.

    Args:
        x: inputs as :func:`as_inputs` gives them.
        text: ``config.augment``.
        output: what the network gives for a sample.

    Raises:
        ConfigurationError: augmentation of what is no image, of values that are no pixels, or where the targets are images
            that would have to change as well.
    """
    if augmentation(text) is None:
        return
    given = ""
    if x.dim() != 4:
        given = f"samples of shape {' × '.join(map(str, x.shape[1:]))}"
    elif x.dtype != torch.uint8 and (float(x.min()) < 0 or float(x.max()) > 1):
        given = f"values from {float(x.min()):g} to {float(x.max()):g}"
    elif output.spatial:
        given = f"targets of {output}, which stay as they are"
    if given:
        raise ConfigurationError(
            "augmentation changes images alone, with pixels from 0 to 1",
            where="fit",
            given=f"augment={text!r}; {given}",
            expected="uint8 pixels or values from 0 to 1, height × width × channels; one target an image",
            mend='augment="" in compile',
        )
