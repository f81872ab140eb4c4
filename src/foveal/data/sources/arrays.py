"""Arrays as people have them, turned into the one form of :class:`~foveal.data.dataset.Split`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveal.data.dataset import DataSet, Images, Labels, Split, class_names, shape_text
from foveal.errors import DataError


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
    notes = assumed({"images": images, "test_images": test_images})
    return DataSet(name, names, train, test, source, notes=notes)


def as_images(values: ArrayLike, where: str) -> Images:
    """Pictures as ``uint8`` N × H × W × C, or a table as ``float32`` N × features; see :func:`from_arrays`."""
    array = _array(values, where)
    if array.dtype.kind not in "buif":
        raise DataError("these are not numbers", where=where, given=f"an array of {array.dtype}")
    if array.ndim == 2:
        with np.errstate(over="ignore"):
            table = array.astype(np.float32)
        if not np.isfinite(table).all():
            row, column = (int(i) for i in np.argwhere(~np.isfinite(table))[0])
            raise DataError(
                "a value is not finite, or too large for float32", where=f"{where}, row {row}, column {column}"
            )
        return table
    if array.ndim == 3:
        array = array[..., np.newaxis]
    if array.ndim != 4:
        raise DataError(
            "these are not pictures",
            where=where,
            given=f"shape {shape_text(array.shape)}",
            expected="N × height × width, or N × height × width × channels",
        )
    if _channels_first(array.shape):
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
        "these values are not pixels",
        where=where,
        given=f"{array.dtype} from {low:g} to {high:g}",
        expected="whole numbers from 0 to 255, or fractions from 0 to 1",
        fix=_scaling(low, high),
    )


def _array(values: ArrayLike, where: str) -> NDArray[Any]:
    try:
        return np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise DataError("these do not make one array", where=where, given=str(error),
                        fix="pictures of one size: foveal.data.sources.images.read(path, size=(28, 28))") from error  # fmt: skip


def _scaling(low: float, high: float) -> list[str]:
    """What brings values of such a range to fractions; the same for every part of the data."""
    if not (np.isfinite(low) and np.isfinite(high)):
        return ["replace what is not finite before: np.nan_to_num(x)"]
    for bottom, top, text in ((0, 255, "x / 255.0"), (0, 65535, "x / 65535.0"), (-1, 1, "(x + 1) / 2")):
        if bottom <= low and high <= top:
            return [f"{text}, if {top:g} means white"]
    return [
        f"(x - a) / (b - a) with the darkest and lightest value that can be, a ≤ {low:g} and b ≥ {high:g}, for all parts"
    ]


def _channels_first(shape: Sequence[int]) -> bool:
    return len(shape) == 4 and shape[-1] not in (1, 3, 4) and shape[1] in (1, 3, 4)


def assumed(given: Mapping[str, ArrayLike | None]) -> tuple[str, ...]:
    """What :func:`as_images` took arrays for, where it may be wrong; a sentence each.

    Example:
        >>> assumed({"images": np.zeros((2, 3, 8, 8), np.uint8) + 9})
        ('images: 2 × 3 × 8 × 8 was read as channels first, 3 channels of 8 × 8',)
    """
    lines = []
    for name, values in given.items():
        if values is None:
            continue
        array = np.asarray(values)
        if _channels_first(array.shape):
            _, depth, height, width = array.shape
            lines.append(
                f"{name}: {shape_text(array.shape)} was read as channels first, {depth} channels of {height} × {width}"
            )
        if array.ndim in (3, 4) and array.dtype.kind in "ui" and array.size and array.max() == 1:
            lines.append(f"{name}: whole numbers of 0 and 1 are nearly black, 1 of 255; × 255, if 1 means white")
    return tuple(lines)


def as_labels(values: ArrayLike, where: str, classes: int | None = None) -> Labels:
    """Labels as ``int64`` (N,); N × 1 and one-hot are understood. ``classes`` bounds them where it is known."""
    array = _array(values, where)
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
            fix="y = np.unique(y, return_inverse=True)[1] numbers the classes from 0 without gaps"
            if np.isfinite(array).all()
            else None,
        )
    return labels


def _one_hot(array: NDArray[Any]) -> bool:
    return array.shape[1] > 1 and bool(((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all())
