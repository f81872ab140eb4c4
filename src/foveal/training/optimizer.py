"""From the description of an optimizer to torch's own, in the fused form where there is one.

Fused: all parameters are updated by one kernel instead of several a tensor. torch has it for SGD, Adagrad (CPU only),
Adam and AdamW; RMSprop uses the multi-tensor form on CUDA.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from foveal import optimizers
from foveal.errors import ConfigurationError


def parameter_groups(module: nn.Module, spec: optimizers.Optimizer) -> list[dict[str, Any]]:
    """The trainable parameters, those that decay and those that do not (biases, normalisations) apart."""
    trainable = [p for p in module.parameters() if p.requires_grad]
    if not trainable:
        raise ConfigurationError(
            "this network has nothing to train",
            given=f"{sum(1 for _ in module.parameters())} parameters, none of them trainable",
            mend=["add a layer with weights", "unfreeze a layer"],
        )
    if spec.decay_all or not spec.weight_decay:
        return [{"params": trainable, "weight_decay": spec.weight_decay}]
    groups = [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": spec.weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def torch_optimizer(
    module: nn.Module, spec: optimizers.Optimizer, *, capturable: bool = False
) -> torch.optim.Optimizer:
    """torch's optimizer for a description.

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
    fused = device.type in ("cpu", "cuda") and all(p.is_floating_point() for g in groups for p in g["params"])
    if isinstance(spec, optimizers.SGD):
        return torch.optim.SGD(groups, lr=rate, momentum=spec.momentum, nesterov=spec.nesterov, fused=fused)
    if isinstance(spec, optimizers.AdamW | optimizers.Adam):
        kind = torch.optim.AdamW if isinstance(spec, optimizers.AdamW) else torch.optim.Adam
        betas = (spec.beta_1, spec.beta_2)
        return kind(groups, lr=rate, betas=betas, eps=spec.epsilon, fused=fused, capturable=capturable)
    if isinstance(spec, optimizers.RMSprop):
        return torch.optim.RMSprop(
            groups,
            lr=rate,
            alpha=spec.rho,
            eps=spec.epsilon,
            momentum=spec.momentum,
            centered=spec.centered,
            capturable=capturable,
        )
    if isinstance(spec, optimizers.Adagrad):
        return torch.optim.Adagrad(
            groups,
            lr=spec.learning_rate,
            initial_accumulator_value=spec.initial_accumulator_value,
            eps=spec.epsilon,
            fused=fused and device.type == "cpu",
        )
    raise ConfigurationError(
        "this optimizer has no torch implementation here",
        given=type(spec).__name__,
        mend=[f'optimizer="{name}"' for name in ("adam", "sgd")],
    )


def can_be_captured(spec: optimizers.Optimizer) -> bool:
    """Whether this optimizer's step may be recorded in a CUDA graph (Adagrad counts its steps on the host)."""
    return not isinstance(spec, optimizers.Adagrad)


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """What an optimizer remembers, a list entry a parameter, in the order of its groups."""
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
                restored[name] = value.to(where)
            else:
                restored[name] = value
        if restored:
            optimizer.state[parameter] = restored


def _counter_device(optimizer: torch.optim.Optimizer, parameter: torch.Tensor) -> torch.device:
    """Step counters live beside the parameter for fused and capturable optimizers, on the CPU otherwise."""
    beside = any(g.get("capturable") or g.get("fused") for g in optimizer.param_groups)
    return parameter.device if beside else torch.device("cpu")
