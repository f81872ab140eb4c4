"""Training: a configuration, a step, a loop of a dozen lines, and a run folder that survives being killed.

The names below load torch only when they are used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foveal.training.checkpoints.run_folder import RunFolder
    from foveal.training.config import TrainingConfig
    from foveal.training.history import History
    from foveal.training.lr_finder import RangeTest, find_learning_rate
    from foveal.training.recipes import Recipe, recipe_for
    from foveal.training.runner import run

_HOMES = {
    "TrainingConfig": "config",
    "History": "history",
    "RangeTest": "lr_finder",
    "find_learning_rate": "lr_finder",
    "Recipe": "recipes",
    "recipe_for": "recipes",
    "run": "runner",
    "RunFolder": "checkpoints.run_folder",
}

__all__ = [
    "History",
    "RangeTest",
    "Recipe",
    "RunFolder",
    "TrainingConfig",
    "find_learning_rate",
    "recipe_for",
    "run",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
