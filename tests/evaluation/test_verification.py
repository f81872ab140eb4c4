"""Verification against plain loops over pairs, and a bootstrap that resamples pictures."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import auc

from foveal.evaluation.intervals import resampled
from foveal.evaluation.similarity import neighbours
from foveal.evaluation.verification import binned_area, pairs_of, recall_at_one, squared_distances, verify


def clouds(spread, each=20, seed=0):
    random = np.random.default_rng(seed)
    corners = np.eye(3)
    labels = np.repeat(np.arange(3), each)
    return corners[labels] + spread * random.normal(size=(3 * each, 3)), labels


def by_loops(vectors, labels, asked=None):
    """The area under the ROC as the share of (same, different) pairs in the right order; ties count half."""
    same, different = [], []
    for i in range(len(labels)):
        for j in range(i + 1, len(labels)):
            if asked is None or labels[i] in asked or labels[j] in asked:
                d = np.float32(((vectors[i] - vectors[j]) ** 2).sum())
                (same if labels[i] == labels[j] else different).append(d)
    a, b = np.array(same)[:, None], np.array(different)[None, :]
    return float((a < b).mean() + (a == b).mean() / 2)


@pytest.mark.parametrize("asked", [None, (2,), (0, 1)])
def test_the_area_is_the_share_of_pairs_in_the_right_order(asked):
    vectors, labels = clouds(0.6)
    pairs = pairs_of(vectors, labels, None if asked is None else np.array(asked))
    assert verify(pairs).auc == pytest.approx(by_loops(vectors, labels, asked), abs=1e-4)


def test_distances_are_squared_and_never_negative():
    random = np.random.default_rng(1)
    a, b = random.normal(size=(5, 3)) * 1e3, random.normal(size=(4, 3))
    expected = [[((x - y) ** 2).sum() for y in b] for x in a]
    np.testing.assert_allclose(squared_distances(a, b), expected, rtol=1e-5)
    assert squared_distances(a, a).min() >= 0


def test_at_the_threshold_both_errors_are_equal():
    vectors, labels = clouds(0.5, each=60)
    pairs = pairs_of(vectors, labels)
    found = verify(pairs)
    refused = (pairs.distances[pairs.same] > found.threshold).mean()
    taken = (pairs.distances[~pairs.same] <= found.threshold).mean()
    assert refused == pytest.approx(taken, abs=0.005)
    assert found.equal_error == pytest.approx(refused, abs=0.005)
    assert 0.05 < found.equal_error < 0.45
    assert found.false_accepted[[0, -1]].tolist() == [0, 1]
    assert found.true_accepted[-1] == 1
    assert (np.diff(found.true_accepted) >= 0).all()
    assert auc(found.false_accepted, found.true_accepted) == pytest.approx(found.auc, abs=0.01)


def test_the_bootstrap_draws_pictures_not_pairs():
    vectors, labels = clouds(0.6, each=12)
    pairs = pairs_of(vectors, labels)
    found = resampled(binned_area(pairs), labels, draws=300, seed=[3, 11])
    random = np.random.default_rng(9)
    areas = []
    for _ in range(300):
        rows = np.concatenate([random.choice(np.flatnonzero(labels == k), 12) for k in range(3)])
        i, j = np.triu_indices(len(rows), 1)
        kept = rows[i] != rows[j]
        first, second = rows[i][kept], rows[j][kept]
        distances = ((vectors[first] - vectors[second]) ** 2).sum(1)
        same = labels[first] == labels[second]
        a, b = distances[same][:, None], distances[~same][None, :]
        areas.append(float((a < b).mean() + (a == b).mean() / 2))
    assert found.mean() == pytest.approx(np.mean(areas), abs=0.01)
    assert found.std() == pytest.approx(np.std(areas), rel=0.2)
    whole = verify(pairs, labels, draws=300, seed=3)
    assert (whole.low, whole.high) == pytest.approx(tuple(np.quantile(found, [0.025, 0.975])), abs=1e-12)
    assert whole.low < whole.auc < whole.high


def test_with_every_picture_once_the_bins_do_not_show():
    vectors, labels = clouds(0.7, each=15)
    area = binned_area(pairs_of(vectors, labels))
    assert area(np.ones(len(labels), np.int64)) == pytest.approx(by_loops(vectors, labels), abs=1e-3)


def test_neighbours_are_others_and_sorted():
    vectors = np.array([[0.0], [1.0], [3.0], [3.1]])
    assert neighbours(vectors, 3, euclidean=True, rows=np.array([0, 3]))[0].tolist() == [[1, 2, 3], [2, 1, 0]]
    assert recall_at_one(vectors, np.array([0, 0, 1, 1])) == 1.0
    assert recall_at_one(vectors, np.array([0, 1, 1, 0]), asked=np.array([0])) == 0.0
