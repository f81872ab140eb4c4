"""The one door: names, files, folders, companions, and what it says of anything else."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits, load_iris

from foveal.data import DataSet, from_arrays, load, write_idx
from foveal.data import audit as audit_of
from foveal.data.published import digits, iris
from foveal.errors import DataError, UnknownName

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.integers(0, 256, (9, 4, 4), dtype=np.uint8)
LABELS = (np.arange(9) % 3).astype(np.uint8)


def csv(path: Path, images: np.ndarray, labels: np.ndarray) -> Path:
    rows = np.concatenate([labels[:, None], images.reshape(len(images), -1)], axis=1)
    np.savetxt(path, rows, fmt="%d", delimiter=",")
    return path


def check(data: DataSet, test: int | None) -> None:
    np.testing.assert_array_equal(data.train.images[..., 0], IMAGES)
    np.testing.assert_array_equal(data.train.labels, LABELS)
    assert (data.test and len(data.test)) == test
    assert data.classes == ("0", "1", "2")


@pytest.mark.parametrize("name", ["digits", "DIGITS", "iris"])
def test_bundled(name: str) -> None:
    assert load(name).name == name.lower()


def test_digits_are_all_there_scaled_and_stratified() -> None:
    data, (values, labels) = digits.load(), load_digits(return_X_y=True)
    assert data.test is not None
    both = np.concatenate([data.train.images, data.test.images])
    assert both.max() == 255
    expected = sorted(map(bytes, np.rint(values * 255 / 16).astype(np.uint8)))
    assert sorted(image.tobytes() for image in both) == expected
    assert (np.abs(data.test.counts(10) - np.bincount(labels) / 5) < 1).all()
    np.testing.assert_array_equal(digits.load().test.images, data.test.images)  # type: ignore[union-attr]


def test_iris_is_fishers() -> None:
    data = iris.load()
    assert data.test is not None
    both = np.concatenate([data.train.images, data.test.images])
    assert sorted(map(tuple, both.tolist())) == sorted(map(tuple, load_iris().data.astype(np.float32).tolist()))
    assert data.test.counts(3).tolist() == [10, 10, 10]


def test_bundled_sets_in_the_form_of_keras() -> None:
    (x, y), (test_x, test_y) = digits.load_data()
    assert (x.shape, y.dtype, test_x.shape, test_y.shape) == ((1438, 8, 8), np.uint8, (359, 8, 8), (359,))
    (x, y), (test_x, test_y) = iris.load_data()  # type: ignore[assignment]
    assert (x.dtype, y.shape, test_x.shape) == (np.float32, (120,), (30, 4))


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("asked", ["folder", "images", "labels"])
def test_idx_files_find_each_other(suffix: str, asked: str, tmp_path: Path) -> None:
    for part, count in (("train", 9), ("t10k", 4)):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte{suffix}", IMAGES[:count])
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte{suffix}", LABELS[:count])
    path = tmp_path if asked == "folder" else next(tmp_path.glob(f"train-{asked}*"))
    data = load(path)
    check(data, 4)
    assert "t10k-images" in data.notes[0]


def test_idx_without_labels(tmp_path: Path) -> None:
    write_idx(tmp_path / "train-images-idx3-ubyte", IMAGES)
    with pytest.raises(DataError, match="no labels beside the pictures") as error:
        load(tmp_path / "train-images-idx3-ubyte")
    assert "train-labels-idx1-ubyte in the same folder" in str(error.value)


def test_idx_with_too_few_labels_or_one_out_of_range(tmp_path: Path) -> None:
    for part in ("train", "t10k"):
        write_idx(tmp_path / f"{part}-images-idx3-ubyte", IMAGES)
        write_idx(tmp_path / f"{part}-labels-idx1-ubyte", LABELS)
    write_idx(tmp_path / "t10k-labels-idx1-ubyte", np.array([0, 1, 2, 3, 0, 0, 0, 0, 0], np.uint8))
    with pytest.raises(DataError) as error:
        load(tmp_path)
    assert f"{tmp_path}/t10k-labels-idx1-ubyte, row 3: a label is out of range" in str(error.value)
    write_idx(tmp_path / "train-labels-idx1-ubyte", LABELS[:5])
    with pytest.raises(DataError, match="not as many labels as pictures") as error:
        load(tmp_path)
    assert "9, as in train-images-idx3-ubyte" in str(error.value)


def test_csv_and_its_companion(tmp_path: Path) -> None:
    check(load(csv(tmp_path / "some.csv", IMAGES, LABELS)), None)
    csv(tmp_path / "f_test.csv", IMAGES[:4], LABELS[:4])
    data = load(csv(tmp_path / "f_train.csv", IMAGES, LABELS))
    check(data, 4)
    assert data.notes == (f"the test part is {tmp_path / 'f_test.csv'}",)
    check(load(tmp_path / "f_train.csv"), 4)


def test_a_test_label_that_training_lacks_is_found_in_its_row(tmp_path: Path) -> None:
    csv(tmp_path / "test.csv", IMAGES[:2], np.array([1, 7]))
    with pytest.raises(DataError, match=r"test\.csv, row 2, column 1"):
        load(csv(tmp_path / "train.csv", IMAGES, LABELS))


def test_npz(tmp_path: Path) -> None:
    np.savez(tmp_path / "d.npz", x_train=IMAGES, y_train=LABELS, x_test=IMAGES[:2], y_test=LABELS[:2])
    check(load(str(tmp_path / "d.npz")), 2)


def test_class_names_are_given(tmp_path: Path) -> None:
    path = csv(tmp_path / "a.csv", IMAGES, LABELS)
    assert load(path, classes=["x", "y", "z"]).classes == ("x", "y", "z")
    with pytest.raises(DataError, match="a label is out of range"):
        load(path, classes=["x", "y"])


def test_another_size_and_depth() -> None:
    data = load("digits", size=(16, 12), channels=3, fit="stretch")
    assert data.shape == (16, 12, 3)
    assert data.test is not None
    assert data.test.shape == (16, 12, 3)
    assert (data.train.images[..., 0] == data.train.images[..., 2]).all()
    with pytest.raises(DataError, match="rows of a table, where pictures are asked for"):
        load("iris", size=(2, 2))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("fashon-mnist", "to fix    fashion-mnist"),
        ("nothing-like-it", "no data set is called so"),
        ("some/where", "there is no such file or folder"),
        ("photo.csv", "there is no such file or folder"),
    ],
)
def test_what_is_not_there(name: str, says: str) -> None:
    with pytest.raises(UnknownName) as error:
        load(name)
    assert str(error.value).startswith(f"{name}: ")
    assert says in str(error.value)


@pytest.mark.parametrize("name", ["", " "])
def test_no_name_is_not_the_working_folder(name: str) -> None:
    with pytest.raises(UnknownName, match="no data set is called so"):
        load(name)


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_text("x")
    with pytest.raises(DataError, match="this kind of file is not known as data"):
        load(tmp_path / "a.docx")


def test_audit_finds_copies_leaks_and_contradictions() -> None:
    train = IMAGES.copy()
    train[5] = train[2]  # labels 2 and 2
    train[7] = train[0]  # labels 1 and 0
    data = from_arrays(train, LABELS, np.stack([train[4], 255 - IMAGES[1], train[2]]), [1, 1, 0])
    found = audit_of(data)
    assert found.repeated == (5, 7)
    assert found.contradictions == ((0, 7),)
    assert found.leaked == ((4, 0), (2, 2))
    assert found.train_counts == (3, 3, 3)
    assert found.test_counts == (1, 2, 0)
    assert found.findings() == [
        "2 test pictures are training pictures too: the test score flatters",
        "the same training picture with another label: 1 time",
        "2 training pictures are copies of others",
    ]


def test_audit_of_something_clean_and_of_something_lopsided() -> None:
    assert audit_of(from_arrays(IMAGES, LABELS)).findings() == []
    found = audit_of(from_arrays(IMAGES, [0] * 7 + [1] * 2))
    assert found.imbalance == 3.5
    assert "3.5 times" in found.findings()[0]
