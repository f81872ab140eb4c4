"""The bytes of a file in pieces, unpacked on the way where they are gzip (the first bytes tell, not the name)."""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from foveal.errors import DataError, FileError
from foveal.files import open_regular

FREE = 64 << 20
RATIO = 100
"""A gzip file may unpack to ``FREE`` bytes, 64 MiB, or to ``RATIO`` times its own size: data of pictures do to 4 to 20 times,
while a file made to fill a memory does to 1,000."""
_CHUNK = 1 << 20
_GZIP = b"\x1f\x8b"


def contents(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The file's bytes in pieces, unpacked where they are gzip.

    Raises:
        DataError: no regular file, one that cannot be opened, compression that is damaged or ends early, or that unpacks
            to more than ``FREE`` and ``RATIO`` allow.
    """
    try:
        with open_regular(path) as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            most = max(FREE, RATIO * os.fstat(raw.fileno()).st_size)
            file: BinaryIO = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
            done = 0
            while chunk := file.read(_CHUNK):
                done += len(chunk)
                if packed and done > most:
                    raise DataError(
                        "the compressed file unpacks to more than data of its size do",
                        where=str(path),
                        given=f"more than {most:,} bytes",
                        expected=f"at most {FREE:,} bytes, or {RATIO} times the size of the compressed file",
                        fix="unpack it first (gunzip), if it is to be trusted",
                    )
                yield chunk
    except FileError as error:
        raise DataError(
            "the file cannot be read", where=error.where, given=_reason(error), expected=error.expected, fix=error.fix
        ) from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(
            "the compressed file is damaged or ends early",
            where=str(path),
            given=str(error),
            fix="fetch or copy the file again",
        ) from error
    except OSError as error:
        raise DataError("the file cannot be read", where=str(path), given=error.strerror or str(error)) from error


def _reason(error: FileError) -> str:
    return error.given or (os.strerror(error.errno) if error.errno else error.problem)
