"""A classifier from the data to the report, by the names of version 0.1; :mod:`foveal.systems` does the same for all systems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foveal.runs.experiment import Experiment
from foveal.systems.launch import plan, resume, start
from foveal.systems.registry import CLASSIFIER

if TYPE_CHECKING:
    from foveal.network.tree import Sequential
    from foveal.training.config import TrainingConfig

__all__ = ["prepare", "resume", "start"]


def prepare(
    network: str | Sequential | None = None,
    data: str = "fashion-mnist",
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    label: str | int | None = None,
    config: TrainingConfig | None = None,
    changes: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Experiment:
    """Plan the system ``classifier`` for a network by name, a file, or a tree; None takes what suits the data.

    Args:
        network: of the zoo, a description file, a model file, or a tree.
        data, size, channels, label, config, changes, command, notes: as :func:`foveal.systems.plan` has them.

    Example:
        >>> experiment = prepare("mlp", "iris", changes={"epochs": 3})
        >>> experiment.name, experiment.config.epochs, experiment.network.layers[-1].units
        ('mlp', 3, 3)
    """
    named = {"network": network} if isinstance(network, str) else {}
    tree = None if isinstance(network, str) else network
    return plan(
        CLASSIFIER, data, network=tree, size=size, channels=channels, label=label, config=config, changes=changes,
        settings=named, command=command, notes=notes,
    )  # fmt: skip
