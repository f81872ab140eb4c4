"""Layers that do not fit: the whole text of each message; and each repair it offers is applied, and works."""

from __future__ import annotations

import dataclasses

import pytest

from foveal.arithmetic.shapes import trace
from foveal.errors import DescriptionError, ShapeError
from foveal.network import Image, Parallel, Residual, Sequential
from foveal.network.layers import (
    RBF,
    AdaptiveAveragePooling2D,
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Normalization,
    Reshape,
)


def mistake(layers, shape) -> ShapeError:
    with pytest.raises(ShapeError) as caught:
        trace(Sequential(layers), shape)
    return caught.value


def gives(layers, shape) -> str:
    """What comes out: the repaired network works."""
    return str(trace(Sequential(layers), shape)[0].output)


def test_a_window_larger_than_its_input():
    first = Conv2D(8, 3, strides=2)
    error = mistake([first, Conv2D(16, 5, name="conv2")], (9, 9, 1))
    assert str(error) == (
        "conv2: the window is larger than its input\n"
        "  given     input 4 × 4 × 8, kernel_size (5, 5), strides 1, zeros 0 before and 0 after\n"
        "            height: ⌊(4 + 0 + 0 − 5) / 1⌋ + 1, and 4 − 5 = −1 is below 0\n"
        "  expected  a window that spans at most 4 on the height axis\n"
        "  to fix    kernel_size=(4, 4): the largest window that fits\n"
        '        or  padding="same": the output is then ⌈4 / 1⌉ = 4\n'
        "        or  one pooling or stride fewer before this layer, or a larger input picture"
    )
    assert gives([first, Conv2D(16, (4, 4))], (9, 9, 1)) == "1 × 1 × 16"
    assert gives([first, Conv2D(16, 5, padding="same")], (9, 9, 1)) == "4 × 4 × 16"
    assert gives([Conv2D(8, 3), Conv2D(16, 5)], (9, 9, 1)) == "3 × 3 × 16"
    assert gives([first, Conv2D(16, 5)], (11, 11, 1)) == "1 × 1 × 16"


def test_a_window_too_wide_on_one_axis_only():
    error = mistake([Conv2D(4, (3, 7), padding=((0, 0), (1, 1)), name="wide")], (28, 4, 1))
    assert "width: ⌊(4 + 1 + 1 − 7) / 1⌋ + 1, and 6 − 7 = −1 is below 0" in str(error)
    assert error.fix[0] == "kernel_size=(3, 6): the largest window that fits"
    assert gives([Conv2D(4, (3, 6), padding=((0, 0), (1, 1)))], (28, 4, 1)) == "26 × 1 × 4"


def test_a_dilated_window_shows_what_it_spans():
    error = mistake([Conv2D(4, 3, dilation_rate=4, name="dilated")], (8, 8, 1))
    assert str(error) == (
        "dilated: the window is larger than its input\n"
        "  given     input 8 × 8 × 1, kernel_size (3, 3), strides 1, zeros 0 before and 0 after\n"
        "            height: ⌊(8 + 0 + 0 − 9) / 1⌋ + 1, and 8 − 9 = −1 is below 0 (dilation 4: 4 × (3 − 1) + 1 = 9)\n"
        "  expected  a window that spans at most 8 on the height axis\n"
        "  to fix    kernel_size=(2, 2): the largest window that fits\n"
        '        or  padding="same": the output is then ⌈8 / 1⌉ = 8\n'
        "        or  dilation_rate=1\n"
        "        or  one pooling or stride fewer before this layer, or a larger input picture"
    )
    assert gives([Conv2D(4, (2, 2), dilation_rate=4)], (8, 8, 1)) == "4 × 4 × 4"
    assert gives([Conv2D(4, 3, dilation_rate=4, padding="same")], (8, 8, 1)) == "8 × 8 × 4"
    assert gives([Conv2D(4, 3, dilation_rate=1)], (8, 8, 1)) == "6 × 6 × 4"


def test_a_pooling_window_larger_than_its_input():
    error = mistake([MaxPooling2D(2), MaxPooling2D(2), MaxPooling2D(2, name="third")], (5, 5, 3))
    assert error.where == "third"
    assert error.fix[0] == "pool_size=(1, 1): the largest window that fits"
    assert gives([MaxPooling2D(2), MaxPooling2D(2), MaxPooling2D((1, 1))], (5, 5, 3)) == "1 × 1 × 3"
    assert error.fix[1] == 'padding="same": the output is then ⌈1 / 2⌉ = 1'
    assert gives([MaxPooling2D(2), MaxPooling2D(2), MaxPooling2D(2, padding="same")], (5, 5, 3)) == "1 × 1 × 3"


