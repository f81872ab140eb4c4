"""Pictures as lines of text: the 785 columns of lecture 004, a label and then the pixels of one picture a line.

The usual line, plain whole numbers between commas, is read by NumPy over megabytes at once: digits are weighed by their
distance from the next comma. A block with anything else in it (spaces, quotes, ``12.0``, a mistake) is read line by
line, slower, and that is where every error finds its row and column.
"""

from __future__ import annotations

import csv
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import Labels
from foveal.data.packed import contents
from foveal.errors import DataError

_BLOCK = 4 << 20
_LONGEST_LINE = 16 << 20
_LABEL_NAMES = ("label", "class", "target", "y")
HIGHEST_LABEL = 9999
LIMIT = 4 << 30
"""Pixels that a file may hold, 4 GiB."""


@dataclass(frozen=True)
class _Layout:
    """What the first line told: the separator, the number of columns, which one is the label, the columns' names."""

    path: str
    separator: str
    columns: int
    label: int
    names: tuple[str, ...] | None
    highest_label: int

    def place(self, row: int, column: int) -> str:
        name = f" ({self.names[column].strip()})" if self.names else " (the label)" if column == self.label else ""
        return f"{self.path}, row {row}, column {column + 1}{name}"


def read_csv(
    path: str | os.PathLike[str], *, shape: tuple[int, int, int] | None = None, classes: int | None = None
) -> tuple[NDArray[np.uint8], Labels]:
    """Read pictures and labels from a CSV file, gzip-compressed or not.

    Args:
        path: one picture a line: a label, then its pixels from 0 to 255, row by row (and channel by channel within a
            pixel). A first line of names is recognised; a column named ``label`` or ``class`` there is the label, else
            the first one is. Commas, semicolons or tabs separate.
        shape: height, width and channels; without it a square grey picture, or a square one of three channels.
        classes: number of classes where it is known; a label above it is an error.

    Returns:
        ``uint8`` (N, height, width, channels) and ``int64`` (N,).

    Raises:
        DataError: a number of columns that no picture has, a row of another length, something that is no number, a
            pixel or a label out of range, with file, row (from 1, as editors count lines) and column.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "two.csv"
        >>> _ = path.write_text("label,p1,p2,p3,p4\\n1,0,10,20,30\\n0,255,0,0,255\\n")
        >>> images, labels = read_csv(path)
        >>> images.shape, labels.tolist(), images[0, :, :, 0].tolist()
        ((2, 2, 2, 1), [1, 0], [[0, 10], [20, 30]])
    """
    layout: _Layout | None = None
    pixels: list[NDArray[np.uint8]] = []
    labels: list[Labels] = []
    row, held = 1, 0
    highest = HIGHEST_LABEL if classes is None else classes - 1
    for block in _blocks(path):
        text = block
        if layout is None:
            layout, header = _first_line(text, str(path), highest)
            if header:
                text = text[text.index(b"\n") + 1 :]
                row += 1
            shape = _picture_shape(layout, shape)
        if not text:
            continue
        values = _fast(text, layout)
        if values is None:
            values = _slow(text, layout, row)
        elif not _in_range(values, layout):
            values = _slow(text, layout, row)  # it finds the first one out of range, and raises
        row += text.count(b"\n")
        labels.append(values[:, layout.label].astype(np.int64))
        pixels.append(np.delete(values, layout.label, axis=1).astype(np.uint8))
        held += pixels[-1].size
        if held > LIMIT:
            raise DataError("the file holds too many pixels", where=str(path), expected=f"at most {LIMIT:,}")
    if layout is None or shape is None or not sum(map(len, labels)):
        raise DataError("the file holds no picture", where=str(path), expected="one picture a line")
    return np.concatenate(pixels).reshape(-1, *shape), np.concatenate(labels)


