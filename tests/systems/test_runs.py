"""The ground under every system: settings, limits, results that are remembered, stages, and what is said to mistakes."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from foveal import systems
from foveal.data import load
from foveal.data.batches.in_memory import TensorBatches
from foveal.errors import CheckpointError, ConfigurationError, DataError, UnknownName
from foveal.report.blocks import Headline, Report
from foveal.runs.experiment import Experiment
from foveal.runs.run import Run, digest, plain
from foveal.runs.settings import LIMIT, Setting, chosen
from foveal.systems import launch
from foveal.training import TrainingConfig
from foveal.training.checkpoints.run_folder import RunFolder
from foveal.training.display import Silent


def a_run(folder, *, settings=None, data="digits", resuming=False, config=None) -> Run:
    opening = {"data": data, "size": None, "channels": None}
    config = config or TrainingConfig(epochs=2, batch_size=8)
    experiment = Experiment(systems.system("vae"), config, settings or {}, opening)
    return Run(experiment, RunFolder(folder), display=Silent(), resuming=resuming)


def test_settings_are_read_as_what_they_replace():
    def read(value, default):
        free = {"text": "any text"} if isinstance(default, str) else {"at_least": 0}
        return Setting("n", default, "a setting", **free).read(value, "vae")

    assert read("8", 2) == 8
    assert read("0.5", 1.0) == 0.5
    assert read(3, 1.0) == 3.0
    assert read("no", True) is False
    assert read("a b", "text") == "a b"
    for value, default in (
        ("8.5", 2),
        ("many", 1.0),
        ("perhaps", True),
        (None, 3),
        ("1e999", 4),
        ("1e999", 4.0),
        ("nan", 1.0),
    ):
        with pytest.raises(ConfigurationError, match=r"--set n="):
            read(value, default)


def test_a_setting_keeps_its_bounds_and_offers_a_value_within_them():
    share = Setting("share", 0.5, "a share", above=0, at_most=1)
    limit = Setting("limit", 0, "examples", at_least=20, zero="all")
    kind = Setting("kind", "kl", "a kind", choices=("kl", "l1"))
    assert (share.bounds, limit.bounds, kind.bounds) == ("above 0, to 1", "0 for all, or 20 or more", "one of kl, l1")
    assert (share.read("1", "x"), limit.read("0", "x"), limit.read(20, "x"), kind.read("l1", "x")) == (1.0, 0, 20, "l1")
    for setting, value, kept in ((share, 0, 0.5), (share, 1.5, 1), (limit, 19, 20), (limit, -1, 20)):
        with pytest.raises(ConfigurationError, match=f"--set {setting.name}={kept}"):
            setting.read(value, "x")
    with pytest.raises(UnknownName, match="--set kind=kl"):
        kind.read("kk", "x")


def test_a_setting_without_help_or_bound_cannot_be_made():
    for wrong in ((1, "units"), (1.0, "units"), ("a", "units"), (True, "")):
        with pytest.raises(AssertionError):
            Setting("n", *wrong)


def test_a_setting_that_is_not_there_is_answered_with_those_that_are():
    own = [Setting("latent", 2, "numbers", at_least=1), LIMIT]
    with pytest.raises(UnknownName, match="latent=2, limit=0") as caught:
        chosen("vae", own, {"latnet": 3})
    assert "--set latent=2" in str(caught.value)


def test_a_limit_takes_so_many_of_each_part_whatever_the_seed(tmp_path):
    one = a_run(tmp_path, settings={"limit": 50}).load()
    two = a_run(tmp_path, settings={"limit": 50}, config=TrainingConfig(seed=7)).load()
    assert len(one.train) == len(one.test) == 50
    assert np.array_equal(one.train.images, two.train.images)
    assert "limit=50" in one.notes[-1]
    assert len(np.unique(one.train.labels)) == 10
    assert len(a_run(tmp_path).load().train) == len(load("digits").train)


def test_tables_are_refused_where_pictures_are_needed(tmp_path):
    with pytest.raises(DataError, match="foveal train vae fashion-mnist"):
        a_run(tmp_path, data="iris").pictures()


def test_a_result_is_computed_once_and_read_back(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        return {"a": np.float32(0.1), "b": np.arange(3)}

    first = a_run(tmp_path).cached("thing", compute)
    again = a_run(tmp_path, resuming=True).cached("thing", compute)
    fresh = a_run(tmp_path).cached("thing", compute)
    assert first == again == fresh == {"a": float(np.float32(0.1)), "b": [0, 1, 2]}
    assert len(calls) == 2  # a run that does not resume computes again


def test_a_finished_stage_is_not_trained_again(tmp_path):
    x = torch.randn(16, 4, generator=torch.Generator().manual_seed(0))
    y = torch.arange(16) % 3

    def trained(resuming):
        torch.manual_seed(1)
        module = torch.nn.Linear(4, 3)
        own = a_run(tmp_path, resuming=resuming)
        history = own.train("small", module, None, TensorBatches(x, y, 8))
        return module, history

    one, before = trained(False)
    timing = (tmp_path / "stages" / "small" / "timing.jsonl").read_text()
    two, after = trained(True)
    assert torch.equal(one.weight, two.weight)
    assert before.history == after.history
    assert (tmp_path / "stages" / "small" / "timing.jsonl").read_text() == timing


def test_other_settings_refuse_to_resume(tmp_path):
    x, y = torch.zeros(8, 4), torch.zeros(8, dtype=torch.long)
    a_run(tmp_path, settings={"k": 1}).train("a", torch.nn.Linear(4, 2), None, TensorBatches(x, y, 8))
    with pytest.raises(CheckpointError):
        a_run(tmp_path, settings={"k": 2}, resuming=True).train(
            "a", torch.nn.Linear(4, 2), None, TensorBatches(x, y, 8)
        )


def test_numbers_become_json():
    told = plain({"x": np.float64("inf"), "y": (np.int64(3), "text"), "z": np.array([[1.5, np.nan]])})
    assert told == {"x": None, "y": [3, "text"], "z": [[1.5, None]]}
    json.dumps(told, allow_nan=False)


def test_a_digest_tells_arrays_apart():
    assert digest(np.zeros(3)) != digest(np.zeros(4))
    assert digest(np.arange(6).reshape(2, 3)) == digest(np.arange(6).reshape(2, 3))


def test_headlines_read_as_people_write():
    assert Headline("a", 0.98765, percent=True).text == "98.77 %"
    assert Headline("a", 12345).text == "12,345"
    assert Headline("a", -0.000123412).text == "−0.0001234"
    assert Headline("a", float("inf")).text == "not finite"
    assert Headline("a", "yes").text == "yes"
    assert Report([]).facts == {}


def test_a_damaged_run_says_so(tmp_path):
    folder = RunFolder(tmp_path)
    folder.write_config({"system": "vae", "training": {}, "settings": {}})
    with pytest.raises(CheckpointError, match="damaged"):
        launch.reopened(folder)


def test_names_are_found_in_either_spelling():
    assert systems.system("photo_search") is systems.system("Photo-Search")
    with pytest.raises(UnknownName, match="crnn"):
        systems.system("crn")
