"""NumPy references for tokens, sequences, codes and Boltzmann machines: plain loops, channels last, as in ``reference``."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from foveal.network import layers as kinds
from tests.oracles.reference import Array, Weights, rules


@rules.rule(kinds.Embedding)
def _embedding(layer: Any, x: Array, weights: Weights) -> Array:
    out = np.zeros((*x.shape, layer.output_dim))
    for place in np.ndindex(*x.shape):
        for value in range(layer.output_dim):
            out[(*place, value)] = weights["weight"][int(x[place]), value]
    return out


@rules.rule(kinds.Cropping1D)
def _cropping(layer: Any, x: Array, weights: Weights) -> Array:
    first, last = layer.cropping
    return np.stack([x[:, place] for place in range(x.shape[1]) if first <= place < x.shape[1] - last], axis=1)


@rules.rule(kinds.Permute)
def _permute(layer: Any, x: Array, weights: Weights) -> Array:
    sizes = [x.shape[axis] for axis in layer.dims]
    out = np.zeros((len(x), *sizes))
    for place in np.ndindex(*sizes):
        source = [0] * len(sizes)
        for new, old in enumerate(layer.dims):
            source[old - 1] = place[new]
        out[(slice(None), *place)] = x[(slice(None), *source)]
    return out


@rules.rule(kinds.UnitNormalization)
def _unit(layer: Any, x: Array, weights: Weights) -> Array:
    out = np.zeros_like(x)
    for place in np.ndindex(*x.shape[:-1]):
        out[place] = x[place] / max(math.sqrt(sum(value**2 for value in x[place])), 1e-12)
    return out


@rules.rule(kinds.GaussianNoise)
def _noise(layer: Any, x: Array, weights: Weights) -> Array:
    return x


@rules.rule(kinds.Sampling)
def _sampling(layer: Any, x: Array, weights: Weights) -> Array:
    return x[:, : layer.units]


@rules.rule(kinds.RBM)
def _rbm(layer: Any, x: Array, weights: Weights) -> Array:
    out = np.zeros((len(x), layer.units))
    for n, unit in np.ndindex(*out.shape):
        total = weights["bias"][unit] + sum(w * v for w, v in zip(weights["weight"][unit], x[n], strict=True))
        out[n, unit] = 1 / (1 + math.exp(-total))
    return out


def attention(queries: Array, memory: Array) -> tuple[Array, Array]:
    """[query, context] and the weights, place by place (Luong, Pham, Manning 2015, section 3.1)."""
    n, l_q, d = queries.shape
    l_m = memory.shape[1]
    weights, out = np.zeros((n, l_q, l_m)), np.zeros((n, l_q, 2 * d))
    for sample, i in np.ndindex(n, l_q):
        scores = [sum(queries[sample, i] * memory[sample, j]) for j in range(l_m)]
        parts = [math.exp(score) for score in scores]
        for j in range(l_m):
            weights[sample, i, j] = parts[j] / sum(parts)
        out[sample, i, :d] = queries[sample, i]
        for j in range(l_m):
            out[sample, i, d:] += weights[sample, i, j] * memory[sample, j]
    return out, weights
