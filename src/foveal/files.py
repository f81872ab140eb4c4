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
import json
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from foveal.errors import FileError

TEMPORARY_SUFFIX = ".part"


@contextlib.contextmanager
def atomic_writer(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A binary file that becomes ``path`` when the block ends without an error, and vanishes otherwise.

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
    target = Path(path)
    temporary = target.with_name(f".{target.name[:100]}.{os.getpid()}-{secrets.token_hex(4)}{TEMPORARY_SUFFIX}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o666)
    except OSError as error:
        raise explained(error, target) from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, target)
        sync_directory(target.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError) and not isinstance(error, FileError):
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
          to mend   write its content to a file first, and name that
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _unreadable(error, path) from error
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode):
        os.close(descriptor)
        raise FileError(
            "only regular files are read",
            where=os.fsdecode(path),
            given=_kind_of_file(mode),
            expected="a file on a disk",
            mend=None if stat.S_ISDIR(mode) else "write its content to a file first, and name that",
        )
    with os.fdopen(descriptor, "rb") as file:
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
    mend = "check the path" if missing else "give yourself permission to read it" if number == errno.EACCES else None
    told = FileError(
        "there is no such file" if missing else "the file cannot be read",
        where=os.fsdecode(path),
        given=None if missing else getattr(error, "strerror", None) or str(error),
        mend=mend,
    )
    told.errno = number
    return told


def write_bytes(path: str | os.PathLike[str], data: bytes | bytearray | memoryview) -> None:
    """Replace the contents of ``path`` atomically and durably."""
    with atomic_writer(path) as file:
        file.write(data)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Replace the contents of ``path`` by ``text`` in UTF-8, atomically and durably."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Replace the contents of ``path`` by ``value`` as indented JSON, atomically and durably."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


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
        mend = [f"free space on the disk that holds {target.parent}", "write to a folder on another disk"]
    elif error.errno == errno.EFBIG:
        mend = ["raise the limit on a file's size (ulimit -f)", "write to a file system that takes larger files"]
    elif error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        mend = [f"give yourself permission to write in {target.parent}", "write to a folder of your own"]
    else:
        mend = ["write to another folder"]
    explained = FileError(
        "the file could not be written; what was there before is untouched",
        where=str(target),
        given=reason,
        mend=mend,
    )
    explained.errno = error.errno
    return explained
