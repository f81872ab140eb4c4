"""The lecture's CSV: read exactly, and every mistake found with its file, row and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import foveal.data.sources.csvfile as csvfile
from foveal.data import read_csv
from foveal.errors import DataError


def lines(images: np.ndarray, labels: np.ndarray) -> list[list[str]]:
    return [[str(label), *map(str, image.ravel())] for image, label in zip(images, labels, strict=True)]


@given(
    count=st.integers(1, 12),
    side=st.integers(2, 5),
    channels=st.sampled_from([1, 3]),
    header=st.booleans(),
    newline=st.sampled_from(["\n", "\r\n"]),
    last=st.booleans(),
    separator=st.sampled_from([",", ";", "\t"]),
    messy=st.booleans(),
    seed=st.integers(0, 99),
)
def test_what_a_person_wrote_is_read(
    count: int,
    side: int,
    channels: int,
    header: bool,
    newline: str,
    last: bool,
    separator: str,
    messy: bool,
    seed: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, side, side, channels), dtype=np.uint8)
    labels = random.integers(0, 10, count)
    rows = lines(images, labels)
    if messy:  # what spreadsheets and pandas write
        rows[0][1] = f" {rows[0][1]}.0"
        rows[-1][2] = f'"{rows[-1][2]}"'
    if header:
        rows.insert(0, ["label", *(f"pixel{i}" for i in range(side * side * channels))])
    text = newline.join(separator.join(row) for row in rows) + (newline if last else "")
    path = tmp_path_factory.mktemp("csv") / "some.csv"
    path.write_bytes(text.encode())
    got_images, got_labels = read_csv(path, shape=(side, side, channels))
    np.testing.assert_array_equal(got_images, images)
    np.testing.assert_array_equal(got_labels, labels)


def test_785_columns_in_many_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "_BLOCK", 10_000)
    random = np.random.default_rng(0)
    images, labels = random.integers(0, 256, (500, 28, 28, 1), dtype=np.uint8), random.integers(0, 10, 500)
    path = tmp_path / "fashion.csv"
    path.write_text("\n".join(",".join(row) for row in lines(images, labels)))
    got_images, got_labels = read_csv(path)
    assert got_images.dtype == np.uint8
    np.testing.assert_array_equal(got_images, images)
    np.testing.assert_array_equal(got_labels, labels)


def test_the_plain_file_takes_the_fast_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile._Reading, "_slow", None)
    path = tmp_path / "a.csv"
    path.write_text("label,a,b,c,d\r\n3,0,1,22,255\r\n10,9,99,100,200\r\n")
    images, labels = read_csv(path)
    assert labels.tolist() == [3, 10]
    assert images.reshape(2, 4).tolist() == [[0, 1, 22, 255], [9, 99, 100, 200]]


def test_a_label_column_elsewhere_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"\xef\xbb\xbfp1,p2,p3,p4,class\n1,2,3,4,7\n")
    images, labels = read_csv(path)
    assert (images.ravel().tolist(), labels.tolist()) == ([1, 2, 3, 4], [7])


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "the file holds no picture"),
        ("label,a,b,c,d\n", "the file holds no picture"),
        ("1,2,3,4,5\n1,2,3,4\n", "bad.csv, row 2: a row has another number of columns"),
        ("1,2,3,4,5\n1,2,x,4,5\n", "bad.csv, row 2, column 3: a pixel is not a whole number\n  given     'x'"),
        ("label,a,b,c,d\n\n1,2,3,4,5\n1,2,3,,5\n", "bad.csv, row 4, column 4 (c): a pixel is missing"),
        ("1,2,3,4,5\n1,2,3,4,256\n", "row 2, column 5: a pixel is out of range\n  given     256"),
        ("1,2,3,4,-5\n", "row 1, column 5: a pixel is out of range\n  given     -5"),
        ("1,2,3,4,5\n1,2,3,4.5,5\n", "row 2, column 4: a pixel is not a whole number\n  given     '4.5'"),
        ("1,2,3,4,5\n1,2,3,nan,5\n", "row 2, column 4: a pixel is not a whole number\n  given     'nan'"),
        ("1,2,3,4,5\n1,2,3,1_0,5\n", "row 2, column 4: a pixel is not a whole number"),
        ("1,2,3,4,5\n9,2,3,4,5\n", "row 2, column 1 (the label): a label is out of range\n  given     9"),
        ("1,2,3,4,5\nfour,2,3,4,5\n", "row 2, column 1 (the label): a label is not a whole number"),
        ("cat,2,3,4,5\n1,2,3,4,5\n", "row 1, column 1 (the label): a label is not a whole number"),
        ("1,2,3,4\n", "the columns do not make a picture"),
        ("1,2,3,4\n", "put the label in a first column"),
        ("1,2,3,4,5,6\n", "shape=(height, width, channels)"),
    ],
)
def test_a_mistake_is_found_with_its_place(text: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_csv(path, classes=5)
    assert says in str(error.value)


@given(row=st.integers(0, 39), column=st.integers(0, 4), what=st.sampled_from(["", "x", "256", "-1", "1e9", "1.5"]))
def test_the_place_is_right_wherever_it_is(
    row: int, column: int, what: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    rows = [["1", "2", "3", "4", "5"] for _ in range(40)]
    rows[row][column] = what
    path = tmp_path_factory.mktemp("csv") / "bad.csv"
    path.write_text("\n".join(",".join(each) for each in rows))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csvfile, "_BLOCK", 64)
        with pytest.raises(DataError) as error:
            read_csv(path, classes=5)
    assert f"row {row + 1}, column {column + 1}" in str(error.value)


def test_a_shape_that_the_columns_do_not_make(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("1,2,3,4,5\n")
    with pytest.raises(DataError, match="do not make pictures of this shape") as error:
        read_csv(path, shape=(2, 3, 1))
    assert "2 × 3 × 1 = 6 pixels" in str(error.value)


def test_a_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "_LONGEST_LINE", 1000)
    monkeypatch.setattr(csvfile, "_BLOCK", 100)
    path = tmp_path / "a.csv"
    path.write_bytes(b"1" * 5000)
    with pytest.raises(DataError, match="too long"):
        read_csv(path)


def test_more_pixels_than_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "LIMIT", 15)
    path = tmp_path / "a.csv"
    path.write_text("1,2,3,4,5\n" * 4)
    with pytest.raises(DataError, match="holds too many pixels"):
        read_csv(path)
