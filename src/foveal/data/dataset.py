"""What a data set is here: pictures, labels, the names of the classes, and where they came from.

Pictures are ``uint8`` in N × H × W × C, as the lectures write shapes; tables (iris) are ``float32`` in N × features.
Nothing here scales them: a network receives ``uint8 / 255``, and that happens where batches are made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.errors import DataError
from foveal.printable import well_formed

Images = NDArray[Any]
Labels = NDArray[np.int64]


@shown_briefly
@dataclass(frozen=True, eq=False)
class Split:
    """One part of a data set: so many pictures (or rows), each with its label.

    Args:
        images: ``uint8`` (N, height, width, channels), or ``float32`` (N, features) for a table.
        labels: ``int64`` (N,), the number of each picture's class, from 0.
        origins: where each came from (a file's path), where that is known.

    Raises:
        DataError: the two do not belong together, or are of another kind.

    Example:
        >>> split = Split(np.zeros((2, 28, 28, 1), np.uint8), np.array([0, 1]))
        >>> len(split), split.shape
        (2, (28, 28, 1))
        >>> split
        Split(images=uint8 2 × 28 × 28 × 1, labels=int64 2, origins=None)
    """

    images: Images
    labels: Labels
    origins: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        picture = images.ndim == 4 and images.dtype == np.uint8
        table = images.ndim == 2 and images.dtype == np.float32
        if not (picture or table):
            raise DataError(
                "these are neither pictures nor a table",
                given=f"an array of {images.dtype}, shape {shape_text(images.shape)}",
                expected="uint8 of N × height × width × channels, or float32 of N × features",
                fix="foveal.data.from_arrays(...), which converts the usual forms",
            )
        if labels.ndim != 1 or labels.dtype.kind not in "iu":
            raise DataError(
                "labels are whole numbers, one a picture",
                given=f"an array of {labels.dtype}, shape {shape_text(labels.shape)}",
                expected=f"integers of shape ({len(images)},)",
            )
        if len(images) != len(labels):
            raise DataError(
                "there are not as many labels as pictures",
                given=f"{len(images):,} pictures, {len(labels):,} labels",
                expected="one label a picture",
            )
        if labels.dtype != np.int64:
            object.__setattr__(self, "labels", labels.astype(np.int64))
        if self.origins is not None and len(self.origins) != len(labels):
            raise DataError(
                "there are not as many origins as pictures",
                given=f"{len(self.origins):,} origins, {len(labels):,} pictures",
            )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one picture (height, width, channels), or of one row (features,)."""
        return tuple(self.images.shape[1:])

    def take(self, indices: NDArray[np.int64] | Sequence[int]) -> Split:
        """The pictures at ``indices``, in that order."""
        index = np.asarray(indices, dtype=np.int64)
        origins = None if self.origins is None else tuple(self.origins[i] for i in index)
        return Split(self.images[index], self.labels[index], origins)

    def counts(self, classes: int) -> NDArray[np.int64]:
        """How many pictures each of ``classes`` classes has."""
        return np.bincount(self.labels, minlength=classes).astype(np.int64)


@shown_briefly
@dataclass(frozen=True, eq=False)
class DataSet:
    """A training part, perhaps a test part, and the names of the classes.

    Args:
        name: what it is called, ``fashion-mnist``; or the file's name.
        classes: names in the order of the labels.
        train, test: the parts; both have pictures of one shape.
        source: where it was found, for people: a folder, an address, a package.
        problems: what could not be read, one line a file. Nothing is dropped silently.
        notes: what was decided on the way (a size chosen, files of another kind passed over).

    Raises:
        DataError: a label without a class, or parts of different shapes.

    Example:
        >>> part = Split(np.zeros((2, 28, 28, 1), np.uint8), np.array([0, 1]))
        >>> DataSet("two", ("cat", "dog"), part, None, "memory").shape
        (28, 28, 1)
    """

    name: str
    classes: tuple[str, ...]
    train: Split
    test: Split | None
    source: str
    problems: tuple[str, ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", well_formed(self.name))
        object.__setattr__(self, "classes", tuple(map(well_formed, self.classes)))
        for title, split in self.parts():
            if not len(split):
                raise DataError(f"the {title} part is empty", where=self.name)
            outside = (split.labels < 0) | (split.labels >= len(self.classes))
            if outside.any():
                at = int(np.flatnonzero(outside)[0])
                raise DataError(
                    f"a label of the {title} part has no class",
                    where=f"{self.name}, {title} picture {at}",
                    given=f"label {int(split.labels[at])}",
                    expected=f"0 to {len(self.classes) - 1}: {len(self.classes)} classes",
                )
        if self.test is not None and self.test.shape != self.train.shape:
            raise DataError(
                "training and test pictures have different shapes",
                where=self.name,
                given=f"training {shape_text(self.train.shape)}, test {shape_text(self.test.shape)}",
                fix="size=(height, width), which brings all to one size",
            )

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one picture (height, width, channels), or of one row (features,)."""
        return self.train.shape

    @property
    def is_table(self) -> bool:
        """Whether these are rows of numbers, not pictures."""
        return self.train.images.ndim == 2

    def parts(self) -> list[tuple[str, Split]]:
        """The parts there are, with their names."""
        return [("training", self.train)] + ([("test", self.test)] if self.test is not None else [])

    def remarks(self) -> list[str]:
        """Notes and problems as a few lines, for whoever trains or measures on these data."""
        lines = list(self.notes)
        if self.problems:
            more = f", and {len(self.problems) - 1:,} more (foveal data show lists them)" * (len(self.problems) > 1)
            lines.append(f"could not be read: {self.problems[0]}{more}")
        return lines


def check_classes(data: DataSet) -> None:
    """Refuse data of one class, from which no classifier can learn.

    Raises:
        DataError: all training examples have the same label.
    """
    present = np.unique(data.train.labels)
    if len(present) > 1:
        return
    what = "rows" if data.is_table else "pictures"
    assumed = any("--label" in note for note in data.notes)  # a CSV file whose label column is not known for sure
    column = ["--label COLUMN, if another column is the label"] if assumed else []
    raise DataError(
        "one class alone cannot be told from anything",
        where=data.source,
        given=f"{len(data.train):,} training {what}, all of class {data.classes[int(present[0])]}",
        expected="two classes or more",
        fix=[f"add {what} of another class, with another label", *column],
    )


def shape_text(shape: Sequence[int]) -> str:
    """A shape as people write it: ``60000 × 28 × 28``."""
    return " × ".join(str(n) for n in shape) if shape else "a single number"


def class_names(labels: Sequence[NDArray[Any]], given: Sequence[str] | None = None) -> tuple[str, ...]:
    """The names given, or the numbers 0 … largest as names.

    Raises:
        DataError: a label below 0, or (without names) above 9,999, which no class number is.
    """
    if given is not None:
        return tuple(given)
    top = max((int(part.max()) for part in labels if len(part)), default=0)
    if top > 9999:
        raise DataError(
            "a label is too large to be the number of a class",
            given=f"label {top}",
            expected="0 to 9999",
            fix="number the classes from 0 without gaps",
        )
    return tuple(str(number) for number in range(top + 1))
