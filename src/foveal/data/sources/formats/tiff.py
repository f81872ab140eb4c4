"""TIFF and BigTIFF: a directory of tags, some of which say where the strips or tiles of the pixels lie (Adobe, *TIFF 6.0*).

The decoder gets the same file with a directory of the pixels' tags alone: further pages, profiles and metadata it never
sees, and the camera's turn is carried out here as it is for every other format.
"""

from __future__ import annotations

import io
import itertools
import math
import struct
from dataclasses import dataclass
from typing import BinaryIO

from foveal.data.sources.formats import exif
from foveal.data.sources.formats.header import NOISE, Damaged, Header, Prepared, exactly, length

MOST_VALUES = 1_000_000
"""Numbers that one tag may hold: each becomes an object of the decoder's."""
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_WHOLE = {1: "B", 3: "H", 4: "I", 16: "Q"}
_WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 256, 257, 258, 259, 262, 266
_STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES, _PLANAR = 273, 277, 278, 279, 284
_TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, _XMP = 322, 323, 324, 325, 700
_PIXELS = frozenset((
    _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, 263, _FILL_ORDER, _STRIPS, _SAMPLES, _ROWS, _STRIP_BYTES,
    _PLANAR, 292, 293, 317, 320, _TILE_WIDTH, _TILE_HEIGHT, _TILES, _TILE_BYTES, 332, 338, 339, 347, 512, 513, 514, 515,
    517, 518, 519, 520, 521, 529, 530, 531, 532, 254,
))  # fmt: skip
"""Tags that say how the pixels are stored: of sizes, strips, tiles, compression, palette and YCbCr."""


@dataclass(frozen=True)
class _Directory:
    order: str
    big: bool
    entries: dict[int, bytes]
    """Tag → the whole entry; the first of two counts."""


def header(file: BinaryIO) -> Header:
    """Size and turn of the first page."""
    directory = _directory(file)
    width, height = _one(file, directory, _WIDTH), _one(file, directory, _HEIGHT)
    if not width or not height:
        raise Damaged(f"its header says {height or 0:,} × {width or 0:,} pixels")
    entry, turned = directory.entries.get(exif.ORIENTATION), None
    if entry is not None:
        turned = exif.whole(_small(entry, directory), directory.order)
    if turned is None and _XMP in directory.entries:
        turned = exif.xmp_orientation(_content(file, directory, _XMP))
    return Header("TIFF", width, height, turned or 1)


def prepared(data: bytes) -> Prepared:
    """The file with a directory of the first page's pixels alone."""
    file = io.BytesIO(data)
    directory = _directory(file)
    width, height = _one(file, directory, _WIDTH) or 0, _one(file, directory, _HEIGHT) or 0
    _check_pieces(file, directory, width, height)
    _check_sizes(file, directory, width, height)
    bits = _one(file, directory, _BITS)
    photometric = _one(file, directory, _PHOTOMETRIC)
    kept = [entry for tag, entry in sorted(directory.entries.items()) if tag in _PIXELS]
    return Prepared(
        _with_directory(data, directory, kept),
        bits=bits,
        negative=photometric == 0 and bits == 16 and _one(file, directory, 339) in (None, 1),
        padded=_noisy(data, directory, kept),
    )


def _with_directory(data: bytes, directory: _Directory, entries: list[bytes]) -> bytes:
    """The file with another directory, at its end."""
    pad = b"\0" * (len(data) % 2)
    at = len(data) + len(pad)
    count, link, head = ("Q", "Q", 8) if directory.big else ("H", "I", 4)
    if not directory.big and at >= 1 << 32:
        raise Damaged("it is longer than its kind allows")
    own = (
        struct.pack(directory.order + count, len(entries)) + b"".join(entries) + struct.pack(directory.order + link, 0)
    )
    start = data[:head] + struct.pack(directory.order + link, at)
    return start + data[len(start) :] + pad + own


