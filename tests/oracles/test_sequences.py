"""Attention, codes, noise and Boltzmann machines against sums worked by brute force; what tokens may be."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foveal.arithmetic.receptive_field import receptive_fields
from foveal.arithmetic.shapes import trace
from foveal.arithmetic.summary import summarize
from foveal.arithmetic.worked.derivation import derive
from foveal.backends.torch import Network, build
from foveal.errors import DataError, DescriptionError, FovealError, ShapeError
from foveal.network import Parallel, Sequence, Sequential, Tokens, Vector, as_shape, codec, layers
from tests.oracles.bridge import answers, in_float64, single
from tests.oracles.reference import Array
from tests.oracles.sequences import attention


def drawn(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape)


def attended(l_q: int, l_m: int, d: int) -> Sequential:
    """One sequence: its first places are the queries, its last ones the memory."""
    queries, memory = layers.Cropping1D((0, l_m)), layers.Cropping1D((l_q, 0))
    merge = Parallel({"queries": [queries], "memory": [memory]}, merge="attention", name="attend")
    return Sequential([merge], input_shape=(l_q + l_m, d))


@given(st.integers(1, 5), st.integers(1, 6), st.integers(1, 4), st.integers(0, 99))
def test_attention_is_the_loops(l_q: int, l_m: int, d: int, seed: int) -> None:
    module = in_float64(attended(l_q, l_m, d)).eval()
    x = drawn(2, l_q + l_m, d, seed=seed)
    expected, weights = attention(x[:, :l_q], x[:, l_q:])
    given_out, by_input, _ = answers(module, x, upstream := drawn(2, l_q, 2 * d, seed=seed + 1))
    np.testing.assert_allclose(given_out, expected, atol=1e-10)
    np.testing.assert_allclose(module.node("attend").weights.numpy(), weights, atol=1e-12)
    direction, step = drawn(*x.shape, seed=seed + 2), 1e-6
    ends = [attention(moved[:, :l_q], moved[:, l_q:])[0] for moved in (x + step * direction, x - step * direction)]
    slope = ((ends[0] - ends[1]) * upstream).sum() / (2 * step)
    assert (by_input * direction).sum() == pytest.approx(slope, rel=1e-5, abs=1e-6)


def test_attention_s_gradient_is_the_one_that_is_worked_by_hand() -> None:
    """The four steps that ``foveal show --why`` prints, in NumPy."""
    l_q, l_m, d = 3, 4, 2
    x, upstream = drawn(1, l_q + l_m, d), drawn(1, l_q, 2 * d, seed=1)
    q, m = x[0, :l_q], x[0, l_q:]
    _, (a,) = attention(x[:, :l_q], x[:, l_q:])
    to_q, to_c = upstream[0, :, :d], upstream[0, :, d:]
    da = to_c @ m.T
    ds = a * (da - (a * da).sum(axis=1, keepdims=True))
    _, by_input, _ = answers(in_float64(attended(l_q, l_m, d)), x, upstream)
    np.testing.assert_allclose(by_input[0, :l_q], to_q + ds @ m, atol=1e-12)
    np.testing.assert_allclose(by_input[0, l_q:], a.T @ to_c + ds.T @ q, atol=1e-12)


def test_attention_is_counted_and_adds_up() -> None:
    """Queries 30, memory 10, 64 values: 2 · 30 · 10 · 64 = 38,400 multiply-accumulates, none of them learned."""
    numbers = summarize(attended(30, 10, 64))
    assert numbers.totals.macs == 38_400
    assert numbers.totals.parameters == 0
    assert [row["path"] for row in numbers.to_dict()["layers"] if row["macs"]] == ["attend"]
    assert numbers.output == Sequence(30, 128)
    assert numbers.memory is not None  # at the merge: both ends, the output, and the weights
    assert numbers.memory.running == 4 * (30 * 64 + 10 * 64 + 30 * 128 + 30 * 10)


def test_a_unit_behind_attention_sees_its_query_and_the_whole_memory() -> None:
    fields = receptive_fields(trace(attended(3, 4, 2)))
    assert fields["attend/queries"][0].size == 1
    assert fields["attend"][0].size == 7
    asking = Sequential([Parallel([[layers.Cropping1D((0, 6))], [layers.Cropping1D((2, 5))]], merge="attention")])
    fields = receptive_fields(trace(asking, (8, 3)))
    assert fields["parallel_1"][0].size == 3  # query 0 sees place 0; the memory is place 2


def test_weights_are_kept_in_evaluation_only_and_never_stored() -> None:
    module = build(attended(2, 3, 4)).train()
    module(torch.zeros(1, 4, 5))
    assert module.node("attend").weights is None
    module.eval()(torch.zeros(1, 4, 5))
    assert torch.equal(module.node("attend").weights, torch.full((1, 2, 3), 1 / 3))
    assert not module.state_dict()


@pytest.mark.parametrize(
    ("branches", "said"),
    [
        ([[layers.Embedding(9, 4)], [layers.Embedding(9, 3)]], "equally many channels"),
        ([[layers.Embedding(9, 4)], [layers.Embedding(9, 4), layers.Flatten()]], "two sequences"),
        ([[], [layers.Embedding(9, 4)]], "an Embedding in each branch"),
    ],
)
def test_attention_that_does_not_fit(branches: list, said: str) -> None:
    with pytest.raises(ShapeError) as caught:
        trace(Sequential([Parallel(branches, merge="attention", name="attend")]), Tokens(6))
    assert said in str(caught.value)
    assert caught.value.where == "attend"


def test_attention_joins_two_branches() -> None:
    with pytest.raises(DescriptionError, match="attention joins two branches"):
        Parallel([[], [], []], merge="attention")


# Any sizes ------------------------------------------------------------------------------------------------------------


@given(st.integers(1, 12), st.integers(0, 6), st.integers(0, 6), st.integers(1, 3), st.booleans())
def test_cropping_any_sequence(n: int, first: int, last: int, channels: int, tokens: bool) -> None:
    shape = Tokens(n) if tokens else Sequence(n, channels)
    network = Sequential([layers.Cropping1D((first, last))], input_shape=shape)
    if first + last >= n:
        with pytest.raises(ShapeError, match="nothing is left"):
            trace(network)
        return
    assert trace(network)[0].output == shape.resized((n - first - last,))
    (found,) = [s for s in derive(network, "cropping1d_1").section("Output").steps if s.quantity == "output length"]
    assert eval(found.substitution.replace("−", "-")) == found.value == n - first - last
    x = torch.arange(n)[None] if tokens else torch.rand(1, channels, n)
    assert torch.equal(build(network)(x), x[..., first : n - last])


@given(st.permutations([1, 2, 3]), st.integers(1, 4), st.integers(1, 4), st.integers(1, 4))
def test_axes_in_any_order(order: list[int], h: int, w: int, c: int) -> None:
    network = Sequential([layers.Permute(tuple(order))], input_shape=(h, w, c))
    x = np.random.default_rng(0).random((2, h, w, c)).astype(np.float32)
    expected = np.transpose(x, (0, *order))
    np.testing.assert_array_equal(build(network).predict(x), expected)
    assert trace(network)[0].output == as_shape(expected.shape[1:])


@given(st.integers(1, 9), st.integers(1, 5), st.integers(1, 6), st.integers(0, 99))
def test_any_embedding_looks_rows_up(rows: int, size: int, length: int, seed: int) -> None:
    network = Sequential([layers.Embedding(rows, size)], input_shape=Tokens(length))
    module, tokens = build(network, seed=seed), np.random.default_rng(seed).integers(0, rows, (3, length))
    table = module.node("embedding_1").weight.detach().numpy()
    np.testing.assert_array_equal(module.predict(tokens), table[tokens])
    module(torch.from_numpy(tokens)).sum().backward()
    counted = np.bincount(tokens.ravel(), minlength=rows)
    np.testing.assert_array_equal(module.node("embedding_1").weight.grad, np.repeat(counted[:, None], size, axis=1))
    assert summarize(network).totals.parameters == rows * size


# Tokens ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["200 tokens", "200tokens", " 200  TOKENS "])
def test_tokens_are_written_as_text(text: str) -> None:
    assert as_shape(text) == Tokens(200)
    assert str(as_shape(text)) == "200 tokens"
    assert as_shape("? tokens") == Tokens(None)
    assert [as_shape(str(Tokens(n))) for n in (None, 1, 2)] == [Tokens(None), Tokens(1), Tokens(2)]


@pytest.mark.parametrize("text", ["0 tokens", "x tokens", "-1 tokens", "2x2 tokens", "tokens"])
def test_what_is_no_length_of_tokens(text: str) -> None:
    with pytest.raises(DescriptionError):
        as_shape(text)


def test_tokens_in_descriptions_and_model_files() -> None:
    network = Sequential([layers.Embedding(9, 4)], input_shape="6 tokens")
    assert network.input_shape == Tokens(6)
    assert codec.to_dict(network)["input"] == {"tokens": 6}
    assert codec.from_yaml("{input: 6 tokens, layers: [{kind: Embedding, input_dim: 9, output_dim: 4}]}") == network
    assert summarize(network).to_dict()["input"] == {"tokens": 6}


def embedded(rows: int = 9) -> Network:
    return build(Sequential([layers.Embedding(rows, 4), layers.Flatten(), layers.Dense(3)], input_shape=Tokens(6)))


@pytest.mark.parametrize("kind", ["uint8", "int32", "int64", "uint16"])
def test_tokens_come_as_any_whole_numbers_and_stay_what_they_are(kind: str) -> None:
    module, tokens = embedded(), np.random.default_rng(0).integers(0, 9, (5, 6))
    expected = module.eval()(torch.from_numpy(tokens)).detach().numpy()
    np.testing.assert_allclose(module.predict(tokens.astype(kind)), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "batch",
    [
        np.zeros((2, 6), np.float32),
        np.zeros((2, 5), np.int64),
        np.full((2, 6), 9),
        np.full((2, 6), -1),
        np.zeros((2, 6), bool),
    ],
)
def test_tokens_that_are_none_are_refused(batch: np.ndarray) -> None:
    with pytest.raises(FovealError):
        embedded().predict(batch)


def test_values_are_refused_inside_too() -> None:
    with pytest.raises(DataError, match="tokens are whole numbers"):
        embedded()(torch.zeros(2, 6))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (layers.Dense(3), Tokens(6)),
        (layers.Activation("relu"), Tokens(6)),
        (layers.Flatten(), Tokens(6)),
        (layers.Embedding(9, 4), Vector(6)),
        (layers.Embedding(9, 4), Sequence(6, 2)),
        (layers.Cropping1D((3, 3)), Tokens(6)),
        (layers.Cropping1D((3, 2)), (6, 6, 1)),
        (layers.Permute((2, 1)), (6, 6, 1)),
        (layers.Permute((3, 1, 2)), (6, None, 1)),
        (layers.Sampling(3), Vector(5)),
        (layers.Sampling(3), (3, 2)),
        (layers.RBM(3), (3, 2)),
    ],
)
def test_what_does_not_fit_says_how_to_fix_it(layer: layers.Dense, shape: object) -> None:
    with pytest.raises(ShapeError) as caught:
        trace(Sequential([layer]), shape)  # type: ignore[arg-type]
    assert caught.value.fix


# Noise, codes, Boltzmann machines -------------------------------------------------------------------------------------


def test_noise_is_there_in_training_only() -> None:
    module = build(Sequential([layers.GaussianNoise(0.5)], input_shape=1000)).train()
    torch.manual_seed(0)
    noise = module(torch.ones(100, 1000)) - 1
    assert float(noise.mean()) == pytest.approx(0, abs=0.01)
    assert float(noise.std()) == pytest.approx(0.5, abs=0.01)
    assert torch.equal(module.eval()(torch.ones(2, 1000)), torch.ones(2, 1000))


def test_a_code_is_drawn_around_its_means_and_both_learn() -> None:
    """dz/dμ = 1 and dz/d(ln σ²) = ε · e^(ln σ² / 2) / 2, with ε = (z − μ) / σ."""
    module = in_float64(Sequential([layers.Sampling(2)], input_shape=4)).train()
    means, logs = [1.0, -2.0], [0.4, -1.0]
    x = torch.tensor([[*means, *logs]] * 20_000, dtype=torch.float64, requires_grad=True)
    torch.manual_seed(0)
    z = module(x)
    np.testing.assert_allclose(z.detach().mean(0), means, atol=0.03)
    np.testing.assert_allclose(z.detach().var(0), np.exp(logs), rtol=0.05)
    z.sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad[:, :2], 1)
    np.testing.assert_allclose(x.grad[:, 2:], (z.detach() - x.detach()[:, :2]) / 2, atol=1e-12)


def test_a_boltzmann_machine_is_its_energy() -> None:
    """All 2³ hidden states of 2⁴ visible ones, by brute force: free energy, and both conditional probabilities."""
    module = single(layers.RBM(3), (4,))
    part = module.node("rbm_1")
    w, c, b = (getattr(part, name).detach().numpy() for name in ("weight", "bias", "visible_bias"))
    hidden = np.array(list(itertools.product((0, 1), repeat=3)), float)
    visible = np.array(list(itertools.product((0, 1), repeat=4)), float)
    energy = -(visible @ b)[:, None] - (hidden @ c)[None] - visible @ w.T @ hidden.T
    mass = np.exp(-energy)  # 16 × 8
    with torch.no_grad():
        v, h = torch.from_numpy(visible), torch.from_numpy(hidden)
        np.testing.assert_allclose(part.free_energy(v), -np.log(mass.sum(axis=1)), atol=1e-12)
        np.testing.assert_allclose(part.up(v), mass @ hidden / mass.sum(axis=1, keepdims=True), atol=1e-12)
        np.testing.assert_allclose(part.down(h), mass.T @ visible / mass.T.sum(axis=1, keepdims=True), atol=1e-12)
        assert torch.equal(part(v), part.up(v))
    assert summarize(module.network).totals.parameters == 4 * 3 + 3 + 4


def test_unit_vectors_survive_nothing_at_all() -> None:
    module = build(Sequential([layers.UnitNormalization()], input_shape=3))
    assert torch.equal(module(torch.zeros(1, 3)), torch.zeros(1, 3))
