"""``foveal evaluate`` and ``predict`` on runs and model files as they may come: from elsewhere, half-written, read-only."""

from __future__ import annotations

import errno
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import foveal
from foveal import Model, modelfile, systems
from foveal.backends.capacity import allow_memory
from foveal.backends.torch import build
from foveal.cli.app import app
from foveal.errors import CheckpointError, DataError, FovealError
from foveal.inference.label_matching import RECORD
from foveal.network import Sequential, layers

WHOLE = Path(__file__).parents[1] / "training" / "runs_0_1" / "classifier-whole"


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


def refusal(*arguments: object) -> FovealError:
    error = run(*arguments).exception
    assert isinstance(error, FovealError), error
    return error


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    return Path(shutil.copytree(WHOLE, tmp_path / "runs" / "whole"))


def named(path: Path, data: Any) -> Path:
    """A small model file that says that it learned from ``data``."""
    network = Sequential([layers.Dense(3, name="dense")], input_shape=4)
    facts = {"classes": ["setosa", "versicolor", "virginica"], "training": {"data": data}}
    return modelfile.save(path / "model.safetensors", network, build(network, seed=0).state_dict(), facts)


def calling_itself(path: Path, system: str) -> Path:
    """The model file with another system's name in its metadata."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    whole = json.loads(header["__metadata__"]["foveal"])
    whole["metadata"]["system"] = system
    header["__metadata__"] = {"foveal": json.dumps(whole)}
    new = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(new)) + new + data[8 + length :])
    return path


# What it is measured on -------------------------------------------------------------------------------------------------


def test_a_file_from_elsewhere_opens_known_names_and_no_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.csv")
    Path("mine").mkdir()
    opened: list[str] = []
    real = os.scandir
    monkeypatch.setattr(os, "scandir", lambda path=".": opened.append(str(path)) or real(path))  # type: ignore[func-returns-value]
    for data in ("/", "pipe.csv", "/dev/zero", "./mine", "mine", "../x", "", None, "no-such-set", "fashion-mnist\n"):
        error = refusal("evaluate", named(tmp_path, data))
        assert isinstance(error, DataError)
        assert "paths in it are not followed" in error.problem
        assert error.fix == (f"foveal evaluate {tmp_path / 'model.safetensors'} DATA",)
    assert not opened
    assert "on iris, test: 30 samples" in run("evaluate", named(tmp_path, "iris")).stdout
    assert "on iris, test: 30 samples" in run("evaluate", named(tmp_path, "/"), "iris").stdout


def test_a_run_is_measured_on_its_own_data_wherever_they_are(tmp_path: Path) -> None:
    rows = [",".join([str(i % 3), *(str(17 * i * j % 256) for j in range(16))]) for i in range(60)]
    header = ",".join(["label", *(f"pixel{j}" for j in range(16))])
    (tmp_path / "mine.csv").write_text("\n".join([header, *rows]) + "\n")
    (tmp_path / "net.json").write_text('{"foveal": 1, "layers": ["Flatten", {"kind": "Dense", "units": 3}]}')
    at = ("--runs", tmp_path / "runs")
    done = run("train", tmp_path / "net.json", tmp_path / "mine.csv", "--epochs", "1", "--name", "a", *at)
    assert done.exit_code == 0, done.output
    assert run("evaluate", "a", *at).exit_code == 0
    (tmp_path / "mine.csv").rename(tmp_path / "other.csv")
    error = refusal("evaluate", "a", *at)
    assert "not there any more" in error.problem
    assert run("evaluate", "a", tmp_path / "other.csv", *at).exit_code == 0


# Folders that are not whole ---------------------------------------------------------------------------------------------


def test_a_read_only_run_is_measured_and_what_is_not_noted_is_said(
    whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open

    def read_only(path: Any, flags: int, *more: Any, **named: Any) -> int:
        if flags & (os.O_RDWR | os.O_WRONLY):
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return real(path, flags, *more, **named)

    before = sorted(p.name for p in whole.iterdir())
    monkeypatch.setattr(os, "open", read_only)
    done = run("evaluate", whole)
    assert done.exit_code == 0
    assert "30 samples" in done.stdout
    assert done.stderr == (
        f"note: that the test set was used could not be noted in {whole / RECORD}: Read-only file system\n"
    )
    assert sorted(p.name for p in whole.iterdir()) == before
    error = refusal("train", "--resume", whole)
    assert "needs to write in its folder" in error.problem
    assert any("copy the folder" in repair for repair in error.fix)


def test_a_torn_line_of_the_record_tears_no_other(whole: Path) -> None:
    assert run("evaluate", whole).exit_code == 0
    with (whole / RECORD).open("a") as file:
        file.write('{"data": "iris", "spl')
    with (whole / RECORD).open("a") as file:
        file.write("\n[]\n3\n")
    (whole / RECORD).write_text((whole / RECORD).read_text()[:-1])
    done = run("evaluate", whole, "--json")
    assert json.loads(done.stdout)["times_used"] == 3


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "result.json"])
@pytest.mark.parametrize(
    "content", [None, "pipe", b"", b"{", b"[]", b"\xff", b"[" * 100_000, b"9" * 5_000, b'{"system": 3}']
)
def test_whatever_stands_in_a_folder_is_no_traceback(tmp_path: Path, name: str, content: bytes | str | None) -> None:
    folder = Path(shutil.copytree(WHOLE.with_name("rbm-whole"), tmp_path / "run"))
    (folder / name).unlink()
    if content is None:
        (folder / name).mkdir()
    elif isinstance(content, str):
        os.mkfifo(folder / name)
    else:
        (folder / name).write_bytes(content)
    for verb in (("evaluate", folder), ("predict", folder, tmp_path / "x.png")):
        done = run(*verb)
        assert done.exception is None or isinstance(done.exception, FovealError | SystemExit), done.exception
    if name == "config.json":
        assert isinstance(run("train", "--resume", folder).exception, CheckpointError)


def test_a_run_that_is_not_finished_says_what_finishes_it(tmp_path: Path) -> None:
    stopped = Path(shutil.copytree(WHOLE.with_name("classifier-stopped"), tmp_path / "runs" / "stopped"))
    error = refusal("evaluate", "stopped", "--runs", tmp_path / "runs")
    assert error.fix == (f"foveal train --resume {stopped}",)


# Models that name a system they are not of ------------------------------------------------------------------------------


@pytest.mark.parametrize("system", [each.name for each in systems.SYSTEMS])
def test_a_classifier_that_says_it_is_a_system(tmp_path: Path, system: str) -> None:
    from PIL import Image

    Image.new("L", (8, 8)).save(tmp_path / "x.png")
    path = calling_itself(named(tmp_path, "iris"), system)
    for verb in (("predict", path, tmp_path / "x.png", tmp_path / "x.png"), ("evaluate", path)):
        done = run(*verb)
        assert done.exception is None or isinstance(done.exception, FovealError | SystemExit), repr(done.exception)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX")
def test_out_of_memory_anywhere_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys, foveal.cli.app as app, foveal.inference.trained_classifier as trained\n"
        "def none(*_): raise MemoryError('Unable to allocate 16.3 TiB for an array')\n"
        "trained.load_classifier = none\n"
        "sys.argv = ['foveal', 'evaluate', 'x']\n"
        "app.main()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("The memory does not suffice: 16.3 TiB at once")
    assert len(done.stderr.splitlines()) == 1


def test_a_model_of_large_pictures_makes_no_gigabytes_of_small_ones(tmp_path: Path) -> None:
    network = Sequential([layers.GlobalAveragePooling2D(), layers.Dense(10)], input_shape=(2_000, 2_000, 1))
    facts = {"classes": [str(digit) for digit in range(10)], "training": {"data": "digits"}}
    path = modelfile.save(tmp_path / "model.safetensors", network, build(network, seed=0).state_dict(), facts)
    for arguments in ([], ["digits"]):
        error = refusal("evaluate", path, *arguments)
        assert "1797 × 2000 × 2000 × 1 = 6.7 GiB" in str(error)
        assert "at most" in str(error)
        assert "unless more is allowed" in str(error)
        assert "--allow-memory 7GB, if it is meant" in str(error)


def test_pictures_made_larger_for_a_model_are_bounded_and_more_can_be_allowed(tmp_path: Path) -> None:
    network = Sequential([layers.GlobalAveragePooling2D(), layers.Dense(2)], input_shape=(64, 64, 1))
    facts = {"classes": ["a", "b"]}
    path = modelfile.save(tmp_path / "model.safetensors", network, build(network, seed=0).state_dict(), facts)
    for name, side in (("a", 8), ("b", 8), ("a", 100), ("b", 100)):
        (folder := tmp_path / f"of{side}" / name).mkdir(parents=True, exist_ok=True)
        for number in range(4):
            Image.new("L", (side, side), 10 * number).save(folder / f"{number}.png")
    try:
        error = refusal("evaluate", path, tmp_path / "of8", "--allow-memory", "32000")
        assert "8 × 64 × 64 × 1" in str(error)
        assert "--allow-memory 1GB" in str(error)
        assert run("evaluate", path, tmp_path / "of8", "--allow-memory", "1GB").exit_code == 0
        smaller = run("evaluate", path, tmp_path / "of100", "--allow-memory", "32000")  # they become smaller: no danger
        assert smaller.exit_code == 0, smaller.output
    finally:
        allow_memory(None)


def test_a_network_that_does_not_classify_is_no_classifier(tmp_path: Path) -> None:
    """An autoencoder's answer is a picture: `predict` and `evaluate` say so, and Python gives it."""
    network = Sequential(
        [layers.Conv2D(2, 3, padding="same"), layers.Conv2D(1, 3, padding="same")], input_shape=(8, 8, 1)
    )
    path = Model(network, seed=0).save(tmp_path / "model.safetensors") or tmp_path / "model.safetensors"
    Image.new("L", (8, 8), 90).save(tmp_path / "x.png")
    for arguments in (["predict", path, tmp_path / "x.png"], ["evaluate", path, "digits"]):
        error = refusal(*arguments)
        assert "this network does not classify" in str(error)
        assert "output 8 × 8 × 1" in str(error)
    repair = str(error).split("to fix")[1].split(", in Python")[0].strip()
    found = eval(repair, {"foveal": foveal, "images": np.zeros((1, 8, 8, 1), np.uint8)})
    assert found.shape == (1, 8, 8, 1)
