"""Ranking measures against loops and scikit-learn."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, ndcg_score

from foveal.evaluation import multilabel

RANDOM = np.random.default_rng(5)
SCORES = RANDOM.normal(size=(40, 12)).round(1)  # with ties
TARGETS = (RANDOM.random((40, 12)) < 0.25).astype(np.uint8)
TARGETS[0] = 0
RANKS = (1, 3, 5)


def by_hand(scores, targets, k):
    """Precision and nDCG of one document, in plain loops."""
    order = sorted(range(len(scores)), key=lambda label: (-scores[label], label))[:k]
    gained = [targets[label] / math.log2(place + 2) for place, label in enumerate(order)]
    most = sum(1 / math.log2(place + 2) for place in range(min(k, int(targets.sum()))))
    return sum(targets[label] for label in order) / k, sum(gained) / most if most else 0.0


@pytest.mark.parametrize("k", RANKS)
def test_precision_and_ndcg_are_those_of_plain_loops(k):
    expected = np.array([by_hand(*pair, k) for pair in zip(SCORES, TARGETS, strict=True)])
    np.testing.assert_allclose(multilabel.precision_at(SCORES, TARGETS, k), expected[:, 0])
    np.testing.assert_allclose(multilabel.ndcg_at(SCORES, TARGETS, k), expected[:, 1])
    found = multilabel.summary(SCORES, TARGETS, RANKS)
    assert found[f"precision_at_{k}"] == pytest.approx(expected[:, 0].mean())
    assert found[f"ndcg_at_{k}"] == pytest.approx(expected[:, 1].mean())


@pytest.mark.parametrize("k", RANKS)
def test_ndcg_is_scikit_learns_where_no_scores_are_equal(k):
    scores = RANDOM.normal(size=(40, 12))
    own = multilabel.ndcg_at(scores, TARGETS, k)
    for row in range(1, 40):
        if TARGETS[row].any():
            assert own[row] == pytest.approx(ndcg_score(TARGETS[row : row + 1], scores[row : row + 1], k=k))


def test_a_perfect_ranking_reaches_what_can_be_reached():
    for k in RANKS:
        best = multilabel.best_precision(TARGETS, k)
        np.testing.assert_allclose(multilabel.precision_at(TARGETS.astype(float), TARGETS, k), best)
        assert (multilabel.precision_at(SCORES, TARGETS, k) <= best + 1e-12).all()
    assert multilabel.ndcg_at(TARGETS.astype(float), TARGETS, 3)[1:].min() == 1.0


def test_fewer_labels_than_places():
    scores, targets = np.array([[2.0, 1.0]]), np.array([[1, 1]])
    assert multilabel.precision_at(scores, targets, 5).tolist() == [0.4]
    assert multilabel.ndcg_at(scores, targets, 5).tolist() == [1.0]


def test_average_precision_is_scikit_learns_and_nan_where_nothing_is_to_be_found():
    targets = TARGETS.copy()
    targets[:, 7] = 0
    found = multilabel.average_precision(SCORES, targets)
    assert np.isnan(found[7])
    assert found[2] == pytest.approx(average_precision_score(targets[:, 2], SCORES[:, 2]))
    assert np.isfinite(np.delete(found, 7)).all()


def test_equal_scores_take_the_smaller_label():
    assert multilabel.ranked(np.array([[1.0, 3.0, 3.0, 3.0]]), 2).tolist() == [[1, 2]]
