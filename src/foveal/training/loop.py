"""The training loop, whole. What a method is belongs into its step; what happens around a step belongs into the watch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

from foveal.training.record import Record
from foveal.training.steps import Step

if TYPE_CHECKING:
    from foveal.training.watch import Watch


class Batches(Protocol):
    """A set of examples in batches. The batch of an epoch and step depends on nothing but these two and the seed."""

    @property
    def examples(self) -> int:
        """Examples in an epoch."""

    @property
    def batch_size(self) -> int:
        """Examples in every batch but the last."""

    def __len__(self) -> int:
        """Batches in an epoch; the last one may be smaller."""

    def epoch(self, number: int, start: int = 0) -> Iterator[Any]:
        """The batches of an epoch, from the one numbered ``start`` on."""


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
