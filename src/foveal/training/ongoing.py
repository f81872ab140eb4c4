"""What lives on between two fits of one model, so that four times one epoch are four epochs, to the bit.

The optimizer with its state, the place in the order of the data, the random numbers of dropout, and the weights that an
average covers: all of it ends with ``compile``, as in Keras. A schedule that is laid over the epochs of a run (cosine,
one-cycle, triangular) is laid over each fit anew; the others go on from the epoch that was reached.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

from foveal.training.checkpoints.checkpoint import random_state, set_random_state
from foveal.training.config import TrainingConfig
from foveal.training.interruption import Interrupted, ending_a_script
from foveal.training.optim.schedule import SPANNING
from foveal.training.steps.base import Single

Make = Callable[[nn.Module, TrainingConfig, int], Any]


class Ongoing:
    """The training of a model since it was compiled.

    Attributes:
        epochs: how many there were.
    """

    def __init__(self) -> None:
        self.epochs = 0
        self._step: Single | None = None
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
        self, make: Make, module: nn.Module, config: TrainingConfig, steps: int, first: int, say: Callable[[str], None]
    ) -> Any:
        """The step of the last fit, going on; a fresh one where there is none that fits.

        Args:
            make: makes a fresh one.
            module, config, steps: the network, how to train, steps an epoch.
            first: see :meth:`next_epoch`.
            say: told where the optimizer begins anew, though it was not asked to.
        """
        parameters = [(name, id(tensor), tensor.requires_grad) for name, tensor in module.named_parameters()]
        found = self._step
        if found is not None and (found.module is not module or self._parameters != parameters):
            say("the network has changed since the last fit: the optimizer begins anew")
            found = None
        if found is None:
            found = make(module, config, steps)
        spans = config.schedule in SPANNING
        found.go_on(config, steps, (first if spans else self.next_epoch(first)) * steps)
        self._step, self._parameters = found, parameters
        return found

    @contextlib.contextmanager
    def in_a_program(self) -> Iterator[None]:
        """Around a fit in somebody's own program: Ctrl-C and SIGTERM end it with a word on what becomes of the model."""
        own = signal.getsignal(signal.SIGTERM)
        with ending_a_script():
            try:
                yield
            except Interrupted as stop:
                ends = stop.signal == signal.SIGTERM
                if ends and callable(own):
                    own(stop.signal, None)  # the program has a handler of its own: it is told once the step is done
                keeps = (
                    "callbacks.ModelCheckpoint keeps models on the disk" if ends else "another fit goes on from here"
                )
                stop.args = (f"{stop}; {keeps}",)
                raise

    @contextlib.contextmanager
    def randomness(self, seed: int, device: torch.device) -> Iterator[None]:
        """Inside the block torch's generators go on from where the last fit left them, or begin with the seed."""
        if self._random is not None and self._seed == seed:
            set_random_state(device, self._random)
        self._seed = seed
        try:
            yield
        finally:
            self._random = random_state(device)
