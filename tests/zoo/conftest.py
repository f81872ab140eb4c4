"""An own count of parameters and MACs, so that the published numbers are not held by the code that they are to check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from foveal.arithmetic.shapes import trace
from foveal.network import Image, Parallel, Sequential, layers


@dataclass(frozen=True)
class Count:
    """Trainable parameters and MACs of the network proper, and the parameters of its side heads."""

    parameters: int
    macs: int
    heads: int


def _branches(path: str, node: Parallel) -> list[str]:
    return [f"{path}/{branch.name}" for branch in node.branches]


def counted(network: Sequential) -> Count:
    """The sums over all layers, each from its own definition."""
    parameters = macs = heads = 0
    for step in trace(network):
        layer, came, went = step.node, step.input, step.output
        weights = biases = products = 0
        copies, places = 1, 1
        if isinstance(layer, layers.Bidirectional):
            layer, copies = layer.layer, 2  # one copy a direction
        elif isinstance(layer, layers.TimeDistributed):
            layer, places = layer.layer, came.axes[0]  # one copy, used at every step
        if isinstance(layer, layers.Conv2D):
            assert isinstance(went, Image)
            assert went.h is not None
            assert went.w is not None
            window = layer.kernel_size[0] * layer.kernel_size[1]
            pairs = came.channels * layer.filters // layer.groups
            if layer.connections is not None:
                pairs = sum(len(row) for row in layer.connections)
            weights, biases = window * pairs, layer.filters * layer.use_bias
            products = weights * went.h * went.w
        elif isinstance(layer, layers.Conv2DTranspose):
            assert isinstance(came, Image)
            weights = layer.kernel_size[0] * layer.kernel_size[1] * came.channels * layer.filters // layer.groups
            biases = layer.filters * layer.use_bias
            products = weights * (came.h or 0) * (came.w or 0)  # every value is spread over one window
        elif isinstance(layer, layers.Conv1D):
            weights = layer.kernel_size[0] * came.channels * layer.filters // layer.groups
            biases, products = layer.filters * layer.use_bias, weights * went.axes[0]
        elif isinstance(layer, layers.Dense):
            weights, biases = came.channels * layer.units, layer.units * layer.use_bias
            products = weights
        elif isinstance(layer, layers.SimpleRNN | layers.LSTM | layers.GRU):
            gates = {"SimpleRNN": 1, "LSTM": 4, "GRU": 3}[layer.kind]
            weights = gates * (came.channels + layer.units) * layer.units
            biases = gates * layer.units * (2 if layer.kind == "GRU" else 1)
            products = weights * (came.axes[0] or 0)
        elif isinstance(layer, layers.Embedding):
            weights = layer.input_dim * layer.output_dim  # looked up, not multiplied
        elif isinstance(layer, layers.RBM):
            weights, biases = came.channels * layer.units, came.channels + layer.units
            products = weights
        elif isinstance(layer, Parallel) and layer.merge == "attention":
            queries, memory = (end.output for end in trace(network) if end.path in _branches(step.path, layer))
            assert queries is not None
            assert memory is not None
            products = 2 * (queries.axes[0] or 0) * (memory.axes[0] or 0) * queries.channels  # scores, then means
        elif isinstance(layer, layers.RBF):
            products = came.channels * layer.units  # a squared difference each; the centres are fixed
        elif isinstance(layer, layers.BatchNormalization | layers.Subsampling2D):
            weights = 2 * came.channels
        if step.auxiliary:
            heads += weights + biases
        else:
            parameters += copies * (weights + biases)
            macs += copies * places * products
    return Count(parameters, macs, heads)


@pytest.fixture(scope="session")
def count() -> Callable[[Sequential], Count]:
    return counted


@pytest.fixture(scope="session")
def sizes() -> Callable[..., dict[str, str]]:
    """The output shape at each path, as text."""
    return lambda network, *paths: {step.path: str(step.output) for step in trace(network) if step.path in paths}


@pytest.fixture(scope="session")
def published(shared: Path) -> dict[str, dict[str, Any]]:
    """The networks of ``facts/published.yaml``, under their names in the zoo."""
    facts: dict[str, dict[str, Any]] = yaml.safe_load((shared / "facts" / "published.yaml").read_text())["networks"]
    renamed = {"alexnet": "alexnet_2014", "googlenet": "googlenet_bn"}  # each fact names its variant
    return {renamed.get(name, name): fact for name, fact in facts.items()}
