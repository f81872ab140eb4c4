"""Descriptions there and back through JSON and YAML, for random trees; and what a description file may not do."""

from __future__ import annotations

import json
import string

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st

from foveal import zoo
from foveal.errors import DescriptionError, FormatError
from foveal.network import L1L2, LAYERS, Auxiliary, Image, Parallel, Residual, Sequential, Tokens, codec, walk
from foveal.network.activations import ACTIVATIONS, INITIALIZERS
from foveal.network.layers import GRU, LSTM, Bidirectional, Conv2D, Dense, Flatten, SimpleRNN, TimeDistributed
from foveal.network.tree import COMPOSITIONS

SMALL = st.integers(1, 6)
SHARE = st.floats(0, 0.9, allow_nan=False)


def _axes(rank: int, low: int = 1) -> st.SearchStrategy:
    return st.integers(low, 5) | st.tuples(*[st.integers(low, 5)] * rank)


def _padding(rank: int) -> st.SearchStrategy:
    pair = st.tuples(st.integers(0, 3), st.integers(0, 3))
    return st.sampled_from(["valid", "same"]) | st.integers(0, 3) | st.tuples(*[pair] * rank)


_RECURRENT = [SimpleRNN(3), LSTM(2, dropout=0.5), GRU(4, reset_after=False, kernel_regularizer=L1L2(0.1, 0.2))]
_HELD = [*_RECURRENT, Bidirectional(LSTM(2)), TimeDistributed(Conv2D(3, 2)), Flatten(), Dense(4, activation="relu")]


def _arguments(kind: str, field: str) -> st.SearchStrategy:
    """Values that a layer's argument may take, by the argument's name."""
    rank = next((int(digit) for digit in kind if digit in "123"), 1)
    named = {
        "kernel_size": _axes(rank), "pool_size": _axes(rank), "output_size": _axes(rank), "size": _axes(2),
        "strides": _axes(rank) | st.none() if "Pooling" in kind or "Subsampling" in kind else _axes(rank),
        "dilation_rate": _axes(rank), "output_padding": _axes(rank, 0),
        "padding": _padding(rank) if kind != "ZeroPadding2D" else st.integers(0, 3),
        "activation": st.sampled_from(sorted(ACTIVATIONS)),
        "kernel_initializer": st.sampled_from(sorted(INITIALIZERS)),
        "bias_initializer": st.sampled_from(sorted(INITIALIZERS)),
        "kernel_regularizer": st.none() | st.builds(L1L2, st.floats(0, 1), st.floats(0, 1)),
        "connections": st.none() | st.lists(st.lists(st.integers(0, 5), min_size=1, unique=True), min_size=1, max_size=6),
        "dims": st.permutations([1, 2, 3]).map(tuple), "cropping": st.tuples(st.integers(0, 3), st.integers(0, 3)),
        "stddev": SHARE, "embeddings_initializer": st.sampled_from(sorted(INITIALIZERS)),
        "target_shape": st.lists(SMALL, min_size=1, max_size=4),
        "interpolation": st.sampled_from(["nearest", "bilinear"]),
        "recurrent_activation": st.sampled_from(sorted(ACTIVATIONS)),
        "recurrent_initializer": st.sampled_from(sorted(INITIALIZERS)),
        "dropout": SHARE, "recurrent_dropout": SHARE,
        "merge_mode": st.sampled_from(["concat", "sum", "mul", "ave"]),
        "rate": SHARE, "momentum": SHARE, "epsilon": SHARE, "alpha": SHARE, "beta": SHARE, "k": SHARE,
        "negative_slope": SHARE, "offset": SHARE,
        "scale": st.booleans() if kind != "Rescaling" else SHARE,
        "mean": SHARE | st.lists(SHARE, min_size=3, max_size=3),
        "variance": st.floats(0.1, 2) | st.lists(st.floats(0.1, 2), min_size=3, max_size=3),
    }  # fmt: skip
    if kind == "LocalResponseNormalization" and field == "size":
        return SMALL
    if field in (
        "use_bias",
        "trainable",
        "center",
        "unit_forget_bias",
        "return_sequences",
        "go_backwards",
        "reset_after",
    ):
        return st.booleans()
    if field == "layer":
        return st.sampled_from(_RECURRENT if kind == "Bidirectional" else _HELD)
    return named.get(field, SMALL)


