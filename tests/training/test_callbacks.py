"""Callbacks: Keras's hooks in Keras's order, early stopping, saved models, CSV, TensorBoard."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from small_training import Clusters, network

from foveal import callbacks
from foveal.errors import ConfigurationError
from foveal.training import RunFolder, TrainingConfig, run

CONFIG = TrainingConfig(epochs=3, batch_size=16, lr=0.01)


class Diary(callbacks.Callback):
    """Writes down every hook."""

    def __init__(self) -> None:
        self.pages: list[Any] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.pages.append("train begins")

    def on_train_end(self, logs: Any = None) -> None:
        self.pages.append("train ends")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self.pages.append(("epoch begins", epoch))

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.pages.append(("epoch ends", epoch, sorted(logs)))

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.pages.append(("batch begins", batch))

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.pages.append(("batch ends", batch, sorted(logs)))


def test_the_hooks_come_in_keras_order() -> None:
    diary, module = Diary(), network()
    run(module, Clusters(40), Clusters(20, seed=2), CONFIG.replace(epochs=2), callbacks=[diary])
    values = ["accuracy", "loss"]
    epoch = lambda n: [  # noqa: E731
        ("epoch begins", n),
        *(page for b in range(3) for page in (("batch begins", b), ("batch ends", b, values))),
        ("epoch ends", n, [*values, "val_accuracy", "val_loss"]),
    ]
    assert diary.pages == ["train begins", *epoch(0), *epoch(1), "train ends"]
    assert diary.model is module
    assert diary.params == {"epochs": 2, "steps": 3}


def test_stop_training_ends_after_the_epoch_and_stays_so_after_resuming(tmp_path: Path) -> None:
    class Enough(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.model.stop_training = True

    folder = RunFolder(tmp_path / "run")
    history = run(network(), Clusters(), None, CONFIG, callbacks=[Enough()], run_folder=folder)
    assert len(history.epoch) == 1
    assert history.stopped_early
    assert len(run(network(), Clusters(), None, CONFIG, run_folder=folder, resume=True).epoch) == 1


class Scripted(callbacks.Callback):
    """Gives the values that a test wants, before the callbacks after it see them."""

    def __init__(self, name: str, values: list[float]) -> None:
        self.name, self.values = name, values
        self.weights_then: list[torch.Tensor] = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs[self.name] = self.values[epoch]
        self.weights_then.append(self.model[0].weight.detach().clone())


@pytest.mark.parametrize(
    ("values", "patience", "delta", "stops_after"),
    [
        ([5, 4, 3, 2, 1], 1, 0.0, 5),
        ([5, 4, 4, 4, 4], 2, 0.0, 4),
        ([5, 4, 4.5, 3, 3.5], 2, 0.0, 5),
        ([5, 4.9, 4.8, 4.7, 4.6], 2, 0.5, 3),
        ([5, 6, 7, 8, 9], 0, 0.0, 2),
    ],
)
def test_early_stopping(values: list[float], patience: int, delta: float, stops_after: int) -> None:
    stop = callbacks.EarlyStopping("special", patience=patience, min_delta=delta)
    history = run(network(), Clusters(), None, CONFIG.replace(epochs=5), callbacks=[Scripted("special", values), stop])
    assert len(history.epoch) == stops_after


def test_early_stopping_returns_to_the_best_weights() -> None:
    scripted = Scripted("val_accuracy", [0.5, 0.9, 0.6, 0.7])
    stop = callbacks.EarlyStopping("val_accuracy", patience=2, restore_best_weights=True)
    module = network()
    run(module, Clusters(), Clusters(30), CONFIG.replace(epochs=6), callbacks=[scripted, stop])
    assert stop.best_epoch == 1
    assert stop.stopped_epoch == 3
    assert torch.equal(module[0].weight, scripted.weights_then[1])  # type: ignore[index]


def test_an_unknown_value_is_answered_with_those_there_are() -> None:
    with pytest.raises(ConfigurationError) as caught:
        run(network(), Clusters(), Clusters(30), CONFIG, callbacks=[callbacks.EarlyStopping("val_acc")])
    assert caught.value.expected == "one of loss, accuracy, val_loss, val_accuracy"
    with pytest.raises(ConfigurationError, match="which way is better"):
        callbacks.EarlyStopping(mode="least")


def test_without_validation_the_training_value_is_watched() -> None:
    stop = callbacks.EarlyStopping(patience=5)
    history = run(network(), Clusters(), None, CONFIG, callbacks=[stop])
    assert -stop.best == min(history.history["loss"])


def test_model_checkpoint_saves_the_best_under_its_name(tmp_path: Path) -> None:
    scripted = Scripted("special", [2.0, 1.0, 3.0])
    save = callbacks.ModelCheckpoint(
        tmp_path / "best-{epoch:02d}-{special:.1f}.safetensors", "special", save_best_only=True
    )
    run(network(), Clusters(), None, CONFIG, callbacks=[scripted, save])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best-01-2.0.safetensors", "best-02-1.0.safetensors"]
    saved = safetensors.torch.load_file(tmp_path / "best-02-1.0.safetensors")
    assert torch.equal(saved["0.weight"], scripted.weights_then[1])
    with pytest.raises(ConfigurationError, match="asks for a value that is not there"):
        run(network(), Clusters(), None, CONFIG, callbacks=[callbacks.ModelCheckpoint(tmp_path / "{nothing}")])


def test_model_checkpoint_uses_the_models_own_save(tmp_path: Path) -> None:
    class Saving:
        stop_training = False
        paths: list[Path] = []  # noqa: RUF012

        def save(self, path: Path) -> None:
            self.paths.append(path)

    save = callbacks.ModelCheckpoint(tmp_path / "{epoch}.safetensors")
    run(network(), Clusters(), None, CONFIG, callbacks=[save], model=Saving())
    assert [path.name for path in Saving.paths] == ["1.safetensors", "2.safetensors", "3.safetensors"]


def test_csv_has_a_row_an_epoch_and_can_be_appended_to(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    history = run(network(), Clusters(), Clusters(30), CONFIG, callbacks=[callbacks.CSVLogger(path)])
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert [float(row["val_loss"]) for row in rows] == history.history["val_loss"]
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    run(network(), Clusters(), Clusters(30), CONFIG, callbacks=[callbacks.CSVLogger(path, append=True)])
    assert len(path.read_text().splitlines()) == 1 + 6


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_gets_training_and_validation_in_one_chart(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    history = run(network(), Clusters(), Clusters(30), CONFIG, callbacks=[callbacks.TensorBoard(tmp_path)])
    for side, name in (("train", "loss"), ("validation", "val_loss")):
        reader = accumulator.EventAccumulator(str(tmp_path / side))
        reader.Reload()
        assert [e.value for e in reader.Scalars("loss")] == pytest.approx(history.history[name])


def test_callbacks_remember_over_an_interruption() -> None:
    first = callbacks.EarlyStopping(patience=3)
    first.best, first.wait = -0.5, 2
    from foveal.training.callbacks import CallbackList

    second = [callbacks.CSVLogger("x.csv"), callbacks.EarlyStopping(patience=3)]
    CallbackList(second).load_state_dict(CallbackList([first]).state_dict())
    assert (second[1].best, second[1].wait) == (-0.5, 2)  # type: ignore[attr-defined]


def test_the_public_face_loads_no_torch() -> None:
    import subprocess
    import sys

    code = "import foveal.callbacks, foveal.losses, foveal.optimizers, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
