"""What a method is given: its data, its settings, stages of training that resume, and a place for its files."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal import files, strictjson
from foveal.data.dataset import DataSet, Split
from foveal.errors import ConfigurationError, DataError, FileError, FormatError
from foveal.runs.experiment import Experiment
from foveal.training import events
from foveal.training.checkpoints.run_folder import MOST_BYTES, RunFolder
from foveal.training.config import TrainingConfig
from foveal.training.display import Display
from foveal.training.history import History
from foveal.training.interruption import Interrupted

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from foveal.backends.torch import Network
    from foveal.data.batches.in_memory import TensorBatches
    from foveal.data.batches.protocol import Batches
    from foveal.network.tree import Sequential
    from foveal.training.steps import MakeStep

_STAGE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class Run:
    """One run of a system: ``METHOD.run(run)`` is plain code, and what it asks for here survives being killed.

    Args:
        experiment: what is to be done.
        folder: the run's folder.
        display: told what happens.
        resuming: whether this goes on with an earlier run.

    Attributes:
        opening: how the data are opened; a method may change it before it opens them.
        histories: of the stages so far, by name; "" is the run itself.
    """

    def __init__(self, experiment: Experiment, folder: RunFolder, *, display: Display, resuming: bool = False) -> None:
        self.experiment, self.folder, self.resuming = experiment, folder, resuming
        self.system, self.config, self.settings = experiment.system, experiment.config, dict(experiment.settings)
        self.opening = experiment.opening
        self.histories: dict[str, History] = {}
        self._display = display
        self._data: DataSet | None = None
        self._digest = ""
        self._cached: set[str] = set()
        self._told: set[str] = set()

    @classmethod
    def looked_at(cls, experiment: Experiment, folder: RunFolder | None = None) -> Run:
        """A run that nothing is trained by: for its data and parts, and for tests of the learning rate."""
        from foveal.training.display import Silent

        return cls(experiment, folder or RunFolder(Path()), display=Silent(), resuming=folder is not None)

    @property
    def seed(self) -> int:
        """The run's one seed."""
        return self.config.seed

    @property
    def data_name(self) -> str | None:
        """Name or path of the data that were asked for, or the system's first; None where it brings its own."""
        name: str | None = self.opening.get("data")
        return name

    # What is learned from ---------------------------------------------------------------------------------------------

    def load(self) -> DataSet:
        """The data set; ``settings["limit"]`` examples of it where that is set and above 0.

        Raises:
            UnknownName, DataError, SourceError: as :func:`foveal.data.load`.
        """
        from foveal.data.loading import opened, reopened
        from foveal.data.splitting import limited

        if self._data is None:
            if self.data_name is None:
                raise ConfigurationError("no data were named", where=self.system.name, fix=list(self.system.data[:3]))
            found = self.experiment.data
            if found is None:
                whole = reopened(self.opening, self.folder.path) if self.resuming else opened(self.opening)
                found = limited(whole, int(self.settings.get("limit", 0)))
            for line in found.remarks():
                self.note(line)
            self._data = found
            self._digest = digest(found.train.images, found.train.labels)
        return self._data

    @functools.cached_property
    def fingerprint(self) -> Mapping[str, str] | None:
        """Sums over the parts of the data, by which they are known again; None where none were opened."""
        from foveal.data.fingerprint import fingerprint

        return None if self._data is None else fingerprint(self._data)

    def pictures(self) -> DataSet:
        """The data set, which has to be one of pictures.

        Raises:
            DataError: rows of a table.
        """
        from foveal.data.resizing import NoPictures

        try:
            data = self.load()
            given = f"a table of {data.shape[0]} columns" if data.is_table else None
        except NoPictures as error:  # where a size was asked for, too
            given = error.given
        if given is not None:
            raise DataError(
                f"{self.system.name} learns from pictures",
                where=str(self.data_name),
                given=given,
                expected="pictures of one size",
                fix=[f"{self.system.command} {name}" for name in self.system.data[:2]],
            )
        return data

    def parts(self) -> dict[str, Split | None]:
        """The data in their parts: ``training``, ``validation`` (put aside from it) and ``test``; None for one that is not."""
        data = self.load()
        train, held = self.split(data.train)
        return {"training": train, "validation": held, "test": data.test}

    def split(self, train: Split, config: TrainingConfig | None = None) -> tuple[Split, Split | None]:
        """The training set and the share ``config.validation`` of it that is put aside; the run's own configuration by default."""
        from foveal.data.splitting import split_validation

        chosen = config or self.config
        if chosen.validation == 0:
            return train, None
        return split_validation(train, chosen.validation, seed=chosen.seed)

    @property
    def device(self) -> torch.device:
        """Where the run computes."""
        from foveal.training.precision import chosen_device

        return chosen_device(self.config.device)

    def batches(
        self,
        examples: Split | tuple[Tensor, Tensor],
        *,
        training: bool,
        config: TrainingConfig | None = None,
        network: Sequential | None = None,
        at_once: int = 256,
        drop_last: bool = False,
    ) -> TensorBatches:
        """A part as batches on the configured device, to learn from or to measure with.

        Args:
            examples: a part of the data; or inputs with channels last and targets, N first.
            training: shuffled and changed as the configuration says; else in order, as many at once as memory holds.
            config: the run's own by default.
            network: what is measured, where it may be large.
            at_once: samples that are measured at once, at least.
            drop_last: leave out the last batch of an epoch where it is smaller than the others.
        """
        from foveal.training.batching import measuring_batches, training_batches

        chosen = config or self.config
        if training:
            return training_batches(examples, chosen, drop_last=drop_last)
        return measuring_batches(examples, chosen, network, at_once=at_once)

    # What learns ------------------------------------------------------------------------------------------------------

    def build(self, tree: Sequential, shape: Sequence[int] | None = None, *, seed: int | None = None) -> Network:
        """A module with first weights: those that the experiment begins with, for its own network, or fresh ones.

        Args:
            tree: the network.
            shape: of one example, where the tree does not say.
            seed: the run's own by default.
        """
        from foveal.backends.torch import build

        module = build(tree, shape, seed=self.seed if seed is None else seed)
        if tree is self.experiment.network and self.experiment.state is not None:
            module.load_state_dict(dict(self.experiment.state))
        return module

    def train(
        self,
        name: str,
        module: nn.Module,
        make_step: MakeStep | None,
        batches: Batches,
        validation: Batches | None = None,
        *,
        config: TrainingConfig | None = None,
        fingerprint: Mapping[str, Any] | None = None,
    ) -> History:
        """Train one stage, and leave ``module`` with its final weights, in evaluation mode.

        Args:
            name: "" for the run itself, whose curves lie in the run's folder; others get ``stages/NAME``.
            module: what is trained.
            make_step: (module, config, steps an epoch) → the method's step; None for examples with answers.
            batches, validation: as :func:`foveal.training.run` has them.
            config: the run's own by default.
            fingerprint: what a resumed stage has to agree on, beside configuration, settings and data.

        Returns:
            the history. A stage that was finished before an interruption is read back and not trained again.

        Raises:
            TrainingError, CheckpointError, Interrupted: as :func:`foveal.training.run`.
        """
        from foveal.training.runner import run
        from foveal.training.steps.supervised import Supervised

        assert name not in self.histories, f"two stages called {name!r}"
        assert not name or _STAGE.fullmatch(name), f"no name for a folder: {name!r}"
        folder = self.folder if not name else RunFolder(self.folder.path / "stages" / name, self.folder)
        if name:
            self.notify(name.replace("-", " "))
        # A system that trains any network is known by the network and the data, as in version 0.1: what began there goes on.
        own = {"system": self.system.name, "settings": self.settings, "data": self._digest}
        whole = {**({} if self.experiment.network is not None else own), **(fingerprint or {})}
        try:
            history = run(
                module,
                batches,
                validation,
                config or self.config,
                listeners=[self._tell],
                run_folder=folder,
                resume=self.resuming,
                fingerprint=json.loads(json.dumps(whole)),
                make_step=make_step or Supervised,
            )
        except Interrupted as stop:
            raise Interrupted(f"{name.replace('-', ' ')}: {stop}" if name else str(stop), stop.signal) from stop
        self.histories[name] = history
        return history

    def cached(self, name: str, compute: Callable[[], Any]) -> Any:
        """A result that JSON can hold, computed once: a resumed run reads it from ``stages/NAME.json``.

        Example:
            ``scores = run.cached("pca", lambda: {str(k): error_of(k) for k in sizes})``
        """
        assert _STAGE.fullmatch(name), f"no name for a file: {name!r}"
        assert name not in self._cached, f"two results called {name!r}"
        self._cached.add(name)
        path = self.folder.path / "stages" / f"{name}.json"
        if self.resuming and os.path.lexists(path):
            try:
                return strictjson.loads(files.read_regular(path, MOST_BYTES), str(path))
            except (FileError, FormatError) as error:
                self.note(f"{path.name} cannot be read ({error.given or error.problem}): computed again")
        files.write_json(path, plain(compute()))
        return json.loads(path.read_text(encoding="utf-8"))

    def save_model(self, network: Sequential, module: Any, name: str = "model", **facts: Any) -> Path:
        """Write a model file into the run's folder.

        Args:
            network: the tree.
            module: its module, or its state by tensor names.
            name: the file's, without its ending; "model" is the one that commands look for.
            facts: what the header says beside: ``classes``, ``preprocessing``, ``vocabulary``, …
        """
        from foveal import modelfile

        state = module if isinstance(module, Mapping) else module.state_dict()
        told = {"system": self.system.name, "settings": self.settings, "data": self.data_name, **facts}
        return modelfile.save(self.folder.path / f"{name}.safetensors", network, state, plain(told))

    def notify(self, text: str) -> None:
        """Tell the person who waits what is done now."""
        self._display(events.Stage(text))

    def note(self, text: str) -> None:
        """Tell something that a person should know, once."""
        self._tell(events.Message(text))

    @property
    def told(self) -> frozenset[str]:
        """The notes that were told so far."""
        return frozenset(self._told)

    def _tell(self, event: events.Event) -> None:
        """What a stage tells, but a note that an earlier stage gave already: what holds for the machine is said once."""
        if isinstance(event, events.Message):
            if event.text in self._told:
                return
            self._told.add(event.text)
        self._display(event)


def digest(*arrays: np.ndarray[Any, Any]) -> str:
    """A SHA-256 over arrays.

    Example:
        >>> digest(np.zeros(3))[:8]
        '9d908ecf'
    """
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def plain(value: Any) -> Any:
    """The value with NumPy's numbers and arrays as Python's, so that JSON holds it; what is not finite becomes None.

    Example:
        >>> plain({"a": np.float64(0.5), "b": np.arange(2), "c": float("nan")})
        {'a': 0.5, 'b': [0, 1], 'c': None}
    """
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [plain(each) for each in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value
