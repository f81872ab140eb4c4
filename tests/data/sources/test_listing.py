"""Links, loops, hidden folders, folders that may not be read: read, or told in one line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from foveal.data import read_folder
from foveal.data.sources import listing as listing_module
from foveal.data.sources.folder import read_album
from foveal.errors import DataError


@pytest.fixture
def two(tmp_path: Path) -> Path:
    for name in ("cat", "dog"):
        put(tmp_path / "two" / name / "1.png")
    return tmp_path / "two"


def put(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", (8, 8), 7).save(path)


def counted(root: Path) -> tuple[list[int], tuple[str, ...], tuple[str, ...]]:
    data = read_folder(root)
    return data.train.counts(len(data.classes)).tolist(), data.notes, data.problems


def test_linked_folders_are_read(two: Path, tmp_path: Path) -> None:
    for number in range(3):
        put(tmp_path / "out" / f"{number}.png")
    os.symlink(tmp_path / "out", two / "cat" / "more")
    os.symlink(tmp_path / "out", two / "bird")
    counts, notes, problems = counted(two)
    assert (counts, problems) == ([3, 4, 1], ())
    assert notes == ("linked folders were followed and read: bird, cat/more",)
    assert len(read_album(two).train) == 5  # the same folder once


def test_loops_end(two: Path) -> None:
    os.symlink(two, two / "cat" / "all")
    os.symlink("..", two / "dog" / "up")
    os.symlink(".", two / "dog" / "here")
    os.symlink("/", two / "dog" / "disk")
    counts, notes, problems = counted(two)
    assert (counts, problems) == ([1, 1], ())
    assert notes == (
        "linked folders were followed and read: cat/all, dog/disk, dog/here, … (4 in all)",
        "links to folders above them, or read already, were not followed: cat/all, dog/disk, dog/here, … (4 in all)",
    )
    assert len(read_album(two).train) == 2


def test_a_maze_of_links_is_walked_once(two: Path, tmp_path: Path) -> None:
    for number in range(30):  # two ways down from each: 2 ** 30 paths
        place = tmp_path / "maze" / str(number)
        put(place / "1.png")
        for name in "ab":
            os.symlink(tmp_path / "maze" / str(number + 1), place / name)
    os.symlink(tmp_path / "maze" / "0", two / "maze")
    assert counted(two)[0] == [1, 1, 30]


def test_links_that_lead_nowhere(two: Path) -> None:
    os.symlink("gone", two / "bird")
    os.symlink("gone.png", two / "cat" / "2.png")
    os.symlink("self.png", two / "cat" / "self.png")
    counts, notes, problems = counted(two)
    assert (counts, notes) == ([1, 1], ())
    assert sorted(problems)[:2] == ["bird: the link leads nowhere", "cat/2.png: the link leads nowhere"]
    assert sorted(problems)[2].startswith("cat/self.png: ")


def test_an_empty_class_folder_is_said(two: Path) -> None:
    (two / "bird").mkdir()
    (two / "fish").mkdir()
    (two / "fish" / "about.txt").write_text("none yet")
    assert counted(two)[:2] == (
        [1, 1],
        (
            "folders without pictures are not classes: bird, fish",
            "1 file that is not a picture by its name was passed over",
        ),
    )


def test_a_folder_that_may_not_be_read_is_said(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(two / "cat" / "more" / "1.png")
    put(two / "bird" / "1.png")
    scandir = os.scandir

    def refused(path: Any = ".") -> Iterator[os.DirEntry[str]]:
        if os.fspath(path).endswith(("more", "bird")):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refused)
    counts, notes, problems = counted(two)
    assert (counts, notes) == ([1, 1], ())
    assert problems == (
        "bird: the folder cannot be read (Permission denied)",
        "cat/more: the folder cannot be read (Permission denied)",
    )
    assert read_album(two).problems == problems


def test_the_whole_folder_may_not_be_read(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Any = ".") -> Iterator[os.DirEntry[str]]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refused)
    with pytest.raises(DataError, match="no class folders with pictures") as error:
        read_folder(two)
    assert "Permission denied" in str(error.value)


def test_what_systems_leave_behind_is_no_class(two: Path) -> None:
    for name in ("__MACOSX/cat/._1.png", "@eaDir/1.png", ".ipynb_checkpoints/1.png", "cat/._1.png", "cat/@eaDir/1.png"):
        put(two / name)
    assert counted(two) == (
        [1, 1],
        ("hidden or system files and folders were passed over: .ipynb_checkpoints, @eaDir, __MACOSX, … (5 in all)",),
        (),
    )


def test_pipes_are_told_and_not_opened(two: Path) -> None:
    os.mkfifo(two / "cat" / "2.png")
    os.mkfifo(two / "cat" / "pipe")
    assert counted(two) == (
        [1, 1],
        ("1 file that is not a picture by its name was passed over",),
        ("cat/2.png: a pipe, socket or device is not a picture",),
    )


def test_names_that_are_no_utf_8_or_steer_a_terminal(two: Path) -> None:
    put(two / os.fsdecode(b"caf\xe9") / "1.png")
    (two / "cat" / "\x1b[2J.png").write_bytes(b"")
    data = read_folder(two)
    assert data.classes == ("caf\\xe9", "cat", "dog")
    assert data.problems == ("cat/\\x1b[2J.png: the file is empty",)


def test_more_files_than_anyone_looks_at(two: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing_module, "MOST", 3)
    with pytest.raises(DataError, match="too many files"):
        read_folder(two)


def test_formats_that_are_not_read_are_called_pictures(two: Path) -> None:
    for name in ("cat/1.HEIC", "cat/2.heic", "dog/1.svg", "dog/about.txt"):
        (two / name).write_bytes(b"x")
    assert counted(two)[1] == (
        "1 file that is not a picture by its name was passed over",
        "pictures in formats that are not read were passed over: .heic (2), .svg (1)",
    )
