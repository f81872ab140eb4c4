"""From a prepared file to eight-bit pixels and what can be seen through them; Pillow does the unpacking.

Each kind of picture becomes one of two: one channel of light, or red, green and blue. Alpha stays beside them until it is
known what lies behind. Large pictures are decoded one at a time and converted in bands, so memory is a few times that of the
limit of pixels, whatever a folder holds.
"""

from __future__ import annotations

import contextlib
import io
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.data.sources.formats import Damaged, Prepared
from foveal.errors import described

if TYPE_CHECKING:
    from PIL.Image import Image

Pixels = NDArray[np.uint8]

LARGE = 4_000_000
"""Pixels from which a picture is decoded alone."""
_BAND = 1 << 20
_SMALL = 1 << 16
"""Pixels up to which looking twice costs nothing; in larger ones an end within the last block of 8 or 16 may go unseen."""
_opening = threading.Lock()
_large = threading.Lock()


@shown_briefly
@dataclass(frozen=True, eq=False)
class Decoded:
    """A picture as it lies in its file.

    Attributes:
        pixels: height × width × 1 or 3.
        alpha: height × width, 255 where nothing is seen through; None where that is everywhere.
    """

    pixels: Pixels
    alpha: Pixels | None = None


class OutOfRange(Damaged):
    """Values that no picture of its kind has."""


class OverLimit(Exception):
    """Pillow's own limit of pixels."""


@contextlib.contextmanager
def alone(pixels: int) -> Iterator[None]:
    """Wait for the other large pictures that are being decoded, where this is one."""
    with _large if pixels >= LARGE else contextlib.nullcontext():
        yield


def opened(data: bytes | BinaryIO, kind: str) -> Image:
    """The picture, not yet decoded.

    Raises:
        Damaged: the header is damaged, or of a kind that Pillow does not know.
        OverLimit: far too many pixels.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with _opening, warnings.catch_warnings():  # our own limit is lower than the one that Pillow warns of
            warnings.simplefilter("ignore")
            return Image.open(io.BytesIO(data) if isinstance(data, bytes) else data, formats=(kind,))
    except UnidentifiedImageError as error:
        raise Damaged(f"its header is damaged, or this kind of {kind} is not read") from error
    except Image.DecompressionBombError as error:
        raise OverLimit(str(error)) from error
    except Exception as error:  # a decoder given damaged bytes may raise anything
        raise Damaged(described(error)[:200]) from error


def decoded(picture: Image, prepared: Prepared, kind: str, reduce_to: int | None = None) -> Decoded:
    """The picture's pixels.

    Args:
        picture: from :func:`opened`.
        prepared: what it was opened of, from :func:`foveal.data.sources.formats.prepared`.
        kind: its format.
        reduce_to: a JPEG may be decoded at a half, a quarter or an eighth, with sides of at least this.

    Raises:
        Damaged: what is there is no picture, or ends too early.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _decoded(picture, prepared, kind, reduce_to)
    except (Damaged, OverLimit):
        raise
    except Exception as error:  # as above
        raise Damaged(described(error)[:200]) from error


def _decoded(picture: Any, prepared: Prepared, kind: str, reduce_to: int | None) -> Decoded:
    place = picture.tile[0][1] if kind == "GIF" and picture.tile else None
    raw, small = _raw_mode(picture), picture.width * picture.height <= _SMALL
    _load(picture, reduce_to)
    if prepared.padded is not None and (kind == "TIFF" or small or prepared.doubtful or _ends_grey(picture)):
        _check_end(picture, prepared.padded, kind, reduce_to)
    if prepared.two_bytes:
        four = np.asarray(picture)
        return Decoded(_from_two(four[..., 0], four[..., 1])[..., np.newaxis], _from_two(four[..., 2], four[..., 3]))
    if picture.mode in ("RGB", "RGBA", "CMYK") and raw in _LOW:
        return _sixteen(picture, prepared, kind, raw)
    if picture.mode in ("I", "F") or picture.mode.startswith("I;"):
        return _wide(picture, prepared)
    found = _plain(picture, prepared)
    if place is not None and tuple(place) != (0, 0, *picture.size):  # the rest of the screen is see-through
        alpha = np.zeros((picture.height, picture.width), np.uint8)
        left, top, right, bottom = place
        alpha[top:bottom, left:right] = 255 if found.alpha is None else found.alpha[top:bottom, left:right]
        return Decoded(found.pixels, alpha)
    return found


def _load(picture: Any, reduce_to: int | None) -> None:
    if reduce_to is not None:
        picture.draft(None, (reduce_to, reduce_to))
    picture.load()


_LOW = {
    f"{mode}{end}": f"{mode}{low}"
    for mode in ("RGB", "RGBA", "RGBX", "CMYK")
    for end, low in ((";16B", ";16L"), (";16L", ";16B"), (";16N", ";16B" if sys.byteorder == "little" else ";16L"))
}
"""Names of 16-bit layouts of which Pillow keeps the high bytes → those whose high bytes are the low ones of these."""


def _raw_mode(picture: Any) -> str | None:
    """Pillow's name for how the values lie in the file, where it is one for the whole picture."""
    names = {tile[3] if isinstance(tile[3], str) else tile[3][0] for tile in picture.tile if tile[3]}
    return str(names.pop()) if len(names) == 1 else None


