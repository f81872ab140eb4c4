"""Run folders: never overwritten, found again, pruned, readable."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from foveal.errors import CheckpointError, ConfigurationError, FileError
from foveal.training.run_folder import RunFolder


def made(path: Path) -> RunFolder:
    folder = RunFolder(path)
    folder.write_config({"a": 1})
    return folder


def test_a_free_number_is_found(tmp_path: Path) -> None:
    for expected in ("lecture_cnn-my-data-1", "lecture_cnn-my-data-2"):
        folder = RunFolder.fresh(tmp_path, None, "lecture_cnn-my data")
        assert folder.path.name == expected
        assert folder.path.is_dir()


def test_a_name_that_is_taken_is_refused_with_three_repairs(tmp_path: Path) -> None:
    made(tmp_path / "first")
    with pytest.raises(ConfigurationError) as caught:
        RunFolder.fresh(tmp_path, "first", "x")
    assert str(caught.value) == (
        "--name: there is a run of this name already, and runs are never overwritten\n"
        f"  given     {tmp_path / 'first'}\n"
        f"  to mend   --resume {tmp_path / 'first'}\n"
        "        or  --name first-2\n"
        "        or  leave --name out, and a free name is found"
    )


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "ä", "a" * 65, "a b"])
def test_names_that_are_no_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a run") as caught:
        RunFolder.fresh(tmp_path, name, "x")
    RunFolder.fresh(tmp_path, caught.value.mend[0].removeprefix("--name "), "x")


def test_a_folder_that_may_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="could not be written"):
        RunFolder.fresh(tmp_path / "file", None, "x")


def test_a_run_is_found_by_path_and_by_name(tmp_path: Path) -> None:
    made(tmp_path / "one")
    assert RunFolder.existing(tmp_path / "one").path == tmp_path / "one"
    assert RunFolder.existing("one", tmp_path).path == tmp_path / "one"
    with pytest.raises(CheckpointError) as caught:
        RunFolder.existing("two", tmp_path)
    assert caught.value.mend == (f"--resume {tmp_path / 'one'}",)


def test_the_latest_two_checkpoints_stay(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.checkpoints.mkdir(parents=True)
    for step in (3, 20, 100):
        folder.checkpoint_path(step).write_text("x")
    (folder.checkpoints / "notes.txt").write_text("mine")
    folder.prune()
    assert sorted(p.name for p in folder.checkpoints.iterdir()) == [
        "000000020.safetensors", "000000100.safetensors", "notes.txt"
    ]  # fmt: skip
    assert folder.checkpoint_files()[0].name == "000000100.safetensors"


def test_rows_are_one_json_object_a_line(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.write_rows([{"epoch": 1, "loss": 0.1}, {"epoch": 2, "loss": 0.05}], [])
    assert [json.loads(line)["loss"] for line in folder.metrics.read_text().splitlines()] == [0.1, 0.05]


def test_a_config_that_cannot_be_read(tmp_path: Path) -> None:
    folder = made(tmp_path)
    folder.config.write_text("{")
    with pytest.raises(CheckpointError, match=r"config\.json cannot be read"):
        folder.read_config()
    folder.config.write_text("[]")
    with pytest.raises(CheckpointError, match="no JSON object"):
        folder.read_config()
