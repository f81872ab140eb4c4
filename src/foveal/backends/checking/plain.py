"""Every layer once more, by its formula: the second algorithm of a check.

Written in elementary operations alone (slices, sums, products of matrices, exponentials) in float64 and channels last, tap by
tap instead of by a kernel of oneDNN, cuDNN or PyTorch; gradients follow from those operations one by one. Slow, and shared
with nothing that trains. Recurrent layers are in :mod:`foveal.backends.checking.plain_recurrent`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from foveal.arithmetic.geometry import transposed_padding, windows
from foveal.backends.checking.plain_activations import activate
from foveal.network import layers as kinds
from foveal.network.interpreter import Interpreter
from foveal.network.shape import as_shape


@dataclass(frozen=True)
class Given:
    """What a layer computes with, besides its input.

    Attributes:
        weights: its tensors by their own names, as the module has them.
        training: whether it computes as in training.
        drawn: the random numbers that the module drew in training, channels last; None where it draws none.
    """

    weights: dict[str, Tensor]
    training: bool = False
    drawn: Tensor | None = None

    def within(self, name: str) -> Given:
        """The same for a layer that is held."""
        held = {key[len(name) + 1 :]: t for key, t in self.weights.items() if key.startswith(f"{name}.")}
        return Given(held, self.training)


Rule = Callable[[Any, Tensor, Given], Tensor]
rules: Interpreter[Rule] = Interpreter("second algorithm of `foveal check`")

TAPS, SLICES, PRODUCT, FORMULA, MOVES, LOOP = (
    "tap by tap",
    "slices",
    "matrix product",
    "its formula",
    "moved by hand",
    "step by step",
)
METHODS: dict[type, str] = {}


def rule(method: str, *of: Any) -> Callable[[Rule], Rule]:
    """Make the function the rule of these kinds; ``method`` is what the report calls it."""
    METHODS.update(dict.fromkeys(of, method))
    return rules.rule(*of)


def forward(layer: Any, x: Tensor, given: Given) -> Tensor:
    """What ``layer`` makes of N × … × channels."""
    return rules.for_node(layer)(layer, x, given)


def _end(layer: Any, sums: Tensor, given: Given) -> Tensor:
    if "bias" in given.weights:
        sums = sums + given.weights["bias"]
    return activate(layer.activation, sums)


# Windows --------------------------------------------------------------------------------------------------------------


def _padded(x: Tensor, sides: list[tuple[int, int]], value: float) -> Tensor:
    """Each spatial axis lengthened at both ends."""
    for axis, both in enumerate(sides, 1):
        before, after = (x.new_full((*x.shape[:axis], n, *x.shape[axis + 1 :]), value) for n in both)
        x = torch.cat([before, x, after], axis)
    return x


def taps(
    layer: Any, x: Tensor, kernel: tuple[int, ...], value: float = 0.0
) -> Iterator[tuple[tuple[int, ...], Tensor]]:
    """For each place of the window, in reading order, what all windows see there: N × places × channels."""
    found = windows(layer, as_shape(x.shape[1:]))
    assert found is not None
    counts = [one.places(n) for one, n in zip(found, x.shape[1:-1], strict=True)]
    x = _padded(x, [(one.before, one.after) for one in found], value)
    for tap in _places(kernel):
        starts = [t * one.dilation for t, one in zip(tap, found, strict=True)]
        cut = (
            slice(start, start + (count - 1) * one.stride + 1, one.stride)
            for start, count, one in zip(starts, counts, found, strict=True)
        )
        yield tap, x[slice(None), *cut]


def _places(sizes: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if not sizes:
        yield ()
        return
    for first in range(sizes[0]):
        for rest in _places(sizes[1:]):
            yield first, *rest


def _at(kernel: Tensor, tap: tuple[int, ...]) -> Tensor:
    """One place of a kernel groups × … × … × places."""
    for place in tap:
        kernel = kernel[:, :, :, place]
    return kernel


def _convolved(layer: Any, x: Tensor, weight: Tensor, groups: int) -> Tensor:
    """Σ over taps of x · kernel, group by group; weight: filters × channels / groups × kernel."""
    filters, per_group = weight.shape[:2]
    kernel = weight.reshape(groups, filters // groups, per_group, *weight.shape[2:])
    total: Any = 0
    for tap, seen in taps(layer, x, tuple(weight.shape[2:])):
        parts = seen.reshape(*seen.shape[:-1], groups, per_group)
        total = total + torch.einsum("...gc,gfc->...gf", parts, _at(kernel, tap))
    return torch.as_tensor(total).flatten(-2)


@rule(TAPS, kinds.Conv1D, kinds.Conv2D, kinds.Conv3D)
def _convolution(layer: Any, x: Tensor, given: Given) -> Tensor:
    weight, table = given.weights["weight"], getattr(layer, "connections", None)
    if table is not None:
        rows, kernels = iter(weight.unbind()), []
        for seen in table:
            maps = [torch.zeros_like(weight[0])] * x.shape[-1]
            for channel in seen:
                maps[channel] = next(rows)
            kernels.append(torch.stack(maps))
        weight = torch.stack(kernels)
    return _end(layer, _convolved(layer, x, weight, layer.groups), given)


@rule(TAPS, kinds.DepthwiseConv2D)
def _depthwise(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _end(layer, _convolved(layer, x, given.weights["weight"], x.shape[-1]), given)


@rule(TAPS, kinds.SeparableConv2D)
def _separable(layer: Any, x: Tensor, given: Given) -> Tensor:
    each = _convolved(layer, x, given.weights["depthwise"], x.shape[-1])
    return _end(layer, each @ given.weights["pointwise"][:, :, 0, 0].T, given)


@rule(TAPS, kinds.Conv2DTranspose)
def _transposed(layer: Any, x: Tensor, given: Given) -> Tensor:
    """Stamp by stamp onto a sheet of zeros, which is then cut."""
    weight, groups = given.weights["weight"], layer.groups
    kernel = weight.reshape(groups, weight.shape[0] // groups, *weight.shape[1:])
    parts = x.reshape(*x.shape[:-1], groups, -1)
    cuts, steps = transposed_padding(layer), list(zip(layer.strides, layer.dilation_rate, strict=True))
    sizes = [
        (n - 1) * s + (k - 1) * d + 1 + cut[2]
        for n, k, (s, d), cut in zip(x.shape[1:-1], layer.kernel_size, steps, cuts, strict=True)
    ]
    sheet = x.new_zeros(len(x), *sizes, layer.filters)
    for tap in _places(layer.kernel_size):
        stamp = torch.einsum("...gc,gcf->...gf", parts, _at(kernel, tap)).flatten(-2)
        target = (
            slice(t * d, t * d + (n - 1) * s + 1, s) for t, n, (s, d) in zip(tap, x.shape[1:-1], steps, strict=True)
        )
        sheet[slice(None), *target] += stamp
    kept = (slice(before, size - after) for size, (before, after, _) in zip(sizes, cuts, strict=True))
    return _end(layer, sheet[slice(None), *kept], given)


@rule(TAPS, kinds.MaxPooling1D, kinds.MaxPooling2D, kinds.MaxPooling3D)
def _max(layer: Any, x: Tensor, given: Given) -> Tensor:
    return torch.stack([seen for _, seen in taps(layer, x, layer.pool_size, -math.inf)]).max(0).values


@rule(TAPS, kinds.MinPooling1D, kinds.MinPooling2D, kinds.MinPooling3D)
def _min(layer: Any, x: Tensor, given: Given) -> Tensor:
    return torch.stack([seen for _, seen in taps(layer, x, layer.pool_size, math.inf)]).min(0).values


def _total(layer: Any, x: Tensor, weigh: Callable[[tuple[int, ...]], float] = lambda tap: 1.0) -> Tensor:
    """Σ weight · x over each window."""
    total: Any = 0
    for tap, seen in taps(layer, x, layer.pool_size):
        total = total + seen * weigh(tap)
    return torch.as_tensor(total)


@rule(TAPS, kinds.AveragePooling1D, kinds.AveragePooling2D, kinds.AveragePooling3D)
def _average(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _total(layer, x) / _total(layer, torch.ones_like(x))


@rule(TAPS, kinds.L2Pooling1D, kinds.L2Pooling2D, kinds.L2Pooling3D)
def _l2(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _total(layer, x * x).sqrt()


@rule(TAPS, kinds.DistanceWeightedPooling1D, kinds.DistanceWeightedPooling2D, kinds.DistanceWeightedPooling3D)
def _distance(layer: Any, x: Tensor, given: Given) -> Tensor:
    middle = [(k - 1) / 2 for k in layer.pool_size]

    def weigh(tap: tuple[int, ...]) -> float:
        return 1 / (1 + math.dist(tap, middle))

    return _total(layer, x, weigh) / _total(layer, torch.ones_like(x), weigh)


@rule(TAPS, kinds.Subsampling2D)
def _subsampling(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _end(layer, _total(layer, x) * given.weights["weight"], given)


def _flat(x: Tensor) -> Tensor:
    """N × places × channels."""
    return x.reshape(len(x), -1, x.shape[-1])


@rule(FORMULA, kinds.GlobalAveragePooling1D, kinds.GlobalAveragePooling2D, kinds.GlobalAveragePooling3D)
def _global_average(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _flat(x).sum(1) / math.prod(x.shape[1:-1])


@rule(FORMULA, kinds.GlobalMaxPooling1D, kinds.GlobalMaxPooling2D, kinds.GlobalMaxPooling3D)
def _global_max(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _flat(x).max(1).values


def _adaptive(layer: Any, x: Tensor, pool: Callable[[Tensor], Tensor]) -> Tensor:
    made = []
    for place in _places(layer.output_size):
        cut = (
            slice(i * n // m, -(-(i + 1) * n // m))
            for i, n, m in zip(place, x.shape[1:-1], layer.output_size, strict=True)
        )
        made.append(pool(_flat(x[slice(None), *cut])))
    return torch.stack(made, 1).reshape(len(x), *layer.output_size, x.shape[-1])


@rule(SLICES, *kinds.pooling.ADAPTIVE_AVERAGE)
def _adaptive_average(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _adaptive(layer, x, lambda window: window.sum(1) / window.shape[1])


@rule(SLICES, *kinds.pooling.ADAPTIVE_MAX)
def _adaptive_max(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _adaptive(layer, x, lambda window: window.max(1).values)


# Dense layers, and what only moves values -------------------------------------------------------------------------------


@rule(PRODUCT, kinds.Dense)
def _dense(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _end(layer, x @ given.weights["weight"].T, given)


@rule(FORMULA, kinds.RBF)
def _rbf(layer: Any, x: Tensor, given: Given) -> Tensor:
    return torch.stack([-((x - centre) ** 2).sum(-1) for centre in given.weights["weight"].unbind()], -1)


@rule(PRODUCT, kinds.RBM)
def _rbm(layer: Any, x: Tensor, given: Given) -> Tensor:
    return activate("sigmoid", x @ given.weights["weight"].T + given.weights["bias"])


@rule(MOVES, kinds.Flatten)
def _flatten(layer: Any, x: Tensor, given: Given) -> Tensor:
    return x.reshape(len(x), -1)


@rule(MOVES, kinds.Reshape)
def _reshape(layer: Any, x: Tensor, given: Given) -> Tensor:
    return x.reshape(len(x), *layer.target_shape)


@rule(MOVES, kinds.Permute)
def _permute(layer: Any, x: Tensor, given: Given) -> Tensor:
    return x.permute(0, *layer.dims)


@rule(MOVES, kinds.Cropping1D)
def _cropping(layer: Any, x: Tensor, given: Given) -> Tensor:
    first, last = layer.cropping
    return x[:, first : x.shape[1] - last]


@rule(MOVES, kinds.ZeroPadding2D)
def _zero_padding(layer: Any, x: Tensor, given: Given) -> Tensor:
    return _padded(x, list(layer.padding), 0.0)


@rule(PRODUCT, kinds.UpSampling2D)
def _upsampling(layer: Any, x: Tensor, given: Given) -> Tensor:
    """A product with a matrix along each axis: which share of which pixel lies at a place."""
    for axis, factor in enumerate(layer.size, 1):
        n = x.shape[axis]
        share = x.new_zeros(n * factor, n)
        for i in range(n * factor):
            centre = (i + 0.5) / factor - 0.5
            if layer.interpolation == "nearest":
                share[i, i // factor] = 1.0
                continue
            centre = min(max(centre, 0.0), n - 1.0)
            low = math.floor(centre)
            share[i, low] += 1 - (centre - low)
            share[i, min(low + 1, n - 1)] += centre - low
        x = torch.tensordot(x.movedim(axis, -1), share.T, 1).movedim(-1, axis)
    return x


@rule(MOVES, kinds.Embedding)
def _embedding(layer: Any, x: Tensor, given: Given) -> Tensor:
    return given.weights["weight"][x]


# What draws random numbers ----------------------------------------------------------------------------------------------


@rule("the same mask", kinds.Dropout, kinds.SpatialDropout2D)
def _dropout(layer: Any, x: Tensor, given: Given) -> Tensor:
    return x if given.drawn is None else x * given.drawn / (1 - layer.rate)


@rule("the same draws", kinds.GaussianNoise)
def _noise(layer: Any, x: Tensor, given: Given) -> Tensor:
    return x if given.drawn is None else x + given.drawn * layer.stddev


@rule("the same draws", kinds.Sampling)
def _sampling(layer: Any, x: Tensor, given: Given) -> Tensor:
    mean, spread = x[:, : layer.units], x[:, layer.units :]
    return mean if given.drawn is None else mean + torch.exp(spread / 2) * given.drawn


# Normalisations ---------------------------------------------------------------------------------------------------------


def _standard(x: Tensor, mean: Tensor, variance: Tensor, epsilon: float, given: Given) -> Tensor:
    y = (x - mean) / (variance + epsilon).sqrt()
    return y * given.weights.get("weight", 1.0) + given.weights.get("bias", 0.0)


@rule(FORMULA, kinds.BatchNormalization)
def _batch(layer: Any, x: Tensor, given: Given) -> Tensor:
    mean, variance = given.weights["running_mean"], given.weights["running_var"]
    if given.training:
        rows = x.reshape(-1, x.shape[-1])
        mean = rows.sum(0) / len(rows)
        variance = ((rows - mean) ** 2).sum(0) / len(rows)
    return _standard(x, mean, variance, layer.epsilon, given)


@rule(FORMULA, kinds.LayerNormalization)
def _layer(layer: Any, x: Tensor, given: Given) -> Tensor:
    mean = x.sum(-1, keepdim=True) / x.shape[-1]
    return _standard(x, mean, ((x - mean) ** 2).sum(-1, keepdim=True) / x.shape[-1], layer.epsilon, given)


@rule(FORMULA, kinds.LocalResponseNormalization)
def _local_response(layer: Any, x: Tensor, given: Given) -> Tensor:
    channels, made = x.shape[-1], []
    for c in range(channels):
        first = max(0, c - layer.size // 2)
        near = x[..., first : c - layer.size // 2 + layer.size]
        made.append(x[..., c] / (layer.k + layer.alpha * (near**2).sum(-1)) ** layer.beta)
    return torch.stack(made, -1)


@rule(FORMULA, kinds.UnitNormalization)
def _unit(layer: Any, x: Tensor, given: Given) -> Tensor:
    return x / (x * x).sum(-1, keepdim=True).sqrt().clamp_min(1e-12)


@rule(FORMULA, kinds.Rescaling)
def _rescaling(layer: Any, x: Tensor, given: Given) -> Tensor:
    scale, offset = float(layer.scale), float(layer.offset)
    return x * scale + offset


@rule(FORMULA, kinds.Normalization)
def _normalization(layer: Any, x: Tensor, given: Given) -> Tensor:
    return (x - x.new_tensor(layer.mean)) / x.new_tensor(layer.variance).sqrt()


@rule(FORMULA, kinds.Activation)
def _activation(layer: Any, x: Tensor, given: Given) -> Tensor:
    return activate(layer.activation, x, layer.negative_slope, layer.alpha)
