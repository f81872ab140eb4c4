"""Augmentation against NumPy, picture by picture, and the promises that hold for every operation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates
from scipy.stats import beta, kstest

from foveal.data.augmentation.pipeline import (
    Augmentation,
    Brightness,
    Contrast,
    Crop,
    Erase,
    Flip,
    Mixup,
    Operation,
    Rotate,
    Shift,
    parse,
)
from foveal.errors import ConfigurationError

EVERY = [Shift(2), Crop(2), Flip(), Rotate(20), Brightness(), Contrast(), Erase()]
SIZES = st.tuples(st.integers(1, 6), st.sampled_from([1, 3]), st.integers(5, 9), st.integers(5, 9))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n: int, c: int, h: int, w: int, *, seed: int = 0) -> torch.Tensor:
    """Random bytes as N × C × H × W in channels_last memory, no zero among them."""
    random = np.random.default_rng(seed)
    return torch.from_numpy(random.integers(1, 256, (n, h, w, c), dtype=np.uint8)).permute(0, 3, 1, 2)


def shifted(picture: np.ndarray, down: int, right: int) -> np.ndarray:
    """NumPy's own: C × H × W moved, zeros coming in."""
    out = np.zeros_like(picture)
    _, h, w = picture.shape
    for y in range(h):
        for x in range(w):
            if 0 <= y - down < h and 0 <= x - right < w:
                out[:, y, x] = picture[:, y - down, x - right]
    return out


@given(size=SIZES, pixels=st.integers(1, 4), seed=st.integers(0, 999))
def test_a_shift_is_one_of_the_possible_ones(size: tuple[int, int, int, int], pixels: int, seed: int) -> None:
    x = batch(*size, seed=seed)
    got = Shift(pixels)(x, generator(seed)).numpy()
    steps = range(-pixels, pixels + 1)
    for before, after in zip(x.numpy(), got, strict=True):
        assert any((shifted(before, dy, dx) == after).all() for dy in steps for dx in steps)


