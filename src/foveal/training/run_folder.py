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
import itertools
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from foveal import files
from foveal.errors import CheckpointError, ConfigurationError

KEPT_CHECKPOINTS = 2
_CHECKPOINT = re.compile(r"(\d{9})\.safetensors")


class RunFolder:
    """Paths and files of a run.

    Args:
        path: the folder, ``runs/NAME``.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.metrics = self.path / "metrics.jsonl"
        self.steps = self.path / "steps.jsonl"
        self.timing = self.path / "timing.jsonl"
        self.checkpoints = self.path / "checkpoints"
        self.model = self.path / "model.safetensors"
        self.report = self.path / "report.html"

    @classmethod
    def fresh(cls, runs: str | Path, name: str | None, base: str) -> RunFolder:
        """An empty folder for a new run: the name asked for, which must be free, or ``base-1``, ``base-2``, …

        Raises:
            ConfigurationError: the name is taken, or is no good name for a folder.
        """
        runs = Path(runs)
        if name is None:
            base = re.sub(r"[^A-Za-z0-9_.-]+", "-", base).strip(".-")[:80] or "run"
            return cls(next(path for n in itertools.count(1) if _created(path := runs / f"{base}-{n}")))
        if not re.fullmatch(r"[A-Za-z0-9_.-]{1,64}", name) or not name.strip("."):
            cleaned = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-")[:64] or "run"
            raise ConfigurationError(
                "this cannot be the name of a run",
                where="--name",
                given=repr(name),
                expected="1 to 64 letters, digits, '_', '-' and '.', not dots alone",
                mend=f"--name {cleaned}",
            )
        folder = cls(runs / name)
        if not _created(folder.path):
            free = next(n for n in itertools.count(2) if not (runs / f"{name}-{n}").exists())
            repairs = [f"--resume {folder.path}"] if folder.config.exists() else []
            raise ConfigurationError(
                "there is a run of this name already, and runs are never overwritten",
                where="--name",
                given=str(folder.path),
                mend=[*repairs, f"--name {name}-{free}", "leave --name out, and a free name is found"],
            )
        return folder

    @classmethod
    def existing(cls, place: str | Path, runs: str | Path = "runs") -> RunFolder:
        """The folder of a run that was started: a path, or a name in ``runs``.

        Raises:
            CheckpointError: there is no run there.
        """
        for candidate in (Path(place), Path(runs) / str(place)):
            if (candidate / "config.json").is_file():
                return cls(candidate)
        there = sorted(p.parent for p in Path(runs).glob("*/config.json")) if Path(runs).is_dir() else []
        there.sort(key=lambda p: p.stat().st_mtime, reverse=True)
        raise CheckpointError(
            "there is no run here",
            where=str(place),
            expected="a folder with a config.json",
            mend=[f"--resume {p}" for p in there[:3]] or "start a run: foveal train",
        )

    def write_config(self, value: dict[str, Any]) -> None:
        """Write ``config.json``."""
        files.write_json(self.config, value)

    def read_config(self) -> dict[str, Any]:
        """Read ``config.json``."""
        try:
            value = json.loads(self.config.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise CheckpointError(
                "this run's config.json cannot be read", where=str(self.config), given=str(error)
            ) from error
        if not isinstance(value, dict):
            raise CheckpointError("this run's config.json is no JSON object", where=str(self.config))
        return value

    def write_rows(self, rows: Sequence[dict[str, Any]], steps: Sequence[dict[str, Any]]) -> None:
        """Replace ``metrics.jsonl`` and ``steps.jsonl`` by all rows so far."""
        for path, values in ((self.metrics, rows), (self.steps, steps)):
            files.write_text(path, "".join(json.dumps(row) + "\n" for row in values))

    def append_timing(self, row: dict[str, Any]) -> None:
        """Add a row to ``timing.jsonl``."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self.timing.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

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
            old.unlink(missing_ok=True)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One process at a time trains in a folder. The lock dies with its process, however that dies.

        Raises:
            CheckpointError: another process is at it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as file:
            if not _lock(file):
                raise CheckpointError(
                    "another process is training in this folder",
                    where=str(self.path),
                    mend=["wait for it to end, or stop it", "train under another --name"],
                )
            files.remove_leftovers(self.path)
            if self.checkpoints.is_dir():
                files.remove_leftovers(self.checkpoints)
            yield


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


def _lock(file: IO[str]) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows has no such locks: two runs in one folder are then the user's own care
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
