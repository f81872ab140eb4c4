"""Arrays that users hand to a Model, as tensors: checked against the network before anything is computed."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from foveal.backends.values import as_tensor, refuse_not_finite
from foveal.data_adapter.layouts import agrees, channels_first_looking, refuse_shape
from foveal.errors import ConfigurationError, DataError
from foveal.network.shape import Shape, Tokens, Vector, as_shape
from foveal.network.tree import Sequential
from foveal.training.batching import augmentation


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
        >>> import numpy as np
        >>> from foveal.network import Image
        >>> as_inputs(np.full((2, 28, 28), 255, np.uint8), Image(28, 28, 1), "net").shape
        torch.Size([2, 28, 28, 1])
    """
    tensor = as_tensor(x, where, what)
    if isinstance(shape, Tokens):
        return _tokens(tensor, shape, where, what)
    grey = tensor.dim() == len(shape.axes) and shape.channels == 1 and not isinstance(shape, Vector)
    if grey and agrees(tensor.shape[1:], shape.axes[:-1]):
        tensor = tensor.unsqueeze(-1)
    if tensor.dim() != len(shape.axes) + 1 or not agrees(tensor.shape[1:], shape.axes):
        refuse_shape(
            tensor.shape, shape.axes, where, what, "the array is not of the network's input shape",
            "bring the pictures to this size, or give the network another input_shape",
        )  # fmt: skip
    if tensor.dtype == torch.uint8:
        return tensor
    values = tensor.to(torch.float32)
    refuse_not_finite(values, where, what)
    return values


def _tokens(tensor: Tensor, shape: Tokens, where: str, what: str) -> Tensor:
    """Whole numbers, N × length."""
    if tensor.is_floating_point() or tensor.dtype == torch.bool:
        raise DataError(
            "tokens are whole numbers",
            where=where,
            given=f"{what}: an array of {str(tensor.dtype).removeprefix('torch.')}",
            expected="integers, each the index of a row of the Embedding",
            fix=f"{what}.astype('int64')" if _whole_numbers(tensor) else "number the tokens from 0, without fractions",
        )
    if tensor.dim() != 2 or shape.length not in (None, tensor.shape[1]):
        refuse_shape(
            tensor.shape, shape.axes, where, what, "the array is not of the network's input shape",
            "cut longer texts, and fill shorter ones up with a token of their own",
        )  # fmt: skip
    return tensor.long()


def _whole_numbers(tensor: Tensor) -> bool:
    """Whether floats (or truth values) are whole numbers that int64 holds."""
    values = tensor.double()
    return bool(((values == values.round()) & (values.abs() < 2**62)).all())


def check_augmentable(x: Tensor, text: str, output: Shape) -> None:
    """Refuse an augmentation that cannot be done to these inputs.

    Args:
        x: inputs as :func:`as_inputs` gives them.
        text: ``config.augment``.
        output: what the network gives for a sample.

    Raises:
        ConfigurationError: augmentation of what is not an image, of values that are not pixels, or where the targets are images
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
            fix='augment="" in compile',
        )


def input_shape_of(x: Tensor, network: Sequential, where: str, what: str) -> Shape:
    """The input shape that an array tells a network that has none yet.

    Raises:
        DataError: no samples with one to four axes, or images that look as if their channels came first.
    """
    sizes = tuple(x.shape[1:])
    windows = any(layer.rank == 2 for layer in network.layers[:1])
    if not 1 <= len(sizes) <= 4 or 0 in sizes or (windows and channels_first_looking(x.shape)):
        moved = [f"np.moveaxis({what}, 1, -1)", f"input_shape={sizes} on the first layer, if they are meant so"]
        raise DataError(
            "the network's input shape cannot be told from this array",
            where=where,
            given=f"{what}: an array of shape {' × '.join(map(str, x.shape)) or '() (one number)'}",
            expected="samples first and channels last: N × height × width × channels, or N × values",
            fix=moved if len(sizes) == 3 and 0 not in sizes else None,
        )
    if len(sizes) == 2 and windows:
        sizes = (*sizes, 1)
    text = len(sizes) == 1 and any(layer.takes_tokens for layer in network.layers[:1])
    return Tokens(*sizes) if text else as_shape(sizes)
