"""Every argument of every layer: what is accepted, in which normal form, and what is said to anything else."""

from __future__ import annotations

import dataclasses
import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import DescriptionError
from foveal.network import L1, L1L2, L2, LAYERS, Image, Regularizer, Vector, layers
from foveal.network.activations import ACTIVATIONS, INITIALIZERS
from foveal.network.layers import (
    LSTM,
    RBF,
    Activation,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Dense,
    Dropout,
    Flatten,
    MaxPooling2D,
    Normalization,
    Rescaling,
    Reshape,
    UpSampling2D,
    ZeroPadding2D,
)
from foveal.network.tree import COMPOSITIONS

# The least that each kind must be given.
NEEDED = {"filters": 4, "kernel_size": 3, "units": 4, "rate": 0.5, "activation": "relu", "output_size": 2, "scale": 0.5,
          "target_shape": (2, 2), "branches": [[]], "body": [], "head": [], "layer": LSTM(4), "input_dim": 7,
          "output_dim": 4, "dims": (2, 1), "stddev": 0.1}  # fmt: skip


def least(kind: type, **more: object) -> object:
    """A layer of this kind with the arguments that it must have, and ``more``."""
    given = {
        name: NEEDED[name]
        for name, spec in kind.__dataclass_fields__.items()
        if spec.default is dataclasses.MISSING and name in NEEDED
    }
    return kind(**{**given, **more})


EVERYTHING = {**LAYERS, **COMPOSITIONS}


@pytest.mark.parametrize("kind", EVERYTHING)
def test_every_layer_can_be_made_with_the_least(kind):
    layer = least(EVERYTHING[kind])
    assert layer.kind == kind
    assert layer.name is None
    assert layer.input_shape is None
    assert hash(layer) == hash(least(EVERYTHING[kind]))


@pytest.mark.parametrize("kind", EVERYTHING)
def test_every_layer_is_frozen_and_says_what_it_is(kind):
    layer = least(EVERYTHING[kind])
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.name = "other"
    assert len(EVERYTHING[kind].__doc__ or "") > 20
    assert not (EVERYTHING[kind].__doc__ or "").startswith(f"{kind}("), "the docstring is the dataclass's own"


NONSENSE = (object(), {"a": {1}}, b"3", math.nan, -1, [[[[]]]], "no such thing!")


@pytest.mark.parametrize("kind", EVERYTHING)
def test_nonsense_is_refused_with_the_argument_s_name_and_a_repair(kind):
    for field in fields_of(kind):
        for nonsense in NONSENSE:
            refusal = refused(kind, field, nonsense)
            if refusal is None:  # −1 is a fine offset, and nothing else is fine
                assert (nonsense, field) in {(-1, name) for name in ("scale", "offset", "mean", "target_shape")}
                continue
            assert re.search(r"\n  expected  .", str(refusal))
            assert refusal.fix
            assert all("…=" not in fix for fix in refusal.fix), "the argument's name is missing from the repair"
            assert f"{field}=" in str(refusal) or field in ("input_shape", "variance")


@pytest.mark.parametrize("kind", EVERYTHING)
def test_the_repairs_of_each_argument_work(kind):
    """What the message offers to −1 (or to a string, where −1 is fine) can be typed in."""
    names = {"layers": layers, "regularizers": type("regularizers", (), {"L2": staticmethod(L2)})}
    prose = {"connections", "scale", "offset", "mean", "variance", "layers", "branches", "body", "shortcut", "head"}
    for field in fields_of(kind):
        refusal = refused(kind, field, -1) or refused(kind, field, "no such thing!")
        if field in ("name", "input_shape"):
            continue
        assert refusal is not None
        tried = 0
        for offer in refusal.fix:
            value = re.fullmatch(
                rf"{field}=([^…]+?)(?:, say|, the default| is the nearest.*| \(strength.*| keeps.*| adds.*)?", offer
            )
            if value is not None:
                made = least(EVERYTHING[kind], **{field: eval(value[1], names)})
                assert getattr(made, field) is not None
                tried += 1
            tried += offer == f"leave {field} out" and least(EVERYTHING[kind]) is not None
        assert tried or field in prose or refusal.fix in (("give a number",), ("one of these names",)), refusal.fix


