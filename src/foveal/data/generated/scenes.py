"""Scenes: pictures of things cut out and laid on textured ground, so that every pixel's class and every box is known.

A scene is a function of (seed, index) and of the pictures it is made of: the same two numbers give the same scene, alone
or among thousands. So a training run may look at fresh scenes in every epoch and still be repeated to the bit.

How a scene is made:

1. *Ground*: a field t(row, column) from 0 to 1, one of noise at three scales, stripes, checks or a gradient, mixes two
   colours; fine noise comes on top of everything in the end.
2. *Pieces*: a picture is cut out along its own outline. What is not black belongs to the thing; gaps of a pixel or two inside
   it are closed (dark cloth is not a hole, the loop of a bag's handle is one).
3. *Place*: 1 to 4 things of random size stand fully inside the scene (where they are not larger than it). A later one
   lies on top of earlier ones, and may cover up to ``overlap`` of an earlier thing's box; where no place is found in some
   trials the thing is left out.
4. *Light*: each thing has a brightness and, in colour, a tint of its own.

Scaling and moving is linear, so a piece is laid into the scene by two matrix products, rows · picture · columnsᵀ, whose
entries are the hat function of linear interpolation. A pixel belongs to the topmost piece that covers half of it or more.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.data.dataset import DataSet, Split
from foveal.errors import ConfigurationError, DataError

SOURCE = "fashion-mnist"
SIZE = 64
OBJECTS = (1, 4)
SCALE = (0.45, 0.7)
"""Side of the (square) picture of a thing, as a share of the scene's; the thing itself is usually a little smaller."""
OVERLAP = 0.3
GROUND = "ground"
GROUNDS = ("noise", "stripes", "checks", "gradient")
TRAIN, TEST, VALIDATION = 1, 2, 3  # streams of random numbers: training and test scenes never share one

_TRIALS = 24
_OCTAVES = (4, 8, 16)
_CUT = 20  # grey levels from which a pixel belongs to the thing
_TOGETHER = 64  # scenes made at once: their fields stay in the processor's cache
_GRAIN = 0.02

Floats = NDArray[np.float32]


@shown_briefly
@dataclass(frozen=True, eq=False)
class Scenes:
    """Composed pictures with all that is known of them. K is the largest number of things a scene can have.

    Attributes:
        images: uint8 (N, height, width, 1 or 3).
        masks: uint8 (N, height, width): 0 is ground, 1 + label a thing.
        boxes: float32 (N, K, 4): top, left, bottom, right of each thing's visible pixels, in pixels, bottom and right
            exclusive; zeros where there is no thing.
        labels: int64 (N, K): the class of each thing; -1 where there is none.
        classes: names of the things' classes.
    """

    images: NDArray[np.uint8]
    masks: NDArray[np.uint8]
    boxes: Floats
    labels: NDArray[np.int64]
    classes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the masks' values: ground first."""
        return (GROUND, *self.classes)


@shown_briefly
@dataclass(frozen=True, eq=False)
class SceneSet:
    """Training scenes made of training pictures, test scenes of test pictures."""

    train: Scenes
    test: Scenes
    source: str = ""


