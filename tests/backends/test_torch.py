"""The module that a network becomes: names, memory, modes, arrays in and out."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch

from foveal import zoo
from foveal.backends.torch import Network, as_nchw, build, evaluating, layer_outputs, owns_result
from foveal.backends.torch_layers import compositions
from foveal.backends.torch_layers.activations import Activation
from foveal.errors import DataError, DescriptionError, RuleMissing, ShapeError, TrainingError, UnknownName
from foveal.network import L1, L1L2, L2, Auxiliary, Parallel, Residual, Sequential, layers, walk
from foveal.network.node import Node


def pictures(n: int, *shape: int) -> torch.Tensor:
    return torch.rand((n, *shape), generator=torch.Generator().manual_seed(0))


def small(**arguments: object) -> Sequential:
    return Sequential(
        [layers.Conv2D(4, 3, activation="relu", name="conv"), layers.Flatten(), layers.Dense(3, name="head")],
        input_shape=(6, 6, 2),
        **arguments,  # type: ignore[arg-type]
    )


# Names ----------------------------------------------------------------------------------------------------------------


def test_modules_and_tensors_carry_the_trees_names() -> None:
    network = Sequential([Sequential([layers.Conv2D(4, 3, name="conv1")], name="features")], input_shape=(6, 6, 2))
    module = build(network)
    assert module.features.conv1 is module.node("features/conv1")
    assert list(module.state_dict()) == ["features.conv1.weight", "features.conv1.bias"]
    assert [name.replace(".", "/") for name, _ in module.named_modules()] == [path for path, _ in walk(network)]


AWKWARD = [
    "type",
    "forward",
    "training",
    "train",
    "eval",
    "weight",
    "_modules",
    "network",
    "add_module",
    "_parameters",
    "T",
]


@pytest.mark.parametrize("name", AWKWARD)
def test_a_node_may_have_any_name(name: str) -> None:
    inner = Sequential([layers.Conv2D(2, 3, padding="same", name=name)], name=name)
    network = Sequential(
        [inner, Residual([layers.BatchNormalization(name=name)]), Parallel({name: []})], input_shape=(5, 5, 2)
    )
    module = build(network)
    module.train().eval()
    assert not any(part.training for part in module.modules())
    assert f"{name}.{name}.weight" in module.state_dict()
    assert isinstance(module.node(f"{name}/{name}"), torch.nn.Module)
    copied = copy.deepcopy(module)
    copied.load_state_dict(module.state_dict())
    x = pictures(2, 2, 5, 5)
    assert torch.equal(copied(x), module(x))
    assert torch.equal(pickle.loads(pickle.dumps(module))(x), module(x))


def test_a_part_can_be_replaced_as_in_any_module() -> None:
    module = build(small())
    module.head = torch.nn.Linear(64, 7)
    assert module(pictures(2, 2, 6, 6)).shape == (2, 7)


def test_an_unknown_path_offers_near_ones() -> None:
    with pytest.raises(UnknownName, match="the network has no such node") as caught:
        build(small()).node("con")
    assert "conv" in str(caught.value)


# Memory ---------------------------------------------------------------------------------------------------------------


def test_feature_maps_stay_in_channels_last_memory_and_are_flattened_without_a_copy() -> None:
    network = Sequential(
        [layers.Conv2D(8, 3, strides=2, padding="same"), layers.BatchNormalization(), layers.Activation("relu"),
         layers.MaxPooling2D(2), layers.Conv2D(4, 1), layers.LayerNormalization(), layers.LocalResponseNormalization(),
         Residual([layers.Conv2D(4, 3, padding="same")]), layers.Flatten()],
        input_shape=(28, 28, 1),
    )  # fmt: skip
    module = build(network)
    flat: dict[str, int] = {}
    module.flatten_1.register_forward_hook(
        lambda part, inputs, out: flat.update(before=inputs[0].data_ptr(), after=out.data_ptr())
    )
    for path, found in layer_outputs(module, pictures(2, 1, 28, 28)).items():
        if found.dim() == 4:
            assert found.is_contiguous(memory_format=torch.channels_last), path
    assert flat["before"] == flat["after"]


def test_flatten_runs_channels_fastest() -> None:
    x = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)
    module = build(Sequential([layers.Flatten()], input_shape=(3, 4, 5)))
    assert np.array_equal(module.predict(x), x.reshape(2, -1))


# In place -------------------------------------------------------------------------------------------------------------

BRANCHED = Sequential(
    [
        layers.Conv2D(4, 3, padding="same", use_bias=False),
        layers.BatchNormalization(),
        layers.Activation("relu"),
        Residual([layers.Activation("relu"), layers.Conv2D(4, 3, padding="same"), layers.BatchNormalization()]),
        layers.Activation("tanh"),
        layers.Activation("sigmoid"),
        Residual([layers.Conv2D(4, 1, activation="relu")], shortcut=[layers.Conv2D(4, 1), layers.Activation("elu")]),
        Auxiliary([layers.Activation("relu"), layers.Flatten(), layers.Dense(2)]),
        Parallel([[], [layers.Activation("leaky_relu")], [layers.BatchNormalization(), layers.Activation("relu")]]),
        layers.Activation("relu"),
        layers.Dropout(0.5),
        layers.Activation("relu"),
        Parallel([[layers.Activation("selu")], []], merge="add"),
        layers.Activation("relu6"),
        layers.Flatten(),
        layers.Dense(2),
    ],
    input_shape=(6, 6, 2),
)


def gradients(module: Network, x: torch.Tensor) -> list[torch.Tensor]:
    torch.manual_seed(1)
    x = x.clone().requires_grad_()
    main, side = module(x)
    (main.square().sum() + side[0].square().sum()).backward()
    assert x.grad is not None
    return [x.grad, *(p.grad for p in module.parameters() if p.grad is not None)]


def test_writing_over_changes_no_number() -> None:
    writing, keeping = build(BRANCHED).train(), build(BRANCHED).train().keep_inputs()
    marks = [m.overwrite for m in writing.modules() if isinstance(m, Activation | compositions.Residual)]
    assert True in marks
    assert False in marks
    assert not any(m.overwrite for m in keeping.modules() if isinstance(m, Activation | compositions.Residual))
    x = pictures(3, 2, 6, 6) - 0.5
    for one, other in zip(gradients(writing, x), gradients(keeping, x), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6)  # elu's two formulas round differently


def test_the_first_layer_never_writes_over_the_batch() -> None:
    module = build(Sequential([layers.Activation("relu"), Residual([])], input_shape=(3,)))
    x = torch.tensor([[-1.0, 0.0, 1.0]])
    assert module(x).tolist() == [[0.0, 0.0, 2.0]]
    assert x.tolist() == [[-1.0, 0.0, 1.0]]


@pytest.mark.parametrize(
    ("node", "owned"),
    [
        (layers.Dense(3), True),
        (layers.Conv2D(3, 3, activation="tanh"), False),  # tanh's backward reads its result
        (layers.BatchNormalization(), True),
        (layers.Dropout(0.5), False),  # hands its input on after training
        (Residual([]), True),
        (Parallel([[]]), False),
        (Parallel([[], []]), True),
        (Auxiliary([]), False),  # the head holds it
        (Sequential([layers.Dense(3), layers.Flatten()]), False),
        (Sequential([]), False),
    ],
)
def test_whose_result_may_be_written_over(node: Node, owned: bool) -> None:
    assert owns_result(node, False) is owned


# Side heads -----------------------------------------------------------------------------------------------------------


def test_side_heads_answer_in_training_only() -> None:
    head = [layers.Flatten(), layers.Dense(3)]
    network = Sequential(
        [layers.Conv2D(2, 3), Auxiliary([Auxiliary(head, weight=0.1), *head], weight=0.2), Auxiliary(head), *head],
        input_shape=(6, 6, 1),
    )
    module = build(network)
    assert module.auxiliary_weights == (0.2, 0.1, 0.3)
    x = pictures(2, 1, 6, 6)
    main, side = module.train()(x)
    assert [tuple(part.shape) for part in (main, *side)] == [(2, 3)] * 4
    seen: list[str] = []
    module.node("auxiliary_1/head/dense_1").register_forward_hook(lambda *_: seen.append("head"))
    assert torch.equal(module.eval()(x), main)
    assert seen == []
    assert module.predict(x.permute(0, 2, 3, 1).numpy()).shape == (2, 3)


def test_googlenet_has_its_two_heads() -> None:
    assert build(zoo.tiny("googlenet")).auxiliary_weights == (0.3, 0.3)


# Randomness -----------------------------------------------------------------------------------------------------------


def test_the_same_seed_gives_the_same_bits_whatever_else_draws() -> None:
    torch.manual_seed(1)
    first = build(BRANCHED, seed=7).state_dict()
    torch.rand(5)
    again, other = build(BRANCHED, seed=7).state_dict(), build(BRANCHED, seed=8).state_dict()
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["conv2d_1.weight"], other["conv2d_1.weight"])


def test_building_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    build(BRANCHED)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("maps", [False, True])
def test_dropout_drops_a_share_and_scales_the_rest(maps: bool) -> None:
    layer = layers.SpatialDropout2D(0.25) if maps else layers.Dropout(0.25)
    module = build(Sequential([layer], input_shape=(8, 8, 50))).train()
    torch.manual_seed(0)
    out = module(torch.ones(20, 50, 8, 8))
    assert out.unique().tolist() == [0.0, pytest.approx(1 / 0.75)]
    dropped = (out == 0).float().mean(dim=(2, 3))
    assert (set(dropped.unique().tolist()) == {0.0, 1.0}) is maps
    assert dropped.mean().item() == pytest.approx(0.25, abs=0.05)


# Penalties ------------------------------------------------------------------------------------------------------------


def test_the_penalty_is_the_sum_over_regularised_kernels() -> None:
    network = Sequential(
        [layers.SeparableConv2D(3, 3, kernel_regularizer=L1L2(0.1, 0.2)), layers.Conv2D(2, 1), layers.Flatten(),
         layers.Dense(2, kernel_regularizer=L2(0.5)), layers.Dense(2, kernel_regularizer=L1(0.3))],
        input_shape=(5, 5, 2),
    )  # fmt: skip
    module = build(network)
    tensors = {name: t.detach().double().numpy() for name, t in module.state_dict().items()}
    both = [tensors["separable_conv2d_1.depthwise"], tensors["separable_conv2d_1.pointwise"]]
    expected = sum(0.1 * abs(w).sum() + 0.2 * (w**2).sum() for w in both)
    expected += 0.5 * (tensors["dense_1.weight"] ** 2).sum() + 0.3 * abs(tensors["dense_2.weight"]).sum()
    penalty = module.regularization_loss()
    assert penalty is not None
    assert penalty.item() == pytest.approx(expected, rel=1e-6)
    penalty.backward()
    assert module.dense_1.weight.grad is not None
    assert build(small()).regularization_loss() is None


# Arrays ---------------------------------------------------------------------------------------------------------------


def test_arrays_come_with_channels_last() -> None:
    x = np.random.default_rng(0).random((3, 6, 5, 2), dtype=np.float32)
    batch = as_nchw(x)
    assert batch.shape == (3, 2, 6, 5)
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert batch.data_ptr() == x.ctypes.data  # shared, not copied
    assert np.array_equal(batch.permute(0, 2, 3, 1).numpy(), x)


@pytest.mark.parametrize(
    "array",
    [
        np.full((2, 6, 6, 2), 51, np.uint8),
        np.full((2, 6, 6, 2), 0.2, np.float64),
        np.full((2, 6, 6, 2), 0.2, ">f4"),
        np.full((2, 6, 6, 2), 0.2, np.float16),
        np.full((2, 6, 6, 2), 0.2, np.float32)[:, ::-1],
        np.broadcast_to(np.float32(0.2), (2, 6, 6, 2)),
    ],
    ids=["uint8", "float64", "big-endian", "float16", "reversed", "broadcast"],
)
def test_any_array_of_numbers_is_understood(array: np.ndarray) -> None:  # type: ignore[type-arg]
    module = build(small())
    np.testing.assert_allclose(module.predict(array), module.predict(np.full((2, 6, 6, 2), 0.2, np.float32)), atol=2e-4)


def test_predict_computes_in_pieces_as_in_evaluation_and_leaves_the_modes() -> None:
    module = build(zoo.tiny("vgg11_bn")).train()
    module.features.eval()
    x = np.random.default_rng(0).random((5, *module.input_shape.axes)).astype(np.float32)  # type: ignore[arg-type]
    np.testing.assert_allclose(module.predict(x, batch_size=2), module.predict(x), atol=1e-6)
    assert module.training
    assert not module.features.training
    with evaluating(module):
        assert not module.training


def test_pictures_come_out_with_channels_last_and_grey_ones_may_come_without() -> None:
    module = build(Sequential([layers.Conv2D(3, 3, padding="same")], input_shape=(6, 5, 1)))
    assert module.predict(np.zeros((2, 6, 5), np.uint8)).shape == (2, 6, 5, 3)


def test_words_are_no_numbers() -> None:
    with pytest.raises(DataError, match="holds no numbers"):
        as_nchw(np.array([["a"]]))


# Any size -------------------------------------------------------------------------------------------------------------


def test_unknown_axes_take_any_size_and_still_check_channels() -> None:
    network = Sequential([layers.Conv2D(4, 3, strides=2, padding="same"), layers.AdaptiveMaxPooling2D((2, 2)),
                          layers.Flatten(), layers.Dense(3)], input_shape=(None, None, 2))  # fmt: skip
    module = build(network)
    for size in ((7, 9), (12, 8)):
        assert module(pictures(2, 2, *size)).shape == (2, 3)
    with pytest.raises(ShapeError, match="not of the network's input shape"):
        module(pictures(2, 3, 7, 9))
    module = build(network, (20, 20, 2))
    assert module.input_shape == module.network.input_shape
    assert module.input_shape.axes == (20, 20, 2)


# Refusals -------------------------------------------------------------------------------------------------------------


def refusal(kind: type[Exception], action: object) -> str:
    with pytest.raises(kind) as caught:
        action()  # type: ignore[operator]
    return str(caught.value)


def test_a_batch_of_another_shape_is_explained() -> None:
    assert refusal(ShapeError, lambda: build(small(name="tiny"))(torch.zeros(2, 6, 6, 2))) == (
        "tiny: the batch is not of the network's input shape\n"
        "  given     a batch of shape 2 × 6 × 6 × 2\n"
        "  expected  N × 2 × 6 × 6 (channels first, as inside PyTorch)\n"
        "  to fix    module.predict(array) takes arrays with channels last\n"
        "        or  build(network, input=…) for another size"
    )


def test_whole_numbers_are_refused() -> None:
    text = refusal(DataError, lambda: build(small())(torch.zeros(2, 2, 6, 6, dtype=torch.uint8)))
    assert "network: a network computes on floating-point values" in text
    assert "x.float() / 255" in text


def test_batch_normalisation_of_one_value_is_explained() -> None:
    module = build(Sequential([layers.BatchNormalization(name="bn")], input_shape=3)).train()
    text = refusal(TrainingError, lambda: module(torch.zeros(1, 3)))
    assert "bn: batch normalisation needs more than one value a channel" in text
    assert "a training batch of shape 1 × 3" in text
    assert torch.isfinite(module.bn.running_var).all()
    assert module.eval()(torch.zeros(1, 3)).shape == (1, 3)


def test_a_window_in_the_padding_is_explained() -> None:
    network = Sequential([layers.MaxPooling2D(2, padding=((3, 0), (0, 0)), name="pool")], input_shape=(6, 6, 1))
    text = refusal(ShapeError, lambda: build(network))
    assert "pool: a window lies wholly in the padding: there is no value in it to pool" in text
    assert "at most 1" in text


def test_bitmaps_that_do_not_fit_are_explained() -> None:
    network = Sequential([layers.Dense(3, kernel_initializer="digit_bitmaps", name="head")], input_shape=4)
    text = refusal(DescriptionError, lambda: build(network))
    assert "head: the digit bitmaps are 10 drawings of 7 × 12 = 84 values" in text
    assert "weights of shape 3 × 4" in text


def test_a_layer_without_a_rule_is_named() -> None:
    class Unheard(Node):
        pass

    from foveal.backends.torch_layers import rules

    assert "a/b: there is no rule for the PyTorch module of Unheard" in refusal(
        RuleMissing, lambda: rules.for_node(Unheard(), "a/b")
    )


def test_the_answers_of_a_part_are_those_of_the_whole_cut_in_two():
    encoder = Sequential([layers.Conv2D(3, 3, strides=2, name="conv")], name="encoder")
    decoder = Sequential([layers.Conv2DTranspose(1, 3, strides=2, name="back"), layers.Dropout(0.5)], name="decoder")
    module = build(Sequential([encoder, decoder], input_shape=(9, 7, 1)), seed=1)
    images = np.random.default_rng(0).integers(0, 256, (5, 9, 7, 1)).astype(np.uint8)
    codes = module.predict(images, 2, part="encoder")
    assert codes.shape == (5, 4, 3, 3)
    np.testing.assert_allclose(module.predict(codes, part="decoder"), module.predict(images), atol=1e-6)
    np.testing.assert_allclose(module.predict(codes, 3, part="decoder/back"), module.predict(images), atol=1e-6)
    with pytest.raises(UnknownName, match="no such node"):
        module.predict(images, part="middle")
