"""Gradients by hand, as lecture 003 derives them: convolution, dense layer, the winner of a maximum, ReLU, the residual sum."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.oracles.reference import Array, pads_of, visit


def convolution(x: Array, kernel: Array, layer: Any, upstream: Array) -> tuple[Array, Array, Array]:
    """(dE/dX, dE/dF, dE/db) of a convolution with a dense kernel (kernel × channels × filters).

    Lecture 003, "Backpropagation of the convolution layer": a weight's gradient sums input × upstream over all places that
    it was used at; an input's sums weight × upstream over all windows that it was in.
    """
    dx, dk = np.zeros_like(x), np.zeros_like(kernel)
    pads = pads_of(layer, x.shape[1:-1], layer.kernel_size, layer.strides)
    for place, taps in visit(x.shape[1:-1], layer.kernel_size, layer.strides, layer.dilation_rate, pads):
        above = upstream[(slice(None), *place)]
        for tap, source in taps:
            dx[(slice(None), *source)] += np.einsum("nf,cf->nc", above, kernel[tap])
            dk[tap] += np.einsum("nc,nf->cf", x[(slice(None), *source)], above)
    return dx, dk, upstream.reshape(-1, upstream.shape[-1]).sum(axis=0)


def max_pooling(x: Array, layer: Any, upstream: Array) -> Array:
    """The whole gradient goes to the winner; at a tie to the first in reading order."""
    dx = np.zeros_like(x)
    strides = layer.strides or layer.pool_size
    pads = pads_of(layer, x.shape[1:-1], layer.pool_size, strides)
    ones = (1,) * len(layer.pool_size)
    for place, taps in visit(x.shape[1:-1], layer.pool_size, strides, ones, pads):
        values = np.stack([x[(slice(None), *source)] for _, source in taps])
        winners = values.argmax(axis=0)  # NumPy's argmax is the first, too
        for n, c in np.ndindex(*winners.shape):
            dx[(n, *taps[winners[n, c]][1], c)] += upstream[(n, *place, c)]
    return dx


def dense(x: Array, weight: Array, upstream: Array) -> tuple[Array, Array, Array]:
    """(dE/dX, dE/dW, dE/db) of x · Wᵀ + b."""
    return upstream @ weight, upstream.T @ x, upstream.sum(axis=0)


def relu(sums: Array, upstream: Array) -> Array:
    """Passed where the sum was positive."""
    return np.where(sums > 0, upstream, 0.0)
