"""Every layer and every network of the zoo through every interpreter: they must tell the same story."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from foveal import modelfile, zoo
from foveal.arithmetic import counts, receptive_field, shapes
from foveal.arithmetic.counts import count, total
from foveal.arithmetic.shapes import trace
from foveal.backends import torch_layers
from foveal.backends.torch import Network, build, layer_outputs
from foveal.backends.torch_layers.activations import PURE
from foveal.backends.torch_layers.initializers import FILLERS
from foveal.network import LAYERS, Sequential, Tokens, codec, walk
from foveal.network.activations import ACTIVATIONS, INITIALIZERS
from foveal.network.layers import Embedding
from foveal.network.shape import Shape
from foveal.network.tree import COMPOSITIONS
from tests.contracts.instances import INSTANCES
from tests.contracts.subjects import SUBJECTS, subject

INTERPRETERS = {"shapes": shapes.rules, "counts": counts.rules, "receptive_field": receptive_field.rules,
                "torch": torch_layers.rules}  # fmt: skip


@pytest.mark.parametrize("name", INTERPRETERS)
def test_one_rule_a_layer(name: str) -> None:
    assert {kind.__name__ for kind in INTERPRETERS[name].rules} - COMPOSITIONS.keys() == set(LAYERS)


def test_every_layer_has_an_instance() -> None:
    assert {layer.kind for layer, _ in INSTANCES} == set(LAYERS)


def test_every_name_has_a_function() -> None:
    assert PURE.keys() == ACTIVATIONS.keys()
    assert FILLERS.keys() | {"digit_bitmaps"} == INITIALIZERS.keys()


def channels_last(shape: torch.Size) -> tuple[int, ...]:
    """N × channels × … without N, channels at the end; tokens have none."""
    return (*shape[2:], shape[1])


def batch(network: Sequential, n: int, device: str = "cpu") -> torch.Tensor:
    assert network.input_shape is not None
    if isinstance(network.input_shape, Tokens):
        rows = [node.input_dim for _, node in walk(network) if isinstance(node, Embedding)]
        sizes, draw = (n, network.input_shape.length or 9), torch.Generator().manual_seed(1)
        if device == "meta":
            return torch.empty(sizes, dtype=torch.int64, device=device)
        return torch.randint(0, min(rows), sizes, generator=draw)
    shape = (n, network.input_shape.channels, *(s or 9 for s in network.input_shape.spatial))
    if device == "meta":
        return torch.empty(shape, device=device)
    return torch.rand(shape, generator=torch.Generator().manual_seed(1))


def same_shapes(network: Sequential, module: Network, x: torch.Tensor) -> None:
    outputs = layer_outputs(module.train(), x)
    described: dict[str, Shape | None] = {step.path: step.output for step in trace(network)}
    assert outputs.keys() == described.keys()
    for path, shape in described.items():
        assert shape is not None
        assert channels_last(outputs[path].shape) == shape.axes, path


def same_numbers(network: Sequential, module: Network) -> None:
    """Trainable parameters and stored ones, layer by layer and in all."""
    steps = [s for s in trace(network) if type(s.node).__name__ not in COMPOSITIONS]
    counted = {s.path: count(s.node, s.input, s.output, s.path) for s in steps if s.output is not None}
    for path, expected in counted.items():
        part = module.node(path)
        trainable = sum(p.numel() for p in part.parameters() if p.requires_grad)
        assert trainable == expected.parameters, path
        assert sum(t.numel() for t in part.state_dict().values()) == expected.parameters + expected.fixed, path
    everything = total(counted.values())
    assert sum(p.numel() for p in module.parameters()) == everything.parameters
    assert sum(b.numel() for b in module.state_dict().values()) == everything.parameters + everything.fixed


@pytest.mark.parametrize("name", SUBJECTS, ids=SUBJECTS)
def test_shapes_and_parameters_are_those_of_torch(name: str) -> None:
    network = subject(name)
    module = build(network)
    same_shapes(network, module, batch(network, 2))
    same_numbers(network, module)


@pytest.mark.parametrize("name", zoo.names())
def test_full_size_on_paper_and_in_outline(name: str) -> None:
    """Real sizes, on the meta device: shapes and counts without memory."""
    network = zoo.create(name)
    module = build(network, device="meta")
    same_shapes(network, module, batch(network, 2, "meta"))
    same_numbers(network, module)


def test_a_step_has_no_gradient() -> None:
    """Why the perceptron has a rule of its own, and is left out below."""
    module = build(subject("zoo:perceptron"), seed=3)
    module(batch(subject("zoo:perceptron"), 4)).sum().backward()
    assert all(not bool(parameter.grad.any()) for parameter in module.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("name", [n for n in SUBJECTS if n != "zoo:perceptron"])
def test_every_parameter_learns(name: str) -> None:
    network = subject(name)
    module = build(network, seed=3).train()
    torch.manual_seed(0)  # dropout
    answer = module(batch(network, 4))
    main, side = answer if isinstance(answer, tuple) else (answer, [])
    assert len(side) == len(module.auxiliary_weights)
    draw = torch.Generator().manual_seed(2)
    loss = sum((part * torch.randn(part.shape, generator=draw)).sum() for part in (main, *side))
    if not any(True for _ in module.parameters()):
        return
    assert isinstance(loss, torch.Tensor)
    loss.backward()
    for path, parameter in module.named_parameters():
        if path.endswith("visible_bias"):  # works downwards only: in free_energy, which the RBM's own tests hold
            continue
        assert parameter.grad is not None, path
        assert bool(parameter.grad.isfinite().all()), path
        assert bool((parameter.grad != 0).any()), path


@pytest.mark.parametrize("name", SUBJECTS, ids=SUBJECTS)
def test_descriptions_survive_json_and_yaml(name: str) -> None:
    network = subject(name)
    assert codec.from_json(codec.to_json(network)) == network
    assert codec.from_yaml(codec.to_yaml(network)) == network


@pytest.mark.parametrize("name", SUBJECTS, ids=SUBJECTS)
def test_model_files_hold_the_same_bits(name: str, tmp_path: Path) -> None:
    network = subject(name)
    module = build(network, seed=5)
    path = modelfile.save(tmp_path / "m.safetensors", network, module.state_dict(), {"classes": ["a"]})
    with warnings.catch_warnings(action="error"):
        loaded, state, metadata = modelfile.load(path)
    assert (loaded, metadata) == (network, {"classes": ["a"]})
    assert state.keys() == module.state_dict().keys()
    for key, tensor in module.state_dict().items():
        assert np.array_equal(state[key].numpy(), tensor.numpy()), key
    again = build(loaded, seed=6)
    again.load_state_dict(state)
    x = batch(network, 2)
    assert torch.equal(again.eval()(x), module.eval()(x))
