"""From the description of an optimizer to torch's own, in the fused form where there is one.

Fused: all parameters are updated by one kernel instead of several a tensor. torch has it for SGD, Adagrad (CPU only) and
Adam; RMSprop uses the multi-tensor form. Where torch's rule is not Keras', ours is in :mod:`foveal.training.optim.update_rules`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from foveal import optimizers
from foveal.errors import ConfigurationError
from foveal.training.optim.update_rules import Adam, RMSprop, decay_apart


def parameter_groups(module: nn.Module, spec: optimizers.Optimizer) -> list[dict[str, Any]]:
    """The trainable parameters, those that decay and those that do not (biases, normalisations) apart.

    ``weight_decay`` of a group is what the update rule adds to the gradient, ``decay`` what acts on the weights themselves.
    """
    trainable = [p for p in module.parameters() if p.requires_grad]
    if not trainable:
        raise ConfigurationError(
            "this network has nothing to train",
            given=f"{sum(1 for _ in module.parameters())} parameters, none of them trainable",
            fix=["add a layer with weights", "unfreeze a layer"],
        )
    decay = spec.weight_decay or 0.0
    within, apart = (0.0, decay) if spec.decoupled else (decay, 0.0)
    if spec.decay_all or not decay:
        return [{"params": trainable, "weight_decay": within, "decay": apart}]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": within, "decay": apart},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0, "decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def torch_optimizer(
    module: nn.Module, spec: optimizers.Optimizer, *, capturable: bool = False
) -> torch.optim.Optimizer:
    """The optimizer of a description, with Keras' numbers.

    Args:
        module: whose trainable parameters are to be learned.
        spec: one of :mod:`foveal.optimizers`.
        capturable: the learning rate becomes a tensor on the device, so that a recorded CUDA graph reads the current one.
    """
    groups = parameter_groups(module, spec)
    device = groups[0]["params"][0].device
    rate: Any = (
        torch.tensor(spec.learning_rate, dtype=torch.float32, device=device) if capturable else spec.learning_rate
    )
    optimizer = _made(groups, spec, rate, device)
    decay_apart(optimizer)
    return optimizer


def _made(
    groups: list[dict[str, Any]], spec: optimizers.Optimizer, rate: Any, device: torch.device
) -> torch.optim.Optimizer:
    if isinstance(spec, optimizers.SGD):
        fused = device.type in ("cpu", "cuda")
        return torch.optim.SGD(groups, lr=rate, momentum=spec.momentum, nesterov=spec.nesterov, fused=fused)
    if isinstance(spec, optimizers.Adam):
        return Adam(groups, rate, (spec.beta_1, spec.beta_2), spec.epsilon)
    if isinstance(spec, optimizers.RMSprop):
        return RMSprop(groups, rate, spec.rho, spec.momentum, spec.epsilon, spec.centered)
    if isinstance(spec, optimizers.Adagrad):
        return torch.optim.Adagrad(
            groups,
            lr=spec.learning_rate,
            initial_accumulator_value=spec.initial_accumulator_value + spec.epsilon,  # √(s + ε) is the root of a sum
            eps=0.0,
            fused=device.type == "cpu",
        )
    raise ConfigurationError(
        "this optimizer has no torch implementation here",
        given=type(spec).__name__,
        fix=[f'optimizer="{name}"' for name in ("adam", "sgd")],
    )


def can_be_captured(spec: optimizers.Optimizer) -> bool:
    """Whether this optimizer's step may be recorded in a CUDA graph (Adagrad counts its steps on the host)."""
    return not isinstance(spec, optimizers.Adagrad)


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """What an optimizer remembers, a list entry a parameter, in the order of its groups; the tensors are its own."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    return {"parameters": [dict(optimizer.state.get(p, {})) for p in parameters]}


def load_optimizer_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Put back what :func:`optimizer_state` gave.

    Each tensor takes the memory layout of its parameter. torch's own ``load_state_dict`` keeps the loaded layout, and
    the fused kernels, which walk through memory, then pair a channels_last weight with the wrong running mean.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    for parameter, remembered in zip(parameters, state["parameters"], strict=True):
        restored = {}
        for name, value in remembered.items():
            if isinstance(value, torch.Tensor) and value.shape == parameter.shape and value.ndim:
                layout = torch.empty_like(parameter, dtype=value.dtype, memory_format=torch.preserve_format)
                restored[name] = layout.copy_(value)
            elif isinstance(value, torch.Tensor):
                before = optimizer.state[parameter].get(name) if parameter in optimizer.state else None
                where = before.device if isinstance(before, torch.Tensor) else _counter_device(optimizer, parameter)
                restored[name] = value.to(where, copy=True)  # a count that goes on in place
            else:
                restored[name] = value
        if restored:
            optimizer.state[parameter] = restored


def _counter_device(optimizer: torch.optim.Optimizer, parameter: torch.Tensor) -> torch.device:
    """Step counters live beside the parameter for fused and capturable optimizers, on the CPU otherwise."""
    beside = any(g.get("capturable") or g.get("fused") for g in optimizer.param_groups)
    return parameter.device if beside else torch.device("cpu")
