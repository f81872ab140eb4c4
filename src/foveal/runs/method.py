"""How a system is carried out: its parts, typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foveal.runs.settings import Setting, Value

if TYPE_CHECKING:
    from foveal.network.tree import Sequential
    from foveal.report.blocks import Report
    from foveal.runs.experiment import Asked, Experiment
    from foveal.runs.run import Run
    from foveal.training.config import TrainingConfig


@dataclass(frozen=True)
class Quick:
    """A run of seconds, for tests: what :func:`foveal.systems.plan` is given.

    Attributes:
        data: name of the data; None for the system's first.
        size: to bring pictures to.
        changes: of the recipe.
        settings: that are others.
    """

    data: str | None = None
    size: tuple[int, int] | None = None
    changes: Mapping[str, Any] = field(default_factory=lambda: {"epochs": 1})
    settings: Mapping[str, Value] = field(default_factory=dict)

    def arguments(self, **settings: Value) -> dict[str, Any]:
        """The arguments of :func:`foveal.systems.plan` and :func:`foveal.systems.train`, with some settings changed."""
        own = {**self.settings, **settings}
        return {"data": self.data, "size": self.size, "changes": dict(self.changes), "settings": own}


Recipe = Callable[[str | None, Mapping[str, Value]], "TrainingConfig"]


@dataclass(frozen=True)
class Method:
    """How a system is carried out: all its parts, as the type checker sees them.

    Attributes:
        recipe: how it is trained; a function of data and settings where it depends on them.
        settings: the method's own numbers and choices.
        run: plain code that loads data, trains stages, measures once, keeps the model, and returns what is told.
        quick: a run of seconds.
        predict: (model file, questions) → one text for each; None where ``foveal predict`` classifies pictures.
        plan: opens data and network before there is a run, so that mistakes show at once; None where ``run`` does that.
        network: the one classifier that is trained on ``run.load()``; None where it is another thing or several.
    """

    recipe: TrainingConfig | Recipe
    settings: tuple[Setting, ...]
    run: Callable[[Run], Report]
    quick: Quick
    predict: Callable[[str, Sequence[str]], Iterator[str]] | None = None
    plan: Callable[[Asked], Experiment] | None = None
    network: Callable[[Run], Sequential] | None = None

    def recipe_for(self, data: str | None, settings: Mapping[str, Value]) -> TrainingConfig:
        """How it is trained on some data."""
        return self.recipe(data, settings) if callable(self.recipe) else self.recipe

    @property
    def defaults(self) -> dict[str, Value]:
        """The settings as they come."""
        return {setting.name: setting.default for setting in self.settings}
