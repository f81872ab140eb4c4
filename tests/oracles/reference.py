"""An independent reference for every layer: plain NumPy loops over values that are there, in float64, channels last.

Nothing of Foveal's arithmetic or of PyTorch is used. Windows are visited one by one; a place outside the input is never read,
so that no question of padding values arises. Weights come in PyTorch's layout (filters first), as the model file has them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from foveal.network import layers as kinds
from foveal.network.interpreter import Interpreter

Array = np.ndarray[Any, np.dtype[np.float64]]
Weights = dict[str, Array]

rules: Interpreter[Callable[[Any, Array, Weights], Array]] = Interpreter("NumPy reference")


def forward(layer: Any, x: Array, weights: Weights) -> Array:
    """What ``layer`` makes of a batch, as after training."""
    return rules.for_node(layer)(layer, x, weights)


# Windows --------------------------------------------------------------------------------------------------------------


def pads_of(
    layer: Any, sizes: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]
) -> list[tuple[int, int]]:
    """(before, after) on each axis."""
    if layer.padding == "valid":
        return [(0, 0)] * len(sizes)
    if layer.padding != "same":
        return list(layer.padding)
    found = []
    for n, k, s, d in zip(sizes, kernel, strides, getattr(layer, "dilation_rate", (1,) * len(sizes)), strict=True):
        last = (math.ceil(n / s) - 1) * s + (k - 1) * d  # the last place that the last window wants
        missing = max(0, last + 1 - n)
        found.append((math.floor(missing / 2), math.ceil(missing / 2)))
    return found


def visit(
    sizes: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    pads: list[tuple[int, int]],
) -> Iterator[tuple[tuple[int, ...], list[tuple[tuple[int, ...], tuple[int, ...]]]]]:
    """Each window's place, and the (tap, input place) pairs of the values that are there."""
    counts = []
    for n, k, s, d, (before, after) in zip(sizes, kernel, strides, dilation, pads, strict=True):
        starts = [i for i in range(-before, n + after, s) if i + (k - 1) * d <= n - 1 + after]
        counts.append(len(starts))
    for place in np.ndindex(*counts):
        taps = []
        for tap in np.ndindex(*kernel):
            source = tuple(
                p * s - b + t * d for p, s, (b, _), t, d in zip(place, strides, pads, tap, dilation, strict=True)
            )
            if all(0 <= i < n for i, n in zip(source, sizes, strict=True)):
                taps.append((tap, source))
        yield place, taps


def gather(layer: Any, x: Array, pool: Callable[[Array, list[tuple[int, ...]]], Array]) -> Array:
    """Each window's values, stacked (values, N, channels), through ``pool`` (which also gets the taps)."""
    sizes, kernel = x.shape[1:-1], layer.pool_size
    strides = layer.strides or kernel
    found = {}
    for place, taps in visit(sizes, kernel, strides, (1,) * len(kernel), pads_of(layer, sizes, kernel, strides)):
        values = np.stack([x[(slice(None), *source)] for _, source in taps])
        found[place] = pool(values, [tap for tap, _ in taps])
    return assemble(found)


def assemble(found: dict[tuple[int, ...], Array]) -> Array:
    """Values by place as one array, channels last."""
    counts = tuple(max(axis) + 1 for axis in zip(*found, strict=True))
    first = next(iter(found.values()))
    y = np.full((len(first), *counts, first.shape[-1]), np.nan)
    for place, value in found.items():
        y[(slice(None), *place)] = value
    return y


# Convolutions ---------------------------------------------------------------------------------------------------------


