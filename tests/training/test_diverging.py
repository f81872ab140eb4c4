"""Weights that leave all bounds, memory that does not suffice, checkpoints that are none: one clear error each."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small_training import Clusters, network

from foveal.backends import memory
from foveal.backends.torch import build
from foveal.errors import CheckpointError, OutOfMemory, TrainingError
from foveal.network import Sequential, layers
from foveal.training import RunFolder, TrainingConfig, run
from foveal.training.allocator import out_of_memory_explained
from foveal.training.checkpoints.state import read_state, write_state
from foveal.training.steps.boltzmann import ContrastiveDivergence

CONFIG = TrainingConfig(epochs=3, batch_size=16, lr=0.01, validation=0.0)


class Ones(Clusters):
    """Clusters as zeros and ones, which a Boltzmann machine takes."""

    def epoch(self, number: int, start: int = 0):  # type: ignore[no-untyped-def]
        for x, y in super().epoch(number, start):
            yield (x > 0).float(), y


def machine() -> Sequential:
    height, width = next(Clusters().epoch(0))[0].shape[-2:]
    return Sequential([layers.Flatten(), layers.RBM(4, name="rbm")], input_shape=(height, width, 1))


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
def test_a_boltzmann_machine_that_diverges_names_the_step_and_keeps_its_last_checkpoint(
    tmp_path: Path, optimizer: str
) -> None:
    tree = machine()
    folder = RunFolder(tmp_path / "run")
    config = CONFIG.replace(optimizer=optimizer, checkpoint_seconds=0.0)
    run(build(tree), Ones(), None, config.replace(epochs=1), make_step=ContrastiveDivergence, run_folder=folder)
    good = [path.read_bytes() for path in folder.checkpoint_files()]
    with pytest.raises(TrainingError, match=r"no longer (a )?finite") as caught:
        run(build(tree), Ones(), None, config.replace(lr=3e38), make_step=ContrastiveDivergence, run_folder=folder)
    assert "epoch 1, step" in str(caught.value.where)
    assert caught.value.fix
    assert [path.read_bytes() for path in folder.checkpoint_files()] == good


def test_other_errors_of_a_step_pass_as_they_are() -> None:
    class Broken(ContrastiveDivergence):
        def __call__(self, batch: object) -> dict[str, torch.Tensor]:
            raise ValueError("a mistake of ours")

    tree = machine()
    with pytest.raises(ValueError, match="a mistake of ours"):
        run(build(tree), Ones(), None, CONFIG, make_step=Broken)


# Memory -----------------------------------------------------------------------------------------------------------------


def test_a_network_larger_than_the_machine_is_refused_before_it_takes_anything() -> None:
    tree = Sequential([layers.Dense(10**6, name="a"), layers.Dense(10**9, name="b")], input_shape=1000)
    with pytest.raises(OutOfMemory, match="does not suffice for the network's parameters") as caught:
        build(tree)
    assert caught.value.given == "4,000.0 TB of parameters"
    assert "in this machine" in str(caught.value.expected)


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried to allocate "
                     "40000000000 bytes. Error code 12 (Cannot allocate memory)"),
    ],
)  # fmt: skip
def test_what_the_system_refuses_is_said_with_its_size(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refused(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch, "empty", refused)
    with pytest.raises(OutOfMemory) as caught:
        build(Sequential([layers.Dense(10)], input_shape=10))
    assert caught.value.given == "440 bytes of parameters"
    with pytest.raises(TrainingError, match="a training step") as step, out_of_memory_explained(64):
        raise error
    assert "batch_size=32" in step.value.fix[0]
    if isinstance(error, RuntimeError):
        assert "40.0 GB at once" in str(step.value.given)


def test_the_memory_of_the_machine_is_known_on_linux() -> None:
    assert memory.there_is() is None or memory.there_is() > 10**8  # type: ignore[operator]


# Checkpoints ------------------------------------------------------------------------------------------------------------


def nested(path: Path) -> None:
    write_state(path, {"a": 1})
    deep: list[object] = []
    for _ in range(400):
        deep = [deep]
    write_state(path, {"deep": deep})


@pytest.mark.parametrize(
    "make",
    [os.mkdir, os.mkfifo, Path.touch, nested, lambda path: path.write_bytes(b"\xff" * 100),
     lambda path: path.write_bytes((10**9).to_bytes(8, "little") + b"{}"), lambda path: write_state(path, {"other": 1})],
)  # fmt: skip
def test_a_latest_checkpoint_that_is_none_leaves_the_one_before(tmp_path: Path, make: Callable[[Path], object]) -> None:
    folder = RunFolder(tmp_path / "run")
    whole, again = network(), network(5)
    run(whole, Clusters(), None, CONFIG, run_folder=folder)
    bad = folder.checkpoint_path(999)
    make(bad)
    if bad.is_file() and bad.stat().st_size and "other" in str(bad.read_bytes()):
        with pytest.raises(CheckpointError, match="not of the form"):
            run(again, Clusters(), None, CONFIG, run_folder=folder, resume=True)
        return
    run(again, Clusters(), None, CONFIG, run_folder=folder, resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)
    assert not bad.exists()
    run(again, Clusters(), None, CONFIG, run_folder=folder, resume=True)


def test_a_state_with_infinity_comes_back(tmp_path: Path) -> None:
    write_state(tmp_path / "state", {"best": float("inf"), "list": [float("-inf")]})
    assert read_state(tmp_path / "state") == {"best": float("inf"), "list": [float("-inf")]}
