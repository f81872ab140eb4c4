"""Nearest neighbours and clusters against scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import normalized_mutual_info_score
from sklearn.neighbors import NearestNeighbors

from foveal.evaluation import similarity
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


def test_nearest_pictures_are_those_of_scikit_learn():
    draw = np.random.default_rng(0)
    given, among = draw.integers(0, 256, (6, 5, 4, 1), np.uint8), draw.integers(0, 256, (5200, 5, 4, 1), np.uint8)
    known = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(among.reshape(5200, -1).astype(float))
    found, _ = neighbours(among, 1, euclidean=True, queries=given)
    assert (found[:, 0] == known.kneighbors(given.reshape(6, -1))[1][:, 0]).all()


def test_blocks_of_queries_and_of_rows_do_not_show(monkeypatch):
    whole = neighbours(VALUES, 5, euclidean=True, rows=np.arange(3, 90))
    monkeypatch.setattr(similarity, "_SCORES", 1000)
    monkeypatch.setattr(similarity, "_ROWS", 7)
    for one, other in zip(whole, neighbours(VALUES, 5, euclidean=True, rows=np.arange(3, 90)), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


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
