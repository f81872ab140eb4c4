"""Truth tables against Python's own operators."""

from __future__ import annotations

import operator

import pytest

from foveal.data import load
from foveal.data.generated import logic
from foveal.errors import UnknownName

OPERATORS = {"and": operator.and_, "or": operator.or_, "xor": operator.xor}


@pytest.mark.parametrize("name", OPERATORS)
def test_each_row_is_what_the_operator_gives(name):
    data = load(name)
    assert data.is_table
    assert data.test is None
    rows = [(int(a), int(b)) for a, b in data.train.images]
    assert sorted(rows) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert data.train.labels.tolist() == [OPERATORS[name](a, b) for a, b in rows]
    assert [answer for _, answer in logic.examples(4, name)] == [str(label) for label in data.train.labels]


def test_another_function_is_refused():
    with pytest.raises(UnknownName, match="truth table"):
        logic.load("nand")
