"""How good masks are: from one table of pixels, true class by predicted class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.errors import DataError
from foveal.evaluation.intervals import bootstrap
from foveal.evaluation.results import Interval

Masks = NDArray[np.integer[Any]]


@shown_briefly
@dataclass(frozen=True, eq=False)
class Segmented:
    """The measures of predicted masks. A class that neither truth nor prediction has gives NaN and joins no mean.

    Attributes:
        names: of the classes, ground first.
        tables: int64 (pictures, classes, classes): pixels of each picture, true class by predicted class.
    """

    names: tuple[str, ...]
    tables: NDArray[np.int64]

    @property
    def pixels(self) -> NDArray[np.int64]:
        """The table of all pictures together."""
        return np.asarray(self.tables.sum(0))

    @property
    def each(self) -> NDArray[np.float64]:
        """Mean IoU of each picture alone, over the classes that truth or prediction has in it."""
        return np.array([np.nanmean(_iou(table)) for table in self.tables])

    @property
    def iou(self) -> NDArray[np.float64]:
        """Intersection over union of each class: common pixels / pixels of either (Everingham et al. 2010)."""
        return _iou(self.pixels)

    @property
    def mean_iou(self) -> float:
        """Mean over all classes, ground among them."""
        return float(np.nanmean(self.iou))

    @property
    def mean_iou_things(self) -> float:
        """Mean over the classes without ground."""
        return float(np.nanmean(self.iou[1:]))

    @property
    def accuracy(self) -> float:
        """Share of pixels whose class is right."""
        return float(np.trace(self.pixels) / self.pixels.sum())

    @property
    def recall(self) -> NDArray[np.float64]:
        """Share of each class's true pixels that were found."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.diag(self.pixels) / self.pixels.sum(1))

    @property
    def precision(self) -> NDArray[np.float64]:
        """Share of the pixels given to each class that belong to it."""
        with np.errstate(invalid="ignore"):
            return np.asarray(np.diag(self.pixels) / self.pixels.sum(0))

    @property
    def thing_iou(self) -> float:
        """IoU of "a thing" against ground, whichever its class: how good the outlines are."""
        table = self.pixels
        inside = table[1:, 1:].sum()
        return float(inside / (table.sum() - table[0, 0]))

    @property
    def mean_iou_named(self) -> float:
        """What the mean IoU would be with every name right: pixels of a thing that were given to another thing's class count as
        their own. What is missing to 1 is the outlines' part; what :attr:`mean_iou` is below it, the names'."""
        table = self.pixels.copy()
        things = np.arange(1, len(table))
        found = table[1:, 1:].sum(1)
        table[1:, 1:] = 0
        table[things, things] = found
        return float(np.nanmean(_iou(table)))

    def interval(self, seed: int = 0, draws: int = 500, level: float = 0.95) -> Interval:
        """The bootstrap interval of the mean IoU: as many scenes drawn again and again."""

        def mean_iou(times: NDArray[np.int64]) -> float:
            return float(np.nanmean(_iou(np.tensordot(times, self.tables, 1))))

        return bootstrap(mean_iou, len(self.tables), draws=draws, seed=[seed, 0x10], level=level)


def segmented(truth: Masks, predicted: Masks, names: Sequence[str]) -> Segmented:
    """Measure predicted masks (N, h, w) against true ones.

    Raises:
        DataError: masks of different shapes, or a class that has no name.

    Example:
        >>> found = segmented(np.array([[[0, 1, 1, 2]]]), np.array([[[0, 1, 2, 2]]]), ["ground", "coat", "bag"])
        >>> found.iou.tolist(), round(found.mean_iou, 4), found.accuracy
        ([1.0, 0.5, 0.5], 0.6667, 0.75)
    """
    if truth.shape != predicted.shape:
        raise DataError(
            "true and predicted masks differ in shape", given=f"{predicted.shape}", expected=f"{truth.shape}"
        )
    count = len(names)
    top = max(int(truth.max(initial=0)), int(predicted.max(initial=0)))
    if top >= count:
        raise DataError("a mask holds a class without a name", given=f"class {top}", expected=f"0 to {count - 1}")
    return Segmented(tuple(names), np.stack([_table(t, p, count) for t, p in zip(truth, predicted, strict=True)]))


def _table(truth: Masks, predicted: Masks, count: int) -> NDArray[np.int64]:
    pairs = truth.astype(np.int64).ravel() * count + predicted.ravel()
    return np.bincount(pairs, minlength=count * count).reshape(count, count).astype(np.int64)


def _iou(table: NDArray[np.int64]) -> NDArray[np.float64]:
    both = np.diag(table)
    with np.errstate(invalid="ignore"):
        found: NDArray[np.float64] = both / (table.sum(0) + table.sum(1) - both)
    return found
