"""The zoo against the numbers of the literature, to the last digit."""

from __future__ import annotations

import pytest

from foveal import zoo
from foveal.arithmetic import counts
from foveal.arithmetic.receptive_field import receptive_fields
from foveal.arithmetic.shapes import trace
from foveal.errors import DescriptionError
from foveal.network import LAYERS, as_shape, layers

# Counts that other implementations print, beside those of facts/published.yaml.
ELSEWHERE = {
    "vgg11": 132_863_336,
    "vgg11_bn": 132_868_840,
    "vgg13": 133_047_848,
    "vgg13_bn": 133_053_736,
    "vgg16_bn": 138_365_992,
    "vgg19": 143_667_240,
    "vgg19_bn": 143_678_248,
    "googlenet": 6_998_552,
    "resnext101_32x8d": 88_791_336,
    "densenet161": 28_681_000,
    "densenet169": 14_149_480,
    "densenet201": 20_013_928,
}


def test_parameters_and_macs_of_the_facts(published, count):
    assert len(published) == 11
    for name, fact in published.items():
        network = zoo.create(name)
        found = count(network)
        assert found.parameters == fact["parameters"], name
        assert found.macs == fact.get("macs", found.macs), name
        assert list(network.input_shape.axes) == fact.get("input", [224, 224, 3]), name
        if "parameters_with_auxiliary_heads" in fact:
            assert found.parameters + found.heads == fact["parameters_with_auxiliary_heads"], name


@pytest.mark.parametrize("name", ELSEWHERE)
def test_parameters_that_others_count(name, count):
    assert count(zoo.create(name)).parameters == ELSEWHERE[name]


@pytest.mark.parametrize("entry", zoo.entries(), ids=lambda entry: entry.name)
def test_the_table_states_what_is_there(entry, count):
    network = zoo.create(entry.name)
    assert count(network).parameters == entry.parameters
    assert network.input_shape == as_shape(entry.input_shape)
    if entry.classes is not None:
        assert trace(network)[0].output.channels == entry.classes or entry.name == "detector"


@pytest.mark.parametrize("entry", zoo.entries(), ids=lambda entry: entry.name)
def test_arithmetic_counts_the_same(entry, count):
    for network in (zoo.create(entry.name), zoo.tiny(entry.name)):
        own = count(network)
        steps = trace(network)
        counted = counts.counted(steps)  # the layers', and an attention's products
        assert {step.path for step in steps if step.node.kind in LAYERS} <= counted.keys()
        for auxiliary, parameters in ((False, own.parameters), (True, own.heads)):
            of_these = [step.path for step in steps if step.auxiliary == auxiliary]
            totals = counts.total(counted[path] for path in of_these if path in counted)
            assert totals.parameters == parameters
            assert auxiliary or totals.macs == own.macs


def test_lenet5_1998_layer_by_layer(count):
    """Section II.B: 156, 12, 1,516, 32, 48,120 and 10,164 parameters, and 122,304 connections in C1."""
    c1 = 6 * (25 + 1)
    s2 = 6 * 2
    c3 = 6 * (3 * 25 + 1) + 9 * (4 * 25 + 1) + 1 * (6 * 25 + 1)
    s4 = 16 * 2
    c5 = 120 * (16 * 25 + 1)
    f6 = 84 * (120 + 1)
    assert (c1, s2, c3, s4, c5, f6) == (156, 12, 1516, 32, 48120, 10164)
    network = zoo.lenet5_1998()
    assert count(network).parameters == c1 + s2 + c3 + s4 + c5 + f6 == 60_000
    first = next(step for step in trace(network) if step.path == "C1")
    assert first.output.h * first.output.w * c1 == 122_304


def test_table_one_of_lenet5():
    """The paper's text: the first six maps see three neighbours, nine see four, the last all; every S2 map is seen by ten."""
    table = next(layer for layer in zoo.lenet5_1998().layers if layer.name == "C3").connections
    assert [len(row) for row in table] == [3] * 6 + [4] * 9 + [6]
    assert len(set(table)) == 16
    assert [sum(source in row for row in table) for source in range(6)] == [10] * 6
    ring = lambda row: [(row[0] + i) % 6 for i in range(len(row))]  # noqa: E731
    turned = [any(set(row) == set(ring((start,) + (0,) * (len(row) - 1))) for start in row) for row in table]
    assert turned == [True] * 12 + [False] * 3 + [True], "contiguous subsets (around the end) but for maps 12 to 14"


def test_mlp_holds_the_lecture_s_8256_parameters():
    hidden = dict(zip(("hidden1", "hidden2", "output"), (784 * 128 + 128, 128 * 64 + 64, 64 * 10 + 10), strict=True))
    assert hidden["hidden2"] == 8256
    assert zoo.entry("mlp").parameters == sum(hidden.values())


def test_mnist_demo_by_hand():
    assert zoo.entry("mnist_demo").parameters == 10 * (25 + 1) + 200 * (14 * 14 * 10 + 1) + 10 * (200 + 1)


def test_alexnet_by_hand():
    """Table 13-2 as it stands; F8 sees 13 × 13 × 256 values."""
    c1, c3 = 96 * (11 * 11 * 3 + 1), 256 * (5 * 5 * 96 + 1)
    c5, c6, c7 = 384 * (9 * 256 + 1), 384 * (9 * 384 + 1), 256 * (9 * 384 + 1)
    f8, f9, out = 4096 * (13 * 13 * 256 + 1), 4096 * (4096 + 1), 1000 * (4096 + 1)
    assert zoo.entry("alexnet").parameters == c1 + c3 + c5 + c6 + c7 + f8 + f9 + out == 201_838_952


