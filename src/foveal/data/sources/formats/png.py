"""PNG: a row of chunks, each with its length, name and check sum (ISO/IEC 15948; W3C, *PNG*, third edition).

The compressed pixels are unpacked here once, a little at a time, and counted: a stream that closes early is refused,
where decoders leave the last rows black. Texts, profiles and further frames are not handed on.
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from typing import BinaryIO

from foveal.data.sources.formats import exif
from foveal.data.sources.formats.header import Damaged, Header, Prepared, exactly

MAGIC = b"\x89PNG\r\n\x1a\n"
MOST_CHUNKS = 200_000
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""First column, first row, step of the columns, step of the rows."""
_STEP = 1 << 18


def header(file: BinaryIO) -> Header:
    """Size, kind and turn; chunks are leapt over, not read."""
    file.seek(len(MAGIC))
    width, height, _, colour, _ = _ihdr(*_next(file, check=True)[:2])
    turned: bytes | None = None
    xmp: bytes | None = None
    for _ in range(MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            break
        size, name = int.from_bytes(head[:4], "big"), head[4:]
        body = file.read(size) if name in (b"eXIf", b"iTXt", b"zTXt", b"tEXt") and size <= exif.MOST else b""
        if name == b"eXIf":
            turned = body
        elif body:
            turned, xmp = _from_text(name, body, turned, xmp)
        file.seek(size - len(body) + 4, 1)
    return Header("PNG", width, height, exif.turn(turned, xmp), grey=colour in (0, 4))


def prepared(data: bytes) -> Prepared:
    """A PNG of the first picture alone, once every check sum and every row of it is there."""
    import io

    file = io.BytesIO(data)
    file.seek(len(MAGIC))
    name, body, _ = _next(file, check=True)
    width, height, bits, colour, interlaced = _ihdr(name, body)
    palette: bytes | None = None
    trns: bytes | None = None
    pixels: list[bytes] = []
    for _ in range(MOST_CHUNKS):
        name, body, _ = _next(file, check=True)
        if name == b"IEND":
            break
        if name == b"IDAT":
            pixels.append(body)
        elif name == b"PLTE" and not pixels:
            palette = body
        elif name == b"tRNS" and not pixels:
            trns = body
        elif not name[0] & 32 and name != b"PLTE":
            raise Damaged(f"it has a part that no reader knows, {name.decode('ascii', 'replace')}")
    else:
        raise Damaged(f"it has more than {MOST_CHUNKS:,} parts")
    _count(pixels, _expected(width, height, bits * _CHANNELS[colour], interlaced))
    key = None
    if trns is not None and colour in (0, 2):
        size = _CHANNELS[colour]
        if len(trns) < 2 * size:
            raise Damaged("its transparent colour is cut short")
        key = tuple(value & ((1 << bits) - 1) for value in struct.unpack_from(f">{size}H", trns))
    if colour == 3 and (not palette or len(palette) % 3 or len(palette) > 768):
        raise Damaged("it has no palette, or a wrong one")
    # A pixel of 16-bit grey with alpha has as many bytes as one of 8-bit RGBA: rows and filters are the same.
    split = (bits, colour) == (16, 4)
    head = struct.pack(">IIBBBBB", width, height, *((8, 6) if split else (bits, colour)), 0, 0, interlaced)
    chunks = [_chunk(b"IHDR", head)]
    if colour == 3:
        chunks.append(_chunk(b"PLTE", palette or b""))
        if trns:
            chunks.append(_chunk(b"tRNS", trns[: len(palette or b"") // 3]))
    chunks += [*(_chunk(b"IDAT", body) for body in pixels), _chunk(b"IEND", b"")]
    return Prepared(MAGIC + b"".join(chunks), key=key, bits=bits, two_bytes=split)


def _next(file: BinaryIO, *, check: bool) -> tuple[bytes, bytes, int]:
    head = exactly(file, 8, "its chunks (there is no IEND)")
    size, name = int.from_bytes(head[:4], "big"), head[4:]
    if not name.isalpha() or not name.isascii():
        raise Damaged(f"a chunk is called {name!r}")
    body = exactly(file, size, f"the chunk {name.decode()}")
    total = int.from_bytes(exactly(file, 4, f"the chunk {name.decode()}"), "big")
    if check and zlib.crc32(body, zlib.crc32(name)) != total:
        raise Damaged(f"the check sum of the chunk {name.decode()} is wrong")
    return name, body, size


def _ihdr(name: bytes, body: bytes) -> tuple[int, int, int, int, int]:
    if name != b"IHDR" or len(body) != 13:
        raise Damaged("it does not begin with a header (IHDR) of 13 bytes")
    width, height, bits, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", body)
    if not (0 < width < 1 << 31 and 0 < height < 1 << 31):
        raise Damaged(f"its header says {height:,} × {width:,} pixels")
    if bits not in _DEPTHS.get(colour, ()) or packing or filtering or interlaced > 1:
        raise Damaged(f"its header says {bits} bits of kind {colour}, which PNG does not have")
    return width, height, bits, colour, interlaced


def _expected(width: int, height: int, pixel_bits: int, interlaced: int) -> int:
    """Bytes of the unpacked rows, each with the number of its filter before it."""
    if not interlaced:
        return height * (1 + math.ceil(width * pixel_bits / 8))
    total = 0
    for left, top, across, down in _ADAM7:
        columns, rows = max(0, -(-(width - left) // across)), max(0, -(-(height - top) // down))
        total += rows * (1 + math.ceil(columns * pixel_bits / 8)) if columns else 0
    return total


def _count(pixels: list[bytes], expected: int) -> None:
    """Unpack as far as the picture goes, keeping nothing."""
    unpacker, found = zlib.decompressobj(), 0
    try:
        for body in pixels:
            while body and found < expected and not unpacker.eof:
                found += len(unpacker.decompress(body, _STEP))
                body = unpacker.unconsumed_tail
        while found < expected and not unpacker.eof and (rest := unpacker.decompress(b"", _STEP)):
            found += len(rest)
    except zlib.error as error:
        raise Damaged(f"its compressed pixels are damaged ({error})") from error
    if found < expected:
        raise Damaged(f"its compressed pixels end early: {found:,} of {expected:,} bytes")


def _from_text(name: bytes, body: bytes, turned: bytes | None, xmp: bytes | None) -> tuple[bytes | None, bytes | None]:
    """EXIF and XMP as ImageMagick and Adobe put them into texts."""
    if body.startswith(b"XML:com.adobe.xmp\0\0\0") and name == b"iTXt":
        xmp = body.split(b"\0", 5)[-1]
    elif (
        body.startswith((b"Raw profile type exif\0", b"Raw profile type APP1\0")) and name != b"iTXt" and turned is None
    ):
        text = body.split(b"\0", 1)[1]
        if name == b"zTXt":
            try:
                text = zlib.decompressobj().decompress(text[1:], exif.MOST)
            except zlib.error:
                return turned, xmp
        digits = re.sub(rb"\s", b"", b"".join(text.split(b"\n")[3:]))
        if re.fullmatch(rb"(?:[0-9a-fA-F]{2})+", digits):
            turned = bytes.fromhex(digits.decode())
    return turned, xmp


def _chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + name + body + zlib.crc32(body, zlib.crc32(name)).to_bytes(4, "big")
