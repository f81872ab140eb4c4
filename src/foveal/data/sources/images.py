"""Any picture as the array that a network sees: ``uint8``, height × width × channels, the right way up.

What is done, and why:

- PNG, JPEG, WebP, BMP, GIF (its first frame) and TIFF are read, told by their content, never by their name.
- A picture over the limits of bytes, pixels or one side is refused before anything is decoded.
- One that is cut short anywhere is refused: a decoder would fill what is missing with black or grey.
- A camera's turn (EXIF orientation) is carried out.
- Transparent parts are laid on ``background``, white unless said: that is how a page shows them.
- 16-bit values are divided by 257, so that 65,535 becomes 255; fractions (float TIFF) are multiplied by 255, and 32-bit
  values of at most 255 stay as they are.
- Palettes and CMYK become RGB; RGB becomes grey by 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), where one channel is asked.

Fashion-MNIST and MNIST show light things on black. A photograph or a scan of a dark thing on white paper is the other
way round; :func:`read` leaves it so unless ``invert=True`` is said, and :func:`border_level` tells which kind it is.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from foveal.data.sources.decoding import Decoded, OutOfRange, OverLimit, Pixels, alone, decoded, opened
from foveal.data.sources.formats import Damaged, Header, examine, prepared
from foveal.data.sources.placing import (
    FITS,
    MAX_PIXELS,
    MAX_SIDE,
    Fit,
    brought_to,
    check_size_and_fit,
    laid_on,
    resize,
    upright,
)
from foveal.errors import ConfigurationError, FileError, ImageError
from foveal.files import open_regular

__all__ = [
    "FITS",
    "FORMATS",
    "MAX_BYTES",
    "MAX_PIXELS",
    "MAX_SIDE",
    "SUFFIXES",
    "Fit",
    "Pixels",
    "Probe",
    "border_level",
    "probe",
    "read",
    "resize",
]

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_BYTES = 64 << 20


@dataclass(frozen=True)
class Probe:
    """What a picture's header says, after EXIF's turn."""

    height: int
    width: int
    channels: int


def read(
    source: str | os.PathLike[str] | bytes,
    size: tuple[int, int] | None = None,
    *,
    channels: int | None = None,
    fit: Fit = "crop",
    background: int | tuple[int, int, int] = 255,
    invert: bool = False,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> Pixels:
    """Read one picture.

    Args:
        source: a file, or its bytes.
        size: (height, width) to bring it to; as it is where none is given.
        channels: 1 (grey) or 3 (RGB); grey pictures stay grey and all others become RGB where none is given.
        fit: how another aspect is brought to ``size``: ``crop`` covers it and cuts the middle out, ``pad`` fits it in and
            fills with ``background``, ``stretch`` distorts.
        background: what is behind transparent parts and beside a padded picture, 0 to 255 (grey) or (red, green, blue).
        invert: exchange light and dark, 255 − value.
        max_bytes, max_pixels: limits, checked before decoding.

    Returns:
        ``uint8`` (height, width, channels).

    Raises:
        ImageError: not one of the formats, over a limit, damaged or cut short.

    Example:
        >>> from PIL import Image
        >>> file = io.BytesIO()
        >>> Image.new("RGBA", (4, 2), (255, 0, 0, 0)).save(file, "PNG")
        >>> read(file.getvalue()).shape, read(file.getvalue(), (2, 2), channels=1).tolist()
        ((2, 4, 3), [[[255], [255]], [[255], [255]]])
    """
    check_size_and_fit(size, fit)
    _check_channels(channels)
    _check_background(background)
    data, where = _bytes(source, max_bytes)
    header = _header(io.BytesIO(data), where, max_pixels)
    with alone((header.width or 0) * (header.height or 0)):
        found = _decoded(data, header, where, max_pixels, None if size is None else 2 * max(size))
        del data
        array = brought_to(laid_on(upright(found, header.orientation), background), size, channels, fit, background)
    return np.invert(array, out=array) if invert else array


def probe(source: str | os.PathLike[str] | bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Probe:
    """Size and channels from the header alone, without decoding; refuses what :func:`read` would refuse for them."""
    if isinstance(source, bytes):
        data, where = _bytes(source, max_bytes)
        return _probed(io.BytesIO(data), where, max_pixels)
    where = os.fsdecode(source)
    try:
        with open_regular(source) as file:
            _check_length(os.fstat(file.fileno()).st_size, where, max_bytes)
            return _probed(file, where, max_pixels)
    except ImageError:
        raise
    except FileError as error:
        raise _unreadable(error, where) from error
    except OSError as error:
        raise ImageError("the file cannot be read", where=where, given=error.strerror or str(error)) from error


def border_level(images: Pixels) -> float:
    """Median value of the outermost pixels of pictures (H × W × C, or N × H × W × C): about 0 on black, 255 on white.

    Example:
        >>> border_level(np.zeros((10, 28, 28, 1), np.uint8))
        0.0
    """
    batch = images if images.ndim == 4 else images[np.newaxis]
    edges = (batch[:, 0], batch[:, -1], batch[:, :, 0], batch[:, :, -1])
    return float(np.median(np.concatenate([edge.reshape(-1) for edge in edges])))


def _bytes(source: str | os.PathLike[str] | bytes, max_bytes: int) -> tuple[bytes, str]:
    if isinstance(source, bytes | bytearray | memoryview):
        data, where = bytes(source), "picture"
        length = len(data)
    else:
        where = os.fsdecode(source)
        try:
            with open_regular(source) as file:
                length = os.fstat(file.fileno()).st_size
                data = file.read(max_bytes + 1) if length <= max_bytes else b""
        except FileError as error:
            raise _unreadable(error, where) from error
        except OSError as error:
            raise ImageError("the file cannot be read", where=where, given=error.strerror or str(error)) from error
        length = max(length, len(data))
    _check_length(length, where, max_bytes)
    return data, where


def _unreadable(error: FileError, where: str) -> ImageError:
    return ImageError("the file cannot be read", where=where, given=error.given or error.problem,
                      expected=error.expected, fix=error.fix)  # fmt: skip


def _check_length(length: int, where: str, max_bytes: int) -> None:
    if length > max_bytes:
        raise ImageError(
            "the file is over the limit of bytes",
            where=where,
            given=f"{length:,} bytes",
            expected=f"at most {max_bytes:,}",
            fix=["save it smaller", f"max_bytes={length}"],
        )
    if not length:
        raise ImageError("the file is empty", where=where)


def _check_channels(channels: int | None) -> None:
    if channels not in (None, 1, 3):
        raise ConfigurationError(
            "pictures have one channel (grey) or three (red, green, blue)",
            where="channels",
            given=repr(channels),
            expected="1, 3 or None",
            fix=["channels=1", "channels=3"],
        )


def _check_background(background: int | tuple[int, int, int]) -> None:
    values = (background,) if isinstance(background, int | np.integer) else background
    if not (
        isinstance(values, tuple | list)
        and len(values) in (1, 3)
        and all(isinstance(v, int | np.integer) and 0 <= v <= 255 for v in values)
    ):
        raise ConfigurationError("a background is one level or three", where="background", given=repr(background),
                                 expected="0 to 255, or (red, green, blue) of such", fix="background=255")  # fmt: skip


def _header(file: BinaryIO, where: str, max_pixels: int) -> Header:
    try:
        header = examine(file)
    except Damaged as error:
        raise _damaged(where, error) from error
    if header is None:
        file.seek(0)
        raise ImageError(
            "this is not a picture of a known format",
            where=where,
            given=f"a file that begins with {file.read(4).hex(' ')}",
            expected="PNG, JPEG, WebP, BMP, GIF or TIFF",
        )
    _check_pixels(header.width or 1, header.height or 1, where, max_pixels)
    return header


def _check_pixels(width: int, height: int, where: str, max_pixels: int) -> None:
    given = f"{height:,} × {width:,} = {height * width:,} pixels"
    if width * height > max_pixels:
        raise _too_many(where, given, max_pixels)
    if max(width, height) > MAX_SIDE:
        raise ImageError("a side of the picture is over the limit", where=where, given=given,
                         expected=f"at most {MAX_SIDE:,} pixels a side")  # fmt: skip


def _decoded(data: bytes, header: Header, where: str, max_pixels: int, reduce_to: int | None) -> Decoded:
    try:
        ready = prepared(data, header)
        picture = opened(ready.data, header.kind)
        _check_pixels(*picture.size, where, max_pixels)
        fixed = header.width is not None and header.kind != "GIF"  # a GIF's picture may reach beyond its screen
        if fixed and picture.size != (header.width, header.height):
            raise Damaged("its header tells two different sizes")
        return decoded(picture, ready, header.kind, reduce_to)
    except Damaged as error:
        raise _damaged(where, error) from error
    except OverLimit as error:
        raise _too_many(where, str(error), max_pixels) from error


def _probed(file: BinaryIO, where: str, max_pixels: int) -> Probe:
    header = _header(file, where, max_pixels)
    width, height, grey = header.width, header.height, header.grey
    if width is None or height is None or grey is None:
        file.seek(0)
        try:
            picture = opened(file, header.kind)
        except Damaged as error:
            raise _damaged(where, error) from error
        except OverLimit as error:
            raise _too_many(where, str(error), max_pixels) from error
        _check_pixels(*picture.size, where, max_pixels)
        grey = picture.mode in ("1", "L", "LA", "La", "I", "F") or picture.mode.startswith("I;")
        if width is None or height is None or header.kind == "GIF":
            width, height = picture.size
    if header.orientation >= 5:
        width, height = height, width
    return Probe(height, width, 1 if grey else 3)


def _too_many(where: str, given: str, max_pixels: int) -> ImageError:
    return ImageError(
        "the picture is over the limit of pixels", where=where, given=given, expected=f"at most {max_pixels:,} pixels"
    )


def _damaged(where: str, error: Damaged) -> ImageError:
    if isinstance(error, OutOfRange):
        return ImageError("the picture's values are outside what its kind holds", where=where, given=str(error),
                          expected="0 to 65,535, or fractions from 0 to 1")  # fmt: skip
    return ImageError("the picture is damaged or cut short", where=where, given=str(error))
