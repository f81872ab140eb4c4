"""A plan: what is to be trained on what, and how; all that a run folder's ``config.json`` tells."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from foveal.network import codec
from foveal.network.tree import Sequential
from foveal.runs.settings import Value
from foveal.runs.system import System
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from torch import Tensor

    from foveal.data.dataset import DataSet

SCHEMA = 1


@dataclass(frozen=True)
class Asked:
    """What somebody wants to be trained, before anything was opened.

    Attributes:
        system: which one.
        settings: the method's own numbers, all of them.
        opening: how the data are opened: name or path (None where the system brings its own), size and channels where they
            are to be changed, label.
        network: a tree in place of the name that a setting gives.
        config: how to train; None takes the recipe.
        changes: fields that replace the recipe's.
        command: the command line, for the report.
        notes: for the report.
    """

    system: System
    settings: Mapping[str, Value]
    opening: Mapping[str, Any]
    network: Sequential | None = None
    config: TrainingConfig | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    command: Sequence[str] = ()
    notes: Sequence[str] = ()

    def configured(self, recipe: TrainingConfig) -> TrainingConfig:
        """How to train: the recipe with what was asked for.

        Raises:
            ConfigurationError: a configuration that cannot work.
        """
        from foveal.data.augmentation.pipeline import parse

        chosen = (self.config or recipe).replace(**self.changes)
        if chosen.augment:
            parse(chosen.augment)  # some systems need it late: a mistake shows now
        return chosen

    def planned(self, recipe: TrainingConfig) -> Experiment:
        """The plan of a system that opens its data and makes its networks itself."""
        return Experiment(
            self.system, self.configured(recipe), self.settings, self.opening, self.command, self.notes,
            tuple(sorted(self.changes)),
        )  # fmt: skip


@dataclass(frozen=True)
class Experiment:
    """A system that is ready to be carried out.

    Attributes:
        system: which one.
        config: how to train.
        settings: the method's own numbers.
        opening: how the data are opened; see :class:`Asked`.
        command: the command line that says the same.
        notes: what a reader of the report must know, each one sentence.
        chosen: fields of ``config`` that somebody asked for, which no method changes.
        network: the tree, for a system that trains any network; None where the method makes its own.
        network_name: what that was called.
        state: weights to begin with, by tensor name; None for fresh ones.
        replaced: what of the network's description gave way to the data, or whose weights are the first ones: one sentence.
        data: the data set, where it was opened before the run.
    """

    system: System
    config: TrainingConfig
    settings: Mapping[str, Value]
    opening: Mapping[str, Any]
    command: Sequence[str] = ()
    notes: Sequence[str] = ()
    chosen: tuple[str, ...] = ()
    network: Sequential | None = None
    network_name: str = ""
    state: Mapping[str, Tensor] | None = field(default=None, repr=False)
    replaced: str = ""
    data: DataSet | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """What is trained: the network's name, or the system's."""
        return self.network_name or self.system.name

    @property
    def title(self) -> str:
        """The same, as people call it."""
        return self.network_name or self.system.title

    @property
    def data_name(self) -> str:
        """What the data are called; empty where the system brings its own."""
        return self.data.name if self.data is not None else str(self.opening["data"] or "")

    def opened(self, default: bool) -> Experiment:
        """The same with its data opened, where they are a published set that nobody named: it may have to be fetched.

        Args:
            default: whether the data are the system's first, and not somebody's wish.

        Raises:
            SourceError: they cannot be had.
        """
        from foveal.data.generated.registry import GENERATED
        from foveal.data.loading import opened
        from foveal.data.splitting import limited

        name = self.opening["data"]
        if not default or name is None or name in GENERATED or self.data is not None:
            return self
        return dataclasses.replace(self, data=limited(opened(self.opening), int(self.settings.get("limit", 0))))

    def to_json(self) -> dict[str, Any]:
        """The content of ``config.json``."""
        from foveal.data.fingerprint import fingerprint
        from foveal.runs.environment import environment

        told: dict[str, Any] = {"schema": SCHEMA, "system": self.system.name, "settings": dict(self.settings)}
        if self.network is not None:
            told["network"] = {"name": self.network_name, "description": codec.to_dict(self.network)}
        told["data"] = {"opening": dict(self.opening)}
        if self.data is not None:
            told["data"] |= {
                "name": self.data.name,
                "source": self.data.source,
                "classes": list(self.data.classes),
                "shape": list(self.data.shape),
                "fingerprint": fingerprint(self.data),
            }
        return told | {
            "training": self.config.to_json(),
            "chosen": list(self.chosen),
            "command": list(self.command),
            "notes": list(self.notes),
            "environment": environment(self.config),
        }
