"""All that can be trained: a classifier, and the methods of the lectures: one or more trees, a step, data, and a report each.

``foveal train NAME`` carries one out; so does :func:`train`:

    from foveal import systems

    result = systems.train("vae", seed=1, epochs=2, settings={"latent": 8})
    print(result.report.facts["elbo"], result.folder.report)

A network in the place of a system's name is trained as a classifier; :func:`plan` and :func:`start` are the two halves:

    experiment = systems.plan("lecture_cnn", "digits", size=(28, 28), changes={"epochs": 3})
    print(systems.start(experiment).evaluation.accuracy)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foveal.runs.system import System
from foveal.systems.registry import SYSTEMS, known, names, system

if TYPE_CHECKING:
    from foveal.runs.experiment import Experiment
    from foveal.runs.result import RunResult
    from foveal.systems.launch import plan, resume, start, train

    Plan, SystemOutcome = Experiment, RunResult

__all__ = [
    "SYSTEMS", "Experiment", "Plan", "RunResult", "System", "SystemOutcome", "known", "names", "plan", "resume", "start", "system",
    "train",
]  # fmt: skip
_BEFORE = {"Plan": "Experiment", "SystemOutcome": "RunResult"}  # names of version 0.1


def __getattr__(name: str) -> Any:
    """What runs a system is read when it is asked for: the table alone needs no torch."""
    if name in __all__:
        from foveal.systems import launch

        return getattr(launch, _BEFORE.get(name, name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
