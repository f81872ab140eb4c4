"""What is done with a decoded picture: turned upright, laid on a background, made grey or coloured, brought to a size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from foveal.data.sources.decoding import Decoded, Pixels
from foveal.errors import ConfigurationError

if TYPE_CHECKING:
    from PIL.Image import Image

Fit = Literal["crop", "stretch", "pad"]
FITS = ("crop", "stretch", "pad")
MAX_PIXELS = 64_000_000
MAX_SIDE = 65_535
"""The longest side of a JPEG; decoders take memory for every row, however short it is."""


def check_size_and_fit(size: tuple[int, int] | None, fit: str) -> None:
    """Refuse what no picture can be brought to.

    Raises:
        ConfigurationError: a size that is not a pair of whole numbers within the limits, or another word than ``FITS`` has.
    """
    if size is not None and not (
        isinstance(size, tuple | list)
        and len(size) == 2
        and all(isinstance(n, int | np.integer) and 1 <= n <= MAX_SIDE for n in size)
        and size[0] * size[1] <= MAX_PIXELS
    ):
        raise ConfigurationError(
            "a size is a height and a width",
            where="size",
            given=repr(size),
            expected=f"two whole numbers from 1 to {MAX_SIDE:,}, at most {MAX_PIXELS:,} pixels together",
            fix="size=(28, 28)",
        )
    if fit not in FITS:
        raise ConfigurationError(
            "there is no such way to fit a picture", where="fit", given=repr(fit), expected=", ".join(FITS)
        )


def resize(picture: Image, size: tuple[int, int], fit: Fit, background: int | tuple[int, int, int]) -> Image:
    """Bring an 8-bit grey or RGB picture to (height, width), bicubic with the surface that each new pixel covers."""
    from PIL import Image, ImageOps

    target = (size[1], size[0])
    if picture.size == target:
        return picture
    bicubic = Image.Resampling.BICUBIC
    if fit == "stretch":
        return picture.resize(target, bicubic)
    if fit == "crop":
        return ImageOps.fit(picture, target, bicubic)
    return ImageOps.pad(picture, target, bicubic, color=_colour(background, picture.mode))


def upright(found: Decoded, orientation: int) -> Decoded:
    """The camera's turn undone, by the EXIF standard's table."""
    if orientation == 1:
        return found
    return Decoded(
        _turned(found.pixels, orientation), None if found.alpha is None else _turned(found.alpha, orientation)
    )


def _turned(array: Pixels, orientation: int) -> Pixels:
    if orientation in (2, 3):
        array = array[:, ::-1]
    if orientation in (3, 4):
        array = array[::-1]
    if orientation >= 5:
        array = array.swapaxes(0, 1)
        if orientation in (6, 7):
            array = array[:, ::-1]
        if orientation in (7, 8):
            array = array[::-1]
    return np.ascontiguousarray(array)


def laid_on(found: Decoded, background: int | tuple[int, int, int]) -> Pixels:
    """What is seen with ``background`` behind; grey stays grey on a grey one."""
    pixels, alpha = found.pixels, found.alpha
    if alpha is None:
        return pixels
    if pixels.shape[-1] == 1 and not isinstance(background, int):
        pixels = np.repeat(pixels, 3, axis=2)
    ground = np.asarray(background if pixels.shape[-1] == 3 else _colour(background, "L"), np.uint32)
    out = np.empty(pixels.shape, np.uint8)
    step = max(1, (1 << 18) // pixels.shape[1])
    for at in range(0, len(pixels), step):
        rows = slice(at, at + step)
        share = alpha[rows, :, np.newaxis].astype(np.uint32)
        out[rows] = (pixels[rows] * share + ground * (255 - share) + 127) // 255
    return out


def brought_to(
    array: Pixels,
    size: tuple[int, int] | None,
    channels: int | None,
    fit: Fit,
    background: int | tuple[int, int, int],
) -> Pixels:
    """Grey or colour, as asked, and the size."""
    from PIL import Image

    depth = channels or array.shape[-1]
    if size is None and depth == array.shape[-1]:
        return np.ascontiguousarray(array)
    picture = Image.fromarray(np.ascontiguousarray(array[..., 0] if array.shape[-1] == 1 else array))
    if depth != array.shape[-1]:
        picture = picture.convert("L" if depth == 1 else "RGB")
    if size is not None:
        picture = resize(picture, (int(size[0]), int(size[1])), fit, background)
    out = np.array(picture)
    return out[..., np.newaxis] if out.ndim == 2 else out


def _rgb(background: int | tuple[int, int, int]) -> tuple[int, int, int]:
    return (background, background, background) if isinstance(background, int) else background


def _colour(background: int | tuple[int, int, int], mode: str) -> int | tuple[int, int, int]:
    red, green, blue = _rgb(background)
    return (red * 299 + green * 587 + blue * 114 + 500) // 1000 if mode in ("1", "L") else (red, green, blue)