def test_channels_that_groups_do_not_divide():
    error = mistake([Conv2D(10, 3), Conv2D(12, 3, groups=4, name="grouped")], (28, 28, 1))
    assert str(error) == (
        "grouped: groups do not divide the channels that come in\n"
        "  given     input 26 × 26 × 10: 10 channels / 4 groups = 2.5\n"
        "  expected  a divisor of 2, the greatest common divisor of 10 channels and 12 filters: 1, 2\n"
        "  to fix    groups=2\n"
        "        or  12 filters in the layer before"
    )
    assert gives([Conv2D(10, 3), Conv2D(12, 3, groups=2)], (28, 28, 1)) == "24 × 24 × 12"
    assert gives([Conv2D(12, 3), Conv2D(12, 3, groups=4)], (28, 28, 1)) == "24 × 24 × 12"


def test_groups_that_do_not_divide_filters():
    with pytest.raises(DescriptionError) as caught:
        Conv2D(10, 3, groups=4, name="grouped")
    assert str(caught.value) == (
        "grouped: groups must divide filters, so that each group makes equally many\n"
        "  given     filters=10, groups=4: 10 / 4 = 2.5\n"
        "  expected  a divisor of 10: 1, 2, 5, 10\n"
        "  to fix    groups=5\n"
        "        or  filters=12"
    )
    assert Conv2D(10, 3, groups=5).groups == 5
    assert Conv2D(12, 3, groups=4).filters == 12


def test_a_residual_that_changes_channels_and_size():
    body = [Conv2D(64, 3, strides=2, padding="same")]
    error = mistake([Residual(body, name="block1")], (56, 56, 32))
    assert str(error) == (
        "block1: shapes that differ cannot be added\n"
        "  given     block1/body gives 28 × 28 × 64\n"
        "            the shortcut gives 56 × 56 × 32\n"
        "  expected  one and the same shape on every branch, since values are added place by place\n"
        "  to fix    shortcut=[Conv2D(64, 1, strides=2)]: a projection (He et al. 2015, option B)"
    )
    assert gives([Residual(body, shortcut=[Conv2D(64, 1, strides=2)])], (56, 56, 32)) == "28 × 28 × 64"


@pytest.mark.parametrize(("n", "stride"), [(57, 2), (56, 3), (9, 4), (7, 1)])
def test_the_projection_that_is_offered_fits_at_any_size(n, stride):
    body = [Conv2D(8, 3, strides=stride, padding="same")]
    error = mistake([Residual(body)], (n, n, 4))
    shortcut = eval(error.fix[0].split(":")[0].removeprefix("shortcut="), {"Conv2D": Conv2D})
    assert gives([Residual(body, shortcut)], (n, n, 4)) == gives(body, (n, n, 4))


def test_a_residual_that_shrinks():
    error = mistake([Residual([Conv2D(8, 3)], name="block")], (10, 10, 8))
    assert 'padding="same" and strides=1 in every layer of the body keep height and width' in error.fix
    assert gives([Residual([Conv2D(8, 3, padding="same")])], (10, 10, 8)) == "10 × 10 × 8"


def test_branches_that_cannot_be_added():
    branches = {"a": [Conv2D(8, 1)], "b": [Conv2D(12, 1)]}
    error = mistake([Parallel(branches, merge="add", name="sum")], (7, 7, 3))
    assert str(error) == (
        "sum: shapes that differ cannot be added\n"
        "  given     sum/a gives 7 × 7 × 8\n"
        "            sum/b gives 7 × 7 × 12\n"
        "  expected  one and the same shape on every branch, since values are added place by place\n"
        "  to fix    12 filters in the last layer of sum/a\n"
        '        or  merge="concat", if only channels differ'
    )
    assert gives([Parallel({**branches, "a": [Conv2D(12, 1)]}, merge="add")], (7, 7, 3)) == "7 × 7 × 12"
    assert gives([Parallel(branches, merge="concat")], (7, 7, 3)) == "7 × 7 × 20"


def test_branches_that_cannot_be_concatenated():
    branches = {"1x1": [Conv2D(64, 1)], "3x3": [Conv2D(96, 3)]}
    error = mistake([Parallel(branches, name="inception_3a")], (28, 28, 192))
    assert str(error) == (
        "inception_3a: feature maps of different sizes cannot be concatenated\n"
        "  given     inception_3a/1x1 gives 28 × 28 × 64\n"
        "            inception_3a/3x3 gives 26 × 26 × 96\n"
        "            28 × 28 is not 26 × 26\n"
        "  expected  equal height and width on every branch; channels may differ and add up\n"
        '  to fix    padding="same" and equal strides in all layers of the branches\n'
        "        or  a Sequential of them, if one should follow the other"
    )
    same = {"1x1": [Conv2D(64, 1, padding="same")], "3x3": [Conv2D(96, 3, padding="same")]}
    assert gives([Parallel(same)], (28, 28, 192)) == "28 × 28 × 160"
    assert gives([Sequential([Conv2D(64, 1), Conv2D(96, 3)])], (28, 28, 192)) == "26 × 26 × 96"


