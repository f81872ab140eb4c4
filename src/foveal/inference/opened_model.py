"""The one opener of models: a run folder, the name of a run, or a model file → the network with its weights, and its facts."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal.errors import ModelFileError
from foveal.training.checkpoints.run_folder import latest

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.network.tree import Sequential

MODEL = "model.safetensors"


@dataclass(frozen=True)
class OpenedModel:
    """A network with the weights that it has learned, on the CPU, in evaluation mode.

    Attributes:
        path: the model file.
        network: the description.
        module: the PyTorch module.
        metadata: all that stands in the model file beside the network.
    """

    path: Path
    network: Sequential = field(repr=False)
    module: Network = field(repr=False)
    metadata: Mapping[str, Any] = field(repr=False)

    @property
    def folder(self) -> Path | None:
        """The run that the file lies in (a folder with a ``config.json``), or None."""
        return self.path.parent if os.path.lexists(self.path.parent / "config.json") else None

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty where none were saved."""
        return tuple(str(name) for name in self.metadata.get("classes") or ())

    @property
    def facts(self) -> dict[str, Any]:
        """What the file tells of the training."""
        return dict(self.metadata.get("training") or {})


def open_model(place: str | os.PathLike[str], runs: str | os.PathLike[str] = "runs") -> OpenedModel:
    """Opens a run folder, the name of a run, or a model file, which may come from elsewhere: nothing of it is believed unchecked.

    Args:
        place: ``runs/first``, ``first`` (looked for in ``runs``), or ``model.safetensors``.
        runs: the folder of all runs.

    Raises:
        ModelFileError: nothing there, a run that is not finished, or a file that is refused; the message says why.

    Example:
        >>> import tempfile
        >>> import foveal
        >>> path = foveal.Model(foveal.zoo.tiny("mlp"), seed=0).save(f"{tempfile.mkdtemp()}/model.safetensors")
        >>> opened = open_model(path)
        >>> opened.network.name, opened.module.training, opened.folder
        ('mlp', False, None)
    """
    from foveal import modelfile
    from foveal.backends.torch import build

    path = model_path(Path(place), Path(runs))
    network, state, metadata = modelfile.load(path)
    module = build(network)
    module.load_state_dict(state)
    return OpenedModel(path, network, module.eval(), metadata)


def model_path(place: Path, runs: Path) -> Path:
    """The model file of a run folder, of the name of a run, or the file itself.

    Raises:
        ModelFileError: nothing there, or a run that is not finished.
    """
    for candidate in (place, runs / place):
        if os.path.isfile(candidate):
            return candidate
        if os.path.isfile(candidate / MODEL):
            return candidate / MODEL
        if os.path.isfile(candidate / "config.json"):
            raise ModelFileError(
                "this run is not finished: it holds no model yet",
                where=str(candidate),
                expected=MODEL,
                fix=f"foveal train --resume {candidate}",
            )
    finished = latest(runs, MODEL)
    raise ModelFileError(
        "there is no trained model here",
        where=str(place),
        expected="a run folder, the name of a run, or a model file",
        fix=[f"{path}, the latest run" if path is finished[0] else str(path) for path in finished[:3]]
        or "train one: foveal train",
    )