@dataclass(frozen=True, eq=False)
class Composer:
    """Makes scenes out of the pictures of one part of a data set.

    Args:
        split: pictures uint8 (M, h, w, 1 or 3), light things on black, and their labels.
        classes: names of the labels.
        size: height and width of a scene in pixels.
        objects: fewest and most things in a scene.
        colour: scenes with three channels, else grey.
        overlap: the largest share of a thing's box that later things may cover.
        scale: smallest and largest side of a thing's picture, as a share of the scene's.
        seed: of everything.
        stream: scenes of different streams have nothing in common.

    Raises:
        ConfigurationError: a number that makes no scene.
        DataError: a table, or pictures without a single thing in them.

    Example:
        >>> from foveal.data import digits
        >>> made = Composer(digits.load().train, digits.CLASSES, size=32, seed=1).scenes(range(5))
        >>> made.images.shape, made.masks.shape, made.boxes.shape, made.labels.shape
        ((5, 32, 32, 3), (5, 32, 32), (5, 4, 4), (5, 4))
    """

    split: Split
    classes: tuple[str, ...]
    size: int = SIZE
    objects: tuple[int, int] = OBJECTS
    colour: bool = True
    overlap: float = OVERLAP
    scale: tuple[float, float] = SCALE
    seed: int = 0
    stream: int = TRAIN
    _pieces: tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        low, high = self.objects
        if not (1 <= low <= high <= 20):
            raise ConfigurationError("no scene has so many things", where="objects", given=f"{low} to {high}",
                                     expected="1 to 20, the fewest first", fix=f"objects={OBJECTS}")  # fmt: skip
        if self.size < 16:
            raise ConfigurationError("a scene this small shows nothing", where="size", given=f"{self.size} pixels",
                                     expected="16 pixels or more", fix=f"size={SIZE}")  # fmt: skip
        if not 0.0 <= self.overlap < 1.0:
            raise ConfigurationError("no such share of a thing", where="overlap", given=f"{self.overlap}",
                                     expected="0 or more, below 1", fix=f"overlap={OVERLAP}")  # fmt: skip
        if not 0.0 < self.scale[0] <= self.scale[1]:
            raise ConfigurationError("things have no such size", where="scale", given=f"{self.scale}",
                                     expected="two shares of the scene above 0, the smaller first",
                                     fix=f"scale={SCALE}")  # fmt: skip
        if self.split.images.ndim != 4:
            raise DataError("scenes are composed of pictures", given="rows of a table", fix="fashion-mnist")
        object.__setattr__(self, "_pieces", _cut_out(self.split))

    def scenes(self, indices: Sequence[int] | range) -> Scenes:
        """The scenes of these numbers, 0 and above, in this order."""
        parts = [self._some(indices[at : at + _TOGETHER]) for at in range(0, len(indices), _TOGETHER)]
        parts = parts or [self._some([])]
        images, masks, boxes, labels = (np.concatenate(each) for each in zip(*parts, strict=True))
        return Scenes(images, masks, boxes, labels, self.classes)

    def _some(
        self, indices: Sequence[int] | range
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8], Floats, NDArray[np.int64]]:
        most, channels = self.objects[1], 3 if self.colour else 1
        drawn = _Draws([self.seed, self.stream], indices, self.size)
        values = _ground(drawn, self.size, channels)
        top, left, side, chosen, there = self._places(drawn, len(indices))
        owner = np.zeros((len(indices), self.size, self.size), np.uint8)
        pictures, covers, _ = self._pieces
        for k in range(most):
            rows = _hats(top[:, k], side[:, k], pictures.shape[1], self.size)
            columns = _hats(left[:, k], side[:, k], pictures.shape[2], self.size).transpose(0, 2, 1)
            picture = rows @ (pictures[chosen[:, k]] * np.float32(1 / 255)) @ columns
            cover = rows @ covers[chosen[:, k]].astype(np.float32) @ columns * there[:, k, None, None]
            light = drawn.between(0.65, 1.0, 1) * (drawn.between(0.45, 1.0, channels) if self.colour else 1.0)
            values += cover[..., None] * (picture[..., None] * light[:, None, None, :] - values)
            owner[cover >= 0.5] = k + 1
        values += drawn.grain[..., None]
        images = np.rint(np.clip(values, 0.0, 1.0) * 255.0).astype(np.uint8)
        boxes, seen = _boxes(owner, most)
        labels = np.where(seen, self.split.labels[chosen], -1)
        masks = np.concatenate([np.zeros((len(indices), 1), np.int64), labels + 1], 1).astype(np.uint8)
        return (
            images,
            np.take_along_axis(masks, owner.reshape(len(indices), self.size**2), 1).reshape(owner.shape),
            boxes,
            labels,
        )

    def _places(self, drawn: _Draws, count: int) -> tuple[Floats, Floats, Floats, NDArray[np.int64], NDArray[np.bool_]]:
        """Top and left of each thing's picture, its side, which picture, and whether it has a place at all."""
        low, most = self.objects
        wanted = low + np.floor(drawn.between(0.0, 1.0, 1)[:, 0] * (most - low + 1)).astype(np.int64)
        extents = self._pieces[2]
        height = self._pieces[0].shape[1]
        placed: list[Floats] = []  # content boxes so far, each (N, 4)
        covered: list[Floats] = []
        found: list[tuple[Floats, Floats, Floats, NDArray[np.int64], NDArray[np.bool_]]] = []
        for k in range(most):
            picture = np.minimum((drawn.between(0.0, 1.0, 1)[:, 0] * len(extents)).astype(np.int64), len(extents) - 1)
            side = drawn.between(*self.scale, 1)[:, 0] * self.size
            content = extents[picture].astype(np.float32) * (side / height)[:, None]
            tall, wide = content[:, 2] - content[:, 0], content[:, 3] - content[:, 1]
            tops = drawn.between(0.0, 1.0, _TRIALS) * np.maximum(self.size - tall, 0.0)[:, None]
            lefts = drawn.between(0.0, 1.0, _TRIALS) * np.maximum(self.size - wide, 0.0)[:, None]
            candidates = np.stack([tops, lefts, tops + tall[:, None], lefts + wide[:, None]], -1)
            shares = [_shares(candidates, box) for box in placed]
            fits = np.ones(tops.shape, bool)
            for share, before in zip(shares, covered, strict=True):
                fits &= share + before[:, None] <= self.overlap
            first = fits.argmax(1)
            there = fits.any(1) & (k < wanted)
            lines = np.arange(count)
            for at, share in enumerate(shares):
                covered[at] = covered[at] + np.where(there, share[lines, first], 0.0).astype(np.float32)
            box = np.where(there[:, None], candidates[lines, first], np.float32(-4.0 * self.size))
            placed.append(box.astype(np.float32))
            covered.append(np.zeros(count, np.float32))
            found.append((box[:, 0] - content[:, 0], box[:, 1] - content[:, 1], side, picture, there))
        top, left, sides, pictures, theres = (np.stack(each, 1) for each in zip(*found, strict=True))
        return top, left, sides, pictures, theres


