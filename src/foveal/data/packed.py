"""The bytes of a file in pieces, unpacked on the way where they are gzip (the first bytes tell, not the name)."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from foveal.errors import DataError

_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"


def contents(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The file's bytes in pieces, unpacked where they are gzip.

    Raises:
        DataError: the file cannot be opened, or its compression is damaged or ends early.
    """
    try:
        with open(path, "rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            file: BinaryIO = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
            while chunk := file.read(_CHUNK):
                yield chunk
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            "the compressed file is damaged or ends early",
            where=str(path),
            given=str(error),
            mend="fetch or copy the file again",
        ) from error
    except OSError as error:
        raise DataError("the file cannot be read", where=str(path), given=error.strerror or str(error)) from error
