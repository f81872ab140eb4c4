"""Compositions in PyTorch: modules that hold modules, named as in the tree.

Children stand in ``_modules`` directly, so that a node may be called "type", "forward" or "training" without hiding an
attribute of the module; PyTorch's own machinery (``state_dict``, ``train``, ``to``, hooks) looks for children there.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn


class Composition(nn.Module):
    """The base: named children in order."""

    def __init__(self, children: Iterable[tuple[str, nn.Module]]) -> None:
        super().__init__()
        for name, child in children:
            self._modules[name] = child

    def __setattr__(self, name: str, value: Any) -> None:
        # `training = True` must go to the attribute even where a child has that name
        if name in self.__dict__.get("_modules", ()) and not isinstance(value, nn.Module):
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)


class Chain(Composition):
    """One after another."""

    def forward(self, x: Tensor) -> Any:
        for child in self._modules.values():
            x = child(x)  # type: ignore[misc]
        return x


class Concatenated(Composition):
    """Branches laid behind one another along the channels."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([child(x) for child in self._modules.values()], 1)  # type: ignore[misc]


class Summed(Composition):
    """Branches added place by place."""

    def forward(self, x: Tensor) -> Tensor:
        first, *others = [child(x) for child in self._modules.values()]  # type: ignore[misc]
        total: Tensor = first
        for other in others:
            total = total + other
        return total


class Attended(Composition):
    """Queries N × d × L_q with what each found in the memory N × d × L_m: N × 2d × L_q.

    Attributes:
        weights: how much each query looked at each place of the memory, N × L_q × L_m, the last time that the module ran in
            evaluation; None before. Not stored with the module.
    """

    weights: Tensor | None

    def __init__(self, children: Iterable[tuple[str, nn.Module]]) -> None:
        super().__init__(children)
        self.weights = None

    def forward(self, x: Tensor) -> Tensor:
        queries, memory = self._modules.values()
        return self.attend(queries(x), memory(x))  # type: ignore[misc]

    def attend(self, queries: Tensor, memory: Tensor) -> Tensor:
        """The merge alone, for a decoder that computes its memory once (Luong, Pham, Manning 2015, equation 7, "dot")."""
        weights = torch.softmax(torch.bmm(queries.transpose(1, 2), memory), dim=2)
        self.weights = None if self.training else weights.detach()
        return torch.cat([queries, torch.bmm(memory, weights.transpose(1, 2))], 1)


MERGES: dict[str, type[Composition]] = {"concat": Concatenated, "add": Summed, "attention": Attended}


class Residual(Composition):
    """body(x) + shortcut(x).

    Attributes:
        overwrite: whether the sum is written over the body's result, which nobody else reads.
    """

    def __init__(self, children: Iterable[tuple[str, nn.Module]], overwrite: bool) -> None:
        super().__init__(children)
        self.overwrite = overwrite

    def forward(self, x: Tensor) -> Tensor:
        body, *shortcut = self._modules.values()
        result: Tensor = body(x)  # type: ignore[misc]
        kept: Tensor = shortcut[0](x) if shortcut else x  # type: ignore[misc]
        return result.add_(kept) if self.overwrite else result + kept


class Auxiliary(Composition):
    """Hands its input on; in training, leaves the head's answer in ``answers`` under its number."""

    def __init__(self, children: Iterable[tuple[str, nn.Module]], number: int, answers: dict[int, Tensor]) -> None:
        super().__init__(children)
        self.number, self.answers = number, answers

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            (head,) = self._modules.values()
            self.answers[self.number] = head(x)  # type: ignore[misc]
        return x
