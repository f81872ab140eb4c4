"""The life of an optimizer: one run, or all fits of a model since ``compile``, so that four times one epoch are four epochs.

What lives: the optimizer with its state, the place in the order of the data, the random numbers of dropout, and the weights
that an average covers. A run's life begins and ends with it; a model's ends with ``compile``, as in Keras. A schedule that is
laid over the epochs of a run (cosine, one-cycle, triangular) is laid over each fit anew; the others go on from the epoch that
was reached.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from foveal.training.checkpoints.checkpoint import random_state, set_random_state
from foveal.training.config import TrainingConfig
from foveal.training.optim.schedule import SPANNING
from foveal.training.steps import MakeStep, Step
from foveal.training.steps.base import LossStep


class Ongoing:
    """The training of one module from its beginning, in one run or in several.

    Attributes:
        epochs: how many there were.
    """

    def __init__(self) -> None:
        self.epochs = 0
        self._step: Step | None = None
        self._parameters: list[tuple[str, int, bool]] = []
        self._random: dict[str, Any] | None = None
        self._seed: int | None = None

    def next_epoch(self, first: int) -> int:
        """The number of the next epoch in the order of the data.

        Args:
            first: the number that the next fit gives its first epoch (``initial_epoch``).
        """
        return max(self.epochs, first)

    def step(
        self,
        make: MakeStep,
        module: nn.Module,
        config: TrainingConfig,
        steps: int,
        first: int,
        say: Callable[[str], None],
    ) -> Step:
        """The step of the run before, going on; a fresh one where there is none that fits.

        Args:
            make: makes a fresh one.
            module, config, steps: the network, how to train, steps an epoch.
            first: see :meth:`next_epoch`.
            say: told where the optimizer begins anew, though it was not asked to.
        """
        parameters = [(name, id(tensor), tensor.requires_grad) for name, tensor in module.named_parameters()]
        step = self._step
        if step is not None and self._parameters != parameters:
            say("the network has changed since the last fit: the optimizer begins anew")
            step = None
        place = (first if config.schedule in SPANNING else self.next_epoch(first)) * steps
        goes_on = step is not None or place > 0
        if step is None:
            step = make(module, config, steps)
        if goes_on and isinstance(step, LossStep):
            step.go_on(config, steps, place)
        self._step, self._parameters = step, parameters
        return step

    @contextlib.contextmanager
    def randomness(self, seed: int, device: torch.device) -> Iterator[None]:
        """Inside the block torch's generators go on from where the run before left them, or as they are."""
        if self._random is not None and self._seed == seed:
            set_random_state(device, self._random)
        self._seed = seed
        try:
            yield
        finally:
            self._random = random_state(device)