def test_fashion_resnet_by_hand():
    def normalised(before, after, kernel=3):
        return kernel * kernel * before * after + 2 * after

    stem, top = normalised(1, 32, 4), normalised(96, 192)
    stages = normalised(32, 48) + 2 * normalised(48, 48) + normalised(48, 96) + 2 * normalised(96, 96)
    assert zoo.entry("fashion_resnet").parameters == stem + stages + top + 192 * 10 + 10 == 432_298
    stem, top = normalised(1, 16), normalised(128, 256)
    stages = normalised(16, 64) + 2 * normalised(64, 64) + normalised(64, 128) + 2 * normalised(128, 128)
    assert zoo.entry("fashion_resnet_large").parameters == stem + stages + top + 256 * 10 + 10 == 750_906


def test_googlenet_s_modules_have_the_parameters_of_table_1(count):
    """The column "params", in 1,024 weights. It is loose itself: 4c is 7 % above it, 5a 5 % below; the others within 2 %."""
    rows = {"3a": 159, "3b": 380, "4a": 364, "4b": 437, "4c": 463, "4d": 580, "4e": 840, "5a": 1072, "5b": 1388}
    weights = dict.fromkeys(rows, 0)
    for step in trace(zoo.googlenet()):
        module = step.path.removeprefix("inception_")[:2]
        if step.path.startswith("inception_") and isinstance(step.node, layers.Conv2D):
            window = step.node.kernel_size[0] * step.node.kernel_size[1]
            weights[module] += window * step.input.channels * step.node.filters
    for module, thousands in rows.items():
        loose = 0.08 if module in ("4c", "5a") else 0.03
        assert weights[module] / 1024 == pytest.approx(thousands, rel=loose), module


def _field(network, path):
    field = receptive_fields(trace(network))[path][0]
    return field.size, field.stride


def test_receptive_field_of_vgg16(published):
    fact = published["vgg16"]
    assert _field(zoo.vgg16(), "features") == (fact["receptive_field"], fact["stride"])


def test_receptive_field_of_resnet50(published):
    """The published 483 is that of the paper's strides; the MACs of the same entry are those of the usual ones."""
    assert _field(zoo.resnet50(stride_on="1x1"), "layer4") == (published["resnet50"]["receptive_field"], 32)
    stem = 7 + 2 * 2
    at_the_3x3 = stem + 3 * 8 + (8 + 3 * 16) + (16 + 5 * 32) + (32 + 2 * 64)
    at_the_1x1 = stem + 3 * 8 + 4 * 16 + 6 * 32 + 3 * 64
    assert (at_the_3x3, at_the_1x1) == (427, 483)
    assert _field(zoo.resnet50(), "layer4") == (at_the_3x3, 32)


def test_receptive_fields_of_araujo_norris_sim():
    """Their table of networks, of which these have the strides where the papers have them."""
    assert _field(zoo.alexnet_2014(), "features") == (195, 32)
    assert _field(zoo.resnet101(stride_on="1x1"), "layer4") == (1027, 32)
    assert _field(zoo.resnet152(stride_on="1x1"), "layer4") == (1507, 32)


def test_multiply_adds_of_the_resnet_paper(count):
    """Table 1's last row, in thousand millions, and the variants of the docstring to the digit."""
    table = {"resnet18": 1.8, "resnet34": 3.6, "resnet50": 3.8, "resnet101": 7.6, "resnet152": 11.3}
    for name, thousand_millions in table.items():
        paper = {"stride_on": "1x1"} if name not in ("resnet18", "resnet34") else {}
        macs = count(zoo.create(name, **paper)).macs
        assert macs / 1e9 == pytest.approx(thousand_millions, abs=0.065), name
    assert count(zoo.resnet50(stride_on="1x1")).macs == 3_857_973_248


def test_where_the_stride_is_changes_no_parameter(count):
    for name in ("resnet50", "resnet101", "resnet152"):
        assert count(zoo.create(name, stride_on="1x1")).parameters == zoo.entry(name).parameters


def test_a_bottleneck_has_two_places_for_a_stride():
    with pytest.raises(DescriptionError) as caught:
        zoo.resnet50(stride_on="5x5")
    assert caught.value.fix == ('stride_on="3x3" (usual)', 'stride_on="1x1" (the paper\'s)')


def test_crnn_by_hand():
    """Five convolutions with their normalisation, an LSTM in each direction, a character for each step."""
    convolutions = 9 * (1 * 16 + 16 * 48 + 48 * 96 + 96 * 96 + 96 * 128) + 2 * (16 + 48 + 96 + 96 + 128)
    reader = 2 * 4 * (128 + 64 + 1) * 64
    assert zoo.entry("crnn").parameters == convolutions + reader + 11 * (2 * 64 + 1) == 343_067
    at = {step.path: str(step.output) for step in trace(zoo.crnn())}
    assert (at["pool4"], at["pool5"], at["columns"]) == ("2 × 48 × 96", "1 × 48 × 128", "48 × 128")
    assert (at["reader"], at["characters"]) == ("48 × 128", "48 × 11")


def test_embedder_by_hand():
    convolutions = 9 * (1 * 32 + 32 * 48 + 48 * 64) + 2 * (32 + 48 + 64)
    assert zoo.entry("embedder").parameters == convolutions + 128 * (64 + 1) == 50_368
