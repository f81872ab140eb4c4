"""Callbacks under Keras's names and hooks: what a user hangs into a run. Importing this loads no torch.

A callback of your own is a subclass of :class:`Callback` with any of the hooks:

    class Shout(Callback):
        def on_epoch_end(self, epoch, logs=None):
            print(f"epoch {epoch}: {logs['val_accuracy']:.3f}!")

``self.model`` is what is being trained (the Model, or the torch module); ``self.model.stop_training = True`` ends the
run, after its validation: between two epochs, or from ``on_train_batch_end`` after the step at hand.

A callback begins anew at each fit: what it remembers is set up in ``on_train_begin`` and belongs into ``state_dict``, which
a resumed run gives back after ``on_train_begin``, so that it equals one that was never interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import io
import math
import os
from collections.abc import Callable as Function
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from foveal import files
from foveal.errors import ConfigurationError, ModelFileError
from foveal.spelling import nearest
from foveal.training.callback import Callback, Logs, Weights

__all__ = ["CSVLogger", "Callback", "CallbackList", "EarlyStopping", "ModelCheckpoint", "TensorBoard", "Weights"]

LONGEST_LOG = 256 << 20  # bytes of a CSV file that is appended to


class _Monitoring(Callback):
    """Watches one value and knows when it got better."""

    def __init__(self, monitor: str, mode: str, min_delta: float) -> None:
        if not isinstance(monitor, str):
            raise _wrong(self, "monitor is the name of a value", f"monitor={monitor!r}", "monitor='val_loss'")
        if isinstance(min_delta, bool) or not isinstance(min_delta, (int, float)) or not math.isfinite(min_delta):
            raise _wrong(self, "min_delta is a number", f"min_delta={min_delta!r}", "min_delta=0.0")
        if mode not in ("auto", "min", "max"):
            raise ConfigurationError(
                "mode says which way is better",
                where=type(self).__name__,
                given=f"mode={mode!r}",
                expected="auto, min or max",
                fix='mode="auto"',
            )
        larger = mode == "max" or (
            mode == "auto" and any(word in monitor for word in ("acc", "auc", "f1", "precision", "recall"))
        )
        self.monitor = monitor
        self.min_delta = abs(min_delta)
        self.sign = 1.0 if larger else -1.0
        self.best = -math.inf

    def on_train_begin(self, logs: Logs = None) -> None:
        self.best = -math.inf

    def _check(self, values: Sequence[str], more: bool, notify: Function[[str], None]) -> None:
        name = self._watched(values)
        if name not in values and not more:
            raise self._unknown(values)
        if name != self.monitor and name in values:
            notify(f"{type(self).__name__} watches {name} of the training set: no validation set gives {self.monitor}")

    def _value(self, logs: Logs) -> float:
        logs = logs or {}
        name = self._watched(list(logs))
        if name not in logs:
            raise self._unknown(list(logs))
        return self.sign * float(logs[name])

    def _watched(self, values: Sequence[str]) -> str:
        """The value that is watched: without a validation set the training set's own, which is what there is."""
        name = self.monitor
        if name not in values and name.startswith("val_") and not any(value.startswith("val_") for value in values):
            name = name.removeprefix("val_")
        return name

    def _unknown(self, values: Sequence[str]) -> ConfigurationError:
        wanted = self._watched(values)
        side = [value for value in values if value.startswith("val_") == wanted.startswith("val_")] or list(values)
        near = nearest(wanted, side, 1) or side[:2]
        return ConfigurationError(
            f"there is no value {self.monitor!r} to watch",
            where=type(self).__name__,
            expected="one of " + ", ".join(values),
            fix=[f"monitor={value!r}" for value in near],
        )

    def _improved(self, value: float) -> bool:
        return value - self.min_delta > self.best


