"""What happens around the steps of a run: its place, its record, events, callbacks, checkpoints, interruption."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from torch import Tensor

from foveal.data.batches.protocol import Batches
from foveal.errors import FovealError
from foveal.streams import OutputError
from foveal.training import events
from foveal.training.allocator import is_out_of_memory
from foveal.training.callbacks import CallbackList
from foveal.training.checkpoints.checkpoint import Checkpoints, refuse_broken_weights
from foveal.training.history import History
from foveal.training.interruption import Interrupted, Interruption
from foveal.training.metric_buffer import MetricBuffer
from foveal.training.steps import Step

SECONDS_BETWEEN_LOOKS = 0.25  # how often numbers are read off the device for the display


class LoopHooks:
    """Stands beside the loop and notes where it is.

    Attributes:
        epoch, step: the place: steps done in the epoch at hand.
        history: the numbers so far.
    """

    def __init__(
        self,
        step: Step,
        batches: Batches,
        epochs: int,
        *,
        callbacks: CallbackList,
        listeners: Sequence[events.Listener],
        checkpoints: Checkpoints | None,
        interruption: Interruption,
        model: Any,
        validated: bool = False,
        first_epoch: int = 0,
    ) -> None:
        self.method, self.batches, self.epochs = step, batches, epochs
        self.callbacks, self.checkpoints, self.interruption, self.model = callbacks, checkpoints, interruption, model
        self.validated = validated
        self._listeners = listeners
        self._checked = False
        self.epoch, self.step = first_epoch, 0
        self.history = History()
        self.buffer = self._new_buffer()
        self._begun = self._epoch_begun = self._looked = self._stepped = time.monotonic()
        self._examples_before = 0

    @property
    def stopped(self) -> bool:
        """Whether a callback has asked to stop; what it asked lasts over an interruption."""
        if not self.history.stopped_early and bool(getattr(self.model, "stop_training", False)):
            self.history.stopped_early = True
        return self.history.stopped_early

    def tell(self, event: events.Event) -> None:
        """Send an event to every listener."""
        try:
            for listener in self._listeners:
                listener(event)
        except OutputError as error:
            if self.checkpoints is not None:  # nobody sees the run any more, but nothing of it is lost
                folder = self.checkpoints.folder.path
                whole = folder.parent.parent if folder.parent.name == "stages" else folder
                error.fix = (*error.fix, f"go on with the run: foveal train --resume {whole}")
            raise

    def on_train_begin(self, device: str) -> None:
        """Before anything else of a run, fresh or resumed."""
        steps = len(self.batches)
        self.tell(events.Started(self.epochs, steps, self.batches.examples, self.epoch, self.step, device))

    def check(self, values: Sequence[str]) -> None:
        """Let the callbacks refuse what would fail at an epoch's end, once it is known what a step measures."""
        if values and not self._checked:
            self._checked = True
            validated = [f"val_{name}" for name in values] if self.validated else []
            self.callbacks.check([*values, *validated], lambda text: self.tell(events.Message(text)))

    def on_epoch_begin(self) -> None:
        """Before the first step of an epoch, or the first after an interruption."""
        self._epoch_begun = self._looked = self._stepped = time.monotonic()
        self._examples_before = self._examples()
        self.tell(events.EpochStarted(self.epoch + 1, self.epochs, len(self.batches)))
        self.callbacks.call("on_epoch_begin", self.epoch, {})

    def on_step_begin(self) -> None:
        """Before a step."""
        if self.callbacks.follows_batches:
            self.callbacks.call("on_train_batch_begin", self.step, {})

    def on_step_end(self, values: dict[str, Tensor]) -> None:
        """After a step: keep its values; look, save and stop where it is time to."""
        self.buffer.put(self.step, values)
        self.step += 1
        if not self._checked:
            self.check(tuple(values))
        if self.callbacks.follows_batches:
            self.callbacks.call("on_train_batch_end", self.step - 1, self._means())
            _ = self.stopped  # before a checkpoint: it lasts over an interruption
        now = self._stepped = time.monotonic()
        if now - self._looked >= SECONDS_BETWEEN_LOOKS:
            self._looked = now
            place = (self.epoch + 1, self.step, len(self.batches))
            self.tell(events.StepDone(*place, self._means(), self._speed(), self.method.rate))
        if self.checkpoints is not None and self.checkpoints.due(now):
            self.save()
        self.check_interrupt()

    def on_epoch_end(self, validation: Mapping[str, float]) -> None:
        """After an epoch's last step and its validation."""
        seconds, speed = time.monotonic() - self._epoch_begun, self._speed()
        values = self._means()
        if validation:
            self.callbacks.call("on_test_begin", {})
            self.callbacks.call("on_test_end", validation)
            values |= {f"val_{name}": value for name, value in validation.items()}
        self.history.steps += self.buffer.curve(self.epoch, self.step)
        self.history.add(values, self.method.rate, self.epoch)
        self.callbacks.call("on_epoch_end", self.epoch, values)
        done = (self.epoch + 1, self.epochs, len(self.batches))
        steps = self.step if self.step < len(self.batches) else 0  # a callback stopped it
        self.epoch, self.step, self.buffer = self.epoch + 1, 0, self._new_buffer()
        _ = self.stopped
        if self.checkpoints is not None:
            # Before the checkpoint: after it the epoch is not done again, and its time would be lost. Twice counts once.
            with self.checkpoints.folder.writing(f"epoch {done[0]}"):
                timing = {"epoch": done[0], "seconds": seconds, "examples_per_second": speed}
                self.checkpoints.folder.append_timing(timing)
            self.save()
        self.tell(events.EpochDone(*done, values, seconds, speed, self.history.rates[-1], steps))
        self.check_interrupt()

    @contextlib.contextmanager
    def explaining(self) -> Iterator[None]:
        """Around the loop: what a step says of weights that have left all bounds becomes an error that names the step.

        Raises:
            TrainingError: a step failed, and the weights are not finite or beyond all use. Other errors pass.
        """
        try:
            yield
        except FovealError:
            raise
        except (RuntimeError, ValueError, ArithmeticError, LookupError) as error:
            if not is_out_of_memory(error):
                refuse_broken_weights(self.method, f"epoch {self.epoch + 1}, step {self.step + 1}", error)
            raise

    def on_train_end(self) -> None:
        """After the last epoch."""
        self.callbacks.call("on_train_end", {})
        self.tell(events.Finished(self.epoch, time.monotonic() - self._begun, self.history.stopped_early))

    def check_interrupt(self) -> None:
        """Stop here, after a whole step, if that was asked for; with a checkpoint where there is a run folder."""
        number = self.interruption.requested
        if number is None:
            return
        place = f"stopped in epoch {self.epoch + 1} of {self.epochs} after step {self.step} of {len(self.batches)}"
        if self.epoch == self.epochs:
            place = f"stopped after the last of {self.epochs} epochs, before the test"
        if self.checkpoints is None:
            raise Interrupted(place, number)
        self.save()
        raise Interrupted(f"{place}; {self.checkpoints.folder.how_to_go_on}", number)

    def save(self) -> None:
        """Write a checkpoint of the place at hand, if all is finite."""
        assert self.checkpoints is not None
        self._means()  # raises where the loss went wrong, before the last good checkpoint is superseded
        path = self.checkpoints.save(self.state_dict(), self.method, self.epoch, self.step)
        if self.step == 0:
            with self.checkpoints.folder.writing(f"epoch {self.epoch}"):
                self.checkpoints.folder.write_rows(self.history.rows(), self.history.steps)
        self.tell(events.Saved(str(path), self.epoch + 1, self.step))

    def state_dict(self) -> dict[str, Any]:
        """The place and the numbers so far."""
        return {
            "epoch": self.epoch,
            "step": self.step,
            "record": self.buffer.state_dict(self.step),
            "history": self.history.state_dict(),
            "callbacks": self.callbacks.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what :meth:`state_dict` gave."""
        self.epoch, self.step = state["epoch"], state["step"]
        self.buffer.load_state_dict(state["record"])
        self.history.load_state_dict(state["history"])
        self.callbacks.load_state_dict(state["callbacks"])

    def _new_buffer(self) -> MetricBuffer:
        return MetricBuffer(len(self.batches), self.batches.examples, self.batches.batch_size)

    def _means(self) -> dict[str, float]:
        return self.buffer.means(self.step, self.epoch)

    def _examples(self) -> int:
        return min(self.step * self.batches.batch_size, self.batches.examples)

    def _speed(self) -> float:
        return (self._examples() - self._examples_before) / max(self._stepped - self._epoch_begun, 1e-9)
