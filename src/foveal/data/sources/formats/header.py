"""What every format's reader tells."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import BinaryIO

from foveal.data.brief import shown_briefly

NOISE = bytes((167 * n * n + 41 * n + 13) % 254 + 1 for n in range(1, 161))
"""Bytes that no decoder looks at behind a whole picture, and that change one which ends early."""


class Damaged(Exception):
    """Why a file is not taken; one sentence without a full stop."""


@dataclass(frozen=True)
class Header:
    """A picture before it is decoded, as it lies in the file: not yet turned.

    Attributes:
        kind: PNG, JPEG, WEBP, BMP, GIF or TIFF.
        width, height: None where only the decoder tells.
        orientation: 1 to 8, by EXIF's table; what is damaged or outside is 1.
        grey: whether it has one channel of light; None where only the decoder tells.
    """

    kind: str
    width: int | None = None
    height: int | None = None
    orientation: int = 1
    grey: bool | None = None


@shown_briefly
@dataclass(frozen=True)
class Prepared:
    """Bytes for the decoder, and what it would not tell.

    Attributes:
        data: a file of the same format.
        key: the transparent colour in the file's own values, one a channel; None where there is none.
        bits: of one value, where that is not what the decoder's mode says.
        two_bytes: each pair of channels is one of 16 bits, the high byte first.
        negative: 0 means white, and the decoder does not know.
        doubtful: the decoder may fill what is missing without a word; see :mod:`foveal.data.sources.formats.jpeg`.
        padded: for those that may end early unseen, the same file with noise behind each scan or strip.
    """

    data: bytes
    key: tuple[int, ...] | None = None
    bits: int | None = None
    two_bytes: bool = False
    negative: bool = False
    doubtful: bool = False
    padded: bytes | None = field(default=None, repr=False)


def exactly(file: BinaryIO, count: int, what: str) -> bytes:
    """The next ``count`` bytes.

    Raises:
        Damaged: the file ends before.
    """
    data = file.read(count)
    if len(data) < count:
        raise Damaged(f"the file ends within {what}")
    return data


def length(file: BinaryIO) -> int:
    """The length of a seekable file; the place in it stays."""
    here = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(here)
    return end
