"""Data sets brought to another size: any number of channels, and one sentence where channels mean nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foveal.data import from_arrays, load
from foveal.data.resizing import brought_to
from foveal.errors import ConfigurationError, DataError


def pictures(depth: int, seed: int = 0, height: int = 9, width: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (3, height, width, depth), dtype=np.uint8)


@given(
    depth=st.integers(1, 9), seed=st.integers(0, 99), size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    fit=st.sampled_from(["crop", "pad", "stretch"]),
)  # fmt: skip
def test_every_channel_is_resized_on_its_own(depth: int, seed: int, size: tuple[int, int], fit: str) -> None:
    data = from_arrays(pictures(depth, seed), [0, 1, 0])
    got = brought_to(data, size, None, fit).train.images  # type: ignore[arg-type]
    assert got.shape == (3, *size, depth)
    for band in range(depth):
        alone = from_arrays(data.train.images[..., band], [0, 1, 0])
        np.testing.assert_array_equal(got[..., band], brought_to(alone, size, None, fit).train.images[..., 0])  # type: ignore[arg-type]


def test_stretching_is_pillows() -> None:
    images = pictures(5)
    got = brought_to(from_arrays(images, [0, 1, 0]), (4, 6), 5, "stretch").train.images
    for image, new in zip(images, got, strict=True):
        for band in range(5):
            pillow = Image.fromarray(image[..., band]).resize((6, 4), Image.Resampling.BICUBIC)
            np.testing.assert_array_equal(new[..., band], np.asarray(pillow))


@pytest.mark.parametrize("depth", [2, 5, 7])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_channels_that_are_no_colours(depth: int, channels: int, tmp_path: Path) -> None:
    np.savez(tmp_path / "m.npz", images=pictures(depth), labels=[0, 1, 0])
    assert load(tmp_path / "m.npz", channels=depth, size=(4, 4)).shape == (4, 4, depth)
    with pytest.raises(DataError, match="no meaning as grey or as colour") as error:
        load(tmp_path / "m.npz", channels=channels)
    assert f"{depth} channels as they are" in str(error.value)


def test_grey_and_colour_and_transparency() -> None:
    grey = from_arrays(pictures(1), [0, 1, 0])
    np.testing.assert_array_equal(
        brought_to(grey, None, 3, "crop").train.images, np.repeat(grey.train.images, 3, axis=3)
    )
    colour = from_arrays(pictures(3), [0, 1, 0])
    expected = colour.train.images @ np.array([0.299, 0.587, 0.114])
    assert np.abs(brought_to(colour, None, 1, "crop").train.images[..., 0] - expected).max() <= 1
    clear = from_arrays(pictures(4), [0, 1, 0])
    share = clear.train.images[..., 3:] / 255
    got = brought_to(clear, None, 3, "crop")
    assert np.abs(got.train.images - (clear.train.images[..., :3] * share + 255 * (1 - share))).max() <= 1
    assert got.notes == ("the fourth channel was taken for transparency, and the pictures were laid on white",)
    assert brought_to(clear, (4, 4), None, "crop").shape == (4, 4, 4)


@pytest.mark.parametrize(
    "size", [(0, 4), (4,), (4, 4, 4), "44", 4, (4.5, 4), (-1, 4), (10**6, 1), (60_000, 60_000), (None, 3)]
)
def test_sizes_that_are_none(size: object) -> None:
    with pytest.raises(ConfigurationError, match="a size is a height and a width"):
        load("digits", size=size)  # type: ignore[arg-type]


def test_other_words_and_numbers(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no such way to fit"):
        load("digits", size=(9, 9), fit="squash")  # type: ignore[arg-type]
    for channels in (0, 2, 4, -1):
        with pytest.raises(DataError, match="no meaning as grey or as colour"):
            load("digits", channels=channels)
    with pytest.raises(DataError, match="do not fit into memory together"):
        load("digits", size=(4000, 4000))
    assert load("digits", size=[9, 8]).shape == (9, 8, 1)  # type: ignore[arg-type]


def test_what_was_resized_is_said() -> None:
    """A network measured on pictures of another size and colour sees them brought to its own."""
    grey = from_arrays(pictures(1), [0, 1, 0])
    height, width = grey.shape[:2]
    assert brought_to(grey, (5, 6), 3, "crop").notes == (
        f"pictures of {height} × {width} × 1 were brought to 5 × 6 × 3",
    )
    assert brought_to(grey, (height, width), 1, "crop").notes == ()
