"""The numbers of a run, an epoch a row, as ``model.fit`` returns them in Keras."""

from __future__ import annotations

from collections.abc import Mapping
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

    def add(self, values: dict[str, float], rate: float, epoch: int | None = None) -> None:
        """Take in an epoch's values; ``epoch`` is its number where it is not the next one after 0."""
        self.epoch.append(len(self.epoch) if epoch is None else epoch)
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


def facts_after(facts: Mapping[str, Any], config: Mapping[str, Any], history: History) -> dict[str, Any]:
    """What is known of a training once another stretch is added to it: for the model file.

    Args:
        facts: what was known before. Accuracies in it were measured with other weights, and are left out.
        config: of this stretch.
        history: of this stretch.

    Returns:
        ``epochs`` of all stretches, the latest ``config``, and ``history`` of all epochs that are known; None stands where a
        value was not measured.

    Example:
        >>> one, two = History({"loss": [2.0]}, [0]), History({"loss": [1.0], "val_loss": [3.0]}, [0])
        >>> facts = facts_after(facts_after({"test": {"accuracy": 0.9}}, {}, one), {}, two)
        >>> facts["epochs"], facts["history"], "test" in facts
        (2, {'loss': [2.0, 1.0], 'val_loss': [None, 3.0]}, False)
    """
    kept = {name: value for name, value in facts.items() if not (isinstance(value, Mapping) and "accuracy" in value)}
    known = facts.get("history")
    rows: dict[str, list[Any]] = {}
    if isinstance(known, Mapping):
        rows = {name: list(values) for name, values in known.items() if isinstance(values, list)}
    before, more = max(map(len, rows.values()), default=0), len(history.epoch)
    joined = {
        name: [
            *(rows.get(name, []) + [None] * before)[:before],
            *history.history.get(name, [None] * more),
        ]
        for name in dict.fromkeys([*rows, *history.history])
    }
    epochs = facts.get("epochs", before)
    total = (epochs if isinstance(epochs, int) else before) + more
    return {**kept, "epochs": total, "config": dict(config), "history": joined}
