"""What steps have in common: the network that learns, and the one loss that it descends. A step says how it measures a batch."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from foveal.backends.torch import Network
from foveal.errors import ConfigurationError
from foveal.training.config import TrainingConfig
from foveal.training.optim.scheduled_optimizer import ScheduledOptimizer
from foveal.training.precision import autocast
from foveal.training.steps import Values


class OneNetwork:
    """A step that trains one network, by whatever rule.

    Args:
        module: the network.
        config: how to train.
    """

    def __init__(self, module: nn.Module, config: TrainingConfig) -> None:
        self.module = module
        self.seed = config.seed
        module.train()

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        return {"network": self.module}

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[Callable[[Any], Values]]:
        self.module.eval()
        try:
            with self._as_used(), torch.no_grad():
                yield self._validation()
        finally:
            self.module.train()

    def _as_used(self) -> AbstractContextManager[None]:
        """Inside the context the module has the weights that it will be used with."""
        return contextlib.nullcontext()

    def _validation(self) -> Callable[[Any], Values]:
        """What measures a batch without learning; made anew at every look, so that it draws the same numbers each time."""
        raise NotImplementedError

    def finish(self) -> None:
        self.module.eval()

    def state_dict(self) -> dict[str, Any]:
        return {"network": dict(self.module.state_dict())}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.module.load_state_dict(state["network"])


class LossStep(OneNetwork):
    """One network and one descent.

    Args:
        module: the network.
        config: optimizer, schedule, precision and the rest.
        steps_per_epoch: for the schedule.
        learner: the part of the network whose weights move; None for all of it.
        ends: the parts whose outputs the loss reads, and whose last layers stay in float32; None for the network's end.
    """

    def __init__(
        self,
        module: nn.Module,
        config: TrainingConfig,
        steps_per_epoch: int,
        *,
        learner: nn.Module | None = None,
        ends: Sequence[nn.Module] | None = None,
    ) -> None:
        super().__init__(module, config)
        self.optimizer = ScheduledOptimizer(module if learner is None else learner, config, steps_per_epoch)
        device = self.optimizer.parameters[0].device
        self._autocast = autocast(config.precision, device, *((module,) if ends is None else ends))

    def _measured(self, batch: Any) -> Values:
        """The batch's values, of which ``loss`` is what is lowered."""
        raise NotImplementedError

    @property
    def rate(self) -> float:
        return self.optimizer.rate

    def __call__(self, batch: Any) -> Values:
        self.optimizer.before_step()
        values = self._learned(batch)
        self.optimizer.after_step()
        return values

    def _learned(self, batch: Any) -> Values:
        """Measure a batch, and go down its loss."""
        values = self._measured(batch)
        self.optimizer.step(values["loss"])
        return {name: value.detach() for name, value in values.items()}

    def _as_used(self) -> AbstractContextManager[None]:
        return self.optimizer.averaged()

    def _validation(self) -> Callable[[Any], Values]:
        return self._measured

    def go_on(self, config: TrainingConfig, steps_per_epoch: int, place: int) -> None:
        """Begin another stretch of training; see :meth:`ScheduledOptimizer.go_on`."""
        self.optimizer.go_on(config, steps_per_epoch, place)
        self.module.train()

    def finish(self) -> None:
        self.optimizer.finish()
        super().finish()

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "descent": self.optimizer.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.optimizer.load_state_dict(state["descent"])


class CapturableLossStep(LossStep):
    """The same where the work on the device has fixed shapes: a :class:`~foveal.training.steps.Capturable`."""

    @property
    def capturable(self) -> bool:
        return self.optimizer.capturable

    def before_step(self) -> None:
        self.optimizer.before_step()

    def learn(self, batch: Any) -> Values:
        return self._learned(batch)

    def after_step(self) -> None:
        self.optimizer.after_step()


def require_submodules(module: nn.Module, step: str, *names: str) -> Network:
    """The module, which has to be that of a tree with parts of these names.

    Raises:
        ConfigurationError: it is another module, or a part is missing.

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> require_submodules(build(zoo.tiny("vae")), "Variational", "encoder", "decoder").network.name
        'vae'
        >>> require_submodules(build(zoo.tiny("mlp")), "Variational", "encoder", "decoder")
        Traceback (most recent call last):
        ...
        foveal.errors.ConfigurationError: Variational: this step works on a network of named parts
          given     mlp: flatten, hidden1, hidden2, output
          expected  a Sequential whose layers are named encoder and decoder
          to fix    Sequential([Sequential([…], name="encoder"), …], input_shape=…)
    """
    if isinstance(module, Network) and all(name in module._modules for name in names):
        return module
    given = type(module).__name__
    if isinstance(module, Network):
        given = f"{module.network.name or 'a network'}: {', '.join(module._modules)}"
    raise ConfigurationError(
        "this step works on a network of named parts",
        where=step,
        given=given,
        expected=f"a Sequential whose layers are named {', '.join(names[:-1])} and {names[-1]}",
        fix=f'Sequential([Sequential([…], name="{names[0]}"), …], input_shape=…)',
    )
