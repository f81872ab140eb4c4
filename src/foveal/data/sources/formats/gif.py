"""GIF: a screen, and blocks; only the first picture is looked at (CompuServe, *GIF89a*, 1990)."""

from __future__ import annotations

import io
from typing import BinaryIO

from foveal.data.sources.formats.header import Damaged, Header, Prepared, exactly


def header(file: BinaryIO) -> Header:
    """The screen's size; grey or not is the palette's affair."""
    file.seek(6)
    screen = exactly(file, 7, "its header")
    width, height = int.from_bytes(screen[:2], "little"), int.from_bytes(screen[2:4], "little")
    if not width or not height:
        raise Damaged(f"its header says {height:,} × {width:,} pixels")
    return Header("GIF", width, height)


def prepared(data: bytes) -> Prepared:
    """The file as far as its first picture goes, and a trailer; that picture's blocks have to be whole."""
    file = io.BytesIO(data)
    file.seek(10)
    flags = exactly(file, 3, "its header")[0]
    if flags & 0x80:
        exactly(file, 3 << (flags & 7) + 1, "its palette")
    pieces = [data[: file.tell()]]
    while True:
        start = file.tell()
        kind = exactly(file, 1, "its blocks")
        if kind == b"!":
            label = exactly(file, 1, "an extension")
            _blocks(file)
            if label == b"\xf9":  # the graphic control: transparency; comments and the like are left out
                pieces.append(data[start : file.tell()])
        elif kind == b",":
            place = exactly(file, 9, "a picture's header")
            if place[8] & 0x80:
                exactly(file, 3 << (place[8] & 7) + 1, "its palette")
            exactly(file, 1, "a picture's header")
            _blocks(file)
            pieces.append(data[start : file.tell()])
            break
        else:
            raise Damaged("it ends before its picture begins" if kind == b";" else f"a block begins with {kind!r}")
    exactly(file, 1, "its blocks (there is no trailer)")
    return Prepared(b"".join(pieces) + b";")


def _blocks(file: BinaryIO) -> None:
    while size := exactly(file, 1, "a block")[0]:
        exactly(file, size, "a block")
