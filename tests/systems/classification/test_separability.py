"""Margins against a search over directions, the proof that there is none, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from foveal.data.generated.logic import POINTS, TABLES
from foveal.errors import DataError
from foveal.systems.classification.separability import separation


def widest(points, answers, steps=400):
    """The widest margin of all directions of a grid on the half sphere of (w₁, w₂, b)."""
    turns = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    heights = np.linspace(-1, 1, steps)
    flat = np.sqrt(1 - heights**2)
    normals = np.stack(
        [np.outer(flat, np.cos(turns)), np.outer(flat, np.sin(turns)), np.outer(heights, np.ones(steps))], -1
    ).reshape(-1, 3)
    signed = np.column_stack([points, np.ones(len(points))]) * np.where(np.asarray(answers) == 1, 1, -1)[:, None]
    return (normals @ signed.T).min(1).max()


@pytest.mark.parametrize("name", TABLES)
def test_truth_tables(name):
    found = separation(POINTS, TABLES[name])
    brute = widest(np.array(POINTS, float), TABLES[name])
    assert found.separable == (brute > 0) == (name != "xor")
    assert found.radius == pytest.approx(3**0.5)
    if found.separable:
        assert found.margin == pytest.approx(brute, abs=1e-2)
        assert found.bound == pytest.approx({"and": 51, "or": 27}[name])  # 3 / γ², γ² = 1/17 and 1/9: by hand


def test_random_points_have_the_margin_of_the_best_direction():
    random = np.random.default_rng(4)
    seen = set()
    for _ in range(12):
        points, answers = random.normal(size=(6, 2)), np.array([0, 1, 0, 1, 0, 1])
        found, brute = separation(points, answers), widest(points, answers)
        seen.add(found.separable)
        if found.separable:
            assert found.margin == pytest.approx(brute, abs=1e-2)
            signed = np.column_stack([points, np.ones(6)]) * np.where(answers == 1, 1, -1)[:, None]
            assert (signed @ found.normal).min() == pytest.approx(found.margin)
        else:
            assert brute <= 0
    assert seen == {True, False}


def test_the_common_point_is_a_mean_of_each_class():
    points = np.array([(0, 0), (4, 0), (0, 4), (1, 1), (9, 9)], float)
    answers = np.array([0, 0, 0, 1, 1])
    found = separation(points, answers)
    assert not found.separable
    assert found.bound is None
    assert found.weights.min() >= 0
    for answer in (0, 1):
        own = answers == answer
        share = found.weights[own] / found.weights[own].sum()
        np.testing.assert_allclose(share @ points[own], found.common, atol=1e-9)


@pytest.mark.parametrize(
    ("points", "answers"),
    [([(0, 0), (1, 1)], [1, 1]), ([(0, 0), (1, 1)], [0, 2]), ([0, 1], [0, 1]), ([(0, 0)], [0, 1])],
)
def test_what_is_no_pair_of_classes_is_refused(points, answers):
    with pytest.raises(DataError, match="two classes"):
        separation(points, answers)
