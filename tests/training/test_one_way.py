"""``Model.fit`` and ``foveal train`` are one way: the same batches, the same loop, the same weights to the bit."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

import foveal
from foveal import modelfile
from foveal.systems import start
from foveal.training import TrainingConfig
from foveal.training.batching import measuring_batches, training_batches
from tests.classifiers import prepare

CLASSES = 3


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    """81 grey pictures: with batches of 8 the last one holds a single picture."""
    draw = np.random.default_rng(3)
    images = draw.integers(0, 256, (81, 20, 20), np.uint8)
    np.savez(tmp_path / "grey.npz", images=images, labels=np.arange(81) % CLASSES)
    return tmp_path / "grey.npz"


def both(arrays: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, **changes: object) -> tuple[list[int], list[int]]:
    """Train by either way, compare every weight and every figure, and return what each asked the shared functions for."""
    config = TrainingConfig(epochs=2, batch_size=8, seed=5, validation=0.0, device="cpu").replace(**changes)
    asked: list[tuple[int, int]] = []

    def noted(*arguments: object, **more: object) -> object:
        batches = training_batches(*arguments, **more)  # type: ignore[arg-type]
        asked.append((len(batches), batches.seed))
        return batches

    monkeypatch.setattr("foveal.training.batching.training_batches", noted)
    experiment = prepare(
        foveal.zoo.create("lecture_cnn", classes=CLASSES, input_shape=(20, 20, 1)), str(arrays), config=config
    )
    experiment = dataclasses.replace(experiment, config=config)
    outcome = start(experiment, runs=runs)
    with_run = list(asked)

    model = foveal.Model(experiment.network, seed=config.seed)
    options = {
        name: getattr(config, name)
        for name in ("schedule", "warmup", "augment", "precision", "ema", "clip_norm", "deterministic", "device")
    }
    loss = foveal.losses.SparseCategoricalCrossentropy(from_logits=config.from_logits)
    model.compile(optimizer=config.optimizer_spec(), loss=loss, metrics=config.metrics, **options)
    data = np.load(arrays)
    history = model.fit(
        data["images"], data["labels"], config.batch_size, config.epochs, verbose=0, shuffle=config.shuffle
    )

    trained = modelfile.load(outcome.folder.model).state
    assert trained.keys() == model.module.state_dict().keys()
    for name, tensor in model.module.state_dict().items():
        assert torch.equal(trained[name], tensor.cpu()), name
    assert history.history == outcome.history.history
    assert history.rates == outcome.history.rates
    return [n for n, _ in with_run], [n for n, _ in asked[len(with_run) :]]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"augment": "shift=2,flip,brightness"},
        {"augment": "rotate=10,mixup=0.4", "ema": 0.9},
        {"shuffle": False, "schedule": "cosine", "optimizer": "sgd", "lr": 0.05, "clip_norm": 1.0},
    ],
    ids=["plain", "augmented", "mixed and averaged", "in order, along a cosine"],
)
def test_fit_and_a_run_give_the_same_weights_to_the_bit(
    changes: dict[str, object], arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, fit = both(arrays, tmp_path / "runs", monkeypatch, **changes)
    assert run == fit == [11]  # either asked the shared function, once


def test_batches_to_measure_with_are_in_order_and_as_many_as_fit() -> None:
    x, y = torch.zeros(600, 20, 20, 1, dtype=torch.uint8), torch.arange(600)
    network = foveal.zoo.create("lecture_cnn", classes=600, input_shape=(20, 20, 1))
    config = TrainingConfig(batch_size=8, device="cpu", augment="flip")
    assert [len(y) for _, y in measuring_batches((x, y), config, network).epoch(0)] == [256, 256, 88]
    assert torch.cat([y for _, y in measuring_batches((x, y), config, network).epoch(3)]).equal(y)
    assert measuring_batches((x, y), config.replace(batch_size=512), network).batch_size == 512
    foveal.allow_memory("1MB")
    try:
        assert measuring_batches((x, y), config, network).batch_size < 256
    finally:
        foveal.allow_memory(None)
