"""Arrays in the forms people have, and .npz files that mean well or not."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.data import from_arrays, read_npz
from foveal.data.sources.arrays import as_images, as_labels
from foveal.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (6, 5, 7, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    "form",
    [
        PIXELS,
        PIXELS.astype(np.int64),
        PIXELS.astype(np.float64),
        PIXELS / 255.0,
        (PIXELS / 255.0).astype(np.float32),
        np.moveaxis(PIXELS, -1, 1),
    ],
    ids=["uint8", "int64", "whole floats", "fractions", "float32", "channels first"],
)
def test_every_form_gives_the_same_pixels(form: np.ndarray) -> None:
    got = as_images(form, "x")
    assert got.dtype == np.uint8
    assert got.flags.c_contiguous
    np.testing.assert_array_equal(got, PIXELS)


def test_grey_without_a_channel_axis_and_truth_values() -> None:
    assert as_images(PIXELS[..., 0], "x").shape == (6, 5, 7, 1)
    assert set(np.unique(as_images(PIXELS > 100, "x"))) == {0, 255}


def test_a_table_stays_a_table() -> None:
    data = from_arrays([[1.5, 2.0], [3.0, 4.0]], [0, 1])
    assert data.is_table
    assert data.train.images.dtype == np.float32


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (np.full((1, 2, 2), 300), "300"),
        (np.full((1, 2, 2), -1.5), "not pixels"),
        (np.full((1, 2, 2), np.nan), "not pixels"),
        (np.zeros(3), "not pictures"),
        (np.array([["a"]]), "not numbers"),
        (np.array([[1.0, np.inf]]), "x, row 0, column 1: a value is not finite"),
        (np.array([[1.0, 1e300]]), "x, row 0, column 1: a value is not finite, or too large for float32"),
        ([np.zeros((2, 2)), np.zeros((3, 3))], "x: these do not make one array"),
    ],
)
def test_what_is_no_picture(values: np.ndarray, says: str) -> None:
    with pytest.raises(DataError) as error:
        as_images(values, "x")
    assert says in str(error.value)


@given(labels=st.lists(st.integers(0, 4), min_size=1, max_size=20))
def test_labels_in_their_forms(labels: list[int]) -> None:
    array = np.array(labels)
    for form in (array, array[:, None], array.astype(np.uint8), array.astype(float), np.eye(5)[array]):
        np.testing.assert_array_equal(as_labels(form, "y"), array)


@pytest.mark.parametrize(
    ("labels", "says"),
    [
        ([0, 1, -1], "y, row 2: a label is out of range"),
        ([0, 5], "y, row 1: a label is out of range\n  given     5\n  expected  0 to 2"),
        ([0.0, 0.5], "y, row 1: a label is not a whole number"),
        ([0.0, np.nan], "y, row 1: a label is not a whole number"),
        ([[0, 1], [1, 1]], "labels are whole numbers, one a picture"),
        (["cat"], "labels are whole numbers, one a picture"),
    ],
)
def test_labels_that_are_none(labels: list[object], says: str) -> None:
    with pytest.raises(DataError) as error:
        as_labels(np.array(labels), "y", 3)
    assert says in str(error.value)


@pytest.mark.parametrize(
    "keys",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("X_train", "y_train", "X_test", "y_test"),
    ],
)
def test_npz_with_both_parts(keys: tuple[str, ...], tmp_path: Path) -> None:
    values = (PIXELS, np.arange(6)[:, None] % 3, PIXELS[:2], np.array([1, 2]))
    np.savez_compressed(tmp_path / "d.npz", **dict(zip(keys, values, strict=True)))
    data = read_npz(tmp_path / "d.npz", classes=["a", "b", "c"])
    np.testing.assert_array_equal(data.train.images, PIXELS)
    assert data.train.labels.tolist() == [0, 1, 2, 0, 1, 2]
    assert data.test is not None
    assert data.test.labels.tolist() == [1, 2]
    assert data.classes == ("a", "b", "c")


@pytest.mark.parametrize("keys", [("images", "labels"), ("x", "y"), ("data", "target"), ("arr_0", "arr_1")])
def test_npz_with_one_part(keys: tuple[str, str], tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", **{keys[0]: PIXELS, keys[1]: np.arange(6)})
    data = read_npz(tmp_path / "d.npz")
    assert (len(data.train), data.test, data.name) == (6, None, "d")


def test_a_validation_part_is_joined_and_said(tmp_path: Path) -> None:
    y = np.zeros(6, int)
    np.savez(tmp_path / "d.npz", train_images=PIXELS, train_labels=y, val_images=PIXELS[:2], val_labels=y[:2])
    data = read_npz(tmp_path / "d.npz")
    assert len(data.train) == 8
    assert data.notes == ("2 pictures of the file's validation part are counted as training pictures",)


def test_npz_never_unpickles(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", images=np.array([{"a": 1}], dtype=object), labels=[0])
    with pytest.raises(DataError, match="unpickled"):
        read_npz(tmp_path / "d.npz")


def test_npz_that_announces_more_than_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    head = b"{'descr': '|u1', 'fortran_order': False, 'shape': (1000000, 1000, 1000), }"
    head += b" " * (64 - (10 + len(head) + 1) % 64) + b"\n"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("images.npy", b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + b"abc")
        archive.writestr("labels.npy", b"")
    with pytest.raises(DataError, match="announced larger") as error:
        read_npz(path)
    assert "1,000,000,000,000 bytes announced" in str(error.value)


@pytest.mark.parametrize("data", [b"", b"no archive", b"PK\x03\x04 cut"])
def test_what_is_no_npz(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "d.npz"
    path.write_bytes(data)
    with pytest.raises(DataError, match="the archive cannot be read"):
        read_npz(path)


def test_npz_with_a_damaged_member(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "d.npz", "w") as archive:
        archive.writestr("images.npy", b"nothing of numpy's")
        archive.writestr("labels.npy", b"")
    with pytest.raises(DataError, match="the array is damaged"):
        read_npz(tmp_path / "d.npz")


def test_npz_with_unknown_keys(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", weights=PIXELS)
    with pytest.raises(DataError, match="none of the usual names") as error:
        read_npz(tmp_path / "d.npz")
    assert "given     weights" in str(error.value)


def test_half_a_test_part() -> None:
    with pytest.raises(DataError, match="both pictures and labels"):
        from_arrays(PIXELS, np.zeros(6, int), PIXELS)


@pytest.mark.parametrize("scale", ["x / 255.0", "x / 65535.0", "(x + 1) / 2"])
def test_the_repair_for_a_range_means_the_same(scale: str) -> None:
    """Applied, it gives the pixels that such values stand for."""
    fractions = np.arange(24).reshape(1, 4, 6) / 23
    x = {"x / 255.0": fractions * 255, "x / 65535.0": np.rint(fractions * 65535), "(x + 1) / 2": fractions * 2 - 1}[
        scale
    ]
    with pytest.raises(DataError, match="not pixels") as error:
        as_images(x, "x")
    assert error.value.fix[0].startswith(scale)
    np.testing.assert_array_equal(as_images(eval(scale), "x")[..., 0], np.rint(fractions * 255))


def test_what_was_assumed_of_arrays_is_said() -> None:
    first = np.zeros((2, 3, 8, 9), np.uint8) + 7
    assert from_arrays(first, [0, 1]).notes == (
        "images: 2 × 3 × 8 × 9 was read as channels first, 3 channels of 8 × 9",
    )
    assert "nearly black" in from_arrays(np.eye(4, dtype=np.int64)[None].repeat(2, 0), [0, 1]).notes[0]
    assert from_arrays(np.eye(4)[None].repeat(2, 0), [0, 1]).notes == ()


def test_other_byte_orders_and_long_doubles() -> None:
    for kind in (">i4", ">u2", ">f4", ">f8", np.longdouble, np.float16):
        np.testing.assert_array_equal(as_images(PIXELS.astype(kind), "x"), PIXELS)
        np.testing.assert_array_equal(as_labels(np.arange(5).astype(kind), "y"), np.arange(5))
