"""Which column of a CSV file is the label.

A column that is named as the label is it. Without such a name the usual place is the first column; the last one is taken
where only it can be the label, by its values. Whatever was assumed beyond the usual is said in one line, and
``label="last"`` (``--label last``) or a column's name decides.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from foveal.data.sources.csvfields import CsvLayout, is_word, number, picture_shape
from foveal.data.sources.listing import shown
from foveal.errors import DataError

LABEL_NAMES = (
    "label", "labels", "class", "classes", "target", "targets", "y", "category", "species", "digit", "letter",
    "class_id", "class_label", "class_name", "classid", "label_id",
)  # fmt: skip
_ROWS_FROM = 8  # fewer labels may rise by chance
_INDEX_NAMES = ("", "id", "index", "idx", "imageid", "image_id", "unnamed: 0", "row", "row_id", "filename", "file")


class Unlabelled(DataError):
    """A file of pictures without a label column."""


@dataclass
class Columns:
    """The columns of a file while the label's is looked for; ``unused`` and ``notes`` grow."""

    path: str
    separator: str
    count: int
    names: tuple[str, ...] | None
    rows: list[list[str]]
    shape: tuple[int, int, int] | None
    unused: set[int]
    notes: list[str]
    usual: tuple[str, ...] = ()

    def label(self, asked: str | int | None, like: CsvLayout | None) -> int:
        """Index of the label's column."""
        if like is not None and (known := self._as_in(like)) is not None:
            found = known  # before what was asked for: a test file without labels has no column to ask for
        elif asked is not None:
            found = self._asked(asked)
        else:
            found = self._found()
        self._fits(found)
        return found

    def _used(self) -> int:
        return self.count - len(self.unused)

    def _makes(self, pixels: int) -> bool:
        return math.prod(self.shape) == pixels if self.shape else picture_shape(pixels) is not None

    def _asked(self, asked: str | int) -> int:
        words = {"first": 0, "last": max(i for i in range(self.count) if i not in self.unused)}
        name = str(asked).strip()
        if self.names:
            for same in (str, str.lower):
                if name and (found := [i for i, each in enumerate(self.names) if same(each) == same(name)]):
                    return found[0]
        if name.lower() in words:
            return words[name.lower()]
        if name.isascii() and name.isdigit() and 1 <= int(name[:9]) <= self.count:
            return int(name) - 1
        listed = [shown(each) for each in self.names or () if each][:6]
        raise DataError(
            "there is no such column for the label",
            where=self.path,
            given=repr(asked),
            expected=f"a number from 1 to {self.count}, first, last"
            + (f", or a name: {', '.join(listed)}, …" if listed else ""),
            fix=["first", "last"],
        )

    def _as_in(self, like: CsvLayout) -> int | None:
        if like.names and self.names:
            wanted = like.names[like.label].lower()
            found = [i for i, name in enumerate(self.names) if name.lower() == wanted]
            if not found and not self._named():
                raise self._unlabelled(f"no column {shown(like.names[like.label])!r}, as the training file has it")
            return found[0] if found else None
        if self._used() == len(like.pixels) + 1 and self.count == like.columns:
            return like.label
        if self._used() == len(like.pixels):
            raise self._unlabelled(f"{self._used()} columns, the pixels alone")
        return None

    def _named(self) -> list[int]:
        return [i for i, name in enumerate(self.names or ()) if name.lower() in LABEL_NAMES]

    def _found(self) -> int:
        named = self._named()
        self._leave_index(bool(named))
        if len(named) == 1:
            return named[0]
        if len(named) > 1:
            every = [(self.names or ())[i] for i in named]
            raise DataError(
                "several columns may be the label",
                where=self.path,
                given=", ".join(map(shown, every)),
                fix=[f"--label {each}, or label={each!r} in Python" for each in every[:3]],
            )
        odd = self._odd_name()
        if odd is not None and self._makes(self._used() - 1):
            self.notes.append(
                f"the column {shown((self.names or ())[odd])} was taken for the label: its name is unlike the others "
                "(--label chooses another one)"
            )
            return odd
        if not self._makes(self._used() - 1) and self._makes(self._used()):
            raise self._unlabelled(f"{self._used()} columns, a picture's pixels alone")
        return self._by_values()

    def _leave_index(self, named: bool) -> None:
        """Leave out a first column that only numbers the rows, where that makes the rest a picture."""
        if self.names is None or self.names[0].lower() not in _INDEX_NAMES or self.count < 2:
            return
        rest = self._used() - 1
        if (self._makes(rest - 1) and not self._makes(rest)) or (not named and self._makes(rest)):
            self.unused.add(0)
            name = shown(self.names[0]) or "without a name"
            self.notes.append(f"the first column ({name}) numbers the rows, and was left out")

    def _odd_name(self) -> int | None:
        if self.names is None or self._used() < 4:
            return None
        forms = {i: re.sub(r"\d+", "#", name.lower()) for i, name in enumerate(self.names) if i not in self.unused}
        tally = Counter(forms.values())
        if len(tally) != 2 or min(tally.values()) != 1:
            return None
        return next(i for i, form in forms.items() if tally[form] == 1)

    def _by_values(self) -> int:
        first, last = (i for i in (min(self._left()), max(self._left())))
        begin, end = (
            _LabelLike.of([row[i] for row in self.rows if i < len(row)], self.separator) for i in (first, last)
        )
        if begin.words and end.words:
            raise DataError(
                "several columns may be the label",
                where=self.path,
                given="words in the first column and in the last one",
                fix=["--label first, or label='first' in Python", "--label last, or label='last' in Python"],
            )
        if begin.words:
            return first
        if end.words or (end.likely and not end.many and (not begin.possible or self._pixels_before(begin, end))):
            self.notes.append(
                "the last column was taken for the label, by its values: the first one is not a label "
                "(--label first chooses it)"
            )
            return last
        if begin.possible and end.likely and not (end.many and end.values > 4 * begin.values):
            self.notes.append(
                "the first column was taken for the label; by its values the last one could be it too (--label last "
                "chooses it)"
            )
        elif begin.rises:
            self.notes.append(
                "the first column was taken for the label, and has another number in each line, as row numbers do: are there "
                "labels at all? (--label chooses another column)"
            )
        elif not begin.possible:
            self.usual = ("the first column was taken for the label, as is usual (--label chooses another one)",)
        return first

    @staticmethod
    def _pixels_before(begin: _LabelLike, end: _LabelLike) -> bool:
        return begin.many and begin.values > 4 * end.values

    def _left(self) -> list[int]:
        return [i for i in range(self.count) if i not in self.unused]

    def _fits(self, label: int) -> None:
        pixels = self._used() - 1
        given = f"{self._used()} columns: a label and {pixels} pixels"
        if self.shape is not None and math.prod(self.shape) != pixels:
            height, width, channels = self.shape
            raise DataError(
                "the columns do not make pictures of this shape",
                where=self.path,
                given=given,
                expected=f"{height} × {width} × {channels} = {math.prod(self.shape)} pixels and a label",
            )
        if self.shape is None and picture_shape(pixels) is None:
            raise DataError(
                "the columns do not make a picture",
                where=self.path,
                given=given,
                expected="1 + side × side columns, or 1 + side × side × 3; a picture of 28 × 28 has 785",
                fix=[
                    "read_csv(path, shape=(height, width, channels)) in Python, for pictures that are not square",
                    "an .npz file with x (N × features) and y, for a table of measurements",
                ],
            )

    def _unlabelled(self, given: str) -> Unlabelled:
        return Unlabelled(
            "the columns do not make a picture with its label: there is no label column",
            where=self.path,
            given=given,
            expected="a label, and the pixels of a picture",
            fix="put the label in a first column: there seem to be pixels only",
        )


