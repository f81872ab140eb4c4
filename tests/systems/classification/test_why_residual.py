"""Depth with and without shortcuts: equal weights, gradients against finite differences, and the "+1" against the whole network."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from foveal import zoo
from foveal.backends.torch import build
from foveal.errors import ConfigurationError, DescriptionError
from foveal.systems.classification import why_residual, why_residual_report
from foveal.systems.classification.gradient_flow import gradient_norms, worked_units
from foveal.systems.classification.matched_mlp import parameters

RANDOM = np.random.default_rng(5)
IMAGES = RANDOM.integers(0, 256, (6, 9, 9, 1), dtype=np.uint8)
LABELS = np.arange(6) % 3


def small(**more):
    return build(zoo.deep_cnn(3, (9, 9, 1), **{"depth": 8, "maps": 3, **more}), seed=1)


@pytest.mark.parametrize("depth", [8, 20, 56])
@pytest.mark.parametrize("maps", [2, 16])
@pytest.mark.parametrize("normalized", [True, False])
def test_plain_and_residual_have_the_same_weights_counted_by_hand(depth, maps, normalized):
    beside = 2 * maps if normalized else maps  # γ and β, or a bias, of each convolution
    by_hand = (9 * maps + beside) + (depth - 2) * (9 * maps * maps + beside) + 10 * (maps + 1)
    for residual in (True, False):
        network = zoo.deep_cnn(depth=depth, maps=maps, normalized=normalized, residual=residual)
        assert parameters(network) == by_hand


@pytest.mark.parametrize("depth", [2, 9, 21, 0])
def test_other_depths_are_refused_with_one_that_works(depth):
    with pytest.raises(DescriptionError, match="6n") as caught:
        zoo.deep_cnn(depth=depth)
    zoo.deep_cnn(depth=int(caught.value.fix[0].removeprefix("depth=")))


@pytest.mark.parametrize("normalized", [True, False])
def test_gradient_norms_are_those_of_finite_differences(normalized):
    module = small(normalized=normalized)
    before = copy.deepcopy(module.state_dict())
    found = gradient_norms(module, IMAGES, LABELS)
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    double = copy.deepcopy(module).double().train()
    x, y = module.as_input(IMAGES).double(), torch.as_tensor(LABELS)

    def loss() -> float:
        with torch.no_grad():
            return float(cross_entropy(double(x), y))

    for path, norm in (("conv", found[0]), ("stage3/block1/body/conv2", found[-1])):
        kernel = double.node(path).weight.data
        slopes = []
        for place in np.ndindex(*kernel.shape):
            kept = float(kernel[place])
            kernel[place] = kept + 1e-6
            above = loss()
            kernel[place] = kept - 1e-6
            slopes.append((above - loss()) / 2e-6)
            kernel[place] = kept
        assert norm == pytest.approx(float(np.linalg.norm(slopes)), rel=1e-3)


@pytest.mark.parametrize("normalized", [True, False])
def test_what_arrives_and_what_the_body_adds_is_the_slope_of_the_loss(normalized):
    module = small(normalized=normalized, depth=14).eval()
    units = worked_units(module, IMAGES[0], 1)
    assert [unit.block for unit in units] == [f"stage{s}/block{b}" for s in (1, 2, 3) for b in (1, 2)]
    double = copy.deepcopy(module).double()
    x, y = module.as_input(IMAGES[:1]).double(), torch.tensor([1])
    for unit in units:
        assert unit.arriving + unit.through_body == pytest.approx(unit.total, rel=1e-9, abs=1e-15)
        at = (0, unit.channel, unit.row, unit.column)

        def loss(change: float, at: tuple[int, ...] = at, block: str = unit.block) -> float:
            def changed(part: torch.nn.Module, inputs: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
                moved = inputs[0].clone()
                moved[at] += change
                return (moved,)

            hook = double.node(block).register_forward_pre_hook(changed)
            with torch.no_grad():
                found = float(cross_entropy(double(x), y))
            hook.remove()
            return found

        assert (loss(1e-6) - loss(-1e-6)) / 2e-6 == pytest.approx(unit.total, rel=1e-4, abs=1e-8)


@pytest.mark.parametrize("text", ["", "8", "8,8", "8,9", "8,x", "2,8", "8,-14"])
def test_depths_that_cannot_be_compared(text):
    with pytest.raises(ConfigurationError, match="depths"):
        why_residual.depths_of(text)


def test_degradation_is_counted_by_image():
    right = {
        (kind, depth): np.arange(100) < (90 if depth == 8 else 60) for kind in why_residual.KINDS for depth in (8, 14)
    }
    found = why_residual.degradation(right, [8, 14])["plain-bn"]
    assert found["best_depth"] == 8
    assert found["worse_by"] == pytest.approx(0.3)
    assert 0.2 < found["low"] < 0.3 < found["high"] < 0.4


@pytest.mark.parametrize(("ratio", "low", "said"), [
    (1e-9, 0.1, "both"), (1e-9, -0.1, "vanishing"), (0.5, 0.1, "degradation"), (0.5, -0.1, "not seen"),
])  # fmt: skip
def test_the_verdict_says_what_was_measured(ratio, low, said):
    facts = {"vanishing": {"plain": {"ratio": ratio}}, "degradation": {"plain-bn": {"low": low}}}
    assert said in why_residual_report.verdict(facts)
