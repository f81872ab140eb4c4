"""Reliability 7–9, for real: children are killed, interrupted and denied disk space, and resumed to the same bits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

KILLS = 6
pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and signals")


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Any:
    root = tmp_path_factory.mktemp("killed")
    script = Path(__file__).with_name("killing.py")
    done = subprocess.run(
        [sys.executable, str(script), str(root), str(KILLS)],
        capture_output=True, text=True, timeout=300, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {**json.loads(done.stdout), "stderr": done.stderr}


def test_killed_at_random_moments_and_resumed_equals_uninterrupted(found: Any) -> None:
    assert found["whole"]["code"] == 0
    assert found["killed"]["hit"] >= KILLS // 2, "the kills came too late to test anything"
    assert found["killed"]["code"] == 0
    assert found["killed"]["prints"] == found["whole"]["prints"]


def test_killed_before_any_system_call_of_a_save_the_one_before_or_the_new_one_loads(found: Any) -> None:
    outcomes = found["calls"]["outcomes"]
    assert outcomes[-1] == [0, 2], "the last one was not killed"
    assert len(outcomes) > 5
    assert all(code == -9 for code, _ in outcomes[:-1])
    steps = [step for _, step in outcomes]
    assert set(steps) == {1, 2}
    assert steps == sorted(steps), "once the new file is in place it stays"


def test_a_full_disk_ends_in_a_clear_error_and_loses_nothing(found: Any) -> None:
    full = found["full"]
    assert full["stopped"] == 130
    assert full["code"] == 2
    assert "the checkpoint could not be written; the one before it is untouched" in found["stderr"]
    assert full["kept"]
    assert full["left"] == []
    assert full["resumed"] == 0
    assert full["prints"] == found["whole"]["prints"]


def test_an_interruption_says_how_to_go_on(found: Any) -> None:
    assert "continue with: foveal train --resume " in found["stderr"]


def test_the_time_of_the_last_epoch_outlives_a_kill_behind_its_checkpoint(tmp_path: Path, monkeypatch: Any) -> None:
    from foveal.systems import resume, start
    from foveal.training.hooks import LoopHooks
    from tests.classifiers import prepare

    class Killed(BaseException):
        pass

    save = LoopHooks.save

    def save_and_die(self: LoopHooks) -> None:
        save(self)
        if self.epoch == self.epochs:
            raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(LoopHooks, "save", save_and_die)
        with pytest.raises(Killed):
            start(prepare("mlp", "iris", changes={"epochs": 2}), runs=tmp_path, name="a")
    assert resume(tmp_path / "a").folder.seconds() > 0
    assert [json.loads(line)["epoch"] for line in (tmp_path / "a" / "timing.jsonl").read_text().splitlines()] == [1, 2]