def _noisy(data: bytes, directory: _Directory, entries: list[bytes]) -> bytes | None:
    """For fax and JPEG strips, whose decoders fill what is missing without a word: the file with noise behind each strip.

    Behind a whole strip nobody looks at it; behind one that ends early it is decoded, and the picture is another.
    """
    file = io.BytesIO(data)
    kind, starts, sizes = (_numbers(file, directory, tag) for tag in (_COMPRESSION, _STRIPS, _STRIP_BYTES))
    if kind[:1] not in ((2,), (3,), (4,), (7,)) or not starts or len(starts) != len(sizes) or directory.big:
        return None
    noise = NOISE
    if kind[0] == 3:  # a fax decoder looks for the next line's beginning, 11 zeros and a one, before it goes on
        noise = int(("000000000001" + "011111" * 30) * 8, 2).to_bytes(192, "big")
        if _one(file, directory, _FILL_ORDER) == 2:
            noise = bytes(int(f"{byte:08b}"[::-1], 2) for byte in noise)
    longer, places, lengths = bytearray(data), [], []
    for start, size in zip(starts, sizes, strict=True):
        strip = data[start : start + size]
        end = strip[-2:] if kind[0] == 7 and strip.endswith(b"\xff\xd9") else b""
        places.append(len(longer))
        longer += strip[: len(strip) - len(end)] + noise + end
        lengths.append(len(longer) - places[-1])
    replaced = {}
    for tag, values in ((_STRIPS, places), (_STRIP_BYTES, lengths)):
        packed = struct.pack(f"{directory.order}{len(values)}I", *values)
        if len(values) > 1:
            longer += packed
            packed = struct.pack(f"{directory.order}I", len(longer) - len(packed))
        replaced[tag] = struct.pack(f"{directory.order}HHI", tag, 4, len(values)) + packed
    tags = (struct.unpack_from(f"{directory.order}H", entry)[0] for entry in entries)
    return _with_directory(
        bytes(longer), directory, [replaced.get(tag, old) for tag, old in zip(tags, entries, strict=True)]
    )


def _directory(file: BinaryIO) -> _Directory:
    file.seek(0)
    head = exactly(file, 8, "its header")
    order, big = "<" if head[:2] == b"II" else ">", head[2:4] in (b"+\0", b"\0+")
    if big:
        (at,) = struct.unpack(f"{order}Q", exactly(file, 8, "its header"))
    else:
        (at,) = struct.unpack_from(f"{order}I", head, 4)
    end = length(file)
    if not 8 <= at < end:
        raise Damaged("the file is cut short: its directory lies behind its end")
    file.seek(at)
    kind, size = ("Q", 20) if big else ("H", 12)
    (count,) = struct.unpack(order + kind, exactly(file, 8 if big else 2, "its directory"))
    if count > 65_535 or count * size > end:
        raise Damaged(f"its directory announces {count:,} tags")
    block = exactly(file, count * size, "its directory")
    entries: dict[int, bytes] = {}
    for place in range(0, len(block), size):
        entry = block[place : place + size]
        (tag,) = struct.unpack_from(f"{order}H", entry)
        entries.setdefault(tag, entry)
    directory = _Directory(order, big, entries)
    for tag in _PIXELS & entries.keys():
        kind_of, number = _kind(directory, tag)
        if kind_of not in (2, 7) and number > MOST_VALUES:
            raise Damaged(f"tag {tag} announces {number:,} values")
    return directory


def _kind(directory: _Directory, tag: int) -> tuple[int, int]:
    kind, count = struct.unpack_from(directory.order + ("HQ" if directory.big else "HI"), directory.entries[tag], 2)
    return int(kind), int(count)


def _small(entry: bytes, directory: _Directory) -> bytes:
    """Type, count and value of an entry, as TIFF's smaller kind has them."""
    if not directory.big:
        return entry[2:]
    kind, count = struct.unpack_from(f"{directory.order}HQ", entry, 2)
    return struct.pack(f"{directory.order}HI", kind, min(count, 2)) + entry[12:16]