@st.composite
def layers(draw) -> object:
    """Any layer of the registry with arguments that it accepts."""
    kind = LAYERS[draw(st.sampled_from(sorted(LAYERS)))]
    names = [name for name in kind.__dataclass_fields__ if name not in ("name", "input_shape")]
    arguments = {name: draw(_arguments(kind.__name__, name)) for name in names}
    try:
        return kind(**arguments, name=draw(NAMES))
    except DescriptionError:  # arguments that contradict each other: groups, output_padding, tables
        assume(False)


NAMES = st.none() | st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8)


def _together(parts: list) -> list:
    """Parts beside each other, without a name that occurs twice."""
    seen: set[str] = set()
    kept = []
    for part in parts:
        if part.name is None or part.name not in seen:
            kept.append(part)
            seen.add(part.name)
    return kept


def _compositions(inner: st.SearchStrategy) -> st.SearchStrategy:
    lists = st.lists(inner, max_size=3).map(_together)
    named = st.dictionaries(st.sampled_from(["1x1", "3x3", "pool", "skip"]), lists, min_size=1, max_size=3)
    return st.one_of(
        st.builds(Sequential, lists, name=NAMES),
        st.builds(
            Parallel, named | st.lists(lists, min_size=1, max_size=3), st.sampled_from(["concat", "add"]), name=NAMES
        ),
        st.builds(Residual, lists, lists, name=NAMES),
        st.builds(Auxiliary, lists, st.floats(0, 1), name=NAMES),
    )


SHAPES = st.one_of(
    st.none(),
    st.integers(1, 999),
    st.tuples(st.none() | SMALL, SMALL),
    st.tuples(st.none() | SMALL, SMALL, SMALL),
    st.tuples(SMALL, SMALL, SMALL, SMALL),
    st.builds(Tokens, SMALL),
)
TREES = st.recursive(layers(), _compositions, max_leaves=8)
NETWORKS = st.builds(
    Sequential, st.lists(TREES, max_size=5).map(_together), input_shape=SHAPES, name=NAMES
)  # fmt: skip


@given(NETWORKS)
def test_there_and_back_through_json(network):
    text = codec.to_json(network)
    assert codec.from_json(text) == network
    assert codec.to_json(codec.from_json(text)) == text
    assert json.loads(text)["foveal"] == codec.SCHEMA


@given(NETWORKS)
def test_there_and_back_through_yaml(network):
    assert codec.from_yaml(codec.to_yaml(network)) == network


@given(NETWORKS)
def test_a_repr_is_a_description_too(network):
    """What ``repr`` prints can be typed in."""
    from foveal.network import Sequence, Vector, Volume
    from foveal.network.activations import Regularizer

    names = {**LAYERS, **COMPOSITIONS, "Regularizer": Regularizer}
    names |= {kind.__name__: kind for kind in (Image, Vector, Volume, Sequence, Tokens)}
    assert eval(repr(network), names) == network


@pytest.mark.parametrize("name", zoo.names())
def test_every_network_of_the_zoo_goes_there_and_back(name):
    network = zoo.tiny(name)
    again = codec.from_json(codec.to_json(network))
    assert again == network
    assert [path for path, _ in walk(again)] == [path for path, _ in walk(network)]
    assert codec.from_yaml(codec.to_yaml(network)) == network


def test_only_what_differs_from_the_defaults_is_written():
    network = Sequential([Conv2D(8, (3, 3), strides=1, use_bias=True), Flatten()], input_shape=(9, 9, 1), name="n")
    assert codec.to_dict(network) == {
        "foveal": 1,
        "name": "n",
        "input": [9, 9, 1],
        "layers": [{"kind": "Conv2D", "filters": 8, "kernel_size": [3, 3]}, {"kind": "Flatten"}],
    }


def test_the_short_forms_of_a_yaml_file():
    network = codec.from_yaml(
        """
        foveal: 1
        name: hand_written
        input: 28x28x1
        layers:
          - {kind: Conv2D, filters: 32, kernel_size: 3, activation: relu}
          - Conv2D: {filters: 32, kernel_size: 3, padding: [[0, 1], [2, 3]]}
          - Flatten
          - Parallel:
              merge: concat
              branches:
                left: [{Dense: {units: 4}}]
                right: []
          - kind: Residual
            body: [{kind: Dense, units: 788, kernel_regularizer: {l2: 0.0001}}]
        """
    )
    assert network.name == "hand_written"
    assert network.input_shape == Image(28, 28, 1)
    assert network.layers[1].padding == ((0, 1), (2, 3))
    assert [branch.name for branch in network.layers[3].branches] == ["left", "right"]
    assert network.layers[4].body.layers[0].kernel_regularizer.l2 == 1e-4


