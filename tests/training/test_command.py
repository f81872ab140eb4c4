"""``foveal train`` from end to end on scikit-learn's small data: files, headline, errors, interruption, resumption."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from foveal import zoo
from foveal.errors import (
    CheckpointError,
    ConfigurationError,
    DataError,
    FovealError,
    ShapeError,
    SourceError,
    TrainingError,
    UnknownName,
)
from foveal.network import codec
from foveal.network.layers import BatchNormalization, Dense, Flatten, GlobalAveragePooling2D
from foveal.network.tree import Sequential
from foveal.systems import resume, start
from foveal.systems.launch import reopened
from foveal.training.checkpoints.run_folder import RunFolder
from tests.classifiers import prepare

runner = pytest.importorskip("typer.testing").CliRunner()


def foveal(*arguments: str) -> Any:
    """The command, in this process. Errors that it would print come as they are."""
    from foveal.cli.app import app

    done = runner.invoke(app, ["train", *arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def described() -> str:
    """The MLP as a description file: trained as a plain classifier, where its name alone is the system that cross-validates."""
    Path("mlp.json").write_text(codec.to_json(zoo.mlp(3, (4,))), encoding="utf-8")
    return "mlp.json"


def test_a_run_leaves_a_model_a_report_and_the_headline(tmp_path: Path) -> None:
    done = foveal(described(), "iris", "--epochs", "25", "--seed", "1")
    lines = done.stdout.splitlines()
    assert lines[0] == "mlp, 9,091 parameters"
    assert lines[1] == "iris: 96 to train on, 24 to validate, 30 to test"
    assert lines[2] == "25 epochs, batches of 16, adam, one-cycle rate up to 0.01, seed 1"
    assert sum(line.startswith("Epoch ") for line in lines) == 25
    folder = tmp_path / "runs" / "mlp-iris-1"
    assert "  model   runs/mlp-iris-1/model.safetensors" in lines
    assert "  report  runs/mlp-iris-1/report.html" in lines
    for name in ("config.json", "metrics.jsonl", "model.safetensors", "report.html", "checkpoints"):
        assert (folder / name).exists(), name
    evaluation = json.loads((folder / "evaluation.json").read_text())
    accuracy = evaluation["correct"] / evaluation["count"]
    assert accuracy > 0.8
    assert any(line.startswith(f"Test accuracy {accuracy:.4f}, 95 % interval ") for line in lines)


def test_json_is_an_event_a_line_and_the_result_last() -> None:
    done = foveal(described(), "iris", "--epochs", "2", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert rows[0]["event"] == "started"
    assert sum(row["event"] == "epoch_done" for row in rows) == 2
    assert rows[-1]["event"] == "result"
    assert rows[-1]["count"] == 30
    assert Path(rows[-1]["report"]).is_file()


def test_the_saved_model_is_the_trained_one() -> None:
    from foveal import modelfile
    from foveal.backends.torch import build

    experiment = prepare("mlp", "iris", changes={"epochs": 3, "ema": 0.9})
    outcome = start(experiment, name="a")
    network, state, facts = modelfile.load(outcome.folder.model)
    module = build(network)
    module.load_state_dict({name.replace("/", "."): tensor for name, tensor in state.items()})
    outputs = module.predict(experiment.data.test.images)  # type: ignore[union-attr]
    assert (outputs.argmax(1) == experiment.data.test.labels).mean() == outcome.evaluation.accuracy  # type: ignore[union-attr]
    assert facts["classes"] == list(experiment.data.classes)


def test_interrupted_and_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys; from foveal.training import hooks; real = hooks.LoopHooks.on_step_end\n"
        "def stop(self, values):\n"
        "    if (self.epoch, self.step) == (1, 7): os.kill(os.getpid(), signal.SIGINT)\n"
        "    real(self, values)\n"
        "hooks.LoopHooks.on_step_end = stop\n"
        "from foveal.cli.app import main; sys.argv[0] = 'foveal'; main()"
    )
    options = ["mlp", "digits", "--epochs", "3", "--augment", "shift=1", "--runs", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-c", script, "train", *options, "--name", "parts"],
        capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"}, cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 128 + signal.SIGINT == 130, done.stderr
    place = f"Stopped in epoch 2 of 3 after step 8 of 41; continue with: foveal train --resume {tmp_path / 'parts'}"
    assert done.stderr.splitlines() == [place]
    assert foveal("--resume", "parts", "--runs", str(tmp_path)).exit_code == 0
    assert foveal(*options, "--name", "whole").exit_code == 0
    for name in ("metrics.jsonl", "steps.jsonl", "evaluation.json"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    from foveal import modelfile

    states = [modelfile.load(tmp_path / run / "model.safetensors")[1] for run in ("parts", "whole")]
    assert all(bool((states[0][name] == states[1][name]).all()) for name in states[0])


def test_a_resumed_run_takes_no_options() -> None:
    with pytest.raises(ConfigurationError) as caught:
        foveal("--resume", "x", "--lr", "0.1", "--epochs", "3")
    assert caught.value.given == "also epochs, lr"


def test_a_run_resumes_only_on_the_same_data(monkeypatch: pytest.MonkeyPatch) -> None:
    start(prepare("mlp", "iris", changes={"epochs": 1}), name="a")
    monkeypatch.setattr("foveal.data.fingerprint.part_sum", lambda part: "other")
    with pytest.raises(CheckpointError, match="started with something else"):
        resume("a")


def test_a_damaged_config_is_named() -> None:
    folder = start(prepare("mlp", "iris", changes={"epochs": 1}), name="a").folder
    told = folder.read_config()
    del told["training"]
    folder.write_config(told)
    with pytest.raises(CheckpointError, match=r"config\.json is damaged"):
        reopened(RunFolder("runs/a"))


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        (("nonet", "iris"), UnknownName, "nonet"),
        (("mlp", "nodata"), UnknownName, "nodata"),
        (("net.json", "iris"), UnknownName, "no such description file"),
        (("mlp", "iris", "--lr", "-1"), ConfigurationError, "--lr: cannot be -1.0"),
        (("mlp", "iris", "--lr", "-1"), ConfigurationError, "to fix    --lr 0.001\n        or  leave --lr out"),
        (("mlp", "iris", "--batch-size", "0"), ConfigurationError, "to fix    --batch-size 32"),
        (("mlp", "iris", "--clip-norm", "0"), ConfigurationError, "to fix    --clip-norm 1.0"),
        (("digits",), ConfigurationError, "to fix    foveal train mlp digits"),
        (("scenes",), ConfigurationError, "to fix    foveal train unet"),
        (("mlp", "iris", "--optimizer", "adams"), UnknownName, "adam"),
        (("mlp", "iris", "--size", "big"), ConfigurationError, "--size 28x28"),
        (("mlp", "iris", "--augment", "flip"), FovealError, "table"),
        (("mlp", "iris", "--name", "a/b"), ConfigurationError, "--name a-b"),
        (("lecture_cnn", "iris"), FovealError, "mlp"),
        (("--resume", "nothing"), CheckpointError, "no run here"),
    ],
)
def test_mistakes_are_explained(arguments: tuple[str, ...], kind: type[FovealError], text: str) -> None:
    with pytest.raises(kind) as caught:
        foveal(*arguments)
    assert text in str(caught.value)
    assert not any(Path().glob("runs/*/*")), "a mistake leaves no run behind"


def test_a_network_of_another_number_of_classes_says_what_to_change() -> None:
    with pytest.raises(ShapeError) as caught:
        prepare(Sequential([Dense(5)], input_shape=4), "iris")
    assert caught.value.fix == ("Dense(3) as the last layer",)


def test_probabilities_at_the_end_are_noticed() -> None:
    soft = Sequential([Dense(8, activation="relu"), Dense(3, activation="softmax")], input_shape=4)
    assert prepare(soft, "iris").config.from_logits is False
    assert start(prepare(soft, "iris", changes={"epochs": 20}), name="soft").evaluation.accuracy > 0.5


def test_a_description_file_and_a_model_file_are_networks(tmp_path: Path) -> None:
    from foveal.network import codec

    tree = Sequential([Dense(6, activation="relu"), Dense(3)], input_shape=4, name="mine")
    (tmp_path / "mine.json").write_text(codec.to_json(tree))
    first = start(prepare("mine.json", "iris", changes={"epochs": 2}), name="first")
    assert first.folder.read_config()["network"]["name"] == "mine"
    again = prepare(str(first.folder.model), "iris", changes={"epochs": 1})
    assert again.state is not None
    assert again.replaced == f"training goes on from the weights of {first.folder.model}"
    assert start(again, name="second").history.history["loss"][0] < first.history.history["loss"][0]


def test_a_description_whose_input_gives_way_to_the_data_says_so(tmp_path: Path) -> None:
    from foveal.network import codec

    tree = Sequential([Flatten(), Dense(4, activation="relu"), Dense(10)], input_shape=(28, 28, 1), name="mine")
    (tmp_path / "mine.json").write_text(codec.to_json(tree))
    said = "the description's input, 28 × 28 × 1, gives way to the data's, 8 × 8 × 1: 3,190 parameters become 310"
    done = foveal("mine.json", "digits", "--epochs", "1", "--name", "first")
    assert done.stdout.count(said) == 1
    assert said[-38:] in Path("runs/first/report.html").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in foveal("mine.json", "digits", "--epochs", "1", "--json").stdout.splitlines()]
    assert {"event": "message", "text": said} in lines
    assert not prepare("lecture_cnn", "digits", size=(28, 28)).replaced
    unknown = tree.with_input((None, None, 1))
    assert not prepare(
        Sequential([GlobalAveragePooling2D(), Dense(10)], input_shape=unknown.input_shape), "digits"
    ).replaced
    with pytest.raises(ShapeError, match="trained on another input shape") as caught:
        prepare("runs/first/model.safetensors", "digits", size=(6, 6))
    assert caught.value.fix == ("--size 8x8",)
    assert prepare("runs/first/model.safetensors", "digits", size=(8, 8)).state is not None


def test_batches_of_one_before_a_normalisation_are_refused_before_there_is_a_folder() -> None:
    tree = Sequential([Dense(4), BatchNormalization(), Dense(3)], input_shape=4)
    with pytest.raises(TrainingError, match="more than one value"):
        start(prepare(tree, "iris", changes={"batch_size": 1, "epochs": 1}))
    assert not Path("runs").exists() or not list(Path("runs").iterdir())


def test_where_nothing_can_be_fetched_digits_take_its_place_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from foveal.data import loading

    real = loading.load

    def offline(name: str, **options: Any) -> Any:
        if name == "fashion-mnist":
            raise SourceError("Fashion-MNIST could not be fetched", where="fashion-mnist")
        return real(name, **options)

    monkeypatch.setattr(loading, "load", offline)
    done = foveal("--epochs", "1")
    note = "Fashion-MNIST could be neither found nor fetched, so this is scikit-learn's digits, enlarged to 28 × 28."
    assert note in done.stderr
    report = Path("runs/lecture_cnn-digits-1/report.html").read_text(encoding="utf-8")
    assert "enlarged to 28 × 28" in report
    with pytest.raises(SourceError):
        foveal("lecture_cnn", "fashion-mnist")
    done = foveal("mlp", "--epochs", "1", "--set", "limit=60", "--set", "folds=0")  # a system of its own, the same way
    assert note in done.stderr
    report = Path("runs/mlp-digits-1/report.html").read_text(encoding="utf-8")
    assert "enlarged to 28 × 28" in report
    assert "What the first layer learned" in report
    with pytest.raises(SourceError):
        foveal("mlp", "fashion-mnist")


@pytest.mark.parametrize("kind", ["npz", "idx", "csv"])
def test_one_class_is_refused_before_anything_is_trained(kind: str) -> None:
    import numpy as np

    from foveal.data import write_idx

    pictures, labels = np.random.default_rng(0).integers(0, 256, (20, 8, 8), dtype=np.uint8), np.zeros(20, np.uint8)

    def written(labels: Any) -> str:
        if kind == "npz":
            np.savez("one.npz", images=pictures, labels=labels)
            return "one.npz"
        if kind == "idx":
            write_idx("one-images-idx3-ubyte", pictures)
            write_idx("one-labels-idx1-ubyte", labels)
            return "one-images-idx3-ubyte"
        lines = [",".join(map(str, [label, *row.ravel()])) for label, row in zip(labels, pictures, strict=True)]
        Path("one.csv").write_text("\n".join(["label," + ",".join(f"pixel{i}" for i in range(64)), *lines]))
        return "one.csv"

    description = json.dumps({"foveal": 1, "name": "n", "input": [8, 8, 1],
                              "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 2}]})  # fmt: skip
    Path("n.json").write_text(description)
    with pytest.raises(DataError, match="one class alone cannot be told from anything") as error:
        foveal("n.json", written(labels), "--epochs", "1")
    assert not Path("runs").exists()
    assert error.value.fix == ("add pictures of another class, with another label",)
    labels[::2] = 1
    assert foveal("n.json", written(labels), "--epochs", "1").exit_code == 0


def test_find_lr_writes_a_plot_and_no_run() -> None:
    done = foveal("mlp", "iris", "--find-lr")
    assert "Suggested: --lr " in done.stdout
    assert Path("lr-mlp-iris.svg").is_file()
    assert not Path("runs").exists()
    Path("lr-mlp-iris.svg").write_text("somebody else's")
    foveal("mlp", "iris", "--find-lr")
    done = foveal("mlp", "iris", "--find-lr")  # the second one takes the place of the first
    assert "plot    lr-mlp-iris-2.svg" in done.stdout
    assert "lr-mlp-iris.svg is there already" in done.stdout
    assert Path("lr-mlp-iris.svg").read_text() == "somebody else's"
    assert not Path("lr-mlp-iris-3.svg").exists()


def test_the_verb_loads_nothing_heavy() -> None:
    code = "import foveal.cli.train, sys; sys.exit(any(m in sys.modules for m in ('torch', 'numpy', 'sklearn', 'rich.progress')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_standard_output_that_fails_in_training_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    from foveal.streams import OutputError
    from foveal.training.display import PlainLines

    def full(self: PlainLines, event: object) -> None:
        if type(event).__name__ == "EpochDone":
            raise OutputError("not all could be written", where="standard output")

    with monkeypatch.context() as patch:
        patch.setattr(PlainLines, "__call__", full)
        with pytest.raises(OutputError) as caught:
            foveal(described(), "iris", "--epochs", "2", "--name", "cut")
    assert caught.value.fix == ("go on with the run: foveal train --resume runs/cut",)
    foveal(*caught.value.fix[0].split()[-2:])  # the repair works
    assert Path("runs/cut/report.html").is_file()


@pytest.mark.parametrize("net", ["mlp", "vae", "mlp.json"])
@pytest.mark.parametrize(
    "options", [("--name", "a/b"), ("--runs", "file"), ("--runs", "file/deep"), ("--name", "taken")]
)
def test_where_the_run_is_to_lie_is_looked_at_before_anything_is_told(
    net: str, options: tuple[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    described()
    Path("file").touch()
    Path("runs/taken").mkdir(parents=True)
    Path("runs/taken/config.json").touch()
    with pytest.raises(ConfigurationError) as caught:
        foveal(net, "no-such-data", *options)  # before the data are looked for
    assert caught.value.where == options[0]
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize(
    ("arguments", "mends"),
    [
        (("lecture_cnn", "iris"), ("foveal train mlp iris",)),
        (("lecture_cnn", "iris", "--size", "28x28"), ("foveal train mlp iris", "data of pictures")),
        (("vae", "iris", "--size", "28x28"), ("foveal train vae fashion-mnist", "foveal train vae mnist")),
        (
            ("lenet5_1998", "digits"),
            (
                "--size 32x32, or larger: enlarge the pictures",
                "a network for small pictures: foveal train fashion_resnet digits",
            ),
        ),
    ],
)
def test_shapes_are_mended_in_the_words_of_the_command_line(arguments: tuple[str, ...], mends: tuple[str, ...]) -> None:
    with pytest.raises(FovealError) as caught:
        foveal(*arguments)
    assert caught.value.fix == mends