def test_a_vector_beside_a_picture_cannot_be_concatenated():
    error = mistake([Parallel([[Flatten()], [Conv2D(4, 1)]], name="mixed")], (6, 6, 2))
    assert "a vector (n values)" in str(error)
    assert "a picture (height × width × channels)" in str(error)
    assert error.fix == ("the same kind of layer at the end of every branch",)
    assert gives([Parallel([[Flatten()], [Conv2D(4, 1), Flatten()]])], (6, 6, 2)) == "216"


def test_dense_on_feature_maps():
    before = [Conv2D(64, 3)]
    error = mistake([*before, Dense(10, name="output")], (5, 5, 32))
    assert str(error) == (
        "output: Dense connects every input to every unit, so it needs a vector\n"
        "  given     input 3 × 3 × 64, a picture (height × width × channels)\n"
        "  expected  a vector (n values)\n"
        "  to fix    Flatten() before it: 3 × 3 × 64 = 576 values, 576 weights a unit\n"
        "        or  GlobalAveragePooling2D() before it: 64 values, one a feature map, whatever the size"
    )
    assert gives([*before, Flatten(), Dense(10)], (5, 5, 32)) == "10"
    assert gives([*before, GlobalAveragePooling2D(), Dense(10)], (5, 5, 32)) == "10"


def test_dense_on_maps_of_unknown_size_offers_no_flatten():
    error = mistake([Conv2D(64, 3), Dense(10)], (None, None, 3))
    assert error.fix == ("GlobalAveragePooling2D() before it: 64 values, one a feature map, whatever the size",)
    assert gives([Conv2D(64, 3), GlobalAveragePooling2D(), Dense(10)], (None, None, 3)) == "10"


def test_flatten_on_maps_of_unknown_size():
    error = mistake([Flatten(), Dense(10)], (None, 28, 3))
    assert error.where == "flatten_1"
    assert error.fix == (
        "GlobalAveragePooling2D() in its place: it takes any size",
        "AdaptiveAveragePooling2D((4, 4)) before it",
    )
    assert gives([GlobalAveragePooling2D(), Dense(10)], (None, 28, 3)) == "10"
    assert gives([AdaptiveAveragePooling2D((4, 4)), Flatten(), Dense(10)], (None, 28, 3)) == "10"


def test_a_convolution_on_a_vector():
    error = mistake([Flatten(), Conv2D(8, 3, name="late")], (28, 28, 1))
    assert str(error) == (
        "late: Conv2D needs a picture (height × width × channels)\n"
        "  given     input 784, a vector (n values)\n"
        "  expected  a picture (height × width × channels)\n"
        "  to fix    Reshape((28, 28, 1)) before it\n"
        "        or  take out the Flatten before it"
    )
    assert gives([Flatten(), Reshape((28, 28, 1)), Conv2D(8, 3)], (28, 28, 1)) == "26 × 26 × 8"
    assert gives([Conv2D(8, 3)], (28, 28, 1)) == "26 × 26 × 8"


@pytest.mark.parametrize("values", [784, 3072, 30])
def test_the_picture_that_a_vector_may_become(values):
    error = mistake([Conv2D(8, 1)], values)
    reshape = eval(error.fix[0].removesuffix(" before it"), {"Reshape": Reshape})
    assert gives([reshape, Conv2D(8, 1)], values).endswith("× 8")


def test_layers_of_another_rank():
    error = mistake([Conv1D(8, 3)], (28, 28, 1))
    assert error.fix == ("Conv2D", "Reshape((28, 28)) before it: the rows as a sequence")
    assert gives([Reshape((28, 28)), Conv1D(8, 3)], (28, 28, 1)) == "26 × 8"
    error = mistake([Conv3D(8, 3)], (28, 28, 1))
    assert error.fix[0] == "Conv2D"
    assert error.fix[1] == "Reshape((1, 28, 28, 1)) before it: a film of one picture"
    assert gives([Reshape((1, 28, 28, 1)), Conv3D(8, (1, 3, 3))], (28, 28, 1)) == "1 × 26 × 26 × 8"
    error = mistake([Conv2D(8, 3)], (16, 28, 28, 1))
    assert error.fix == ("Conv3D",)
    error = mistake([Conv2D(8, 1)], (100, 4))
    assert error.fix == ("Reshape((100, 4, 1)) before it", "Conv1D")
    assert gives([Reshape((100, 4, 1)), Conv2D(8, 1)], (100, 4)) == "100 × 4 × 8"


