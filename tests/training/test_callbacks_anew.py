"""Callbacks begin anew at each fit, refuse at once what would fail later, and may stop in the middle of an epoch."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_training import Clusters, network
from torch import nn

import foveal
from foveal import callbacks, layers
from foveal.errors import ConfigurationError, FileError, FovealError, TrainingError
from foveal.training import RunFolder, TrainingConfig, events, run

CONFIG = TrainingConfig(epochs=3, batch_size=16, lr=0.01)
RNG = np.random.default_rng(0)
X, Y = RNG.random((40, 6, 6, 1), dtype=np.float32), RNG.integers(0, 3, 40)


def model(seed: int, *hidden: Any) -> foveal.Model:
    made = foveal.Model(layers.Sequential([layers.Flatten(input_shape=(6, 6, 1)), *hidden, layers.Dense(3)]), seed=seed)
    made.compile()
    return made


def weights(of: foveal.Model) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in of.module.state_dict().values()]


class Steps(callbacks.Callback):
    """Counts steps, and stops after some."""

    def __init__(self, last: int | None = None) -> None:
        self.count, self.last, self.epochs = 0, last, 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.count += 1
        if self.count == self.last:
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs += 1


# Anew -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hidden", [(), (layers.Dense(5, activation="relu"),)])
def test_early_stopping_used_twice_is_as_a_fresh_one(hidden: tuple[Any, ...]) -> None:
    def made() -> callbacks.EarlyStopping:
        return callbacks.EarlyStopping("loss", patience=2, restore_best_weights=True, min_delta=0.02)

    stop = made()
    model(0).fit(X, Y, epochs=12, verbose=0, callbacks=[stop])
    again, fresh = model(7, *hidden), model(7, *hidden)
    histories = [
        each.fit(X, Y, epochs=12, verbose=0, callbacks=[hung]).history
        for each, hung in ((again, stop), (fresh, made()))
    ]
    assert histories[0] == histories[1]
    assert all(torch.equal(a, b) for a, b in zip(weights(again), weights(fresh), strict=True))


def test_a_second_log_begins_with_its_own_rows(tmp_path: Path) -> None:
    log = callbacks.CSVLogger(tmp_path / "log.csv")
    model(0).fit(X, Y, epochs=3, verbose=0, callbacks=[log])
    model(1).fit(X, Y, epochs=2, verbose=0, callbacks=[log])
    with log.path.open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["0", "1"]
    kept = callbacks.CSVLogger(tmp_path / "log.csv", append=True)
    for _ in range(2):
        model(1).fit(X, Y, epochs=2, verbose=0, callbacks=[kept])
    assert len(log.path.read_text().splitlines()) == 1 + 2 + 2 + 2


def test_a_second_checkpoint_is_not_measured_by_the_first(tmp_path: Path) -> None:
    save = callbacks.ModelCheckpoint(tmp_path / "best.safetensors", "loss", save_best_only=True)
    easy = model(0)
    easy.fit(X, np.zeros(40, int), epochs=5, verbose=0, callbacks=[save])
    save.filepath = str(tmp_path / "second.safetensors")
    hard = model(1)
    hard.fit(X, Y, epochs=1, verbose=0, callbacks=[save])
    assert (tmp_path / "second.safetensors").is_file()


def test_a_users_own_state_begins_in_on_train_begin_and_a_resumed_run_gives_it_back(tmp_path: Path) -> None:
    class Counter(callbacks.Callback):
        seen: int
        begun = 0

        def on_train_begin(self, logs: Any = None) -> None:
            self.seen, self.begun = 0, self.begun + 1

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            self.seen += 1

        def state_dict(self) -> dict[str, Any]:
            return {"seen": self.seen}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.seen = state["seen"]

    counter = Counter()
    for _ in range(2):
        model(0).fit(X, Y, epochs=3, verbose=0, callbacks=[counter])
        assert counter.seen == 3
    folder = RunFolder(tmp_path / "run")
    stop = callbacks.EarlyStopping("loss", patience=9)
    run(network(), Clusters(), None, CONFIG, callbacks=[counter, stop], run_folder=folder)
    best = stop.best
    run(network(), Clusters(), None, CONFIG, callbacks=[counter, stop], run_folder=folder, resume=True)
    assert (counter.seen, counter.begun, stop.best) == (3, 4, best)


# At once ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says", "fix"),
    [
        (lambda p: callbacks.ModelCheckpoint(p / "best.keras"), "saved as .safetensors", "best.safetensors"),
        (lambda p: callbacks.ModelCheckpoint(p / "{val_loss:.2f}.safetensors"), "a value that is not there", "{epoch"),
        (lambda p: callbacks.ModelCheckpoint(p / "{}.safetensors"), "a value that is not there", "{epoch"),
        (lambda p: callbacks.ModelCheckpoint(p / "{epoch:q}.safetensors"), "a value that is not there", "{epoch"),
        (lambda p: callbacks.ModelCheckpoint(p / "file" / "a.safetensors"), "could not be written", ""),
        (lambda p: callbacks.CSVLogger(p / "file" / "log.csv"), "could not be written", ""),
        (lambda p: callbacks.CSVLogger(p), "a folder", ""),
        (lambda p: callbacks.EarlyStopping("val_acc"), "no value 'val_acc'", "monitor='accuracy'"),
        (lambda p: callbacks.EarlyStopping("acc"), "no value 'acc'", "monitor='accuracy'"),
        (lambda p: callbacks.EarlyStopping("val_auc"), "no value 'val_auc'", "monitor="),
        (lambda p: callbacks.ModelCheckpoint(p / "a.safetensors", "lss", save_best_only=True), "no value", "'loss'"),
    ],
)
def test_what_fails_later_fails_before_the_first_step(make: Any, says: str, fix: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    steps, net = Steps(), model(0)
    with pytest.raises(FovealError, match=says) as caught:
        net.fit(X, Y, verbose=0, callbacks=[make(tmp_path), steps])
    assert steps.count == 0
    assert fix in str(caught.value)


def test_val_acc_is_answered_with_val_accuracy() -> None:
    with pytest.raises(ConfigurationError) as caught:
        model(0).fit(X, Y, verbose=0, validation_data=(X, Y), callbacks=[callbacks.EarlyStopping("val_acc")])
    assert caught.value.fix == ("monitor='val_accuracy'",)


def test_what_another_callback_adds_may_be_watched() -> None:
    class Adding(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            logs["own"] = float(-epoch)

    stop = callbacks.EarlyStopping("own", patience=1)
    assert len(model(0).fit(X, Y, epochs=3, verbose=0, callbacks=[Adding(), stop]).epoch) == 3


def test_watching_the_training_set_for_want_of_another_is_said() -> None:
    told: list[Any] = []
    run(network(), Clusters(), None, CONFIG, callbacks=[callbacks.EarlyStopping(patience=5)], listeners=[told.append])
    said = [event.text for event in told if isinstance(event, events.Message)]
    assert said == ["EarlyStopping watches loss of the training set: no validation set gives val_loss"]
    told.clear()
    run(
        network(),
        Clusters(),
        Clusters(9),
        CONFIG,
        callbacks=[callbacks.EarlyStopping(patience=5)],
        listeners=[told.append],
    )
    assert not [event for event in told if isinstance(event, events.Message)]


def test_a_folder_that_may_not_be_written_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(FileError, match="could not be written"):
        model(0).fit(X, Y, verbose=0, callbacks=[callbacks.CSVLogger(tmp_path / "new" / "log.csv")])


# In the middle of an epoch ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("last", [1, 2, 3, 4])
def test_stopping_after_a_batch_ends_there_with_validation_and_the_epochs_end(last: int) -> None:
    steps = Steps(last)
    net = model(0)
    history = net.fit(X, Y, batch_size=16, epochs=5, verbose=0, validation_data=(X, Y), callbacks=[steps])
    assert steps.count == last
    assert steps.epochs == len(history.epoch) == -(-last // 3)
    assert history.history["val_loss"][-1] == pytest.approx(net.evaluate(X, Y, verbose=0)[0], rel=1e-5)
    rows = [row for row in history.steps if row["epoch"] == len(history.epoch)]
    assert rows[-1]["step"] == (last - 1) % 3 + 1
    seen = [sum(r["loss"] for r in rows) / len(rows)] if last % 3 else []
    assert not seen or history.history["loss"][-1] == pytest.approx(seen[0], rel=1e-5)


def test_an_epoch_cut_short_says_after_how_many_steps(capsys: pytest.CaptureFixture[str]) -> None:
    model(0).fit(X, Y, batch_size=16, epochs=2, verbose=2, callbacks=[Steps(2)])
    assert "Epoch 1/2 - 2/3 - " in capsys.readouterr().out
    model(0).fit(X, Y, batch_size=16, verbose=2, callbacks=[Steps()])
    assert "Epoch 1/1 - 3/3 - " in capsys.readouterr().out


def test_a_stop_in_the_middle_lasts_over_an_interruption(tmp_path: Path) -> None:
    """Stopped by a callback after step 2, killed before the epoch's end: the resumed run ends as the whole one did."""
    whole = network()
    wanted = run(whole, Clusters(), Clusters(30), CONFIG, callbacks=[Steps(2)])

    class Killed(Exception):
        pass

    class Killing(Clusters):
        def epoch(self, number: int, start: int = 0) -> Any:
            raise Killed

    folder, parts = RunFolder(tmp_path / "run"), network()
    config = CONFIG.replace(checkpoint_seconds=0)
    with pytest.raises(Killed):
        run(parts, Clusters(), Killing(30), config, callbacks=[Steps(2)], run_folder=folder)
    resumed = network()
    again = run(resumed, Clusters(), Clusters(30), config, callbacks=[Steps()], run_folder=folder, resume=True)
    assert again.history == wanted.history
    assert all(
        torch.equal(a, b) for a, b in zip(resumed.state_dict().values(), whole.state_dict().values(), strict=True)
    )


