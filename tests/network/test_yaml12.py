"""YAML by version 1.2's core schema: what each scalar means, what is refused, and JSON that says the same as YAML."""

from __future__ import annotations

import json
import math
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import FormatError, FovealError
from foveal.network import Sequential, codec, yaml12
from foveal.network.layers import BatchNormalization, Conv2D, Dense, Flatten

# From the tables of YAML 1.2.2, sections 10.2.1 and 10.3.2; and what version 1.1 reads as something else.
MEANINGS = {
    "1e-3": 0.001, "1e-05": 1e-05, "1e22": 1e22, "1.0e+3": 1000.0, "1E3": 1000.0, ".5": 0.5, "5.": 5.0, "-1.5": -1.5,
    "+2": 2, "-0": 0, "0": 0, "010": 10, "0o10": 8, "0x1F": 31, "0b11": "0b11", "1_000": "1_000", "1:30": "1:30",
    "1:30:00.5": "1:30:00.5", "12e": "12e", ".": ".", "-": "-", "+": "+", "1.2.3": "1.2.3", "e3": "e3", "0xG": "0xG",
    "-0x1F": "-0x1F", "0o8": "0o8", "1,5": "1,5", "no": "no", "yes": "yes", "on": "on", "off": "off", "y": "y", "N": "N",
    "true": True, "True": True, "FALSE": False, "tRUE": "tRUE", "~": None, "null": None, "NULL": None, "nULL": "nULL",
    "2024-01-01": "2024-01-01", "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00", "=": "=", "<<": "<<",
    "same": "same", "infinity": "infinity", "nan": "nan", "28x28x1": "28x28x1",
}  # fmt: skip


@pytest.mark.parametrize("text", MEANINGS)
def test_a_plain_scalar_means_what_yaml_1_2_says(text):
    found, wanted = yaml12.scalar(text), MEANINGS[text]
    assert (type(found), found) == (type(wanted), wanted)
    if text not in ("-", "=", "<<", "~"):  # these need a quote, or say so, in a list
        assert yaml12.loads(f"- {text}", "net.yaml") == [wanted]
    assert yaml12.loads(f"- '{text}'\n- \"{text}\"", "net.yaml") == [text, text]


def test_what_is_empty_is_null():
    assert yaml12.loads("a:\nb: []\nc: ''", "x") == {"a": None, "b": [], "c": ""}
    assert yaml12.loads("", "x") is yaml12.loads("# nothing\n", "x") is None


@pytest.mark.parametrize("text", [".inf", "-.Inf", "+.INF", ".nan", ".NaN", "1e400", "-1e999", "9" * 401])
def test_numbers_that_are_not_finite_are_refused_where_they_stand(text):
    with pytest.raises(FormatError) as caught:
        yaml12.loads(f"a: 1\nb: {text}", "net.yaml")
    assert caught.value.where == "net.yaml, line 2"
    assert caught.value.problem in ("this is not a number", "this number is too large")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x 1\nb: *x", "anchors and aliases are refused"),
        ("a: !!int '3'", "tags are refused"),
        ("a: ! 3", "tags are refused"),
        ("a: !local [1]", "tags are refused"),
        ("<<: {a: 1}", "merge keys are refused"),
        ("a: 1\n---\nb: 2", "more than one document"),
        ("a: 1\na: 2", "the key 'a' occurs twice"),
        ("{1: a, 1: b}", "the key '1' occurs twice"),
        ("? [1, 2]\n: b", "a key is not a text"),
        ("%YAML 2.0\n---\na: 1", "this is not YAML"),
        ("a: b: c", "this is not YAML"),
        ("a: [1, 2", "this is not YAML"),
        ("a: \x00", "this is not YAML"),
        ("\ta: 1", "this is not YAML"),
        ("[" * 300 + "]" * 300, "nested too deeply"),
        ("- " * 300 + "1", "nested too deeply"),
        ("[" * 500_000, "nested too deeply"),
        ("{a: " * 300, "nested too deeply"),
        (f"[{'1,' * 250_000}1]", "too long for a description"),
    ],
)
def test_what_plain_data_do_not_need_is_refused(text, problem):
    with pytest.raises(FormatError, match=problem) as caught:
        yaml12.loads(text, "net.yaml")
    assert str(caught.value.where).startswith("net.yaml")
    assert caught.value.fix
    assert len(str(caught.value)) < 2_000