@given(
    size=SIZES, padding=st.integers(0, 4), cut=st.tuples(st.integers(1, 9), st.integers(1, 9)), seed=st.integers(0, 99)
)
def test_a_crop_is_a_window_of_the_mirrored_picture(
    size: tuple[int, int, int, int], padding: int, cut: tuple[int, int], seed: int
) -> None:
    x = batch(*size, seed=seed)
    height, width = min(cut[0], size[2] + 2 * padding), min(cut[1], size[3] + 2 * padding)
    got = Crop(padding, (height, width))(x, generator(seed)).numpy()
    padded = np.pad(x.numpy(), ((0, 0), (0, 0), (padding, padding), (padding, padding)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (height, width), axis=(2, 3))
    for each, after in zip(windows, got, strict=True):
        assert any((each[:, i, j] == after).all() for i in range(each.shape[1]) for j in range(each.shape[2]))


def test_every_shift_occurs_equally_often() -> None:
    x = torch.zeros(20_000, 1, 5, 5, dtype=torch.uint8)
    x[:, :, 2, 2] = 1
    places = Shift(2)(x, generator()).sum(0)[0]
    assert places.sum() == 20_000
    assert (places - 800).abs().max() < 6 * 28  # binomial, standard deviation 28


def test_a_flip_mirrors_some_and_leaves_the_others() -> None:
    x = batch(2000, 1, 3, 4)
    got = Flip(0.25)(x, generator())
    mirrored = (got == x.flip(3)).all(dim=(1, 2, 3))
    same = (got == x).all(dim=(1, 2, 3))
    assert (mirrored ^ same).all()
    assert 400 < mirrored.sum() < 600
    assert torch.equal(Flip(0)(x, generator()), x)
    assert torch.equal(Flip(1)(x, generator()), x.flip(3))


@given(angle=st.floats(-180, 180), height=st.integers(4, 9), width=st.integers(4, 9))
def test_a_turn_is_scipys(angle: float, height: int, width: int) -> None:
    x = batch(1, 1, height, width, seed=3).float() / 255

    fixed = torch.tensor([angle / 360 + 0.5]).reshape(1, 1, 1, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("foveal.data.augmentation.operations.torch.rand", lambda *a, **k: fixed)
        got = Rotate(180)(x, generator())[0, 0].numpy()
    turn = np.radians(angle)
    middle = np.array([(height - 1) / 2, (width - 1) / 2])
    y, z = np.meshgrid(np.arange(height) - middle[0], np.arange(width) - middle[1], indexing="ij")
    places = [middle[0] + y * np.cos(turn) + z * np.sin(turn), middle[1] - y * np.sin(turn) + z * np.cos(turn)]
    padded = np.pad(x[0, 0].numpy(), 2)
    expected = map_coordinates(padded, [p + 2 for p in places], order=1, mode="constant")
    np.testing.assert_allclose(got, expected, atol=1e-4)


def test_brightness_adds_one_number_a_picture() -> None:
    x = torch.full((500, 3, 2, 2), 0.5)
    got = Brightness(0.2)(x, generator())
    change = (got - x).reshape(500, -1)
    assert torch.equal(change.amin(1), change.amax(1))
    assert -0.2 <= change.min() < -0.15
    assert 0.15 < change.max() <= 0.2
    assert Brightness(1.0)(x, generator()).min() == 0.0


def test_contrast_keeps_the_mean_and_scales_the_rest() -> None:
    x = 0.4 + 0.2 * torch.rand(300, 3, 4, 4, generator=generator(1))
    got = Contrast(0.3)(x, generator())
    torch.testing.assert_close(got.mean(dim=(1, 2, 3)), x.mean(dim=(1, 2, 3)))
    factor = got.std(dim=(1, 2, 3)) / x.std(dim=(1, 2, 3))
    assert 0.7 - 1e-4 <= factor.min() < 0.75
    assert 1.25 < factor.max() <= 1.3 + 1e-4


@given(size=SIZES, seed=st.integers(0, 999), fill=st.sampled_from([0.0, 1.0]))
def test_erasing_blanks_one_rectangle(size: tuple[int, int, int, int], seed: int, fill: float) -> None:
    x = batch(*size, seed=seed).clamp(max=254)
    got = Erase(1.0, (0.1, 0.4), fill=fill)(x, generator(seed))
    for before, after in zip(x, got, strict=True):
        hole = (after == round(255 * fill)).all(0)
        assert hole.any()
        rows, columns = hole.any(1).nonzero().flatten(), hole.any(0).nonzero().flatten()
        box = torch.zeros_like(hole)
        box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
        assert torch.equal(box, hole)
        assert torch.equal(after[:, ~hole], before[:, ~hole])


def test_erasing_keeps_to_its_area_and_probability() -> None:
    x = torch.ones(4000, 1, 40, 40)
    share = 1 - Erase(0.5, (0.1, 0.3))(x, generator()).mean(dim=(1, 2, 3))
    hit = share > 0
    assert 1850 < hit.sum() < 2150
    assert share[hit].min() > 0.07
    assert 0.25 < share[hit].max() < 0.34
    assert 0.19 < share[hit].mean() < 0.21


def test_mixups_lambda_follows_the_beta_distribution() -> None:
    for alpha in (0.2, 1.0, 4.0):
        lam = Mixup(alpha).draw(4000, generator(), torch.device("cpu")).double().numpy()
        assert kstest(lam, beta(alpha, alpha).cdf).pvalue > 0.01


def test_mixup_mixes_with_the_neighbour() -> None:
    x, y = torch.rand(5, 1, 2, 2, generator=generator()), torch.arange(5)
    mixed, own, other, lam = Mixup()(x, y, torch.tensor(0.25))
    torch.testing.assert_close(mixed, 0.25 * x + 0.75 * x[other])
    assert torch.equal(own, y)
    assert other.tolist() == [4, 0, 1, 2, 3]
    assert lam.item() == 0.25


@pytest.mark.parametrize("operation", EVERY, ids=lambda each: type(each).__name__)
@pytest.mark.parametrize("channels", [1, 3])
def test_what_every_operation_promises(operation: Operation, channels: int) -> None:
    x = batch(7, channels, 8, 6)
    x = x.float().div(255) if operation.needs_float else x
    kept = x.clone()
    first, again, other = (operation(x, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(x, kept), "the batch that was given is changed"
    assert first.shape == x.shape
    assert first.dtype == x.dtype
    assert first.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(first, again), "the same state gives other bits"
    assert not torch.equal(first, other), "another state changes nothing"
    assert operation(x[:0], generator()).shape[0] == 0


def test_a_pipeline_converts_where_it_must() -> None:
    x = batch(4, 1, 8, 8)
    assert Augmentation((Shift(1), Flip()))(x, generator()).dtype == torch.uint8
    got = Augmentation((Shift(1), Brightness(0.0)))(x, generator(5))
    torch.testing.assert_close(got, Shift(1)(x, generator(5)).float() / 255)
    assert Augmentation()(x, generator()) is x


def test_parse_reads_what_it_writes() -> None:
    augment = parse(" shift , crop=3, flip=0.25,rotate=15, brightness,contrast=0.1,erase,mixup=0.4")
    assert augment.operations == (
        Shift(2),
        Crop(3),
        Flip(0.25),
        Rotate(15.0),
        Brightness(),
        Contrast(0.1),
        Erase(),
    )
    assert augment.mixup == Mixup(0.4)
    assert parse(str(augment)) == augment
    assert parse("") == parse("none") == Augmentation()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("shfit=2", "augment: there is no such augmentation\n  given     'shfit=2'"),
        ("shfit=2", "to fix    shift"),
        ("shift=two", "shift takes a whole number\n  given     'shift=two'\n  to fix    shift=2"),
        ("shift=1.5", "shift takes a whole number"),
        ("flip=x", "flip takes a number"),
        ("flip=2", "flip is out of range\n  given     2\n  expected  0 to 1"),
        ("rotate=nan", "rotate is out of range"),
        ("shift=0", "shift is out of range\n  given     0\n  expected  1 to 4096"),
        ("mixup=0", "mixup is out of range"),
        ("flip,flip", "flip is given twice"),
        ("shift,,flip", "there is no such augmentation"),
    ],
)
def test_parse_explains(text: str, says: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        parse(text)
    assert says in str(error.value)


def test_a_crop_that_does_not_fit() -> None:
    with pytest.raises(ConfigurationError, match="the crop does not fit") as error:
        Crop(0, (9, 4))(batch(1, 1, 8, 8), generator())
    assert "padding 0, window 9 × 4, pictures 8 × 8" in str(error.value)
