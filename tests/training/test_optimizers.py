"""Every optimizer beside its update rule written in NumPy, over several steps; weight decay; restored states."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from foveal import optimizers
from foveal.errors import ConfigurationError
from foveal.training.optimizer import (
    can_be_captured,
    load_optimizer_state,
    optimizer_state,
    parameter_groups,
    torch_optimizer,
)

Array = NDArray[np.float64]
GRADIENTS = np.random.default_rng(3).normal(size=(6, 3, 4))
START = np.random.default_rng(4).normal(size=(3, 4))
ALL = [
    optimizers.SGD(0.1),
    optimizers.SGD(0.1, momentum=0.9),
    optimizers.SGD(0.1, momentum=0.8, nesterov=True),
    optimizers.SGD(0.1, weight_decay=0.05),
    optimizers.Adagrad(0.1),
    optimizers.RMSprop(0.01),
    optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    optimizers.Adam(0.01),
    optimizers.Adam(0.01, beta_1=0.7, beta_2=0.9, epsilon=1e-3),
    optimizers.AdamW(0.01, weight_decay=0.1),
]


def reference(spec: optimizers.Optimizer, w: Array, gradients: Array) -> Array:
    v, m, s, mean = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        rate = spec.learning_rate
        if isinstance(spec, optimizers.SGD):
            g = g + spec.weight_decay * w
            v = spec.momentum * v + g
            w = w - rate * (g + spec.momentum * v if spec.nesterov else v)
        elif isinstance(spec, optimizers.Adagrad):
            s = (spec.initial_accumulator_value if t == 1 else s) + g**2
            w = w - rate * g / (np.sqrt(s) + spec.epsilon)
        elif isinstance(spec, optimizers.RMSprop):
            s = spec.rho * s + (1 - spec.rho) * g**2
            mean = spec.rho * mean + (1 - spec.rho) * g
            root = np.sqrt(s - mean**2 if spec.centered else s) + spec.epsilon
            v = spec.momentum * v + g / root
            w = w - rate * v
        elif isinstance(spec, optimizers.Adam):
            if isinstance(spec, optimizers.AdamW):
                w = w - rate * spec.weight_decay * w
            m = spec.beta_1 * m + (1 - spec.beta_1) * g
            s = spec.beta_2 * s + (1 - spec.beta_2) * g**2
            corrected = np.sqrt(s / (1 - spec.beta_2**t)) + spec.epsilon
            w = w - rate * m / (1 - spec.beta_1**t) / corrected
    return w


def descend(optimizer: torch.optim.Optimizer, weight: nn.Parameter, gradients: Array) -> None:
    for g in gradients:
        weight.grad = torch.tensor(g, dtype=weight.dtype).reshape(weight.shape).to(memory_format=layout(weight))
        optimizer.step()


def layout(tensor: torch.Tensor) -> torch.memory_format:
    last = tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if last else torch.contiguous_format


@pytest.mark.parametrize("spec", ALL, ids=str)
def test_the_update_is_the_rule(spec: optimizers.Optimizer) -> None:
    module = nn.Linear(4, 3, bias=False)
    module.weight.data = torch.tensor(START, dtype=torch.float32)
    descend(torch_optimizer(module, spec), module.weight, GRADIENTS)
    np.testing.assert_allclose(module.weight.detach().numpy(), reference(spec, START, GRADIENTS), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("spec", ALL, ids=str)
def test_a_restored_optimizer_goes_on_to_the_same_bits_in_channels_last(spec: optimizers.Optimizer) -> None:
    gradients = np.random.default_rng(5).normal(size=(6, 4, 3, 2, 2))

    def fresh() -> tuple[nn.Module, torch.optim.Optimizer]:
        module = nn.Conv2d(3, 4, 2, bias=False)
        module.weight.data = torch.linspace(-1, 1, 48).reshape(4, 3, 2, 2).to(memory_format=torch.channels_last)
        return module, torch_optimizer(module, spec)

    module, optimizer = fresh()
    descend(optimizer, module.weight, gradients)  # type: ignore[arg-type]
    first, before = fresh()
    descend(before, first.weight, gradients[:3])  # type: ignore[arg-type]
    # as a checkpoint has them: contiguous, and of nobody's memory
    state = {
        "parameters": [
            {
                k: v.clone(memory_format=torch.contiguous_format) if isinstance(v, torch.Tensor) else v
                for k, v in p.items()
            }
            for p in copy.deepcopy(optimizer_state(before))["parameters"]
        ]
    }
    second, after = fresh()
    second.weight.data.copy_(first.weight.data)  # type: ignore[operator, union-attr, arg-type]
    load_optimizer_state(after, state)
    descend(after, second.weight, gradients[3:])  # type: ignore[arg-type]
    assert torch.equal(module.weight, second.weight)  # type: ignore[arg-type]


def test_decay_spares_biases_and_normalisations() -> None:
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 3))
    decaying, spared = parameter_groups(module, optimizers.AdamW(weight_decay=0.1))
    assert [tuple(p.shape) for p in decaying["params"]] == [(2, 1, 3, 3), (3, 8)]
    assert all(p.ndim == 1 for p in spared["params"])
    assert (decaying["weight_decay"], spared["weight_decay"]) == (0.1, 0.0)
    (everything,) = parameter_groups(module, optimizers.AdamW(weight_decay=0.1, decay_all=True))
    assert len(everything["params"]) == 6


def test_frozen_parameters_stay_out_and_nothing_to_train_is_an_error() -> None:
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    module[0].requires_grad_(False)
    assert sum(len(g["params"]) for g in parameter_groups(module, optimizers.Adam())) == 2
    module.requires_grad_(False)
    with pytest.raises(ConfigurationError, match="nothing to train"):
        parameter_groups(module, optimizers.Adam())


def test_fused_where_torch_has_it() -> None:
    for spec in ALL:
        fused = torch_optimizer(nn.Linear(2, 2), spec).param_groups[0].get("fused")
        assert fused is (None if isinstance(spec, optimizers.RMSprop) else True), spec
    assert not can_be_captured(optimizers.Adagrad())