@pytest.mark.parametrize(
    ("made", "fix"),
    [
        (
            lambda: layers.Conv2D(3, 3, 1, "valid", None),
            "leave data_format out (channels are last), and name what follows",
        ),
        (lambda: layers.Conv2D(3, 3, 1, "valid", "channels_last"), "leave data_format out"),
        (lambda: layers.Conv2D(3, 3, "relu"), "activation='relu', by its name"),
        (lambda: layers.Conv2D(3, 3, 1, "swish"), "activation='silu', by its name"),
        (lambda: layers.DepthwiseConv2D(3, "gelu"), "activation='gelu', by its name"),
        (lambda: layers.Dense(3, "relu", "tanh"), "activation='tanh', by its name"),
        (lambda: layers.Conv2D(3, 3, 0), "strides=1, the default"),
        (lambda: layers.Conv1D(3, 3, dilation_rate=0), "dilation_rate=1, the default"),
        (lambda: layers.MaxPooling2D(2, 0), "leave strides out"),
        (lambda: layers.Conv2D(3, 3, padding=None), "padding='valid', the default"),
        (lambda: layers.Dense(3, kernel_initializer=None), "kernel_initializer='glorot_uniform', the default"),
    ],
)
def test_an_argument_in_another_s_place_or_without_need_is_told_so(made, fix):
    with pytest.raises(DescriptionError) as caught:
        made()
    assert len(caught.value.fix) == 1
    assert caught.value.fix[0].startswith(fix)


def fields_of(kind: str) -> list[str]:
    return [name for name in EVERYTHING[kind].__dataclass_fields__ if name != "_"]


def refused(kind: str, field: str, value: object) -> DescriptionError | None:
    """The error that a value gives, or None where it is accepted."""
    try:
        least(EVERYTHING[kind], **{field: value})
    except DescriptionError as error:
        return error
    return None


# Normal forms ---------------------------------------------------------------------------------------------------------


def test_one_number_is_one_for_each_axis():
    assert Conv1D(4, 3).kernel_size == (3,)
    assert Conv2D(4, 3) == Conv2D(4, (3, 3)) == Conv2D(4, [3, 3])
    assert Conv3D(4, 3).strides == (1, 1, 1)
    assert MaxPooling2D(3).strides is None
    assert MaxPooling2D(3).steps == (3, 3)
    assert MaxPooling2D(3, strides=2).steps == (2, 2)


def test_padding_has_three_forms():
    assert Conv2D(4, 3, padding="SAME").padding == "same"
    assert Conv2D(4, 3, padding=2).padding == ((2, 2), (2, 2))
    assert Conv2D(4, 3, padding=(1, 2)).padding == ((1, 1), (2, 2))
    assert Conv2D(4, 3, padding=((0, 1), (2, 3))).padding == ((0, 1), (2, 3))
    assert Conv1D(4, 3, padding=1).padding == ((1, 1),)
    assert ZeroPadding2D().padding == ((1, 1), (1, 1))


def test_names_of_functions_are_a_closed_set_in_any_case():
    assert Dense(4, activation="ReLU").activation == "relu"
    assert Dense(4).activation == "linear"
    for name in ACTIVATIONS:
        assert Activation(name).activation == name
    for name in INITIALIZERS:
        assert Dense(4, kernel_initializer=name).kernel_initializer == name
    with pytest.raises(DescriptionError) as caught:
        Dense(4, activation="rellu")
    assert 'activation="relu"' in caught.value.fix


def test_regularizers():
    assert Dense(4, kernel_regularizer="l2").kernel_regularizer == L2(0.01) == Regularizer(0.0, 0.01)
    assert Dense(4, kernel_regularizer={"l1": 0.5}).kernel_regularizer == L1(0.5)
    assert L1L2(0.1, 0.2) == Regularizer(0.1, 0.2)
    with pytest.raises(DescriptionError, match="l2 cannot be -1"):
        L2(-1)


def test_an_input_shape_is_read_as_people_write_it():
    for written in ((28, 28, 1), [28, 28, 1], "28x28x1", "28 × 28 × 1", Image(28, 28, 1)):
        assert Flatten(input_shape=written).input_shape == Image(28, 28, 1)
    assert Dense(4, input_shape=784).input_shape == Vector(784)


def test_true_is_no_number_and_one_is_no_flag():
    for wrong in (
        lambda: Conv2D(True, 3),
        lambda: Dense(4, use_bias=1),
        lambda: Dropout(False),
        lambda: Conv2D(4, True),
    ):
        with pytest.raises(DescriptionError):
            wrong()


# Ranges ---------------------------------------------------------------------------------------------------------------


@given(st.integers(-5, 40))
def test_filters_are_whole_numbers_from_1(n):
    if n >= 1:
        assert Conv2D(n, 3).filters == n
    else:
        with pytest.raises(DescriptionError) as caught:
            Conv2D(n, 3)
        assert str(caught.value) == (
            f"Conv2D: filters cannot be {n}\n"
            f"  given     filters={n}\n"
            "  expected  a whole number of at least 1\n"
            "  to fix    filters=32, say"
        )


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_a_dropout_rate_is_from_0_up_to_below_1(rate):
    if 0 <= rate < 1:
        assert Dropout(rate).rate == rate
    else:
        with pytest.raises(DescriptionError, match="rate cannot be"):
            Dropout(rate)


