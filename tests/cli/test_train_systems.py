"""Systems on the command line: train, settings, JSON, resuming, asking, and what is said to mistakes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from foveal.cli.app import app
from foveal.errors import ConfigurationError, DataError, FovealError, UnknownName

SMALL = ["--epochs", "1", "--set", "limit=96", "--set", "judge_epochs=1", "--set", "samples=40"]
VAE = ["vae", "digits", "--size", "28x28", *SMALL]


def foveal(*arguments: str) -> Any:
    return CliRunner().invoke(app, list(arguments))


def test_a_system_trains_and_tells_its_figures(tmp_path: Path) -> None:
    result = foveal("train", *VAE, "--runs", str(tmp_path), "--name", "one")
    assert result.exit_code == 0, result.output
    assert "Variational autoencoder" in result.output
    assert "ELBO" in result.output
    assert str(tmp_path / "one" / "report.html") in result.output
    assert {"config.json", "metrics.jsonl", "model.safetensors", "report.html", "evaluation.json"} <= {
        path.name for path in (tmp_path / "one").iterdir()
    }
    told = json.loads((tmp_path / "one" / "config.json").read_text())
    assert told["system"] == "vae"
    assert told["settings"]["limit"] == 96
    again = foveal("train", "--resume", "one", "--runs", str(tmp_path), "--json")
    last = json.loads(again.output.strip().splitlines()[-1])
    assert last["event"] == "result"
    assert last["headlines"]
    assert last["facts"] == json.loads((tmp_path / "one" / "evaluation.json").read_text())
    shown = foveal("show", str(tmp_path / "one"))
    assert "Sampling" in shown.output
    refused = foveal("evaluate", str(tmp_path / "one"))
    assert isinstance(refused.exception, ConfigurationError)
    assert "report.html" in str(refused.exception)


def test_a_system_that_classifies_can_be_evaluated(tmp_path: Path) -> None:
    options = ["gru", "digits", "--size", "8x8", "--epochs", "1", "--set", "lags=", "--runs", str(tmp_path)]
    result = foveal("train", *options, "--name", "rows")
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "rows" / "result.json").read_text())
    again = json.loads(foveal("evaluate", str(tmp_path / "rows"), "--json").output)
    assert again["accuracy"] == told["accuracy"]
    assert again["split"] == "test"
    held = json.loads(foveal("evaluate", str(tmp_path / "rows"), "--split", "validation", "--json").output)
    assert held["count"] > 0


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (["vae", "--set", "latnet=3"], UnknownName, "--set latent="),
        (["vae", "--set", "latent"], ConfigurationError, "NAME=VALUE"),
        (["vae", "--set", "latent=two"], ConfigurationError, "a whole number"),
        (["rbm", "digits", "--set", "hidden=0"], ConfigurationError, "--set hidden=1"),
        (["dbn", "digits", "--set", "labels=0"], ConfigurationError, "20 or more"),
        (["autoencoder", "digits", "--set", "limit=2"], ConfigurationError, "0 for all, or 20 or more"),
        (["lstm", "digits", "--set", "limit=-5"], ConfigurationError, "limit"),
        (["conv1d", "--set", "train=6"], ConfigurationError, "--set train=84"),
        (["vae", "scenes"], ConfigurationError, "foveal train vae fashion-mnist"),
        (["vae", "iris"], DataError, "pictures"),
        (["crnn", "mnist"], ConfigurationError, "foveal train crnn digit-lines"),
        (["lecture_cnn", "digits", "--set", "latent=3"], ConfigurationError, "leave --set out"),
        (["lecture_cnn", "dates"], DataError, "foveal train seq2seq"),
        (["vae", "--find-lr"], ConfigurationError, "classifiers"),
        (["vae", "nowhere/at/all"], FovealError, "no such file"),
        (["--resume", "x", "--set", "latent=3"], ConfigurationError, "leave these out"),
    ],
)
def test_mistakes_are_explained(arguments: list[str], kind: type[Exception], text: str, tmp_path: Path) -> None:
    result = foveal("train", *arguments, "--runs", str(tmp_path))
    assert isinstance(result.exception, kind), result.exception
    assert text in str(result.exception)


def test_a_system_of_several_networks_names_them() -> None:
    result = foveal("show", "why-convolution")
    assert isinstance(result.exception, UnknownName)
    assert "foveal show mlp" in str(result.exception)


def test_control_c_is_survived(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from foveal.training import hooks; real = hooks.LoopHooks.on_step_end\n"
        "def stop(self, values):\n"
        "    if self.step == 1: os.kill(os.getpid(), signal.SIGINT)\n"
        "    real(self, values)\n"
        "hooks.LoopHooks.on_step_end = stop\n"
        "from foveal.cli.app import main; sys.argv[0] = 'foveal'; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "train", *VAE, "--batch-size", "16", "--runs", str(tmp_path), "--name", "x"],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 128 + signal.SIGINT, done.stderr
    assert f"continue with: foveal train --resume {tmp_path / 'x'}" in done.stderr
    assert foveal("train", "--resume", str(tmp_path / "x")).exit_code == 0


@pytest.mark.parametrize("name", ["waves", "dates", "digit-lines", "stdlib-text", "stdlib-topics"])
def test_data_that_are_made_here_can_be_looked_at(name: str, tmp_path: Path) -> None:
    target = tmp_path / "look.png"
    result = foveal("data", "show", name, "--samples", "3", "--out", str(target), "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert len(told["examples"]) == 3
    assert bool(told["drawing"]) == target.is_file()
    plain = foveal("data", "show", name, "--samples", "2", "--out", str(target))
    assert "learned by: foveal train" in plain.output


def test_the_list_of_data_says_who_learns_from_them() -> None:
    rows = {row["name"]: row for row in json.loads(foveal("data", "list", "--json").output)}
    assert "foveal train unet, detector" in rows["scenes"]["where"]
    assert {"xor", "waves", "stdlib-text", "stdlib-topics", "dates", "scenes", "digit-lines"} <= rows.keys()


def test_notes_of_the_data_are_told_once(tmp_path: Path) -> None:
    """While they are opened, and not again below the figures; a stage is not a note."""
    pixels = np.random.default_rng(0).integers(0, 256, (32, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "some.npz", x=pixels, y=np.arange(32) % 2, weights=pixels)
    result = foveal(
        "train",
        "mlp",
        str(tmp_path / "some.npz"),
        "--epochs",
        "1",
        "--set",
        "folds=2",
        "--runs",
        str(tmp_path / "runs"),
    )
    assert result.exit_code == 0, result.output
    notes = [line for line in result.output.splitlines() if line.startswith("note: ")]
    assert len([line for line in notes if "weights" in line]) == 1
    assert len(notes) == len(set(notes))
    assert "fold1 …" in result.output.splitlines()


def test_one_is_not_several(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (9, 8, 8), dtype=np.uint8)
    np.savez(tmp_path / "some.npz", x=pixels, y=[0] * 8 + [1])
    result = foveal("train", "mlp", str(tmp_path / "some.npz"), "--runs", str(tmp_path / "runs"))
    assert isinstance(result.exception, ConfigurationError)
    assert result.exception.given == "folds=5, 1 example in the smallest class"
    assert result.exception.expected == "0: no cross-validation"


@pytest.mark.parametrize(("option", "value"), [("--augment", "flip"), ("--mirror", None)])
def test_an_option_that_a_system_would_never_look_at_is_refused(option: str, value: str | None, tmp_path: Path) -> None:
    from foveal.systems.registry import SYSTEMS, USED_BY

    users = USED_BY[option.removeprefix("--")]
    assert set(users) < {system.name for system in SYSTEMS}
    for system in SYSTEMS:
        if system.name in users:
            continue
        with pytest.raises(ConfigurationError) as caught:
            raise foveal("train", system.name, option, *([value] if value else []), "--runs", str(tmp_path)).exception
        assert caught.value.where == option
        assert caught.value.fix == (f"leave {option} out",)
        assert all(user in str(caught.value.expected) for user in users)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["rnn", "rbm"])
def test_augmentation_is_used_where_it_is_taken(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from foveal import systems
    from foveal.data.augmentation.pipeline import Augmentation

    class Used(Exception):
        pass

    def use(*_: object, **__: object) -> None:
        raise Used

    monkeypatch.setattr(Augmentation, "__call__", use)
    with pytest.raises(Used):
        systems.train(name, "digits", epochs=1, changes={"augment": "shift=1"}, settings={"limit": 40}, runs=tmp_path)
