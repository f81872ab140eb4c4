"""Student's, paired and bootstrap intervals against SciPy and against what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from foveal.evaluation.intervals import bootstrap, paired, resampled, student

RANDOM = np.random.default_rng(4)


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


def test_the_bootstrap_of_a_mean_is_about_two_standard_errors():
    values = RANDOM.normal(size=900)
    found = bootstrap(lambda times: (times * values).mean(), 900, draws=2000, seed=[0, 18])
    assert found.low < values.mean() < found.high
    assert found.high - found.low == pytest.approx(2 * 1.96 * values.std() / 30, rel=0.1)
    assert bootstrap(lambda times: (times * values).mean(), 900, draws=2000, seed=[0, 18]) == found
    assert bootstrap(lambda times: (times * values).mean(), 900, draws=2000, seed=[1, 18]) != found


def test_the_bootstrap_of_a_ratio_is_scipys():
    wrong, length = RANDOM.integers(0, 5, 200), RANDOM.integers(5, 30, 200)
    found = bootstrap(lambda times: (times * wrong).sum() / (times * length).sum(), 200, draws=4000, level=0.9)
    known = stats.bootstrap(
        (wrong, length), lambda a, b, axis: a.sum(axis) / b.sum(axis), paired=True, vectorized=True, method="percentile",
        n_resamples=4000, confidence_level=0.9, rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    width = known.high - known.low
    assert found.level == 0.9
    assert found.low == pytest.approx(known.low, abs=0.05 * width)
    assert found.high == pytest.approx(known.high, abs=0.05 * width)


def test_samples_are_drawn_within_their_groups():
    groups, seen = np.array([0, 1, 0, 2, 1, 0]), []
    resampled(lambda times: seen.append(times.copy()) or 0.0, groups, draws=200, seed=0)
    for each in seen:
        assert np.bincount(groups, each).tolist() == [3, 2, 1]
    assert np.mean(seen, axis=0) == pytest.approx(np.ones(6), abs=0.2)
    assert np.var([each[0] for each in seen]) == pytest.approx(3 * (1 / 3) * (2 / 3), rel=0.3)
    resampled(lambda times: seen.append(times.copy()) or 0.0, np.zeros(6), draws=1, seed=0)
    assert seen[-1].sum() == 6


def test_numbers_of_an_interval_stay_what_they_were():
    """The draws are those of one call for all of them: reports of before have the same intervals."""
    values = np.arange(30.0) ** 2
    drawn = np.random.default_rng([5, 7]).integers(0, 30, (1000, 30))
    found = bootstrap(lambda times: (times * values).mean(), 30, draws=1000, seed=[5, 7])
    assert (found.low, found.high) == pytest.approx(
        tuple(np.quantile(values[drawn].mean(1), [0.025, 0.975])), rel=1e-12
    )