def test_a_transposed_convolution_that_cuts_everything():
    error = mistake([Conv2DTranspose(4, 2, padding=3, name="up")], (3, 3, 1))
    assert str(error) == (
        "up: the padding cuts away the whole output\n"
        "  given     input 3 × 3 × 1, kernel_size 2, strides 1, cut 3 before and 3 after\n"
        "            (3 − 1) × 1 + 1 × (2 − 1) + 1 − 3 − 3 + 0 = -2\n"
        "  expected  an output of at least 1\n"
        '  to fix    padding="same"\n'
        '        or  padding="valid"'
    )
    assert gives([Conv2DTranspose(4, 2, padding="same")], (3, 3, 1)) == "3 × 3 × 4"
    assert gives([Conv2DTranspose(4, 2, padding="valid")], (3, 3, 1)) == "4 × 4 × 4"


def test_a_reshape_to_another_number_of_values():
    error = mistake([Reshape((7, 7, 10), name="shape")], 500)
    assert str(error) == (
        "shape: the target shape holds another number of values\n"
        "  given     input 500 = 500 values; 7 × 7 × 10 = 490\n"
        "  expected  sizes whose product is 500\n"
        "  to fix    Reshape((500,))"
    )
    assert gives([Reshape((500,))], 500) == "500"
    error = mistake([Reshape((7, 7, 10))], 980)
    assert error.fix[0] == "Reshape((7, 7, -1))"
    assert gives([Reshape((7, 7, -1))], 980) == "7 × 7 × 20"


def test_a_connection_table_beyond_the_channels():
    table = ((0, 1), (1, 5))
    error = mistake([Conv2D(4, 3), Conv2D(2, 3, connections=table, name="C3")], (9, 9, 1))
    assert str(error) == (
        "C3: the connection table names a channel that is not there\n"
        "  given     input 7 × 7 × 4; row 1 of the table is (1, 5)\n"
        "  expected  channels 0 to 3\n"
        "  to fix    6 filters in the layer before\n"
        "        or  connections=None"
    )
    assert gives([Conv2D(6, 3), Conv2D(2, 3, connections=table)], (9, 9, 1)) == "5 × 5 × 2"
    assert gives([Conv2D(4, 3), Conv2D(2, 3, connections=None)], (9, 9, 1)) == "5 × 5 × 2"


def test_digit_bitmaps_for_something_else():
    error = mistake([RBF(10, kernel_initializer="digit_bitmaps", name="Out")], 64)
    assert error.fix == ('kernel_initializer="random_signs"', "Dense(84) before it, and units=10")
    assert gives([RBF(10, kernel_initializer="random_signs")], 64) == "10"
    assert gives([Dense(84), RBF(10, kernel_initializer="digit_bitmaps")], 64) == "10"


def test_constants_for_other_channels():
    error = mistake([Normalization((0.5, 0.5, 0.5), 0.25, name="centre")], (28, 28, 1))
    assert error.where == "centre"
    assert "1 channel; 3 means, 1 variances" in str(error.given)
    assert error.fix == ("one mean and variance for all channels",)
    assert gives([Normalization(0.5, 0.25)], (28, 28, 1)) == "28 × 28 × 1"


def test_the_path_leads_into_branches():
    inner = Sequential([Conv2D(4, 3), Conv2D(4, 9, name="big")], name="stage")
    error = mistake([Residual([Parallel({"deep": [inner]}, name="mixed")], name="block")], (8, 8, 4))
    assert error.where == "block/body/mixed/deep/stage/big"


def test_what_was_computed_up_to_the_failure_is_kept():
    error = mistake([Conv2D(4, 3), MaxPooling2D(2), Conv2D(4, 9), Flatten()], (8, 8, 1))
    assert [(step.path, step.output) for step in error.traced[1:]] == [
        ("conv2d_1", Image(6, 6, 4)),
        ("max_pooling2d_1", Image(3, 3, 4)),
        ("conv2d_2", None),
    ]
    assert error.traced[0].output is None


def test_a_network_without_an_input_shape():
    with pytest.raises(DescriptionError) as caught:
        trace(Sequential([Flatten()], name="nameless"))
    assert str(caught.value) == (
        "nameless: the network has no input shape\n"
        "  expected  the shape of one sample: height × width × channels, or the number of values\n"
        "  to fix    input_shape=(28, 28, 1) on the first layer\n"
        "        or  `--input 28x28x1` on the command line"
    )
    assert trace(Sequential([Flatten(input_shape=(28, 28, 1))]))[0].output
    assert dataclasses.replace(Sequential([Flatten()]), input_shape=4).input_shape is not None
