"""What a picture file's container says of itself, read before any decoder sees the file.

A decoder is a large program, and each has its own idea of a damaged file: some fill what is missing with black, some unpack
whatever a text or colour profile announces. So each format has a short reader of its own here. It tells the size and the
camera's turn from the header (:func:`examine`), and hands on only what the pixels need, once that is known to be whole
(:func:`prepared`). Nothing here imports a decoder.
"""

from __future__ import annotations

from typing import BinaryIO

from foveal.data.sources.formats import gif, jpeg, png, tiff, webp
from foveal.data.sources.formats.header import Damaged, Header, Prepared

__all__ = ["Damaged", "Header", "Prepared", "examine", "prepared"]

_MODULES = {"PNG": png, "JPEG": jpeg, "TIFF": tiff, "GIF": gif, "WEBP": webp}


def examine(file: BinaryIO) -> Header | None:
    """The header of a seekable file that begins as one of the formats; None where it begins as no picture does.

    Raises:
        Damaged: it begins rightly and goes on wrongly; the text says where.
    """
    file.seek(0)
    kind = _kind(file.read(16))
    if kind is None:
        return None
    module = _MODULES.get(kind)
    return module.header(file) if module else Header(kind)


def prepared(data: bytes, header: Header) -> Prepared:
    """The bytes that a decoder shall see: the first picture alone, upright or not, without texts and profiles.

    Raises:
        Damaged: something of the picture is missing or wrong.
    """
    module = _MODULES.get(header.kind)
    return module.prepared(data) if module else Prepared(data)


def _kind(beginning: bytes) -> str | None:
    if beginning.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if beginning.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if beginning.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if beginning.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "TIFF"
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return "WEBP"
    return "BMP" if beginning.startswith(b"BM") else None
