"""The rules that turn layers into PyTorch modules, a family a file; importing this package fills the table."""

from __future__ import annotations

from foveal.backends.torch_layers import (
    activations,
    convolution,
    dense,
    normalization,
    pooling,
    recurrent,
    sequence,
    stochastic,
)
from foveal.backends.torch_layers.context import BuildContext, rules

__all__ = ["BuildContext", "rules"]
