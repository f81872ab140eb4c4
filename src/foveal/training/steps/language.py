"""Learning to write: at each symbol of a text the network is asked for the one that follows.

The loss is the mean of −ln p(next symbol), over all places of all windows; ``bits`` is the same to base 2. Recurrent layers
carry their states from one window of a stream to the next, and the gradient stops at the window's beginning (truncated
backpropagation through time: Williams, Peng 1990; Graves 2013, section 2).
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from foveal.backends.torch_layers.recurrent import Recurrent
from foveal.training.config import TrainingConfig
from foveal.training.steps import Values
from foveal.training.steps.base import LossStep


class Language(LossStep):
    """One network that predicts the next symbol, and the states that it carries along.

    The batch is ``(x, y, fresh)``: symbols N × L, those that follow, and whether all states begin at zero
    (:class:`foveal.data.batches.text_streams.Streams`).

    Args:
        module: symbols N × L → logits N × symbols × L.
        config: optimizer, schedule, precision, clipping; its ``loss`` is not looked at.
        steps_per_epoch: for the schedule.
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> None:
        super().__init__(module, config, steps_per_epoch)
        self._recurrent = recurrent(module)
        for part in self._recurrent.values():
            part.carries = True

    def _measured(self, batch: Any) -> Values:
        x, y, fresh = batch
        if fresh:
            self._begin({})
        with self._autocast():
            logits = self.module(x)
        loss = F.cross_entropy(logits.float(), y)
        return {"loss": loss, "bits": loss.detach() / math.log(2)}

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[Callable[[Any], Values]]:
        before = self._states()
        self._begin({})
        try:
            with super().evaluating() as measure:
                yield measure
        finally:
            self._begin(before)

    def finish(self) -> None:
        super().finish()
        for part in self._recurrent.values():
            part.carries, part.carried = False, None

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "carried": self._states()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self._begin(state["carried"])

    def _states(self) -> dict[str, list[Tensor]]:
        return {path: list(part.carried) for path, part in self._recurrent.items() if part.carried is not None}

    def _begin(self, states: Mapping[str, list[Tensor]]) -> None:
        for path, part in self._recurrent.items():
            part.carried = list(states[path]) if path in states else None


def recurrent(module: nn.Module) -> dict[str, Recurrent]:
    """The recurrent layers of a network by their names in it."""
    return {path: part for path, part in module.named_modules() if isinstance(part, Recurrent)}
