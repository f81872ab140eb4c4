"""Greedy decoding with the memory computed once, against the network run whole at every place."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import Network, build
from foveal.errors import ConfigurationError
from foveal.network import Tokens
from foveal.systems.sequence.translator import Translator

SOURCE, PLACES = 5, 6


def network(seed: int) -> Network:
    """Random weights, large enough that answers differ."""
    module = build(zoo.seq2seq(7, Tokens(SOURCE + PLACES), source=SOURCE, embedding=6, units=10), seed=seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(3.0)
    return module


def slowly(module: Network, source: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The whole network once more for each place, nothing carried along."""
    module.eval()
    row = np.concatenate([source, np.zeros((len(source), PLACES), np.int64)], axis=1)
    row[:, SOURCE] = 1
    written, looked = np.zeros((len(source), PLACES), np.int64), np.zeros((len(source), PLACES, SOURCE))
    open_ones = np.ones(len(source), bool)
    for place in range(PLACES):
        if not open_ones.any():
            break
        with torch.no_grad():
            logits = module(torch.from_numpy(row)).numpy()
        looked[:, place] = module.node("attention").weights[:, place].numpy()
        chosen = logits[:, :, place].argmax(axis=1)
        written[:, place] = np.where(open_ones, chosen, 0)
        if place + 1 < PLACES:
            row[:, SOURCE + 1 + place] = chosen
        open_ones &= chosen != 2
    return written, looked


@pytest.mark.parametrize("seed", range(6))
def test_it_writes_what_the_whole_network_would(seed: int) -> None:
    module, source = network(seed), np.random.default_rng(seed).integers(0, 7, (30, SOURCE))
    given = Translator(module).translate(source, batch_size=7)
    written, looked = slowly(module, source)
    np.testing.assert_array_equal(given.numbers, written)
    for row, (mine, theirs) in enumerate(zip(given.weights, looked, strict=True)):
        until = int((written[row] != 0).sum())  # what is behind the end differs with the batch
        np.testing.assert_allclose(mine[:until], theirs[:until], atol=1e-5)


def test_the_network_is_left_as_it_was() -> None:
    module = network(0).train()
    before = module(torch.ones(2, SOURCE + PLACES, dtype=torch.int64))
    Translator(module).translate(np.ones((2, SOURCE), np.int64))
    assert module.training
    assert torch.equal(module(torch.ones(2, SOURCE + PLACES, dtype=torch.int64)), before)


@pytest.mark.parametrize("name", ["mlp", "char_lstm"])
def test_other_networks_are_refused(name: str) -> None:
    with pytest.raises(ConfigurationError, match="not an encoder and decoder"):
        Translator(build(zoo.tiny(name)))