def _check_end(picture: Image, padded: bytes, kind: str, reduce_to: int | None) -> None:
    """Refuse a picture whose pixels were closed early; see :mod:`foveal.data.sources.formats.jpeg`."""
    again = opened(padded, kind)
    _load(again, reduce_to)
    for box in _boxes(picture):
        if again.size != picture.size or again.crop(box).tobytes() != picture.crop(box).tobytes():
            raise Damaged("its compressed pixels end early")


def _boxes(picture: Image) -> Iterator[tuple[int, int, int, int]]:
    step = max(1, _BAND // picture.width)
    return ((0, at, picture.width, min(at + step, picture.height)) for at in range(0, picture.height, step))


def _ends_grey(picture: Image) -> bool:
    """Whether the last pixel is the middle grey that decoders put where nothing came (its colour may bleed in)."""
    last = np.atleast_1d(np.asarray(picture.getpixel((picture.width - 1, picture.height - 1)), dtype=np.float64))
    light = last if len(last) != 3 else np.array([last @ (0.299, 0.587, 0.114)])
    return bool((np.abs(light - 128) <= 4).all())


def _from_two(high: NDArray[np.uint8], low: NDArray[np.uint8]) -> Pixels:
    """round(v / 257) of 16-bit values v, in whole numbers."""
    out = np.empty(high.shape, np.uint8)
    for rows in _bands(high):
        value = high[rows].astype(np.uint32) << 8 | low[rows]
        out[rows] = (2 * value + 257) // 514
    return out


def _bands(values: NDArray[Any]) -> Iterator[slice]:
    """Slices of rows of about a million values."""
    step = max(1, _BAND // max(1, int(np.prod(values.shape[1:]))))
    return (slice(at, at + step) for at in range(0, len(values), step))


def _sixteen(picture: Image, prepared: Prepared, kind: str, raw: str) -> Decoded:
    """Colour of 16 bits: decoded again for the low bytes."""
    high = np.asarray(picture)
    again: Any = opened(prepared.data, kind)
    again.tile = [tile._replace(args=_renamed(tile.args, _LOW[raw])) for tile in again.tile]
    again.load()
    low = np.asarray(again)
    values = _from_two(high, low)
    if picture.mode == "CMYK":
        from PIL import Image

        return _plain(Image.fromarray(values, "CMYK"), Prepared(b""))
    if high.shape[-1] == 4:
        return Decoded(values[..., :3], values[..., 3])
    if prepared.key is None:
        return Decoded(values)
    same = np.ones(high.shape[:2], bool)
    for channel, key in enumerate(prepared.key):
        same &= (high[..., channel] == key >> 8) & (low[..., channel] == key & 255)
    return Decoded(values, np.where(same, np.uint8(0), np.uint8(255)))


def _renamed(args: Any, raw: str) -> Any:
    return raw if isinstance(args, str) else (raw, *args[1:])


def _wide(picture: Image, prepared: Prepared) -> Decoded:
    """One channel of 12, 16 or 32 bits a value, or of fractions."""
    values = np.asarray(picture)
    sixteen = picture.mode.startswith("I;")
    low, high = float(values.min()), float(values.max())
    bits = prepared.bits or 16
    top = (1 << bits) - 1 if sixteen and 8 < bits < 16 else 65_535
    if picture.mode == "F" and high <= 1.0:
        scale = 255.0
    elif not sixteen and high <= 255.0:
        scale = 1.0
    else:
        scale = 255.0 / top
    if not (low >= 0.0 and high * scale <= 255.0):
        raise OutOfRange(f"{low:g} to {high:g}")
    out = np.empty(values.shape, np.uint8)
    for rows in _bands(values):
        band = values[rows].astype(np.float64)
        out[rows] = np.rint((top - band if prepared.negative else band) * scale)
    alpha = None
    if prepared.key is not None:
        alpha = np.where(values == prepared.key[0], np.uint8(0), np.uint8(255))
    return Decoded(out[..., np.newaxis], alpha)


def _plain(picture: Image, prepared: Prepared) -> Decoded:
    """Pictures of at most 8 bits a value, in whatever colours."""
    clear = picture.info.get("transparency")
    if picture.mode in ("1", "L"):
        light = np.array(picture.convert("L"))
        key = None if prepared.key is None else prepared.key[0] * (255 // ((1 << (prepared.bits or 8)) - 1))
        if key is None and isinstance(clear, int):
            key = clear
        alpha = None if key is None else np.where(light == key, np.uint8(0), np.uint8(255))
        return Decoded(light[..., np.newaxis], alpha)
    if picture.mode in ("La", "LA"):
        both = np.asarray(picture.convert("LA"))
        return Decoded(both[..., :1].copy(), both[..., 1].copy())
    if picture.mode in ("RGBA", "RGBa", "PA") or (picture.mode == "P" and (clear is not None or _has_alpha(picture))):
        four = np.asarray(picture.convert("RGBA"))
        return Decoded(four[..., :3], four[..., 3])
    colour = np.array(picture if picture.mode == "RGB" else picture.convert("RGB"))
    if prepared.key is None:
        return Decoded(colour)
    same = np.ones(colour.shape[:2], bool)
    for channel, key in enumerate(prepared.key):
        same &= colour[..., channel] == key
    return Decoded(colour, np.where(same, np.uint8(0), np.uint8(255)))


def _has_alpha(picture: Image) -> bool:
    return picture.palette is not None and "A" in picture.palette.mode
