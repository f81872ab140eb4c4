"""Run folders: never overwritten, found again, pruned, readable."""

from __future__ import annotations

import concurrent.futures
import errno
import json
import os
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from foveal.errors import CheckpointError, ConfigurationError, FileError, TrainingError
from foveal.training.checkpoints import run_config
from foveal.training.checkpoints.run_folder import FILES, RunFolder, rows_of


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
        f"  to fix    --resume {tmp_path / 'first'}\n"
        "        or  --name first-2\n"
        "        or  leave --name out, and a free name is found"
    )


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", "ä", "a" * 65, "a b"])
def test_names_that_are_no_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be the name of a run") as caught:
        RunFolder.fresh(tmp_path, name, "x")
    RunFolder.fresh(tmp_path, caught.value.fix[0].removeprefix("--name "), "x")


def test_a_folder_that_may_not_be_made(tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    for place in ("a file", "a file/deep/er", "link", "link/deep"):
        with pytest.raises(ConfigurationError, match="this cannot be the folder of all runs") as caught:
            RunFolder.fresh(tmp_path / place, None, "x")
        (fix,) = caught.value.fix
        RunFolder.fresh(shlex.split(fix)[1], None, "x")  # what is offered works
    assert (tmp_path / "a file").read_text() == ""


def test_a_place_is_looked_at_before_anything_is_made(tmp_path: Path) -> None:
    RunFolder.check_place(tmp_path / "runs" / "deep", "name")
    assert not list(tmp_path.iterdir())
    made(tmp_path / "taken")
    with pytest.raises(ConfigurationError, match="runs are never overwritten"):
        RunFolder.check_place(tmp_path, "taken")


def test_a_run_is_found_by_path_and_by_name(tmp_path: Path) -> None:
    made(tmp_path / "one")
    assert RunFolder.existing(tmp_path / "one").path == tmp_path / "one"
    assert RunFolder.existing("one", tmp_path).path == tmp_path / "one"
    with pytest.raises(CheckpointError) as caught:
        RunFolder.existing("two", tmp_path)
    assert caught.value.fix == (f"--resume {tmp_path / 'one'}",)


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
    with pytest.raises(CheckpointError, match="not a JSON object"):
        folder.read_config()


# What killed writers, full disks and other programs leave ---------------------------------------------------------------


def test_a_torn_line_is_passed_over_and_the_next_row_heals_the_file(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.append_timing({"epoch": 1, "seconds": 2.0})
    torn = folder.timing.read_text() + '{"epoch": 2, "sec'
    folder.timing.write_text(torn)
    assert folder.seconds() == 2.0
    folder.append_timing({"epoch": 2, "seconds": 3.0})
    folder.append_timing({"epoch": 2, "seconds": 4.0})  # done again after an interruption: counted once
    assert folder.seconds() == 6.0
    assert [row["epoch"] for row in rows_of(folder.timing)] == [1, 2, 2]
    assert len(folder.timing.read_text().splitlines()) == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"\0" * 4096, b"[]\n1\nnull\n", b'{"epoch": [], "seconds": 1}\n', b'{"epoch": 1, "seconds": "x"}\n', b"\xff\xfe\n",
     b'{"epoch": 1, "seconds": NaN}\n', b'{"epoch": ' + b"9" * 5000 + b"}\n", b"[" * 100_000, b'{"seconds": 3}\n'],
)  # fmt: skip
def test_any_content_of_timing_is_tolerated(tmp_path: Path, content: bytes) -> None:
    folder = RunFolder(tmp_path)
    folder.timing.write_bytes(content)
    assert folder.seconds() == 0.0
    folder.append_timing({"epoch": 1, "seconds": 3.0})
    assert folder.seconds() == 3.0


def test_a_folder_without_a_config_is_free_for_start_and_nothing_to_go_on_with(tmp_path: Path) -> None:
    (tmp_path / "killed").mkdir()
    (tmp_path / "killed" / ".config.json.123-ab.part").write_text("{")
    (tmp_path / "killed" / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="no run has begun in this folder") as caught:
        RunFolder.existing("killed", tmp_path)
    name = caught.value.fix[0].split("--name ")[1]
    folder = RunFolder.fresh(tmp_path, name, "x")
    folder.begin({"a": 1})
    assert folder.read_config() == {"a": 1}
    with folder.locked():
        pass
    assert sorted(p.name for p in folder.path.iterdir()) == [".lock", "config.json", "notes.txt"]


@pytest.mark.parametrize("name", FILES)
def test_a_folder_with_any_file_of_a_run_is_not_free(tmp_path: Path, name: str) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / name).write_text("precious")
    with pytest.raises(ConfigurationError, match="a run of this name"):
        RunFolder.fresh(tmp_path, "other", "x")


def test_of_two_that_begin_in_one_folder_one_gets_it(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    first, second = (RunFolder.fresh(tmp_path, "run", "x") for _ in range(2))
    second.begin({"who": 2})
    with pytest.raises(ConfigurationError, match="a run of this name"):
        first.begin({"who": 1})
    assert first.read_config() == {"who": 2}
    assert os.listdir(tmp_path / "run") == ["config.json"]


def test_a_disk_without_second_names_is_enough_to_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", no_links)
    folder = RunFolder.fresh(tmp_path, "run", "x")
    folder.begin({"a": 1})
    assert os.listdir(folder.path) == ["config.json"]
    with pytest.raises(ConfigurationError):
        folder.begin({"a": 2})


def test_a_config_that_cannot_be_written_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = RunFolder.fresh(tmp_path, "run", "x")

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FileError, match="could not be written"):
        folder.begin({"a": 1})
    assert not folder.path.exists()


