"""What every callback is: hooks that do nothing yet, and what a run tells it. Importing this loads no torch."""

from __future__ import annotations

from collections.abc import Callable as Function
from collections.abc import Mapping, Sequence
from typing import Any

from foveal.keywords import Told

Logs = Mapping[str, float] | None


class Callback(metaclass=Told):
    """The base: every hook is there and does nothing. Epochs and batches are counted from 0, as in Keras."""

    model: Any = None
    params: Mapping[str, Any] = {}
    weights: Weights | None = None

    def set_model(self, model: Any) -> None:
        """Called once before training with what is being trained."""
        self.model = model

    def set_params(self, params: Mapping[str, Any]) -> None:
        """Called once before training with ``epochs`` and ``steps``."""
        self.params = params

    def on_train_begin(self, logs: Logs = None) -> None:
        """Before the first epoch: forget what an earlier fit left. In a resumed run ``load_state_dict`` follows."""

    def on_train_end(self, logs: Logs = None) -> None:
        """After the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: Logs = None) -> None:
        """Before an epoch's first step."""

    def on_epoch_end(self, epoch: int, logs: Logs = None) -> None:
        """After an epoch and its validation; ``logs`` has loss, accuracy, val_loss, val_accuracy."""

    def on_train_batch_begin(self, batch: int, logs: Logs = None) -> None:
        """Before a step."""

    def on_train_batch_end(self, batch: int, logs: Logs = None) -> None:
        """After a step; ``logs`` has the epoch's means so far. Overriding it reads numbers off the device each step."""

    def on_test_begin(self, logs: Logs = None) -> None:
        """Before a validation."""

    def on_test_end(self, logs: Logs = None) -> None:
        """After a validation."""

    def state_dict(self) -> dict[str, Any]:
        """What has to be remembered over an interruption."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what :meth:`state_dict` gave."""

    def _check(self, values: Sequence[str], more: bool, notify: Function[[str], None]) -> None:
        """Refuse before the first epoch what would fail at its end.

        Args:
            values: the names that ``logs`` will have after an epoch.
            more: other callbacks may add names to them.
            notify: told what is done otherwise than the callback was asked to.
        """


class Weights:
    """How a callback takes and gives back the weights as they are to be used (averaged where the run averages)."""

    def __init__(self, take: Function[[], dict[str, Any]], give: Function[[dict[str, Any]], None]) -> None:
        self.take, self.give = take, give
