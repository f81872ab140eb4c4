"""The Boltzmann machine's and the deep belief network's numbers, worked by hand."""

from __future__ import annotations

from foveal import zoo
from foveal.arithmetic.shapes import trace
from foveal.backends.torch import build


def count(network):
    return sum(parameter.numel() for parameter in build(network).parameters())


def test_a_machine_has_its_weights_once_and_the_biases_of_both_sides():
    assert count(zoo.rbm()) == 784 * 256 + 256 + 784 == zoo.entry("rbm").parameters
    assert count(zoo.rbm(9, hidden=12)) == 9 * 12 + 12 + 9
    assert [layer.kind for layer in zoo.rbm(9, hidden=12).layers] == ["RBM"]  # a vector needs no flattening


def test_a_belief_network_has_a_machine_a_layer():
    first, second, output = 784 * 500 + 500 + 784, 500 * 500 + 500 + 500, 500 * 10 + 10
    assert count(zoo.dbn()) == first + second + output == zoo.entry("dbn").parameters
    three = zoo.dbn(3, (4, 4, 2), hidden=(7, 6, 5))
    assert [str(step.output) for step in trace(three)[1:]] == ["32", "7", "6", "5", "3"]


def test_a_threshold_adds_layers_but_no_parameters():
    network = zoo.dbn(threshold=0.3)
    assert [layer.name for layer in network.layers] == ["shift", "threshold", "flatten", "rbm1", "rbm2", "output"]
    assert count(network) == count(zoo.dbn())
