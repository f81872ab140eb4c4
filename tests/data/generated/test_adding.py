"""The adding problem's sequences against their definition."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.data.generated import adding_problem
from foveal.data.generated.adding_problem import AddingBatches, sequences
from foveal.errors import ConfigurationError


@settings(max_examples=30)
@given(st.integers(1, 60), st.integers(1, 20), st.integers(0, 99))
def test_two_numbers_are_marked_and_their_sum_is_asked_for(lag, count, seed):
    x, sums, first = sequences(count, lag, np.random.default_rng(seed))
    assert x.shape == (count, lag + 10, 2)
    assert x.dtype == sums.dtype == np.float32
    for sequence, total, place in zip(x, sums, first, strict=True):
        marked = [t for t in range(lag + 10) if sequence[t, 1] == 1]
        assert marked == [place, place + lag]
        assert set(np.unique(sequence[:, 1])) == {0, 1}
        assert total[0] == sequence[place, 0] + sequence[place + lag, 0]
        assert 0 <= sequence[:, 0].min() <= sequence[:, 0].max() <= 1


def test_the_first_mark_stands_at_each_of_the_first_steps():
    x, sums, first = sequences(4000, 5, np.random.default_rng(0))
    assert set(first.tolist()) == set(range(10))
    assert np.square(sums - 1).mean() == pytest.approx(adding_problem.ALWAYS_ONE, rel=0.08)
    second = x[np.arange(4000), first + 5, :1]
    assert np.square(sums - second - 0.5).mean() == pytest.approx(adding_problem.ONE_FORGOTTEN, rel=0.08)


def test_a_batch_depends_on_seed_lag_epoch_and_step_alone():
    batches = AddingBatches(7, 4, 3, seed=5)
    whole = [x for x, _ in batches.epoch(2)]
    assert (len(batches), batches.examples, len(whole)) == (3, 12, 3)
    assert torch.equal(next(batches.epoch(2, start=1))[0], whole[1])
    others = [AddingBatches(7, 4, 3, seed=6).epoch(2), batches.epoch(1), AddingBatches(8, 4, 3, seed=5).epoch(2)]
    assert not any(torch.equal(next(other)[0][..., :17], whole[0]) for other in others)
    assert not torch.equal(whole[0], whole[1])


def test_a_batch_lies_as_networks_want_it():
    ((x, sums),) = AddingBatches(3, 2, 1).epoch(0)
    assert (x.shape, sums.shape) == ((2, 2, 13), (2, 1))
    assert torch.allclose((x[:, 0] * x[:, 1]).sum(1, keepdim=True), sums)


@pytest.mark.parametrize("wrong", [(0, 4, 3), (7, 0, 3), (7, 4, 0)])
def test_nothing_at_all_is_refused(wrong):
    with pytest.raises(ConfigurationError, match="has to be at least 1"):
        AddingBatches(*wrong)
