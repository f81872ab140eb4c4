"""A question of two classes, and how far a perceptron came with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.generated import logic
from foveal.systems.classification.separability import Separation

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, eq=False)
class Problem:
    """Two classes of points in a plane, and points that are kept for the end."""

    name: str
    points: NDArray[np.float32]
    answers: NDArray[np.int64]
    unseen: NDArray[np.float32]
    unseen_answers: NDArray[np.int64]
    axes: tuple[str, str]
    classes: tuple[str, str]

    @property
    def title(self) -> str:
        """AND, OR and XOR are written large."""
        return self.name.upper() if self.name in logic.TABLES else self.name


@dataclass(frozen=True, eq=False)
class Solved:
    """What the perceptron rule made of a problem."""

    problem: Problem
    wrong: tuple[int, ...]  # corrections in each epoch
    left: tuple[int, ...]  # wrong answers after each epoch
    unseen_wrong: int
    line: tuple[float, float, float]
    separation: Separation
    mlp: Any = None  # a module, where no line does it
    mlp_wrong: int = 0

    @property
    def corrections(self) -> int:
        """Of all epochs together."""
        return sum(self.wrong)

    def to_json(self) -> dict[str, Any]:
        """Every figure."""
        held = self.separation
        return {
            "examples": len(self.problem.answers),
            "separable": held.separable,
            "errors": self.left[-1],
            "fewest_errors": min(self.left),
            "corrections": self.corrections,
            "corrections_by_epoch": list(self.wrong),
            "errors_by_epoch": list(self.left),
            "weights": list(self.line),
            "bound": held.bound,
            "radius": held.radius,
            "margin": held.margin,
            "common_point": None if held.common is None else held.common.tolist(),
            "unseen": len(self.problem.unseen_answers),
            "unseen_errors": self.unseen_wrong,
            "mlp_errors": None if self.mlp is None else self.mlp_wrong,
        }
