"""The folder of one run: everything about it in one place, readable without Foveal.

config.json         how it was trained, on what, with which versions
metrics.jsonl       one JSON object an epoch, the numbers of the history; no clock times, so that equal runs are equal
steps.jsonl         the same within the epochs, about twenty rows each, for a smooth curve
timing.jsonl        seconds and pictures a second of each epoch
checkpoints/        the latest two states, for --resume
model.safetensors   the trained network (after the end)
report.html         the report (after the end)
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import json
import os
import re
import secrets
import shlex
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from foveal import files, strictjson
from foveal.errors import CheckpointError, ConfigurationError, FileError, FormatError, TrainingError
from foveal.training.checkpoints import run_config, run_place
from foveal.training.interruption import stopping

KEPT_CHECKPOINTS = 2
MOST_BYTES = 256 * 2**20  # of a file of rows
FILES = (
    "config.json", "metrics.jsonl", "steps.jsonl", "timing.jsonl", "checkpoints", "model.safetensors", "report.html",
    "evaluation.json", "result.json",
)  # fmt: skip
_CHECKPOINT = re.compile(r"(\d{9})\.safetensors")


class RunFolder:
    """Paths and files of a run.

    Args:
        path: the folder, ``runs/NAME``.
        run: the run that this is a stage of, for the command that goes on with it; None for a run itself.
    """

    def __init__(self, path: str | Path, run: RunFolder | None = None) -> None:
        self.path = Path(path)
        self._run = run
        self.config = self.path / "config.json"
        self.metrics = self.path / "metrics.jsonl"
        self.steps = self.path / "steps.jsonl"
        self.timing = self.path / "timing.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.model = self.path / "model.safetensors"
        self.report = self.path / "report.html"

    @classmethod
    def fresh(cls, runs: str | Path, name: str | None, base: str) -> RunFolder:
        """A folder for a new run: the name asked for, which must be free, or ``base-1``, ``base-2``, …

        A folder that is there is free while it holds none of a run's files: so is what a run leaves that was killed before
        it had written its ``config.json``.

        Raises:
            ConfigurationError: the name is taken, or is not a good name for a folder.
        """
        cls.check_place(runs, name)
        runs = Path(runs)
        if name is None:
            base = re.sub(r"[^A-Za-z0-9_.-]+", "-", base).strip(".-")[:80] or "run"
            return cls(next(path for n in itertools.count(1) if _created(path := runs / f"{base}-{n}")))
        folder = cls(runs / name)
        if not _created(folder.path) and not folder.is_free():
            raise folder.taken()
        return folder

    @classmethod
    def check_place(cls, runs: str | Path, name: str | None) -> None:
        """Refuse what :meth:`fresh` would refuse, before data are read and anything is told; nothing is made.

        Raises:
            ConfigurationError: the name is taken or is not a good name, or what is to be the folder of runs is not a folder.
            FileError: nothing may be written there.
        """
        run_place.check_runs(Path(runs))
        if name is None:
            return
        run_place.check_name(name)
        folder = cls(Path(runs) / name)
        if os.path.lexists(folder.path) and not folder.is_free():
            raise folder.taken()

    def is_free(self) -> bool:
        """Whether the folder is there and holds none of a run's files."""
        return os.path.isdir(self.path) and not any(os.path.lexists(self.path / name) for name in FILES)

    def taken(self) -> ConfigurationError:
        """The error for a name that another run has."""
        runs, name = self.path.parent, self.path.name
        free = next(n for n in itertools.count(2) if not os.path.lexists(runs / f"{name}-{n}"))
        repairs = [f"--resume {self.path}"] if self.config.exists() else []
        return ConfigurationError(
            "there is a run of this name already, and runs are never overwritten",
            where="--name",
            given=str(self.path),
            fix=[*repairs, f"--name {name}-{free}", "leave --name out, and a free name is found"],
        )

    @classmethod
    def existing(cls, place: str | Path, runs: str | Path = "runs") -> RunFolder:
        """The folder of a run that was started: a path, or a name in ``runs``.

        Raises:
            CheckpointError: there is no run there.
        """
        candidates = (Path(place), Path(runs) / str(place))
        for candidate in candidates:
            if os.path.lexists(candidate / "config.json"):
                return cls(candidate)
        others = [f"--resume {path}" for path in latest(Path(runs), "config.json")[:3]]
        for candidate in candidates:
            if str(place) and cls(candidate).is_free():
                name = candidate.resolve().name
                raise CheckpointError(
                    "no run has begun in this folder, so there is nothing to go on with",
                    where=str(candidate),
                    given="a folder without config.json, as a run leaves that is killed before its start",
                    expected="a folder with a config.json",
                    fix=[f"start it anew, the name is free: foveal train --name {name}", *others],
                )
        raise CheckpointError(
            "there is no run here",
            where=str(place),
            expected="a folder with a config.json",
            fix=others or "start a run: foveal train",
        )

    def write_config(self, value: dict[str, Any]) -> None:
        """Write ``config.json``."""
        files.write_json(self.config, value)

    def begin(self, value: dict[str, Any]) -> None:
        """Write ``config.json``, which must not be there: of two processes that begin in one folder, one gets it.

        Raises:
            ConfigurationError: another process was first.
            FileError: it could not be written; an empty folder is removed again.
        """
        ready = self.path / f".config.json.{os.getpid()}-{secrets.token_hex(4)}{files.TEMPORARY_SUFFIX}"
        ours = False
        try:
            files.write_json(ready, value)
            try:
                os.link(ready, self.config)
            except FileExistsError:
                raise self.taken() from None
            except OSError:  # a file system without second names for a file
                if self.config.exists():
                    raise self.taken() from None
                os.replace(ready, self.config)
            ours = True
            files.sync_directory(self.path)
        except OSError as error:
            with contextlib.suppress(OSError):
                ready.unlink(missing_ok=True)
                if ours:
                    self.config.unlink()
                self.path.rmdir()
            told = error if isinstance(error, FileError) else files.explained(error, self.config)
            told.where = str(self.config)  # not the name that it was to have first
            raise told from error
        finally:
            with contextlib.suppress(OSError):
                ready.unlink(missing_ok=True)

    def read_config(self) -> dict[str, Any]:
        """Read ``config.json``; see :mod:`foveal.training.checkpoints.run_config` for what is made of it."""
        return run_config.read(self.config)

    def discard_untrained(self) -> None:
        """Remove a run that has not trained yet: its own files, and the folder if nothing else is in it."""
        if self.checkpoint_files() or any((self.path / "stages").glob("[!.]*")):
            return
        with contextlib.suppress(OSError):
            self.config.unlink(missing_ok=True)
            for folder in (self.path / "stages", self.checkpoints, self.path):
                for name in (".lock", "metrics.jsonl", "steps.jsonl", "timing.jsonl"):
                    (folder / name).unlink(missing_ok=True)
                if folder.is_dir():
                    files.remove_leftovers(folder)
                    folder.rmdir()

    def write_rows(self, rows: Sequence[dict[str, Any]], steps: Sequence[dict[str, Any]]) -> None:
        """Replace ``metrics.jsonl`` and ``steps.jsonl`` by all rows so far."""
        for path, values in ((self.metrics, rows), (self.steps, steps)):
            files.write_text(path, "".join(json.dumps(row) + "\n" for row in values))

    def append_timing(self, row: dict[str, Any]) -> None:
        """Add a row to ``timing.jsonl``: the file is replaced as a whole, so that no row is ever torn."""
        rows = [*rows_of(self.timing), row]
        files.write_text(self.timing, "".join(json.dumps(each) + "\n" for each in rows))

    def seconds(self) -> float:
        """The seconds of all epochs of the run and its stages, each epoch counted once."""
        whole = 0.0
        for path in [self.timing, *sorted((self.path / "stages").glob("*/timing.jsonl"))]:
            spent = {row.get("epoch"): row.get("seconds") for row in rows_of(path) if type(row.get("epoch")) is int}
            whole += sum(each for each in spent.values() if isinstance(each, int | float) and each >= 0)
        return float(whole)

    def checkpoint_files(self) -> list[Path]:
        """The checkpoints, the latest first."""
        if not self.checkpoints.is_dir():
            return []
        return sorted((p for p in self.checkpoints.iterdir() if _CHECKPOINT.fullmatch(p.name)), reverse=True)

    def checkpoint_path(self, step: int) -> Path:
        """Where the checkpoint after so many steps of the run belongs."""
        return self.checkpoints / f"{step:09d}.safetensors"

    def prune(self) -> None:
        """Remove all checkpoints but the latest two, and what killed writers left."""
        for old in self.checkpoint_files()[KEPT_CHECKPOINTS:]:
            with contextlib.suppress(OSError):  # one that stays costs room, and nothing else
                old.unlink(missing_ok=True)

    @property
    def how_to_go_on(self) -> str:
        """The command that goes on with this run, as a half-sentence."""
        whole = self._run or self
        return f"continue with: foveal train --resume {shlex.quote(str(whole.path))}"

    def going_on(self) -> contextlib.AbstractContextManager[None]:
        """A block that Ctrl-C and SIGTERM end with one line that says how to go on with this run."""
        return stopping(self.how_to_go_on)

    @contextlib.contextmanager
    def writing(self, place: str, what: str = "the run's numbers") -> Iterator[None]:
        """A block that writes into the folder while training.

        Raises:
            TrainingError: the disk is full, gone or read-only; what was written before is untouched.
        """
        try:
            yield
        except OSError as error:
            reason = error.given if isinstance(error, FileError) and error.given else error.strerror or str(error)
            raise TrainingError(
                f"{what} could not be written; the one before it is untouched"
                if what == "the checkpoint"
                else f"{what} could not be written; the last checkpoint is untouched",
                where=place,
                given=f"{getattr(error, 'where', None) or error.filename or self.path}: {reason}",
                fix=[f"make room there, or give yourself permission; then {self.how_to_go_on}"],
            ) from error

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time trains in a folder. The lock dies with its process, however that dies.

        A block inside the block, in the same thread, has it already.

        Raises:
            CheckpointError: another process is at it; or a folder, pipe or device stands where a file of the run belongs.
            FileError: the folder cannot be written.
        """
        key = os.path.realpath(self.path)
        if _held.get(key) == threading.get_ident():
            yield
            return
        descriptor = self._lock_file()
        try:
            if not _lock(descriptor, self.path):
                raise CheckpointError(
                    "another process is training in this folder",
                    where=str(self.path),
                    fix=["wait for it to end, or stop it", "train under another --name"],
                )
            _held[key] = threading.get_ident()
            try:
                self._refuse_strangers()
                for folder in (self.path, self.checkpoints, self.path / "stages"):
                    if folder.is_dir():
                        files.remove_leftovers(folder)
                yield
            finally:
                del _held[key]
        finally:
            os.close(descriptor)

    def _lock_file(self) -> int:
        path = self.path / ".lock"
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            # not to wait at a pipe of this name; to write is what the run needs of its folder
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
            return os.open(path, flags, 0o666)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTDIR) and not os.path.isdir(self.path):
                raise _stranger(self.path, "a folder") from error
            told = files.explained(error, path)
            told.problem = "a run needs to write in its folder"
            if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
                told.fix = (*told.fix[:1], "copy the folder to where you may write, and go on with the copy")
            raise told from error

    def _refuse_strangers(self) -> None:
        """A pipe would be waited at for ever, and a folder is not a file: better told before than after an epoch."""
        named = [self.path / name for name in FILES if name != "checkpoints"]
        found = [path for path in self.path.glob("[!.]*") if path.suffix in (".json", ".jsonl", ".safetensors")]
        for path in (*named, *found, *(self.path / "stages").glob("[!.]*.json")):
            if os.path.exists(path) and not os.path.isfile(path):
                raise _stranger(path, "a file")
        for path in (self.checkpoints, self.path / "stages"):
            if os.path.lexists(path) and not os.path.isdir(path):
                raise _stranger(path, "a folder")


def _stranger(path: Path, expected: str) -> CheckpointError:
    other = "a pipe, socket, device or broken link"
    return CheckpointError(
        f"something else stands where {expected} of the run belongs",
        where=str(path),
        given="a folder" if os.path.isdir(path) else "a file" if os.path.isfile(path) else other,
        expected=f"{expected}, or nothing",
        fix=f"move {shlex.quote(str(path))} away",
    )


_held: dict[str, int] = {}  # folders that are locked → by which thread


def rows_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON-lines file: those that can be read. A full disk may have torn one; nothing depends on it."""
    try:
        lines = files.read_regular(path, MOST_BYTES).split(b"\n")
    except OSError:  # nothing there, or nothing that can be read
        return []
    rows = []
    for line in lines:
        with contextlib.suppress(FormatError):
            row = strictjson.loads(line, str(path)) if line.strip() else None
            rows += [row] if isinstance(row, dict) else []
    return rows


def latest(runs: Path, name: str) -> list[Path]:
    """The folders in ``runs`` that hold a file of this name, the one written last first."""
    found = []
    with contextlib.suppress(OSError):
        for path in runs.glob(f"*/{name}"):
            with contextlib.suppress(OSError):
                found.append((path.stat().st_mtime, path.parent))
    return [folder for _, folder in sorted(found, reverse=True)]


def _created(path: Path) -> bool:
    """Whether the folder was made just now, by us: of two processes that ask at once, one gets False."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise files.explained(error, path.parent) from error
    try:
        path.mkdir()
    except FileExistsError:
        return False
    except OSError as error:
        raise files.explained(error, path) from error
    return True


def _lock(descriptor: int, path: Path) -> bool:
    """Whether the lock is ours now. Where there are no locks, two runs in one folder are the user's own care."""
    try:
        import fcntl
    except ImportError:  # Windows
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EWOULDBLOCK):
            return False
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL):
            raise files.explained(error, path / ".lock") from error
    return True
