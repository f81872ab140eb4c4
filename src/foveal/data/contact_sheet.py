"""Two pictures for people: a labelled sheet of samples, and one picture as the matrices that a network receives."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.data.dataset import DataSet
from foveal.data.sources.images import Pixels
from foveal.errors import DataError
from foveal.figures import lettering, shorten
from foveal.files import atomic_writer

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_CLASSES = 24
LARGEST_WITH_NUMBERS = 28
LARGEST_TILE = 128
"""Pixels of a side of a picture on the sheet; larger pictures are made smaller for it."""
LONGEST_NAME = 40
MARK = "Foveal: foveal data show"
"""What a drawing says made it; by this a later one knows that it may take its place."""

_GREY = ("grey",)
_COLOURS = ("red", "green", "blue")


@shown_briefly
@dataclass(frozen=True)
class Channel:
    """One matrix of a picture: its name and its values, height × width."""

    name: str
    values: NDArray[np.uint8]

    def text(self) -> str:
        """The matrix as lines of numbers, right-aligned in columns."""
        width = len(str(int(self.values.max()))) if self.values.size else 1
        return "\n".join(" ".join(f"{int(value):>{width}}" for value in row) for row in self.values)


def channels(picture: Pixels) -> list[Channel]:
    """The channels of a picture (height, width, channels) with their names.

    Example:
        >>> print(channels(np.array([[[7], [200]]], np.uint8))[0].text())
          7 200
    """
    depth = picture.shape[-1]
    names = {1: _GREY, 3: _COLOURS}.get(depth) or tuple(f"channel {i + 1}" for i in range(depth))
    return [Channel(name, picture[..., index]) for index, name in enumerate(names)]


@lettering()
def draw_samples(data: DataSet, path: str | os.PathLike[str], *, columns: int = 12, seed: int = 0) -> str | None:
    """Draw a sheet of training pictures, a row a class with its name and counts.

    Args:
        data: pictures; a table has none to draw.
        path: the PNG to write.
        columns: pictures a class.
        seed: of the choice.

    Returns:
        None, or a note where the sheet does not show everything.

    Raises:
        DataError: the data set is a table.
    """
    if data.is_table:
        raise DataError(
            "a table of numbers has no pictures to draw", where=data.name, given=f"{data.shape[0]} features a row"
        )
    shown = list(range(min(len(data.classes), MOST_CLASSES)))
    names = [shorten(data.classes[k], LONGEST_NAME) for k in shown]
    random = np.random.default_rng(seed)
    canvas = _mosaic(data, shown, columns, random)
    train = data.train.counts(len(data.classes))
    test = data.test.counts(len(data.classes)) if data.test else None
    height, width, _ = data.shape
    row = 0.62
    wide = row * columns * min(4.0, max(0.25, width / height))  # a strip of any length still fits a page
    labels = 0.09 * max(map(len, names)) + 0.3
    counts = 1.5 if test is not None else 0.9
    figure = _figure(labels + wide + counts, row * len(shown) + 0.95)
    total = (labels + wide + counts, row * len(shown) + 0.95)
    axes = figure.add_axes((labels / total[0], 0.18 / total[1], wide / total[0], row * len(shown) / total[1]))
    axes.imshow(
        canvas,
        cmap="gray",
        vmin=0,
        vmax=255,
        aspect="auto",
        interpolation="nearest",
        extent=(0, columns, len(shown), 0),
    )
    axes.set_axis_off()
    for place, index in enumerate(shown):
        axes.text(-0.15, place + 0.5, names[place], ha="right", va="center", fontsize=10)
        axes.text(
            columns + 0.75 * columns / wide, place + 0.5, f"{train[index]:,}", ha="right", va="center", fontsize=9
        )
        if test is not None:
            axes.text(
                columns + 1.35 * columns / wide, place + 0.5, f"{test[index]:,}", ha="right", va="center", fontsize=9
            )
    axes.text(columns + 0.75 * columns / wide, -0.12, "training", ha="right", va="bottom", fontsize=8, color="#555555")
    if test is not None:
        axes.text(columns + 1.35 * columns / wide, -0.12, "test", ha="right", va="bottom", fontsize=8, color="#555555")
    parts = ", ".join(f"{len(split):,} {title}" for title, split in data.parts())
    shape = " × ".join(str(n) for n in data.shape)
    figure.text(0.12 / total[0], 1 - 0.16 / total[1], shorten(data.name, 60), va="top", fontsize=14, fontweight="bold")
    figure.text(
        0.12 / total[0], 1 - 0.45 / total[1], f"{parts} pictures of {shape}", va="top", fontsize=9, color="#555555"
    )
    _save(figure, path)
    notes = []
    if len(shown) < len(data.classes):
        notes.append(f"the sheet shows the first {len(shown)} of {len(data.classes)} classes")
    if data.shape[2] not in (1, 3):
        seen = "first channel" if data.shape[2] < 3 else "first three channels as red, green and blue"
        notes.append(f"the sheet shows the {seen}, of {data.shape[2]}")
    return "; ".join(notes) or None


@lettering()
def draw_tensor(picture: Pixels, path: str | os.PathLike[str], *, title: str = "") -> None:
    """Draw a picture and beside it each of its channels as a grid of cells with their numbers.

    Numbers are left out where the picture is larger than ``LARGEST_WITH_NUMBERS`` pixels on a side: they could not be
    read.

    Args:
        picture: ``uint8`` (height, width, channels).
        path: the PNG to write.
        title: a line above.
    """
    height, width, depth = picture.shape
    numbers = max(height, width) <= LARGEST_WITH_NUMBERS
    cell = 0.34 if numbers else 5.0 / max(height, width)
    across, down = max(2.2, cell * width), max(2.2, cell * height)
    panels: list[Channel | None] = [None, *channels(picture)]
    columns = 2 if depth == 3 else len(panels)
    rows = math.ceil(len(panels) / columns)
    figure = _figure(columns * (across + 0.35) + 0.1, rows * (down + 0.5) + 0.5)
    for place, panel in enumerate(panels):
        axes = figure.add_subplot(rows, columns, place + 1)
        axes.set_xticks([])
        axes.set_yticks([])
        if panel is None:
            axes.imshow(picture if depth == 3 else picture[..., 0], cmap="gray", vmin=0, vmax=255)
            axes.set_title(f"the picture, {height} × {width} × {depth}", fontsize=10)
        else:
            _matrix(axes, panel, numbers)
            axes.set_title(f"channel {place} of {depth}: {panel.name}", fontsize=10)
    figure.suptitle(shorten(title, 80) if title else "", fontsize=12, fontweight="bold")
    figure.tight_layout()
    _save(figure, path)


def _matrix(axes: Axes, channel: Channel, numbers: bool) -> None:
    """The cells in their channel's colour, from black to full, and in each its value."""
    axes.imshow(_tinted(channel), interpolation="nearest")
    if not numbers:
        return
    height, width = channel.values.shape
    axes.set_xticks(np.arange(width + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(height + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#777777", linewidth=0.4)
    axes.tick_params(which="both", length=0)
    for y in range(height):
        for x in range(width):
            value = int(channel.values[y, x])
            dark = channel.name in ("red", "blue") or value < 150  # full red and full blue are dark colours
            axes.text(x, y, str(value), ha="center", va="center", fontsize=7, color="white" if dark else "black")


def _tinted(channel: Channel) -> NDArray[np.uint8]:
    values = channel.values
    picture = np.zeros((*values.shape, 3), dtype=np.uint8)
    if channel.name in _COLOURS:
        picture[..., _COLOURS.index(channel.name)] = values
    else:
        picture[...] = values[..., np.newaxis]
    return picture


def _mosaic(data: DataSet, shown: list[int], columns: int, random: np.random.Generator) -> NDArray[np.uint8]:
    """The tiles of the sheet in one array, white between them and where a class has too few."""
    from PIL import Image

    shrink = max(1.0, max(data.shape[:2]) / LARGEST_TILE)
    height, width = (max(1, round(side / shrink)) for side in data.shape[:2])
    gap = max(1, round(height / 14))
    tile_h, tile_w = height + gap, width + gap
    canvas = np.full((tile_h * len(shown), tile_w * columns, 3), 255, dtype=np.uint8)
    for row, index in enumerate(shown):
        members = np.flatnonzero(data.train.labels == index)
        chosen = random.permutation(members)[:columns]
        for column, member in enumerate(chosen):
            tile = data.train.images[member][..., : 3 if data.shape[2] >= 3 else 1]
            if shrink > 1:
                picture = Image.fromarray(tile[..., 0] if tile.shape[2] == 1 else np.ascontiguousarray(tile))
                tile = np.asarray(picture.resize((width, height), Image.Resampling.BOX)).reshape(height, width, -1)
            y, x = row * tile_h + gap // 2, column * tile_w + gap // 2
            canvas[y : y + height, x : x + width] = tile
    return canvas


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), dpi=144, facecolor="white")


def _save(figure: Figure, path: str | os.PathLike[str]) -> None:
    with atomic_writer(Path(path)) as file:
        figure.savefig(file, format="png", facecolor="white", metadata={"Software": MARK})