@given(st.integers(1, 24), st.integers(1, 24))
def test_groups_divide_filters_or_are_mended(filters, groups):
    if filters % groups == 0:
        assert Conv2D(filters, 3, groups=groups).groups == groups
        return
    with pytest.raises(DescriptionError) as caught:
        Conv2D(filters, 3, groups=groups)
    for repair in caught.value.fix:
        name, number = repair.split("=")
        assert Conv2D(**{"filters": filters, "groups": groups, "kernel_size": 3, name: int(number)})


# Arguments that contradict each other ---------------------------------------------------------------------------------


def said(make) -> str:
    with pytest.raises(DescriptionError) as caught:
        make()
    return str(caught.value)


def test_strides_and_dilation():
    assert said(lambda: Conv2D(4, 3, strides=2, dilation_rate=2, name="both")) == (
        "both: strides and dilation_rate cannot both be above 1: the window would skip what it spreads over\n"
        "  given     strides=(2, 2), dilation_rate=(2, 2)\n"
        "  expected  one of them 1\n"
        "  to fix    strides=1\n"
        "        or  dilation_rate=1"
    )
    assert Conv2D(4, 3, strides=1, dilation_rate=2)
    assert Conv2D(4, 3, strides=2, dilation_rate=1)


def test_connection_tables():
    assert said(lambda: Conv2D(3, 3, connections=[[0], [1]], name="C3")) == (
        "C3: the connection table needs one row for each filter\n"
        "  given     filters=3, 2 rows\n"
        "  expected  3 rows\n"
        "  to fix    filters=2\n"
        "        or  connections=None (every filter sees all channels)"
    )
    assert Conv2D(2, 3, connections=[[1, 0], [1]]).connections == ((0, 1), (1,))
    assert Conv2D(3, 3, connections=None).connections is None
    assert "groups and a connection table" in said(lambda: Conv2D(2, 3, groups=2, connections=[[0], [1]]))
    for wrong in ([], [[]], [[0, 0]], [[-1]], [[True]], [[0.5]], "0"):
        assert "connections cannot be" in said(lambda wrong=wrong: Conv2D(1, 3, connections=wrong))


def test_output_padding():
    assert "output_padding must be less than the stride" in said(lambda: Conv2DTranspose(4, 3, 2, output_padding=2))
    assert Conv2DTranspose(4, 3, 2, output_padding=0)
    assert Conv2DTranspose(4, 3, 3, output_padding=2)
    assert "already fixes the output" in said(lambda: Conv2DTranspose(4, 3, 2, "same", output_padding=1))
    assert Conv2DTranspose(4, 3, 2, "valid", output_padding=1)


def test_normalisation_by_constants():
    assert Normalization(0.5, 0.25).mean == (0.5,)
    assert Normalization((0.1, 0.2, 0.3), 1.0).variance == (1.0,)
    assert "a variance must be above 0" in said(lambda: Normalization(0.0, 0.0))
    assert "disagree on the number of channels" in said(lambda: Normalization((0.1, 0.2), (1.0, 1.0, 1.0)))


def test_reshape_has_one_free_size_at_most():
    assert Reshape((-1, 4)).target_shape == (-1, 4)
    assert Reshape(9).target_shape == (9,)
    for wrong in ((-1, -1), (0, 3), (), (1, 2, 3, 4, 5), (2.5,)):
        assert "target_shape cannot be" in said(lambda wrong=wrong: Reshape(wrong))


# repr -----------------------------------------------------------------------------------------------------------------


def test_a_repr_shows_what_differs_from_the_defaults():
    assert repr(Conv2D(32, (3, 3), activation="relu")) == "Conv2D(filters=32, kernel_size=(3, 3), activation='relu')"
    assert repr(Flatten()) == "Flatten()"
    assert repr(RBF(10, name="Out")) == "RBF(name='Out', units=10)"
    assert repr(Rescaling(2.0, -1.0)) == "Rescaling(scale=2.0, offset=-1.0)"
    assert repr(UpSampling2D((2, 2))) == "UpSampling2D()"


@pytest.mark.parametrize("name", ["a b", "a.b", "a/b", "", "é", "x" * 65, 3, b"x"])
def test_a_name_is_part_of_a_path_and_of_tensor_names(name):
    with pytest.raises(DescriptionError) as caught:
        Flatten(name=name)
    assert caught.value.expected == "1 to 64 letters (A–Z, a–z), digits, _ or -"
    repaired = eval(caught.value.fix[0].removeprefix("name="))
    assert Flatten(name=repaired).name == repaired


@pytest.mark.parametrize("kind", [layers.BatchNormalization, layers.LayerNormalization])
def test_an_axis_is_not_taken_for_a_momentum(kind: Any) -> None:
    """Keras' first argument of the normalisations is the axis: a number without a name is none of ours."""
    with pytest.raises(TypeError, match="positional"):
        kind(1)
