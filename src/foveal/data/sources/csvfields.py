"""The fields of a line of CSV, and how a file's lines are laid out."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass

from foveal.data.sources.listing import shown


@dataclass(frozen=True)
class CsvLayout:
    """How the lines of one file are read.

    Attributes:
        path: the file's.
        separator: of the fields; a space stands for any run of spaces.
        columns: fields in a line.
        label: index of the label's column.
        pixels: indices of the pixels' columns.
        names: of the columns, where there is a header.
        texts: whether labels are names and not numbers.
        notes: what was assumed.
        usual: that the first column was taken, where the values do not speak for it.
    """

    path: str
    separator: str
    columns: int
    label: int
    pixels: tuple[int, ...]
    names: tuple[str, ...] | None
    texts: bool
    notes: tuple[str, ...]
    usual: tuple[str, ...] = ()

    @property
    def plain(self) -> bool:
        """Whether each column counts and each field is a number."""
        return not self.texts and len(self.pixels) == self.columns - 1

    def place(self, row: int, column: int) -> str:
        """The file, row and column, for an error."""
        name = f" ({shown(self.names[column])})" if self.names else " (the label)" if column == self.label else ""
        return f"{self.path}, row {row}, column {column + 1}{name}"


def fields(line: str, separator: str) -> list[str]:
    """The fields of one line, without quotes."""
    if '"' in line:
        return next(csv.reader([line], delimiter=separator, skipinitialspace=True))
    return line.split() if separator == " " else line.split(separator)


def number(field: str, separator: str = ",") -> float | None:
    """The finite number that a field holds, or None; with a decimal comma where that does not separate."""
    try:
        value = float(field.replace(",", ".") if separator != "," else field)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in field else None


def is_word(field: str, separator: str = ",") -> bool:
    """Whether a field holds something else than a number; ``nan`` and ``1e999`` count as numbers."""
    try:
        float(field.replace(",", ".") if separator != "," else field)
    except ValueError:
        return bool(field.strip())
    return False


def picture_shape(pixels: int) -> tuple[int, int, int] | None:
    """The square grey picture, or the square one of three channels, that has so many values."""
    for channels in (1, 3):
        side = math.isqrt(pixels // channels)
        if side > 1 and side * side * channels == pixels:
            return side, side, channels
    return None
