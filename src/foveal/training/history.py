"""The numbers of a run, an epoch a row, as ``model.fit`` returns them in Keras."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class History:
    """What was measured in each epoch, and about twenty times within each.

    Attributes:
        history: the values of all epochs under Keras's names: ``loss``, ``accuracy``, ``val_loss``, ``val_accuracy``.
        epoch: the number of each epoch, from 0, as Keras counts.
        steps: rows ``{"epoch", "step", "loss", …}`` within the epochs: means since the row before, for a smooth curve.
        rates: the learning rate at the end of each epoch.
        stopped_early: an early stop ended the run.

    Example:
        >>> history = History()
        >>> history.add({"loss": 0.5, "accuracy": 0.8}, rate=1e-3)
        >>> history.history["loss"], history.epoch
        ([0.5], [0])
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    epoch: list[int] = field(default_factory=list)
    steps: list[dict[str, float]] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    stopped_early: bool = False

    def add(self, values: dict[str, float], rate: float) -> None:
        """Take in an epoch's values."""
        self.epoch.append(len(self.epoch))
        self.rates.append(rate)
        for name, value in values.items():
            self.history.setdefault(name, []).append(value)

    def rows(self) -> list[dict[str, Any]]:
        """An epoch a row, epochs counted from 1: what ``metrics.jsonl`` holds."""
        return [
            {"epoch": epoch + 1, **{name: values[i] for name, values in self.history.items()}, "lr": self.rates[i]}
            for i, epoch in enumerate(self.epoch)
        ]

    def state_dict(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {
            "history": self.history,
            "epoch": self.epoch,
            "steps": self.steps,
            "rates": self.rates,
            "stopped_early": self.stopped_early,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """From a checkpoint."""
        for name, value in state.items():
            setattr(self, name, value)
