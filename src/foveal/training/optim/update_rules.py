"""The update rules that torch writes in another way than Keras: RMSprop, Adam, and a weight decay apart from the gradient.

Keras' numbers are held (docs/porting.md): the epsilon of RMSprop stands inside the root, the one of Adam beside a root that is
not corrected yet (ε̂ of Kingma, Ba 2014, section 2). The difference shows where gradients are as small as epsilon.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

Groups = Iterable[dict[str, Any]]
LATE = 1e12  # a step so late that β^step is 0, where a fused kernel corrects nothing for the start


class Adam(torch.optim.Optimizer):
    """w ← w − α m / (√v + ε̂),  α = η √(1 − β₂ᵗ) / (1 − β₁ᵗ), m and v running means of the gradient and of its square.

    torch's own has √(v / (1 − β₂ᵗ)) + ε below the line: there ε weighs up to 30 times as much in the first steps. Here its
    fused kernel is told that the start is long past, and given α for the rate.

    Args:
        groups: of parameters.
        lr: η; a tensor where a CUDA graph is to read the current one.
        betas: β₁, β₂.
        eps: ε̂.

    The state of a parameter is torch's: ``step``, ``exp_avg``, ``exp_avg_sq``; one count of steps serves all.
    """

    def __init__(self, groups: Groups, lr: float | Tensor, betas: tuple[float, float], eps: float) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": 0.0, "betas": betas, "eps": eps, "fused": True})
        self._late: Tensor | None = None

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        count = self._count()
        count += 1
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if not moving:
                continue
            states = [self._state_of(p, count) for p in moving]
            late = [self._late_beside(moving[0])] * len(moving)
            beta_1, beta_2 = group["betas"]
            torch._fused_adam_(
                moving,
                [p.grad for p in moving],
                [s["exp_avg"] for s in states],
                [s["exp_avg_sq"] for s in states],
                [],
                late,
                lr=_rate(group["lr"], beta_1, beta_2, count),
                beta1=beta_1,
                beta2=beta_2,
                weight_decay=group["weight_decay"],
                eps=group["eps"],
                amsgrad=False,
                maximize=False,
            )

    def _count(self) -> Tensor:
        """The number of steps done, one tensor for all parameters, also after states were put back one by one."""
        lr = self.param_groups[0]["lr"]
        beside = lr.device if isinstance(lr, Tensor) else torch.device("cpu")  # where it is read without waiting
        first = next((s["step"] for s in self.state.values() if "step" in s), None)
        first = torch.zeros((), dtype=torch.float32, device=beside) if first is None else first.to(beside)
        for state in self.state.values():
            state["step"] = first
        return first

    def _state_of(self, parameter: Tensor, count: Tensor) -> dict[str, Any]:
        state: dict[str, Any] = self.state[parameter]
        if "exp_avg" not in state:
            state["exp_avg"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
            state["exp_avg_sq"] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        state["step"] = count
        return state

    def _late_beside(self, parameter: Tensor) -> Tensor:
        if self._late is None or self._late.device != parameter.device:
            self._late = torch.full((), LATE, dtype=torch.float32, device=parameter.device)
        return self._late


def _rate(lr: float | Tensor, beta_1: float, beta_2: float, count: Tensor) -> float | Tensor:
    """α of Adam at a step: on the device where the rate is there too, so that a CUDA graph computes it anew."""
    if isinstance(lr, Tensor):
        t = count.double()
        alpha: Tensor = lr * (1 - beta_2**t).sqrt() / (1 - beta_1**t)
        return alpha.to(lr.dtype)
    steps = float(count)
    return float(lr * math.sqrt(1 - beta_2**steps) / (1 - beta_1**steps))


class RMSprop(torch.optim.Optimizer):
    """w ← w − η u,  u ← μ u + g / √(v + ε), v a running mean of g²; centred, less the square of the running mean of g.

    Args:
        groups: of parameters.
        lr: η; a tensor where a CUDA graph is to read the current one.
        rho: how much of a running mean stays.
        momentum: μ.
        eps: ε.
        centered: whether v is the variance.

    The state of a parameter is torch's: ``square_avg``, ``momentum_buffer``, ``grad_avg``. Keras keeps
    η u; here a new rate holds at once.
    """

    def __init__(
        self, groups: Groups, lr: float | Tensor, rho: float, momentum: float, eps: float, centered: bool
    ) -> None:
        super().__init__(
            groups, {"lr": lr, "weight_decay": 0.0, "rho": rho, "momentum": momentum, "eps": eps, "centered": centered}
        )

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if not moving:
                continue
            states = [self._state_of(p, group) for p in moving]
            gradients: list[Tensor] = [p.grad for p in moving]
            if group["weight_decay"]:
                gradients = list(torch._foreach_add(gradients, moving, alpha=group["weight_decay"]))
            squares = [s["square_avg"] for s in states]
            torch._foreach_mul_(squares, group["rho"])
            torch._foreach_addcmul_(squares, gradients, gradients, 1 - group["rho"])
            if group["centered"]:
                means = [s["grad_avg"] for s in states]
                torch._foreach_lerp_(means, gradients, 1 - group["rho"])
                below = torch._foreach_addcmul(squares, means, means, -1.0)
                torch._foreach_clamp_min_(below, 0.0)  # rounding may leave less than nothing
                torch._foreach_add_(below, group["eps"])
            else:
                below = torch._foreach_add(squares, group["eps"])
            torch._foreach_sqrt_(below)
            moves = torch._foreach_div(gradients, below)
            if group["momentum"] > 0:
                buffers = [s["momentum_buffer"] for s in states]
                torch._foreach_mul_(buffers, group["momentum"])
                torch._foreach_add_(buffers, moves)
                moves = torch._foreach_mul(buffers, group["lr"])
            else:
                torch._foreach_mul_(moves, group["lr"])
            torch._foreach_sub_(moving, moves)

    def _state_of(self, parameter: Tensor, group: dict[str, Any]) -> dict[str, Any]:
        state: dict[str, Any] = self.state[parameter]
        for name, wanted in (
            ("square_avg", True),
            ("momentum_buffer", group["momentum"] > 0),
            ("grad_avg", group["centered"]),
        ):
            if wanted and name not in state:
                state[name] = torch.zeros_like(parameter, memory_format=torch.preserve_format)
        return state


def decay_apart(optimizer: torch.optim.Optimizer) -> None:
    """Before each step w ← (1 − η λ) w, where a group has a ``decay`` λ: its gradient knows nothing of it."""

    @torch.no_grad()
    def shrink(optimizer: torch.optim.Optimizer, *_: Any) -> None:
        for group in optimizer.param_groups:
            moving = [p for p in group["params"] if p.grad is not None]
            if group.get("decay") and moving:
                torch._foreach_mul_(moving, 1 - group["lr"] * group["decay"])

    if any(group.get("decay") for group in optimizer.param_groups):
        optimizer.register_step_pre_hook(shrink)
