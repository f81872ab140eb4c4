"""The values of every step of an epoch, kept on the device, read only when somebody wants to know.

Reading a number from a GPU stops it until all work before is done. So a step writes its values into a row of one
tensor, and the means, the curve within the epoch, and the first step that went wrong are all found from that.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from foveal.errors import TrainingError

ROWS_AN_EPOCH = 20


class MetricBuffer:
    """Values a step: a (steps, measures) tensor, and how many examples each step had.

    Args:
        steps: steps in the epoch.
        examples: examples in the epoch.
        batch_size: examples in every step but the last.
    """

    def __init__(self, steps: int, examples: int, batch_size: int) -> None:
        self.steps, self.examples, self.batch_size = steps, examples, batch_size
        self.names: tuple[str, ...] = ()
        self.values: Tensor = torch.empty(0)

    def put(self, step: int, values: dict[str, Tensor]) -> None:
        """Keep the values of a step. Nothing waits for the device."""
        if not self.names:
            self.names = tuple(values)
            first = next(iter(values.values()))
            self.values = torch.zeros(self.steps, len(values), dtype=torch.float32, device=first.device)
        elif self.values.device != (device := next(iter(values.values())).device):
            self.values = self.values.to(device)  # a record that came out of a checkpoint
        with torch.no_grad():
            torch.stack([value.float() for value in values.values()], out=self.values[step])

    def means(self, done: int, epoch: int = 0, start: int = 0, check: bool = True) -> dict[str, float]:
        """The means over the examples of steps ``start`` … ``done`` − 1.

        Raises:
            TrainingError: a loss among them is not finite; the first such step is named.
        """
        if done <= start or not self.names:
            return {}
        rows = self.values[start:done].to("cpu", torch.float64)
        if check:
            self._check(rows, epoch, start)
        weights = self.weights(start, done)
        means = (rows * weights[:, None]).sum(0) / weights.sum()
        return dict(zip(self.names, means.tolist(), strict=True))

    def weights(self, start: int, done: int) -> Tensor:
        """Examples in each of the steps."""
        weights = torch.full((done - start,), float(self.batch_size), dtype=torch.float64)
        if done == self.steps:
            weights[-1] = self.examples - (self.steps - 1) * self.batch_size
        return weights

    def curve(self, epoch: int, done: int | None = None) -> list[dict[str, float]]:
        """About twenty rows: the means over as many equal pieces of the epoch, or of its first ``done`` steps."""
        steps = self.steps if done is None else done
        pieces = min(ROWS_AN_EPOCH, steps)
        ends = [round(steps * (i + 1) / pieces) for i in range(pieces)]
        starts = [0, *ends[:-1]]
        return [
            {"epoch": epoch + 1, "step": end, **self.means(end, epoch, start)}
            for start, end in zip(starts, ends, strict=True)
        ]

    def _check(self, rows: Tensor, epoch: int, start: int) -> None:
        losses = rows[:, self.names.index("loss") if "loss" in self.names else 0]
        bad = (~torch.isfinite(losses)).nonzero()
        if len(bad):
            at = int(bad[0])
            value = float(losses[at])
            before = f", {float(losses[at - 1]):.4g} one step before" if at else ""
            raise TrainingError(
                "the loss is no longer a finite number, so there is nothing left to learn from",
                where=f"epoch {epoch + 1}, step {start + at + 1}",
                given=f"loss {'NaN' if math.isnan(value) else value}{before}",
                fix=["a smaller learning rate (lr, --lr)", "clip_norm=1.0", "look for broken values in the data"],
            )

    def state_dict(self, done: int) -> dict[str, object]:
        """The rows so far."""
        return {"names": list(self.names), "values": self.values[:done]}

    def load_state_dict(self, state: dict[str, object]) -> None:
        """Put back what :meth:`state_dict` gave."""
        names, values = state["names"], state["values"]
        assert isinstance(names, list)
        assert isinstance(values, Tensor)
        if names:
            self.names = tuple(names)
            self.values = torch.zeros(self.steps, len(names), dtype=torch.float32)
            self.values[: len(values)] = values
