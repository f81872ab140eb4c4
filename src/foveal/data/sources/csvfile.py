"""Pictures as lines of text: the 785 columns of lecture 004, a label and then the pixels of one picture a line.

The usual line, plain whole numbers between commas, is read by NumPy over megabytes at once: digits are weighed by their
distance from the next comma. A block with anything else in it (spaces, quotes, ``12.0``, a mistake) is read line by
line, slower, and that is where every error finds its row and column. Which column is the label, :mod:`.csvlayout` tells.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import Labels
from foveal.data.published.catalogue import DataWarning
from foveal.data.sources.csvfields import CsvLayout, fields, is_word, number, picture_shape
from foveal.data.sources.csvlayout import beyond_comments, csv_layout, without_comments
from foveal.data.sources.gzipped import contents
from foveal.data.sources.listing import class_name, shown
from foveal.errors import DataError

_BLOCK = 4 << 20
_LONGEST_LINE = 16 << 20
HIGHEST_LABEL = 9999
LIMIT = 4 << 30
"""Pixels that a file may hold, 4 GiB."""


@dataclass(frozen=True, eq=False)
class CsvData:
    """What a file holds.

    Attributes:
        images: ``uint8`` (N, height, width, channels).
        labels: ``int64`` (N,).
        classes: the names, in their order, where the labels are names; else None.
        layout: how the lines were read.
        notes: what was assumed or passed over, one sentence each.
    """

    images: NDArray[np.uint8]
    labels: Labels
    classes: tuple[str, ...] | None
    layout: CsvLayout
    notes: tuple[str, ...]


def read_csv(
    path: str | os.PathLike[str],
    *,
    shape: tuple[int, int, int] | None = None,
    classes: int | None = None,
    label: str | int | None = None,
) -> tuple[NDArray[np.uint8], Labels]:
    """Read pictures and labels from a CSV file, gzip-compressed or not.

    Args:
        path: one picture a line: a label, then its pixels from 0 to 255, row by row (and channel by channel within a
            pixel). A first line of names is recognised; a column named ``label``, ``class``, ``target`` or the like is the
            label, else the first one is, or the last one where only its values look like labels: a ``DataWarning`` says
            so. Commas, semicolons, tabs, bars or spaces separate. Labels may be names; they are numbered in their order.
        shape: height, width and channels; without it a square grey picture, or a square one of three channels.
        classes: number of classes where it is known; a label above it is an error.
        label: the label's column: its name, its number from 1, ``"first"`` or ``"last"``.

    Returns:
        ``uint8`` (N, height, width, channels) and ``int64`` (N,).

    Raises:
        DataError: a number of columns that no picture has, no label or several, a row of another length, something that is
            no number, a pixel or a label out of range, with file, row (from 1, as editors count lines) and column.

    Example:
        >>> import pathlib, tempfile
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "two.csv"
        >>> _ = path.write_text("label,p1,p2,p3,p4\\n1,0,10,20,30\\n0,255,0,0,255\\n")
        >>> images, labels = read_csv(path)
        >>> images.shape, labels.tolist(), images[0, :, :, 0].tolist()
        ((2, 2, 2, 1), [1, 0], [[0, 10], [20, 30]])
    """
    found = csv_data(path, shape=shape, classes=classes, label=label)
    for note in found.notes:
        if note not in found.layout.usual:
            warnings.warn(f"{path}: {note}", DataWarning, stacklevel=2)
    return found.images, found.labels


def csv_data(
    path: str | os.PathLike[str],
    *,
    shape: tuple[int, int, int] | None = None,
    classes: int | Sequence[str] | None = None,
    label: str | int | None = None,
    like: CsvLayout | None = None,
) -> CsvData:
    """As :func:`read_csv`, with the names of the classes and with notes.

    Args:
        path, shape, label: see there.
        classes: the number of classes, or their names.
        like: the layout of the training file, where this is the test file beside it.

    Raises:
        Unlabelled: the test file has pixels only.
        DataError: see :func:`read_csv`.
    """
    reading: _Reading | None = None
    row = 1
    for text in _blocks(path):
        block = text
        if reading is None:
            block, comments = beyond_comments(text)
            row += comments
            layout = csv_layout(_text(block, str(path), row), str(path), shape=shape, label=label, like=like)
            shape = shape or picture_shape(len(layout.pixels))
            reading = _Reading(layout, classes, comments=comments)
            if layout.names:
                while not block[: block.index(b"\n")].strip():  # empty lines before the header
                    block, row = block[block.index(b"\n") + 1 :], row + 1
                block, row = block[block.index(b"\n") + 1 :], row + 1
        reading.take(block, row)
        row += block.count(b"\n")
    if reading is None or shape is None or not reading.labels:
        raise DataError("the file holds no picture", where=str(path), expected="one picture a line")
    return reading.result(shape)


@dataclass
class _Reading:
    """The lines of one file, block by block."""

    layout: CsvLayout
    classes: int | Sequence[str] | None
    labels: list[Labels] = field(default_factory=list)
    pixels: bytearray = field(default_factory=bytearray)
    codes: dict[str, int] = field(default_factory=dict)
    empty: int = 0
    comments: int = 0

    def __post_init__(self) -> None:
        named = self.classes if isinstance(self.classes, Sequence) else None
        self.texts = self.layout.texts and (self.classes is None or named is not None)
        self.known = {class_name(name): index for index, name in enumerate(named or ())} if self.texts else {}
        size = self.classes if isinstance(self.classes, int) else None if named is None else len(named)
        self.highest = HIGHEST_LABEL if size is None else size - 1

    def take(self, block: bytes, row: int) -> None:
        """Read the lines of a block, the first of which is line ``row`` of the file."""
        if not block:
            return
        plain = self.layout.plain and not self.texts
        values: NDArray[Any] | None
        values = self._fast(block, self.layout.label, ord(self.layout.separator)) if plain else None
        if not plain and (lines := self._rewritten(block, row)) is not None:
            values = self._fast(lines, 0, ord(self.layout.separator))
        label = self.layout.label if plain else 0
        if values is None or not self._in_range(values, label):
            values, label = self._slow(block, row), 0  # it finds the first mistake, and raises
        if not len(values):
            return
        self.labels.append(values[:, label].astype(np.int64))
        self.pixels += np.delete(values, label, axis=1).astype(np.uint8).tobytes()
        if len(self.pixels) > LIMIT:
            raise DataError("the file holds too many pixels", where=self.layout.path, expected=f"at most {LIMIT:,}")

    def result(self, shape: tuple[int, int, int]) -> CsvData:
        """All that was read; classes with names are numbered in the order of their names."""
        images = np.frombuffer(self.pixels, dtype=np.uint8).reshape(-1, *shape)
        labels, names = np.concatenate(self.labels), None
        if self.texts and not self.known:
            names = tuple(sorted(self.codes))
            order = {name: index for index, name in enumerate(names)}
            labels = np.array([order[name] for name in self.codes], dtype=np.int64)[labels]
        notes = [*self.layout.notes, *self.layout.usual]
        if self.comments:
            lines = "1 line" if self.comments == 1 else f"{self.comments:,} lines"
            notes.append(f"comments before the first row were passed over: {lines}")
        if self.empty:
            notes.append(f"lines without any value were passed over: {self.empty:,}")
        return CsvData(images, labels, names, self.layout, tuple(notes))

    def _fast(self, block: bytes, label: int, separator: int) -> NDArray[np.uint16] | None:
        """The values of a block of plain whole numbers, (rows, columns); None where something else is in it."""
        columns = len(self.layout.pixels) + 1
        data = np.frombuffer(block, dtype=np.uint8)
        digits = data - np.uint8(48)
        separators = digits > 9
        ends = np.flatnonzero(separators)
        if len(ends) % columns or not len(ends):
            return None
        stops = data[ends].reshape(-1, columns)
        if (stops[:, :-1] != separator).any() or (stops[:, -1] != 10).any():
            return None
        lengths = np.diff(ends, prepend=-1) - 1
        if lengths.min() < 1 or lengths.max() > 4:
            return None
        values = digits[ends - 1].astype(np.uint16)
        weight = 1
        for place in range(2, int(lengths.max()) + 1):
            weight *= 10
            values += np.where(lengths >= place, digits[ends - place], 0).astype(np.uint16) * np.uint16(weight)
        return values.reshape(-1, columns)

    def _in_range(self, values: NDArray[Any], label: int) -> bool:
        if int(values.max()) <= min(255, self.highest):
            return True
        labels = values[:, label]
        above = (values > 255).sum() - (labels > 255).sum()
        return not above and int(labels.max()) <= self.highest

    def _rewritten(self, block: bytes, row: int) -> bytes | None:
        """The block with a label's number first and only the pixels after it; None where a line needs a closer look."""
        lines = []
        layout, separator = self.layout, self.layout.separator
        simple = separator != " " and len(layout.pixels) == layout.columns - 1
        for index, line in enumerate(_text(block, layout.path, row).split("\n")[:-1], start=row):
            if simple and '"' not in line and layout.label == 0:
                label, _, rest = line.partition(separator)
            elif simple and '"' not in line and layout.label == layout.columns - 1:
                rest, _, label = line.rpartition(separator)
            else:
                parts = fields(line, separator)
                if len(parts) != layout.columns:
                    return None
                label, rest = parts[layout.label], separator.join(parts[i] for i in layout.pixels)
            if not label.strip() or rest.count(separator) != len(layout.pixels) - 1:
                return None
            lines.append(f"{self._code(label, index) if self.texts else label.strip()}{separator}{rest}")
        return ("\n".join(lines) + "\n").encode()

    def _slow(self, block: bytes, row: int) -> NDArray[np.int64]:
        """The same line by line, forgiving what a person would, and saying where what it does not forgive is."""
        rows: list[list[int]] = []
        layout = self.layout
        for index, line in enumerate(_text(block, layout.path, row).split("\n")[:-1], start=row):
            if not line.strip():
                continue
            parts = fields(line, layout.separator)
            if len(parts) != layout.columns:
                raise DataError(
                    "a row has another number of columns than the first one",
                    where=f"{layout.path}, row {index}",
                    given=f"{len(parts)} column{'' if len(parts) == 1 else 's'}"
                    + (", a comment" if line.lstrip().startswith("#") else ""),
                    expected=f"{layout.columns}",
                    fix=without_comments(layout.path) if line.lstrip().startswith("#") else None,
                )
            if not any(part.strip() for part in parts):
                self.empty += 1
                continue
            label = (
                self._code(parts[layout.label], index)
                if self.texts
                else self._value(parts, index, layout.label, self.highest)
            )
            rows.append([label, *(self._value(parts, index, column, 255) for column in layout.pixels)])
        return np.array(rows, dtype=np.int64).reshape(-1, len(layout.pixels) + 1)

    def _code(self, name: str, row: int) -> int:
        """The number of a class that is written as a name."""
        if (known := (self.known or self.codes).get(name)) is not None:
            return known
        place = self.layout.place(row, self.layout.label)
        text = class_name(name.strip())
        if not text:
            raise DataError("a label is missing", where=place, expected="the name of a class")
        if self.known:
            if text not in self.known:
                raise DataError(
                    "a label is none of the classes",
                    where=place,
                    given=repr(text[:40]),
                    expected=", ".join(shown(name) for name in list(self.known)[:8]),
                )
            return self.known[text]
        if not is_word(text, self.layout.separator):
            raise DataError(
                "labels are names in some rows and numbers in others",
                where=place,
                given=repr(text[:40]),
                expected=f"names, such as {next(iter(self.codes), 'cat')!r}",
                fix="write all labels as names, or all as numbers from 0",
            )
        if text not in self.codes and len(self.codes) > HIGHEST_LABEL:
            raise DataError(
                "there are too many different labels", where=place, expected=f"at most {HIGHEST_LABEL + 1:,} classes"
            )
        return self.codes.setdefault(text, len(self.codes))

    def _value(self, parts: Sequence[str], row: int, column: int, top: int) -> int:
        text = parts[column]
        value = number(text, self.layout.separator)
        label = column == self.layout.label
        what = "a label" if label else "a pixel"
        expected = f"a whole number from 0 to {top}"
        place = self.layout.place(row, column)
        if value is None or not value.is_integer():
            problem = f"{what} is not a whole number" if text.strip() else f"{what} is missing"
            raise DataError(problem, where=place, given=repr(text[:40]), expected=expected, fix=_fix(value, label))
        if not 0 <= value <= top:
            fix = "number the classes from 0 without gaps" if label else None
            raise DataError(f"{what} is out of range", where=place, given=text.strip()[:40], expected=expected, fix=fix)
        return int(value)


