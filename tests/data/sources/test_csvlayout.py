"""Which column of a CSV is the label, and what is said of it; files as spreadsheets, pandas and Kaggle leave them."""

from __future__ import annotations

import gzip
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from foveal.data import DataSet, load, read_csv
from foveal.data.dataset import check_classes
from foveal.data.published.catalogue import DataWarning
from foveal.data.sources import gzipped
from foveal.data.sources.csvfile import csv_data
from foveal.errors import DataError

RANDOM = np.random.default_rng(5)
COUNT = 60
LABELS = np.arange(COUNT) % 10
DARK = RANDOM.integers(0, 17, (COUNT, 8, 8))
DARK[:, 0, 0] = 0
LIGHT = RANDOM.integers(0, 256, (COUNT, 8, 8))
LAST = "the last column was taken for the label, by its values: the first one is not a label (--label first chooses it)"


def write(
    path: Path, *columns: np.ndarray | list[str], header: list[str] | None = None, separator: str = ",", end: str = "\n"
) -> Path:
    parts = [np.asarray(each).reshape(COUNT, -1).astype(str).tolist() for each in columns]
    rows = [[field for part in each for field in part] for each in zip(*parts, strict=True)]
    rows = [header, *rows] if header else rows
    path.write_bytes("".join(separator.join(row) + end for row in rows).encode())
    return path


def check(data: DataSet, pictures: np.ndarray, labels: np.ndarray, *notes: str) -> None:
    np.testing.assert_array_equal(data.train.images[..., 0], pictures)
    np.testing.assert_array_equal(data.train.labels, labels)
    assert data.notes == notes


@pytest.mark.parametrize("pictures", [DARK, LIGHT], ids=["dark", "light"])
def test_the_label_is_first_or_last_by_its_values(pictures: np.ndarray, tmp_path: Path) -> None:
    check(load(write(tmp_path / "last.csv", pictures, LABELS)), pictures, LABELS, LAST)
    first = load(write(tmp_path / "first.csv", LABELS, LIGHT))
    check(first, LIGHT, LABELS)


