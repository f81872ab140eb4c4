"""ln Z by enumeration in plain loops, by both closed forms, and by annealing."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import build
from foveal.errors import ConfigurationError
from foveal.systems.energy.partition_function import annealed_log_partition, every_state, log_partition


def machine(visible, hidden, seed=0, scale=1.0):
    rbm = build(zoo.rbm(visible, hidden=hidden)).rbm
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in rbm.parameters():
            parameter.copy_(scale * torch.randn(parameter.shape, generator=draw))
    return rbm


def by_loops(rbm):
    w, c, b = (p.detach().double().numpy() for p in (rbm.weight, rbm.bias, rbm.visible_bias))
    whole = 0.0
    for v in itertools.product((0, 1), repeat=len(b)):
        for h in itertools.product((0, 1), repeat=len(c)):
            whole += math.exp(np.dot(v, b) + np.dot(h, c) + np.array(h) @ w @ np.array(v))
    return math.log(whole)


@pytest.mark.parametrize(("visible", "hidden"), [(5, 3), (3, 5), (4, 4)])
def test_the_sum_is_the_sum_over_every_pair_of_states(visible, hidden):
    rbm = machine(visible, hidden)
    assert log_partition(rbm) == pytest.approx(by_loops(rbm), rel=1e-9)


def test_every_state_is_there_once():
    rows = every_state(4)
    assert rows.shape == (16, 4)
    assert len(torch.unique(rows, dim=0)) == 16


def test_too_many_states_are_refused():
    with pytest.raises(ConfigurationError, match="2\\^21 states"):
        log_partition(machine(22, 21))


@pytest.mark.parametrize("base", [None, torch.zeros(12)])
def test_annealing_finds_the_exact_value(base):
    rbm = machine(12, 8, scale=0.7)
    found = annealed_log_partition(rbm, base, chains=200, temperatures=400, seed=1)
    exact = log_partition(rbm)
    assert found.log_z == pytest.approx(exact, abs=0.15)
    assert found.low < exact < found.high
    assert 0 < found.spread < 1.5


def test_annealing_repeats_its_bits_and_leaves_other_random_numbers_alone():
    rbm = machine(6, 4)
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    first = annealed_log_partition(rbm, temperatures=30)
    assert torch.equal(torch.rand(1), expected)
    assert first == annealed_log_partition(rbm, temperatures=30)
    assert first != annealed_log_partition(rbm, temperatures=30, seed=1)


def test_without_weights_annealing_is_exact():
    rbm = machine(6, 4)
    with torch.no_grad():
        rbm.weight.zero_()
        rbm.bias.zero_()
    found = annealed_log_partition(rbm, temperatures=30)
    assert found.log_z == pytest.approx(log_partition(rbm), rel=1e-9)
    assert found.spread == pytest.approx(0, abs=1e-9)
