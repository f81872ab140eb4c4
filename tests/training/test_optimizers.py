"""Every optimizer beside its update rule written in NumPy, over several steps; weight decay; restored states."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from foveal import optimizers
from foveal.errors import ConfigurationError
from foveal.training.config import TrainingConfig
from foveal.training.optim.torch_optimizer import (
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
    optimizers.SGD(0.1, momentum=0.9, weight_decay=0.05, decoupled=False),
    optimizers.Adagrad(0.1),
    optimizers.RMSprop(0.01),
    optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    optimizers.Adam(0.01),
    optimizers.Adam(0.01, beta_1=0.7, beta_2=0.9, epsilon=1e-3),
    optimizers.Adam(0.01, weight_decay=0.1),
    optimizers.Adam(0.01, weight_decay=0.1, decoupled=False),
    optimizers.RMSprop(0.01, weight_decay=0.1, decoupled=False),
    optimizers.AdamW(0.01, weight_decay=0.1),
]


def reference(spec: optimizers.Optimizer, w: Array, gradients: Array) -> Array:
    v, m, s, mean = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), np.zeros_like(w)
    for t, g in enumerate(gradients, start=1):
        rate, decay = spec.learning_rate, spec.weight_decay or 0.0
        if spec.decoupled:
            w = w - rate * decay * w
        else:
            g = g + decay * w
        if isinstance(spec, optimizers.SGD):
            v = spec.momentum * v + g
            w = w - rate * (g + spec.momentum * v if spec.nesterov else v)
        elif isinstance(spec, optimizers.Adagrad):
            s = (spec.initial_accumulator_value if t == 1 else s) + g**2
            w = w - rate * g / np.sqrt(s + spec.epsilon)
        elif isinstance(spec, optimizers.RMSprop):
            s = spec.rho * s + (1 - spec.rho) * g**2
            mean = spec.rho * mean + (1 - spec.rho) * g
            v = spec.momentum * v + g / np.sqrt((s - mean**2 if spec.centered else s) + spec.epsilon)
            w = w - rate * v
        elif isinstance(spec, optimizers.Adam):
            m = spec.beta_1 * m + (1 - spec.beta_1) * g
            s = spec.beta_2 * s + (1 - spec.beta_2) * g**2
            alpha = rate * np.sqrt(1 - spec.beta_2**t) / (1 - spec.beta_1**t)
            w = w - alpha * m / (np.sqrt(s) + spec.epsilon)
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
    decaying, spared = parameter_groups(module, optimizers.AdamW(weight_decay=0.1, decay_all=False))
    assert [tuple(p.shape) for p in decaying["params"]] == [(2, 1, 3, 3), (3, 8)]
    assert all(p.ndim == 1 for p in spared["params"])
    assert (decaying["decay"], spared["decay"]) == (0.1, 0.0)
    (everything,) = parameter_groups(module, optimizers.AdamW(weight_decay=0.1))  # as in Keras
    assert len(everything["params"]) == 6
    through, without = parameter_groups(module, optimizers.SGD(weight_decay=0.1, decay_all=False, decoupled=False))
    assert (through["weight_decay"], through["decay"], without["weight_decay"]) == (0.1, 0.0, 0.0)


@pytest.mark.parametrize("name", ["sgd", "adam", "rmsprop", "adagrad"])
def test_the_training_configuration_spares_and_the_names_of_keras_do_not(name: str) -> None:
    plain = TrainingConfig(optimizer=name, weight_decay=0.1).optimizer_spec()
    assert (plain.decay_all, plain.decoupled) == (False, True)
    given = (
        TrainingConfig().with_optimizer(dataclasses.replace(optimizers.get(name), weight_decay=0.1)).optimizer_spec()
    )
    assert (given.decay_all, given.decoupled, given.weight_decay) == (True, True, 0.1)
    assert TrainingConfig().with_optimizer("adamw").optimizer_spec() == optimizers.AdamW()


def test_arguments_stand_where_keras_has_them() -> None:
    """A script that gives them by position means the same."""
    assert optimizers.SGD(0.1, 0.9, True) == optimizers.SGD(learning_rate=0.1, momentum=0.9, nesterov=True)
    assert optimizers.Adam(0.1, 0.8, 0.99, 1e-3) == optimizers.Adam(0.1, beta_1=0.8, beta_2=0.99, epsilon=1e-3)
    assert optimizers.RMSprop(0.1, 0.8, 0.5, 1e-3, True).centered
    assert optimizers.AdamW(0.1, 0.2, 0.8).weight_decay == 0.2
    assert optimizers.Adam(weight_decay=None) == optimizers.Adam()
    with pytest.raises(ConfigurationError, match="decoupled"):
        optimizers.AdamW(decoupled=False)


@pytest.mark.parametrize("value", ["0.1", [0.1], float("nan"), float("inf"), -1.0])
def test_rates_that_are_no_numbers_are_refused(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="learning rate"):
        optimizers.Adam(value)


def test_a_tensor_for_a_rate_gives_the_numbers_of_a_float() -> None:
    """What a CUDA graph is recorded with: the rate is a tensor, and everything that changes is computed on the device."""
    for spec in (optimizers.Adam(0.01, weight_decay=0.1), optimizers.RMSprop(0.01, momentum=0.5, weight_decay=0.1)):
        found = []
        for capturable in (False, True):
            module = nn.Linear(4, 3, bias=False)
            module.weight.data = torch.tensor(START, dtype=torch.float32)
            descend(torch_optimizer(module, spec, capturable=capturable), module.weight, GRADIENTS)
            found.append(module.weight.detach().numpy())
        np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_states_of_torchs_own_adam_go_on() -> None:
    """A checkpoint of an earlier version: the counts are tensors of their own, a parameter each."""
    module = nn.Linear(4, 3)
    module.weight.data = torch.tensor(START, dtype=torch.float32)
    before = torch.optim.Adam(module.parameters(), lr=0.01, eps=1e-7, fused=True)
    ours = torch_optimizer(module, optimizers.Adam(0.01))
    for p in module.parameters():
        p.grad = torch.ones_like(p)
    for _ in range(3):
        before.step()
    load_optimizer_state(ours, {"parameters": [dict(before.state[p]) for p in module.parameters()]})
    ours.step()
    assert {float(state["step"]) for state in optimizer_state(ours)["parameters"]} == {4.0}
    before.step()
    np.testing.assert_allclose(ours.state[module.weight]["exp_avg"], before.state[module.weight]["exp_avg"])


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
