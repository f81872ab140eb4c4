"""A whole data set brought to another size or number of channels."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import DataSet, shape_text
from foveal.data.sources.decoding import Decoded
from foveal.data.sources.placing import Fit, laid_on, resize
from foveal.errors import DataError

LIMIT = 8 << 30
"""Bytes that the pictures may take together, 8 GiB."""
Pixels = NDArray[np.uint8]


def check_together(where: str, given: int, becoming: tuple[int, ...], most: int | None, smaller: str) -> None:
    """Refuse pictures that would not fit into memory together, before memory is taken.

    Args:
        where: the data, for the message.
        given: bytes that the pictures take as they are.
        becoming: how many there are, and the shape that each gets; a byte a value.
        most: bytes that they may take where this is more than they take as they are; None for ``LIMIT``. A size that a model
            file asks for is not the user's own.
        smaller: a repair.
    """
    needed = math.prod(becoming)
    limit = LIMIT if most is None or needed <= given else most
    if needed <= limit:
        return
    raise DataError(
        "the pictures do not fit into memory together",
        where=where,
        given=f"{shape_text(becoming)} = {needed / 2**30:.1f} GiB",
        expected=f"at most {limit / 2**30:.3g} GiB" + ("" if most is None else ", unless more is allowed"),
        fix=[smaller] if most is None else [smaller, f"--allow-memory {-(-needed // 2**30)}GB, if it is meant"],
    )


class NoPictures(DataError):
    """Rows of a table, where a size or channels of pictures are asked for."""


def brought_to(
    data: DataSet, size: tuple[int, int] | None, channels: int | None, fit: Fit, most: int | None = None
) -> DataSet:
    """The same pictures in another size or number of channels.

    One and three channels are grey and red, green, blue. Any other number is resized channel by channel; four become grey or
    colour as red, green, blue and transparency on white. ``notes`` says what was done.

    Raises:
        NoPictures: a table.
        DataError: channels that are neither; more than ``LIMIT`` or ``most``, see :func:`check_together`.

    Example:
        >>> from foveal.data import from_arrays
        >>> bands = from_arrays(np.zeros((2, 8, 8, 5), np.uint8), [0, 1])
        >>> brought_to(bands, (4, 4), None, "crop").shape
        (4, 4, 5)
    """
    height, width, depth = data.shape if not data.is_table else (0, 0, 0)
    target = (height, width) if size is None else (int(size[0]), int(size[1]))
    if not data.is_table and target == (height, width) and channels in (None, depth):
        return data
    if data.is_table:
        if size is None and channels is None:
            return data
        raise NoPictures(
            "these are rows of a table, where pictures are asked for",
            where=data.name,
            given=f"rows of {data.train.images.shape[1]} numbers",
            expected=f"pictures of {' × '.join(map(str, size))}" if size else "pictures",
            fix=["data of pictures", "leave size and channels out"],
        )
    if channels not in (None, depth, 1, 3) or (channels not in (None, depth) and depth not in (1, 3, 4)):
        raise DataError(
            "these channels have no meaning as grey or as colour",
            where=data.name,
            given=f"pictures of {shape_text(data.shape)}, {channels} channels asked for",
            expected=f"{depth} channels as they are" if depth not in (1, 3, 4) else "1 or 3 channels",
            fix=f"channels={depth}, or leave it out"
            if depth in (1, 3, 4)
            else [f"leave channels (--grey) out and take a network of {depth} channels", "images[..., :1], in Python"],
        )
    wanted = channels or depth
    count = sum(len(split) for _, split in data.parts())
    check_together(data.name, count * height * width * depth, (count, *target, wanted), most, "a smaller size")
    parts = {title: replace(split, images=_resized(split.images, target, wanted, fit)) for title, split in data.parts()}
    notes = data.notes
    if target != (height, width) or depth != 4:
        notes = (*notes, f"pictures of {shape_text(data.shape)} were brought to {shape_text((*target, wanted))}")
    if depth == 4 and wanted != 4:
        notes = (*notes, "the fourth channel was taken for transparency, and the pictures were laid on white")
    return replace(data, train=parts["training"], test=parts.get("test"), notes=notes)


def _resized(images: Pixels, size: tuple[int, int], channels: int, fit: Fit) -> Pixels:
    from PIL import Image

    out = np.empty((len(images), *size, channels), dtype=np.uint8)
    for index, image in enumerate(images):
        if image.shape[-1] == 4 and channels != 4:
            image = laid_on(Decoded(image[..., :3], image[..., 3]), 255)
        if image.shape[-1] == 1 or image.shape[-1] != 3:
            bands = [np.asarray(resize(Image.fromarray(band), size, fit, 0)) for band in np.moveaxis(image, -1, 0)]
            out[index] = np.stack(bands, axis=-1)  # one band becomes three by broadcasting
        else:
            picture = Image.fromarray(image)
            picture = picture.convert("L") if channels == 1 else picture
            array = np.asarray(resize(picture, size, fit, 0))
            out[index] = array[..., np.newaxis] if channels == 1 else array
    return out
