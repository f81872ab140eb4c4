"""Where a new run may lie: the folder of all runs, and the run's name."""

from __future__ import annotations

import errno
import itertools
import os
import re
import shlex
from pathlib import Path

from foveal import files
from foveal.errors import ConfigurationError

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def check_runs(runs: Path) -> None:
    """Refuse a place where no folder can be; nothing is made.

    Raises:
        ConfigurationError: a file or a link that leads nowhere stands there, or in the way there.
        FileError: nothing may be written there.

    Example:
        >>> check_runs(Path(__file__) / "runs")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        foveal.errors.ConfigurationError: --runs: this cannot be the folder of all runs
          given     ...run_place.py, a file
          expected  a folder, or a name that is free
          to fix    --runs ...run_place.py-1
    """
    place = next((each for each in (runs, *runs.parents) if os.path.lexists(each)), Path())
    if not os.path.isdir(place):
        free = next(f"{place}-{n}" for n in itertools.count(1) if not os.path.lexists(f"{place}-{n}"))
        raise ConfigurationError(
            "this cannot be the folder of all runs",
            where="--runs",
            given=f"{place}, " + ("a file" if os.path.exists(place) else "a link that leads nowhere"),
            expected="a folder, or a name that is free",
            fix=f"--runs {shlex.quote(free)}",
        )
    if not os.access(place, os.W_OK | os.X_OK):
        raise files.explained(PermissionError(errno.EACCES, "the folder may only be read"), place / "run")


def check_name(name: str) -> None:
    """Refuse what cannot be the name of a run.

    Raises:
        ConfigurationError: with a name that can.

    Example:
        >>> check_name("vae-2")
    """
    if _NAME.fullmatch(name) and name.strip("."):
        return
    cleaned = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip(".-")[:64] or "run"
    raise ConfigurationError(
        "this cannot be the name of a run",
        where="--name",
        given=repr(name),
        expected="1 to 64 letters, digits, '_', '-' and '.', not dots alone",
        fix=f"--name {cleaned}",
    )
