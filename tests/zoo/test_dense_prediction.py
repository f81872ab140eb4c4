"""U-Net and the detector: sizes at the stages, and parameters against the paper's network and a sum by hand."""

from __future__ import annotations

import pytest

from foveal import zoo
from foveal.errors import ShapeError


def test_unet_has_the_sizes_of_figure_1_with_padding(sizes):
    one, two, three, four, five = (
        f"level1{''.join(f'/join/below/level{n}' for n in range(2, last + 1))}" for last in range(1, 6)
    )
    table = {
        f"{one}/contract": "64 × 64 × 16",
        f"{two}/contract": "32 × 32 × 32",
        f"{three}/contract": "16 × 16 × 64",
        f"{four}/contract": "8 × 8 × 128",
        f"{five}/contract": "4 × 4 × 256",
        f"{four}/join": "8 × 8 × 256",
        f"{three}/join/below/up": "16 × 16 × 64",
        f"{three}/join": "16 × 16 × 128",
        f"{two}/join": "32 × 32 × 64",
        f"{one}/join": "64 × 64 × 32",
        f"{one}/expand": "64 × 64 × 16",
        "classify": "64 × 64 × 11",
    }
    assert sizes(zoo.unet(), *table) == table


def test_unet_with_the_paper_s_maps_has_the_paper_s_parameters(count):
    """64 … 1024 maps on five levels, one channel in, two classes out: 31,030,658 as commonly counted from figure 1.

    That counts a bias for every map of the eighteen 3 × 3 convolutions; here each of these maps has a scale and a shift.
    """
    maps = 2 * (64 + 128 + 256 + 512 + 1024) + 2 * (512 + 256 + 128 + 64)
    tree = zoo.unet(2, (64, 64, 1), width=4.0, levels=5)
    assert count(tree).parameters == 31_030_658 + maps


def test_the_detector_sees_every_fourth_pixel_and_adds_up(sizes, count):
    tree = zoo.detector()
    stem, half, quarter, eighth, head = 32, 48, 64, 128, 128
    table = {"stem": "32 × 32 × 32", "half": "16 × 16 × 48", "quarter": "16 × 16 × 64", "join": "16 × 16 × 128",
             "join/below/eighth": "8 × 8 × 128", "answer": "16 × 16 × 15"}  # fmt: skip
    assert sizes(tree, *table) == table
    pairs = 3 * stem * 16 + 9 * (stem * half + half * quarter + 2 * quarter**2 + quarter * eighth + 2 * eighth**2)
    pairs += 9 * 2 * quarter * head
    norms = 2 * (stem + half + 3 * quarter + 3 * eighth + head)
    rest = (4 * eighth * quarter + quarter) + (head + 1) * 15
    assert count(tree).parameters == pairs + norms + rest


def test_sizes_that_cannot_be_halved_are_refused():
    with pytest.raises(ShapeError, match="halved 4 times"):
        zoo.unet(input_shape=(4, 4, 3))
    from foveal.backends.torch import build

    with pytest.raises(ShapeError):
        build(zoo.unet(input_shape=(40, 40, 3)))  # 40 → 20 → 10 → 5 → 2 → 4 ≠ 5
