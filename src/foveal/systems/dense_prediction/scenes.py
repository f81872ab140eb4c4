"""What the two systems that look at scenes have in common: their scenes, their colours, and pictures from elsewhere."""

from __future__ import annotations

import colorsys
import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import files
from foveal.data.generated.scenes import SCALE, TEST, TRAIN, VALIDATION, Composer
from foveal.errors import DataError, ImageError
from foveal.printable import printable
from foveal.runs.answers import Unanswered
from foveal.runs.settings import Setting

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.batches.scenes import SceneBatches
    from foveal.data.generated.scenes import Scenes
    from foveal.runs.run import Run

SETTINGS = (
    Setting(
        "source", "fashion-mnist", "what scenes are composed of", text="a data set with a test part, by name or path"
    ),
    Setting("scenes", 8000, "training scenes an epoch", at_least=1),
    Setting("test_scenes", 2000, "scenes that are measured in the end", at_least=1),
    Setting("size", 64, "height and width of a scene", at_least=1),
    Setting("objects", 4, "the most things in a scene", at_least=1),
    Setting("colour", True, "three channels, else one"),
)
_VALIDATION_SCENES = 400
ALONE = 100  # added to the stream of scenes: those of one thing share no random numbers with them

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Material:
    """Scenes for one run: training and validation in batches, the test scenes, and what a resumed run must agree on."""

    train: SceneBatches
    validation: SceneBatches | None
    test: Scenes
    source: str
    fingerprint: dict[str, Any]

    def single(self, count: int, batch_size: int, multiple: int) -> tuple[SceneBatches, SceneBatches | None]:
        """Small scenes of one thing each, as large as things are in the scenes: training and validation.

        The height is five eighths of a scene's, brought up to a multiple of ``multiple``.
        """
        from foveal.data.batches.scenes import SceneBatches

        whole = self.train.composer.size
        size = multiple * math.ceil(whole * 5 / 8 / multiple)
        low, high = (share * whole / size for share in SCALE)
        parts: list[SceneBatches] = []
        for batches, scenes in ((self.train, count), (self.validation, min(count, 2_000))):
            if batches is None:
                return parts[0], None
            one = dataclasses.replace(
                batches.composer, size=size, objects=(1, 1), scale=(low, high), stream=batches.composer.stream + ALONE
            )
            parts.append(SceneBatches(one, scenes, batch_size, device=batches.device, fresh=batches.fresh))
        return parts[0], parts[1]


def material(run: Run) -> Material:
    """Compose what the settings ask for. No picture is in two of the three parts.

    Raises:
        DataError: a source without test pictures, or of no pictures.
        ConfigurationError: numbers that make no scene.
        UnknownName: no such source.
    """
    from foveal.data import load
    from foveal.data.batches.scenes import SceneBatches
    from foveal.runs.run import digest

    told, config = run.settings, run.config
    data = load(str(told["source"]))
    if data.test is None:
        raise DataError("test scenes are composed of test pictures, and there are none", where=data.name,
                        fix=["--set source=fashion-mnist", "--set source=digits"])  # fmt: skip
    train, held = run.split(data.train)
    size, most, colour = int(told["size"]), int(told["objects"]), bool(told["colour"])
    parts = ((train, TRAIN), (held, VALIDATION), (data.test, TEST))
    composers = [
        None if part is None else Composer(part, data.classes, size, (1, most), colour, seed=run.seed, stream=stream)
        for part, stream in parts
    ]
    learning, watching, testing = composers
    assert learning is not None
    assert testing is not None
    device, count = run.device, int(told["scenes"])
    watched = None
    if watching is not None:
        watched = SceneBatches(watching, min(_VALIDATION_SCENES, count), 100, device=device, fresh=False)
    return Material(
        SceneBatches(learning, count, config.batch_size, device=device),
        watched,
        testing.scenes(range(int(told["test_scenes"]))),
        data.name,
        {"pictures": digest(data.train.images, data.train.labels)},
    )


def palette(count: int) -> Pixels:
    """Colours (count, 3) as far apart as so many can be; neighbours differ in lightness too.

    Example:
        >>> palette(3).shape
        (3, 3)
    """
    colours = [colorsys.hls_to_rgb(k / max(count, 1), (0.45, 0.65)[k % 2], 0.9) for k in range(count)]
    return np.asarray(np.rint(np.array(colours).reshape(-1, 3) * 255), np.uint8)


def coloured(images: Pixels) -> Pixels:
    """Pictures (N, h, w, 1 or 3) with three channels."""
    return np.broadcast_to(images, (*images.shape[:3], 3)).copy() if images.shape[-1] == 1 else images


def overlay(images: Pixels, masks: NDArray[np.integer[Any]], classes: int, strength: float = 0.75) -> Pixels:
    """Pictures with every thing's pixels tinted in its class's colour: (N, h, w, 3).

    Args:
        images: uint8 (N, h, w, 1 or 3).
        masks: (N, h, w), 0 for ground.
        classes: of things.
        strength: 0 shows the picture, 1 the mask.
    """
    grey = coloured(images).mean(-1, keepdims=True) * 0.6 + 60.0
    tint = np.concatenate([np.zeros((1, 3)), palette(classes)])[masks]
    thing = (masks > 0)[..., None]
    return np.asarray(np.where(thing, (1 - strength) * grey + strength * tint, grey * 0.55), np.uint8)


def answers(
    model: str,
    questions: Sequence[str],
    ending: str,
    look: Callable[[Network, Pixels, Sequence[str]], tuple[str, Pixels]],
) -> Iterator[str]:
    """For each picture: what ``look`` says of it, and where the picture that it drew lies.

    Args:
        model: a model file.
        questions: paths of pictures; they are brought to the network's size, the middle cut out where the aspect differs.
        ending: of the drawn picture's name: ``photo.png`` becomes ``photo-ending.png`` beside it, with a number where
            there is one already.
        look: (module, picture, names of the classes) → a text, and a picture.
    """
    from PIL import Image

    from foveal.data.sources.images import read
    from foveal.inference.opened_model import open_model

    opened = open_model(model)
    module, names = opened.module, opened.classes
    height, width, channels = module.input_shape.axes
    for question in questions:
        try:
            picture = read(question, (int(height or 64), int(width or 64)), channels=int(channels or 3))
        except ImageError as error:
            yield Unanswered(str(error))
            continue
        text, drawn = look(module, picture, names)
        path = _fresh(Path(question), ending)
        with files.atomic_writer(path) as file:
            Image.fromarray(drawn).save(file, format="PNG")
        yield f"{printable(question)}: {text}\n  drawn in {printable(str(path))}"


def _fresh(path: Path, ending: str) -> Path:
    """A name beside ``path`` that is free."""
    names = (f"{path.stem}-{ending}{number}.png" for number in ["", *(f"-{n}" for n in range(2, 10_000))])
    return next(found for name in names if not (found := path.with_name(name)).exists())
