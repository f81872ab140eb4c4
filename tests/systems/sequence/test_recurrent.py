"""The recurrent systems' own arithmetic: gradients through time against powers, settings, and what counts as solved."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from foveal import systems, zoo
from foveal.backends.torch import build
from foveal.errors import ConfigurationError
from foveal.network import Sequential
from foveal.network.layers import LSTM, Dense, Reshape, SimpleRNN
from foveal.report.blocks import Lines
from foveal.systems import launch, system
from foveal.systems.sequence import adding_problem, recurrent
from foveal.systems.sequence.adding_problem import Attempt, LagMemory
from foveal.training.config import TrainingConfig


def planned(**changes: Any) -> adding_problem.LagPlan:
    session: Any = SimpleNamespace(settings={**recurrent.LSTM.defaults, **changes}, seed=3, config=TrainingConfig())
    return adding_problem.plan(session)


def chain(w: float, u: float, v: float, *before: Any, shape: Any) -> Any:
    """y = v · h_T with h_t = w · x_t + u · h_(t−1): dy / dx_(T−k) = v · w · u^k."""
    module = build(Sequential([*before, SimpleRNN(1, "linear"), Dense(1)], input_shape=shape)).eval()
    values = dict(module.named_parameters())
    with torch.no_grad():
        for name, value in (("simple_rnn_1.weight", w), ("simple_rnn_1.recurrent_weight", u), ("dense_1.weight", v)):
            values[name].fill_(value)
    return module


def test_gradients_through_time_are_powers_of_the_recurrent_weight():
    module = chain(0.5, 0.8, -3.0, shape=(6, 1))
    norms = adding_problem.gradient_norms(module, np.random.default_rng(0).random((4, 6, 1)).astype(np.float32))
    assert norms == pytest.approx([3.0 * 0.5 * 0.8**k for k in range(6)], rel=1e-5)


def test_gradients_by_differences():
    """‖d(output)/d(x_t)‖ of an LSTM on two channels, by central differences in float64."""
    network = Sequential([LSTM(3, name="a"), Dense(1)], input_shape=(5, 2))
    module = build(network, seed=2).double().eval()
    x = np.random.default_rng(1).normal(size=(1, 5, 2))
    found = adding_problem.gradient_norms(module, x)
    given = torch.from_numpy(np.moveaxis(x, -1, 1).copy())
    for t in range(5):
        slopes = []
        for channel in range(2):
            move = torch.zeros_like(given)
            move[0, channel, t] = 1e-5
            slopes.append(((module(given + move) - module(given - move)) / 2e-5).item())
        assert found[4 - t] == pytest.approx(float(np.hypot(*slopes)), rel=1e-4)


def test_rows_of_a_picture_from_the_last_one_read():
    """Two equal columns a row: the norm over them is √2 times one's."""
    module = chain(0.5, 0.5, 2.0, Reshape((4, 2)), shape=(4, 2, 1))
    norms = recurrent.row_norms(module, np.full((3, 4, 2, 1), 100, np.uint8))
    assert norms == pytest.approx([2**0.5 * 0.5**k for k in range(4)], rel=1e-5)


def test_lags_are_read_from_text():
    plan = planned(lags="100, 10,10", lag_steps=250)
    assert plan.lags == (10, 100)
    assert (plan.config.epochs, plan.config.seed, plan.config.loss) == (2, 3, "mse")
    assert planned(lags="").lags == ()


@pytest.mark.parametrize("lags", ["10;20", "0", "5000"])
def test_lags_that_cannot_be(lags):
    with pytest.raises(ConfigurationError, match="--set lags=10,100"):
        planned(lags=lags)


@pytest.mark.parametrize("name", ["lag_steps", "lag_units", "lag_rate"])
def test_nothing_is_no_number_of_steps_units_or_rate(name):
    with pytest.raises(ConfigurationError, match=f"{name} is too small"):
        systems.plan("lstm", settings={name: 0})


def attempt(kind: str, lag: int, mse: float) -> Attempt:
    return Attempt(kind, lag, (100, 200), (0.2, mse), mse, 0.5, (1.0, 0.1, 0.0), (1.0, 0.5, 0.2))


def test_what_counts_as_solved():
    errors = {"rnn": (0.005, 0.17), "lstm": (0.001, 0.009), "gru": (0.02, 0.03)}
    attempts = [
        attempt(kind, lag, mse) for kind, both in errors.items() for lag, mse in zip((10, 50), both, strict=True)
    ]
    memory = LagMemory(planned(lags="10,50"), tuple(attempts))
    assert [memory.longest(kind) for kind in ("rnn", "lstm", "gru")] == [10, 50, 0]
    assert [each.value for each in adding_problem.headlines(memory)] == [10, 50, 0]
    problem, gradients = adding_problem.sections(memory)
    named = [block.name for part in (problem, gradients) for block in part.blocks]
    assert named == [
        "adding-lags",
        "adding-lag-10",
        "adding-lag-50",
        "adding-figures",
        "gradient-before",
        "gradient-after",
    ]
    before = gradients.blocks[0]
    assert isinstance(before, Lines)
    assert before.log_y
    assert min(min(series.y) for series in before.series) > 0
    told = memory.to_json()
    assert told["lstm"]["50"]["solved"]
    assert told["rnn"]["50"]["mse"] == 0.17


@pytest.mark.parametrize("name", ["rnn", "lstm", "gru"])
def test_without_the_adding_problem(name, tmp_path):
    outcome = systems.train(name, runs=tmp_path, **launch.method(system(name)).quick.arguments(lags=""))
    assert len(outcome.findings.headlines) == 1
    assert outcome.findings.facts["accuracy"] == outcome.findings.headlines[0].value
    assert len(outcome.findings.facts["rows"]) == 8
    assert outcome.findings.networks[name] == zoo.create(name, 10, (8, 8, 1))
    assert outcome.folder.model.is_file()