def _fix(value: float | None, label: bool) -> list[str] | None:
    """Repairs for a number that is not whole."""
    if value is None:
        return None
    if label:
        return [
            "--label last, --label NAME, if another column is the label",
            "write labels as whole numbers or as names",
        ]
    return [
        "write pixels as whole numbers from 0 to 255: numpy.rint(255 * x), for values from 0 to 1",
        "an .npz file with x (N × features) and y, for a table of measurements",
    ]


def _blocks(path: str | os.PathLike[str]) -> Iterator[bytes]:
    """The file in blocks of whole lines, each ended by a line feed, without a byte-order mark."""
    kept = b""
    first = True
    for chunk in contents(path):
        kept += chunk
        if first and len(kept) >= 3:
            _check_text(kept, str(path))
            kept, first = kept.removeprefix(b"\xef\xbb\xbf"), False
        if len(kept) < _BLOCK:
            continue
        cut = kept.rfind(b"\n") + 1 or kept.rfind(b"\r", 0, -1) + 1
        if cut:
            yield _feeds(kept[:cut])
            kept = kept[cut:]
        elif len(kept) > _LONGEST_LINE:
            raise DataError(
                "a line is too long to be a picture", where=str(path), expected=f"at most {_LONGEST_LINE:,} bytes"
            )
    if kept:
        yield _feeds(kept).rstrip(b"\n") + b"\n"


def _feeds(lines: bytes) -> bytes:
    """Lines that end as Windows or old Macs end them, ended by line feeds."""
    return lines.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in lines else lines


def _check_text(beginning: bytes, path: str) -> None:
    wide = beginning[:2] in (b"\xff\xfe", b"\xfe\xff")
    if wide or b"\0" in beginning[:4096]:
        raise DataError(
            "the file is UTF-16 text" if wide else "the file is not a text",
            where=path,
            given=f"a file that begins with {beginning[:4].hex(' ')}",
            expected="CSV in UTF-8",
            fix=f"iconv -f UTF-16 -t UTF-8 {path} > utf8.csv" if wide else None,
        )


def _text(block: bytes, path: str, row: int) -> str:
    try:
        return block.decode("utf-8")
    except UnicodeDecodeError as error:
        lines = block.count(b"\n", 0, error.start)
        raise DataError(
            "the text is not UTF-8",
            where=f"{path}, row {row + lines}",
            given=f"the byte {block[error.start]:02x}",
            expected="CSV in UTF-8",
            fix=f"iconv -f LATIN1 -t UTF-8 {path} > utf8.csv, for a file of Western Europe",
        ) from error