class _Draws:
    """Random numbers of some scenes, each scene's from its own generator, handed out column by column."""

    def __init__(self, seed: Sequence[int], indices: Sequence[int] | range, size: int) -> None:
        generators = [np.random.default_rng([*seed, int(index)]) for index in indices]
        empty: list[Floats] = [np.zeros((0, 704), np.float32)]
        self._numbers = np.concatenate(empty + [each.random((1, 704), np.float32) for each in generators])
        grains = [each.standard_normal((1, size, size), np.float32) for each in generators]
        self.grain: Floats = np.concatenate([np.zeros((0, size, size), np.float32), *grains]) * np.float32(_GRAIN)
        self._next = 0

    def between(self, low: float, high: float, count: int) -> Floats:
        """Uniform numbers (N, count) that nobody had before."""
        taken = self._numbers[:, self._next : self._next + count]
        assert taken.shape[1] == count, "a scene asks for more random numbers than were drawn"
        self._next += count
        return taken * np.float32(high - low) + np.float32(low)


def _cut_out(split: Split) -> tuple[NDArray[np.uint8], NDArray[np.bool_], NDArray[np.int64]]:
    """Pictures as grey (M, h, w), what of them is thing, and the box around that (M, 4)."""
    images = split.images
    grey = images[..., 0] if images.shape[-1] == 1 else np.rint(images.mean(-1)).astype(np.uint8)
    # closing: grown by a pixel, then shrunk by one; the margin keeps the picture's edge from being a wall
    wide = np.pad(grey >= _CUT, ((0, 0), (2, 2), (2, 2)))
    closed = ~_grown(~_grown(wide))[:, 2:-2, 2:-2]
    if not closed.any(axis=(1, 2)).all():
        raise DataError("a picture is black all over: there is nothing to cut out", fix="pictures of light things")
    rows, columns = np.asarray(closed.any(2)), np.asarray(closed.any(1))
    first = [rows.argmax(1), columns.argmax(1)]
    last = [each.shape[1] - each[:, ::-1].argmax(1) for each in (rows, columns)]
    return grey, closed, np.stack([*first, *last], 1)