def _blocks(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The file in blocks of whole lines, each ended by a line feed, without a byte-order mark."""
    kept = b""
    first = True
    for chunk in contents(path):
        kept += chunk
        if first and len(kept) >= 3:
            kept, first = kept.removeprefix(b"\xef\xbb\xbf"), False
        if len(kept) < _BLOCK:
            continue
        cut = kept.rfind(b"\n") + 1
        if cut:
            yield kept[:cut].replace(b"\r\n", b"\n")
            kept = kept[cut:]
        elif len(kept) > _LONGEST_LINE:
            raise DataError(
                "a line is too long to be a picture", where=str(path), expected=f"at most {_LONGEST_LINE:,} bytes"
            )
    if kept:
        yield kept.replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n"


def _first_line(block: bytes, path: str, highest_label: int) -> tuple[_Layout, bool]:
    line = block[: block.index(b"\n")].decode("utf-8", errors="replace")
    separator = max(",;\t", key=line.count)
    fields = _fields(line, separator)
    words = sum(_number(field) is None for field in fields)
    header = 2 * words > len(fields) or fields[0].strip().lower() in _LABEL_NAMES
    names = tuple(fields) if header else None
    label = 0
    if names:
        label = next((i for i, name in enumerate(names) if name.strip().lower() in _LABEL_NAMES), 0)
    return _Layout(path, separator, len(fields), label, names, highest_label), header


def _picture_shape(layout: _Layout, given: tuple[int, int, int] | None) -> tuple[int, int, int]:
    pixels = layout.columns - 1
    if given is not None:
        if math.prod(given) != pixels:
            raise DataError(
                "the columns do not make pictures of this shape",
                where=layout.path,
                given=f"{layout.columns} columns: a label and {pixels} pixels",
                expected=f"{given[0]} × {given[1]} × {given[2]} = {math.prod(given)} pixels and a label",
            )
        return given
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if side > 1 and side * side * channels == pixels:
            return side, side, channels
    side = math.isqrt(layout.columns)
    raise DataError(
        "the columns do not make a picture",
        where=layout.path,
        given=f"{layout.columns} columns: a label and {pixels} pixels",
        expected="1 + side × side columns, or 1 + side × side × 3; a picture of 28 × 28 has 785",
        mend="put the label in a first column: there seem to be pixels only"
        if side * side == layout.columns and side > 1
        else "shape=(height, width, channels) for pictures that are not square",
    )


def _fast(block: bytes, layout: _Layout) -> NDArray[np.int64] | NDArray[np.uint16] | None:
    """The values of a block of plain whole numbers, (rows, columns); None where something else is in it."""
    data = np.frombuffer(block, dtype=np.uint8)
    digits = data - np.uint8(48)
    separators = digits > 9
    ends = np.flatnonzero(separators)
    if len(ends) % layout.columns:
        return None
    stops = data[ends].reshape(-1, layout.columns)
    if (stops[:, :-1] != ord(layout.separator)).any() or (stops[:, -1] != 10).any():
        return None
    lengths = np.diff(ends, prepend=-1) - 1
    if lengths.min() < 1 or lengths.max() > 4:
        return None
    values = digits[ends - 1].astype(np.uint16)
    weight = 1
    for place in range(2, int(lengths.max()) + 1):
        weight *= 10
        values += np.where(lengths >= place, digits[ends - place], 0).astype(np.uint16) * np.uint16(weight)
    return values.reshape(-1, layout.columns)


def _in_range(values: NDArray[Any], layout: _Layout) -> bool:
    if int(values.max()) <= min(255, layout.highest_label):
        return True
    labels = values[:, layout.label]
    above = (values > 255).sum() - (labels > 255).sum()
    return not above and int(labels.max()) <= layout.highest_label


def _slow(block: bytes, layout: _Layout, row: int) -> NDArray[np.int64]:
    """The same line by line, forgiving what a person would, and saying where what it does not forgive is."""
    rows: list[list[int]] = []
    for number, line in enumerate(block.decode("utf-8", errors="replace").split("\n")[:-1], start=row):
        if not line.strip():
            continue
        fields = _fields(line, layout.separator)
        if len(fields) != layout.columns:
            raise DataError(
                "a row has another number of columns than the first one",
                where=f"{layout.path}, row {number}",
                given=f"{len(fields)} columns",
                expected=f"{layout.columns}",
            )
        rows.append([_value(field, layout, number, column) for column, field in enumerate(fields)])
    return np.array(rows, dtype=np.int64).reshape(-1, layout.columns)


def _value(field: str, layout: _Layout, row: int, column: int) -> int:
    number = _number(field)
    label = column == layout.label
    what = "a label" if label else "a pixel"
    top = layout.highest_label if label else 255
    expected = f"a whole number from 0 to {top}"
    if number is None or not number.is_integer():
        problem = f"{what} is not a whole number" if field.strip() else f"{what} is missing"
        raise DataError(problem, where=layout.place(row, column), given=repr(field[:40]), expected=expected)
    if not 0 <= number <= top:
        mend = "number the classes from 0 without gaps" if label else None
        raise DataError(
            f"{what} is out of range",
            where=layout.place(row, column),
            given=field.strip()[:40],
            expected=expected,
            mend=mend,
        )
    return int(number)


def _fields(line: str, separator: str) -> list[str]:
    return next(csv.reader([line], delimiter=separator)) if '"' in line else line.split(separator)


def _number(field: str) -> float | None:
    """The finite number that a field holds, or None."""
    try:
        value = float(field)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in field else None
