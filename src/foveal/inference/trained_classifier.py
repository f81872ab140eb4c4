"""A trained network as evaluation needs it: out of a run folder or a model file, pictures in, probabilities out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.errors import ModelFileError
from foveal.inference.opened_model import open_model
from foveal.inference.probabilities import class_probabilities
from foveal.network.ending import are_independent, ends_in_probabilities

if TYPE_CHECKING:
    from foveal.backends.torch import Network


@dataclass(frozen=True)
class TrainedClassifier:
    """A network with its weights.

    Attributes:
        path: the model file.
        folder: the run it lies in (a folder with a ``config.json``), or None.
        module: the PyTorch module, in evaluation.
        classes: one name an output.
        facts: what the model file tells of the training.
        border: the usual value of the outermost pixels of the training pictures, 0 … 255; None where not known.
        from_logits: whether the outputs are logits still.
        mirror: whether answers are averaged with those for the mirror image.
        independent: whether each of several outputs is a yes or no of its own, and not one class of several.
    """

    path: Path
    folder: Path | None
    module: Network = field(repr=False)
    classes: tuple[str, ...]
    facts: Mapping[str, Any] = field(repr=False)
    border: float | None
    from_logits: bool
    mirror: bool = False
    independent: bool = False

    @property
    def name(self) -> str:
        """The run's name, or the file's."""
        return self.folder.name if self.folder else self.path.name

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the pictures it takes; None for any size, and where it takes no pictures."""
        spatial = self.module.input_shape.spatial
        return (spatial[0], spatial[1]) if len(spatial) == 2 and spatial[0] and spatial[1] else None

    @property
    def channels(self) -> int:
        """Channels of the pictures it takes."""
        return self.module.input_shape.channels

    def probabilities(self, images: NDArray[Any], batch_size: int = 256) -> NDArray[np.float64]:
        """(N, classes) probabilities for uint8 pictures N × height × width × channels, or rows of a table.

        The rows of independent outputs do not sum to 1.
        """
        return class_probabilities(
            self.module,
            images,
            from_logits=self.from_logits,
            independent=self.independent,
            mirror=self.mirror,
            batch_size=batch_size,
        )


def load_classifier(place: str | Path, runs: str | Path = "runs") -> TrainedClassifier:
    """Opens a run folder, the name of a run, or a model file.

    Args:
        place: ``runs/first``, ``first`` (looked for in ``runs``), or ``model.safetensors``.
        runs: the folder of all runs.

    Raises:
        ModelFileError: nothing there, a run that is not finished, or a file that is refused.
    """
    opened = open_model(place, runs)
    network, module, facts = opened.network, opened.module, opened.facts
    config = facts.get("config") or {}
    border = (opened.metadata.get("preprocessing") or {}).get("border_level")
    outputs = module.output_shape.channels
    names = opened.classes
    return TrainedClassifier(
        path=opened.path,
        folder=opened.folder,
        module=module,
        classes=names if len(names) == max(outputs, 2) else tuple(str(i) for i in range(max(outputs, 2))),
        facts=facts,
        border=float(border) if isinstance(border, int | float) else None,
        from_logits=bool(config.get("from_logits", not ends_in_probabilities(network))),
        mirror=bool(config.get("mirror", False)),
        independent=outputs > 1 and are_independent(network, config.get("loss")),
    )


def check_classifies(trained: TrainedClassifier) -> None:
    """Refuse a network whose answer is not a row of classes: an autoencoder, a network that paints or reads.

    Raises:
        ModelFileError: its output has places; the message says what is there.
    """
    output = trained.module.output_shape
    if len(output.axes) == 1:
        return
    raise ModelFileError(
        "this network does not classify: its answer is not a row of classes",
        where=str(trained.path),
        given=f"output {output}",
        expected="one number for each class",
        fix=[f"foveal.Model.load({str(trained.path)!r}).predict(images), in Python: the numbers themselves"],
    )
