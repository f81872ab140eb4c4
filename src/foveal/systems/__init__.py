"""The methods of the lectures beside plain classification: each one or more trees, a step, data, and a report of its own.

``foveal train NAME`` carries one out; so does :func:`train`:

    from foveal import systems

    outcome = systems.train("vae", seed=1, epochs=2, settings={"latent": 8})
    print(outcome.findings.facts["elbo"], outcome.folder.report)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foveal.runs.system import System
from foveal.systems.registry import SYSTEMS, known, names, system

if TYPE_CHECKING:
    from foveal.systems.launch import Plan, SystemOutcome, plan, resume, start, train

__all__ = ["SYSTEMS", "Plan", "System", "SystemOutcome", "known", "names", "plan", "resume", "start", "system", "train"]


def __getattr__(name: str) -> Any:
    """What runs a system is read when it is asked for: the table alone needs no torch."""
    if name in __all__:
        from foveal.systems import launch

        return getattr(launch, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
