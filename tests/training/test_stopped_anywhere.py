"""``foveal train`` stopped where it does not train: while data are read, while it tests, while it writes the report."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from foveal.training.checkpoints.run_folder import RunFolder

runner = pytest.importorskip("typer.testing").CliRunner()
pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")
SMALL = ("--epochs", "2", "--batch-size", "64")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def foveal(*arguments: str) -> Any:
    from foveal.cli.app import app

    return runner.invoke(app, [*arguments])


def stop_in(monkeypatch: pytest.MonkeyPatch, place: str, number: int) -> None:
    """The function at ``place`` is asked to stop as soon as it is called."""

    def stopped(*_: object, **__: object) -> None:
        os.kill(os.getpid(), number)
        time.sleep(30)

    monkeypatch.setattr(place, stopped)


_WHOLE: dict[str, tuple[bytes, bytes]] = {}  # metrics and model of the run that nothing happened to


def whole(what: str, data: tuple[str, ...]) -> tuple[bytes, bytes]:
    if what not in _WHOLE:
        done = foveal("train", what, *data, "--name", "whole")
        assert done.exit_code == 0, done.output
        folder = RunFolder("runs/whole")
        _WHOLE[what] = folder.metrics.read_bytes(), folder.model.read_bytes()
    return _WHOLE[what]


@pytest.mark.parametrize(
    ("what", "place", "number"),
    [
        ("logistic.json", "foveal.evaluation.evaluate", signal.SIGINT),
        ("logistic.json", "foveal.modelfile.save", signal.SIGTERM),
        ("logistic.json", "foveal.page.render.write", signal.SIGINT),
        ("perceptron", "foveal.page.render.write", signal.SIGTERM),
        ("perceptron", "foveal.data.generated.logic.load", signal.SIGINT),
    ],
)
def test_one_line_says_how_to_go_on_and_it_is_true(
    monkeypatch: pytest.MonkeyPatch, what: str, place: str, number: int
) -> None:
    Path("logistic.json").write_text('{"foveal": 1, "name": "logistic", "layers": [{"kind": "Dense", "units": 3}]}')
    data = ("iris", *SMALL) if what.endswith("json") else ("xor", "--epochs", "2")
    expected = whole(what, data)
    with monkeypatch.context() as patched:
        stop_in(patched, place, number)
        done = foveal("train", what, *data, "--name", "stopped")
    assert done.exit_code == 128 + number
    assert done.stderr == "Stopped; continue with: foveal train --resume runs/stopped\n"
    again = foveal(*done.stderr.split("foveal ")[1].split())
    assert again.exit_code == 0, again.output
    ours = RunFolder("runs/stopped")
    assert (ours.metrics.read_bytes(), ours.model.read_bytes()) == expected


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_verbs_that_write_nothing_end_with_a_word_too(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    stop_in(monkeypatch, "foveal.zoo.create", number)
    done = foveal("show", "lenet5")
    assert (done.exit_code, done.stderr) == (128 + number, "Stopped\n")


def test_nothing_was_begun_while_a_classifiers_data_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    stop_in(monkeypatch, "foveal.data.loading.opened", signal.SIGINT)
    done = foveal("train", "lecture_cnn", "digits", "--name", "early")
    assert (done.exit_code, done.stderr) == (130, "Stopped\n")
    assert not Path("runs").exists()
