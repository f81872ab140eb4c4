"""The perceptron rule against a plain loop, Novikoff's bound on its corrections, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import build
from foveal.errors import ConfigurationError
from foveal.systems.classification.separability import separation
from foveal.training.config import TrainingConfig
from foveal.training.steps import Step
from foveal.training.steps.perceptron import PerceptronRule

CONFIG = TrainingConfig(optimizer="sgd", lr=0.5)


def by_hand(points, answers, eta):
    """The rule in plain Python: the weights after one pass, the bias last, and the corrections."""
    w, made = [0.0] * (len(points[0]) + 1), 0
    for point, answer in zip(points, answers, strict=True):
        x = [*point, 1.0]
        error = answer - (1 if sum(a * b for a, b in zip(w, x, strict=True)) > 0 else 0)
        w = [a + eta * error * b for a, b in zip(w, x, strict=True)]
        made += abs(error)
    return w, made


@pytest.mark.parametrize("size", [1, 4, 9])
def test_the_rule_is_the_plain_loop_however_the_examples_are_cut_into_batches(size):
    random = np.random.default_rng(3)
    points = random.integers(-8, 9, (9, 3)).astype(np.float32)  # small whole numbers: every sum is exact
    answers = random.integers(0, 2, 9)
    module = build(zoo.perceptron(input_shape=3))
    learn = PerceptronRule(module, CONFIG, 1)
    assert isinstance(learn, Step)
    made = 0.0
    for start in range(0, 9, size):
        batch = torch.from_numpy(points[start : start + size]), torch.from_numpy(answers[start : start + size])
        made += float(learn(batch)["loss"]) * len(batch[1])
    weights, wanted = by_hand(points.tolist(), answers.tolist(), 0.5)
    unit = module.node("unit")
    assert [*unit.weight[0].tolist(), unit.bias.item()] == weights
    assert round(made, 4) == wanted > 2


def test_a_net_of_zero_is_answered_by_0():
    module = build(zoo.perceptron())
    assert module(torch.ones(1, 2)).item() == 0.0  # all weights are zero
    learn = PerceptronRule(module, CONFIG, 1)
    assert float(learn((torch.ones(1, 2), torch.tensor([0])))["loss"]) == 0.0
    assert float(learn((torch.ones(1, 2), torch.tensor([1])))["loss"]) == 1.0
    assert module.node("unit").weight.tolist() == [[0.5, 0.5]]


def test_the_rule_ends_within_the_bound_and_with_a_line_that_separates():
    random = np.random.default_rng(0)
    for trial in range(10):
        points = random.normal(size=(20, 2)).astype(np.float32)
        answers = (points @ random.normal(size=2) + 0.3 > 0).astype(np.int64)
        bound = separation(points, answers).bound
        if bound is None or bound > 2000:
            continue
        module = build(zoo.perceptron(), seed=trial)
        learn = PerceptronRule(module, CONFIG, 1)
        made = last = 0.0
        for _ in range(400):
            last = 20 * float(learn((torch.from_numpy(points), torch.from_numpy(answers)))["loss"])
            made += last
            if last == 0:
                break
        assert last == 0
        assert 0 < made <= bound
        with learn.evaluating() as measure:
            assert float(measure((torch.from_numpy(points), torch.from_numpy(answers)))["loss"]) == 0


def test_measuring_changes_nothing_and_a_state_goes_back_to_the_bit():
    batch = (torch.tensor([[2.0, 1.0], [1.0, -3.0]]), torch.tensor([1, 0]))
    one = PerceptronRule(build(zoo.perceptron()), CONFIG, 1)
    one(batch)
    state = {name: value.clone() for name, value in one.state_dict()["network"].items()}
    with one.evaluating() as measure:
        measure(batch)
    other = PerceptronRule(build(zoo.perceptron(), seed=5), CONFIG, 1)
    other.load_state_dict({"network": state})
    assert all(torch.equal(a, b) for a, b in zip(one.module.parameters(), other.module.parameters(), strict=True))


@pytest.mark.parametrize("network", [zoo.mlp(classes=1, input_shape=2, hidden=[2]), zoo.mlp(1, 2, hidden=[])])
def test_another_network_is_refused(network):
    with pytest.raises(ConfigurationError, match="one unit with the step function"):
        PerceptronRule(build(network), CONFIG, 1)
