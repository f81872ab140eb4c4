"""Activation functions in PyTorch: one entry a name of ``foveal.network.activations.ACTIVATIONS``.

``PURE`` leaves its argument alone. ``overwriting`` gives a version that writes over it where that saves memory traffic; it is
for tensors that nobody else reads and that the operation before does not need for its backward (sums of convolutions, dense
layers and normalisations).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveal.backends.torch_layers.context import BuildContext, rules
from foveal.network import layers as kinds

Function = Callable[[Tensor], Tensor]

SLOPE = 0.2  # leaky_relu's, where it stands inside another layer


def identity(x: Tensor) -> Tensor:
    """x itself."""
    return x


def step(x: Tensor) -> Tensor:
    """1 where x > 0, else 0; its gradient is 0 everywhere."""
    return torch.relu(torch.sign(x))


def scaled_tanh(x: Tensor) -> Tensor:
    """1.7159 · tanh(2x / 3): ±1 are mapped on ±1 (LeCun et al. 1998, appendix A)."""
    return torch.tanh(x * (2 / 3)) * 1.7159


PURE: dict[str, Function] = {
    "linear": identity,
    "step": step,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "scaled_tanh": scaled_tanh,
    "relu": torch.relu,
    "relu6": F.relu6,
    "leaky_relu": partial(F.leaky_relu, negative_slope=SLOPE),
    "elu": F.elu,
    "selu": F.selu,
    "gelu": F.gelu,
    "silu": F.silu,
    "mish": F.mish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "hard_sigmoid": F.hardsigmoid,
    "exponential": torch.exp,
    "softmax": partial(torch.softmax, dim=1),
    "log_softmax": partial(torch.log_softmax, dim=1),
}

_OVERWRITING: dict[str, Function] = {
    "sigmoid": torch.sigmoid_,
    "tanh": torch.tanh_,
    "relu": torch.relu_,
    "relu6": partial(F.relu6, inplace=True),
    "leaky_relu": partial(F.leaky_relu, negative_slope=SLOPE, inplace=True),
    "elu": partial(F.elu, inplace=True),
    "selu": partial(F.selu, inplace=True),
}


def overwriting(name: str) -> Function | None:
    """The function for the result of a sum, written over it where it can be; None is linear."""
    return None if name == "linear" else _OVERWRITING.get(name, PURE[name])


class Activation(nn.Module):
    """A function of each value.

    Attributes:
        overwrite: whether the result is written over the input; :meth:`Network.keep_inputs` turns it off.
    """

    def __init__(self, name: str, slope: float, alpha: float, overwrite: bool) -> None:
        super().__init__()
        self.name = name
        self.pure, self.writing = PURE[name], _OVERWRITING.get(name, PURE[name])
        if name == "leaky_relu":
            self.pure = partial(F.leaky_relu, negative_slope=slope)
            self.writing = partial(F.leaky_relu, negative_slope=slope, inplace=True)
        elif name == "elu":
            self.pure, self.writing = partial(F.elu, alpha=alpha), partial(F.elu, alpha=alpha, inplace=True)
        self.overwrite = overwrite

    def forward(self, x: Tensor) -> Tensor:
        return self.writing(x) if self.overwrite else self.pure(x)

    def extra_repr(self) -> str:
        return self.name + (", in place" if self.overwrite else "")


@rules.rule(kinds.Activation)
def _activation(layer: kinds.Activation, context: BuildContext) -> nn.Module:
    return Activation(layer.activation, layer.negative_slope, layer.alpha, context.overwrite)
