"""Runs that version 0.1.0 left go on, and its finished ones are opened: `runs_0_1` holds them as it wrote them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from foveal import modelfile, systems
from foveal.inference.trained_classifier import load_classifier
from foveal.training.checkpoints.run_folder import RunFolder, rows_of

RUNS = Path(__file__).with_name("runs_0_1")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.mark.parametrize("kind", ["classifier", "rbm"])
def test_a_run_that_was_stopped_goes_on(kind: str, tmp_path: Path) -> None:
    folder = RunFolder(shutil.copytree(RUNS / f"{kind}-stopped", tmp_path / kind))
    before = rows_of(folder.metrics)
    systems.resume(folder)
    rows, whole = rows_of(folder.metrics), rows_of(RUNS / f"{kind}-whole" / "metrics.jsonl")
    assert rows[: len(before)] == before
    assert len(rows) == len(whole)
    for ours, theirs in zip(rows, whole, strict=True):
        assert {name: ours[name] for name in theirs} == pytest.approx(theirs, rel=0.05)
    ours_, theirs_ = (
        modelfile.load(path).state for path in (folder.model, RUNS / f"{kind}-whole" / "model.safetensors")
    )
    for name, tensor in theirs_.items():
        np.testing.assert_allclose(ours_[name].numpy(), tensor.numpy(), atol=0.02)


def test_a_model_without_a_sum_is_opened_and_nothing_is_claimed_of_it(tmp_path: Path) -> None:
    for kind in ("classifier", "rbm"):
        path = RUNS / f"{kind}-whole" / "model.safetensors"
        modelfile.load(path)
    trained = load_classifier(shutil.copytree(RUNS / "classifier-whole", tmp_path / "whole"))
    assert trained.classes == ("setosa", "versicolor", "virginica")
    assert json.loads((trained.path.parent / "config.json").read_text())["environment"]["foveal"] == "0.1.0"