@dataclass(frozen=True)
class _LabelLike:
    """How much the values of a column look like labels.

    Attributes:
        words: no numbers at all.
        values: how many different ones.
        possible: whole numbers, two or more, without many gaps from 0 (or 1) on, and balanced.
        likely: that, and each again and again.
        many: as many as pixels have.
        rises: each one larger than the one before, as the numbers of rows are.
    """

    words: bool
    values: int
    possible: bool
    likely: bool
    many: bool
    rises: bool = False

    @classmethod
    def of(cls, column: Sequence[str], separator: str) -> _LabelLike:
        held = [field.strip() for field in column if field.strip()]
        numbers = [number(field, separator) for field in held]
        if held and all(is_word(field, separator) for field in held):
            return cls(True, len(set(held)), True, True, False)
        whole = [int(value) for value in numbers if value is not None and value.is_integer()]
        if not held or len(whole) < len(held) or min(whole) < 0:
            return cls(False, len(set(held)), False, False, False)
        tally = Counter(whole)
        different = len(tally)
        shares = [count / len(whole) for count in tally.values()]
        spread = -sum(share * math.log(share) for share in shares) / math.log(different) if different > 1 else 0.0
        dense = different >= 2 and different / (max(tally) - min(min(tally), 1) + 1) >= 0.5
        possible = dense and spread >= 0.5 and max(tally) <= 9999
        likely = possible and different <= max(2, len(whole) / 2)
        rises = len(whole) >= _ROWS_FROM and all(a < b for a, b in pairwise(whole))
        return cls(False, different, possible, likely, different >= 64 and max(tally) >= 128, rises)
