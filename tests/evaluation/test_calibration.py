"""Calibration against a loop over samples, Wilson's interval against the equation that defines it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.evaluation.calibration import brier, calibrate, negative_log_likelihood
from foveal.evaluation.intervals import wilson


@given(
    values=st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50),
    bins=st.sampled_from([1, 2, 5, 10, 15]),
)
def test_curve_and_error_agree_with_a_loop(values: list[tuple[float, bool]], bins: int) -> None:
    confidence, right = (np.array(column) for column in zip(*values, strict=True))
    found = calibrate(confidence, right, bins)
    error = largest = 0.0
    edges = np.linspace(0, 1, bins + 1)
    for i, each in enumerate(found.bins):
        inside = [v for v in values if edges[i] < v[0] <= edges[i + 1] or (i == 0 and v[0] == 0)]
        assert each.count == len(inside)
        if not inside:
            assert (each.confidence, each.accuracy) == (None, None)
            continue
        sure, good = sum(v[0] for v in inside) / len(inside), sum(v[1] for v in inside) / len(inside)
        assert each.confidence == pytest.approx(sure)
        assert each.accuracy == pytest.approx(good)
        error += len(inside) / len(values) * abs(good - sure)
        largest = max(largest, abs(good - sure))
    assert sum(each.count for each in found.bins) == len(values)
    assert found.error == pytest.approx(error, abs=1e-12)
    assert found.largest == pytest.approx(largest, abs=1e-12)


def test_a_worked_example() -> None:
    # Bin (0.6, 0.8]: 0.7 twice, one right, gap 0.2. Bin (0.8, 1]: 0.9 and 1.0, both right, gap 0.05.
    found = calibrate(np.array([0.7, 0.7, 0.9, 1.0]), np.array([True, False, True, True]), bins=5)
    assert found.error == pytest.approx(0.5 * 0.2 + 0.5 * 0.05)
    assert found.largest == pytest.approx(0.2)
    assert (found.confidence, found.accuracy) == (pytest.approx(0.825), 0.75)


def test_scores_by_hand() -> None:
    p, y = np.array([[0.5, 0.25, 0.25], [0.0, 0.5, 0.5]]), np.array([0, 2])
    assert negative_log_likelihood(p, y) == pytest.approx(np.log(2))
    assert brier(p, y) == pytest.approx(((0.25 + 0.0625 + 0.0625) + (0.25 + 0.25)) / 2)


def test_one_impossible_answer_does_not_make_the_likelihood_infinite() -> None:
    assert negative_log_likelihood(np.array([[0.0, 1.0]]), np.array([0])) == pytest.approx(-np.log(1e-12))


@given(trials=st.integers(1, 5000), share=st.floats(0, 1), level=st.sampled_from([0.68, 0.9, 0.95, 0.99]))
def test_wilson_solves_its_equation(trials: int, share: float, level: float) -> None:
    """The ends are the p at which the sample lies z standard errors away: |k/n − p| = z √(p (1 − p) / n)."""
    from statistics import NormalDist

    successes = round(share * trials)
    interval = wilson(successes, trials, level)
    z = NormalDist().inv_cdf((1 + level) / 2)
    assert 0 <= interval.low <= successes / trials <= interval.high <= 1
    for end in (interval.low, interval.high):
        away = (successes / trials - end) ** 2
        assert away == pytest.approx(z * z * end * (1 - end) / trials, abs=1e-12)


def test_wilson_published_value() -> None:
    """Newcombe 1998, Statistics in Medicine 17, table I: 81 of 263, 95 %, score method 0.2553 to 0.3662."""
    interval = wilson(81, 263)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.2553, 0.3662)


def test_wilson_refuses_what_is_no_share() -> None:
    for bad in [(1, 0, 0.95), (3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)]:
        with pytest.raises(ValueError, match="no interval"):
            wilson(*bad)


def test_an_edge_belongs_to_the_bin_below() -> None:
    found = calibrate(np.array([0.0, 0.5, 1.0]), np.array([False, True, True]), bins=2)
    assert [each.count for each in found.bins] == [2, 1]
