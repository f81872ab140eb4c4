"""A running average of the weights, evaluated and saved in their place (Polyak, Juditsky 1992; EMA as in Inception).

    average ← d · average + (1 − d) · weights,   d = min(decay, (1 + t) / (10 + t))

The growing d forgets the random start. Floating buffers (batch normalisation's running mean and variance) are averaged
by the same rule, so that statistics and weights belong together; whole-number buffers (counters) are copied.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn


class WeightAverage:
    """The average of a module's parameters and buffers over the steps.

    Args:
        module: whose weights are averaged; it is read after every step, and written only inside :meth:`in_place`.
        decay: the highest d, such as 0.999.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self._own: dict[str, Tensor] | None = None
        self._live = {name: tensor.detach() for name, tensor in module.state_dict(keep_vars=True).items()}
        self._average = {name: tensor.clone(memory_format=torch.preserve_format) for name, tensor in self._live.items()}
        floating = [name for name, tensor in self._live.items() if tensor.is_floating_point()]
        self._counting = [name for name in self._live if name not in set(floating)]
        self._floating = ([self._average[name] for name in floating], [self._live[name] for name in floating])

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are after a step."""
        d = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        torch._foreach_lerp_(*self._floating, 1 - d)
        for name in self._counting:
            self._average[name].copy_(self._live[name])

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """Inside the block the module has the averaged weights; afterwards it has its own again, to the bit."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    def adopt(self) -> None:
        """Give the module the averaged weights; its own are remembered for :meth:`give_back`."""
        self._own = {name: tensor.clone() for name, tensor in self._live.items()}
        with torch.no_grad():
            for name, tensor in self._live.items():
                tensor.copy_(self._average[name])

    @torch.no_grad()
    def give_back(self) -> None:
        """Undo :meth:`adopt`, so that training goes on; where the weights were changed meanwhile, average from them anew."""
        if self._own is None:
            return
        unchanged = all(torch.equal(tensor, self._average[name]) for name, tensor in self._live.items())
        for name, tensor in self._live.items():
            source, to = (self._own[name], tensor) if unchanged else (tensor, self._average[name])
            to.copy_(source)
        self.updates = self.updates if unchanged else 0
        self._own = None

    @torch.no_grad()
    def _swap(self) -> None:
        for name, tensor in self._live.items():
            kept = tensor.clone(memory_format=torch.preserve_format)
            tensor.copy_(self._average[name])
            self._average[name].copy_(kept)

    def state_dict(self) -> dict[str, Any]:
        """The averages and how many steps went into them."""
        return {"updates": self.updates, "average": dict(self._average)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what :meth:`state_dict` gave."""
        self.updates = state["updates"]
        average: dict[str, Tensor] = state["average"]
        for name, tensor in self._average.items():
            tensor.copy_(average[name])
