"""What layer classes say of themselves, so that nobody looks at their names: rank, window, family, kin."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import foveal
from foveal.network import layers as kinds
from foveal.network.ending import changes_nothing, kind_of_outputs
from foveal.network.layers import LAYERS, of_rank, pooling
from foveal.network.tree import Sequential


@pytest.mark.parametrize("name", LAYERS)
def test_a_rank_is_the_one_in_keras_name(name):
    written = re.search(r"([123])D", name)
    assert LAYERS[name].rank == (int(written[1]) if written else 0)


@pytest.mark.parametrize("name", LAYERS)
def test_a_family_is_what_a_layer_is_painted_as(name):
    family = "convolution" if "Conv" in name else "pooling" if "Pooling" in name or "Subsampling" in name else "other"
    assert LAYERS[name].family == ("dense" if name in ("Dense", "RBF", "RBM", "Embedding") else family)


def test_windows_and_steps_are_those_in_force():
    assert (kinds.Conv2D(4, (3, 5), strides=2).window, kinds.Conv2D(4, (3, 5), strides=2).steps) == ((3, 5), (2, 2))
    assert (kinds.MaxPooling1D().window, kinds.MaxPooling1D().steps) == ((2,), (2,))
    assert (kinds.DistanceWeightedPooling3D().window, kinds.MinPooling2D(3, 1).steps) == ((3, 3, 3), (1, 1))
    assert (kinds.Dense(4).window, kinds.GlobalMaxPooling2D().window, kinds.Dense(4).steps) == (None, None, ())


def test_poolings_of_a_group_differ_in_rank_alone():
    groups = [value for name, value in vars(pooling).items() if name.isupper()]
    for group in groups:
        for kind in group:
            assert issubclass(kind, kinds.Node)
            assert kind.__module__ == pooling.__name__
    for group in (pooling.MAX, pooling.AVERAGE, pooling.MIN, pooling.L2, pooling.DISTANCE_WEIGHTED, pooling.GLOBAL_MAX):
        assert [kind.rank for kind in group] == [1, 2, 3]
        assert len({kind.__name__.replace(f"{kind.rank}D", "") for kind in group}) == 1
    every = {kind for name, kind in LAYERS.items() if "Pooling" in name}
    assert every == {*pooling.WINDOWED, *pooling.GLOBAL, *pooling.ADAPTIVE}


def test_kin_are_offered_where_they_are():
    assert of_rank(kinds.MaxPooling2D(), 3) == ["MaxPooling3D"]
    assert of_rank(kinds.Conv3D(4, 3), 2) == ["Conv2D"]
    assert of_rank(kinds.Conv2DTranspose(4, 3), 1) == of_rank(kinds.SeparableConv2D(4, 3), 3) == []


def test_what_only_moves_values_leaves_probabilities_what_they_are():
    moving = [kinds.Flatten(), kinds.Reshape((4,)), kinds.Permute((2, 1)), kinds.Cropping1D(1), kinds.UpSampling2D(),
              kinds.AveragePooling1D(), kinds.MaxPooling2D(), kinds.MinPooling3D(), kinds.GlobalAveragePooling2D(),
              kinds.AdaptiveMaxPooling1D(2)]  # fmt: skip
    for layer in moving:
        assert kind_of_outputs(Sequential([kinds.Dense(4, activation="softmax"), layer])) == "softmax"
    for layer in (kinds.L2Pooling2D(), kinds.Dense(4), kinds.ZeroPadding2D(1), kinds.BatchNormalization()):
        assert kind_of_outputs(Sequential([kinds.Dense(4, activation="softmax"), layer])) == "linear"


def test_what_changes_nothing_in_use():
    idle = [kinds.Dropout(0.5), kinds.SpatialDropout2D(0.5), kinds.GaussianNoise(0.1), kinds.Activation("linear")]
    for layer in idle:
        assert changes_nothing(layer)
        assert changes_nothing(kinds.TimeDistributed(layer)) or isinstance(layer, kinds.SpatialDropout2D)
    for layer in (kinds.Activation("relu"), kinds.Dense(4), kinds.Flatten(), kinds.TimeDistributed(kinds.Dense(3))):
        assert not changes_nothing(layer)


def test_nobody_reads_a_kind_out_of_a_name():
    """``kind`` is for people and for files; whoever decides by it asks the class."""
    guesses = (
        r"\.kind\b[^=\n]*\.(starts|ends)with\(",
        r"""["'][123]D["'] in""",
        r"""(row|layer|node|network|child)\.kind (not )?in \(?["']""",
        r"""\b(row|layer|node|network|child)\.kind [!=]= ["']""",
        r"getattr\(kinds",
    )
    for path in Path(foveal.__file__).parent.rglob("*.py"):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            assert line.lstrip().startswith(">>>") or not any(re.search(guess, line) for guess in guesses), (
                f"{path}:{number}: {line}"
            )
