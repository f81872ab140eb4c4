"""Arrays as people have them, turned into the one form of :class:`~foveal.data.dataset.Split`; and ``.npz`` files."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveal.data.dataset import DataSet, Images, Labels, Split, class_names, shape_text
from foveal.errors import DataError, FileError
from foveal.files import open_regular
from foveal.printable import bounded, printable

LIMIT = 4 << 30
"""Bytes that one array of an ``.npz`` file may take, 4 GiB."""

_TRAIN = (("x_train", "y_train"), ("train_images", "train_labels"), ("train_x", "train_y"), ("X_train", "y_train"))
_VALIDATION = (("x_val", "y_val"), ("val_images", "val_labels"), ("x_valid", "y_valid"))
_TEST = (("x_test", "y_test"), ("test_images", "test_labels"), ("test_x", "test_y"), ("X_test", "y_test"))
_ONE = (("images", "labels"), ("x", "y"), ("X", "y"), ("data", "target"), ("data", "labels"), ("arr_0", "arr_1"))


def from_arrays(
    images: ArrayLike,
    labels: ArrayLike,
    test_images: ArrayLike | None = None,
    test_labels: ArrayLike | None = None,
    *,
    classes: Sequence[str] | None = None,
    name: str = "arrays",
    source: str = "memory",
) -> DataSet:
    """A data set of arrays in any of the usual forms.

    Args:
        images: pictures N × H × W or N × H × W × C (or N × C × H × W, recognised by C being 1, 3 or 4 and the last axis
            not), of ``uint8``, of another integer type within 0 to 255, of floats from 0 to 1, or of floats that are
            whole numbers from 0 to 255; or a table N × features of floats.
        labels: N whole numbers from 0; N × 1 and one-hot N × classes are understood.
        test_images, test_labels: the test part, likewise.
        classes: names of the classes; their numbers where none are given.

    Raises:
        DataError: a form that cannot be understood; it says which array and what would do.

    Example:
        >>> data = from_arrays(np.zeros((4, 8, 8)), [0, 1, 1, 0], classes=["cat", "dog"])
        >>> data.shape, data.classes
        ((8, 8, 1), ('cat', 'dog'))
    """
    if (test_images is None) != (test_labels is None):
        raise DataError("the test part needs both pictures and labels", where=name)
    train = Split(as_images(images, "images"), as_labels(labels, "labels"))
    test = None
    if test_images is not None and test_labels is not None:
        test = Split(as_images(test_images, "test_images"), as_labels(test_labels, "test_labels"))
    names = class_names([train.labels] + ([test.labels] if test else []), classes)
    return DataSet(name, names, train, test, source)


def as_images(values: ArrayLike, where: str) -> Images:
    """Pictures as ``uint8`` N × H × W × C, or a table as ``float32`` N × features; see :func:`from_arrays`."""
    array = np.asarray(values)
    if array.dtype.kind not in "buif":
        raise DataError("these are no numbers", where=where, given=f"an array of {array.dtype}")
    if array.ndim == 2:
        table = array.astype(np.float32)
        if not np.isfinite(table).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(table))[0])
            raise DataError("a value is not finite", where=f"{where}, row {row}, column {column}")
        return table
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4:
        raise DataError(
            "these are no pictures",
            where=where,
            given=f"shape {shape_text(array.shape)}",
            expected="N × height × width, or N × height × width × channels",
        )
    if array.shape[-1] not in (1, 3, 4) and array.shape[1] in (1, 3, 4):
        array = np.moveaxis(array, 1, -1)
    if array.dtype == np.uint8:
        return np.ascontiguousarray(array)
    if not array.size:
        return array.astype(np.uint8)
    low, high = float(array.min()), float(array.max())
    whole = array.dtype.kind in "bui" or (high > 1.0 and bool((array == np.rint(array)).all()))
    if array.dtype.kind == "f" and not whole and low >= 0.0 and high <= 1.0:
        return np.rint(np.ascontiguousarray(array) * 255.0).astype(np.uint8)
    if array.dtype.kind == "b":
        return np.ascontiguousarray(array).astype(np.uint8) * np.uint8(255)
    if whole and low >= 0 and high <= 255:
        return np.ascontiguousarray(array).astype(np.uint8)
    raise DataError(
        "these values are no pixels",
        where=where,
        given=f"{array.dtype} from {low:g} to {high:g}",
        expected="whole numbers from 0 to 255, or fractions from 0 to 1",
        mend="scale them before: (x - x.min()) / (x.max() - x.min())",
    )


def as_labels(values: ArrayLike, where: str, classes: int | None = None) -> Labels:
    """Labels as ``int64`` (N,); N × 1 and one-hot are understood. ``classes`` bounds them where it is known."""
    array = np.asarray(values)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    elif array.ndim == 2 and array.dtype.kind in "buif" and _one_hot(array):
        array = array.argmax(axis=1)
    if array.ndim != 1 or array.dtype.kind not in "buif":
        raise DataError(
            "labels are whole numbers, one a picture",
            where=where,
            given=f"an array of {array.dtype}, shape {shape_text(array.shape)}",
            expected="integers of shape (N,), or one-hot (N, classes)",
        )
    with np.errstate(invalid="ignore"):
        labels = array.astype(np.int64)
    top = np.iinfo(np.int64).max if classes is None else classes - 1
    bad = np.flatnonzero((labels != array) | (labels < 0) | (labels > top))
    if len(bad):
        raise DataError(
            "a label is out of range" if labels[bad[0]] == array[bad[0]] else "a label is not a whole number",
            where=f"{where}, row {bad[0]}",
            given=str(array[bad[0]]),
            expected="0, 1, 2, …" if classes is None else f"0 to {top}",
            mend="y = np.unique(y, return_inverse=True)[1] numbers the classes from 0 without gaps"
            if np.isfinite(array).all()
            else None,
        )
    return labels


def _one_hot(array: NDArray[Any]) -> bool:
    return array.shape[1] > 1 and bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())


def read_npz(path: str | os.PathLike[str], *, classes: Sequence[str] | None = None, limit: int = LIMIT) -> DataSet:
    """Read a data set from an ``.npz`` file; nothing in it is ever unpickled.

    Keys that are understood: ``x_train, y_train, x_test, y_test`` (Keras), ``train_images, train_labels, test_images,
    test_labels`` (with ``val_…`` joined to the training part, for validation is cut off it anew), ``images, labels``,
    ``x, y``, ``data, target`` and ``arr_0, arr_1``.

    Raises:
        DataError: no archive, keys that say nothing, an array of objects, or one announced larger than ``limit`` or than
            its own place in the file.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "small.npz"
        >>> np.savez(path, images=np.zeros((2, 8, 8), np.uint8), labels=[0, 1])
        >>> read_npz(path).shape
        (8, 8, 1)
    """
    where = str(path)
    try:
        with open_regular(path) as raw, zipfile.ZipFile(raw) as archive:
            keys = {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}
            train, test = _pair(keys, _TRAIN) or _pair(keys, _ONE), _pair(keys, _TEST)
            validation = _pair(keys, _VALIDATION)
            if train is None:
                raise DataError(
                    "none of the usual names is in the file",
                    where=where,
                    given=", ".join(sorted(keys)) or "no arrays",
                    expected="x_train, y_train, x_test, y_test; or images, labels",
                )
            arrays = {
                key: _member(archive, keys[key], where, limit)
                for pair in (train, validation, test)
                for key in pair or ()
            }
    except FileError as error:
        raise DataError("the archive cannot be read", where=where, given=error.given or error.problem) from error
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise DataError("the archive cannot be read", where=where, given=str(error) or type(error).__name__) from error
    x, y = _part(arrays, train, where)
    notes: tuple[str, ...] = ()
    if unused := sorted(keys.keys() - arrays.keys()):
        some = bounded(", ".join(printable(name) for name in unused), 200)
        notes = (f"arrays that are no part by their names, or have no labels, were passed over: {some}",)
    if validation is not None:
        more_x, more_y = _part(arrays, validation, where)
        x, y = np.concatenate([x, more_x]), np.concatenate([y, more_y])
        notes += (f"{len(more_y):,} pictures of the file's validation part are counted as training pictures",)
    last = None if test is None else Split(*_part(arrays, test, where))
    names = class_names([y] + ([last.labels] if last else []), classes)
    return DataSet(Path(path).stem, names, Split(x, y), last, where, notes=notes)


def _pair(keys: dict[str, str], pairs: Sequence[tuple[str, str]]) -> tuple[str, str] | None:
    return next((pair for pair in pairs if pair[0] in keys and pair[1] in keys), None)


def _part(arrays: dict[str, NDArray[Any]], pair: tuple[str, str], where: str) -> tuple[Images, Labels]:
    return as_images(arrays[pair[0]], f"{where}, {pair[0]}"), as_labels(arrays[pair[1]], f"{where}, {pair[1]}")


def _member(archive: zipfile.ZipFile, name: str, where: str, limit: int) -> NDArray[Any]:
    """One array; its announced size is checked against its place in the archive before memory is taken."""
    info = archive.getinfo(name)
    place = f"{where}, {name.removesuffix('.npy')}"
    try:
        with archive.open(info) as file:
            dtype, declared = _header(file)
        if dtype.hasobject:
            raise DataError("Python objects are not read: they would have to be unpickled", where=place)
        if declared > limit or declared > info.file_size:
            raise DataError(
                "the array is announced larger than it can be",
                where=place,
                given=f"{declared:,} bytes announced, {info.file_size:,} in the file",
                expected=f"at most {limit:,} bytes",
            )
        with archive.open(info) as file:
            array: NDArray[Any] = np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, zipfile.BadZipFile, EOFError) as error:
        if isinstance(error, DataError):
            raise
        raise DataError("the array is damaged", where=place, given=str(error)) from error
    return array


def _header(file: IO[bytes]) -> tuple[np.dtype[Any], int]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return dtype, int(np.prod(shape, dtype=object)) * dtype.itemsize
