"""Pictures from anywhere, classified: what the network says, and what about the picture may mislead it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveal.data.sources.images import SUFFIXES, Fit, Pixels, Probe, border_level, probe, read
from foveal.data.sources.listing import Tally, pictures
from foveal.errors import ImageError
from foveal.inference.trained_classifier import TrainedClassifier, check_classifies

TOGETHER = 64
"""So many pictures are in memory at once."""
DARK, LIGHT = 85.0, 170.0


@dataclass(frozen=True)
class Answer:
    """What was said of one picture: the most probable classes, or why it could not be read.

    Attributes:
        path: as it was given.
        top: (class, probability), the most probable first; empty with an error.
        warnings: what may have misled the network, each one sentence.
        error: why there is no answer; None where there is one.
    """

    path: str
    top: tuple[tuple[str, float], ...] = ()
    warnings: tuple[str, ...] = ()
    error: str | None = None


def listed(places: Iterable[str]) -> Iterator[str]:
    """Every file as it is, every folder as the pictures in it and below, in the order of their names.

    Linked folders are followed, each once; a folder that may not be read is listed itself, so that its answer says so.
    """
    for place in places:
        folder = Path(place)
        if os.path.isdir(folder):
            tally = Tally(folder)
            found = sorted([*pictures(folder, tally), *tally.failed])
            yield from (str(path) for path in found) if found else [place]
        else:
            yield place


def classify(
    trained: TrainedClassifier, paths: Iterable[str], *, top: int = 3, invert: bool = False, fit: Fit = "crop"
) -> Iterator[Answer]:
    """One answer a picture, in order. A picture that cannot be read gives an answer that says why.

    Args:
        trained: the network.
        paths: files.
        top: how many classes each answer names.
        invert: exchange light and dark first.
        fit: how another aspect than the network's is fitted, see :func:`foveal.data.sources.images.read`.

    Raises:
        ImageError: the network takes no pictures.
        ModelFileError: it does not classify.
    """
    check_classifies(trained)
    if len(trained.module.input_shape.axes) != 3 or trained.channels not in (1, 3):
        raise ImageError(
            "this network takes no pictures",
            where=trained.name,
            given=f"input {trained.module.input_shape}",
            expected="height × width × 1 or 3",
            fix="foveal evaluate RUN DATA, for tables",
        )
    waiting: list[tuple[str, Pixels | None, Answer]] = []
    for path in paths:
        waiting.append(_opened(trained, path, invert, fit))
        if len(waiting) >= (TOGETHER if trained.size else 1):
            yield from _answered(trained, waiting, top)
            waiting = []
    yield from _answered(trained, waiting, top)


def _opened(trained: TrainedClassifier, path: str, invert: bool, fit: Fit) -> tuple[str, Pixels | None, Answer]:
    try:
        if os.path.isdir(path):
            raise _no_picture(path)
        before = probe(path)
        uneven = trained.size is not None and _aspect(before, trained.size) >= 1.5
        whole = read(path, trained.size, channels=trained.channels, fit="stretch")
        border = round(border_level(whole))  # of all of it, and what it is padded with
        if fit == "stretch" or trained.size is None:
            picture = np.invert(whole) if invert else whole
        else:
            picture = read(
                path,
                trained.size,
                channels=trained.channels,
                fit=fit,
                background=border if fit == "pad" else 255,
                invert=invert,
            )
    except ImageError as error:
        return path, None, Answer(path, error=str(error))
    said = _doubts(trained, before, 255 - border if invert else border, invert, uneven and fit == "crop")
    return path, picture, Answer(path, warnings=said)


def _no_picture(folder: str) -> ImageError:
    try:
        os.scandir(folder).close()
    except OSError as error:
        return ImageError("the folder cannot be read", where=folder, given=error.strerror or str(error))
    return ImageError("there is no picture in this folder", where=folder, expected=", ".join(SUFFIXES))


def _aspect(before: Probe, size: tuple[int, int]) -> float:
    """How many times as long as the network's pictures, in one direction or the other."""
    ratio = (before.width / before.height) / (size[1] / size[0])
    return max(ratio, 1 / ratio)


def _doubts(trained: TrainedClassifier, before: Probe, border: float, invert: bool, cut: bool) -> tuple[str, ...]:
    """What is unlike the training pictures, as far as a border and a size can tell."""
    said = []
    usual = trained.border
    if usual is not None and ((usual <= DARK and border >= LIGHT) or (usual >= LIGHT and border <= DARK)):
        kinds = ("light", "dark") if border >= LIGHT else ("dark", "light")
        repair = "leave out --invert" if invert else "--invert exchanges light and dark"
        said.append(f"its background is {kinds[0]}, that of the training pictures {kinds[1]}: {repair}")
    if cut:
        said.append(
            f"only the middle of its {before.height} × {before.width} pixels was looked at: --fit pad takes all of it"
        )
    if trained.size is not None and (2 * before.height <= trained.size[0] or 2 * before.width <= trained.size[1]):
        size = f"{trained.size[0]} × {trained.size[1]}"
        said.append(f"it was enlarged from {before.height} × {before.width} to {size} pixels")
    return tuple(said)


def _answered(
    trained: TrainedClassifier, waiting: Sequence[tuple[str, Pixels | None, Answer]], top: int
) -> Iterator[Answer]:
    pictures = [picture for _, picture, _ in waiting if picture is not None]
    rows: Iterator[NDArray[np.float64]] = iter(trained.probabilities(np.stack(pictures)) if pictures else [])
    for path, picture, answer in waiting:
        if picture is None:
            yield answer
            continue
        row = next(rows)
        best = np.argsort(-row, kind="stable")[:top]
        yield Answer(path, tuple((trained.classes[i], float(row[i])) for i in best), answer.warnings)
