"""Where files are written to: what stands there already is kept in its kind, or refused in one sentence."""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from foveal import files
from foveal.errors import FileError

needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root makes device nodes")


def _node(path: Path, kind: int, major: int, minor: int) -> Path:
    try:
        os.mknod(path, 0o666 | kind, os.makedev(major, minor))
    except PermissionError:
        pytest.skip("this container makes no device nodes")
    return path


@needs_root
def test_a_device_is_written_through_and_stays_one(tmp_path: Path) -> None:
    null = _node(tmp_path / "null", stat.S_IFCHR, 1, 3)
    files.write_text(null, "gone")
    assert stat.S_ISCHR(null.stat().st_mode)
    assert null.stat().st_rdev == os.makedev(1, 3)
    assert list(tmp_path.iterdir()) == [null]


@needs_root
def test_a_device_that_is_full_says_so_and_stays_one(tmp_path: Path) -> None:
    full = _node(tmp_path / "full", stat.S_IFCHR, 1, 7)
    link = tmp_path / "link.svg"
    link.symlink_to(full)
    for path in (full, link):
        with pytest.raises(FileError, match="did not take") as caught:
            files.write_text(path, "x")
        assert caught.value.errno == errno.ENOSPC
    assert stat.S_ISCHR(full.stat().st_mode)
    assert link.is_symlink()


@needs_root
def test_a_disk_is_refused(tmp_path: Path) -> None:
    disk = _node(tmp_path / "disk", stat.S_IFBLK, 259, 4095)
    with pytest.raises(FileError, match="a block device"):
        files.write_text(disk, "x")
    assert stat.S_ISBLK(disk.stat().st_mode)


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path has at most 107 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        with pytest.raises(FileError, match="a socket"):
            files.write_text("s", "x")
        assert stat.S_ISSOCK(Path("s").stat().st_mode)


def test_a_pipe_gets_the_contents(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_bytes()))
    reader.start()
    files.write_text(pipe, "through " * 50_000)  # more than a pipe holds
    reader.join()
    assert read == [b"through " * 50_000]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_pipe_that_nobody_reads_does_not_hang(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "SECONDS_FOR_A_READER", 0.0)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(FileError, match="nobody reads"):
        files.write_text(tmp_path / "pipe", "x")


def test_an_error_inside_the_block_sends_nothing_through(tmp_path: Path) -> None:
    reading, writing = os.pipe()

    def write_half() -> None:
        with files.atomic_writer(f"/dev/fd/{writing}") as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    os.close(writing)
    assert os.read(reading, 10) == b""
    os.close(reading)


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_standard_output_in_a_file_gets_all_in_its_order(tmp_path: Path, name: str) -> None:
    (tmp_path / "link").symlink_to("/dev/stdout")
    program = f"from foveal import files\nprint('one')\nfiles.write_text({name!r}, 'two\\n')\nprint('three')"
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, cwd=tmp_path, check=True)
    assert (tmp_path / "out").read_text() == "one\ntwo\nthree\n"


def test_a_descriptor_that_is_not_open_is_one_sentence() -> None:
    with pytest.raises(FileError, match="did not take"):
        files.write_text("/dev/fd/987", "x")


def test_a_link_stays_and_what_it_leads_to_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    real = tmp_path / "there" / "real.svg"
    real.write_text("old")
    link, second = tmp_path / "link.svg", tmp_path / "second.svg"
    link.symlink_to("there/real.svg")
    second.symlink_to("link.svg")
    files.write_text(second, "new")
    assert second.is_symlink()
    assert link.is_symlink()
    assert not real.is_symlink()
    assert real.read_text() == "new"
    assert [p.name for p in real.parent.iterdir()] == ["real.svg"]


def test_a_link_that_leads_nowhere_yet_is_followed(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("later/real")
    files.write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "later" / "real").read_text() == "new"


