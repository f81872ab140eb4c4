"""One strict reader of JSON: what Python's own lets through is refused, and nothing else is."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal import strictjson
from foveal.errors import CheckpointError, FormatError, FovealError

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN, st.booleans())
def test_what_json_can_hold_comes_back(value: Any, ascii_only: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii_only)
    try:
        encoded = text.encode()
    except UnicodeEncodeError:  # a lone surrogate, which is not a text
        return
    assert strictjson.loads(text, "x") == value
    assert strictjson.loads(encoded, "x") == value


@given(st.text() | st.binary())
def test_anything_else_is_one_kind_of_error(text: str | bytes) -> None:
    caught = None
    try:
        strictjson.loads(text, "x")
    except FovealError as error:
        caught = error
    if caught is not None:
        assert str(caught).startswith("x")
        assert caught.fix


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1, "a": 1}', "the key 'a' occurs twice"),
        ('[{"b": {"a": 1, "a": 2}}]', "the key 'a' occurs twice"),
        ("[NaN]", "not a number"),
        ("-Infinity", "not a number"),
        ("1e999", "too large"),
        ("-1e999", "too large"),
        ("9" * 401, "too long"),
        ('{"a": ' + "9" * 5000 + "}", "too long"),
        ("[" * 257 + "]" * 257, "too deeply"),
        ("[" * 100_000, "too deeply"),
        ('{"a":' * 100_000, "too deeply"),
        ("", "not JSON"),
        ("{} {}", "not JSON"),
        ("\ufeff{}", "not JSON"),
        (b"\xff\xfe{}", "not UTF-8"),
        (b'"\xc3\x28"', "not UTF-8"),
    ],
)
def test_what_pythons_reader_lets_through_or_dies_of(text: str | bytes, problem: str) -> None:
    with pytest.raises(FormatError, match=problem) as caught:
        strictjson.loads(text, "some.json")
    assert len(str(caught.value)) < 400


def test_what_is_close_to_it_passes() -> None:
    deep = "[" * 256 + "]" * 256
    assert json.dumps(strictjson.loads(deep, "x")) == deep
    assert strictjson.loads("9" * 400, "x") == 10**400 - 1
    assert strictjson.loads('"\\ud83d\\ude00"', "x") == "😀"
    assert strictjson.loads('"a\\udcff"', "x") == "a\udcff"  # a folder's name that is not UTF-8
    assert math.isclose(strictjson.loads("1.7e308", "x"), 1.7e308)
    assert strictjson.loads('{"a": {"a": 1}}', "x") == {"a": {"a": 1}}


def test_a_runs_own_state_may_hold_infinity() -> None:
    assert strictjson.loads("[Infinity, -Infinity]", "x", finite=False) == [math.inf, -math.inf]
    assert math.isnan(strictjson.loads("NaN", "x", finite=False))


def test_the_caller_chooses_the_kind_and_the_repair() -> None:
    with pytest.raises(CheckpointError, match="line 2, column 1") as caught:
        strictjson.loads("{\n", "config.json", error=CheckpointError, fix="another --name")
    assert caught.value.fix == ("another --name",)
