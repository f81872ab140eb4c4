"""JPEG: segments, and after each start of a scan the entropy-coded pixels (ITU-T T.81).

A decoder that meets the end marker too early fills the rest with grey, or leaves a progressive picture half refined, and
says nothing. Two things tell: whether the scans together hold every coefficient of every component, and whether noise put
behind each scan changes the picture. Behind a whole scan nobody looks at it; in one that was closed early it is decoded.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import BinaryIO

from foveal.data.sources.formats import exif
from foveal.data.sources.formats.header import NOISE, Damaged, Header, Prepared, exactly

MOST_SCANS = 100
"""Each scan of a progressive picture costs a walk over all of its pixels."""
_SOI, _EOI, _SOS, _DRI = 0xD8, 0xD9, 0xDA, 0xDD
_FRAMES = frozenset((*range(0xC0, 0xC4), *range(0xC5, 0xC8), *range(0xC9, 0xCC), *range(0xCD, 0xD0)))
_PROGRESSIVE, _ARITHMETIC, _LOSSLESS = {0xC2, 0xC6, 0xCA, 0xCE}, set(range(0xC9, 0xD0)), {0xC3, 0xC7, 0xCB, 0xCF}
_ALONE = frozenset((0x01, *range(0xD0, 0xD8)))
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
_RESTART = re.compile(rb"\xff[\xd0-\xd7]")


@dataclass
class _Frame:
    """What the header says of the picture, and what the scans have brought."""

    code: int
    width: int
    height: int
    components: tuple[int, ...]
    missing: dict[tuple[int, int], int] = field(default_factory=dict)
    """(component, coefficient) → bits that are still to come; 99 where nothing has come."""


def header(file: BinaryIO) -> Header:
    """Size, kind and turn, as far as the first scan."""
    file.seek(2)
    frame: _Frame | None = None
    turned: bytes | None = None
    xmp: bytes | None = None
    while True:
        code = _marker(file)
        if code in _ALONE or code == _SOI:
            continue
        if code in (_EOI, _SOS):
            break
        body = _segment(file)
        if code in _FRAMES:
            frame = _frame(code, body)
        elif code == 0xE1 and body.startswith(b"Exif\0\0") and turned is None:
            turned = body
        elif code == 0xE1 and body.startswith(b"http://ns.adobe.com/xap/1.0/\0") and xmp is None:
            xmp = body
    if frame is None:
        raise Damaged("it has no size (no SOF before the pixels)")
    return Header("JPEG", frame.width, frame.height, exif.turn(turned, xmp), grey=len(frame.components) == 1)


def prepared(data: bytes) -> Prepared:
    """The pixels' segments alone, from the first picture of the file, once every scan is there."""
    plain: list[bytes] = [data[:2]]
    noisy: list[bytes] = [data[:2]]
    frame: _Frame | None = None
    at, scans, interval = 2, 0, 0
    while True:
        at, code = _marker_at(data, at)
        if code == _EOI:
            break
        if code in _ALONE or code == _SOI:
            continue
        size = int.from_bytes(data[at : at + 2], "big")
        body = data[at + 2 : at + size]
        if size < 2 or at + size > len(data):
            raise Damaged("the file ends within a segment")
        piece = b"\xff" + bytes([code]) + data[at : at + size]
        at += size
        if code in _FRAMES:
            if frame is not None:
                raise Damaged("it has two headers of a picture")
            frame = _frame(code, body)
        if code == _DRI and len(body) >= 2:
            interval = int.from_bytes(body[:2], "big")
        if code == _SOS:
            if frame is None:
                raise Damaged("its pixels come before its size")
            scans += 1
            if scans > MOST_SCANS:
                raise Damaged(f"it has more than {MOST_SCANS} scans")
            _scanned(frame, body)
            found = _MARKER.search(data, at)
            if found is None:
                raise Damaged("the file ends within its pixels (there is no end marker)")
            piece += data[at : found.start()]
            noise = NOISE
            if interval:
                count = len(_RESTART.findall(data, at, found.start()))
                noise = NOISE + bytes([0xFF, 0xD0 + count % 8]) + NOISE
            noisy.append(piece + noise)
            at = found.start()
        elif not 0xE1 <= code <= 0xED and code not in (0xEF, 0xFE):  # keep JFIF's and Adobe's word on colours
            noisy.append(piece)
        else:
            continue
        plain.append(piece)
    if frame is None or not scans:
        raise Damaged("it ends before its pixels begin")
    if any(frame.missing.values()):
        raise Damaged("it ends before all of its scans have come")
    arithmetic = frame.code in _ARITHMETIC  # may leave zeros at the end of a scan out, so noise would tell nothing
    return Prepared(
        b"".join(plain) + b"\xff\xd9",
        doubtful=not arithmetic and (scans > 1 or frame.code in _PROGRESSIVE | _LOSSLESS),
        padded=None if arithmetic else b"".join(noisy) + b"\xff\xd9",
    )


def _marker(file: BinaryIO) -> int:
    """The next marker; what stands before it is leapt over, as decoders do."""
    byte = exactly(file, 1, "its header")
    while True:
        while byte != b"\xff":
            byte = exactly(file, 1, "its header")
        while byte == b"\xff":
            byte = exactly(file, 1, "its header")
        if byte != b"\0":
            return byte[0]


def _marker_at(data: bytes, at: int) -> tuple[int, int]:
    while True:
        at = data.find(b"\xff", at)
        while 0 <= at < len(data) and data[at] == 0xFF:
            at += 1
        if not 0 <= at < len(data):
            raise Damaged("the file is cut short (there is no end marker)")
        at += 1
        if data[at - 1]:
            return at, data[at - 1]


def _segment(file: BinaryIO) -> bytes:
    size = int.from_bytes(exactly(file, 2, "its header"), "big")
    if size < 2:
        raise Damaged("a segment of its header is shorter than its own length")
    return exactly(file, size - 2, "its header")


def _frame(code: int, body: bytes) -> _Frame:
    if len(body) < 6 or len(body) < 6 + 3 * body[5] or not body[5]:
        raise Damaged("its header (SOF) is cut short")
    height, width = int.from_bytes(body[1:3], "big"), int.from_bytes(body[3:5], "big")
    if not height or not width:
        raise Damaged(f"its header says {height:,} × {width:,} pixels")
    components = tuple(body[6 + 3 * n] for n in range(body[5]))
    last = 64 if code in _PROGRESSIVE else 1
    return _Frame(code, width, height, components, {(c, k): 99 for c in components for k in range(last)})


def _scanned(frame: _Frame, body: bytes) -> None:
    """Write down which coefficients a scan brings, and how many of their bits are left."""
    count = body[0] if body else 0
    if not 1 <= count <= 4 or len(body) < 4 + 2 * count:
        raise Damaged("the header of a scan (SOS) is cut short")
    first, last, bits = body[1 + 2 * count], body[2 + 2 * count], body[3 + 2 * count] & 15
    if frame.code not in _PROGRESSIVE:
        first, last, bits = 0, 0, 0
    for n in range(count):
        for k in range(first, min(last, 63) + 1):
            frame.missing[body[1 + 2 * n], k] = bits