def test_links_in_a_circle_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(FileError, match="could not be written"):
        files.write_text(tmp_path / "a", "x")
    assert (tmp_path / "a").is_symlink()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_permissions_stay_as_they_were(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(mode)
    files.write_text(path, "new")
    assert stat.S_IMODE(path.stat().st_mode) == mode
    assert path.read_text() == "new"


@needs_root
def test_roots_overwriting_leaves_the_owner(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    os.chown(path, 12345, 54321)
    files.write_text(path, "new")
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321)


def test_other_names_of_the_file_keep_the_old_contents(tmp_path: Path) -> None:
    (tmp_path / "one").write_text("old")
    os.link(tmp_path / "one", tmp_path / "two")
    files.write_text(tmp_path / "one", "new")
    assert (tmp_path / "one").read_text() == "new"
    assert (tmp_path / "two").read_text() == "old"


def test_a_file_that_may_only_be_read_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o444)
    program = "import os, sys\nfrom foveal import files\n"
    if os.geteuid() == 0:
        tmp_path.chmod(0o777)
        program += "os.seteuid(65534)\n"
    program += "try:\n    files.write_text('file', 'new')\nexcept files.FileError as error:\n    print(error)"
    # pytest's folders are closed to others: the program stands in its folder already
    told = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert "may only be read" in told.stdout, told
    assert path.read_text() == "old"


def test_a_folder_is_one_sentence_and_an_early_one(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    for path in (tmp_path, tmp_path / "link", "/", ".", "", f"{tmp_path}/new/"):
        with pytest.raises(FileError, match="this is a folder"), files.atomic_writer(path):
            pytest.fail("work was begun")  # pragma: no cover
        with pytest.raises(FileError, match="this is a folder"):
            files.check_writable(path)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127, "猫" * 85, "🐈" * 63, "a" + "🐈" * 63])
def test_the_longest_names_there_are(tmp_path: Path, name: str) -> None:
    files.write_text(tmp_path / name, "x")
    files.write_text(tmp_path / name, "y")
    assert [p.name for p in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "y"


@pytest.mark.parametrize("name", ["n" * 256, "🐈" * 64, "a\0b"])
def test_names_that_no_file_can_have(tmp_path: Path, name: str) -> None:
    with pytest.raises(FileError), files.atomic_writer(tmp_path / name):
        pytest.fail("work was begun")  # pragma: no cover


@pytest.mark.parametrize("name", [b"caf\xe9", b"\xff\xfe" * 127, b"e\x1b[31m\n"])
def test_names_that_are_not_utf8(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    files.write_text(path, "x")
    assert os.listdir(os.fsencode(tmp_path)) == [name]


def test_texts_with_lone_surrogates_are_written(tmp_path: Path) -> None:
    files.write_text(tmp_path / "text", "caf\udce9")
    files.write_json(tmp_path / "json", {"name": "caf\udce9 ü"})
    assert (tmp_path / "text").read_text(encoding="utf-8") == "caf\\udce9"
    assert json.loads((tmp_path / "json").read_text(encoding="utf-8")) == {"name": "caf\udce9 ü"}


def test_a_file_in_the_way_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with pytest.raises(FileError, match="could not be written"):
        files.write_text(tmp_path / "file" / "new", "x")
    assert (tmp_path / "file").read_text() == "old"


def test_a_file_where_tensorboard_wants_a_folder_is_one_sentence(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from foveal import callbacks

    (tmp_path / "logs").write_text("a file")
    with pytest.raises(FileError, match="could not be written"):
        callbacks.TensorBoard(tmp_path / "logs").on_train_begin()


def test_a_log_goes_through_a_device(tmp_path: Path) -> None:
    from foveal import callbacks

    os.mkfifo(tmp_path / "log.csv")
    log = callbacks.CSVLogger(tmp_path / "log.csv", append=True)
    log.on_train_begin()  # a pipe is not read from
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "log.csv").read_text()))
    reader.start()
    log.on_epoch_end(0, {"loss": 0.5})
    reader.join()
    assert read == ["epoch,loss\n0,0.5\n"]
