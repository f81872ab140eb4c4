"""IoU from the table of pixels, against sets of pixels and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.errors import DataError
from foveal.evaluation.segmentation import segmented

NAMES = ("ground", "coat", "bag", "shoe")


def drawn(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 4, (6, 9, 7))
    return truth, np.where(rng.random(truth.shape) < 0.7, truth, rng.integers(0, 4, truth.shape))


def test_iou_is_that_of_sets_of_pixels_and_scikit_learn_agrees():
    from sklearn.metrics import accuracy_score, jaccard_score, precision_score, recall_score

    truth, predicted = drawn()
    found = segmented(truth, predicted, NAMES)
    for label in range(4):
        a = set(map(tuple, np.argwhere(truth == label)))
        b = set(map(tuple, np.argwhere(predicted == label)))
        assert found.iou[label] == pytest.approx(len(a & b) / len(a | b))
    t, p = truth.ravel(), predicted.ravel()
    assert found.iou == pytest.approx(jaccard_score(t, p, average=None))
    assert found.mean_iou == pytest.approx(jaccard_score(t, p, average="macro"))
    assert found.mean_iou_things == pytest.approx(jaccard_score(t, p, average="macro", labels=[1, 2, 3]))
    assert found.accuracy == pytest.approx(accuracy_score(t, p))
    assert found.precision == pytest.approx(precision_score(t, p, average=None))
    assert found.recall == pytest.approx(recall_score(t, p, average=None))
    assert found.thing_iou == pytest.approx(jaccard_score(t > 0, p > 0))


def test_each_picture_is_measured_over_its_own_classes():
    truth = np.array([[[0, 0, 1, 1]], [[0, 2, 2, 2]]])
    predicted = np.array([[[0, 0, 1, 0]], [[0, 2, 2, 2]]])
    found = segmented(truth, predicted, NAMES)
    assert found.each == pytest.approx([(2 / 3 + 1 / 2) / 2, 1.0])
    assert np.isnan(found.iou[3])
    assert found.mean_iou == pytest.approx(np.mean([3 / 4, 1 / 2, 1.0]))


def test_with_every_name_right_only_outlines_are_left():
    truth, predicted = drawn()
    renamed = np.where((truth > 0) & (predicted > 0), truth, predicted)
    assert segmented(truth, predicted, NAMES).mean_iou_named == pytest.approx(segmented(truth, renamed, NAMES).mean_iou)


def test_the_interval_holds_the_mean_and_repeats():
    truth, predicted = drawn()
    found = segmented(truth, predicted, NAMES)
    interval = found.interval(seed=1)
    assert interval.low < found.mean_iou < interval.high
    assert interval == found.interval(seed=1)
    alike = segmented(truth[[0] * 5], predicted[[0] * 5], NAMES)  # the same scene five times: nothing varies
    assert (alike.interval().low, alike.interval().high) == pytest.approx((alike.mean_iou, alike.mean_iou))


def test_masks_that_do_not_fit_are_refused():
    truth, predicted = drawn()
    with pytest.raises(DataError, match="differ in shape"):
        segmented(truth, predicted[:3], NAMES)
    with pytest.raises(DataError, match="class 3"):
        segmented(truth, predicted, NAMES[:3])
