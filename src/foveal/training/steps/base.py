"""What steps with one network and one loss have in common; such a step says only how it measures a batch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from foveal.training.config import TrainingConfig
from foveal.training.optim.scheduled_optimizer import Descent
from foveal.training.precision import autocast
from foveal.training.steps import Values


class Single:
    """One network and one descent.

    Args:
        module: the network.
        config: optimizer, schedule, precision and the rest.
        steps_per_epoch: for the schedule.
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> None:
        self.module = module
        self.descent = Descent(module, config, steps_per_epoch)
        self._autocast = autocast(config.precision, self.descent.parameters[0].device, *self._ends(module))
        module.train()

    def _ends(self, module: nn.Module) -> Sequence[nn.Module]:
        """The parts whose outputs the loss reads: their last layers stay in float32."""
        return (module,)

    def _measured(self, batch: Any) -> Values:
        """The batch's values, of which ``loss`` is what is lowered."""
        raise NotImplementedError

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"network": self.module}

    @property
    def rate(self) -> float:
        return self.descent.rate

    def __call__(self, batch: Any) -> Values:
        self.descent.begin()
        values = self._measured(batch)
        self.descent.descend(values["loss"])
        self.descent.settle()
        return {name: value.detach() for name, value in values.items()}

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[Callable[[Any], Values]]:
        self.module.eval()
        try:
            with self.descent.averaged(), torch.no_grad():
                yield self._measured
        finally:
            self.module.train()

    def go_on(self, config: TrainingConfig, steps_per_epoch: int, place: int) -> None:
        """Begin another stretch of training; see :meth:`Descent.go_on`."""
        self.descent.go_on(config, steps_per_epoch, place)
        self.module.train()

    def finish(self) -> None:
        self.descent.finish()
        self.module.eval()

    def state_dict(self) -> dict[str, Any]:
        return {"network": dict(self.module.state_dict()), "descent": self.descent.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.module.load_state_dict(state["network"])
        self.descent.load_state_dict(state["descent"])


class RecordableSingle(Single):
    """The same where the work on the device has fixed shapes: a :class:`~foveal.training.steps.Recordable`."""

    def __call__(self, batch: Any) -> Values:
        self.begin()
        values = self.learn(batch)
        self.settle()
        return values

    def begin(self) -> None:
        self.descent.begin()

    def learn(self, batch: Any) -> Values:
        values = self._measured(batch)
        self.descent.descend(values["loss"])
        return {name: value.detach() for name, value in values.items()}

    def settle(self) -> None:
        self.descent.settle()