def test_files_are_read_by_their_suffix(tmp_path):
    network = zoo.lecture_cnn()
    for suffix in (".json", ".yaml", ".yml"):
        file = tmp_path / f"net{suffix}"
        file.write_text(codec.text_for(network, suffix), encoding="utf-8")
        assert codec.read(file) == network


# The registry is closed -----------------------------------------------------------------------------------------------


def test_the_registry_holds_every_layer_and_nothing_else():
    import inspect

    from foveal.network import layers as faces
    from foveal.network.node import Node

    kinds = {name for name, value in vars(faces).items() if inspect.isclass(value) and issubclass(value, Node)} - {
        "Node"
    }
    assert set(LAYERS) == kinds == set(faces.__all__)
    assert {**LAYERS, **COMPOSITIONS} == codec.REGISTRY
    assert all(name == kind.__name__ for name, kind in codec.REGISTRY.items())


@pytest.mark.parametrize(
    "kind",
    ["os.system", "foveal.network.layers.Conv2D", "__import__", "Node", "_Pooling", "conv2d", "", "Lambda", 3, None],
)
def test_what_is_not_in_the_registry_is_refused(kind):
    with pytest.raises(FormatError):
        codec.from_dict({"layers": [{"kind": kind}]})


def refused(data) -> FormatError:
    with pytest.raises(FormatError) as caught:
        codec.from_dict(data, "net.json")
    return caught.value


def test_an_unknown_kind_is_answered_with_near_ones():
    error = refused({"layers": [{"kind": "Flatten"}, {"kind": "Conv2d", "filters": 3}]})
    assert error.where == "net.json: layers[1]"
    assert str(error).startswith("net.json: layers[1]: there is no layer of kind 'Conv2d'")
    assert error.fix[0] == "kind: Conv2D"


def test_an_unknown_argument_is_answered_with_near_ones():
    error = refused({"layers": [{"kind": "Conv2D", "filters": 3, "kernel": 3}]})
    assert error.where == "net.json: layers[0] (Conv2D)"
    assert "kernel_size" in error.fix
    assert "padding" in str(error.expected)


def test_a_missing_argument_is_named():
    error = refused({"layers": [{"kind": "Conv2D", "kernel_size": 3}]})
    assert str(error) == (
        "net.json: layers[0] (Conv2D): an argument is missing\n"
        "  given     kernel_size\n"
        "  expected  filters\n"
        "  to fix    filters: …"
    )


def test_a_refused_argument_says_where_in_the_file():
    with pytest.raises(DescriptionError) as caught:
        codec.from_dict({"layers": [{"kind": "Residual", "body": [{"kind": "Dropout", "rate": 1.5}]}]}, "net.json")
    assert caught.value.where == "net.json: layers[0] (Residual).body[0] (Dropout): Dropout"
    assert caught.value.problem == "rate cannot be 1.5"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ([], "a network is a mapping"),
        ("Conv2D", "a network is a mapping"),
        ({}, "the layers are missing"),
        ({"layers": {}}, "the layers are missing"),
        ({"foveal": 2, "layers": []}, "this version of the schema is not known"),
        ({"foveal": True, "layers": []}, "this version of the schema is not known"),
        ({"foveal": "1", "layers": []}, "this version of the schema is not known"),
        ({"layers": [], "weights": "x.pt"}, "there is no argument 'weights'"),
        ({"layers": [3]}, "this is not a layer"),
        ({"layers": [{"filters": 3, "kernel_size": 3}]}, "this is not a layer"),
        ({"layers": [{"kind": "Residual", "body": "Conv2D"}]}, "these are not layers"),
        ({"layers": [{"kind": "Parallel", "branches": 3}]}, "these are not layers"),
        ({"layers": [], "input": {"height": 3}}, "this is not an input shape"),
        ({"layers": [], "input": 2.5}, "this is not an input shape"),
    ],
)
def test_what_is_no_network_is_refused(data, problem):
    assert refused(data).problem == problem


def test_every_refusal_says_how_to_fix_it():
    for data in ([], {}, {"foveal": 9, "layers": []}, {"layers": [{"kind": "X"}]}, {"layers": [], "x": 1}):
        error = refused(data)
        assert error.where
        assert error.expected
        assert error.fix


