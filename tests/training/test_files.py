"""Files are written whole or not at all, and every failure is raised with a repair."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal import files
from foveal.errors import FileError


def test_new_contents_replace_the_old_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.json"
    files.write_json(path, {"a": 1})
    files.write_json(path, {"a": "ü"})
    assert json.loads(path.read_text(encoding="utf-8")) == {"a": "ü"}
    assert [p.name for p in path.parent.iterdir()] == ["file.json"]


@pytest.mark.parametrize("call", ["open", "fsync", "replace"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EACCES, errno.EIO, errno.EFBIG])
def test_a_failing_system_call_is_raised_and_the_old_file_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int
) -> None:
    path = tmp_path / "file"
    files.write_text(path, "old")

    def fail(*arguments: object, **options: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(FileError) as caught:
        files.write_text(path, "new")
    monkeypatch.undo()
    assert caught.value.errno == number
    assert caught.value.given == os.strerror(number)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_order_is_write_sync_rename_sync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def note(*arguments: object, name: str = name, real: object = real) -> object:
            calls.append(name)
            return real(*arguments)  # type: ignore[operator]

        monkeypatch.setattr(os, name, note)
    files.write_bytes(tmp_path / "file", b"x")
    assert calls == ["fsync", "replace", "fsync"]


def test_an_error_inside_the_block_leaves_no_file(tmp_path: Path) -> None:
    def write_half() -> None:
        with files.atomic_writer(tmp_path / "file") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: (_ for _ in ()).throw(OSError(errno.ENOSPC, "No space left on device")))
    with pytest.raises(FileError) as caught:
        files.write_bytes(tmp_path / "file", b"x")
    assert str(caught.value) == (
        f"{tmp_path / 'file'}: the file could not be written; what was there before is untouched\n"
        "  given     No space left on device\n"
        f"  to fix    free space on the disk that holds {tmp_path}\n"
        "        or  write to a folder on another disk"
    )


def test_the_device_that_is_always_full(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="could not be written"):
        files.write_bytes("/dev/full/file", b"x")


def test_leftovers_of_killed_writers_are_removed(tmp_path: Path) -> None:
    (tmp_path / f".file.1-abc{files.TEMPORARY_SUFFIX}").write_text("half")
    (tmp_path / "file").write_text("whole")
    files.remove_leftovers(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_pipe_or_device_is_refused_and_never_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for path, kind in (
        (tmp_path / "pipe", "a pipe"),
        (Path("/dev/zero"), "a device"),
        (tmp_path / "folder", "a folder"),
    ):
        with pytest.raises(FileError, match="only regular files are read") as refused:
            files.read_regular(path, 100)
        assert refused.value.given == kind


def test_a_file_is_read_up_to_its_bound(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"x" * 10)
    assert files.read_regular(path, 10) == b"x" * 10
    with pytest.raises(FileError, match="larger") as refused:
        files.read_regular(path, 9)
    assert refused.value.given == "10 bytes"
    with pytest.raises(FileError, match="no such file"):
        files.read_regular(tmp_path / "b", 9)
    with pytest.raises(FileError):
        files.read_regular("nul\0", 9)


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()


@settings(max_examples=40, deadline=None)
@given(st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_json_reads_back_and_has_a_row_of_numbers_on_one_line(tmp_path_factory, value):
    path = tmp_path_factory.mktemp("json") / "a.json"
    files.write_json(path, value)
    assert json.loads(path.read_text(encoding="utf-8")) == value
    files.write_json(path, {"rows": [[1, 2.5], [-3, None]]})
    assert "[ 1, 2.5 ],\n" in path.read_text(encoding="utf-8")
