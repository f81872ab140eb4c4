"""Picture files written by hand, from the formats' own texts: what a decoder is tested against must not come from it."""

from __future__ import annotations

import io
import math
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Array = NDArray[Any]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """What Pillow writes."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_rows(values: Array, bits: int, interlaced: bool = False) -> bytes:
    """Unfiltered rows of height × width × channels, packed to ``bits`` a value."""
    if interlaced:
        passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
        return b"".join(png_rows(values[y::v, x::u], bits) for x, y, u, v in passes if values[y::v, x::u].size)
    out = []
    for row in values.reshape(len(values), -1):
        if bits == 16:
            packed = row.astype(">u2").tobytes()
        else:
            digits = "".join(f"{int(value):0{bits}b}" for value in row)
            digits = digits.ljust(8 * math.ceil(len(digits) / 8), "0")
            packed = int(digits, 2).to_bytes(len(digits) // 8, "big")
        out.append(b"\0" + packed)
    return b"".join(out)


def png(
    values: Array,
    bits: int,
    colour: int,
    *,
    before: Sequence[bytes] = (),
    after: Sequence[bytes] = (),
    interlaced: bool = False,
    pixels: bytes | None = None,
    size: tuple[int, int] | None = None,
) -> bytes:
    """A PNG of values (height × width × channels) as they are; ``pixels`` replaces the compressed stream."""
    height, width = size or values.shape[:2]
    head = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    body = zlib.compress(png_rows(values, bits, interlaced)) if pixels is None else pixels
    middle = chunk(b"IDAT", body[:7]) + chunk(b"IDAT", body[7:])
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + b"".join(before) + middle + b"".join(after) + chunk(b"IEND", b"")
    )


def tiff(
    pieces: Sequence[bytes], tags: dict[int, tuple[str, Sequence[int]]], *, order: str = "<", big: bool = False,
    tiles: bool = False, keep: int | None = None,
) -> bytes:  # fmt: skip
    """A TIFF of strips or tiles; tags are (kind, values) with struct's letters for kinds, ``s`` for a text."""
    kinds = {"B": 1, "s": 2, "H": 3, "I": 4, "Q": 16, "R": 5}
    tags = dict(tags)
    head = (b"II" if order == "<" else b"MM") + struct.pack(order + "H", 43 if big else 42)
    data = bytearray(head + (struct.pack(order + "HHQ", 8, 0, 0) if big else struct.pack(order + "I", 0)))
    offsets = []
    for piece in pieces:
        offsets.append(len(data))
        data += piece
    shown = offsets[:keep]
    tags[324 if tiles else 273] = ("I", shown)
    tags[325 if tiles else 279] = ("I", [len(piece) for piece in pieces][:keep])
    entries = b""
    for tag, (letter, values) in sorted(tags.items()):
        if letter == "s":
            packed = bytes(values)
        elif letter == "R":
            packed = struct.pack(f"{order}{len(values)}I", *values)
        else:
            packed = struct.pack(f"{order}{len(values)}{letter}", *values)
        count = len(values) // (2 if letter == "R" else 1)
        room = 8 if big else 4
        if len(packed) > room:
            data += b"\0" * (len(data) % 2)
            place = len(data)
            data += packed
            packed = struct.pack(order + ("Q" if big else "I"), place)
        entries += struct.pack(order + ("HHQ" if big else "HHI"), tag, kinds[letter], count) + packed.ljust(room, b"\0")
    data += b"\0" * (len(data) % 2)
    place = len(data)
    data += struct.pack(order + ("Q" if big else "H"), len(tags)) + entries + b"\0" * (8 if big else 4)
    at = 8 if big else 4
    struct.pack_into(order + ("Q" if big else "I"), data, at, place)
    return bytes(data)


def tiff_of(
    values: Array, *, orientation: int | None = None, order: str = "<", big: bool = False, layout: str = "strips",
    rows: int = 3, deflate: bool = False, photometric: int | None = None, extra: Sequence[int] = (),
    formats: int = 1, keep: int | None = None, more: dict[int, tuple[str, Sequence[int]]] | None = None,
) -> bytes:  # fmt: skip
    """A TIFF of height × width × channels, whose type says the bits."""
    height, width, depth = values.shape
    stored = values.astype(values.dtype.newbyteorder(order))
    tags: dict[int, tuple[str, Sequence[int]]] = {
        256: ("I", [width]), 257: ("I", [height]), 258: ("H", [8 * values.itemsize] * depth),
        259: ("H", [8 if deflate else 1]), 262: ("H", [photometric if photometric is not None else 2 if depth >= 3 else 1]),
        277: ("H", [depth]), 284: ("H", [2 if layout == "planes" else 1]), 339: ("H", [formats] * depth),
    }  # fmt: skip
    if orientation is not None:
        tags[274] = ("H", [orientation])
    if extra:
        tags[338] = ("H", list(extra))
    tags.update(more or {})
    if layout == "tiles":
        side = 16
        tags[322], tags[323] = ("H", [side]), ("H", [side])
        padded = np.zeros((-(-height // side) * side, -(-width // side) * side, depth), stored.dtype)
        padded[:height, :width] = stored
        arrays = [padded[y : y + side, x : x + side] for y in range(0, height, side) for x in range(0, width, side)]
    else:
        tags[278] = ("I", [rows])
        planes = [stored[..., n] for n in range(depth)] if layout == "planes" else [stored]
        arrays = [plane[y : y + rows] for plane in planes for y in range(0, height, rows)]
    pieces = [array.tobytes() for array in arrays]
    pieces = [zlib.compress(piece) for piece in pieces] if deflate else pieces
    return tiff(pieces, tags, order=order, big=big, tiles=layout == "tiles", keep=keep)
