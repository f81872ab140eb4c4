"""Folders of pictures: every layout, and damaged files that are listed and stop nobody."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.data import load, read_folder, resizing
from foveal.errors import DataError


def put(path: Path, value: int, size: tuple[int, int] = (8, 8), mode: str = "RGB") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, (size[1], size[0]), value if mode == "L" else (value, 0, 0)).save(path)


def test_classes_are_folders(tmp_path: Path) -> None:
    for name, value in (("dog", 20), ("cat", 10), ("ant", 5)):
        for number in range(3):
            put(tmp_path / name / f"{number}.png", value + number)
    data = read_folder(tmp_path)
    assert data.classes == ("ant", "cat", "dog")
    assert data.train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert data.train.images[:, 0, 0, 0].tolist() == [5, 6, 7, 10, 11, 12, 20, 21, 22]
    assert data.train.origins is not None
    assert data.train.origins[3] == str(tmp_path / "cat" / "0.png")
    assert (data.test, data.problems, data.notes) == (None, (), ())


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "TEST"), ("train", "val")])
def test_parts_are_folders(names: tuple[str, str], tmp_path: Path) -> None:
    for part, count in zip(names, (3, 2), strict=True):
        for name in ("a", "b"):
            for number in range(count):
                put(tmp_path / part / name / f"{number}.png", number)
    data = read_folder(tmp_path)
    assert data.test is not None
    assert (len(data.train), len(data.test)) == (6, 4)


def test_a_validation_part_beside_a_test_part_is_joined(tmp_path: Path) -> None:
    for part in ("train", "valid", "test"):
        for name in ("a", "b"):
            put(tmp_path / part / name / "1.png", 1)
    data = read_folder(tmp_path)
    assert (len(data.train), data.test and len(data.test)) == (4, 2)
    assert data.notes == ("2 pictures of the validation folder are counted as training pictures",)


def test_numbers_are_sorted_as_numbers(tmp_path: Path) -> None:
    for number in (0, 2, 10):
        put(tmp_path / str(number) / "1.png", number)
    assert read_folder(tmp_path).classes == ("0", "2", "10")


def test_damaged_files_are_listed_and_stop_nobody(tmp_path: Path) -> None:
    for number in range(4):
        put(tmp_path / "a" / f"{number}.png", 10 * number)
        put(tmp_path / "b" / f"{number}.jpg", 100 + 10 * number)
    whole = (tmp_path / "b" / "1.jpg").read_bytes()
    (tmp_path / "b" / "1.jpg").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "a" / "2.png").write_bytes(b"no picture")
    (tmp_path / "a" / "3.png").write_bytes(b"")
    (tmp_path / "a" / "Thumbs.db").write_bytes(b"windows")
    (tmp_path / "a" / ".DS_Store").write_bytes(b"mac")
    data = read_folder(tmp_path)
    assert len(data.train) == 5
    assert data.train.labels.tolist() == [0, 0, 1, 1, 1]
    assert np.abs(data.train.images[:, 0, 0, 0].astype(int) - [0, 10, 100, 120, 130]).max() <= 3  # JPEG is not exact
    assert data.train.origins is not None
    assert [Path(origin).stem for origin in data.train.origins] == ["0", "1", "0", "2", "3"]
    assert sorted(problem.split(":")[0] for problem in data.problems) == ["a/2.png", "a/3.png", "b/1.jpg"]
    assert any(problem.startswith("a/3.png: the file is empty") for problem in data.problems)
    assert data.notes == (
        "1 file that is not a picture by its name was passed over",
        "hidden or system files and folders were passed over: a/.DS_Store",
    )


def test_nothing_readable(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"no")
    with pytest.raises(DataError, match="not one of the pictures can be read") as error:
        read_folder(tmp_path)
    assert "a/1.png: this is not a picture of a known format" in str(error.value)


def test_grey_folders_have_one_channel_mixed_ones_three(tmp_path: Path) -> None:
    put(tmp_path / "a" / "1.png", 9, mode="L")
    put(tmp_path / "b" / "1.png", 9, mode="L")
    assert read_folder(tmp_path).shape == (8, 8, 1)
    put(tmp_path / "b" / "2.png", 9)
    data = read_folder(tmp_path)
    assert data.shape == (8, 8, 3)
    assert data.train.images[0, 0, 0].tolist() == [9, 9, 9]
    assert read_folder(tmp_path, channels=1).shape == (8, 8, 1)


def test_several_sizes_become_one_and_it_is_said(tmp_path: Path) -> None:
    put(tmp_path / "a" / "1.png", 9, (50, 70))
    put(tmp_path / "b" / "1.png", 9, (60, 60))
    data = read_folder(tmp_path)
    assert data.shape == (64, 64, 3) or data.shape == (56, 56, 3)
    assert "2 different sizes" in data.notes[0]
    assert read_folder(tmp_path, size=(20, 30)).shape == (20, 30, 3)


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "no pictures"),
        (["1.png", "2.png"], "2 pictures outside any subfolder"),
        (["a/1.png"], "one class alone"),
        (["train/a/1.png", "train/b/1.png", "test/c/1.png"], "a class that the training part lacks"),
        (["train/1.png", "test/1.png"], "train/ with pictures and no class folders"),
        (["train/1.png", "train/2.png"], "train/ with pictures and no class folders"),
    ],
)
def test_layouts_that_are_none(files: list[str], says: str, tmp_path: Path) -> None:
    for file in files:
        put(tmp_path / file, 1)
    with pytest.raises(DataError) as error:
        read_folder(tmp_path)
    assert says in str(error.value)


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no such folder"):
        read_folder(tmp_path / "none")


def test_memory_is_reckoned_before_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resizing, "LIMIT", 100)
    put(tmp_path / "a" / "1.png", 9)
    put(tmp_path / "b" / "1.png", 9)
    with pytest.raises(DataError, match="do not fit into memory") as error:
        read_folder(tmp_path)
    assert "size=(4, 4)" in str(error.value)


def test_threads_change_nothing(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path / "ab"[number % 2] / f"{number}.png", number * 9)
    one, many = (read_folder(tmp_path, threads=threads) for threads in (1, 5))
    np.testing.assert_array_equal(one.train.images, many.train.images)
    assert one.train.origins == many.train.origins


def test_the_photographs(shared: Path) -> None:
    data = load(shared / "data/photos/test")
    assert len(data.train) == 1000
    assert data.shape == (32, 32, 3)
    assert data.train.counts(10).tolist() == [100] * 10
    assert data.problems == ()
