"""Compositions and paths: how layers are numbered, found, put together, and what is refused."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import DescriptionError, RuleMissing, UnknownName
from foveal.network import (
    Auxiliary,
    Image,
    Parallel,
    Residual,
    Sequence,
    Sequential,
    Tokens,
    Vector,
    Volume,
    as_shape,
    walk,
)
from foveal.network import find as find_node
from foveal.network.interpreter import Interpreter
from foveal.network.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from foveal.network.node import snake_case


def paths(network) -> list[str]:
    return [path for path, _ in walk(network)]


def test_layers_are_numbered_by_kind_as_keras_numbers_them():
    network = Sequential([Conv2D(8, 3), MaxPooling2D(2), Conv2D(8, 3), Flatten(), Dense(4), Dense(2)])
    assert paths(network) == ["", "conv2d_1", "max_pooling2d_1", "conv2d_2", "flatten_1", "dense_1", "dense_2"]


def test_names_of_one_s_own_are_kept_and_not_given_again():
    network = Sequential([Conv2D(8, 3), Conv2D(8, 3, name="conv2d_1"), Conv2D(8, 3, name="stem"), Conv2D(8, 3)])
    assert paths(network)[1:] == ["conv2d_2", "conv2d_1", "stem", "conv2d_3"]


def test_paths_lead_through_every_composition():
    network = Sequential(
        [
            Sequential([Conv2D(8, 3)], name="features"),
            Parallel({"left": [Conv2D(8, 1)], "right": []}, name="mixed"),
            Parallel([[Conv2D(8, 1)], [Dropout(0.1)]]),
            Residual([Conv2D(8, 1)], name="block"),
            Residual([Conv2D(8, 1)], shortcut=[Conv2D(8, 1)]),
            Auxiliary([Flatten(), Dense(3)], name="aux"),
        ]
    )
    assert paths(network) == [
        "", "features", "features/conv2d_1", "mixed", "mixed/left", "mixed/left/conv2d_1", "mixed/right", "parallel_1",
        "parallel_1/branch_1", "parallel_1/branch_1/conv2d_1", "parallel_1/branch_2", "parallel_1/branch_2/dropout_1",
        "block", "block/body", "block/body/conv2d_1", "residual_1", "residual_1/body", "residual_1/body/conv2d_1",
        "residual_1/shortcut", "residual_1/shortcut/conv2d_1", "aux", "aux/head", "aux/head/flatten_1", "aux/head/dense_1",
    ]  # fmt: skip
    for path, node in walk(network):
        assert find_node(network, path) is node


@given(st.lists(st.sampled_from([None, "a", "b", "dense_1", "dense_2", "dense_3"]), max_size=8))
def test_paths_are_unique_whatever_the_names(names):
    own = [name for name in names if name is not None]
    layers = [Dense(1, name=name) for name in names]
    if len(set(own)) < len(own):
        with pytest.raises(DescriptionError, match="is used twice"):
            Sequential(layers)
    else:
        found = paths(Sequential(layers))
        assert len(set(found)) == len(found) == len(layers) + 1


def test_a_path_that_is_not_there_is_answered_with_near_ones():
    network = Sequential([Sequential([Conv2D(8, 3, name="conv1"), Conv2D(8, 3, name="conv2")], name="features")])
    with pytest.raises(UnknownName) as caught:
        find_node(network, "features/conv3")
    assert str(caught.value) == (
        "features/conv3: the network has no such node\n"
        "  given     path 'features/conv3'\n"
        "  expected  one of: features/conv1, features/conv2\n"
        "  to fix    `foveal show NET` lists all paths"
    )


def test_a_name_used_twice_is_refused_and_both_repairs_work():
    with pytest.raises(DescriptionError) as caught:
        Sequential([Dense(4, name="fc"), Dense(2, name="fc")], name="head")
    assert str(caught.value) == (
        "head: the name 'fc' is used twice\n"
        "  given     2 parts named 'fc'\n"
        "  expected  names that are unique beside each other: they make the path\n"
        '  to fix    name="fc_2" for the second\n'
        "        or  no name: it is then numbered"
    )
    assert paths(Sequential([Dense(4, name="fc"), Dense(2, name="fc_2")])) == ["", "fc", "fc_2"]
    assert paths(Sequential([Dense(4, name="fc"), Dense(2)])) == ["", "fc", "dense_1"]


def test_the_network_takes_the_input_shape_over():
    for network in (
        Sequential([Flatten(input_shape=(28, 28, 1)), Dense(10)]),
        Sequential([Image(28, 28, 1), Flatten(), Dense(10)]),
        Sequential([Flatten(), Dense(10)], input_shape="28x28x1"),
        Sequential([Flatten(), Dense(10)]).with_input((28, 28, 1)),
        Sequential([Flatten(input_shape=(28, 28, 1))]).add(Dense(10)),
    ):
        assert network == Sequential([Flatten(), Dense(10)], input_shape=Image(28, 28, 1))
        assert network.layers[0].input_shape is None


def test_a_shape_in_the_middle_is_refused():
    with pytest.raises(DescriptionError, match="an input shape can only stand first") as caught:
        Sequential([Flatten(), Image(28, 28, 1)])
    assert caught.value.given == "Image(h=28, w=28, c=1) in place 2"


@pytest.mark.parametrize("wrong", [Dense, "Dense", 3, None, [Dense(3)]])
def test_what_is_no_layer_is_refused(wrong):
    with pytest.raises(DescriptionError, match="layers cannot be"):
        Sequential([wrong])


def test_a_class_in_place_of_a_layer_is_told_to_be_called():
    with pytest.raises(DescriptionError) as caught:
        Sequential([Flatten])
    assert caught.value.fix == ("Flatten(…): call it",)


def test_a_layer_in_place_of_a_list():
    with pytest.raises(DescriptionError):
        Sequential(Dense(3))
    assert Residual(Dense(3)) == Residual([Dense(3)])
    with pytest.raises(DescriptionError, match="branches cannot be"):
        Parallel([])


def test_add_leaves_the_old_network_as_it_was():
    old = Sequential([Flatten()])
    new = old.add(Dense(3), Dense(2))
    assert (len(old.layers), len(new.layers)) == (1, 3)


def test_trees_cross_process_borders():
    network = Sequential([Residual([Conv2D(8, 3, padding="same")]), Flatten()], input_shape=(8, 8, 8), name="n")
    assert pickle.loads(pickle.dumps(network)) == network


def test_keras_spelling_of_kinds():
    assert [snake_case(kind) for kind in ("Conv2D", "MaxPooling2D", "GlobalAveragePooling2D", "RBF", "Dense")] == [
        "conv2d",
        "max_pooling2d",
        "global_average_pooling2d",
        "rbf",
        "dense",
    ]


# Shapes ---------------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(1, 300), min_size=1, max_size=4))
def test_a_shape_is_its_axes_channels_last(sizes):
    shape = as_shape(sizes)
    assert type(shape) is {1: Vector, 2: Sequence, 3: Image, 4: Volume}[len(sizes)]
    assert shape.axes == tuple(sizes)
    assert shape.channels == sizes[-1]
    assert shape.spatial == tuple(sizes[:-1])
    assert as_shape("x".join(map(str, sizes))) == shape == as_shape(str(shape))
    product = 1
    for size in sizes:
        product *= size
    assert shape.size == product
    assert shape.resized(shape.spatial, 7).axes == (*sizes[:-1], 7)


def test_sizes_that_vary():
    assert as_shape("?x?x3") == as_shape((None, None, 3)) == Image(None, None, 3)
    assert as_shape((None, None, 3)).size is None
    assert str(Image(None, 28, 3)) == "? × 28 × 3"
    assert (Tokens(12).channels, Tokens(12).spatial, Tokens(12).size) == (1, (12,), 12)
    for wrong in (lambda: Image(28, 28, None), lambda: Vector(None), lambda: Image(0, 1, 1), lambda: Image(2.0, 1, 1)):
        with pytest.raises(DescriptionError, match="is not a size"):
            wrong()


@pytest.mark.parametrize("wrong", ["28y28", "", "28x", (), (1, 2, 3, 4, 5), object()])
def test_what_is_no_shape(wrong):
    with pytest.raises(DescriptionError) as caught:
        as_shape(wrong)
    assert caught.value.problem == "this is not a shape"
    assert as_shape((28, 28, 1)) == as_shape("28x28x1"), "the repair"


# Interpreters ---------------------------------------------------------------------------------------------------------


def test_a_layer_without_a_rule_is_an_error_that_names_both():
    interpreter: Interpreter = Interpreter("taste")
    interpreter.rule(Dense, Flatten)(lambda layer: layer.kind)
    assert interpreter.for_node(Dense(3))(Dense(3)) == "Dense"
    with pytest.raises(RuleMissing) as caught:
        interpreter.for_node(Dropout(0.5), "classifier/dropout_1")
    assert caught.value.where == "classifier/dropout_1"
    assert caught.value.problem == "there is no rule for the taste of Dropout"


def test_a_rule_is_for_the_exact_kind_and_given_once():
    interpreter: Interpreter = Interpreter("taste")
    interpreter.rule(Dense)(lambda layer: 1)
    with pytest.raises(AssertionError, match="two rules for the taste of Dense"):
        interpreter.rule(Dense)(lambda layer: 2)


def test_compositions_are_nested_to_a_bounded_depth():
    from foveal.network.layers import TimeDistributed
    from foveal.network.tree import DEEPEST

    def nested(depth, wrap):
        node = Conv2D(1, 1)
        for _ in range(depth):
            node = wrap(node)
        return node

    assert Sequential([nested(DEEPEST - 1, lambda node: Sequential([node]))], input_shape=(4, 4, 1))
    for wrap in (
        lambda n: Sequential([n]),
        lambda n: Residual([n]),
        lambda n: Parallel([[n]]),
        lambda n: Auxiliary([n]),
    ):
        with pytest.raises(DescriptionError, match="nested too deeply") as caught:
            nested(5_000, wrap)
        assert caught.value.fix
    with pytest.raises(DescriptionError, match="layer cannot be"):
        nested(5_000, TimeDistributed)