# A last batch of one ----------------------------------------------------------------------------------------------------


def normalised(count: int, batch_size: int) -> tuple[foveal.Model, Steps]:
    net = foveal.Model(
        layers.Sequential([layers.Dense(8, input_shape=(6,)), layers.BatchNormalization(), layers.Dense(3)]), seed=0
    )
    net.compile("sgd")
    steps, x = Steps(), RNG.random((count, 6), dtype=np.float32)
    net.fit(x, np.arange(count) % 3, batch_size=batch_size, verbose=0, shuffle=False, callbacks=[steps])
    return net, steps


def test_a_last_batch_of_one_trains_as_in_keras() -> None:
    net, steps = normalised(33, 32)
    assert steps.count == 2
    assert all(bool(torch.isfinite(tensor).all()) for tensor in net.module.state_dict().values())


def test_of_one_value_the_shift_comes_out_and_nothing_goes_back() -> None:
    net = foveal.Model(layers.Sequential([layers.BatchNormalization(input_shape=(3,))]), seed=0)
    part = net.module.batch_normalization_1
    assert isinstance(part, nn.Module)
    part.takes_one_value = True
    with torch.no_grad():
        part.bias[:] = torch.tensor([1.0, 2.0, 3.0])
    before = part.running_mean.clone(), part.running_var.clone()
    x = torch.tensor([[5.0, -7.0, 0.5]], requires_grad=True)
    y = part.train()(x)
    y.square().sum().backward()
    assert torch.allclose(y[0], part.bias, atol=1e-4)
    assert x.grad is not None
    assert torch.allclose(x.grad, torch.zeros_like(x), atol=1e-4)
    assert torch.allclose(part.running_mean, 0.99 * before[0] + 0.01 * x.detach()[0])
    assert torch.allclose(part.running_var, 0.99 * before[1])


