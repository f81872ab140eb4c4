"""Between the NumPy references and the modules under test: weights out, arrays in and out, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from foveal.backends.torch import Network, build
from foveal.network import Sequential
from foveal.network.node import Node
from foveal.network.shape import Shape
from tests.oracles.reference import Array, Weights


def single(layer: Node, shape: tuple[int, ...] | Shape, seed: int = 0) -> Network:
    """A network of one layer in float64, its weights and running statistics random (but for fixed centres)."""
    module = in_float64(Sequential([layer], input_shape=shape)).eval()
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, tensor in module.state_dict().items():
            if layer.kind != "RBF" and tensor.is_floating_point():
                tensor.normal_(0.0, 0.7, generator=draw)
                if name.endswith("running_var"):
                    tensor.abs_().add_(0.3)
    return module


def in_float64(network: Sequential) -> Network:
    """The network's module in double precision, constants of its layers included."""
    torch.set_default_dtype(torch.float64)
    try:
        return build(network)
    finally:
        torch.set_default_dtype(torch.float32)


def weights_of(module: Network) -> Weights:
    """The layer's tensors by their own names."""
    return {name.split(".", 1)[-1]: tensor.detach().numpy().copy() for name, tensor in module.state_dict().items()}


def to_torch(x: Array) -> torch.Tensor:
    """Channels last → channels first; tokens stay as they are."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(x, -1, 1)))


def to_numpy(x: torch.Tensor) -> Array:
    """Channels first → channels last."""
    return np.moveaxis(x.detach().numpy(), 1, -1)


def answers(module: Network, x: Array, upstream: Array | None = None) -> tuple[Array, Array, Weights]:
    """What comes out, and the gradients of Σ out · upstream by the input (0 for tokens) and by each parameter."""
    given = to_torch(x)
    given.requires_grad_(given.is_floating_point())
    module.zero_grad()
    out: Any = module(given)
    above = torch.ones_like(out) if upstream is None else to_torch(upstream)
    (out * above).sum().backward()
    gradients = {
        name.split(".", 1)[-1]: p.grad.numpy().copy() for name, p in module.named_parameters() if p.grad is not None
    }
    by_input = torch.zeros(given.shape, dtype=out.dtype) if given.grad is None else given.grad
    return to_numpy(out), to_numpy(by_input), gradients
