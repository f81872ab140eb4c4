"""What a run tells about itself while it goes: a small stream of values, read by displays, files and programs.

The loop sends events and knows no listener. A listener is any function of one event.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Started:
    """The run begins, or goes on after ``step`` steps of ``epoch``."""

    epochs: int
    steps_per_epoch: int
    examples: int
    epoch: int = 0
    step: int = 0
    device: str = "cpu"


@dataclass(frozen=True)
class EpochStarted:
    """An epoch begins; both counted from 1 for people."""

    epoch: int
    epochs: int
    steps: int


@dataclass(frozen=True)
class StepDone:
    """Where the run is, a few times a second: ``step`` of ``steps``, and the epoch's means so far."""

    epoch: int
    step: int
    steps: int
    values: dict[str, float]
    examples_per_second: float
    rate: float


@dataclass(frozen=True)
class EpochDone:
    """An epoch and its validation are over, after ``done`` of its steps (0: all of them).

    ``values`` has Keras's names: loss, accuracy, val_loss, val_accuracy.
    """

    epoch: int
    epochs: int
    steps: int
    values: dict[str, float]
    seconds: float
    examples_per_second: float
    rate: float
    done: int = 0


@dataclass(frozen=True)
class Saved:
    """A checkpoint is safely on the disk."""

    path: str
    epoch: int
    step: int


@dataclass(frozen=True)
class Message:
    """Something that a person should know: a fallback taken, a checkpoint that could not be read."""

    text: str


@dataclass(frozen=True)
class Stage:
    """What is done next, where a run is several trainings and other work: ``text`` names it."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The last step is done, or an early stop was called."""

    epochs: int
    seconds: float
    stopped_early: bool = False


Event = Started | EpochStarted | StepDone | EpochDone | Saved | Message | Stage | Finished
Listener = Callable[[Event], None]


def as_json(event: Event) -> dict[str, Any]:
    """An event as a JSON object with its kind under ``event``.

    Example:
        >>> as_json(Message("training in float32"))
        {'event': 'message', 'text': 'training in float32'}
    """
    kind = type(event).__name__
    words = "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in kind).lstrip("_")
    return {"event": words, **dataclasses.asdict(event)}
