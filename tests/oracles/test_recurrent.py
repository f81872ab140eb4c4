"""Recurrent layers of any size and setting against loops over time; gradients back through time by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.arithmetic.receptive_field import box
from foveal.arithmetic.shapes import trace
from foveal.backends.torch import build
from foveal.network import Sequential, layers
from foveal.network.activations import L1
from tests.oracles import recurrent, reference
from tests.oracles.bridge import answers, single, to_torch, weights_of
from tests.oracles.reference import Array

examples = settings(max_examples=25)
length, channels, units = st.integers(1, 6), st.integers(1, 4), st.integers(1, 4)
BY_HAND = {
    layers.SimpleRNN: recurrent.simple_backward,
    layers.LSTM: recurrent.lstm_backward,
    layers.GRU: recurrent.gru_backward,
}


def drawn(shape: tuple[int, ...], seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


@st.composite
def usual(draw: Any) -> Any:
    """tanh and σ: what goes through PyTorch's kernels, and a GRU that does not."""
    kind = draw(st.sampled_from(list(BY_HAND)))
    more = {"reset_after": draw(st.booleans())} if kind is layers.GRU else {}
    return kind(draw(units), return_sequences=draw(st.booleans()), go_backwards=draw(st.booleans()), **more)


@examples
@given(usual(), length, channels)
def test_forward_and_back_through_time(layer: Any, steps: int, values: int) -> None:
    module, x = single(layer, (steps, values)), drawn((3, steps, values))
    weights = weights_of(module)
    expected = reference.forward(layer, x, weights)
    upstream = drawn(expected.shape, 1)
    out, by_input, by_weight = answers(module, x, upstream)
    np.testing.assert_allclose(out, expected, atol=1e-12)
    dx, found = BY_HAND[type(layer)](layer, x, weights, upstream)
    np.testing.assert_allclose(by_input, dx, atol=1e-11)
    assert by_weight.keys() == found.keys()
    for name, gradient in found.items():
        np.testing.assert_allclose(by_weight[name], gradient, atol=1e-11, err_msg=name)


@st.composite
def any_function(draw: Any) -> Any:
    kind = draw(st.sampled_from(list(BY_HAND)))
    names = st.sampled_from(["linear", "tanh", "sigmoid", "relu", "softsign", "softmax"])
    more: dict[str, Any] = {"activation": draw(names), "use_bias": draw(st.booleans())}
    if kind is not layers.SimpleRNN:
        more["recurrent_activation"] = draw(st.sampled_from(["sigmoid", "hard_sigmoid", "tanh"]))
    if kind is layers.GRU:
        more["reset_after"] = draw(st.booleans())
    return kind(draw(units), return_sequences=draw(st.booleans()), go_backwards=draw(st.booleans()), **more)


@examples
@given(any_function(), length, channels)
def test_any_function(layer: Any, steps: int, values: int) -> None:
    module, x = single(layer, (steps, values)), drawn((2, steps, values))
    np.testing.assert_allclose(answers(module, x)[0], reference.forward(layer, x, weights_of(module)), atol=1e-11)


@examples
@given(any_function(), length, channels, st.sampled_from(["concat", "sum", "mul", "ave"]))
def test_both_directions(layer: Any, steps: int, values: int, merge: str) -> None:
    both = layers.Bidirectional(layer, merge)
    module, x = single(both, (steps, values)), drawn((2, steps, values))
    np.testing.assert_allclose(answers(module, x)[0], reference.forward(both, x, weights_of(module)), atol=1e-11)


@pytest.mark.parametrize("kind", [layers.SimpleRNN, layers.LSTM, layers.GRU])
def test_the_kernel_and_the_loop_agree_in_float32(kind: Any) -> None:
    """The same tensors through PyTorch's kernel, and step by step."""
    network = Sequential([kind(9, return_sequences=True, name="a")], input_shape=(12, 5))
    module, x = build(network, seed=1), torch.randn(4, 5, 12)
    whole = module(x)
    part: Any = module.node("a")
    assert part.kernel is not None
    part.kernel = None
    torch.testing.assert_close(module(x), whole, rtol=1e-5, atol=1e-6)


