"""Text in streams: every character once, in order, and the same batches when an epoch is taken up in its middle."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from foveal.data.batches.in_memory import TensorBatches
from foveal.data.batches.text_streams import Streams
from foveal.errors import ConfigurationError

TEXTS = [np.arange(2, 2 + length) for length in (5, 1, 9, 3, 7)]


def test_streams_are_the_row_cut_into_lines():
    batches = Streams(TEXTS, 3, 2, seed=4)
    row = batches.row(1)
    assert row[0] == 0
    assert sorted(row.tolist()) == sorted([0, *(n for text in TEXTS for n in (*text, 0))])
    span = (len(row) - 1) // 3
    steps = list(batches.epoch(1))
    assert len(steps) == len(batches) == span // 2
    for line in range(3):
        x = torch.cat([x[line] for x, _, _ in steps])
        y = torch.cat([y[line] for _, y, _ in steps])
        assert x.tolist() == row[line * span : line * span + len(x)].tolist()
        assert y.tolist() == row[line * span + 1 : line * span + len(x) + 1].tolist()
    assert [fresh for _, _, fresh in steps] == [True] + [False] * (len(steps) - 1)


def test_texts_stay_whole_in_a_new_order():
    batches = Streams(TEXTS, 1, 4, seed=0)
    rows = [batches.row(epoch).tolist() for epoch in range(4)]
    assert len({tuple(row) for row in rows}) > 1
    for row in rows:
        cuts = [i for i, n in enumerate(row) if n == 0]
        found = sorted(row[a + 1 : b] for a, b in itertools.pairwise(cuts))
        assert found == sorted(text.tolist() for text in TEXTS)
    plain = Streams(TEXTS, 1, 4, shuffle=False)
    assert plain.row(0).tolist() == plain.row(3).tolist() == [0, *(n for text in TEXTS for n in (*text, 0))]


def test_an_epoch_taken_up_in_its_middle():
    batches = Streams(TEXTS, 2, 3, seed=9)
    whole = [(x.tolist(), y.tolist(), fresh) for x, y, fresh in batches.epoch(2)]
    assert [(x.tolist(), y.tolist(), fresh) for x, y, fresh in batches.epoch(2, start=1)] == whole[1:]
    again = Streams(TEXTS, 2, 3, seed=10)
    assert [(x.tolist(), y.tolist(), fresh) for x, y, fresh in again.epoch(2)] != whole


def test_too_little_text():
    with pytest.raises(ConfigurationError, match="too little text"):
        Streams(TEXTS, 8, 4)


def test_tokens_stay_whole_numbers_and_each_is_served_once():
    tokens, answers = torch.arange(14).view(7, 2), torch.arange(7)[:, None].float()
    batches = TensorBatches(tokens, answers, 3, seed=1)
    found = list(batches.epoch(0))
    assert [len(x) for x, _ in found] == [3, 3, 1]
    assert all(x.dtype == torch.int64 for x, _ in found)
    assert sorted(torch.cat([y for _, y in found]).flatten().tolist()) == list(range(7))
    assert all((x[:, 0] == 2 * y[:, 0]).all() for x, y in found)
    assert [x.tolist() for x, _ in batches.epoch(0, start=2)] == [found[2][0].tolist()]