# Hostile files --------------------------------------------------------------------------------------------------------


def test_json_refuses_doubled_keys_and_numbers_that_are_none():
    with pytest.raises(FormatError, match="the key 'units' occurs twice"):
        codec.from_json('{"layers": [{"kind": "Dense", "units": 1, "units": 2}]}')
    for constant in ("NaN", "Infinity", "-Infinity"):
        with pytest.raises(FormatError, match="this is not a number"):
            codec.from_json('{"layers": [{"kind": "Dropout", "rate": RATE}]}'.replace("RATE", constant))
    with pytest.raises(FormatError) as caught:
        codec.from_json('{"layers": [,]}', "net.json")
    assert caught.value.where == "net.json, line 1, column 13"


def test_yaml_refuses_aliases_tags_and_doubled_keys():
    with pytest.raises(FormatError, match="anchors and aliases are refused"):
        codec.from_yaml("layers:\n  - &a {kind: Dense, units: 1}\n  - *a\n")
    with pytest.raises(FormatError, match="tags are refused"):
        codec.from_yaml("layers: !!python/object/apply:os.system ['true']\n")
    with pytest.raises(FormatError, match="the key 'units' occurs twice"):
        codec.from_yaml("layers:\n  - {kind: Dense, units: 1, units: 2}\n")
    with pytest.raises(FormatError, match="this is not YAML"):
        codec.from_yaml("layers: [\n")


def test_a_billion_layers_in_a_short_yaml_are_refused():
    rows = ["a: &a [Flatten, Flatten]"] + [
        f"{b}: &{b} [*{a}, *{a}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ]
    with pytest.raises(FormatError, match="anchors and aliases"):
        codec.from_yaml("\n".join([*rows, "layers: *i"]))


def _nested(depth: int) -> str:
    return '{"layers": [' + '{"kind": "Sequential", "layers": [' * depth + "]}" * depth + "]}"


def test_depth_and_number_of_layers_are_limited(monkeypatch):
    assert codec.from_json(_nested(codec.DEEPEST))
    with pytest.raises(FormatError, match="nested too deeply"):
        codec.from_json(_nested(codec.DEEPEST + 1))
    with pytest.raises(FormatError, match="nested too deeply"):
        codec.from_json(_nested(200_000))
    with pytest.raises(FormatError, match="nested too deeply"):
        codec.from_yaml("layers: " + "[" * 5_000 + "]" * 5_000)
    monkeypatch.setattr(codec, "MOST_NODES", 10)
    with pytest.raises(FormatError, match="too many layers"):
        codec.from_dict({"layers": ["Flatten"] * 11})
    assert len(codec.from_dict({"layers": ["Flatten"] * 10}).layers) == 10


def test_files_that_cannot_be_read(tmp_path, monkeypatch):
    with pytest.raises(FormatError, match="the description cannot be read"):
        codec.read(tmp_path / "missing.json")
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FormatError, match="the description cannot be read"):
        codec.read(binary)
    monkeypatch.setattr(codec, "MOST_BYTES", 100)
    large = tmp_path / "large.json"
    large.write_text(" " * 101)
    with pytest.raises(FormatError, match="too large for a description"):
        codec.read(large)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 99)
    | st.floats()
    | st.sampled_from(["Conv2D", "Dense", "same", "relu", "x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["kind", "layers", "input", "filters", "kernel_size", "units", "body", "branches", "name", "rate"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(JSON, st.lists(JSON, max_size=4))
def test_anything_else_ends_in_one_of_our_errors(data, entries):
    """No input makes the reader fail in a way that the user is not told how to fix."""
    for attempt in (data, {"layers": entries}, {"layers": [{"kind": "Conv2D", "filters": data, "kernel_size": data}]}):
        try:
            network = codec.from_dict(attempt)
        except (FormatError, DescriptionError) as refusal:
            helpful = bool(refusal.where and refusal.fix)
        else:
            helpful = codec.from_dict(codec.to_dict(network)) == network
        assert helpful


def test_yaml_reads_what_json_writes():
    network = zoo.googlenet()
    assert codec.from_yaml(codec.to_json(network)) == network
    assert yaml.safe_load(codec.to_yaml(network)) == codec.to_dict(network)


def test_dense_of_a_file_is_dense():
    assert codec.from_dict({"layers": [{"Dense": {"units": 3}}]}).layers == (Dense(3),)
