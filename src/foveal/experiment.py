"""A whole experiment: data → validation split → module → training → test → files. The command line and scripts share it.

experiment = prepare("lecture_cnn", "fashion-mnist")
outcome = start(experiment)
print(outcome.evaluation.accuracy, outcome.folder.report)
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal import zoo
from foveal.arithmetic.shapes import trace
from foveal.errors import UnknownName
from foveal.fitted import fitted, replaced_input
from foveal.network import codec, tree
from foveal.network.ending import check_ending, ends_in_probabilities
from foveal.training import events
from foveal.training.checkpoints import run_config
from foveal.training.checkpoints.run_folder import RunFolder
from foveal.training.config import EARLIER, TrainingConfig
from foveal.training.recipes import recipe_for

if TYPE_CHECKING:
    from torch import Tensor

    from foveal.backends.torch import Network
    from foveal.data.batches.in_memory import TensorBatches
    from foveal.data.dataset import DataSet, Split
    from foveal.outcome import Outcome
    from foveal.training.display import Display
    from foveal.training.lr_finder import RangeTest

SCHEMA = 1


@dataclass(frozen=True)
class Experiment:
    """What is to be trained on what, and how; all that a run folder's ``config.json`` tells.

    Attributes:
        network: the tree.
        name: what the network was called.
        data: the data set.
        opening: how the data set was opened: its name or path, and size and channels where they were changed.
        config: how to train.
        command: the command line that says the same.
        notes: what a reader of the report must know, each one sentence.
        state: weights to begin with, by tensor name; None for fresh ones.
        replaced: what of the description gave way to the data, or whose weights are the first ones: one sentence, which is among
            the notes too.
    """

    network: tree.Sequential
    name: str
    data: DataSet
    opening: Mapping[str, Any]
    config: TrainingConfig
    command: Sequence[str] = ()
    notes: Sequence[str] = ()
    state: Mapping[str, Tensor] | None = field(default=None, repr=False)
    replaced: str = ""

    def parts(self) -> tuple[Split, Split | None]:
        """The training set and the validation set put aside from it."""
        from foveal.data.splitting import split_validation

        if self.config.validation == 0:
            return self.data.train, None
        return split_validation(self.data.train, self.config.validation, seed=self.config.seed)

    def module(self) -> Network:
        """A fresh module with the experiment's first weights."""
        from foveal.backends.torch import build

        module = build(self.network, self.data.shape, seed=self.config.seed)
        if self.state is not None:
            module.load_state_dict(dict(self.state))
        return module

    def batches(self, split: Split, *, training: bool) -> TensorBatches:
        """A part as batches on the configured device."""
        from foveal.training.batching import measuring_batches, training_batches

        return training_batches(split, self.config) if training else measuring_batches(split, self.config, self.network)

    def identity(self) -> dict[str, Any]:
        """What a checkpoint must agree on beside the configuration."""
        network = json.dumps(codec.to_dict(self.network), sort_keys=True).encode()
        return {"network": hashlib.sha256(network).hexdigest(), "data": self.fingerprint["training"]}

    @functools.cached_property
    def fingerprint(self) -> dict[str, str]:
        """Sums over the parts of the data, by which they are known again."""
        from foveal.data.fingerprint import fingerprint

        return fingerprint(self.data)


