"""Networks for text: parameters by hand, shapes, and the difference that dynamic pooling makes."""

from __future__ import annotations

import pytest
import torch

from foveal import zoo
from foveal.arithmetic.shapes import trace
from foveal.backends.torch import build
from foveal.errors import DescriptionError
from foveal.network import Tokens


def parameters(tree):
    return sum(p.numel() for p in build(tree).parameters())


def test_char_lstm_by_hand():
    assert parameters(zoo.char_lstm()) == 98 * 64 + 4 * (64 + 256 + 1) * 256 + 257 * 98 == 360_162
    two = zoo.char_lstm(classes=10, input_shape=20, embedding=6, units=8, recurrent=2, dropout=0.0)
    assert parameters(two) == 10 * 6 + 4 * (6 + 8 + 1) * 8 + 4 * (8 + 8 + 1) * 8 + 9 * 10
    assert [layer.name for layer in two.layers] == ["embedding", "lstm1", "lstm2", "characters"]
    assert str(trace(two)[0].output) == "20 × 10"


def test_text_cnn_by_hand():
    tree = zoo.text_cnn(
        classes=6, input_shape=20, words=50, embedding=8, filters=4, windows=(2, 3), pool=5, bottleneck=7
    )
    by_hand = 50 * 8 + (2 * 8 + 1) * 4 + (3 * 8 + 1) * 4 + (2 * 4 * 5 + 1) * 7 + (7 + 1) * 6
    assert parameters(tree) == by_hand
    shapes = {step.path: str(step.output) for step in trace(tree)}
    assert shapes["windows/words2/conv"] == "20 × 4"
    assert shapes["windows"] == "5 × 8"
    assert shapes["flatten"] == "40"
    assert parameters(zoo.text_cnn()) == zoo.entry("text_cnn").parameters


def test_one_pooled_value_does_not_know_the_place_and_several_do():
    def scores(pool):
        tree = zoo.text_cnn(3, Tokens(12), words=9, embedding=4, filters=4, windows=(1,), pool=pool, bottleneck=4)
        x = torch.zeros(2, 12, dtype=torch.int64)
        x[0, 1] = x[1, 10] = 5  # the same word, early and late
        return build(tree, seed=1).eval()(x)

    assert torch.allclose(*scores(1))
    assert not torch.allclose(*scores(3))


@pytest.mark.parametrize("make", [zoo.char_lstm, zoo.text_cnn])
def test_pictures_are_refused(make):
    with pytest.raises(DescriptionError, match="takes tokens") as caught:
        make(input_shape=(28, 28, 1))
    assert "Tokens(length)" in caught.value.expected