def test_where_either_may_be_it_the_first_is_and_it_is_said(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.csv", LABELS, DARK))
    check(
        data, DARK, LABELS,
        "the first column was taken for the label; by its values the last one could be it too (--label last chooses it)",
    )  # fmt: skip
    assert load(tmp_path / "a.csv", label="last").train.labels.tolist() == DARK[:, 7, 7].tolist()


def test_a_file_sorted_by_its_labels(tmp_path: Path) -> None:
    check(load(write(tmp_path / "first.csv", np.sort(LABELS), LIGHT)), LIGHT, np.sort(LABELS))
    check(load(write(tmp_path / "last.csv", LIGHT, np.sort(LABELS))), LIGHT, np.sort(LABELS), LAST)


def test_many_labels_beside_pixels_of_few_values(tmp_path: Path) -> None:
    drawn = np.zeros_like(DARK)  # the last pixel is nearly always 0, as in Fashion-MNIST
    drawn[::20, 7, 7] = 1
    check(load(write(tmp_path / "a.csv", LABELS, drawn)), drawn, LABELS)


def test_many_classes_of_few_pictures_stay_the_label(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.csv", np.arange(COUNT) % 50, DARK))
    assert data.train.labels.tolist() == (np.arange(COUNT) % 50).tolist()
    assert "by its values the last one could be it too" in data.notes[0]


def test_every_row_the_same_label_is_taken_as_usual_and_said(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.csv", np.zeros(COUNT, int), LIGHT))
    check(
        data, LIGHT, np.zeros(COUNT, int),
        "the first column was taken for the label, as is usual (--label chooses another one)",
    )  # fmt: skip
    with pytest.raises(DataError, match="one class alone") as error:
        check_classes(data)
    assert error.value.fix[1] == "--label COLUMN, if another column is the label"


@pytest.mark.parametrize("name", ["label", "Class", "TARGET", "y", "species", "digit", " labels "])
@pytest.mark.parametrize("place", [0, 30, 64])
def test_a_named_column_is_the_label_wherever_it_is(name: str, place: int, tmp_path: Path) -> None:
    flat = LIGHT.reshape(COUNT, 64)
    header = [f"pixel{i}" for i in range(64)]
    header.insert(place, name)
    path = write(tmp_path / "a.csv", flat[:, :place], LABELS, flat[:, place:], header=header)
    check(load(path), LIGHT, LABELS)


def test_a_column_whose_name_is_unlike_the_others(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", LIGHT, LABELS, header=[*(f"pixel{i}" for i in range(64)), "kind"])
    note = "the column kind was taken for the label: its name is unlike the others (--label chooses another one)"
    check(load(path), LIGHT, LABELS, note)


def test_two_columns_named_so_are_not_guessed_and_the_repairs_work(tmp_path: Path) -> None:
    names = ["class", *(f"pixel{i}" for i in range(63)), "label"]
    path = write(tmp_path / "a.csv", LABELS, LIGHT.reshape(COUNT, 64)[:, :63], LABELS, header=names)
    with pytest.raises(DataError, match="several columns may be the label") as error:
        load(path)
    assert [fix.split()[1].rstrip(",") for fix in error.value.fix] == ["class", "label"]
    assert load(path, label="label").train.labels.tolist() == LABELS.tolist()


@pytest.mark.parametrize(("label", "right"), [("last", True), (65, True), ("65", True), ("first", False), (1, False)])
def test_the_column_that_is_asked_for(label: str | int, right: bool, tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.csv", DARK, LABELS), label=label)
    assert (data.train.labels.tolist() == LABELS.tolist()) == right
    assert not any("taken for the label" in note for note in data.notes)


@pytest.mark.parametrize("label", ["kind", 0, 66, -1, "", "99999999999999999999"])
def test_a_column_that_is_not_there(label: str | int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", LABELS, DARK)
    with pytest.raises(DataError, match="no such column for the label") as error:
        load(path, label=label)
    assert "a number from 1 to 65" in str(error.value)
    with pytest.raises(DataError, match="only a CSV file has a column"):
        load("digits", label="last")


def test_read_csv_warns_of_what_it_assumes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", DARK, LABELS)
    with pytest.warns(DataWarning, match="the last column was taken for the label"):
        _, labels = read_csv(path)
    assert labels.tolist() == LABELS.tolist()
    np.testing.assert_array_equal(read_csv(path, label="last")[0][..., 0], DARK)


@pytest.mark.parametrize("first", [0, 1])
def test_a_header_of_bare_numbers_is_no_picture(first: int, tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", LABELS, LIGHT, header=[str(i + first) for i in range(65)])
    note = "the first line counts the columns (0, 1, 2, …): it was taken for a header, not for a picture"
    check(load(path), LIGHT, LABELS, note)
    path = write(tmp_path / "b.csv", LABELS, LIGHT, header=["label", *(str(i) for i in range(64))])
    check(load(path), LIGHT, LABELS)


def test_pandas_column_of_row_numbers_is_left_out(tmp_path: Path) -> None:
    header = ["", "label", *(f"p{i}" for i in range(64))]
    path = write(tmp_path / "a.csv", np.arange(COUNT) + 99_990, LABELS, LIGHT, header=header)
    check(load(path), LIGHT, LABELS, "the first column (without a name) numbers the rows, and was left out")


def test_labels_that_are_names(tmp_path: Path) -> None:
    words = [("wolf", "ant", "thé")[i % 3] for i in LABELS]
    for path in (
        write(tmp_path / "first.csv", words, LIGHT),
        write(tmp_path / "named.csv", LIGHT, words, header=[*(f"p{i}" for i in range(64)), "species"]),
        write(tmp_path / "quoted.csv", [f'"{word}"' for word in words], LIGHT, separator=";"),
    ):
        data = load(path)
        assert data.classes == ("ant", "thé", "wolf")
        assert [data.classes[i] for i in data.train.labels] == words
        np.testing.assert_array_equal(data.train.images[..., 0], LIGHT)
        assert data.notes == ()
    assert load(tmp_path / "first.csv", classes=["wolf", "thé", "ant"]).train.labels[0] == 0
    with pytest.raises(DataError, match="none of the classes") as error:
        load(tmp_path / "first.csv", classes=["wolf", "thé"])
    assert "row 2, column 1 (the label)" in str(error.value)


def test_names_and_numbers_mixed(tmp_path: Path) -> None:
    words = ["cat"] * COUNT
    words[41] = "7"
    with pytest.raises(DataError, match="names in some rows and numbers in others") as error:
        load(write(tmp_path / "a.csv", words, LIGHT), label="first")
    assert "row 42, column 1" in str(error.value)
    words[41] = ""
    with pytest.raises(DataError, match="a label is missing"):
        load(write(tmp_path / "a.csv", words, LIGHT), label="first")


def test_test_names_are_those_of_training(tmp_path: Path) -> None:
    words = [("wolf", "ant")[i % 2] for i in LABELS]
    train = write(tmp_path / "train.csv", words, LIGHT)
    write(tmp_path / "test.csv", ["wolf"] * COUNT, LIGHT)
    data = load(train)
    assert data.test is not None
    assert set(data.test.labels.tolist()) == {1}
    write(tmp_path / "test.csv", ["cow"] * COUNT, LIGHT)
    with pytest.raises(DataError, match="none of the classes"):
        load(train)


@pytest.mark.parametrize(
    ("header", "extra"), [(True, None), (False, None), (True, "id"), (True, "label")], ids=str
)  # fmt: skip
def test_a_test_file_without_labels_is_passed_over(header: bool, extra: str | None, tmp_path: Path) -> None:
    names = [f"pixel{i}" for i in range(64)]
    train = write(tmp_path / "train.csv", LABELS, LIGHT, header=["label", *names] if header else None)
    first: list[np.ndarray | list[str]] = (
        [] if extra is None else [[""] * COUNT if extra == "label" else np.arange(COUNT)]
    )
    write(tmp_path / "test.csv", *first, LIGHT, header=([extra] * bool(extra) + names) if header else None)
    data = load(train)
    assert data.test is None
    (note,) = data.notes
    assert note.startswith(f"{tmp_path / 'test.csv'} has no labels (")
    if extra != "label":
        with pytest.raises(DataError, match="there is no label column"):
            load(tmp_path / "test.csv")


def test_a_test_file_with_its_label_elsewhere(tmp_path: Path) -> None:
    names = [f"pixel{i}" for i in range(64)]
    train = write(tmp_path / "Train.csv", LABELS, LIGHT, header=["kind", *names])
    write(tmp_path / "Test.csv", LIGHT, LABELS, header=[*names, "kind"])
    data = load(train)
    assert data.test is not None
    assert data.test.labels.tolist() == LABELS.tolist()


def test_an_idx_test_file_without_labels_is_passed_over(tmp_path: Path) -> None:
    from foveal.data import write_idx

    write_idx(tmp_path / "train-images-idx3-ubyte", LIGHT.astype(np.uint8))
    write_idx(tmp_path / "train-labels-idx1-ubyte", LABELS.astype(np.uint8))
    write_idx(tmp_path / "t10k-images-idx3-ubyte", LIGHT.astype(np.uint8))
    data = load(tmp_path)
    assert data.test is None
    assert data.notes == (f"{tmp_path / 't10k-images-idx3-ubyte'} has no labels beside it, and was passed over",)


def test_gaps_between_labels_are_said(tmp_path: Path) -> None:
    data = load(write(tmp_path / "a.csv", LABELS + 1, LIGHT))
    assert len(data.classes) == 11
    assert data.notes == ("no training picture has the label 0; classes are counted from 0 to 10 all the same",)


@pytest.mark.parametrize("separator", [",", ";", "\t", "|", " ", ", "])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_separators_and_ends_of_lines(separator: str, end: str, tmp_path: Path) -> None:
    check(load(write(tmp_path / "a.csv", LABELS, LIGHT, separator=separator, end=end)), LIGHT, LABELS)


def test_decimal_commas(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", LABELS, [f"{value},0" for value in LIGHT.ravel()], separator=";")
    check(load(path), LIGHT, LABELS)


def test_commas_at_the_end_of_lines_and_empty_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", LABELS, LIGHT, end=",,\n")
    path.write_text("\n\n" + path.read_text() + "\n" + "," * 66 + "\n\n")
    check(
        load(path), LIGHT, LABELS,
        "columns without names and values at the end of the lines were passed over: 2",
        "lines without any value were passed over: 1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("label,a,b,c,d\n1,2,3,4,5\n".encode("utf-16"), "the file is UTF-16 text"),
        ("label,a,b,c,d\n1,2,3,4,5\n".encode("utf-16-le"), "the file is not a text"),
        ("1,2,3,4,5\nthé,2,3,4,5\n".encode("latin-1"), "row 2: the text is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "the file is not a text"),
        (b"1,0.5,0.25,0,1\n", "numpy.rint(255 * x), for values from 0 to 1"),
        (b"1.5,0,0,0,1\n", "a label is not a whole number"),
        (b"-1,0,0,0,1\n", "a label is out of range"),
        (b"9" * 5000 + b",0,0,0,1\n", "a label is"),
        (b"nan,0,0,0,1\n", "a label is not a whole number"),
        (b",0,0,0,1\n", "a label is missing"),
        (b"one\n", "do not make a picture"),
        (b"\xef\xbb\xbf", "holds no picture"),
        (b"\n\n\n", "holds no picture"),
    ],
)
def test_files_that_are_none(content: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_bytes(content)
    with pytest.raises(DataError) as error:
        load(path)
    assert says in str(error.value)


def test_a_compressed_file_that_unpacks_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gzipped, "FREE", 1 << 20)
    line = b"1," + b"0," * 783 + b"0\n"
    (tmp_path / "bomb.csv.gz").write_bytes(gzip.compress(line * 4000))
    with pytest.raises(DataError, match="unpacks to more than data of its size do") as error:
        load(tmp_path / "bomb.csv.gz")
    assert "or 100 times the size of the compressed file" in str(error.value)
    good = write(tmp_path / "good.csv", LABELS, LIGHT)
    (tmp_path / "good.csv.gz").write_bytes(gzip.compress(good.read_bytes()))
    check(load(tmp_path / "good.csv.gz"), LIGHT, LABELS)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match="cannot be read") as error:
        load(tmp_path / "pipe.csv")
    assert "a pipe" in str(error.value)


def test_small_blocks_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    words = [("wolf", "ant")[i % 2] for i in LABELS]
    path = write(tmp_path / "a.csv", words, LIGHT, header=["label", *(f"p{i}" for i in range(64))], end="\r\n")
    whole = csv_data(path)
    monkeypatch.setattr("foveal.data.sources.csvfile._BLOCK", 700)
    monkeypatch.setattr("foveal.data.sources.gzipped._CHUNK", 100)
    parts = csv_data(path)
    np.testing.assert_array_equal(whole.images, parts.images)
    np.testing.assert_array_equal(whole.labels, parts.labels)
    assert parts.classes == whole.classes == ("ant", "wolf")


def test_arrays_of_an_npz_that_are_not_used_are_said(tmp_path: Path) -> None:
    pictures = LIGHT.astype(np.uint8)
    np.savez(tmp_path / "a.npz", x_train=pictures, y_train=LABELS, x_test=pictures, extra=LABELS)
    data = load(tmp_path / "a.npz")
    assert data.test is None
    assert data.notes == (
        "arrays that are not part by their names, or have no labels, were passed over: extra, x_test",
    )
    os.mkfifo(tmp_path / "pipe.npz")
    with pytest.raises(DataError, match="cannot be read") as error:
        load(tmp_path / "pipe.npz")
    assert "a pipe" in str(error.value)


@pytest.mark.parametrize("header", [True, False])
@pytest.mark.parametrize("label", ["label", "first", 1])
def test_a_test_file_without_labels_is_passed_over_where_a_column_is_asked_for(
    label: str | int, header: bool, tmp_path: Path
) -> None:
    names = ["label,a,b,c,d\n", "a,b,c,d\n"] if header else ["", ""]
    (tmp_path / "train.csv").write_text(names[0] + "0,9,8,7,200\n1,6,5,4,100\n")
    (tmp_path / "test.csv").write_text(names[1] + "9,8,7,200\n6,5,4,100\n")
    if label == "label" and not header:
        label = "1"
    data = load(tmp_path / "train.csv", label=label)
    assert data.test is None
    assert data.train.labels.tolist() == [0, 1]
    assert any("test.csv has no labels" in note for note in data.notes)


def test_numbers_of_rows_taken_for_labels_are_said(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 4))
    (tmp_path / "rows.csv").write_text("".join(f"{i},{','.join(map(str, row))}\n" for i, row in enumerate(pixels)))
    assert any("another number in each line" in note for note in load(tmp_path / "rows.csv").notes)
    (tmp_path / "labels.csv").write_text(
        "".join(f"{i % 6},{','.join(map(str, row))}\n" for i, row in enumerate(pixels))
    )
    assert not any("another number" in note for note in load(tmp_path / "labels.csv").notes)


@pytest.mark.parametrize("header", [None, ["label", *(f"p{n}" for n in range(64))]], ids=["bare", "header"])
@pytest.mark.parametrize(
    ("above", "lines"),
    [("# made by hand\n", 1), ("# made by hand, 2026\n\n  # by me\n", 3), ('"# made, by hand"\n', 1), ("# a" + "," * 64 + "\n", 1)],
)  # fmt: skip
def test_comments_above_the_rows_are_passed_over_and_counted(
    above: str, lines: int, header: list[str] | None, tmp_path: Path
) -> None:
    for separator in ",;\t ":
        path = write(tmp_path / "a.csv", LABELS, LIGHT, header=header, separator=separator)
        path.write_text(above.replace("," * 64, separator * 64) + path.read_text())
        note = f"comments before the first row were passed over: {lines} line{'' if lines == 1 else 's'}"
        if header is None and "," * 64 in above:
            continue  # a comment with as many fields as a row names the columns
        check(load(path), LIGHT, LABELS, note)
        path.write_text(path.read_text() + separator.join(["300"] * 65) + "\n")
        with pytest.raises(DataError, match=f"row {above.count(chr(10)) + COUNT + 1 + bool(header)}, column 2"):
            load(path)


def test_a_comment_that_names_the_columns_is_a_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", LIGHT, LABELS, header=[*(f"p{n}" for n in range(64)), "label"])
    path.write_text("# " + path.read_text())
    check(load(path), LIGHT, LABELS)


def test_comments_between_the_rows_are_refused_with_a_repair(tmp_path: Path) -> None:
    path = write(tmp_path / "a b.csv", LABELS, LIGHT)
    path.write_text(path.read_text() + "# the end\n")
    with pytest.raises(DataError, match="given     1 column, a comment") as caught:
        load(path)
    command = caught.value.fix[0].split(", and")[0]
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    check(load(tmp_path / "rows.csv"), LIGHT, LABELS)
