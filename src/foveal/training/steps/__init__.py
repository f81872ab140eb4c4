"""What a method has to bring to be trained: a step. The loop knows nothing else.

A classifier, an autoencoder, a GAN or an RBM differ in what one step does with a batch, and in which networks it
holds. So each is one file here with one class that has the methods of :class:`Step`; the loop, checkpoints, display
and callbacks serve all of them alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    from torch import Tensor, nn

    from foveal.training.config import TrainingConfig

Values = dict[str, "Tensor"]
"""Named 0-dimensional tensors, each the mean over the batch. One is called ``loss``. The keys never change."""


@runtime_checkable
class Step(Protocol):
    """One step of a method, and everything the method remembers between steps."""

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """The method's networks by name: what is saved in the end."""

    @property
    def rate(self) -> float:
        """The learning rate of the last step done, for display and records."""

    def __call__(self, batch: Any) -> Values:
        """Learn from one batch. Never waits for the device: no ``.item()``, no printing."""

    def evaluating(self) -> AbstractContextManager[Callable[[Any], Values]]:
        """Inside the block the networks are as they are to be used; the function measures a batch without learning."""

    def finish(self) -> None:
        """After the last step: make the networks what they are to be from now on."""

    def state_dict(self) -> dict[str, Any]:
        """All that decides the steps to come: weights, optimizers, counters. Tensors, numbers, texts, lists, dicts."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what :meth:`state_dict` gave, to the bit."""


MakeStep = Callable[["nn.Module", "TrainingConfig", int], Step]
"""A method: (module, config, steps an epoch) → its step."""


@runtime_checkable
class Announcing(Protocol):
    """A step whose values are known before the first one is measured."""

    @property
    def value_names(self) -> tuple[str, ...]:
        """Names of the values."""


@runtime_checkable
class Capturable(Protocol):
    """A step whose work on the device has fixed shapes, so that a CUDA graph can record and replay it."""

    @property
    def capturable(self) -> bool:
        """Whether its optimizer was made to be recorded."""

    def before_step(self) -> None:
        """The host's part before a step: the learning rate."""

    def learn(self, batch: Any) -> Values:
        """The device's part: forward, backward, update; no decision taken on the host."""

    def after_step(self) -> None:
        """The host's part after a step: counters, averages."""
