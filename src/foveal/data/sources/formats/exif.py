"""The camera's turn out of EXIF or XMP, and nothing else of them.

EXIF's tag 0x0112 is a whole number from 1 to 8 (CIPA DC-008, *Exif 2.32*, section 4.6.4). What is damaged, another number or
another type says nothing, and the picture stays as it lies: metadata are no reason to refuse a picture.
"""

from __future__ import annotations

import re
import struct

ORIENTATION = 0x0112
MOST = 1 << 20
"""Bytes of metadata that are looked at."""

_WHOLE = {1: "B", 3: "H", 4: "I"}
"""Types of TIFF that hold whole numbers: BYTE, SHORT, LONG."""
_XMP = re.compile(rb"tiff:Orientation\s*(?:=\s*[\"']|>)\s*([1-8])\s*[\"'<]")


def orientation(exif: bytes) -> int | None:
    """The turn that a block of EXIF (a small TIFF file, perhaps after ``Exif`` and two zeros) tells; None where it tells none.

    Example:
        >>> orientation(b"MM\\0*" + struct.pack(">IHHHIHH", 8, 1, 0x0112, 3, 1, 6, 0))
        6
    """
    block = exif[:MOST]
    while block.startswith(b"Exif\0\0"):
        block = block[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if order is None or len(block) < 10:
        return None
    (at,) = struct.unpack_from(f"{order}I", block, 4)
    if at + 2 > len(block):
        return None
    (entries,) = struct.unpack_from(f"{order}H", block, at)
    for place in range(at + 2, min(at + 2 + 12 * entries, len(block) - 11), 12):
        if struct.unpack_from(f"{order}H", block, place)[0] == ORIENTATION:
            return whole(block[place + 2 : place + 12], order)
    return None


def whole(entry: bytes, order: str) -> int | None:
    """The one turn of an entry of 10 bytes (type, count, value), if it is one."""
    kind, count = struct.unpack_from(f"{order}HI", entry)
    if kind not in _WHOLE or count != 1:
        return None
    (value,) = struct.unpack_from(f"{order}{_WHOLE[kind]}", entry, 6)
    return int(value) if 1 <= value <= 8 else None


def xmp_orientation(xmp: bytes) -> int | None:
    """The turn that a block of XMP tells (Adobe, *XMP Specification*, part 2: tiff:Orientation)."""
    found = _XMP.search(xmp[:MOST])
    return int(found[1]) if found else None


def turn(exif: bytes | None, xmp: bytes | None) -> int:
    """What either tells, EXIF first; 1 (upright) where neither does."""
    said = orientation(exif) if exif is not None else None
    if said is None and xmp is not None:
        said = xmp_orientation(xmp)
    return said or 1
