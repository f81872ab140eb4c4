"""Files that are either the old ones or the new ones, never something between, whatever stops the machine.

The order of steps is the classic one: a temporary in the same directory (so that the rename stays on one file system),
write, flush, ``fsync``, :func:`os.replace`, ``fsync`` of the directory. Until the rename the previous file stays,
after the directory's ``fsync`` the new one survives a power cut. Any error is raised as
:class:`~foveal.errors.FileError`, and the temporary is removed.

Reading takes regular files only: a pipe would wait for ever, a device never end.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, cast

from foveal.errors import FileError, FovealError
from foveal.printable import json_text

TEMPORARY_SUFFIX = ".part"


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file that becomes ``path`` when the block ends without an error, and vanishes otherwise.

    What is there already decides how: a regular file is replaced and keeps its permissions (and its owner, where that is
    allowed; other hard links to it keep the old contents). A symbolic link stays, and the file it leads to is replaced. A
    character device, a pipe, ``/dev/stdout`` and ``/dev/fd/N`` are written through once the block has ended, never
    replaced. Folders, block devices and sockets are refused before the block begins, and so is a file without write
    permission.

    Args:
        path: the final place. Its directory is created where it is missing.

    Raises:
        FileError: the file could not be written, made durable or moved into place; ``path`` is as it was before.

    Example:
        >>> import tempfile
        >>> folder = Path(tempfile.mkdtemp())
        >>> with atomic_writer(folder / "answer.txt") as file:
        ...     _ = file.write(b"42")
        >>> (folder / "answer.txt").read_text(), len(list(folder.iterdir()))
        ('42', 1)
    """
    given = Path(path)
    number = _descriptor_named(given)
    there = _standing_at(given)
    _refuse(os.fspath(path), given, there, number)
    if number is not None or (there is not None and not stat.S_ISREG(there.st_mode)):
        with _written_through(given, number, there) as file:
            yield file
        return
    target = Path(os.path.realpath(given)) if given.is_symlink() else given
    # The name is cut in bytes: with it a temporary of any name stays within the 255 that file systems allow.
    stem = os.fsencode(target.name)[:100].decode("utf-8", "ignore")
    temporary = target.with_name(f".{stem}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise explained(error, target) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            if there is not None:
                _same_permissions(file.fileno(), there)
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_directory(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and not isinstance(error, FovealError):
            raise explained(error, target) from error
        raise


@contextlib.contextmanager
def open_regular(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A regular file, opened to read; never waits for a pipe's other end.

    Raises:
        FileError: nothing there, a folder, pipe, socket or device, or a file that may not be read.

    Example:
        >>> with open_regular(__file__) as file:
        ...     len(file.read(3))
        3
        >>> with open_regular("/dev/null") as file:
        ...     file.read()
        Traceback (most recent call last):
        ...
        foveal.errors.FileError: /dev/null: only regular files are read
          given     a device
          expected  a file on a disk
          to fix    write its content to a file first, and name that
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(error, path) from error
    try:
        mode = os.fstat(descriptor).st_mode
        opened = os.fdopen(descriptor, "rb") if stat.S_ISREG(mode) else None
    except OSError as error:
        os.close(descriptor)
        raise _unreadable(error, path) from error
    if opened is None:
        os.close(descriptor)
        raise FileError(
            "only regular files are read",
            where=os.fsdecode(path),
            given=_kind_of_file(mode),
            expected="a file on a disk",
            fix=None if stat.S_ISDIR(mode) else "write its content to a file first, and name that",
        )
    with opened as file:
        yield file


def read_regular(path: str | os.PathLike[str], limit: int) -> bytes:
    """The whole content of a regular file of at most ``limit`` bytes.

    Raises:
        FileError: see :func:`open_regular`; or the file is larger.

    Example:
        >>> len(read_regular(__file__, limit=1_000_000)) > 1_000
        True
    """
    with open_regular(path) as file:
        try:
            data = file.read(limit + 1)
        except OSError as error:
            raise _unreadable(error, path) from error
        if len(data) <= limit:
            return data
        raise FileError(
            "the file is larger than files of this kind may be",
            where=os.fsdecode(path),
            given=f"{max(os.fstat(file.fileno()).st_size, len(data)):,} bytes",
            expected=f"at most {limit:,} bytes",
        )


def _kind_of_file(mode: int) -> str:
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a device")


def _unreadable(error: OSError | ValueError, path: str | os.PathLike[str]) -> FileError:
    number = error.errno if isinstance(error, OSError) else None
    missing = number in (errno.ENOENT, errno.ENOTDIR)
    fix = "check the path" if missing else "give yourself permission to read it" if number == errno.EACCES else None
    told = FileError(
        "there is no such file" if missing else "the file cannot be read",
        where=os.fsdecode(path),
        given=None if missing else getattr(error, "strerror", None) or str(error),
        fix=fix,
    )
    told.errno = number
    return told


def check_writable(path: str | os.PathLike[str]) -> None:
    """Refuse at once a place that :func:`atomic_writer` would refuse in the end, before hours are spent on its contents.

    Raises:
        FileError: a folder, a socket, a block device, a file without write permission, a name that cannot be one.
    """
    given = Path(path)
    _refuse(os.fspath(path), given, _standing_at(given), _descriptor_named(given))


def _standing_at(path: Path) -> os.stat_result | None:
    """What ``path`` leads to, links followed; None where nothing is there yet."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):  # the latter is explained when the directory is made
        return None
    except ValueError as error:  # a zero byte in the name
        raise explained(OSError(errno.EINVAL, str(error)), path) from error
    except OSError as error:
        raise explained(error, path) from error


def _refuse(text: str, path: Path, there: os.stat_result | None, number: int | None) -> None:
    if (there is not None and stat.S_ISDIR(there.st_mode)) or text.endswith(("/", os.sep)):
        refusal = FileError(
            "this is a folder, and a file is to be written",
            where=str(path),
            expected="the name of a file",
            fix=f"name a file in it: {path / 'NAME'}",
        )
        refusal.errno = errno.EISDIR
        raise refusal
    if there is None or number is not None:
        return
    mode = there.st_mode
    if stat.S_ISBLK(mode) or stat.S_ISSOCK(mode):
        refusal = FileError(
            "this is not a file, and nothing is written there",
            where=str(path),
            given="a block device (a disk)" if stat.S_ISBLK(mode) else "a socket",
            expected="a regular file, a character device or a pipe",
            fix="name a file",
        )
        refusal.errno = errno.EINVAL
        raise refusal
    if stat.S_ISREG(mode) and not os.access(path, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise explained(PermissionError(errno.EACCES, "the file may only be read"), path)


def _same_permissions(descriptor: int, there: os.stat_result) -> None:
    """What is new may be read and written by whom the old file could be."""
    if not hasattr(os, "fchmod"):
        return
    with contextlib.suppress(OSError):  # only root may give a file away; what is refused here harms nothing
        if (there.st_uid, there.st_gid) != (os.geteuid(), os.getegid()):
            os.fchown(descriptor, there.st_uid, there.st_gid)
    with contextlib.suppress(OSError):
        os.fchmod(descriptor, stat.S_IMODE(there.st_mode))


_STANDARD = {"/dev/stdin": 0, "/dev/stdout": 1, "/dev/stderr": 2}


def _descriptor_named(path: Path) -> int | None:
    """The open descriptor that ``/dev/stdout``, ``/dev/fd/3`` or a link to one of them stands for.

    To open such a name anew would begin at the file's start again and overwrite what was printed there.
    """
    pattern = re.compile(rf"/dev/fd/(\d{{1,6}})|/proc/(?:self|thread-self|{os.getpid()})/fd/(\d{{1,6}})")
    here = os.path.abspath(path)
    for _ in range(40):  # as many links as Linux follows
        if here in _STANDARD:
            return _STANDARD[here]
        if found := pattern.fullmatch(here):
            return int(found[1] or found[2])
        try:
            here = os.path.normpath(os.path.join(os.path.dirname(here), os.readlink(here)))
        except (OSError, ValueError):
            return None
    return None


SECONDS_FOR_A_READER = 5.0
"""How long a named pipe may be without a reader before it is refused; opened plainly, it would be waited for for ever."""


@contextlib.contextmanager
def _written_through(path: Path, number: int | None, there: os.stat_result | None) -> Iterator[BinaryIO]:
    """A file in memory (above 64 MiB on disk) that is written to a device, pipe or descriptor at the block's end.

    So a failure within the block sends nothing, and writers that go back in their file can do so.
    """
    for stream in (sys.stdout, sys.stderr):  # what was printed before comes before
        if number is not None and stream is not None:
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
    try:
        descriptor = os.dup(number) if number is not None else _opened(path, there)
    except OSError as error:
        raise _not_taken(error, path) from error
    with os.fdopen(descriptor, "wb") as out, tempfile.SpooledTemporaryFile(max_size=64 << 20) as contents:
        yield cast(BinaryIO, contents)
        contents.seek(0)
        try:
            shutil.copyfileobj(contents, out)
            out.flush()
        except OSError as error:
            with contextlib.suppress(OSError):
                out.close()
            raise _not_taken(error, path) from error


def _opened(path: Path, there: os.stat_result | None) -> int:
    if there is None or not stat.S_ISFIFO(there.st_mode):
        return os.open(path, os.O_WRONLY | getattr(os, "O_NOCTTY", 0))
    end = time.monotonic() + SECONDS_FOR_A_READER
    while True:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
            if time.monotonic() > end:
                raise OSError(errno.ENXIO, "nobody reads from this pipe") from error
            time.sleep(0.05)
        else:
            os.set_blocking(descriptor, True)
            return descriptor


def _not_taken(error: OSError, path: Path) -> FileError:
    refusal = FileError(
        "the device or pipe did not take what was written",
        where=str(path),
        given=error.strerror or str(error),
        fix="write to a file",
    )
    refusal.errno = error.errno
    return refusal


def write_bytes(path: str | os.PathLike[str], data: bytes | bytearray | memoryview) -> None:
    """Replace the contents of ``path`` atomically and durably."""
    with atomic_writer(path) as file:
        file.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Replace the contents of ``path`` by ``text`` in UTF-8, atomically and durably; lone surrogates become escapes."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Replace the contents of ``path`` by ``value`` as indented JSON, atomically and durably.

    A list of plain values stands on one line: a row of a confusion matrix is a row.
    """
    text = json_text(value, ascii=False, indent=2)  # no text in it holds a line break, so a "[" before one opens a list
    rows = re.sub(r"\[\n[^\[\]{}\"]*\]", lambda match: " ".join(match[0].split()), text)
    write_text(path, rows + "\n")


def sync_directory(folder: Path) -> None:
    """Make the names in a directory durable; without it a rename may be lost in a power cut (POSIX only)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # some network file systems cannot sync a directory
            raise
    finally:
        os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporaries that killed writers left in ``folder``; harmless where there are none."""
    for leftover in folder.glob(f".*{TEMPORARY_SUFFIX}"):
        with contextlib.suppress(OSError):
            leftover.unlink()


def explained(error: OSError, target: Path) -> FileError:
    """The operating system's error with the file's name and a repair; ``errno`` is kept."""
    reason = error.strerror or str(error)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        fix = [f"free space on the disk that holds {target.parent}", "write to a folder on another disk"]
    elif error.errno == errno.EFBIG:
        fix = ["raise the limit on a file's size (ulimit -f)", "write to a file system that takes larger files"]
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        fix = [f"give yourself permission to write in {target.parent}", "write to a folder of your own"]
    else:
        fix = ["write to another folder"]
    explained = FileError(
        "the file could not be written; what was there before is untouched",
        where=str(target),
        given=reason,
        fix=fix,
    )
    explained.errno = error.errno
    return explained
