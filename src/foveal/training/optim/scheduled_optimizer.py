"""One descent: an optimizer, its schedule, clipping, and the average of the weights it moves.

A step owns as many as it has losses to minimise: a classifier one, a GAN one for each side.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from foveal.training.config import TrainingConfig
from foveal.training.optim.schedule import schedule
from foveal.training.optim.torch_optimizer import (
    can_be_captured,
    load_optimizer_state,
    optimizer_state,
    torch_optimizer,
)
from foveal.training.optim.weight_average import WeightAverage


class ScheduledOptimizer:
    """Moves a module's weights down one loss: ``before_step()``, ``step(loss)``, ``after_step()`` make a step.

    Only ``step`` computes on the device with fixed shapes; the other two are the host's part, and stay outside
    a recorded CUDA graph.

    Args:
        module: whose trainable parameters move.
        config: optimizer, lr, schedule, clip_norm, ema.
        steps_per_epoch: for the schedule.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> optimizer = ScheduledOptimizer(layer, TrainingConfig(optimizer="sgd", lr=0.5), steps_per_epoch=1)
        >>> before = layer.weight.item()
        >>> optimizer.before_step(); optimizer.step(2 * layer(torch.ones(1, 1)).sum()); optimizer.after_step()
        >>> round(before - layer.weight.item(), 4)  # rate 0.5 × gradient 2
        1.0
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int) -> None:
        spec = config.optimizer_spec()
        self.parameters = [p for p in module.parameters() if p.requires_grad]
        on_cuda = bool(self.parameters) and self.parameters[0].device.type == "cuda"
        self.capturable = on_cuda and config.cuda_graph and can_be_captured(spec)
        self.optimizer = torch_optimizer(module, spec, capturable=self.capturable)
        self.average = WeightAverage(module, config.ema) if config.ema is not None else None
        self.count = 0
        self.base_rate = spec.learning_rate
        self.factor = schedule(config, steps_per_epoch)
        self._origin = 0  # the count at which the schedule began
        self._clip = config.clip_norm

    @property
    def rate(self) -> float:
        """The learning rate of the last step done, or of the first."""
        return self.base_rate * self.factor(max(0, self.count - self._origin - 1))

    def before_step(self) -> None:
        """Set the learning rate of this step."""
        rate = self.base_rate * self.factor(self.count - self._origin)
        for group in self.optimizer.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def step(self, loss: Tensor) -> None:
        """Gradients of the loss, clipped where asked, and the optimizer's move."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        if self._clip is not None:
            torch.nn.utils.clip_grad_norm_(self.parameters, self._clip)
        self.optimizer.step()

    def after_step(self) -> None:
        """Count the step, and take the new weights into the average."""
        self.count += 1
        if self.average is not None:
            self.average.update()

    def go_on(self, config: TrainingConfig, steps_per_epoch: int, place: int) -> None:
        """Begin another stretch of training with all that was remembered.

        Args:
            config, steps_per_epoch: for the schedule.
            place: the step of the schedule that comes next.
        """
        self.factor, self._origin = schedule(config, steps_per_epoch), self.count - place
        if self.average is not None:
            self.average.give_back()

    @contextlib.contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside the block the module has its averaged weights, where there are any."""
        with self.average.in_place() if self.average is not None else contextlib.nullcontext():
            yield

    def finish(self) -> None:
        """The averaged weights become the module's own; to be called once, after the last step."""
        if self.average is not None:
            self.average.adopt()

    def state_dict(self) -> dict[str, Any]:
        """Everything that decides the next step, apart from the module's own weights."""
        average = None if self.average is None else self.average.state_dict()
        return {"count": self.count, "optimizer": optimizer_state(self.optimizer), "average": average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what :meth:`state_dict` gave."""
        self.count = state["count"]
        load_optimizer_state(self.optimizer, state["optimizer"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
