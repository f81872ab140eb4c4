"""Layers that draw random numbers, and the one whose units are random: noise, a latent code, a Boltzmann machine."""

from __future__ import annotations

from dataclasses import dataclass

from foveal.network.fields import checked, number, positive
from foveal.network.layers.convolution import initializer_name
from foveal.network.node import Node


@dataclass(frozen=True, repr=False)
class GaussianNoise(Node):
    """In training, adds noise of mean 0 and deviation ``stddev`` to each value; afterwards it changes nothing.

    (Vincent, Larochelle, Bengio, Manzagol 2008, "Extracting and Composing Robust Features with Denoising Autoencoders".)

    Example:
        >>> GaussianNoise(0.1)
        GaussianNoise(stddev=0.1)
    """

    stddev: float = checked(number(0.0))


@dataclass(frozen=True, repr=False)
class Sampling(Node):
    """A latent code drawn from a normal distribution of its own for each sample: 2k values → k.

    The first k values are means μ, the others logarithms of variances ln σ². In training z = μ + e^(ln σ² / 2) · ε with
    ε normal, so that gradients pass to both; afterwards z = μ. (Kingma, Welling 2013, "Auto-Encoding Variational Bayes",
    section 2.4 and appendix B.)

    Args:
        units: k, the values of the code.

    Example:
        >>> Sampling(2)
        Sampling(units=2)
    """

    units: int = checked(positive)


@dataclass(frozen=True, repr=False)
class RBM(Node):
    """A restricted Boltzmann machine: n visible values → ``units`` hidden probabilities σ(v · Wᵀ + c).

    One set of weights is used both ways: up, P(h = 1 | v) = σ(v · Wᵀ + c), and down, P(v = 1 | h) = σ(h · W + b). A network
    runs it upwards; its module also has ``down`` and ``free_energy``, for the step that trains it. (Smolensky 1986; Hinton
    2002, "Training Products of Experts by Minimizing Contrastive Divergence".)

    Args:
        units: hidden units.
        kernel_initializer: see ``foveal.network.activations.INITIALIZERS``.

    Parameters: n × units weights, ``units`` hidden biases c, n visible biases b.

    Example:
        >>> RBM(128)
        RBM(units=128)
    """

    family = "dense"
    units: int = checked(positive)
    kernel_initializer: str = checked(initializer_name, "random_normal")
