"""First values: the spread that each name promises, computed from what a unit sees."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from foveal.backends.torch import build
from foveal.backends.torch_layers.initializers import FILLERS, bitmaps, fill
from foveal.network import Sequential, layers
from foveal.network.node import Node

N_IN, N_OUT = 60, 40
VARIANCES = {
    "glorot_uniform": 2 / 100, "glorot_normal": 2 / 100, "he_uniform": 2 / 60, "he_normal": 2 / 60,
    "lecun_uniform": 1 / 60, "lecun_normal": 1 / 60, "lecun_1998": (2.4 / 60) ** 2 / 3, "random_normal": 0.05**2,
    "random_uniform": 0.05**2 / 3, "truncated_normal": 0.05**2 * 0.87962566103423978**2, "random_signs": 1.0,
    "zeros": 0.0,
}  # fmt: skip
LIMITS = {
    "glorot_uniform": math.sqrt(6 / 100), "he_uniform": math.sqrt(6 / 60), "lecun_uniform": math.sqrt(3 / 60),
    "lecun_1998": 2.4 / 60, "random_uniform": 0.05, "truncated_normal": 0.1, "random_signs": 1.0,
    "he_normal": 2 * math.sqrt(2 / 60) / 0.87962566103423978,
}  # fmt: skip


@pytest.mark.parametrize("name", VARIANCES)
def test_variances(name: str) -> None:
    found = fill(name, torch.empty(200, 300), N_IN, N_OUT, torch.Generator().manual_seed(0)).numpy()
    assert found.var() == pytest.approx(VARIANCES[name], rel=0.02, abs=1e-12)
    assert abs(found.mean()) <= 0.02 * math.sqrt(VARIANCES[name])
    if name in LIMITS:
        assert 0.97 * LIMITS[name] < abs(found).max() <= LIMITS[name] * (1 + 1e-6)


def test_all_names_are_covered() -> None:
    assert FILLERS.keys() == {*VARIANCES, "orthogonal", "ones"}


def test_orthogonal_rows() -> None:
    found = fill("orthogonal", torch.empty(4, 3, 2, 2), 12, 16, torch.Generator().manual_seed(0)).reshape(4, 12)
    np.testing.assert_allclose((found @ found.T).numpy(), np.eye(4), atol=1e-6)


@pytest.mark.parametrize(
    ("layer", "shape", "n_in", "n_out"),
    [
        (layers.Dense(40), (60,), 60, 40),
        (layers.Conv2D(20, 3), (5, 5, 7), 63, 180),
        (layers.Conv2D(20, 3, groups=2), (5, 5, 8), 36, 180),
        (layers.Conv1D(20, 3), (5, 7), 21, 60),
        (layers.Conv3D(20, 2), (5, 5, 5, 7), 56, 160),
        (layers.Conv2DTranspose(20, 3), (5, 5, 7), 180, 63),
        (layers.Conv2DTranspose(20, 3, groups=2), (5, 5, 8), 90, 72),
        (layers.DepthwiseConv2D(5, depth_multiplier=4), (5, 5, 40), 1000, 100),
    ],
    ids=lambda value: value.kind if isinstance(value, Node) else str(value),
)
def test_what_a_unit_sees(layer: Node, shape: tuple[int, ...], n_in: int, n_out: int) -> None:
    """Keras' glorot_uniform: the largest of many values lies close under √(6 / (n_in + n_out))."""
    weight = next(build(Sequential([layer], input_shape=shape)).parameters()).detach()
    limit = math.sqrt(6 / (n_in + n_out))
    assert 0.97 * limit < float(weight.abs().max()) <= limit


def test_a_partly_connected_filter_counts_the_channels_it_sees() -> None:
    layer = layers.Conv2D(2, 5, connections=((0,), tuple(range(30))), kernel_initializer="he_uniform")
    weight = build(Sequential([layer], input_shape=(8, 8, 30))).conv2d_1.weight.detach()
    assert float(weight[:1].abs().max()) == pytest.approx(math.sqrt(6 / 25), rel=0.15)
    assert float(weight[1:].abs().max()) == pytest.approx(math.sqrt(6 / 750), rel=0.03)


def test_lenets_table_has_1500_weights_and_16_biases() -> None:
    three = [tuple(sorted((i + j) % 6 for j in range(3))) for i in range(6)]
    four = [tuple(sorted((i + j) % 6 for j in range(4))) for i in range(6)]
    apart = [tuple(sorted((i + j) % 6 for j in (0, 1, 3, 4))) for i in range(3)]
    c3 = layers.Conv2D(16, 5, connections=(*three, *four, *apart, tuple(range(6))))
    module = build(Sequential([c3], input_shape=(14, 14, 6)))
    assert [p.numel() for p in module.parameters()] == [1500, 16]


def test_memory_order_does_not_change_what_is_drawn() -> None:
    module = build(Sequential([layers.Conv2D(4, 3)], input_shape=(5, 5, 3)), seed=3)
    expected = torch.empty(4, 3, 3, 3)
    bound = math.sqrt(6 / (27 + 36))
    expected.uniform_(-bound, bound, generator=torch.Generator().manual_seed(3))
    assert torch.equal(module.conv2d_1.weight, expected)


def test_the_ten_bitmaps_differ_well() -> None:
    rows = np.array(bitmaps())
    assert rows.shape == (10, 84)
    differing = (rows[:, None] != rows[None]).sum(axis=2)
    assert differing[~np.eye(10, dtype=bool)].min() >= 4  # 8 and 9, 5 and 6 are alike, as digits are
    module = build(Sequential([layers.RBF(10, kernel_initializer="digit_bitmaps")], input_shape=84))
    answers = module(torch.tensor(rows, dtype=torch.float32))
    assert answers.argmax(dim=1).tolist() == list(range(10))
    assert answers.diagonal().tolist() == [0.0] * 10
