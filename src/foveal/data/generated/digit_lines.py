"""Lines of handwritten digits with their texts: what a reader of whole lines (optical character recognition) learns from.

Each line is composed of 3 to 10 digits of MNIST, or of scikit-learn's digits where MNIST is not at hand, as a person might
have written them: one size, slant, slope and spacing a line, each digit a little off it, neighbours that touch or overlap,
a ground that is not quite even, and noise. Light ink on a dark ground, as in MNIST.

Nothing is stored. Line ``index`` of a part follows from (seed, part, index) alone, so the first 100 lines are the same
whether 100 or 10,000 are made. No digit is in two parts: training and validation lines are composed of two parts of
MNIST's training digits, test lines of its test digits.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.data.dataset import DataSet, Split
from foveal.data.published import digits, mnist
from foveal.data.splitting import split_validation
from foveal.errors import ConfigurationError, DataError, SourceError

HEIGHT, WIDTH = 32, 192
SHORTEST, LONGEST = 3, 10
LETTERS = "0123456789"
SOURCES = ("auto", "mnist", "digits")

_BOX = 20  # MNIST's digits fill a box of 20 × 20 pixels
_MARGIN = 3.0  # pixels left free at both ends of a line
_VALIDATION = 0.1  # the share of the training digits that validation lines are composed of
_TRAIN, _CHOOSE, _TEST = 0, 1, 2

Pixels = NDArray[np.uint8]


@shown_briefly
@dataclass(frozen=True, eq=False)
class WrittenLines:
    """Lines and what is written on them.

    Args:
        images: ``uint8`` (N, 32, width, 1), light on dark.
        texts: what each says, ``"40817"``.
        spans: ``int16`` (N, 10, 2), the first column of each digit and the one after its last; −1 where there is none.

    Raises:
        DataError: not as many texts or spans as pictures.
    """

    images: Pixels
    texts: tuple[str, ...]
    spans: NDArray[np.int16]

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.texts) == len(self.spans):
            raise DataError(
                "every line has one text and one row of spans",
                given=f"{len(self.images):,} pictures, {len(self.texts):,} texts, {len(self.spans):,} rows of spans",
            )

    def __len__(self) -> int:
        return len(self.texts)


@shown_briefly
@dataclass(frozen=True, eq=False)
class DigitLines:
    """The three parts, and where the digits are from.

    Args:
        train, validation, test: lines; no digit is in two of them.
        source: ``mnist`` or ``digits``.
        seed: what they were composed with.
    """

    train: WrittenLines
    validation: WrittenLines
    test: WrittenLines
    source: str
    seed: int


def load(
    seed: int = 0, *, train: int = 12_000, validation: int = 1_000, test: int = 2_000, source: str = "auto"
) -> DigitLines:
    """Compose the three parts.

    Args:
        seed: of everything; another seed composes other lines of the same digits.
        train, validation, test: how many lines of each; MNIST's 60,000 training digits fill about 9,000 lines once.
        source: ``mnist``, ``digits`` (scikit-learn's, always there), or ``auto``: MNIST where it can be found.

    Raises:
        ConfigurationError: an unknown source, a number of lines below 1, a seed below 0.
        SourceError: MNIST is asked for and can be neither found nor fetched.

    Example:
        >>> lines = load(seed=0, train=2, validation=1, test=1, source="digits")
        >>> lines.train.images.shape, len(lines.train.texts)
        ((2, 32, 192, 1), 2)
    """
    if source not in SOURCES:
        raise ConfigurationError(
            "lines are composed of no such digits", where="source", given=repr(source), expected=", ".join(SOURCES)
        )
    for what, number, least in (
        ("seed", seed, 0),
        ("train", train, 1),
        ("validation", validation, 1),
        ("test", test, 1),
    ):
        if number < least:
            raise ConfigurationError("too small a number", where=what, given=str(number), expected=f"{least} or more")
    data, found = _digits(source)
    assert data.test is not None
    learn, choose = split_validation(data.train, _VALIDATION, seed=0)
    return DigitLines(
        train=compose(learn, train, seed, _TRAIN),
        validation=compose(choose, validation, seed, _CHOOSE),
        test=compose(data.test, test, seed, _TEST),
        source=found,
        seed=seed,
    )


def examples(count: int, seed: int = 0, source: str = "auto") -> tuple[Pixels, tuple[str, ...]]:
    """The first training lines and their texts, to look at.

    Example:
        >>> pictures, texts = examples(3, source="digits")
        >>> pictures.shape, all(3 <= len(text) <= 10 for text in texts)
        ((3, 32, 192, 1), True)
    """
    lines = load(seed, train=count, validation=1, test=1, source=source).train
    return lines.images, lines.texts


def compose(pool: Split, count: int, seed: int, part: int) -> WrittenLines:
    """``count`` lines of the digits in ``pool``, whose pictures are square and light on dark, 28 × 28 or smaller.

    Example:
        >>> pool = Split(np.full((1, 28, 28, 1), 255, np.uint8), np.array([7]))
        >>> set(compose(pool, 2, seed=1, part=0).texts[0])
        {'7'}
    """
    glyphs, boxes = _prepared(pool.images[..., 0])
    images = np.empty((count, HEIGHT, WIDTH, 1), np.uint8)
    spans = np.full((count, LONGEST, 2), -1, np.int16)
    texts = []
    for index in range(count):
        random = np.random.default_rng([seed, part, index])
        chosen = random.integers(0, len(pool), random.integers(SHORTEST, LONGEST + 1))
        ink, places = _written(glyphs[chosen], boxes[chosen], random)
        images[index, ..., 0] = _on_ground(ink, random)
        spans[index, : len(chosen)] = places
        texts.append("".join(LETTERS[label] for label in pool.labels[chosen]))
    return WrittenLines(images, tuple(texts), spans)


def _digits(source: str) -> tuple[DataSet, str]:
    if source != "digits":
        try:
            return mnist.load(), "mnist"
        except SourceError:
            if source == "mnist":
                raise
    return digits.load(), "digits"


def _prepared(images: Pixels) -> tuple[Pixels, NDArray[np.float64]]:
    """Pictures in which a digit fills about 20 × 20, and the box that each digit takes: left, top, right, bottom."""
    from PIL import Image

    side = images.shape[1]
    if side < 28:
        size = (_BOX, _BOX)
        images = np.stack([np.asarray(Image.fromarray(i).resize(size, Image.Resampling.BICUBIC)) for i in images])
    inked = images > 64
    boxes = np.empty((len(images), 4))
    for axis, (first, last) in ((1, (0, 2)), (2, (1, 3))):
        seen: NDArray[np.bool_] = np.asarray(inked.any(axis=axis))
        boxes[:, first] = seen.argmax(axis=1)
        boxes[:, last] = seen.shape[1] - seen[:, ::-1].argmax(axis=1)
    return images, boxes


def _written(
    glyphs: Pixels, boxes: NDArray[np.float64], random: np.random.Generator
) -> tuple[Pixels, NDArray[np.int16]]:
    """The ink of a line, and the columns of each digit."""
    count = len(glyphs)
    sizes = random.uniform(17.0, 25.0) / _BOX * random.uniform(0.9, 1.1, count)
    slants = np.clip(random.normal(0.0, 0.15) + random.normal(0.0, 0.06, count), -0.4, 0.4)
    gaps = random.uniform(-3.5, 5.0) + random.normal(0.0, 1.0, count)
    widths = sizes * (boxes[:, 2] - boxes[:, 0]) + 0.5 * np.abs(slants) * sizes * (boxes[:, 3] - boxes[:, 1])
    shrink = min(1.0, (WIDTH - 2 * _MARGIN) / (widths.sum() + gaps[1:].sum()))
    sizes, gaps, widths = sizes * shrink, gaps * shrink, widths * shrink
    slack = WIDTH - 2 * _MARGIN - (widths.sum() + gaps[1:].sum())
    centres = np.cumsum(widths) - widths / 2 + np.concatenate([[0.0], np.cumsum(gaps[1:])])
    centres += _MARGIN + random.uniform(0.0, 1.0) * max(slack, 0.0)
    heights = sizes * (boxes[:, 3] - boxes[:, 1])
    room = np.maximum(0.0, (HEIGHT - heights) / 2 - 0.5)
    levels = (
        random.uniform(-3.0, 3.0) + random.uniform(-0.02, 0.02) * (centres - WIDTH / 2) + random.normal(0, 0.8, count)
    )
    middles = HEIGHT / 2 + np.clip(levels, -room, room)
    ink = np.zeros((HEIGHT, WIDTH), np.uint8)
    for glyph, box, size, slant, x, y, half in zip(
        glyphs, boxes, sizes, slants, centres, middles, widths / 2, strict=True
    ):
        _draw(ink, glyph, box, size, slant, x, y, half)
    places = np.stack([np.floor(centres - widths / 2), np.ceil(centres + widths / 2)], axis=1)
    return ink, np.clip(places, 0, WIDTH).astype(np.int16)


def _draw(
    ink: Pixels, glyph: Pixels, box: NDArray[np.float64], size: float, slant: float, x: float, y: float, half: float
) -> None:
    """One digit, its box's middle at (x, y), scaled by ``size`` and leaning to the right by ``slant``, laid over the ink.

    Of two digits that overlap, the lighter value stays: ink on ink is ink.
    """
    from PIL import Image

    left, right = max(floor(x - half) - 2, 0), min(ceil(x + half) + 2, WIDTH)
    middle_x, middle_y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    # Pillow asks where in the glyph a point (u, v) of the result comes from: (u − x + slant · (v − y)) / size + middle.
    turn = (
        1 / size, slant / size, middle_x + (left - x - slant * y) / size,
        0.0, 1 / size, middle_y - y / size,
    )  # fmt: skip
    drawn = Image.fromarray(glyph).transform(
        (right - left, HEIGHT), Image.Transform.AFFINE, turn, Image.Resampling.BILINEAR
    )
    place = ink[:, left:right]
    np.maximum(place, np.asarray(drawn), out=place)


def _on_ground(ink: Pixels, random: np.random.Generator) -> Pixels:
    """Ink of one strength on a ground whose level drifts over the line, with noise over both."""
    from PIL import Image

    drift = Image.fromarray(random.normal(0.0, random.uniform(0.0, 14.0), (2, 6)).astype(np.float32))
    ground = random.uniform(0.0, 60.0) + np.asarray(drift.resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC))
    share = ink.astype(np.float32) / 255.0
    picture = ground + share * (random.uniform(160.0, 255.0) - ground)
    picture += random.uniform(0.0, 16.0) * random.standard_normal((HEIGHT, WIDTH), np.float32)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)
