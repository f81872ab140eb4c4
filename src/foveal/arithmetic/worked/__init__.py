"""Sums as structured steps, forward and backward: what a person would write on paper, one rule per layer.

The sums of given matrices (:mod:`foveal.arithmetic.worked.numeric`) are offered here by their own names.
"""

from foveal.arithmetic.worked.numeric import (
    convolve,
    correlate,
    correlate_backward,
    dense,
    max_pool_backward,
    mlp,
    pool,
    turned,
)

__all__ = ["convolve", "correlate", "correlate_backward", "dense", "max_pool_backward", "mlp", "pool", "turned"]
