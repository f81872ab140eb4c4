"""From a detector's map to boxes, and how good boxes are: non-maximum suppression, precision and recall, mAP.

Average precision is that of PASCAL VOC since 2010 (Everingham et al. 2015, section 4.2) and of COCO at an overlap of 0.5:
detections of a class in all pictures are sorted by score; one is right when the true box that it overlaps most has an
IoU of at least 0.5 with it and was not found already by a better one; precision is made monotone from the right, and
its area over recall is summed at every step ("all-point interpolation").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax

from foveal.data.brief import shown_briefly
from foveal.errors import DataError

Floats = NDArray[np.floating[Any]]

SCORE, SAME, MOST = 0.03, 0.5, 40
"""Detections below this score are dropped; two of one class that overlap more are one; so many a picture at most."""


@shown_briefly
@dataclass(frozen=True, eq=False)
class Detections:
    """What was found in one picture, best first.

    Attributes:
        boxes: float (M, 4): top, left, bottom, right in pixels.
        scores: float (M,), 0 to 1.
        labels: int64 (M,).
    """

    boxes: Floats
    scores: Floats
    labels: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.scores)

    def clear(self, score: float = 0.5, overlap: float = SAME) -> Detections:
        """What a person is shown: only sure ones, and one class a place."""
        sure = np.flatnonzero(self.scores >= score)
        kept = sure[suppress(self.boxes[sure], self.scores[sure], overlap)]
        return Detections(self.boxes[kept], self.scores[kept], self.labels[kept])


@shown_briefly
@dataclass(frozen=True, eq=False)
class Curve:
    """Precision against recall of one class, from the best detection on, and the area below (see the head of this file).

    Attributes:
        recall, precision: after each detection, as measured.
        scores: of the detections.
        things: how many true boxes there are.
        average_precision: NaN where there are none.
    """

    recall: Floats
    precision: Floats
    scores: Floats
    things: int
    average_precision: float


@shown_briefly
@dataclass(frozen=True, eq=False)
class Detected:
    """The measures of a detector: a curve for every class that the truth has, by its name."""

    names: tuple[str, ...]
    curves: tuple[Curve, ...]
    overlap: float

    @property
    def mean_average_precision(self) -> float:
        """mAP: the mean over the classes of which there are things."""
        return float(np.nanmean([curve.average_precision for curve in self.curves]))


def overlaps(first: Floats, second: Floats) -> Floats:
    """Intersection over union of each of (A, 4) with each of (B, 4): (A, B).

    Example:
        >>> overlaps(np.array([[0.0, 0, 2, 2]]), np.array([[0.0, 1, 2, 3], [5, 5, 6, 6]])).round(4).tolist()
        [[0.3333, 0.0]]
    """
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0.0), axis=-1)
    areas = [np.prod(np.maximum(boxes[:, 2:] - boxes[:, :2], 0.0), axis=-1) for boxes in (first, second)]
    found: Floats = both / np.maximum(areas[0][:, None] + areas[1] - both, 1e-9)
    return found


def suppress(boxes: Floats, scores: Floats, overlap: float = SAME) -> NDArray[np.int64]:
    """Non-maximum suppression: of boxes that overlap by more than ``overlap``, the best stays.

    Args:
        boxes: (M, 4).
        scores: (M,); of equal scores the earlier counts as better.
        overlap: IoU, above which two are the same thing.

    Returns:
        indices of those that stay, best first.

    Example:
        >>> suppress(np.array([[0.0, 0, 4, 4], [0, 1, 4, 5], [9, 9, 12, 12]]), np.array([0.8, 0.9, 0.1])).tolist()
        [1, 2]
    """
    order = np.argsort(-scores, kind="stable")
    same = overlaps(boxes[order], boxes[order]) > overlap
    kept = np.ones(len(order), bool)
    for place in range(len(order)):
        if kept[place]:
            kept[place + 1 :] &= ~same[place, place + 1 :]
    return order[kept].astype(np.int64)


def read_maps(
    maps: Floats, boxes: Floats, *, score: float = SCORE, overlap: float = SAME, most: int = MOST
) -> list[Detections]:
    """The detections in a detector's answers.

    Every point of the grid offers every class with score = p(something here) · p(class), so that a thing of doubtful
    class is found under both names; suppression is done class by class.

    Args:
        maps: (N, 4 + 1 + classes, gh, gw), as :mod:`foveal.training.steps.detection` says.
        boxes: (N, 4, gh, gw): the decoded boxes.
        score, overlap, most: see above.

    Returns:
        one :class:`Detections` a picture.
    """
    count, channels = maps.shape[:2]
    logits = maps[:, 5:].reshape(count, channels - 5, -1).astype(np.float64)
    here = expit(maps[:, 4].reshape(count, 1, -1).astype(np.float64))
    scores = here * softmax(logits, axis=1)
    places = boxes.reshape(count, 4, -1).transpose(0, 2, 1).astype(np.float64)
    return [_one(each, place, score, overlap, most) for each, place in zip(scores, places, strict=True)]


def _one(scores: Floats, places: Floats, score: float, overlap: float, most: int) -> Detections:
    labels, points = np.nonzero(scores >= score)
    boxes, values = places[points], scores[labels, points]
    # classes moved so far apart that they cannot overlap: one suppression does all
    far = (np.abs(boxes).max(initial=0.0) * 2 + 1) * labels[:, None]
    kept = suppress(boxes + far, values, overlap)[:most]
    return Detections(boxes[kept], values[kept], labels[kept].astype(np.int64))


def measured(
    found: Sequence[Detections],
    boxes: Floats,
    labels: NDArray[np.integer[Any]],
    names: Sequence[str],
    overlap: float = 0.5,
) -> Detected:
    """Average precision of each class.

    Args:
        found: one a picture.
        boxes, labels: the truth, (N, K, 4) and (N, K) with -1 for none.
        names: of the classes.
        overlap: IoU from which a detection is right.

    Raises:
        DataError: not as many pictures found as true.

    Example:
        >>> seen = [Detections(np.array([[0.0, 0, 4, 4], [9, 9, 12, 12]]), np.array([0.9, 0.8]), np.array([0, 0]))]
        >>> measured(seen, np.array([[[0.0, 0, 4, 4]]]), np.array([[0]]), ["bag"]).mean_average_precision
        1.0
    """
    if len(found) != len(boxes):
        raise DataError("not as many pictures as truths", given=f"{len(found)} pictures", expected=f"{len(boxes)}")
    curves = tuple(_curve(found, boxes, labels, label, overlap) for label in range(len(names)))
    return Detected(tuple(names), curves, overlap)


def _curve(
    found: Sequence[Detections], boxes: Floats, labels: NDArray[np.integer[Any]], label: int, overlap: float
) -> Curve:
    things = int((labels == label).sum())
    scores: list[Floats] = []
    right: list[NDArray[np.bool_]] = []
    for each, true, kind in zip(found, boxes, labels, strict=True):
        mine = each.labels == label
        scores.append(each.scores[mine])
        right.append(_hits(each.boxes[mine], each.scores[mine], true[kind == label], overlap))
    values = np.concatenate(scores) if scores else np.zeros(0)
    hits = np.concatenate(right) if right else np.zeros(0, bool)
    order = np.argsort(-values, kind="stable")
    sure = np.cumsum(hits[order])
    recall = sure / max(things, 1)
    precision = sure / np.arange(1, len(sure) + 1)
    return Curve(recall, precision, values[order], things, area(recall, precision) if things else float("nan"))


def _hits(boxes: Floats, scores: Floats, truth: Floats, overlap: float) -> NDArray[np.bool_]:
    """Which detections of one picture and class are right: each true box goes to the best that lies on it."""
    hits = np.zeros(len(boxes), bool)
    if not len(boxes) or not len(truth):
        return hits
    shares = overlaps(boxes, truth)
    nearest = shares.argmax(1)
    free = np.ones(len(truth), bool)
    for place in np.argsort(-scores, kind="stable"):
        target = nearest[place]
        if shares[place, target] >= overlap and free[target]:
            hits[place], free[target] = True, False
    return hits


def area(recall: Floats, precision: Floats) -> float:
    """Σ over the steps of recall of (its rise) · (the best precision from there on).

    Example:
        >>> round(area(np.array([0.5, 0.5, 1.0]), np.array([1.0, 0.5, 2 / 3])), 4)  # ½ · 1 + ½ · ⅔
        0.8333
    """
    best = np.maximum.accumulate(precision[::-1])[::-1]
    return float((np.diff(recall, prepend=0.0) * best).sum())