def prepare(
    network: str | tree.Sequential | None = None,
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
    """Open the data and the network, and choose how to train.

    Args:
        network: a zoo name, a description file, a model file (training goes on from its weights), or a tree; None takes
            lecture_cnn for pictures and mlp for tables.
        data: whatever :func:`foveal.data.load` opens.
        size: height and width to bring pictures to.
        channels: 1 or 3, to bring pictures to.
        label: the label's column of a CSV file: its name, its number from 1, ``"first"`` or ``"last"``.
        config: how to train; None takes the recipe for this network and data.
        changes: fields that replace the recipe's.
        command: the command line, for the report.
        notes: for the report.

    Raises:
        UnknownName: no such network or data.
        ConfigurationError: a configuration that cannot work.

    Example:
        >>> experiment = prepare("mlp", "iris", changes={"epochs": 3})
        >>> experiment.name, experiment.config.epochs, experiment.network.layers[-1].units
        ('mlp', 3, 3)
    """
    from foveal.data import load
    from foveal.data.augmentation.pipeline import parse
    from foveal.data.dataset import check_classes
    from foveal.data.loading import opening_of

    opening = opening_of(str(data), size, channels, label)
    loaded = load(data, size=size, channels=channels, label=label)
    check_classes(loaded)
    if network is None:
        network = "mlp" if loaded.is_table else "lecture_cnn"
    gaps = _gaps(loaded)
    found, name, state = _opened(network, loaded.shape, len(loaded.classes))
    described = fitted(found, name, loaded.shape, len(loaded.classes), gaps, learned=state is not None)
    learned = "" if state is None else f"training goes on from the weights of {network}"
    replaced = replaced_input(found, described) or learned
    chosen = config or recipe_for(name, loaded.name).config
    changed = dict(changes or {})
    if chosen.from_logits and chosen.loss.endswith("cross_entropy") and "from_logits" not in changed:
        changed["from_logits"] = not ends_in_probabilities(described)
    final = chosen.replace(**changed)
    if final.augment:
        parse(final.augment)  # a mistake shows before anything is built
    check_ending(final.loss, final.from_logits, described, trace(described)[0].output)
    told = (*notes, *([f"{gaps[0].upper()}{gaps[1:]}."] if gaps else []), *([replaced] if replaced else []))
    return Experiment(described, name, loaded, opening, final, tuple(command), told, state, replaced)


def _gaps(data: DataSet) -> str:
    """Which class numbers occur, in words, where fewer than half of them do; "" otherwise."""
    import numpy as np

    found = np.unique(data.train.labels)
    if 2 * len(found) >= len(data.classes):
        return ""
    shown = ", ".join(map(str, found[:5])) + (", …" if len(found) > 5 else "")
    return f"the labels are {shown}: {len(data.classes) - len(found)} of {len(data.classes)} classes have no sample"


def open_network(
    network: str | tree.Sequential, shape: Sequence[int], classes: int, gaps: str = ""
) -> tuple[tree.Sequential, str, Mapping[str, Tensor] | None]:
    """A network for data of a shape and a number of classes.

    Returns:
        the tree, its name, and the weights of a model file (None otherwise).

    Raises:
        UnknownName: neither a network of the zoo nor a file.
        ShapeError: the network and the data do not fit, or a model file's weights were learned on another input shape.
    """
    found, name, state = _opened(network, shape, classes)
    return fitted(found, name, shape, classes, gaps, learned=state is not None), name, state


def _opened(
    network: str | tree.Sequential, shape: Sequence[int], classes: int
) -> tuple[tree.Sequential, str, Mapping[str, Tensor] | None]:
    state: Mapping[str, Tensor] | None = None
    if not isinstance(network, str):
        found, name = network, network.name or "network"
    elif Path(network).suffix in (".json", ".yaml", ".yml"):
        if not Path(network).is_file():
            raise UnknownName("there is no such description file", where="NET", given=network)
        found = codec.read(network)
        name = found.name or Path(network).stem
    elif Path(network).suffix == ".safetensors":
        from foveal import modelfile

        found, state, _ = modelfile.load(network)
        name = found.name or Path(network).stem
    else:
        entry = zoo.entry(network)
        found, name = zoo.create(network, classes=classes, input_shape=tuple(shape)), entry.name
    return found, name, state


def start(
    experiment: Experiment,
    *,
    runs: str | Path = "runs",
    name: str | None = None,
    display: Display | None = None,
) -> Outcome:
    """Train from the beginning in a fresh run folder, test once, and write model and report.

    Raises:
        ConfigurationError: the folder's name is taken.
        TrainingError, Interrupted: see :func:`foveal.training.run`.
    """
    ready = _Ready(experiment)  # mistakes show before there is a folder
    folder = RunFolder.fresh(runs, name, f"{experiment.name}-{experiment.data.name}")
    folder.begin(description(experiment))
    return ready.carry_out(folder, display, resume=False)


def resume(place: str | Path, *, runs: str | Path = "runs", display: Display | None = None) -> Outcome:
    """Go on with a run that was stopped or killed, to the same bits as if it had not been.

    Raises:
        CheckpointError: there is no run, or it cannot go on to the same result (its data have changed, say).
        Interrupted: Ctrl-C or SIGTERM, wherever it is.
    """
    folder = RunFolder.existing(place, runs)
    with folder.going_on():
        return _Ready(reopened(folder)).carry_out(folder, display, resume=True)


def reopened(folder: RunFolder, data: DataSet | None = None) -> Experiment:
    """The experiment of a run folder, from its ``config.json``; its data are opened again where none are given."""
    from foveal.data import loading

    told = folder.read_config()

    def read(
        told: Mapping[str, Any],
    ) -> tuple[dict[str, Any], tree.Sequential, TrainingConfig, str, list[str], list[str]]:
        name = told["network"]["name"]
        if not isinstance(name, str):
            raise ValueError("network.name is not a text")
        return (
            run_config.opening(told),
            codec.from_dict(told["network"]["description"]),
            TrainingConfig.from_json({**EARLIER, **told["training"]}),
            name,
            run_config.texts(told["command"], "command"),
            run_config.texts(told["notes"], "notes"),
        )

    opening, network, config, name, command, notes = run_config.understood(folder.config, told, read)
    if opening["data"] is None:
        raise run_config.damaged(folder.config, "data.opening.data names no data")
    found = data if data is not None else loading.reopened(opening, folder.path)
    return Experiment(network, name, found, opening, config, command, notes)


def description(experiment: Experiment) -> dict[str, Any]:
    """The content of ``config.json``."""
    from foveal.outcome import environment

    data = experiment.data
    return {
        "schema": SCHEMA,
        "network": {"name": experiment.name, "description": codec.to_dict(experiment.network)},
        "data": {
            "name": data.name,
            "source": data.source,
            "classes": list(data.classes),
            "shape": list(data.shape),
            "opening": dict(experiment.opening),
            "fingerprint": experiment.fingerprint,
        },
        "training": experiment.config.to_json(),
        "command": list(experiment.command),
        "notes": list(experiment.notes),
        "environment": environment(experiment.config),
    }


def range_test(experiment: Experiment, steps: int = 200) -> RangeTest:
    """The learning-rate range test for an experiment; nothing is written."""
    from foveal.training.allocator import keep_pages
    from foveal.training.lr_finder import find_learning_rate

    keep_pages()
    train, _ = experiment.parts()
    batches = experiment.batches(train, training=True)
    return find_learning_rate(experiment.module(), batches, experiment.config, steps=steps)


class _Ready:
    """An experiment with its module built and its batches cut."""

    def __init__(self, experiment: Experiment) -> None:
        from foveal.training.allocator import keep_pages
        from foveal.training.lone import refuse_batches_of_one

        keep_pages()
        self.experiment = experiment
        self.train, self.validation = experiment.parts()
        self.module = experiment.module()
        self.batches = experiment.batches(self.train, training=True)
        refuse_batches_of_one([self.module], self.batches)
        self.held = None if self.validation is None else experiment.batches(self.validation, training=False)

    def carry_out(self, folder: RunFolder, display: Display | None, *, resume: bool) -> Outcome:
        """Train, test, write."""
        from foveal.outcome import conclude
        from foveal.training.display import Silent
        from foveal.training.runner import run

        with folder.going_on(), folder.locked():
            with display or Silent() as shown:
                if self.experiment.replaced:
                    shown(events.Message(self.experiment.replaced))
                history = run(
                    self.module,
                    self.batches,
                    self.held,
                    self.experiment.config,
                    readers=[shown],
                    run_folder=folder,
                    resume=resume,
                    identity=self.experiment.identity(),
                )
            return conclude(self.experiment, self.module, folder, history, self.train, self.validation)