class EarlyStopping(_Monitoring):
    """Stops when a value has not got better for ``patience`` epochs (Prechelt 1998).

    Args:
        monitor: the value to watch.
        min_delta: what counts as better.
        patience: epochs to wait.
        mode: which way is better; ``auto`` takes larger accuracies and smaller losses for better.
        restore_best_weights: return to the weights of the best epoch at the end, however the run ends.
        start_from_epoch: epochs before watching begins.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0.0,
        patience: int = 0,
        mode: str = "auto",
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        for name, value in (("patience", patience), ("start_from_epoch", start_from_epoch)):
            if isinstance(value, bool) or not hasattr(value, "__index__") or value < 0:
                raise _wrong(self, f"{name} is a number of epochs, 0 or more", f"{name}={value!r}", f"{name}=3")
        self.patience = patience
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.best_epoch = 0
        self.stopped_epoch = 0
        self.best_weights: dict[str, Any] | None = None

    def on_train_begin(self, logs: Logs = None) -> None:
        super().on_train_begin(logs)
        self.wait = self.best_epoch = self.stopped_epoch = 0
        self.best_weights = None

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if epoch < self.start_from_epoch:
            return
        value = self._value(logs)
        if self._improved(value):
            self.best, self.best_epoch, self.wait = value, epoch, 0
            if self.restore_best_weights and self.weights is not None:
                self.best_weights = self.weights.take()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs: Logs = None) -> None:
        if self.best_weights is not None and self.weights is not None:
            self.weights.give(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        names = ("best", "best_epoch", "wait", "stopped_epoch", "best_weights")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)


class ModelCheckpoint(_Monitoring):
    """Saves the model at the end of epochs, each file whole or not at all.

    Args:
        filepath: where to; may name the epoch (counted from 1) and values: ``"best-{epoch:02d}-{val_loss:.3f}.safetensors"``.
        monitor: the value that says which epoch is best.
        save_best_only: save only when that got better.
        mode: which way is better.
    """

    def __init__(
        self,
        filepath: str | Path,
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
    ) -> None:
        if not isinstance(save_best_only, bool):  # Keras' third argument is verbose: a 1 there means something else
            raise _wrong(
                self, "save_best_only is True or False", f"save_best_only={save_best_only!r}", "save_best_only=True"
            )
        super().__init__(monitor, mode, 0.0)
        self.filepath = str(filepath)
        self.save_best_only = save_best_only

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        if self.save_best_only:
            value = self._value(logs)
            if not self._improved(value):
                return
            self.best = value
        path = self._path(epoch, logs or {})
        if hasattr(self.model, "save"):
            self.model.save(path)
        elif self.weights is not None:
            import safetensors.torch

            weights = {name: tensor.contiguous() for name, tensor in self.weights.take()["network"].items()}
            files.write_bytes(path, safetensors.torch.save(weights))

    def _check(self, values: Sequence[str], more: bool, notify: Function[[str], None]) -> None:
        if self.save_best_only:
            super()._check(values, more, notify)
        if more:
            return
        path = self._path(0, dict.fromkeys(values, 0.0))
        if hasattr(self.model, "save") and path.suffix != ".safetensors":
            raise ModelFileError(
                "a model is saved as .safetensors",
                where="ModelCheckpoint",
                given=self.filepath,
                expected="a name that ends in .safetensors",
                fix=f'ModelCheckpoint("{Path(self.filepath).with_suffix(".safetensors")}")',
            )
        _writable(path)

    def _path(self, epoch: int, logs: Mapping[str, float]) -> Path:
        """The file of an epoch."""
        try:
            return Path(self.filepath.format(epoch=epoch + 1, **logs))
        except (KeyError, IndexError, ValueError, AttributeError, TypeError) as error:
            raise ConfigurationError(
                "the file name asks for a value that is not there",
                where="ModelCheckpoint",
                given=self.filepath,
                expected="{epoch} and any of " + ", ".join(logs),
                fix=f'ModelCheckpoint("{self.filepath.split("{")[0]}{{epoch:02d}}.safetensors")',
            ) from error

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]


class CSVLogger(Callback):
    """Writes the values of every epoch into a CSV file, a row an epoch; a resumed run completes its file.

    Args:
        filename: the file.
        separator: between the columns.
        append: keep what is in the file already.
    """

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        if not isinstance(separator, str) or len(separator) != 1 or separator in '\r\n"':
            raise _wrong(self, "separator is one character", f"separator={separator!r}", 'separator=";"')
        if not isinstance(append, bool):
            raise _wrong(self, "append is True or False", f"append={append!r}", "append=True")
        self.path = Path(filename)
        self.separator = separator
        self.append = append
        self.rows: list[dict[str, float]] = []
        self._before = ""

    def on_train_begin(self, logs: Logs = None) -> None:
        self.rows, self._before = [], ""
        if self.append and self.path.is_file():
            self._before = files.read_regular(self.path, LONGEST_LOG).decode("utf-8", "replace")

    def _check(self, values: Sequence[str], more: bool, notify: Function[[str], None]) -> None:
        _writable(self.path)

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        import csv

        self.rows.append({"epoch": epoch, **(logs or {})})
        text = io.StringIO()
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        writer = csv.DictWriter(text, names, delimiter=self.separator, lineterminator="\n")
        if not self._before:
            writer.writeheader()
        writer.writerows(self.rows)
        files.write_text(self.path, self._before + text.getvalue())

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "before": self._before}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows, self._before = state["rows"], state["before"]


class TensorBoard(Callback):
    """Writes the values of every epoch for TensorBoard, training and validation as two runs in one chart.

    Args:
        log_dir: the folder to point TensorBoard at.

    Raises:
        ConfigurationError: TensorBoard is not installed (it comes with the extra ``track``).
    """

    def __init__(self, log_dir: str | Path = "logs") -> None:
        self.log_dir = Path(log_dir)
        self._writers: dict[str, Any] = {}

    def on_train_begin(self, logs: Logs = None) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ConfigurationError(
                "TensorBoard is not installed",
                where="TensorBoard",
                given=str(error),
                fix=['pip install "foveal[track]"', "CSVLogger, which needs nothing"],
            ) from error
        for side in ("train", "validation"):
            try:
                (self.log_dir / side).mkdir(parents=True, exist_ok=True)
            except OSError as error:  # TensorBoard's own threads would say it later, and in their words
                raise files.explained(error, self.log_dir) from error
        self._writers = {side: SummaryWriter(str(self.log_dir / side)) for side in ("train", "validation")}

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        for name, value in (logs or {}).items():
            side = "validation" if name.startswith("val_") else "train"
            self._writers[side].add_scalar(name.removeprefix("val_"), value, epoch + 1)
        for writer in self._writers.values():
            writer.flush()

    def on_train_end(self, logs: Logs = None) -> None:
        for writer in self._writers.values():
            writer.close()


class CallbackList(Callback):
    """Several callbacks as one. ``on_train_batch_end`` costs nothing where nobody overrides it."""

    def __init__(self, callbacks: Iterable[Callback]) -> None:
        self.callbacks = list(callbacks)
        self.follows_batches = any(
            type(c).on_train_batch_end is not Callback.on_train_batch_end
            or type(c).on_train_batch_begin is not Callback.on_train_batch_begin
            for c in self.callbacks
        )

    def prepare(self, model: Any, params: Mapping[str, Any], weights: Weights) -> None:
        """Tell every callback what it works with."""
        for callback in self.callbacks:
            callback.weights = weights
            callback.set_params(params)
            callback.set_model(model)

    def check(self, values: Sequence[str], notify: Function[[str], None]) -> None:
        """Let each refuse what is bound to fail once an epoch is over; what a user's own callback adds is not known yet."""
        more = False
        for callback in self.callbacks:
            callback._check(values, more, notify)
            more = more or not str(type(callback).on_epoch_end.__module__).startswith("foveal.")

    def call(self, hook: str, *arguments: Any) -> None:
        """Call one hook of all, in their order."""
        for callback in self.callbacks:
            getattr(callback, hook)(*arguments)

    def state_dict(self) -> dict[str, Any]:
        return {"callbacks": [[type(c).__name__, c.state_dict()] for c in self.callbacks]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Each takes back its own; callbacks that were not there before start fresh."""
        remembered: list[list[Any]] = list(state["callbacks"])
        for callback in self.callbacks:
            with contextlib.suppress(StopIteration):
                found = next(entry for entry in remembered if entry[0] == type(callback).__name__)
                remembered.remove(found)
                callback.load_state_dict(found[1])


def _wrong(callback: Callback, problem: str, given: str, fix: str) -> ConfigurationError:
    return ConfigurationError(problem, where=type(callback).__name__, given=given, fix=fix)


def _writable(path: Path) -> None:
    """Refuse a file that could not be written at the end of an epoch."""
    files.check_writable(path)
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        number = errno.EACCES if folder.is_dir() else errno.ENOTDIR
        raise files.explained(OSError(number, os.strerror(number)), path)
