"""NumPy's ``.npz`` files: a zip archive of arrays. Nothing in them is ever unpickled.

What a file announces is checked before memory is taken: the length of the archive's list, of an array's header, and of its
values, which may be at most ``limit`` bytes together, and at most ``RATIO`` times as long as they are packed. A small file
can so not take a large memory, and a file that takes one is large itself.
"""

from __future__ import annotations

import io
import math
import os
import struct
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import DataSet, Images, Labels, Split, class_names
from foveal.data.sources.arrays import as_images, as_labels, assumed
from foveal.data.sources.gzipped import FREE, RATIO
from foveal.errors import DataError, FileError
from foveal.files import open_regular
from foveal.printable import bounded, printable

LIMIT = 4 << 30
"""Bytes that the arrays of a file may take together, 4 GiB."""
LIST_LIMIT = 1 << 20
"""Bytes of the archive's list of arrays: one of a hundred bytes or so for each."""
HEADER_LIMIT = 10_000

_TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("train_x", "train_y"), ("X_train", "y_train"))
_VALIDATION = (("x_val", "y_val"), ("val_images", "val_labels"), ("x_valid", "y_valid"))
_TEST = (("x_test", "y_test"), ("test_images", "test_labels"), ("test_x", "test_y"), ("X_test", "y_test"))
_ONE = (("images", "labels"), ("x", "y"), ("X", "y"), ("data", "target"), ("data", "labels"), ("arr_0", "arr_1"))


def read_npz(path: str | os.PathLike[str], *, classes: Sequence[str] | None = None, limit: int = LIMIT) -> DataSet:
    """Read a data set from an ``.npz`` file.

    Keys that are understood: ``x_train, y_train, x_test, y_test`` (Keras), ``train_images, train_labels, test_images,
    test_labels`` (with ``val_…`` joined to the training part, for validation is cut off it anew), ``images, labels``,
    ``x, y``, ``data, target`` and ``arr_0, arr_1``.

    Raises:
        DataError: no archive, keys that say nothing, an array of objects, or more announced than there can be or than
            ``limit`` allows.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "small.npz"
        >>> np.savez(path, images=np.zeros((2, 8, 8), np.uint8), labels=[0, 1])
        >>> read_npz(path).shape
        (8, 8, 1)
    """
    where = os.fsdecode(path)
    try:
        with open_regular(path) as file:
            _check_list(file, where)
            with zipfile.ZipFile(file) as archive:
                train, validation, test, arrays, notes = _arrays(archive, where, limit)
    except DataError:
        raise
    except FileError as error:
        raise DataError(
            "the archive cannot be read", where=where, given=error.given or error.problem, fix=error.fix
        ) from error
    except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
        raise DataError("the archive cannot be read", where=where, given=str(error) or type(error).__name__) from error
    x, y = _part(arrays, train, where)
    if validation is not None:
        more_x, more_y = _part(arrays, validation, where)
        if more_x.shape[1:] != x.shape[1:] or more_x.dtype != x.dtype:
            raise DataError("training and validation pictures have different shapes", where=where,
                            given=f"{train[0]} {x.shape[1:]}, {validation[0]} {more_x.shape[1:]}")  # fmt: skip
        if len(x) != len(y) or len(more_x) != len(more_y):
            Split(x, y), Split(more_x, more_y)  # each says what is wrong with it
        x, y = np.concatenate([x, more_x]), np.concatenate([y, more_y])
        notes += (f"{len(more_y):,} pictures of the file's validation part are counted as training pictures",)
    notes += assumed({pair[0]: arrays[pair[0]] for pair in (train, validation, test) if pair is not None})
    last = None if test is None else Split(*_part(arrays, test, where))
    names = class_names([y] + ([last.labels] if last else []), classes)
    return DataSet(Path(path).stem, names, Split(x, y), last, where, notes=notes)


_Pair = tuple[str, str]


def _arrays(
    archive: zipfile.ZipFile, where: str, limit: int
) -> tuple[_Pair, _Pair | None, _Pair | None, dict[str, NDArray[Any]], tuple[str, ...]]:
    """The pairs of names for training, validation and test, every array that they name, and a note on the others."""
    keys = {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}
    train, test = _pair(keys, _TRAIN) or _pair(keys, _ONE), _pair(keys, _TEST)
    validation = _pair(keys, _VALIDATION)
    if train is None:
        lone = next((pair for pair in (*_TRAIN, *_ONE) if pair[0] in keys), None)
        raise DataError(
            f"{lone[0]} has no labels beside it" if lone else "none of the usual names is in the file",
            where=where,
            given=", ".join(sorted(keys)[:20]) + (", …" if len(keys) > 20 else "") or "no arrays",
            expected=f"{lone[0]} and {lone[1]}" if lone else "x_train, y_train, x_test, y_test; or images, labels",
            fix=f"numpy.savez({Path(where).name!r}, {lone[0]}=…, {lone[1]}=…)" if lone else None,
        )
    arrays: dict[str, NDArray[Any]] = {}
    for pair in (train, validation, test):
        for key in pair or ():
            arrays[key] = _member(archive, keys[key], where, limit - sum(each.nbytes for each in arrays.values()))
    unused = ", ".join(printable(name) for name in sorted(keys.keys() - arrays.keys())[:20])
    note = f"arrays that are not part by their names, or have no labels, were passed over: {bounded(unused, 200)}"
    return train, validation, test, arrays, (note,) if unused else ()