def dense_kernel(layer: Any, weight: Array, channels: int) -> Array:
    """kernel × channels × filters, zeros where groups or a table join nothing."""
    filters = layer.filters
    kernel = np.zeros((*layer.kernel_size, channels, filters))
    if getattr(layer, "connections", None) is not None:
        rows = iter(weight)
        for f, row in enumerate(layer.connections):
            for c in row:
                kernel[..., c, f] = next(rows)
        return kernel
    per_group, made = channels // layer.groups, filters // layer.groups
    for f, c in itertools.product(range(filters), range(per_group)):
        kernel[..., f // made * per_group + c, f] = weight[f, c]
    return kernel


def convolve(
    x: Array, kernel: Array, strides: tuple[int, ...], dilation: tuple[int, ...], pads: list[tuple[int, int]]
) -> Array:
    """Σ over taps and channels of x · kernel: cross-correlation."""
    found = {}
    for place, taps in visit(x.shape[1:-1], kernel.shape[:-2], strides, dilation, pads):
        total = np.zeros((len(x), kernel.shape[-1]))
        for tap, source in taps:
            total += np.einsum("nc,cf->nf", x[(slice(None), *source)], kernel[tap])
        found[place] = total
    return assemble(found)


def _finish(layer: Any, sums: Array, weights: Weights) -> Array:
    if "bias" in weights:
        sums = sums + weights["bias"]
    return activate(layer.activation, sums)


@rules.rule(kinds.Conv1D, kinds.Conv2D, kinds.Conv3D)
def _convolution(layer: Any, x: Array, weights: Weights) -> Array:
    kernel = dense_kernel(layer, weights["weight"], x.shape[-1])
    pads = pads_of(layer, x.shape[1:-1], layer.kernel_size, layer.strides)
    return _finish(layer, convolve(x, kernel, layer.strides, layer.dilation_rate, pads), weights)


def _each_channel(layer: Any, x: Array, weight: Array) -> Array:
    """Filters for each channel by itself: channel c makes the maps c · m … c · m + m − 1."""
    pads = pads_of(layer, x.shape[1:-1], layer.kernel_size, layer.strides)
    maps = []
    for index, kernel in enumerate(weight):
        channel = index // layer.depth_multiplier
        maps.append(
            convolve(
                x[..., channel : channel + 1], kernel[0][..., None, None], layer.strides, layer.dilation_rate, pads
            )
        )
    return np.concatenate(maps, axis=-1)


@rules.rule(kinds.DepthwiseConv2D)
def _depthwise(layer: Any, x: Array, weights: Weights) -> Array:
    return _finish(layer, _each_channel(layer, x, weights["weight"]), weights)


@rules.rule(kinds.SeparableConv2D)
def _separable(layer: Any, x: Array, weights: Weights) -> Array:
    between = _each_channel(layer, x, weights["depthwise"])
    return _finish(layer, np.einsum("nhwc,fc->nhwf", between, weights["pointwise"][:, :, 0, 0]), weights)


@rules.rule(kinds.Conv2DTranspose)
def _transposed(layer: Any, x: Array, weights: Weights) -> Array:
    """Stamp each input value's kernel onto an endless sheet, then cut the sheet."""
    sizes, filters = x.shape[1:-1], layer.filters
    cuts, ends = [], []
    for axis, n in enumerate(sizes):
        k, s, d = layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]
        whole = (n - 1) * s + (k - 1) * d + 1
        if layer.padding == "same":
            surplus = whole - n * s
            cuts.append(max(0, surplus // 2))
            ends.append(n * s)
        else:
            before, after = (0, 0) if layer.padding == "valid" else layer.padding[axis]
            cuts.append(before)
            added = layer.output_padding[axis]
            if layer.padding == "valid" and not any(layer.output_padding):
                added = max(0, n * s - whole)  # as in Keras: no row of a stride is lost
            ends.append(whole - before - after + added)
    sheet = np.zeros((len(x), *ends, filters))
    per_group, made = x.shape[-1] // layer.groups, filters // layer.groups
    for place in np.ndindex(*sizes):
        for tap in np.ndindex(*layer.kernel_size):
            target = tuple(
                p * s + t * d - c
                for p, s, t, d, c in zip(place, layer.strides, tap, layer.dilation_rate, cuts, strict=True)
            )
            if not all(0 <= i < n for i, n in zip(target, ends, strict=True)):
                continue
            for c, f in itertools.product(range(x.shape[-1]), range(made)):
                sheet[(slice(None), *target, c // per_group * made + f)] += (
                    x[(slice(None), *place, c)] * weights["weight"][(c, f, *tap)]
                )
    return _finish(layer, sheet, weights)


# Poolings -------------------------------------------------------------------------------------------------------------


@rules.rule(kinds.MaxPooling1D, kinds.MaxPooling2D, kinds.MaxPooling3D)
def _max(layer: Any, x: Array, weights: Weights) -> Array:
    return gather(layer, x, lambda values, taps: values.max(axis=0))


@rules.rule(kinds.MinPooling1D, kinds.MinPooling2D, kinds.MinPooling3D)
def _min(layer: Any, x: Array, weights: Weights) -> Array:
    return gather(layer, x, lambda values, taps: values.min(axis=0))


@rules.rule(kinds.AveragePooling1D, kinds.AveragePooling2D, kinds.AveragePooling3D)
def _average(layer: Any, x: Array, weights: Weights) -> Array:
    return gather(layer, x, lambda values, taps: values.sum(axis=0) / len(values))


@rules.rule(kinds.L2Pooling1D, kinds.L2Pooling2D, kinds.L2Pooling3D)
def _l2(layer: Any, x: Array, weights: Weights) -> Array:
    return gather(layer, x, lambda values, taps: np.sqrt((values**2).sum(axis=0)))


@rules.rule(kinds.DistanceWeightedPooling1D, kinds.DistanceWeightedPooling2D, kinds.DistanceWeightedPooling3D)
def _distance(layer: Any, x: Array, weights: Weights) -> Array:
    middle = [(k - 1) / 2 for k in layer.pool_size]

    def pool(values: Array, taps: list[tuple[int, ...]]) -> Array:
        shares = [1 / (1 + math.dist(tap, middle)) for tap in taps]
        return sum(share * value for share, value in zip(shares, values, strict=True)) / sum(shares)

    return gather(layer, x, pool)


@rules.rule(kinds.Subsampling2D)
def _subsampling(layer: Any, x: Array, weights: Weights) -> Array:
    return _finish(layer, gather(layer, x, lambda values, taps: values.sum(axis=0)) * weights["weight"], weights)


def _spatial(x: Array) -> tuple[int, ...]:
    return tuple(range(1, x.ndim - 1))


@rules.rule(kinds.GlobalAveragePooling1D, kinds.GlobalAveragePooling2D, kinds.GlobalAveragePooling3D)
def _global_average(layer: Any, x: Array, weights: Weights) -> Array:
    return x.sum(axis=_spatial(x)) / math.prod(x.shape[1:-1])


@rules.rule(kinds.GlobalMaxPooling1D, kinds.GlobalMaxPooling2D, kinds.GlobalMaxPooling3D)
def _global_max(layer: Any, x: Array, weights: Weights) -> Array:
    return x.max(axis=_spatial(x))


def _adaptive(layer: Any, x: Array, pool: Callable[..., Array]) -> Array:
    found = {}
    for place in np.ndindex(*layer.output_size):
        window = tuple(
            slice(math.floor(i * n / m), math.ceil((i + 1) * n / m))
            for i, n, m in zip(place, x.shape[1:-1], layer.output_size, strict=True)
        )
        found[place] = pool(x[(slice(None), *window)], axis=_spatial(x))
    return assemble(found)


@rules.rule(kinds.AdaptiveAveragePooling1D, kinds.AdaptiveAveragePooling2D)
def _adaptive_average(layer: Any, x: Array, weights: Weights) -> Array:
    return _adaptive(layer, x, np.mean)


@rules.rule(kinds.AdaptiveMaxPooling1D, kinds.AdaptiveMaxPooling2D)
def _adaptive_max(layer: Any, x: Array, weights: Weights) -> Array:
    return _adaptive(layer, x, np.max)


# Dense, and what only rearranges --------------------------------------------------------------------------------------


@rules.rule(kinds.Dense)
def _dense(layer: Any, x: Array, weights: Weights) -> Array:
    return _finish(layer, np.einsum("ni,ui->nu", x, weights["weight"]), weights)


@rules.rule(kinds.RBF)
def _rbf(layer: Any, x: Array, weights: Weights) -> Array:
    return np.stack([-((x - centre) ** 2).sum(axis=1) for centre in weights["weight"]], axis=1)


@rules.rule(kinds.Flatten)
def _flatten(layer: Any, x: Array, weights: Weights) -> Array:
    return x.reshape(len(x), -1)


@rules.rule(kinds.Reshape)
def _reshape(layer: Any, x: Array, weights: Weights) -> Array:
    return x.reshape(len(x), *layer.target_shape)


@rules.rule(kinds.Dropout, kinds.SpatialDropout2D)
def _dropout(layer: Any, x: Array, weights: Weights) -> Array:
    return x  # after training nothing is dropped


@rules.rule(kinds.ZeroPadding2D)
def _zero_padding(layer: Any, x: Array, weights: Weights) -> Array:
    (top, bottom), (left, right) = layer.padding
    y = np.zeros((len(x), x.shape[1] + top + bottom, x.shape[2] + left + right, x.shape[3]))
    y[:, top : top + x.shape[1], left : left + x.shape[2]] = x
    return y


@rules.rule(kinds.UpSampling2D)
def _upsampling(layer: Any, x: Array, weights: Weights) -> Array:
    if layer.interpolation == "nearest":
        return x.repeat(layer.size[0], axis=1).repeat(layer.size[1], axis=2)
    for axis, factor in ((1, layer.size[0]), (2, layer.size[1])):
        n, rows = x.shape[axis], []
        for i in range(n * factor):
            centre = min(max((i + 0.5) / factor - 0.5, 0.0), n - 1.0)  # in pixels of the input, edges repeated
            low = math.floor(centre)
            share = centre - low
            rows.append(x.take(low, axis) * (1 - share) + x.take(min(low + 1, n - 1), axis) * share)
        x = np.stack(rows, axis=axis)
    return x


# Normalisations -------------------------------------------------------------------------------------------------------


@rules.rule(kinds.BatchNormalization)
def _batch(layer: Any, x: Array, weights: Weights) -> Array:
    return _standardised(x, weights["running_mean"], weights["running_var"], layer.epsilon, weights)


def _standardised(x: Array, mean: Array, variance: Array, epsilon: float, weights: Weights) -> Array:
    y = (x - mean) / np.sqrt(variance + epsilon)
    return y * weights.get("weight", np.float64(1.0)) + weights.get("bias", np.float64(0.0))


def batch_statistics(x: Array) -> tuple[Array, Array]:
    """Mean and (biased) variance of each channel over the batch and all places."""
    rows = x.reshape(-1, x.shape[-1])
    mean = rows.sum(axis=0) / len(rows)
    return mean, ((rows - mean) ** 2).sum(axis=0) / len(rows)


def batch_normalised(layer: Any, x: Array, weights: Weights) -> Array:
    """Batch normalisation as in training."""
    return _standardised(x, *batch_statistics(x), layer.epsilon, weights)


@rules.rule(kinds.LayerNormalization)
def _layer(layer: Any, x: Array, weights: Weights) -> Array:
    mean = x.mean(axis=-1, keepdims=True)
    return _standardised(x, mean, ((x - mean) ** 2).mean(axis=-1, keepdims=True), layer.epsilon, weights)


@rules.rule(kinds.LocalResponseNormalization)
def _local_response(layer: Any, x: Array, weights: Weights) -> Array:
    y, channels = np.empty_like(x), x.shape[-1]
    for c in range(channels):
        first = c - layer.size // 2
        near = [j for j in range(first, first + layer.size) if 0 <= j < channels]
        squares = sum(x[..., j] ** 2 for j in near)
        y[..., c] = x[..., c] / (layer.k + layer.alpha * squares) ** layer.beta
    return y


@rules.rule(kinds.Rescaling)
def _rescaling(layer: Any, x: Array, weights: Weights) -> Array:
    return x * layer.scale + layer.offset


@rules.rule(kinds.Normalization)
def _normalization(layer: Any, x: Array, weights: Weights) -> Array:
    return (x - np.array(layer.mean)) / np.sqrt(np.array(layer.variance))


# Activations ----------------------------------------------------------------------------------------------------------


def activate(name: str, x: Array, slope: float = 0.2, alpha: float = 1.0) -> Array:
    """The activation's formula, as ``foveal.network.activations.ACTIVATIONS`` prints it."""
    below = np.minimum(x, 0)
    shifted = x - x.max(axis=-1, keepdims=True)
    softplus = np.log1p(np.exp(-abs(x))) + np.maximum(x, 0)
    table: dict[str, Callable[[], Array]] = {
        "linear": lambda: x,
        "step": lambda: (x > 0).astype(np.float64),
        "sigmoid": lambda: 1 / (1 + np.exp(-x)),
        "tanh": lambda: np.tanh(x),
        "scaled_tanh": lambda: 1.7159 * np.tanh(2 * x / 3),
        "relu": lambda: np.maximum(x, 0),
        "relu6": lambda: np.clip(x, 0, 6),
        "leaky_relu": lambda: np.where(x > 0, x, slope * x),
        "elu": lambda: np.where(x > 0, x, alpha * (np.exp(below) - 1)),
        "selu": lambda: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * (np.exp(below) - 1)),
        "gelu": lambda: x * np.vectorize(lambda v: 0.5 * (1 + math.erf(v / math.sqrt(2))))(x),
        "silu": lambda: x / (1 + np.exp(-x)),
        "mish": lambda: x * np.tanh(softplus),
        "softplus": lambda: softplus,
        "softsign": lambda: x / (1 + abs(x)),
        "hard_sigmoid": lambda: np.clip(x / 6 + 0.5, 0, 1),
        "exponential": lambda: np.exp(x),
        "softmax": lambda: np.exp(shifted) / np.exp(shifted).sum(axis=-1, keepdims=True),
        "log_softmax": lambda: shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)),
    }
    return table[name]()


@rules.rule(kinds.Activation)
def _activation(layer: Any, x: Array, weights: Weights) -> Array:
    return activate(layer.activation, x, layer.negative_slope, layer.alpha)
