"""Normalisations in PyTorch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveal.backends.torch_layers.context import BuildContext, rules
from foveal.backends.torch_layers.dense import channels_to_end, channels_to_front
from foveal.errors import TrainingError
from foveal.network import layers as kinds


class BatchNormalization(nn.Module):
    """Channels to mean 0 and variance 1 over the batch; in evaluation, by the running statistics.

    Attributes:
        weight, bias: the learned factor and shift, or None.
        running_mean, running_var: buffers. The running variance is the biased one (divided by n), as Keras and ONNX keep it.
        one_value: whether a sample has a single value a channel, as after Dense.
        takes_one_value: whether a training batch of one such sample is taken as Keras takes it: the value is its own mean,
            the variance is 0, so that what comes out is the shift. Without it, a batch that teaches nothing is refused.
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None
    running_mean: Tensor
    running_var: Tensor
    takes_one_value = False

    def __init__(self, layer: kinds.BatchNormalization, context: BuildContext) -> None:
        super().__init__()
        channels = (context.input.channels,)
        self.register_parameter("weight", context.parameter("ones", channels) if layer.scale else None)
        self.register_parameter("bias", context.parameter("zeros", channels) if layer.center else None)
        self.register_buffer("running_mean", context.values("zeros", channels))
        self.register_buffer("running_var", context.values("ones", channels))
        self.share = 1 - layer.momentum  # what PyTorch calls momentum
        self.epsilon = layer.epsilon
        self.one_value = all(n == 1 for n in context.input.spatial)
        self.label, self.path = repr(layer), context.path

    def forward(self, x: Tensor) -> Tensor:
        if self.training and x.numel() == x.shape[1]:
            if self.takes_one_value:
                return self._of_one_value(x)
            raise TrainingError(
                "batch normalisation needs more than one value a channel",
                where=self.path,
                given=f"a training batch of shape {' × '.join(map(str, x.shape))}: one value a channel",
                expected="at least two, or there is no variance",
                fix=[
                    "a batch size of at least 2, and no last batch of 1",
                    "module.eval() to compute without training",
                ],
            )
        seen = torch.zeros_like(self.running_var) if self.training else self.running_var
        result = torch.batch_norm(
            x,
            self.weight,
            self.bias,
            self.running_mean,
            seen,
            self.training,
            self.share,
            self.epsilon,
            True,
        )
        if self.training:  # what PyTorch saw is divided by n − 1
            self.running_var.mul_(1 - self.share).add_(seen, alpha=1 - x.shape[1] / x.numel())
        return result

    def _of_one_value(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.running_mean.lerp_(x.detach().flatten().to(self.running_mean.dtype), self.share)
            self.running_var.mul_(1 - self.share)  # towards a variance of 0
        return torch.batch_norm(x, self.weight, self.bias, None, None, True, self.share, self.epsilon, True)

    def extra_repr(self) -> str:
        return self.label


class LayerNormalization(nn.Module):
    """Each position's channels to mean 0 and variance 1.

    Attributes:
        weight, bias: the learned factor and shift, one a channel, or None.
    """

    weight: nn.Parameter | None
    bias: nn.Parameter | None

    def __init__(self, layer: kinds.LayerNormalization, context: BuildContext) -> None:
        super().__init__()
        self.channels = (context.input.channels,)
        self.register_parameter("weight", context.parameter("ones", self.channels) if layer.scale else None)
        self.register_parameter("bias", context.parameter("zeros", self.channels) if layer.center else None)
        self.epsilon = layer.epsilon
        self.label = repr(layer)

    def forward(self, x: Tensor) -> Tensor:
        last = channels_to_end(x)
        return channels_to_front(F.layer_norm(last, self.channels, self.weight, self.bias, self.epsilon))

    def extra_repr(self) -> str:
        return self.label


class LocalResponseNormalization(nn.Module):
    """x / (k + alpha Σ x²)^beta, the sum over ``size`` neighbouring maps: ⌊size / 2⌋ before and the rest after."""

    def __init__(self, layer: kinds.LocalResponseNormalization) -> None:
        super().__init__()
        self.size, self.alpha, self.beta, self.k = layer.size, layer.alpha, layer.beta, layer.k
        self.label = repr(layer)

    def forward(self, x: Tensor) -> Tensor:
        channels = x.shape[1]
        squares = F.pad(channels_to_end(x * x), (self.size // 2, (self.size - 1) // 2))
        sums = squares[..., :channels]
        for shift in range(1, self.size):  # neighbours lie side by side in channels_last memory
            sums = sums + squares[..., shift : shift + channels]
        return x * channels_to_front((sums * self.alpha + self.k).pow(-self.beta))

    def extra_repr(self) -> str:
        return self.label


class UnitNormalization(nn.Module):
    """x / max(‖x‖, 10⁻¹²), the length taken over the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(x, dim=1)


class Rescaling(nn.Module):
    """x · scale + offset."""

    def __init__(self, scale: float, offset: float) -> None:
        super().__init__()
        self.scale, self.offset = scale, offset

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.offset if self.offset else x * self.scale

    def extra_repr(self) -> str:
        return f"scale={self.scale}, offset={self.offset}"


class Normalization(nn.Module):
    """(x − mean) / √variance with the description's constants; they are not in the model file a second time."""

    factor: Tensor
    offset: Tensor

    def __init__(self, layer: kinds.Normalization, context: BuildContext) -> None:
        super().__init__()
        one_a_channel = (-1, *(1 for _ in context.input.spatial))
        mean = torch.tensor(layer.mean, dtype=torch.float64)
        factor = torch.tensor(layer.variance, dtype=torch.float64).rsqrt()
        for name, value in (("factor", factor), ("offset", -mean * factor)):
            self.register_buffer(name, value.to(torch.get_default_dtype()).reshape(one_a_channel), persistent=False)
        self.label = repr(layer)

    def forward(self, x: Tensor) -> Tensor:
        return torch.addcmul(self.offset, x, self.factor)

    def extra_repr(self) -> str:
        return self.label


@rules.rule(kinds.BatchNormalization)
def _batch(layer: kinds.BatchNormalization, context: BuildContext) -> nn.Module:
    return BatchNormalization(layer, context)


@rules.rule(kinds.LayerNormalization)
def _layer(layer: kinds.LayerNormalization, context: BuildContext) -> nn.Module:
    return LayerNormalization(layer, context)


@rules.rule(kinds.LocalResponseNormalization)
def _local_response(layer: kinds.LocalResponseNormalization, context: BuildContext) -> nn.Module:
    return LocalResponseNormalization(layer)


@rules.rule(kinds.UnitNormalization)
def _unit(layer: kinds.UnitNormalization, context: BuildContext) -> nn.Module:
    return UnitNormalization()


@rules.rule(kinds.Rescaling)
def _rescaling(layer: kinds.Rescaling, context: BuildContext) -> nn.Module:
    return Rescaling(layer.scale, layer.offset)


@rules.rule(kinds.Normalization)
def _normalization(layer: kinds.Normalization, context: BuildContext) -> nn.Module:
    return Normalization(layer, context)
