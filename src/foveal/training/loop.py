"""The training loop, whole. What a method is belongs into its step; what happens around a step belongs into the watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foveal.data.batches.protocol import Batches
from foveal.training.metric_buffer import Record
from foveal.training.steps import Step

if TYPE_CHECKING:
    from foveal.training.hooks import Watch


def train(step: Step, batches: Batches, validation: Batches | None, epochs: int, watch: Watch) -> None:
    """Train for ``epochs`` epochs from where the watch stands, with one look at the validation set after each."""
    for epoch in range(watch.epoch, epochs):
        if watch.stopped and not watch.step:
            break
        watch.epoch_begins()
        for batch in () if watch.stopped and watch.step else batches.epoch(epoch, start=watch.step):
            watch.step_begins()
            watch.step_ends(step(batch))
            if watch.stopped:
                break
        watch.epoch_ends(measure(step, validation, watch) if validation else {})
    step.finish()
    watch.train_ends()


def measure(step: Step, batches: Batches, watch: Watch | None = None) -> dict[str, float]:
    """The step's values over a whole set, without learning from it."""
    record = Record(len(batches), batches.examples, batches.batch_size)
    with step.evaluating() as values_of:
        for number, batch in enumerate(batches.epoch(0)):
            record.put(number, values_of(batch))
            if watch:
                watch.obey()
    return record.means(len(batches), check=False)
