"""Suppression and average precision, against brute force, a worked example by hand, and scikit-learn where it applies."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from foveal.errors import DataError
from foveal.evaluation.detection import Detections, area, measured, overlaps, read_maps, suppress


def some_boxes(rng: np.random.Generator, count: int) -> np.ndarray:
    corner = rng.integers(0, 12, (count, 2))
    return np.concatenate([corner, corner + rng.integers(2, 9, (count, 2))], 1).astype(float)


def cells(box: np.ndarray) -> set[tuple[int, int]]:
    top, left, bottom, right = map(int, box)
    return set(itertools.product(range(top, bottom), range(left, right)))


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return len(cells(a) & cells(b)) / len(cells(a) | cells(b))


def test_overlaps_are_those_of_sets_of_cells():
    rng = np.random.default_rng(0)
    a, b = some_boxes(rng, 7), some_boxes(rng, 9)
    expected = [[iou(x, y) for y in b] for x in a]
    assert overlaps(a, b) == pytest.approx(np.array(expected))
    assert overlaps(a, b[:0]).shape == (7, 0)


@pytest.mark.parametrize("seed", range(20))
def test_suppression_is_greedy_choice_written_out(seed):
    rng = np.random.default_rng(seed)
    boxes, scores = some_boxes(rng, 25), rng.integers(0, 12, 25) / 12.0  # equal scores occur
    left = sorted(range(25), key=lambda i: (-scores[i], i))
    kept = []
    while left:
        best = left.pop(0)
        kept.append(best)
        left = [i for i in left if iou(boxes[best], boxes[i]) <= 0.4]
    assert suppress(boxes, scores, 0.4).tolist() == kept


def test_nothing_is_suppressed_among_no_boxes():
    assert suppress(np.zeros((0, 4)), np.zeros(0)).tolist() == []


def test_average_precision_by_hand():
    """Three things in two pictures; five detections of falling score: right, twice the same, wrong place, right, right.

    Precision after each: 1, 1/2, 1/3, 2/4, 3/5; recall 1/3, 1/3, 1/3, 2/3, 1. From the right the best precision is
    1, 3/5, 3/5, 3/5, 3/5, so AP = 1/3 · 1 + 1/3 · 3/5 + 1/3 · 3/5 = 11/15.
    """
    a, b, c = [0.0, 0, 10, 10], [20.0, 20, 30, 30], [5.0, 5, 15, 15]
    truth = np.array([[a, b], [c, [0.0, 0, 0, 0]]])
    labels = np.array([[0, 0], [0, -1]])
    found = [
        Detections(np.array([a, [0.0, 0, 10, 9], b]), np.array([0.9, 0.8, 0.6]), np.array([0, 0, 0])),
        Detections(np.array([[40.0, 40, 50, 50], c]), np.array([0.7, 0.5]), np.array([0, 0])),
    ]
    result = measured(found, truth, labels, ["thing", "never there"])
    curve = result.curves[0]
    assert curve.precision == pytest.approx([1, 1 / 2, 1 / 3, 1 / 2, 3 / 5])
    assert curve.recall == pytest.approx([1 / 3, 1 / 3, 1 / 3, 2 / 3, 1])
    assert curve.average_precision == pytest.approx(11 / 15)
    assert np.isnan(result.curves[1].average_precision)
    assert result.mean_average_precision == pytest.approx(11 / 15)


def brute(found: list[Detections], truth: np.ndarray, labels: np.ndarray, label: int, overlap: float) -> float:
    """VOC's development kit, line by line, with precision integrated by the definition max over recall' ≥ recall."""
    rows = sorted(
        (-s, picture, place)
        for picture, each in enumerate(found)
        for place, (s, kind) in enumerate(zip(each.scores, each.labels, strict=True))
        if kind == label
    )
    things = [(p, k) for p in range(len(truth)) for k in range(truth.shape[1]) if labels[p, k] == label]
    taken: set[tuple[int, int]] = set()
    points = []
    right = 0
    for number, (_, picture, place) in enumerate(rows, 1):
        mine = [(iou(found[picture].boxes[place], truth[p, k]), -k) for p, k in things if p == picture]
        best = max(mine, default=(0.0, 0))
        target = (picture, -best[1])
        if best[0] >= overlap and target not in taken:
            taken.add(target)
            right += 1
        points.append((right / len(things), right / number))
    total = 0.0
    for step in range(1, len(things) + 1):
        reached = [precision for recall, precision in points if recall >= step / len(things) - 1e-12]
        total += max(reached, default=0.0) / len(things)
    return total


@pytest.mark.parametrize("seed", range(12))
def test_average_precision_against_brute_force(seed):
    rng = np.random.default_rng(100 + seed)
    truth = np.stack([some_boxes(rng, 4) for _ in range(6)])
    labels = rng.integers(-1, 2, (6, 4))
    labels[0, :2] = [0, 1]
    found = []
    for boxes in truth:
        near = np.concatenate(
            [boxes[rng.integers(0, 4, 6)] + rng.integers(-1, 2, (6, 4)) * [1, 1, 0, 0], some_boxes(rng, 3)]
        )
        found.append(Detections(near, rng.permutation(1000)[:9] / 1000 + rng.random() * 1e-6, rng.integers(0, 2, 9)))
    for overlap in (0.5, 0.75):
        result = measured(found, truth, labels, ["a", "b"], overlap)
        for label in (0, 1):
            expected = brute(found, truth, labels, label, overlap)
            assert result.curves[label].average_precision == pytest.approx(expected)


def test_the_area_of_a_perfect_and_of_an_empty_list():
    assert area(np.array([0.25, 0.5, 0.75, 1.0]), np.ones(4)) == 1.0
    assert area(np.zeros(0), np.zeros(0)) == 0.0


def test_maps_become_boxes_with_a_score_a_class():
    maps = np.full((1, 7, 2, 2), -20.0)
    maps[0, 4, 0, 1] = np.log(9.0)  # here: 0.9
    maps[0, 5:, 0, 1] = np.log([0.75, 0.25])
    boxes = np.zeros((1, 4, 2, 2))
    boxes[0, :, 0, 1] = [1, 2, 5, 8]
    (found,) = read_maps(maps, boxes)
    assert found.scores == pytest.approx([0.675, 0.225])
    assert found.labels.tolist() == [0, 1]
    assert found.boxes.tolist() == [[1, 2, 5, 8]] * 2
    clear = found.clear(0.2)
    assert clear.labels.tolist() == [0]  # one class a place
    assert len(read_maps(maps, boxes, score=0.5)[0]) == 1
    assert len(read_maps(maps, boxes, most=1)[0]) == 1


def test_suppression_is_done_class_by_class():
    rng = np.random.default_rng(5)
    maps = rng.normal(size=(3, 8, 4, 4)) * 2
    corner = rng.random((3, 2, 4, 4)) * 10
    boxes = np.concatenate([corner, corner + 3 + 8 * rng.random((3, 2, 4, 4))], 1)
    for number, found in enumerate(read_maps(maps, boxes, score=0.01, most=1000)):
        shares = np.exp(maps[number, 5:]) / np.exp(maps[number, 5:]).sum(0)
        scores = shares / (1 + np.exp(-maps[number, 4]))
        expected = set()
        for label in range(3):
            places = np.argwhere(scores[label] >= 0.01)
            some = np.array([boxes[number, :, i, j] for i, j in places])
            values = np.array([scores[label, i, j] for i, j in places])
            expected |= {(label, round(float(values[k]), 9)) for k in suppress(some, values)}
        assert {(int(a), round(float(b), 9)) for a, b in zip(found.labels, found.scores, strict=True)} == expected
        assert (np.diff(found.scores) <= 0).all()


def test_as_many_truths_as_pictures():
    with pytest.raises(DataError, match="not as many"):
        measured([], np.zeros((1, 1, 4)), np.zeros((1, 1), int), ["a"])
