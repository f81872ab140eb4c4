"""The training loop, whole. What a method is belongs into its step; what happens around a step belongs into the watch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from foveal.data.batches.protocol import Batches
from foveal.training.metric_buffer import MetricBuffer
from foveal.training.steps import Step

if TYPE_CHECKING:
    from foveal.training.hooks import LoopHooks


def train(step: Step, batches: Batches, validation: Batches | None, epochs: int, hooks: LoopHooks) -> None:
    """Train for ``epochs`` epochs from where the watch stands, with one look at the validation set after each."""
    for epoch in range(hooks.epoch, epochs):
        if hooks.stopped and not hooks.step:
            break
        hooks.on_epoch_begin()
        for batch in () if hooks.stopped and hooks.step else batches.epoch(epoch, start=hooks.step):
            hooks.on_step_begin()
            hooks.on_step_end(step(batch))
            if hooks.stopped:
                break
        hooks.on_epoch_end(validate(step, validation, hooks) if validation else {})
    step.finish()
    hooks.on_train_end()


def validate(step: Step, batches: Batches, hooks: LoopHooks | None = None) -> dict[str, float]:
    """The step's values over a whole set, without learning from it."""
    buffer = MetricBuffer(len(batches), batches.examples, batches.batch_size)
    with step.evaluating() as values_of:
        for number, batch in enumerate(batches.epoch(0)):
            buffer.put(number, values_of(batch))
            if hooks:
                hooks.check_interrupt()
    return buffer.means(len(batches), check=False)
