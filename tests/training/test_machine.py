"""What depends on the machine: device, precision, memory."""

from __future__ import annotations

import platform
import sys

import pytest
import torch
from small_training import Clusters, network

from foveal import layers, systems, zoo
from foveal.backends.torch import build
from foveal.errors import ConfigurationError, ShapeError
from foveal.systems import launch, registry
from foveal.training import TrainingConfig, allocator, events, precision, recipes, run

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def test_a_device_that_is_not_there() -> None:
    for name in ("cuda:99", "tpu", "meta"):
        with pytest.raises(ConfigurationError) as caught:
            precision.chosen_device(name)
        assert caught.value.fix == ('device="auto"', 'device="cpu"')


@pytest.mark.parametrize(
    ("asked", "device", "cpu_has_it", "used"),
    [("auto", CPU, True, False), ("bf16", CPU, True, True), ("bf16", CPU, False, False), ("fp32", CUDA, True, False),
     ("auto", CUDA, False, False), ("bf16", CUDA, False, True)],
)  # fmt: skip
def test_when_bfloat16_is_used(
    monkeypatch: pytest.MonkeyPatch, asked: str, device: torch.device, cpu_has_it: bool, used: bool
) -> None:
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: cpu_has_it)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: True)
    assert precision.uses_bfloat16(asked, device) is used


def test_asked_for_and_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: False)
    told: list[events.Event] = []
    config = TrainingConfig(epochs=1, batch_size=16, precision="bf16")
    plain, fallen_back = network(), network()
    run(plain, Clusters(), None, config.replace(precision="fp32"))
    run(fallen_back, Clusters(), None, config, listeners=[told.append])
    messages = [e.text for e in told if isinstance(e, events.Message)]
    assert messages == ["this processor does not multiply bfloat16 in hardware: training in float32"]
    assert all(torch.equal(a, fallen_back.state_dict()[name]) for name, a in plain.state_dict().items())


def test_bfloat16_trains_float32_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: True)  # torch computes it anywhere, only slowly
    module = network()
    history = run(module, Clusters(), Clusters(30), TrainingConfig(epochs=4, batch_size=16, lr=0.01, precision="bf16"))
    assert {p.dtype for p in module.parameters()} == {torch.float32}
    assert history.history["loss"][-1] < history.history["loss"][0]


def test_what_decides_the_result_stays_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: True)
    tree = layers.Sequential(
        [
            layers.Conv2D(4, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Flatten(),
            layers.Dense(6, name="hidden"),
            layers.Dense(3, name="logits"),
        ],
        input_shape=(6, 6, 2),
    )
    module = build(tree, seed=0)
    seen: dict[str, torch.dtype] = {}
    context = precision.autocast("bf16", CPU, module)
    for name in ("conv", "norm", "hidden", "logits"):
        module.node(name).register_forward_hook(lambda _, __, out, name=name: seen.__setitem__(name, out.dtype))
    with context():
        assert module(torch.rand(4, 2, 6, 6)).dtype == torch.float32
    bf16, fp32 = torch.bfloat16, torch.float32
    assert seen == {"conv": bf16, "norm": fp32, "hidden": bf16, "logits": fp32}
    with context(), pytest.raises(ShapeError):
        module(torch.rand(4, 2, 5, 5))
    assert torch.mm(torch.rand(2, 2), torch.rand(2, 2)).dtype == torch.float32  # nothing is left behind


@pytest.mark.parametrize("name", ["crnn", "unet", "detector", "googlenet", "lstm"])
def test_every_output_of_a_network_comes_from_a_layer_in_float32(name: str) -> None:
    module = build(zoo.tiny(name), seed=0)
    kept = precision.in_float32(module)
    last = [each for each in module.modules() if next(each.parameters(recurse=False), None) is not None][-1]
    assert any(last is each or last in list(each.modules()) for each in kept)


def test_no_recipe_asks_for_what_was_not_compared() -> None:
    methods = {name: launch.method(registry.system(name)) for name in systems.names()}
    asked = {name: method.recipe_for(None, method.defaults).precision for name, method in methods.items()}
    asked |= {str(key): recipe.config.precision for key, recipe in recipes.RECIPES.items()}
    assert {name for name, value in asked.items() if value == "bf16"} == set()


def test_glibc_keeps_its_pages() -> None:
    glibc = sys.platform == "linux" and platform.libc_ver()[0] == "glibc"
    assert allocator.keep_pages() is glibc


def test_out_of_memory_is_told_from_other_errors() -> None:
    assert allocator.is_out_of_memory(MemoryError())
    assert allocator.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert allocator.is_out_of_memory(RuntimeError("not enough memory: you tried to allocate 8 bytes"))
    assert not allocator.is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not allocator.is_out_of_memory(ValueError("out of memory"))
