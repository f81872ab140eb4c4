"""The learning-rate range test (Smith 2015, 3.3): raise the rate at every step, and see where the loss falls and breaks.

The test works on a copy; the network is as it was before.
"""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from foveal import files
from foveal.data.batches.protocol import Batches
from foveal.errors import ConfigurationError, TrainingError
from foveal.training.config import TrainingConfig
from foveal.training.precision import chosen_device
from foveal.training.steps.supervised import Supervised

PLOT_TITLE = "Learning-rate range test"
SMOOTHING = 0.95
DIVERGED = 4.0  # times the lowest loss: further steps tell nothing


@dataclass(frozen=True)
class RangeTest:
    """Rates, the loss at each, and what to make of it.

    Attributes:
        rates: the learning rate of each step, rising by the same factor.
        losses: the loss of each step, a running mean corrected for its start.
        lowest: the rate at which the loss was lowest: about the largest that still learns.
        suggestion: a tenth of that, a safe constant rate; a one-cycle schedule may peak between the two.
    """

    rates: tuple[float, ...]
    losses: tuple[float, ...]
    lowest: float
    suggestion: float

    def plot(self, path: str | Path) -> None:
        """Draw the loss over the rate into an SVG, PNG or PDF file, as the name ends; SVG where it has no ending.

        Raises:
            ConfigurationError: another ending.
            FileError: the file could not be written.
        """
        import io

        ending = Path(path).suffix.lower().lstrip(".") or "svg"
        if ending not in ("svg", "png", "pdf"):
            raise ConfigurationError(
                "the plot is drawn as SVG, PNG or PDF",
                where=str(path),
                expected="a name that ends in .svg, .png or .pdf",
                fix=str(Path(path).with_suffix(".svg")),
            )

        from matplotlib.figure import Figure

        figure = Figure(figsize=(7.2, 4.2), layout="constrained")
        axes = figure.add_subplot()
        axes.semilogx(self.rates, self.losses, color="#2563eb")
        axes.axvspan(self.suggestion, self.lowest, color="#16a34a", alpha=0.12, label="worth trying")
        axes.axvline(self.suggestion, color="#16a34a", linestyle="--", label=f"suggested: {self.suggestion:.1g}")
        axes.axvline(self.lowest, color="#dc2626", linestyle=":", label=f"loss lowest: {self.lowest:.1g}")
        top, bottom = self.losses[0] * 1.3, min(self.losses)
        axes.set_ylim(bottom - 0.05 * (top - bottom), top)
        axes.set(xlabel="learning rate", ylabel="loss (smoothed)", title=PLOT_TITLE)
        axes.grid(alpha=0.25)
        axes.legend(frameon=False)
        picture = io.BytesIO()
        figure.savefig(picture, format=ending, metadata={"Title": PLOT_TITLE})
        files.write_bytes(path, picture.getvalue())


def find_learning_rate(
    module: nn.Module,
    batches: Batches,
    config: TrainingConfig,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 200,
) -> RangeTest:
    """Train a copy for ``steps`` steps while the rate rises from ``low`` to ``high``.

    Args:
        module: the network, left untouched.
        batches: the training set; where it ends before the test, it begins anew.
        config: loss, optimizer and the rest; its own lr and schedule do not matter.
        low: the first rate.
        high: the last rate; the test ends earlier where the loss has grown to four times its lowest.
        steps: how many steps the whole range takes.

    Raises:
        TrainingError: the loss was not finite at the very start.
    """
    device = chosen_device(config.device)
    trial = copy.deepcopy(module).to(device)
    flat = config.replace(schedule="constant", warmup=0.0, lr=high, ema=None, cuda_graph=False)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(config.seed)
        step = Supervised(trial, flat, steps)
        step.optimizer.factor = lambda number: (low / high) ** (1 - number / max(1, steps - 1))
        rates: list[float] = []
        losses: list[float] = []
        mean = 0.0
        for number, batch in enumerate(itertools.islice(_endless(batches), steps)):
            loss = float(step(batch)["loss"])
            if not math.isfinite(loss):
                break
            mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
            rates.append(step.rate)
            losses.append(mean / (1 - SMOOTHING ** (number + 1)))
            if losses[-1] > DIVERGED * min(losses):
                break
    if not losses:
        raise TrainingError(
            "the loss is not a finite number at the very first step",
            where="learning-rate range test",
            given=f"rate {low:g}",
            fix=["look for broken values in the data", "start from fresh weights"],
        )
    lowest = rates[losses.index(min(losses))]
    return RangeTest(tuple(rates), tuple(losses), lowest, lowest / 10)


def _endless(batches: Batches) -> Iterator[Any]:
    for epoch in itertools.count():
        yield from batches.epoch(epoch)
