"""Penalties on weights, under Keras' names: ``layers.Dense(10, kernel_regularizer=regularizers.L2(1e-4))``."""

from foveal.network.activations import L1, L1L2, L2, Regularizer

__all__ = ["L1", "L1L2", "L2", "Regularizer"]
