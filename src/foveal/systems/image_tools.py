"""Small things that systems of pictures share: back to pixels, a picture in characters."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.errors import ConfigurationError, ImageError
from foveal.printable import printable
from foveal.runs.answers import Answer, Unanswered

if TYPE_CHECKING:
    from foveal.backends.torch import Network

SHADES = " .:-=+*#%@"


def as_pixels(values: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Values from 0 to 1 as uint8; what lies outside is cut off.

    Example:
        >>> as_pixels(np.array([-0.2, 0.5, 1.0])).tolist()
        [0, 128, 255]
    """
    return np.asarray(np.rint(255 * np.clip(values, 0, 1)), dtype=np.uint8)


def as_values(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    """uint8 pictures as values from 0 to 1.

    Example:
        >>> as_values(np.array([0, 51], np.uint8)).tolist()
        [0.0, 0.20000000298023224]
    """
    return pictures.astype(np.float32) / np.float32(255)


def squared_error(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """The mean squared error a pixel, for values from 0 to 1.

    Example:
        >>> squared_error(np.array([0.0, 1.0]), np.array([0.0, 0.5]))
        0.125
    """
    return float(np.mean((np.asarray(found, np.float64) - np.asarray(wanted, np.float64)) ** 2))


def signal_to_noise(error: float) -> float:
    """The peak signal-to-noise ratio, −10 log₁₀ of the mean squared error, in decibels.

    Example:
        >>> signal_to_noise(0.01)
        20.0
    """
    return float(-10 * np.log10(max(error, 1e-12)))


def in_characters(picture: NDArray[np.uint8]) -> str:
    """A picture (height, width, channels) as lines of characters, two a pixel.

    Example:
        >>> in_characters(np.array([[[0], [255]]], np.uint8))
        '  @@'
    """
    grey = picture.astype(np.float64).mean(-1)
    levels = np.rint(grey / 255 * (len(SHADES) - 1)).astype(int)
    return "\n".join("".join(SHADES[level] * 2 for level in row) for row in levels)


def seed_of(question: str) -> int:
    """The seed that a person gave.

    Raises:
        ConfigurationError: no whole number.

    Example:
        >>> seed_of("7")
        7
    """
    if not question.strip().isdecimal():
        raise ConfigurationError(
            "a picture is made of a seed",
            where="foveal predict",
            given=repr(question),
            expected="a whole number, 0 or more",
            fix="foveal predict MODEL 1 2 3",
        )
    return int(question)


def said_of_images(module: Network, questions: Sequence[str], say: Callable[[NDArray[np.uint8]], str]) -> Iterator[str]:
    """A line for each image of each question; an image that cannot be read is an answer that says why.

    Args:
        module: whose input shape the images are brought to.
        questions: paths of images, or folders of them.
        say: what is said of one image, uint8 (1, height, width, channels).
    """
    from foveal.data.sources.images import read
    from foveal.inference.image_predictions import listed

    height, width, channels = (int(n or 1) for n in module.input_shape.axes)
    for question in questions:
        lines = []
        for path in listed([question]):
            try:
                image = read(path, (height, width), channels=channels)
            except ImageError as error:
                yield Unanswered(str(error), str(path))
                continue
            lines.append(f"{printable(str(path))}: {say(image[None])}")
        if lines:
            yield Answer("\n".join(lines), question)
