"""The step that predicts what follows: its loss, states carried between windows, and a state that is put back to the bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import build
from foveal.data.batches.text_streams import Streams
from foveal.network import Tokens
from foveal.training import TrainingConfig
from foveal.training.steps import Step
from foveal.training.steps.language import Language, recurrent
from foveal.training.steps.supervised import multilabel

CONFIG = TrainingConfig(optimizer="sgd", lr=0.1, epochs=1, precision="fp32")
TEXTS = [np.random.default_rng(n).integers(1, 7, 9 + n) for n in range(8)]


def made(length=4, dropout=0.0):
    return build(zoo.char_lstm(7, Tokens(length), embedding=3, units=5, dropout=dropout), seed=3)


def test_it_is_a_step():
    assert isinstance(Language(made(), CONFIG, 1), Step)


def test_states_are_carried_so_that_windows_say_what_the_whole_text_says():
    row = torch.randint(1, 7, (2, 13), generator=torch.Generator().manual_seed(0))
    x, y = row[:, :-1], row[:, 1:]
    step = Language(made(4), CONFIG, 1)
    with step.evaluating() as values_of:
        parts = [values_of((x[:, at : at + 4], y[:, at : at + 4], at == 0)) for at in (0, 4, 8)]
    other = made(12).eval()
    other.load_state_dict(step.module.state_dict())
    expected = torch.nn.functional.cross_entropy(other(x), y)
    assert torch.stack([part["loss"] for part in parts]).mean() == pytest.approx(expected.item(), rel=1e-5)
    assert parts[0]["bits"] == pytest.approx(parts[0]["loss"].item() / math.log(2))
    with step.evaluating() as values_of:  # states begin anew where a batch is fresh
        first = values_of((x[:, :4], y[:, :4], True))
        again = values_of((x[:, :4], y[:, :4], True))
    assert first["loss"] == again["loss"] == parts[0]["loss"]


def test_the_gradient_stops_at_the_window():
    step = Language(made(), CONFIG, 1)
    batches = list(Streams(TEXTS, 2, 4, seed=1).epoch(0))
    step(batches[0])
    states = next(iter(recurrent(step.module).values())).carried
    assert states
    assert not any(state.requires_grad for state in states)
    assert any(state.abs().max() > 0 for state in states)


def test_measuring_leaves_the_training_states_alone():
    step = Language(made(), CONFIG, 1)
    batches = list(Streams(TEXTS, 2, 4, seed=1).epoch(0))
    step(batches[0])
    part = next(iter(recurrent(step.module).values()))
    before = [state.clone() for state in part.carried]
    x, y, _ = batches[1]
    with step.evaluating() as values_of:
        one = values_of((x, y, False))
        two = values_of((x, y, True))
    assert one["loss"] == two["loss"], "measuring begins at zero, whatever training carries"
    assert all(torch.equal(a, b) for a, b in zip(before, part.carried, strict=True))


def test_a_state_put_back_goes_on_to_the_same_bits():
    batches = list(Streams(TEXTS, 2, 4, seed=1).epoch(0))
    one, two = Language(made(), CONFIG, 9), Language(made(), CONFIG, 9)
    for batch in batches[:3]:
        one(batch)
    kept = one.state_dict()
    kept = {**kept, "network": {name: tensor.clone() for name, tensor in kept["network"].items()}}
    expected = [one(batch)["loss"].item() for batch in batches[3:]]
    two.load_state_dict(kept)
    assert [two(batch)["loss"].item() for batch in batches[3:]] == expected
    fresh = Language(made(), CONFIG, 9)
    fresh.load_state_dict({**kept, "carried": {}})
    assert [fresh(batch)["loss"].item() for batch in batches[3:]] != expected, "the carried states matter"


def test_after_the_last_step_nothing_is_carried():
    step = Language(made(), CONFIG, 1)
    step(next(Streams(TEXTS, 2, 4).epoch(0)))
    step.finish()
    x = torch.ones(2, 4, dtype=torch.int64)
    assert torch.equal(step.module(x), step.module(x))
    assert not step.module.training


def test_it_learns_a_text_by_heart():
    text = [np.array([1, 2, 3, 4, 5, 6] * 6)]
    config = TrainingConfig(optimizer="adam", lr=0.02, epochs=60, precision="fp32")
    step = Language(made(6), config, 6)
    for epoch in range(60):
        for batch in Streams(text, 1, 6).epoch(epoch):
            last = step(batch)
    assert last["bits"] < 0.3 < math.log2(7)


def test_multilabel_measures_precision_in_place_of_accuracy():
    module = build(zoo.tiny("text_cnn"), seed=0)
    step = multilabel(module, TrainingConfig(loss="binary_cross_entropy", metrics=("accuracy",)), 1)
    x = torch.randint(0, 11, (6, 9), generator=torch.Generator().manual_seed(0))
    y = (torch.rand(6, 3, generator=torch.Generator().manual_seed(1)) < 0.5).float()
    with step.evaluating() as values_of:
        values = values_of((x, y))
    module.eval()
    logits = module(x).detach()
    order = logits.argsort(1, descending=True)
    assert set(values) == {"loss", "precision_at_1", "precision_at_3", "precision_at_5"}
    assert values["precision_at_1"] == pytest.approx(y.gather(1, order[:, :1]).mean().item())
    assert values["precision_at_3"] == pytest.approx(y.mean().item())
    assert values["precision_at_5"] == pytest.approx(y.sum().item() / 6 / 5)
    assert values["loss"] == pytest.approx(
        torch.nn.functional.binary_cross_entropy_with_logits(logits, y).item(), rel=1e-5
    )
