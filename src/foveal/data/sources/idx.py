"""The IDX format of MNIST: two zero bytes, a type, a number of axes, their sizes, then the values, all big-endian.

Sizes are checked against the file before memory is taken, and a gzip file is unpacked no further than its own header
announces, so a damaged or hostile file costs milliseconds. The format is described on the MNIST page (LeCun, Cortes,
Burges, 1998).
"""

from __future__ import annotations

import gzip
import math
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import shape_text
from foveal.data.sources.gzipped import contents
from foveal.errors import DataError
from foveal.files import atomic_writer

TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
LIMIT = 4 << 30
"""Bytes of values that a file may hold, 4 GiB."""
MOST_AXES = 16


def read_idx(path: str | os.PathLike[str], *, limit: int = LIMIT) -> NDArray[Any]:
    """Read one IDX file, gzip-compressed or not (its first bytes tell, not its name).

    Args:
        path: the file.
        limit: bytes of values above which the file is refused.

    Returns:
        A writable array in the machine's byte order; MNIST's pictures are ``uint8`` (60000, 28, 28).

    Raises:
        DataError: no such file, a wrong magic number or type, or values missing or left over.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "three-idx1-ubyte.gz"
        >>> write_idx(path, np.array([3, 1, 2], np.uint8))
        >>> read_idx(path)
        array([3, 1, 2], dtype=uint8)
    """
    buffer = bytearray()
    expected: int | None = None
    header: tuple[np.dtype[Any], tuple[int, ...], int] | None = None
    for chunk in contents(path):
        buffer += chunk
        if header is None and len(buffer) >= 4 and len(buffer) >= 4 + 4 * min(buffer[3], MOST_AXES):
            header = _header(buffer, path, limit)
            expected = header[2] + math.prod(header[1]) * header[0].itemsize
        if expected is not None and len(buffer) > expected:
            break
    return _array(buffer, header or _header(buffer, path, limit), path)


def parse_idx(data: bytearray, where: str | os.PathLike[str], *, limit: int = LIMIT) -> NDArray[Any]:
    """The array that ``data``, a whole uncompressed IDX file, holds; it shares memory with ``data``."""
    return _array(data, _header(data, where, limit), where)


def write_idx(path: str | os.PathLike[str], array: NDArray[Any]) -> None:
    """Write an array as IDX, compressed where the name ends in ``.gz``; whole or not at all.

    Raises:
        DataError: the array's type has no place in the format.
    """
    kinds = {np.dtype(name).newbyteorder("=").str: code for code, name in TYPES.items()}
    code = kinds.get(array.dtype.newbyteorder("=").str)
    if code is None or not 1 <= array.ndim <= MOST_AXES:
        raise DataError(
            "IDX has no such type",
            where=str(path),
            given=f"{array.dtype}, {array.ndim} axes",
            expected=f"1 to {MOST_AXES} axes of uint8, int8, int16, int32, float32 or float64",
        )
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, code, array.ndim, *array.shape)
    body = head + np.ascontiguousarray(array, dtype=TYPES[code]).tobytes()
    if Path(path).suffix == ".gz":
        body = gzip.compress(body, compresslevel=6, mtime=0)
    with atomic_writer(path) as file:
        file.write(body)


def _header(data: bytearray, path: str | os.PathLike[str], limit: int) -> tuple[np.dtype[Any], tuple[int, ...], int]:
    """Type, sizes and length of the header; refuses what is not an IDX and what is over ``limit``."""
    if len(data) < 4 or data[0] or data[1] or data[2] not in TYPES or not data[3]:
        raise DataError(
            "this is not an IDX file: its first four bytes (the magic number) are wrong",
            where=str(path),
            given=" ".join(f"{byte:02x}" for byte in data[:4]) or "an empty file",
            expected="00 00, a type (08 uint8, 09 int8, 0b int16, 0c int32, 0d float32, 0e float64), a number of axes",
            fix="MNIST's files begin with 00 00 08 03 (pictures) or 00 00 08 01 (labels)",
        )
    axes = data[3]
    if axes > MOST_AXES:
        raise DataError(
            "the file announces more axes than arrays have",
            where=str(path),
            given=f"{axes} axes",
            expected=f"at most {MOST_AXES}; pictures have 3",
        )
    size = 4 + 4 * axes
    if len(data) < size:
        raise DataError(
            "the file ends within its header",
            where=str(path),
            given=f"{len(data)} bytes",
            expected=f"{size} bytes of header for {axes} axes",
        )
    shape = struct.unpack(f">{axes}I", data[4:size])
    dtype = np.dtype(TYPES[data[2]])
    declared = math.prod(shape) * dtype.itemsize
    if max(declared, math.prod(max(1, side) for side in shape)) > limit:  # NumPy counts an axis of no places as one
        raise DataError(
            "the file announces more values than the limit allows",
            where=str(path),
            given=f"{shape_text(shape)} of {dtype.name}: {declared:,} bytes",
            expected=f"at most {limit:,} bytes",
        )
    return dtype, shape, size


def _array(
    data: bytearray, header: tuple[np.dtype[Any], tuple[int, ...], int], path: str | os.PathLike[str]
) -> NDArray[Any]:
    dtype, shape, size = header
    expected = math.prod(shape) * dtype.itemsize
    found = len(data) - size
    if found != expected:
        lack = f"{expected - found:,} bytes are missing" if found < expected else "there is more after the last value"
        raise DataError(
            f"the file's length does not fit its header: {lack}",
            where=str(path),
            given=f"{found:,} bytes of values" if found < expected else f"more than {expected:,} bytes of values",
            expected=f"{shape_text(shape)} of {dtype.name}: {expected:,} bytes",
            fix="fetch or copy the file again",
        )
    array = np.frombuffer(data, dtype=dtype, offset=size).reshape(shape)
    return array if dtype.itemsize == 1 else array.astype(dtype.newbyteorder("="))
