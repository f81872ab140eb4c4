"""Nearest neighbours and clusters against scikit-learn; intervals against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import normalized_mutual_info_score
from sklearn.neighbors import NearestNeighbors

from foveal.evaluation.intervals import paired, student
from foveal.evaluation.similarity import clusters, mutual_information, neighbours, purity, same_class

VALUES = np.random.default_rng(0).normal(size=(150, 6)).astype(np.float32)


@pytest.mark.parametrize(("euclidean", "metric"), [(False, "cosine"), (True, "euclidean")])
def test_neighbours_are_those_of_scikit_learn(euclidean, metric):
    found, near = neighbours(VALUES, 4, euclidean=euclidean)
    expected = NearestNeighbors(n_neighbors=5, metric=metric).fit(VALUES)
    distances, index = expected.kneighbors(VALUES)
    np.testing.assert_array_equal(index[:, 0], np.arange(150))
    np.testing.assert_array_equal(found, index[:, 1:])
    want = -(distances[:, 1:] ** 2) / 2 if euclidean else 1 - distances[:, 1:]
    np.testing.assert_allclose(near, want, atol=1e-4)


def test_queries_from_elsewhere_may_be_nearest_to_anything():
    found, cosines = neighbours(VALUES, 1, queries=2 * VALUES[:7])
    assert found[:, 0].tolist() == list(range(7))
    np.testing.assert_allclose(cosines, 1, atol=1e-5)


def test_of_equals_the_first_comes_first():
    rows = np.tile(np.eye(3, dtype=np.float32), (40, 1))
    assert neighbours(rows, 3)[0][4].tolist() == [1, 7, 10]


def test_recall_counts_the_same_class():
    labels = np.array([0, 0, 1, 1])
    assert same_class(np.array([[1, 2], [2, 0], [3, 0], [2, 1]]), labels).mean(0).tolist() == [0.75, 0.25]


def test_clusters_are_found_and_sorted_by_size():
    draw = np.random.default_rng(1)
    centres = np.eye(3)[[0] * 20 + [1] * 35 + [2] * 5]
    found, middle = clusters(centres + 0.01 * draw.normal(size=(60, 3)), 3)
    assert np.bincount(found).tolist() == [35, 20, 5]
    assert found.tolist() == [1] * 20 + [0] * 35 + [2] * 5
    np.testing.assert_allclose(middle[found], centres, atol=0.02)


def test_purity_and_information_of_clusters():
    found, labels = np.array([0, 0, 1, 1, 2, 2, 2]), np.array([3, 3, 4, 3, 4, 4, 4])
    assert purity(found, labels) == pytest.approx(6 / 7)
    assert mutual_information(found, labels) == pytest.approx(normalized_mutual_info_score(labels, found))


def test_students_interval_is_that_of_scipy():
    values = [0.81, 0.79, 0.84, 0.8]
    low, high = stats.t.interval(0.95, 3, np.mean(values), stats.sem(values))
    found = student(values)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert student([0.5]).low == -np.inf
    with pytest.raises(ValueError, match="0 values"):
        student([])


def test_the_paired_interval_covers_as_often_as_it_says():
    draw = np.random.default_rng(0)
    covered = 0
    for _ in range(400):
        first = draw.random(300) < 0.8
        second = np.where(draw.random(300) < 0.7, first, draw.random(300) < 0.5)  # mostly right together
        truth = 0.8 - (0.7 * 0.8 + 0.3 * 0.5)
        _, interval = paired(first, second)
        covered += interval.low < truth < interval.high
    assert 0.92 < covered / 400 < 0.98
