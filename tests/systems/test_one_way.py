"""A plain classifier and a system of its own go one way: the same files, the same keys, the same decisions."""

from __future__ import annotations

import json

from foveal import modelfile, systems
from foveal.data import load
from foveal.data.sources.images import border_level
from foveal.data.splitting import limited
from foveal.network.layers import Dense, Flatten
from foveal.network.tree import Sequential
from foveal.systems.classification.classifier import settled
from foveal.systems.launch import reopened
from foveal.training import TrainingConfig

FEW = {"limit": 60}


def test_a_classifier_and_a_system_leave_the_same_files_and_keys(tmp_path):
    changes = {"epochs": 1}
    plain = systems.plan("classifier", "digits", settings={"network": "mlp", **FEW}, changes=changes)
    one = systems.start(plain, runs=tmp_path, name="one").folder
    two = systems.train(
        "mlp", "digits", changes=changes, settings={**FEW, "folds": 0}, runs=tmp_path, run_name="two"
    ).folder
    assert {path.name for path in one.path.iterdir()} == {path.name for path in two.path.iterdir()}
    for name in ("result.json", "evaluation.json"):
        first, second = (json.loads((folder.path / name).read_text()) for folder in (one, two))
        assert first.keys() == second.keys(), name
    assert two.read_config().keys() | {"network"} == one.read_config().keys()
    # what stands at the border is known from all that was given to learn from, whatever the seed put aside
    border = border_level(limited(load("digits"), 60).train.images)
    for folder in (one, two):
        assert modelfile.read_header(folder.model).metadata["preprocessing"]["border_level"] == border
        html = folder.report.read_text(encoding="utf-8")
        assert "What the first layer learned" in html
        assert "8 × 8 weights each" in html


def test_logits_that_somebody_chose_are_kept_and_others_follow_from_the_last_layer(tmp_path):
    soft = Sequential([Flatten(), Dense(10, activation="softmax")], input_shape=(8, 8, 1))
    config = TrainingConfig()
    assert settled(config, soft, chosen=False).from_logits is False
    assert settled(config, soft, chosen=True).from_logits is True
    kept = systems.plan("gru", "digits", changes={"from_logits": True, "epochs": 1}, settings={**FEW, "lags": ""})
    folder = systems.start(kept, runs=tmp_path, name="kept").folder
    assert "from_logits" in reopened(folder).chosen, "a resumed run knows it too"
