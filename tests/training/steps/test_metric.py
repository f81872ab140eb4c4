"""The losses on pairs against plain loops over all triplets, and a network that learns a distance."""

from __future__ import annotations

import functools
import math

import numpy as np
import pytest
import torch
from torch import nn

from foveal.errors import UnknownName
from foveal.training.config import TrainingConfig
from foveal.training.steps import Capturable, Step
from foveal.training.steps.metric import Metric, batch_hard, contrastive, nearest, pair_loss, semi_hard


def drawn(seed, count=14, classes=4):
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(count, 3))
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True), random.integers(0, classes, count)


def distance(vectors, i, j):
    return float(((vectors[i] - vectors[j]) ** 2).sum())


def semi_hard_by_loops(vectors, labels, margin):
    losses = []
    everyone = range(len(labels))
    for a in everyone:
        strangers = [distance(vectors, a, n) for n in everyone if labels[n] != labels[a]]
        for p in everyone:
            if p != a and labels[p] == labels[a]:
                d = distance(vectors, a, p)
                farther = [s for s in strangers if s > d]
                chosen = min(farther) if farther else max(strangers)
                losses.append(max(0.0, d - chosen + margin))
    return sum(losses) / len(losses)


def batch_hard_by_loops(vectors, labels, margin):
    losses = []
    everyone = range(len(labels))
    for a in everyone:
        partners = [distance(vectors, a, p) for p in everyone if p != a and labels[p] == labels[a]]
        strangers = [distance(vectors, a, n) for n in everyone if labels[n] != labels[a]]
        if partners and strangers:
            losses.append(max(0.0, margin + max(partners) - min(strangers)))
    return sum(losses) / len(losses)


def contrastive_by_loops(vectors, labels, temperature):
    losses = []
    everyone = range(len(labels))
    for i in everyone:
        partners = [p for p in everyone if p != i and labels[p] == labels[i]]
        if partners:
            whole = sum(math.exp(vectors[i] @ vectors[a] / temperature) for a in everyone if a != i)
            shares = [math.exp(vectors[i] @ vectors[p] / temperature) / whole for p in partners]
            losses.append(-sum(map(math.log, shares)) / len(partners))
    return sum(losses) / len(losses)


PAIRS = [
    (semi_hard, semi_hard_by_loops, 0.4),
    (batch_hard, batch_hard_by_loops, 0.3),
    (contrastive, contrastive_by_loops, 0.2),
]


@pytest.mark.parametrize(("loss", "loops", "number"), PAIRS, ids=["semi-hard", "batch-hard", "contrastive"])
@pytest.mark.parametrize("seed", range(5))
def test_the_loss_is_what_its_paper_says(loss, loops, number, seed):
    vectors, labels = drawn(seed)
    found = loss(torch.from_numpy(vectors), torch.from_numpy(labels), number)
    assert found.item() == pytest.approx(loops(vectors, labels, number), rel=1e-6)


@pytest.mark.parametrize("name", ["semi-hard", "batch-hard", "contrastive"])
def test_gradients_are_finite_where_pictures_coincide(name):
    vectors = torch.eye(3)[[0, 0, 1, 1, 2]].requires_grad_()
    pair_loss(name)(vectors, torch.tensor([0, 0, 0, 1, 1])).backward()
    assert vectors.grad.isfinite().all()
    assert vectors.grad.any()


def test_pictures_without_a_partner_add_nothing():
    vectors, _ = drawn(0, count=5)
    alone = torch.arange(5)
    for name in ("semi-hard", "batch-hard", "contrastive"):
        assert pair_loss(name)(torch.from_numpy(vectors), alone).item() == 0.0


def test_the_nearest_neighbour_is_another_picture():
    vectors = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    assert nearest(vectors, torch.tensor([0, 0, 1, 1])).item() == 1.0
    assert nearest(vectors, torch.tensor([0, 1, 2, 3])).item() == 0.0


def test_an_unknown_loss_is_answered_with_the_list():
    with pytest.raises(UnknownName, match="no such loss on pairs"):
        pair_loss("hinge")


class Embedding(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 4))

    def forward(self, x):
        return nn.functional.normalize(self.layers(x))


def batch(seed, classes=4, each=6):
    """Of eight values only the first three tell the class; the others are louder."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(classes).repeat_interleave(each)
    x = 2.0 * torch.randn(len(labels), 8, generator=generator)
    corners = torch.tensor([[1.0, 1, 1], [-1, -1, 1], [-1, 1, -1], [1, -1, -1]])
    x[:, :3] = corners[labels] + 0.15 * torch.randn(len(labels), 3, generator=generator)
    return x, labels


def fresh(loss="contrastive", seed=1):
    torch.manual_seed(seed)
    return Metric(Embedding(), TrainingConfig(lr=0.01, precision="fp32", ema=0.9), 10, pair_loss(loss))


@pytest.mark.parametrize("loss", ["semi-hard", "batch-hard", "contrastive"])
def test_it_learns_a_distance(loss):
    step = fresh(loss)
    assert isinstance(step, Step)
    assert isinstance(step, Capturable)
    with step.evaluating() as measure:
        before = measure(batch(10_000, each=40))
    for seed in range(120):
        values = step(batch(seed))
    with step.evaluating() as measure:
        after = measure(batch(10_000, each=40))
    assert before["nearest"] < 0.6
    assert after["nearest"] > 0.9
    assert set(after) == set(values) == {"loss", "nearest"}


def test_its_state_goes_on_to_the_bit():
    whole, half, rest = fresh(), fresh(), fresh(seed=2)
    for seed in range(6):
        whole(batch(seed))
    for seed in range(3):
        half(batch(seed))
    rest.load_state_dict(half.state_dict())
    for seed in range(3, 6):
        rest(batch(seed))
    for one, other in zip(whole.module.parameters(), rest.module.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_step_is_made_as_the_runner_makes_steps():
    make = functools.partial(Metric, loss=pair_loss("semi-hard", margin=0.5))
    assert make(Embedding(), TrainingConfig(lr=0.25), 3).rate == 0.25
