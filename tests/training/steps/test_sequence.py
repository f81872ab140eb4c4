"""Teacher forcing: the loss against sums by hand, padding that counts nothing, a copy task that is learned."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from foveal import zoo
from foveal.backends.torch import build
from foveal.network import Tokens
from foveal.systems.sequence.translator import Translator
from foveal.training.config import TrainingConfig
from foveal.training.steps import Step
from foveal.training.steps.sequence import SequenceToSequence


class Fixed(nn.Module):
    """Gives the logits that it was made with."""

    def __init__(self, logits: torch.Tensor) -> None:
        super().__init__()
        self.logits = nn.Parameter(logits)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.logits


def test_the_loss_is_the_mean_over_real_characters() -> None:
    logits = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    y = torch.tensor([[3, 4, 2, 0], [1, 2, 0, 0]])
    step = SequenceToSequence(Fixed(logits), TrainingConfig(metrics=()), 1)
    with step.evaluating() as measure:
        values = measure((torch.zeros(2, 4), y))
    shares = np.exp(logits.numpy()) / np.exp(logits.numpy()).sum(axis=1, keepdims=True)
    places = [(n, t) for n in range(2) for t in range(4) if y[n, t] != 0]
    expected = np.mean([-np.log(shares[n, y[n, t], t]) for n, t in places])
    right = [logits[n, :, t].argmax() == y[n, t] for n, t in places]
    assert float(values["loss"]) == pytest.approx(expected, rel=1e-5)
    assert float(values["characters"]) == pytest.approx(np.mean(right))
    assert float(values["whole"]) == np.mean([all(right[:3]), all(right[3:])])


def test_padding_gets_no_gradient() -> None:
    module = Fixed(torch.zeros(1, 3, 3))
    step = SequenceToSequence(module, TrainingConfig(metrics=(), optimizer="sgd", lr=1.0), 1)
    step((torch.zeros(1, 3), torch.tensor([[1, 2, 0]])))
    assert module.logits.grad is not None
    assert bool((module.logits.grad[:, :, :2] != 0).all())
    assert bool((module.logits.grad[:, :, 2] == 0).all())


def copies(n: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Three characters and the end's mark, to be written backwards."""
    text = np.random.default_rng(seed).integers(3, 8, (n, 3))
    source = np.concatenate([text, np.full((n, 1), 2)], axis=1)
    target = np.concatenate([text[:, ::-1], np.full((n, 1), 2)], axis=1)
    begun = np.concatenate([np.full((n, 1), 1), target[:, :-1]], axis=1)
    return torch.from_numpy(np.concatenate([source, begun], axis=1)), torch.from_numpy(target)


def test_it_learns_to_write_backwards_and_a_copied_state_goes_on_alike() -> None:
    network = zoo.seq2seq(classes=8, input_shape=Tokens(8), source=4, embedding=8, units=24)
    config = TrainingConfig(metrics=(), optimizer="adam", lr=2e-2, batch_size=64)
    step = SequenceToSequence(build(network, seed=1), config, 1)
    assert isinstance(step, Step)
    for number in range(150):
        step(copies(64, number))
    other = SequenceToSequence(build(network, seed=2), config, 1)
    other.load_state_dict(copy.deepcopy(step.state_dict()))
    for number in range(2):
        values, again = step(copies(64, 900 + number)), other(copies(64, 900 + number))
        assert torch.equal(values["loss"], again["loss"])
    step.finish()
    x, y = copies(200, 9999)
    module = step.networks["network"]
    given = Translator(module).translate(x[:, :4].numpy())  # type: ignore[arg-type]
    assert (given.numbers == y.numpy()).all(axis=1).mean() > 0.95
    looked = given.weights[:, :3].argmax(axis=2)  # which place of the source each of the three letters looked at most
    assert given.weights.sum(axis=2) == pytest.approx(np.ones((200, 4)), abs=1e-5)
    assert looked.shape == (200, 3)
