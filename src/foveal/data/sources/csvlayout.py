"""What the first lines of a CSV file tell: the separator, whether there is a header, which columns count."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from itertools import pairwise

from foveal.data.sources.csvfields import CsvLayout, fields, is_word, number
from foveal.data.sources.csvlabel import LABEL_NAMES, Columns, Unlabelled
from foveal.errors import DataError

_SEPARATORS = "\t;|,"
_LOOKED_AT = 1000
_COUNTS_FROM = 10  # columns: a shorter picture may well have the pixels 0, 1, 2, 3, 4
MOST_COLUMNS = 1 << 20


def csv_layout(
    text: str,
    path: str,
    *,
    shape: tuple[int, int, int] | None = None,
    label: str | int | None = None,
    like: CsvLayout | None = None,
) -> CsvLayout:
    """Look at the first lines.

    Args:
        text: they, whole.
        path: the file, for errors.
        shape: of a picture, where it is known.
        label: the label's column: a name, a number from 1, ``first`` or ``last``.
        like: the layout of the training file, where this is the test file beside it.

    Raises:
        Unlabelled: pixels only.
        DataError: columns that make no picture, or several that may be the label.
    """
    lines = [line for line in text.split("\n") if line.strip()]
    if not lines:
        raise DataError("the file holds no picture", where=path, expected="one picture a line")
    lines = lines[:2] + lines[2 :: 1 + len(lines) // _LOOKED_AT]  # all over: a file may be sorted by its labels
    separator = _separator(lines[:20])
    first = fields(lines[0], separator)
    if len(first) > MOST_COLUMNS:
        raise DataError(
            "a picture has too many pixels", where=path, given=f"{len(first):,} columns", expected=f"{MOST_COLUMNS:,}"
        )
    notes: list[str] = []
    names = _header(first, fields(lines[1], separator) if len(lines) > 1 else [], separator, notes)
    rows = [fields(line, separator) for line in lines[1 if names else 0 :]]
    unused = _without_values(rows, names, len(first), notes)
    found = Columns(path, separator, len(first), names, rows, shape, unused, notes)
    column = found.label(label, like)
    left = tuple(i for i in range(len(first)) if i != column and i not in unused)
    labels = [row[column].strip() for row in rows if column < len(row)]
    if like is not None and labels and not any(labels):
        raise Unlabelled("the label column is empty", where=path)
    texts = bool(labels) and is_word(labels[0], separator)
    return CsvLayout(path, separator, len(first), column, left, names, texts, tuple(notes), found.usual)


def beyond_comments(block: bytes) -> tuple[bytes, int]:
    """The block from its first row on, and how many lines of comments (``# …``, ``"# …"``) and empty ones came before.

    A last comment with as many fields as the row that follows it names the columns: ``#label,p1,p2``.
    """
    start, passed, last = 0, 0, 0  # the last comment begins at ``last``
    while (end := block.find(b"\n", start)) >= 0:
        line = block[start:end].strip()
        if line and not line.lstrip(b'"').startswith(b"#"):
            break
        last = start if line else last
        start, passed = end + 1, passed + 1
    if not block[:start].strip():  # empty lines alone are not comments
        return block, 0
    comment, row = (block[at : block.find(b"\n", at)].decode("utf-8", "replace") for at in (last, start))
    alike = [each for each in _SEPARATORS if each in row and comment.count(each) == row.count(each)]
    if alike and not all(is_word(field, alike[0]) for field in fields(row, alike[0])):
        above = block[:last]
        named = block[last:start].replace(b"#", b"", 1).lstrip(b" ")
        return (named + block[start:], above.count(b"\n"))
    return block[start:], passed


def without_comments(path: str) -> str:
    """The repair for comments between the rows."""
    return f"grep -v '^[[:space:]]*#' {shlex.quote(path)} > rows.csv, and read that"


def _separator(lines: Sequence[str]) -> str:
    """The one that cuts all lines alike; a comma last, for it may stand for the decimal point."""
    present = [each for each in _SEPARATORS if each in lines[0]]
    if not present:
        return " " if len(lines[0].split()) > 1 else ","
    alike = [each for each in present if len({line.count(each) for line in lines}) == 1]
    return alike[0] if alike else max(present, key=lines[0].count)


def _header(first: Sequence[str], second: Sequence[str], separator: str, notes: list[str]) -> tuple[str, ...] | None:
    names = tuple(field.strip() for field in first)
    words = sum(is_word(name, separator) or not name for name in names)
    if 2 * words > len(names):
        return names
    numbers = [value for name in names if (value := number(name, separator)) is not None]
    counts = len(numbers) >= _COUNTS_FROM and numbers[0] in (0, 1) and all(b - a == 1 for a, b in pairwise(numbers))
    if counts and list(first) != list(second):
        if words != 1 or not any(name.lower() in LABEL_NAMES for name in names):
            notes.append("the first line counts the columns (0, 1, 2, …): it was taken for a header, not for a picture")
        return names
    named = next((i for i, name in enumerate(names) if name.lower() in LABEL_NAMES), None)
    if named is None or (words == 1 and named < len(second) and is_word(second[named], separator)):
        return None  # in the second case the labels are names, and the first one is "class" or "y"
    return names


def _without_values(
    rows: Sequence[Sequence[str]], names: Sequence[str] | None, columns: int, notes: list[str]
) -> set[int]:
    """Columns at the end that commas at the end of each line make."""
    unused = set()
    for column in range(columns - 1, 0, -1):
        named = names is not None and names[column]
        if named or not rows or any(len(row) <= column or row[column].strip() for row in rows):
            break
        unused.add(column)
    if unused:
        notes.append(f"columns without names and values at the end of the lines were passed over: {len(unused)}")
    return unused
