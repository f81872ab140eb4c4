"""Any picture as the array that a network sees: ``uint8``, height × width × channels, the right way up.

What is done, and why:

- PNG, JPEG, WebP, BMP, GIF (its first frame) and TIFF are read, told by their content, never by their name.
- A picture over the limits of bytes or pixels is refused before anything is decoded.
- A camera's turn (EXIF orientation) is carried out.
- Transparent parts are laid on ``background``, white unless said: that is how a page shows them.
- 16-bit values are divided by 257, so that 65,535 becomes 255; fractions (float TIFF) are multiplied by 255.
- Palettes and CMYK become RGB; RGB becomes grey by 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601), where one channel is asked.

Fashion-MNIST and MNIST show light things on black. A photograph or a scan of a dark thing on white paper is the other
way round; :func:`read` leaves it so unless ``invert=True`` is said, and :func:`border_level` tells which kind it is.
"""

from __future__ import annotations

import io
import os
import threading
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from foveal.errors import ImageError

if TYPE_CHECKING:
    from PIL.Image import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
SUFFIXES = (".png", ".jpg", ".jpeg", ".jpe", ".webp", ".bmp", ".gif", ".tif", ".tiff")
MAX_BYTES = 64 << 20
MAX_PIXELS = 64_000_000

Fit = Literal["crop", "stretch", "pad"]
Pixels = NDArray[np.uint8]

_opening = threading.Lock()


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
    data, where = _bytes(source, max_bytes)
    picture = _open(io.BytesIO(data), where, max_pixels)
    try:
        if size is not None:
            # JPEG can be decoded at a half, a quarter or an eighth; never below twice what is asked for.
            picture.draft(None, (2 * max(size), 2 * max(size)))
        picture.load()
        picture = _eight_bit(_upright(picture), where)
        picture = _flat(picture, background)
        mode = {1: "L", 3: "RGB", None: "L" if picture.mode in ("1", "L") else "RGB"}[channels]
        if picture.mode != mode:
            picture = picture.convert(mode)
        if size is not None:
            picture = resize(picture, size, fit, background)
        array = np.array(picture, dtype=np.uint8)
    except ImageError:
        raise
    except Exception as error:  # a decoder given damaged bytes may raise anything
        raise _damaged(where, error) from error
    array = array[..., np.newaxis] if array.ndim == 2 else array
    return np.invert(array) if invert else array


def probe(source: str | os.PathLike[str] | bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS) -> Probe:
    """Size and channels from the header alone, without decoding; refuses what :func:`read` would refuse for them."""
    if isinstance(source, bytes):
        data, where = _bytes(source, max_bytes)
        return _probed(_open(io.BytesIO(data), where, max_pixels))
    where = os.fspath(source)
    try:
        with open(source, "rb") as file:
            _check_length(os.fstat(file.fileno()).st_size, where, max_bytes)
            return _probed(_open(file, where, max_pixels))
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


def _bytes(source: str | os.PathLike[str] | bytes, max_bytes: int) -> tuple[bytes, str]:
    if isinstance(source, bytes):
        data, where = source, "picture"
        length = len(data)
    else:
        where = os.fspath(source)
        try:
            with open(source, "rb") as file:
                length = os.fstat(file.fileno()).st_size
                data = file.read(max_bytes + 1) if length <= max_bytes else b""
        except OSError as error:
            raise ImageError("the file cannot be read", where=where, given=error.strerror or str(error)) from error
        length = max(length, len(data))
    _check_length(length, where, max_bytes)
    return data, where


def _check_length(length: int, where: str, max_bytes: int) -> None:
    if length > max_bytes:
        raise ImageError(
            "the file is over the limit of bytes",
            where=where,
            given=f"{length:,} bytes",
            expected=f"at most {max_bytes:,}",
            mend=["save it smaller", f"max_bytes={length}"],
        )
    if not length:
        raise ImageError("the file is empty", where=where)