def _pair(keys: dict[str, str], pairs: Sequence[_Pair]) -> _Pair | None:
    return next((pair for pair in pairs if pair[0] in keys and pair[1] in keys), None)


def _part(arrays: dict[str, NDArray[Any]], pair: _Pair, where: str) -> tuple[Images, Labels]:
    return as_images(arrays[pair[0]], f"{where}, {pair[0]}"), as_labels(arrays[pair[1]], f"{where}, {pair[1]}")


def _check_list(file: BinaryIO, where: str) -> None:
    """Refuse a list of a million members: each becomes an object before any is looked at."""
    end = file.seek(0, os.SEEK_END)
    tail = min(end, 22 + 65_535 + 20)
    file.seek(end - tail)
    data = file.read(tail)
    at = data.rfind(b"PK\5\6")
    size = int.from_bytes(data[at + 12 : at + 16], "little") if at >= 0 else 0
    if at >= 20 and data[at - 20 : at - 16] == b"PK\6\7":  # a second record, for large archives
        (place,) = struct.unpack_from("<Q", data, at - 12)
        if place < end:
            file.seek(place)
            record = file.read(56).ljust(56, b"\0")
            size = max(int.from_bytes(record[40:48], "little"), size if size < 0xFFFFFFFF else 0)
    file.seek(0)
    if size > LIST_LIMIT:
        raise DataError(
            "the archive's list of arrays is over its limit",
            where=where,
            given=f"{size:,} bytes",
            expected=f"at most {LIST_LIMIT:,}",
        )


def _member(archive: zipfile.ZipFile, name: str, where: str, limit: int) -> NDArray[Any]:
    """One array; what it announces is compared with its place in the archive before memory is taken."""
    info = archive.getinfo(name)
    place = f"{where}, {name.removesuffix('.npy')}"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
        raise DataError("the array is packed as NumPy does not pack it", where=place,
                        given="encrypted" if info.flag_bits & 1 else f"method {info.compress_type}",
                        fix="save it with numpy.savez")  # fmt: skip
    try:
        with archive.open(info) as file:
            dtype, declared = _header(file)
        if dtype.hasobject:
            raise DataError("Python objects are not read: they would have to be unpickled", where=place)
        if dtype.kind not in "buif":
            raise DataError(
                "the array holds no numbers",
                where=place,
                given=f"values of {dtype}, where numbers are read",
                expected="pixels or class numbers",
                fix="classes, y = np.unique(y, return_inverse=True), and save y" if dtype.kind in "US" else None,
            )
        if declared > limit or declared > info.file_size:
            raise DataError(
                "the array is announced larger than it can be",
                where=place,
                given=f"{declared:,} bytes announced, {info.file_size:,} in the file",
                expected=f"at most {max(0, limit):,} bytes",
            )
        if declared > max(FREE, RATIO * info.compress_size):
            raise DataError(
                f"the array would be more than {RATIO} times as large as its file",
                where=place,
                given=f"{declared:,} bytes, packed to {info.compress_size:,}",
                fix="numpy.savez instead of numpy.savez_compressed",
            )
        with archive.open(info) as file:
            array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except DataError:
        raise
    except MemoryError as error:
        raise DataError("the array does not fit into memory", where=place, given=f"{info.file_size:,} bytes") from error
    except Exception as error:  # zlib, NumPy and the reader of the header each have errors of their own
        raise DataError("the array is damaged", where=place, given=str(error) or type(error).__name__) from error
    return array


def _header(file: IO[bytes]) -> tuple[np.dtype[Any], int]:
    """The type and the length of the values; the header itself is bounded before it is read."""
    version = np.lib.format.read_magic(file)
    count = 2 if version == (1, 0) else 4
    raw = file.read(count)
    size = int.from_bytes(raw, "little")
    if len(raw) < count or size > HEADER_LIMIT:
        raise ValueError(f"a header of {size:,} bytes; at most {HEADER_LIMIT:,} are read")
    body = raw + file.read(size)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(io.BytesIO(body))
    if any(not 0 <= side < 1 << 62 for side in shape) or len(shape) > 32:
        raise ValueError(f"a shape of {len(shape)} axes" if len(shape) > 32 else f"a side of the shape {shape}")
    if not dtype.itemsize:
        raise ValueError("values of no size")
    return dtype, math.prod(shape) * dtype.itemsize