def _content(file: BinaryIO, directory: _Directory, tag: int) -> bytes:
    """The bytes of a tag's values, at most what is looked at."""
    entry = directory.entries[tag]
    kind, count = _kind(directory, tag)
    size = min(count * _SIZES.get(kind, 1), 8 * MOST_VALUES)
    room, at, link = (8, 12, "Q") if directory.big else (4, 8, "I")
    if size <= room:
        return entry[at : at + size]
    (place,) = struct.unpack_from(directory.order + link, entry, at)
    if place >= 1 << 62:
        raise Damaged(f"tag {tag} lies behind the end of the file")
    file.seek(place)
    return file.read(size)


def _numbers(file: BinaryIO, directory: _Directory, tag: int) -> tuple[int, ...]:
    """The whole numbers of a tag; none where it is missing, cut short or of another type."""
    if tag not in directory.entries:
        return ()
    kind, count = _kind(directory, tag)
    data = _content(file, directory, tag)
    if kind not in _WHOLE or count > MOST_VALUES or len(data) < count * _SIZES[kind]:
        return ()
    return struct.unpack(f"{directory.order}{count}{_WHOLE[kind]}", data)


def _one(file: BinaryIO, directory: _Directory, tag: int) -> int | None:
    return next(iter(_numbers(file, directory, tag)), None)


def _check_pieces(file: BinaryIO, directory: _Directory, width: int, height: int) -> None:
    """As many strips or tiles as the picture needs: decoders leave black what nobody lists."""
    planes = _one(file, directory, _SAMPLES) or 1 if _one(file, directory, _PLANAR) == 2 else 1
    if _STRIPS in directory.entries:
        rows = min(_one(file, directory, _ROWS) or height, height)
        needed, found, what = math.ceil(height / rows), _kind(directory, _STRIPS)[1], "strips"
    elif _TILES in directory.entries:
        across, down = _one(file, directory, _TILE_WIDTH), _one(file, directory, _TILE_HEIGHT)
        if not across or not down:
            raise Damaged("its tiles have no size")
        needed, found = math.ceil(width / across) * math.ceil(height / down), _kind(directory, _TILES)[1]
        what = "tiles"
    else:
        return  # the old kind of JPEG within TIFF; the decoder knows
    if found < needed * planes:
        raise Damaged(f"it ends early: {found:,} of {needed * planes:,} {what}")
    tags = (_STRIPS, _STRIP_BYTES) if what == "strips" else (_TILES, _TILE_BYTES)
    starts, sizes = (_numbers(file, directory, tag) for tag in tags)
    end = length(file)
    for start, size in zip(starts, sizes or itertools.repeat(1), strict=False):
        if start + max(1, size) > end:
            raise Damaged(f"the file is cut short: one of its {what} reaches behind its end")


def _check_sizes(file: BinaryIO, directory: _Directory, width: int, height: int) -> None:
    """Strips that are not compressed hold all bytes of their rows: decoders read on in whatever follows."""
    sizes, bits = _numbers(file, directory, _STRIP_BYTES), _numbers(file, directory, _BITS) or (1,)
    if _one(file, directory, _COMPRESSION) not in (None, 1) or _one(file, directory, _PHOTOMETRIC) == 6 or not sizes:
        return
    samples = _one(file, directory, _SAMPLES) or 1
    planes = samples if _one(file, directory, _PLANAR) == 2 else 1
    line = math.ceil(width * bits[0] * (samples // planes) / 8)
    rows = min(_one(file, directory, _ROWS) or height, height)
    strips = math.ceil(height / rows)
    for number, size in enumerate(sizes[: strips * planes]):
        needed = line * min(rows, height - rows * (number % strips))
        if 0 < size < needed:
            raise Damaged(f"it ends early: strip {number + 1} has {size:,} of {needed:,} bytes")
