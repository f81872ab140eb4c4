"""Tokens and sequences in PyTorch: a vector for each token, and what cuts and turns axes.

Tokens are N × length whole numbers (int64); sequences are N × channels × length, as everything here has its channels first.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from foveal.backends.torch_layers.context import BuildContext, rules
from foveal.backends.torch_layers.dense import channels_to_end, channels_to_front
from foveal.errors import DataError
from foveal.network import layers as kinds


class Embedding(nn.Module):
    """The row of the table for each token.

    Attributes:
        weight: input_dim × output_dim.
    """

    def __init__(self, layer: kinds.Embedding, context: BuildContext) -> None:
        super().__init__()
        shape = (layer.input_dim, layer.output_dim)
        self.weight = context.parameter(layer.embeddings_initializer, shape, *shape)
        self.path, self.label = context.path, repr(layer)

    def forward(self, x: Tensor) -> Tensor:
        try:
            return F.embedding(x, self.weight).movedim(-1, 1)
        except IndexError:
            raise DataError(
                "a token has no row in the table",
                where=self.path,
                given=f"tokens from {int(x.min())} to {int(x.max())}",
                expected=f"0 to {len(self.weight) - 1}: input_dim is {len(self.weight)}",
                fix=f"input_dim={int(x.max()) + 1}, or an own token for what is unknown"
                if int(x.min()) >= 0
                else "number the tokens from 0",
            ) from None

    def extra_repr(self) -> str:
        return self.label


class Cropping(nn.Module):
    """Without the places at both ends; a view."""

    def __init__(self, first: int, last: int) -> None:
        super().__init__()
        self.first, self.last = first, last

    def forward(self, x: Tensor) -> Tensor:
        return x[..., self.first : x.shape[-1] - self.last]

    def extra_repr(self) -> str:
        return f"{self.first}, {self.last}"


class Permute(nn.Module):
    """The axes in another order, counted as outside: channels last."""

    def __init__(self, dims: tuple[int, ...]) -> None:
        super().__init__()
        self.dims = dims

    def forward(self, x: Tensor) -> Tensor:
        return channels_to_front(channels_to_end(x).permute(0, *self.dims))

    def extra_repr(self) -> str:
        return str(self.dims)


@rules.rule(kinds.Cropping1D)
def _cropping(layer: kinds.Cropping1D, context: BuildContext) -> nn.Module:
    return Cropping(*layer.cropping)


@rules.rule(kinds.Permute)
def _permute(layer: kinds.Permute, context: BuildContext) -> nn.Module:
    return Permute(layer.dims)


# A module that takes a layer and its place is the rule of its kind itself.
rules.rule(kinds.Embedding)(Embedding)