@pytest.mark.parametrize(("count", "batch_size"), [(5, 1), (1, 32)])
def test_where_every_batch_is_one_it_is_refused_before_the_first_step(count: int, batch_size: int) -> None:
    with pytest.raises(TrainingError, match="more than one value a channel"):
        normalised(count, batch_size)


@pytest.mark.parametrize(
    "make",
    [
        lambda: callbacks.EarlyStopping(3),  # type: ignore[arg-type]
        lambda: callbacks.EarlyStopping(None),  # type: ignore[arg-type]
        lambda: callbacks.EarlyStopping(patience=-1),
        lambda: callbacks.EarlyStopping(patience="3"),  # type: ignore[arg-type]
        lambda: callbacks.EarlyStopping(patience=1.5),  # type: ignore[arg-type]
        lambda: callbacks.EarlyStopping(min_delta=float("nan")),
        lambda: callbacks.EarlyStopping(start_from_epoch=-2),
        lambda: callbacks.CSVLogger("x.csv", separator=";;"),
    ],
)
def test_values_that_no_callback_can_have_are_refused_where_it_is_made(make: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make()
    assert caught.value.fix


def test_flags_are_flags() -> None:
    """Keras' third argument of ModelCheckpoint is ``verbose``: a 1 there is not taken for ``save_best_only``."""
    number: Any = 1
    with pytest.raises(ConfigurationError, match="save_best_only is True or False"):
        callbacks.ModelCheckpoint("best.safetensors", "val_loss", number)
    with pytest.raises(ConfigurationError, match="append is True or False"):
        callbacks.CSVLogger("log.csv", append=number)