def test_untrained_runs_are_removed_and_nothing_else_is(tmp_path: Path) -> None:
    for name, mine in (("empty", False), ("kept", True)):
        folder = RunFolder.fresh(tmp_path, name, "x")
        if mine:
            (folder.path / "notes.txt").write_text("mine")
        folder.begin({})
        with folder.locked():
            pass
        folder.discard_untrained()
        assert folder.path.exists() == mine
    assert [p.name for p in (tmp_path / "kept").iterdir()] == ["notes.txt"]
    trained = made(tmp_path / "trained")
    trained.checkpoints.mkdir()
    trained.checkpoint_path(1).write_text("")
    trained.discard_untrained()
    assert trained.config.exists()


@pytest.mark.parametrize("kind", [os.mkdir, os.mkfifo])
@pytest.mark.parametrize(
    "name",
    [
        "metrics.jsonl",
        "timing.jsonl",
        "report.html",
        "model.safetensors",
        "result.json",
        "judge.safetensors",
        "stages/pca.json",
    ],
)
def test_what_is_no_file_is_found_before_training(tmp_path: Path, name: str, kind: Callable[[Path], None]) -> None:
    folder = made(tmp_path / "run")
    (folder.path / "stages").mkdir()
    kind(folder.path / name)
    with pytest.raises(CheckpointError, match="something else stands where") as caught, folder.locked():
        pass
    assert caught.value.fix == (f"move {folder.path / name} away",)


def test_a_file_in_place_of_a_stage(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "judge").write_text("")
    with (
        pytest.raises(CheckpointError, match="where a folder of the run belongs"),
        RunFolder(tmp_path / "stages" / "judge").locked(),
    ):
        pass


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, lambda path: path.write_text("[" * 100_000), os.mkfifo])
def test_a_config_that_is_none_is_one_clear_error(tmp_path: Path, make: Callable[[Path], object]) -> None:
    make(tmp_path / "config.json")
    with pytest.raises(CheckpointError, match=r"config\.json cannot be read") as caught:
        RunFolder.existing(tmp_path).read_config()
    assert caught.value.fix


def test_checkpoints_that_are_a_file(tmp_path: Path) -> None:
    folder = made(tmp_path)
    folder.checkpoints.write_text("")
    assert folder.checkpoint_files() == []
    with pytest.raises(CheckpointError, match="something else"), folder.locked():
        pass


@pytest.mark.parametrize("make", [os.mkdir, lambda path: os.mkfifo(path, 0o644)])
def test_a_lock_that_is_no_file_does_not_hang(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / ".lock")
    if stat.S_ISDIR(os.stat(tmp_path / ".lock").st_mode):
        with pytest.raises(FileError, match="a run needs to write"), RunFolder(tmp_path).locked():
            pass
    else:
        with RunFolder(tmp_path).locked():
            pass


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_a_lock_that_cannot_be_made_is_one_clear_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    real = os.open

    def failing(path: Any, *more: Any, **named: Any) -> int:
        if str(path).endswith(".lock"):
            raise OSError(number, os.strerror(number))
        return real(path, *more, **named)

    monkeypatch.setattr(os, "open", failing)
    with pytest.raises(FileError, match="a run needs to write in its folder") as caught, RunFolder(tmp_path).locked():
        pass
    assert caught.value.fix


def test_the_lock_is_for_others_and_not_for_oneself(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    with (
        folder.locked(),
        RunFolder(tmp_path).locked(),
        concurrent.futures.ThreadPoolExecutor(1) as threads,
        pytest.raises(CheckpointError, match="another process"),
    ):
        threads.submit(lambda: folder.locked().__enter__()).result()
    with folder.locked():  # given back
        pass


def test_a_failed_write_says_what_to_do_and_names_the_whole_run(tmp_path: Path) -> None:
    stage = RunFolder(tmp_path / "my run" / "stages" / "cd", RunFolder(tmp_path / "my run"))
    with pytest.raises(TrainingError, match="last checkpoint is untouched") as caught, stage.writing("epoch 3"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert f"--resume '{tmp_path / 'my run'}'" in caught.value.fix[0]


# config.json's parts ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "opening",
    [None, [], "x", {}, {"data": 3}, {"data": ""}, {"data": "a\0b"}, {"data": "d", "size": 5}, {"data": "d", "size": [1]},
     {"data": "d", "size": [0, 3]}, {"data": "d", "size": [True, 3]}, {"data": "d", "size": [10**9, 1]},
     {"data": "d", "channels": "3"}, {"data": "d", "channels": -1}, {"data": ["d"]},
     {"data": "d", "label": ["x"]}, {"data": "d", "label": True}, {"data": "d", "place": 3}, {"data": "d", "place": "\0"}],
)  # fmt: skip
def test_odd_openings_are_one_kind_of_error(tmp_path: Path, opening: object) -> None:
    with pytest.raises(CheckpointError, match="is damaged") as caught:
        run_config.understood(tmp_path / "config.json", {"data": {"opening": opening}}, run_config.opening)
    assert caught.value.given
    assert caught.value.fix
