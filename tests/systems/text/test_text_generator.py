"""A writer's bits, samples and cells, against the network on the whole text at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from foveal import zoo
from foveal.backends.torch import build
from foveal.network import Tokens
from foveal.systems.text.text_generator import WINDOW, Writer

SYMBOLS = 7
RANDOM = np.random.default_rng(2)
TEXTS = [RANDOM.integers(1, SYMBOLS, n) for n in (4, WINDOW + 13, 1, 30)]


@pytest.fixture(scope="module", params=[1, 2])
def module(request):
    tree = zoo.char_lstm(SYMBOLS, Tokens(5), embedding=4, units=6, recurrent=request.param)
    made = build(tree, seed=request.param)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.mul_(3.0)  # chances that differ from each other
    return made.eval()


def whole(module, symbols):
    """The logits of one text, read at once: (symbols, places)."""
    other = build(module.network.with_input(Tokens(len(symbols))))
    other.load_state_dict(module.state_dict())
    with torch.no_grad():
        return other.eval()(torch.tensor(symbols)[None])[0]


def test_bits_are_those_of_the_text_read_at_once(module):
    found = Writer(module).bits(TEXTS, batch_size=3)
    for text, bits in zip(TEXTS, found, strict=True):
        logits = whole(module, [0, *text])
        expected = F.cross_entropy(logits.T, torch.tensor([*text, 0]), reduction="none").numpy() / np.log(2)
        np.testing.assert_allclose(bits, expected, rtol=1e-4, atol=1e-5)


def test_texts_do_not_see_each_other(module):
    writer = Writer(module)
    alone = [writer.bits([text])[0] for text in TEXTS]
    for one, other in zip(alone, writer.bits(TEXTS), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_likeliest_is_written_at_temperature_0(module):
    written = Writer(module).write([2, 3], 12, 0.0, np.random.default_rng(0))[0]
    text = [2, 3]
    for symbol in written:
        assert symbol == int(whole(module, [0, *text])[:, -1].argmax())
        text.append(symbol)
    assert len(written) == 12 or int(whole(module, [0, *text])[:, -1].argmax()) == 0


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_samples_follow_the_chances_at_a_temperature(module, temperature):
    chances = F.softmax(whole(module, [0, 4])[:, -1].double() / temperature, 0).numpy()
    made = Writer(module).write([4], 1, temperature, np.random.default_rng(5), samples=4000)
    counts = np.bincount([each[0] if each else 0 for each in made], minlength=SYMBOLS)
    assert np.abs(counts / 4000 - chances).max() < 4 * 0.5 / np.sqrt(4000)


def test_the_same_random_numbers_write_the_same(module):
    writer = Writer(module)
    one, two, other = (writer.write([1], 30, 1.0, np.random.default_rng(n), 3) for n in (1, 1, 2))
    assert one == two != other
    assert all(0 not in each for each in one)


def test_cells_are_those_of_the_recursion(module):
    state = {name: tensor.double().numpy() for name, tensor in module.state_dict().items()}
    text = TEXTS[0]
    h, c = np.zeros(6), np.zeros(6)
    sigmoid = lambda x: 1 / (1 + np.exp(-x))  # noqa: E731
    found = Writer(module).cells([TEXTS[3], text], "lstm1")
    assert [len(each) for each in found] == [len(TEXTS[3]) + 1, len(text) + 1]
    for place, symbol in enumerate([0, *text]):
        x = state["embedding.weight"][symbol]
        i, f, g, o = np.split(state["lstm1.weight"] @ x + state["lstm1.recurrent_weight"] @ h + state["lstm1.bias"], 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        np.testing.assert_allclose(found[1][place], np.tanh(c), rtol=1e-4, atol=1e-5)
