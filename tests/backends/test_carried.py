"""Recurrent layers that go on from the state that the sequence before them left."""

from __future__ import annotations

import pytest
import torch

from foveal.backends.torch import build
from foveal.backends.torch_layers.recurrent import Recurrent
from foveal.network import Sequential, layers

LAYERS = [
    layers.SimpleRNN(3, return_sequences=True),
    layers.LSTM(3, return_sequences=True),
    layers.GRU(3, return_sequences=True),
    layers.GRU(3, return_sequences=True, reset_after=False),  # step by step, as are the others below
    layers.LSTM(3, return_sequences=True, activation="softsign"),
    layers.SimpleRNN(3, return_sequences=True, activation="sigmoid"),
]


@pytest.mark.parametrize("layer", LAYERS, ids=repr)
def test_two_halves_are_the_whole(layer):
    network = Sequential([layer], input_shape=(None, 2))
    module = build(network, seed=1)
    part = next(each for each in module.modules() if isinstance(each, Recurrent))
    x = torch.randn(4, 2, 10, generator=torch.Generator().manual_seed(0))
    whole = module(x)
    assert part.carried is None, "nothing is kept where nothing was asked for"
    part.carries = True
    halves = torch.cat([module(x[:, :, :5]), module(x[:, :, 5:])], 2)
    torch.testing.assert_close(halves, whole)
    assert all(not state.requires_grad and state.shape == (4, 3) for state in part.carried)
    part.carried = None
    torch.testing.assert_close(module(x[:, :, :5]), whole[:, :, :5])
