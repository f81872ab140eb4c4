"""The loss of connectionist temporal classification against the sum over all paths, and a network that learns to read."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch import nn

from foveal.training.config import TrainingConfig
from foveal.training.steps import Capturable, Step
from foveal.training.steps.transcription import Transcription, ctc, exact


def said(path, blank):
    return tuple(k for k, _ in itertools.groupby(path) if k != blank)


def by_all_paths(outputs, text):
    """−log of the sum over every path that says the text: outputs K × T, the last class is blank."""
    logs = outputs.double().log_softmax(0)
    classes, steps = logs.shape
    total = 0.0
    for path in itertools.product(range(classes), repeat=steps):
        if said(path, classes - 1) == tuple(text):
            total += math.exp(sum(float(logs[k, t]) for t, k in enumerate(path)))
    return -math.log(total)


@pytest.mark.parametrize("texts", [[[0, 1], [1, 1]], [[0, 0], [2, 0]], [[1], [0]]])
def test_the_loss_is_the_sum_over_all_paths(texts):
    outputs = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(1))
    expected = sum(by_all_paths(one, text) / len(text) for one, text in zip(outputs, texts, strict=True)) / 2
    found = ctc(outputs, torch.tensor(texts), torch.tensor([len(text) for text in texts]))
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_only_the_first_lengths_of_a_text_count():
    outputs = torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(2))
    padded = torch.tensor([[1, 2, 0], [0, 2, 2]])
    found = ctc(outputs, padded, torch.tensor([2, 1]))
    expected = (by_all_paths(outputs[0], [1, 2]) / 2 + by_all_paths(outputs[1], [0])) / 2
    assert found.item() == pytest.approx(expected, rel=1e-5)


def test_the_gradient_is_that_of_the_sum():
    outputs = torch.randn(1, 3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    outputs.requires_grad_()
    ctc(outputs, torch.tensor([[0, 0]]), torch.tensor([2])).backward()
    step = 1e-3
    for k, t in itertools.product(range(3), range(4)):
        up, down = outputs.detach().clone(), outputs.detach().clone()
        up[0, k, t] += step
        down[0, k, t] -= step
        slope = (by_all_paths(up[0], [0, 0]) - by_all_paths(down[0], [0, 0])) / (2 * step) / 2
        assert outputs.grad[0, k, t].item() == pytest.approx(slope, abs=1e-4)


def test_a_text_too_long_for_the_steps_adds_nothing():
    outputs = torch.zeros(1, 3, 2, requires_grad=True)
    loss = ctc(outputs, torch.tensor([[0, 0]]), torch.tensor([2]))  # needs 0 – 0: three steps
    loss.backward()
    assert loss.item() == 0.0
    assert not outputs.grad.any()


@pytest.mark.parametrize(
    ("path", "text", "right"),
    [
        ([0, 0, 2, 0], [0, 0], True),
        ([2, 0, 1, 1], [0, 1], True),
        ([0, 0, 0, 0], [0, 0], False),
        ([2, 2, 2, 2], [0], False),
        ([0, 1, 0, 1], [0, 1], False),  # begins rightly and goes on
        ([0, 2, 2, 1], [0, 0], False),
    ],
)
def test_lines_are_right_when_the_likeliest_path_says_the_text(path, text, right):
    outputs = torch.eye(3)[path].T[None]
    assert said(path, 2) == tuple(text) if right else said(path, 2) != tuple(text)
    assert exact(outputs, torch.tensor([[*text, 1]]), torch.tensor([len(text)])).item() == float(right)


class Columns(nn.Module):
    """A convolution over columns: enough to read patterns of two columns."""

    def __init__(self):
        super().__init__()
        self.look = nn.Conv1d(4, 16, 3, padding=1)
        self.name = nn.Conv1d(16, 4, 1)

    def forward(self, x):
        return self.name(torch.relu(self.look(x)))


def lines(count, seed):
    """Three characters, each a column of its own, at free places: where they stand is not told."""
    generator = torch.Generator().manual_seed(seed)
    x = 0.1 * torch.randn(count, 4, 8, generator=generator)
    texts = torch.randint(3, (count, 3), generator=generator)
    for row, text in enumerate(texts.tolist()):
        places = torch.randperm(4, generator=generator)[:3].sort().values * 2
        for place, character in zip(places.tolist(), text, strict=True):
            x[row, character, place] += 1.0
    return x, texts, torch.full((count,), 3)


def test_it_learns_to_read_without_being_told_where_the_characters_are():
    torch.manual_seed(0)
    step = Transcription(Columns(), TrainingConfig(lr=0.02, precision="fp32"), 150)
    assert isinstance(step, Step)
    assert not isinstance(step, Capturable)
    values = [step(lines(64, seed)) for seed in range(150)]
    assert values[0]["lines"] < 0.1
    with step.evaluating() as measure:
        measured = measure(lines(256, 10_000))
    assert measured["lines"] > 0.95
    assert measured["loss"] < 0.1
    assert set(measured) == set(values[0])


def test_its_state_goes_on_to_the_bit():
    def fresh():
        torch.manual_seed(1)
        return Transcription(Columns(), TrainingConfig(lr=0.01, ema=0.9), 10)

    whole = fresh()
    for seed in range(6):
        whole(lines(8, seed))
    half = fresh()
    for seed in range(3):
        half(lines(8, seed))
    state = half.state_dict()
    rest = fresh()
    rest.load_state_dict(state)
    for seed in range(3, 6):
        rest(lines(8, seed))
    for one, other in zip(whole.module.parameters(), rest.module.parameters(), strict=True):
        assert torch.equal(one, other)