def _probed(picture: Image) -> Probe:
    width, height = picture.size
    if _orientation(picture) in (5, 6, 7, 8):
        width, height = height, width
    grey = picture.mode in ("1", "L", "LA", "I", "F") or picture.mode.startswith("I;")
    return Probe(height, width, 1 if grey else 3)


def _beginning(file: BinaryIO) -> str:
    file.seek(0)
    return file.read(4).hex(" ")


def _open(file: BinaryIO, where: str, max_pixels: int) -> Image:
    from PIL import Image, UnidentifiedImageError

    try:
        with _opening, warnings.catch_warnings():  # our own limit is lower than the one that Pillow warns of
            warnings.simplefilter("ignore")
            picture = Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise ImageError(
            "this is no picture of a known format",
            where=where,
            given=f"a file that begins with {_beginning(file)}",
            expected="PNG, JPEG, WebP, BMP, GIF or TIFF",
        ) from error
    except Image.DecompressionBombError as error:
        raise _too_many(where, str(error), max_pixels) from error
    except Exception as error:  # as above: a damaged header
        raise _damaged(where, error) from error
    width, height = picture.size
    if width * height > max_pixels:
        raise _too_many(where, f"{height:,} × {width:,} = {width * height:,} pixels", max_pixels)
    return picture


def _too_many(where: str, given: str, max_pixels: int) -> ImageError:
    return ImageError(
        "the picture is over the limit of pixels", where=where, given=given, expected=f"at most {max_pixels:,} pixels"
    )


def _damaged(where: str, error: Exception) -> ImageError:
    return ImageError(
        "the picture is damaged or cut short", where=where, given=f"{type(error).__name__}: {str(error)[:200]}"
    )


def _orientation(picture: Image) -> int:
    try:
        return int(picture.getexif().get(0x0112, 1))
    except Exception:  # damaged metadata is no reason to refuse a picture
        return 1


def _upright(picture: Image) -> Image:
    from PIL import ImageOps

    if _orientation(picture) in range(2, 9):
        return ImageOps.exif_transpose(picture)
    return picture


def _eight_bit(picture: Image, where: str) -> Image:
    """Pictures of 16 or 32 bits a value as 8-bit grey; others as they are."""
    from PIL import Image

    if picture.mode not in ("I", "F") and not picture.mode.startswith("I;"):
        return picture
    values = np.asarray(picture).astype(np.float64)
    low, high = float(values.min()), float(values.max())
    if picture.mode == "F" and high <= 1.0:
        scale = 255.0
    elif picture.mode == "F" and high <= 255.0:
        scale = 1.0
    else:
        scale = 1.0 / 257.0
    if not (low >= 0.0 and high * scale <= 255.0):
        raise ImageError(
            "the picture's values are outside what its kind holds",
            where=where,
            given=f"{low:g} to {high:g}",
            expected="0 to 65,535, or fractions from 0 to 1",
        )
    return Image.fromarray(np.rint(values * scale).astype(np.uint8))


def _flat(picture: Image, background: int | tuple[int, int, int]) -> Image:
    """Without transparency and palette: mode 1, L or RGB."""
    from PIL import Image

    see_through = picture.mode in ("LA", "PA", "RGBA", "La", "RGBa") or "transparency" in picture.info
    if see_through:
        grey = picture.mode in ("L", "LA", "La", "1") and isinstance(background, int)
        layer = picture.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (*_rgb(background), 255))
        flat = Image.alpha_composite(ground, layer)
        return flat.convert("L" if grey else "RGB")
    return picture if picture.mode in ("1", "L", "RGB") else picture.convert("RGB")


def _rgb(background: int | tuple[int, int, int]) -> tuple[int, int, int]:
    return (background, background, background) if isinstance(background, int) else background


def _colour(background: int | tuple[int, int, int], mode: str) -> int | tuple[int, int, int]:
    red, green, blue = _rgb(background)
    return (red * 299 + green * 587 + blue * 114 + 500) // 1000 if mode in ("1", "L") else (red, green, blue)