def test_first_values_are_those_of_keras() -> None:
    """U has orthonormal columns over all gates together, b_f is 1, the other biases 0; Glorot counts all gates."""
    part: Any = build(Sequential([layers.LSTM(16, name="a")], input_shape=(5, 8)), seed=3).node("a")
    u = part.recurrent_weight.detach()
    torch.testing.assert_close(u.T @ u, torch.eye(16), rtol=0, atol=1e-5)
    assert part.bias.detach().reshape(4, 16).sum(1).tolist() == [0, 16, 0, 0]
    bound = (6 / (8 + 64)) ** 0.5
    assert 0.9 * bound < float(part.weight.detach().abs().max()) <= bound
    plain: Any = build(Sequential([layers.LSTM(16, unit_forget_bias=False, name="a")], input_shape=(5, 8))).node("a")
    assert not plain.bias.detach().any()


def test_dropout_takes_the_same_channels_at_every_step() -> None:
    """With W the identity and U zero, what comes out of a linear layer is what was kept, times 1 / (1 − rate)."""
    layer = layers.SimpleRNN(
        6,
        "linear",
        False,
        kernel_initializer="zeros",
        recurrent_initializer="zeros",
        dropout=0.5,
        return_sequences=True,
    )
    module = build(Sequential([layer], input_shape=(4, 6)))
    with torch.no_grad():
        next(module.parameters()).copy_(torch.eye(6))
    torch.manual_seed(0)
    out = module.train()(torch.ones(50, 6, 4))
    assert set(out.unique().tolist()) == {0.0, 2.0}
    assert bool((out == out[:, :, :1]).all())
    assert 0.3 < float((out[:, :, 0] == 0).float().mean()) < 0.7
    assert bool((module.eval()(torch.ones(2, 6, 4)) == 1).all())


def test_dropout_of_the_state_takes_the_same_units_at_every_step() -> None:
    """With W = 0, U the identity, and each step adding 1, a unit that is kept doubles, one that is dropped stays at 1."""
    layer = layers.SimpleRNN(
        40, "linear", kernel_initializer="zeros", recurrent_initializer="zeros", bias_initializer="ones",
        recurrent_dropout=0.5, return_sequences=True,
    )  # fmt: skip
    module = build(Sequential([layer], input_shape=(4, 1), name="n"))
    with torch.no_grad():
        dict(module.named_parameters())["simple_rnn_1.recurrent_weight"].copy_(torch.eye(40))
    torch.manual_seed(0)
    out = module.train()(torch.zeros(1, 1, 4))[0]
    found = {tuple(row) for row in out.tolist()}
    assert found == {(1.0, 1.0, 1.0, 1.0), (1.0, 3.0, 7.0, 15.0)}


def test_inner_layers_pay_their_penalty() -> None:
    """0.5 · Σ|W| of both directions' W, not of U."""
    both = layers.Bidirectional(layers.GRU(3, kernel_regularizer=L1(0.5)))
    module = build(Sequential([both], input_shape=(4, 2)))
    found = weights_of(module)
    expected = 0.5 * sum(np.abs(found[f"{way}_layer.weight"]).sum() for way in ("forward", "backward"))
    penalty = module.regularization_loss()
    assert penalty is not None
    assert penalty.item() == pytest.approx(expected, rel=1e-5)


def test_a_film_is_seen_up_to_its_frame() -> None:
    """A convolution and a flattening on each frame, then a state: what a step answers to is what the arithmetic says."""
    network = Sequential(
        [
            layers.TimeDistributed(layers.Conv2D(2, 3)),
            layers.TimeDistributed(layers.Flatten()),
            layers.GRU(3, return_sequences=True, name="past"),
            layers.TimeDistributed(layers.Dense(2)),
        ],
        input_shape=(5, 4, 6, 1),
    )
    module, steps = build(network, seed=4), trace(network)
    x = torch.randn(1, 1, 5, 4, 6, requires_grad=True)
    for t in range(5):
        (gradient,) = torch.autograd.grad(module(x)[:, :, t].sum(), x)
        seen = [tuple(np.flatnonzero(gradient[0, 0].sum(axes))[[0, -1]]) for axes in ((1, 2), (0, 2), (0, 1))]
        for path in ("past", "time_distributed_3"):
            assert box(steps, path, (t,)).clipped == tuple(seen) == ((0, t), (0, 3), (0, 5))


def test_frames_do_not_meet() -> None:
    """A layer on each step of a film: a frame's output has no gradient from another frame."""
    each = layers.TimeDistributed(layers.Conv2D(2, 3))
    module, x = single(each, (3, 5, 6, 2)), to_torch(drawn((1, 3, 5, 6, 2))).requires_grad_()
    (gradient,) = torch.autograd.grad(module(x)[:, :, 1].sum(), x)
    assert [bool(gradient[:, :, t].any()) for t in range(3)] == [False, True, False]
