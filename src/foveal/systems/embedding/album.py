"""The images that are searched: from a folder or a data set, with classes or without, and which of them were learned from."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import DataSet, Split
from foveal.errors import DataError

if TYPE_CHECKING:
    from foveal.runs.run import Run


SIDE = 64  # larger pictures of a folder are brought to this height and width, unless a size is asked for
PROBED = 50  # files whose size is looked at for that
NEAREST = 10  # neighbours among which the share of the same class is measured
HELD = 0.3  # of a folder without a test part: pictures that the network is not trained on


@dataclass(frozen=True)
class Album:
    """The pictures that are searched.

    Attributes:
        pictures: with origins where they are files; labels count only where there are classes.
        classes: names; empty where the pictures belong to none.
        judged: indices of pictures that the network was not trained on.
        learned: what the network learns from; None where a model is given.
    """

    pictures: Split
    classes: tuple[str, ...]
    judged: NDArray[np.int64]
    learned: DataSet | None

    def name(self, index: int) -> str:
        """A picture's file, or its number."""
        return self.pictures.origins[index] if self.pictures.origins else f"picture {index}"


def album_of(run: Run) -> Album:
    """Open what is to be searched: the test part, or all of a folder."""
    from foveal.data.loading import idx_images
    from foveal.data.sources.folder import read_album
    from foveal.data.sources.layout import has_classes
    from foveal.data.splitting import split_validation

    place = Path(str(run.data_name))
    folder = os.path.isdir(place) and not idx_images(place)
    if folder and run.opening.get("size") is None and _large(place):
        run.opening = {**run.opening, "size": [SIDE, SIDE]}
    if folder and not has_classes(place):
        size, limit = run.opening.get("size"), int(run.settings["limit"])
        data = read_album(place, size=tuple(size) if size else None, channels=run.opening.get("channels"))
        for line in data.remarks():
            run.note(line)
        pictures = data.train.take(np.arange(min(limit or len(data.train), len(data.train))))
        if len(pictures) < 4:
            raise DataError("these are too few pictures to search in", where=str(place), given=f"{len(pictures)}")
        return Album(pictures, (), np.arange(len(pictures)), dataclasses.replace(data, train=pictures))
    data = run.pictures()
    if data.test is not None:
        return Album(data.test, data.classes, np.arange(len(data.test)), data)
    train, held = split_validation(data.train, HELD, seed=run.seed)
    origins = train.origins + held.origins if train.origins and held.origins else None
    whole = Split(np.concatenate([train.images, held.images]), np.concatenate([train.labels, held.labels]), origins)
    judged = np.arange(len(train), len(whole))
    return Album(whole, data.classes, judged, dataclasses.replace(data, train=train, test=held))


def _large(place: Path) -> bool:
    """Whether the pictures of a folder, by the first few of them, are larger than what is computed with here."""
    from foveal.data.sources.images import probe
    from foveal.data.sources.listing import Tally, pictures
    from foveal.errors import ImageError

    files = pictures(place, Tally(place))
    sides = []
    for file in itertools.islice(files, PROBED):
        with contextlib.suppress(ImageError):
            found = probe(file)
            sides.append(max(found.height, found.width))
    return bool(sides) and float(np.median(sides)) > SIDE