def _grown(inside: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Each pixel that is inside or has one of its eight neighbours there."""
    tall = inside.copy()
    tall[:, 1:] |= inside[:, :-1]
    tall[:, :-1] |= inside[:, 1:]
    both = tall.copy()
    both[:, :, 1:] |= tall[:, :, :-1]
    both[:, :, :-1] |= tall[:, :, 1:]
    return both


def _hats(start: Floats, side: Floats, source: int, size: int) -> Floats:
    """Matrices (N, size, source) that scale ``source`` values to ``side`` pixels and move them to ``start``.

    Entry (y, i) is max(0, 1 - |(y + ½ - start) · source / side - ½ - i|): linear interpolation, zero outside.
    """
    at = (np.arange(size, dtype=np.float32)[None] + 0.5 - start[:, None]) * (source / side)[:, None] - 0.5
    away = np.abs(at[:, :, None] - np.arange(source, dtype=np.float32))
    return np.maximum(0.0, 1.0 - away).astype(np.float32)


def _shares(candidates: Floats, box: Floats) -> Floats:
    """The share (N, T) of ``box`` (N, 4) that each of the candidates (N, T, 4) would cover."""
    low = np.maximum(candidates[..., :2], box[:, None, :2])
    high = np.minimum(candidates[..., 2:], box[:, None, 2:])
    area = np.prod(box[:, 2:] - box[:, :2], axis=1)
    common: Floats = np.prod(np.maximum(0.0, high - low), axis=-1)
    return np.asarray(common / np.maximum(area, 1.0)[:, None])


def _ground(drawn: _Draws, size: int, channels: int) -> Floats:
    """Values (N, size, size, channels): a texture mixes two colours."""
    kind = np.floor(drawn.between(0.0, len(GROUNDS), 1)).astype(np.int64)
    first, second = drawn.between(0.0, 0.85, channels), drawn.between(0.0, 0.85, channels)
    noise: Floats = np.zeros((1, size, size), np.float32)
    for scale in _OCTAVES:
        grid = drawn.between(-1.0, 1.0, scale * scale).reshape(-1, scale, scale)
        spread = np.linspace(0.0, scale - 1.0, size, dtype=np.float32)
        hats = np.maximum(0.0, 1.0 - np.abs(spread[:, None] - np.arange(scale, dtype=np.float32)))
        noise = noise + hats @ grid @ hats.T * np.float32(2.0 / scale**0.5)
    angle, phase = drawn.between(0.0, np.pi, 1)[:, :, None], drawn.between(0.0, 2 * np.pi, 2)
    period = drawn.between(5.0, 20.0, 1)[:, :, None]
    axis = np.arange(size, dtype=np.float32)
    along = np.cos(angle) * axis[:, None] + np.sin(angle) * axis
    across = np.cos(angle) * axis - np.sin(angle) * axis[:, None]
    turn = np.float32(2.0 * np.pi)
    stripes = np.sin(turn * along / period + phase[:, :1, None])
    checks = np.clip(3.0 * stripes * np.sin(turn * across / period + phase[:, 1:, None]), -1.0, 1.0)
    gradient = 2.0 * (along - along.min((1, 2), keepdims=True)) / np.ptp(along, axis=(1, 2), keepdims=True) - 1.0
    fields = np.select([kind[..., None] == number for number in range(3)], [noise, stripes, checks], gradient)
    mixed = np.clip(0.5 + 0.5 * fields, 0.0, 1.0).astype(np.float32)[..., None]
    return first[:, None, None, :] + mixed * (second - first)[:, None, None, :]


def _boxes(owner: NDArray[np.uint8], most: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Boxes (N, most, 4) of the visible pixels of each thing, and whether there are any."""
    things = owner[:, None] == np.arange(1, most + 1, dtype=np.uint8)[:, None, None]
    rows, columns = things.any(3), things.any(2)
    size = owner.shape[1]
    ends = [size - each[..., ::-1].argmax(-1) for each in (rows, columns)]
    seen = rows.any(-1)
    boxes = np.stack([rows.argmax(-1), columns.argmax(-1), *ends], -1).astype(np.float32)
    return np.where(seen[..., None], boxes, np.float32(0.0)), seen


def load(
    seed: int = 0,
    *,
    source: str | os.PathLike[str] | DataSet = SOURCE,
    train: int = 8_000,
    test: int = 1_000,
    size: int = SIZE,
    objects: tuple[int, int] = OBJECTS,
    colour: bool = True,
) -> SceneSet:
    """Training and test scenes.

    Args:
        seed: the same seed gives the same scenes.
        source: a data set of pictures: a name, a path, or one that is loaded.
        train, test: how many scenes.
        size: height and width of a scene.
        objects: fewest and most things a scene.
        colour: three channels, else one.

    Raises:
        DataError: the source has no test part, or holds no pictures.
        ConfigurationError: numbers that make no scene.

    Example:
        >>> made = load(source="digits", train=20, test=10, size=32)
        >>> len(made.train), made.test.images.shape, made.train.names[:3]
        (20, (10, 32, 32, 3), ('ground', '0', '1'))
    """
    from foveal.data.loading import load as load_pictures

    data = source if isinstance(source, DataSet) else load_pictures(source)
    if data.test is None:
        raise DataError("test scenes are composed of test pictures, and there are none", where=data.name,
                        fix=["fashion-mnist", "digits"])  # fmt: skip

    def composed(part: Split, stream: int, count: int) -> Scenes:
        return Composer(part, data.classes, size, objects, colour, seed=seed, stream=stream).scenes(range(count))

    return SceneSet(composed(data.train, TRAIN, train), composed(data.test, TEST, test), data.name)


def examples(count: int, *, seed: int = 0, source: str | os.PathLike[str] | DataSet = SOURCE) -> NDArray[np.uint8]:
    """The first ``count`` training scenes as pictures, uint8 (count, 64, 64, 3).

    Example:
        >>> examples(3, source="digits").shape
        (3, 64, 64, 3)
    """
    return load(seed, source=source, train=count, test=0).train.images
