"""What a layer's rule is told, and the table of rules: how a layer becomes a ``torch.nn.Module``.

A rule takes the layer and its :class:`Place`, and returns a module. The module holds exactly the tensors that the layer's
description asks for, draws their first values from the place's generator, and computes on N × channels × height × width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foveal.backends.torch_layers.initializers import fill
from foveal.network.interpreter import Interpreter
from foveal.network.shape import Shape

ModuleRule = Callable[[Any, "BuildContext"], nn.Module]
rules: Interpreter[ModuleRule] = Interpreter("PyTorch module")


@dataclass(frozen=True)
class BuildContext:
    """Where a layer stands in its network.

    Attributes:
        path: the node's path, for messages.
        input, output: the shapes of one sample.
        generator: source of the first values; None leaves them out (the network is only an outline).
        overwrite: whether the layer may write its result over its input: nobody else reads it, not even backward.
    """

    path: str
    input: Shape
    output: Shape
    generator: torch.Generator | None
    overwrite: bool = False

    def parameter(
        self, initializer: str, shape: tuple[int, ...], n_in: int = 1, n_out: int = 1, trainable: bool = True
    ) -> nn.Parameter:
        """A weight with its first values; kernels of pictures lie in channels_last memory.

        Args:
            initializer: a name of ``foveal.network.activations.INITIALIZERS``.
            shape: the tensor's shape.
            n_in: values that a unit sees.
            n_out: units that see a value.
            trainable: whether it takes gradients.
        """
        return nn.Parameter(in_memory_order(self.values(initializer, shape, n_in, n_out)), requires_grad=trainable)

    def values(self, initializer: str, shape: tuple[int, ...], n_in: int = 1, n_out: int = 1) -> Tensor:
        """First values, drawn in the order of the tensor's indices whatever its memory."""
        if self.generator is None:
            return torch.empty(shape, device="meta")
        return fill(initializer, torch.empty(shape), n_in, n_out, self.generator, self.path)


def in_memory_order(kernel: Tensor) -> Tensor:
    """A picture kernel in channels_last memory; anything else as it is.

    The strides are set by hand: with one channel both orders are equally valid, and PyTorch would keep the other, after
    which every feature map behind it would be laid out the slow way.
    """
    if kernel.dim() != 4:
        return kernel
    _, channels, height, width = kernel.shape
    strides = (channels * height * width, 1, width * channels, channels)
    return torch.empty_strided(kernel.shape, strides, dtype=kernel.dtype, device=kernel.device).copy_(kernel)
