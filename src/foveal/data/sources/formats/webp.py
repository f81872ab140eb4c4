"""WebP: chunks within a RIFF file (RFC 9649)."""

from __future__ import annotations

from typing import BinaryIO

from foveal.data.sources.formats import exif
from foveal.data.sources.formats.header import Damaged, Header, Prepared, exactly, length

MOST_CHUNKS = 100_000


def header(file: BinaryIO) -> Header:
    """Size and turn: the decoder takes memory for the whole canvas as soon as it sees the file."""
    file.seek(4)
    announced = int.from_bytes(exactly(file, 4, "its header"), "little") + 8
    found = length(file)
    if announced > found:
        raise Damaged(f"the file is cut short: {found:,} of {announced:,} bytes")
    file.seek(12)
    size: tuple[int, int] | None = None
    turned: bytes | None = None
    xmp: bytes | None = None
    chunks = 0
    while file.tell() + 8 <= announced:
        chunks += 1
        if chunks > MOST_CHUNKS:
            raise Damaged(f"it has more than {MOST_CHUNKS:,} parts")
        head = exactly(file, 8, "its parts")
        name, bytes_in = head[:4], int.from_bytes(head[4:], "little")
        start = file.tell()
        if size is None and name in (b"VP8X", b"VP8 ", b"VP8L"):
            size = _size(name, file.read(min(10, bytes_in)))
        elif name in (b"EXIF", b"XMP ") and bytes_in <= exif.MOST:
            body = exactly(file, bytes_in, "its parts")
            turned, xmp = (body, xmp) if name == b"EXIF" else (turned, body)
        file.seek(start + bytes_in + bytes_in % 2)
    if size is None:
        raise Damaged("it has no picture")
    return Header("WEBP", size[0], size[1], exif.turn(turned, xmp), grey=False)


def prepared(data: bytes) -> Prepared:
    """The file as it is: the decoder refuses what is not whole."""
    return Prepared(data)


def _size(name: bytes, body: bytes) -> tuple[int, int]:
    """(width, height) as each of the three kinds of chunk has it."""
    body = body.ljust(10, b"\0")
    if name == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if name == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