def test_keys_are_texts_whatever_they_look_like():
    """A branch may be called 3 or 1e3: as a name it is a text."""
    assert yaml12.loads("3: a\n1e3: b\non: c\n~: d\n0o10: e", "x") == {
        "3": "a",
        "1e3": "b",
        "on": "c",
        "~": "d",
        "0o10": "e",
    }


def test_many_keys_cost_time_in_proportion():
    """Each key is looked up in the mapping, not compared with all others; the test would take minutes otherwise."""
    many = "\n".join(f"k{i}: {i}" for i in range(60_000))
    assert len(yaml12.loads(many, "x")) == 60_000


DATA = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(sorted(MEANINGS)) | st.text(string.printable, max_size=12) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcé019.e-_~", max_size=6), inner, max_size=4),
    max_leaves=10,
)  # fmt: skip


def _exact(value) -> str:
    """Ints, floats and signs told apart."""
    return repr(value)


@given(DATA)
def test_plain_data_go_there_and_back(data):
    assume_writable = json.dumps(data)  # lone surrogates do not come out of st.text
    assert assume_writable
    assert _exact(yaml12.loads(yaml12.dumps(data), "x")) == _exact(data)


@given(DATA)
def test_json_read_as_yaml_says_the_same(data):
    """ASCII escapes of characters beyond the basic plane are pairs of surrogates in JSON only; ours are written as they are."""
    for text in (json.dumps(data, ensure_ascii=False), json.dumps(data, ensure_ascii=False, indent=1)):
        try:
            found = yaml12.loads(text, "x")
        except FormatError:  # control characters that JSON may hold raw and YAML may not
            assert not all(c.isprintable() or c in "\n\t" for c in text) or "<<" in text
        else:
            assert _exact(found) == _exact(json.loads(text))


FLOATS = st.floats(0, 1e308, allow_nan=False) | st.sampled_from([1e-05, 1e22, 5e-324, 1e-7, 0.1, 1e16, 123456789.0])


@given(FLOATS, FLOATS)
def test_the_tree_is_the_same_through_json_yaml_and_json_as_yaml(epsilon, penalty):
    network = Sequential(
        [Conv2D(4, 3, kernel_regularizer={"l1": penalty}), BatchNormalization(epsilon=epsilon), Flatten(), Dense(10)],
        input_shape=(8, 8, 1),
        name="1e5",
    )
    own = codec.to_json(network)
    assert codec.from_json(own) == codec.from_yaml(own) == codec.from_yaml(codec.to_yaml(network)) == network
    assert codec.from_dict(yaml12.loads(own, "x")) == network
    assert math.isclose(codec.from_yaml(own).layers[1].epsilon, epsilon, rel_tol=0)


@pytest.mark.parametrize(
    "name", ["1e5", "010", "0o7", "1_000", "no", "null", "true", "-1", "0x10", "2024-01-01", "1.5"[:1]]
)
def test_names_that_look_like_numbers_stay_names(name):
    network = Sequential([Flatten(name=name)], input_shape=(2, 2, 1), name=name)
    assert codec.from_yaml(codec.to_yaml(network)) == network


@pytest.mark.parametrize("written", ["1:30", "1_000", "no", "0b11", "'3'", "3.0", "true", "1e1", "9223372036854775808"])
def test_a_number_of_filters_is_a_whole_number(written):
    text = f"input: [8, 8, 1]\nlayers:\n- {{kind: Conv2D, filters: {written}, kernel_size: 3}}\n"
    with pytest.raises(FovealError, match="filters cannot be"):
        codec.from_yaml(text)


@pytest.mark.parametrize(("written", "filters"), [("010", 10), ("0o10", 8), ("0x10", 16), ("+4", 4)])
def test_whole_numbers_of_yaml_1_2(written, filters):
    text = f"input: [8, 8, 1]\nlayers:\n- {{kind: Conv2D, filters: {written}, kernel_size: 3}}\n"
    assert codec.from_yaml(text).layers[0].filters == filters
