"""Rosenblatt's perceptron: one unit that answers yes or no."""

from __future__ import annotations

from foveal.network import Sequential, as_shape
from foveal.network.layers import Dense
from foveal.zoo.parts import ShapeLike


def perceptron(input_shape: ShapeLike = (2,)) -> Sequential:
    """One unit with the step function of lecture 002: f(net) = 1 if net > 0, else 0; 3 parameters on two inputs.

    net = Σ wᵢ xᵢ + b, so that net = 0 is a line (a plane, a hyperplane) and the answer says on which side of it the input
    lies. The step has no slope: what trains it is the perceptron rule (:mod:`foveal.training.steps.perceptron`), not gradient
    descent. All weights begin at zero, which is what the convergence theorem's bound on the corrections supposes.

    Args:
        input_shape: a vector.

    Example:
        >>> perceptron().layers[0]
        Dense(name='unit', units=1, activation='step', kernel_initializer='zeros')
    """
    unit = Dense(1, activation="step", kernel_initializer="zeros", name="unit")
    return Sequential([unit], input_shape=as_shape(input_shape), name="perceptron")
