"""A run's ``config.json``, read with suspicion: it may be torn by another program, edited by hand, or come from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from foveal import files, strictjson
from foveal.errors import CheckpointError, FileError, FormatError, FovealError, described

MOST_BYTES = 32 * 2**20  # descriptions of at most 16 MiB are read anywhere
MOST_SIDE = 100_000

T = TypeVar("T")
_REPAIR = "put back a copy of config.json, or start a new run under another --name"


def read(path: Path) -> dict[str, Any]:
    """The mapping in a ``config.json``.

    Raises:
        CheckpointError: a folder, pipe or device, too large, or no strict JSON.
    """
    try:
        value = strictjson.loads(files.read_regular(path, MOST_BYTES), path.name)
    except (FileError, FormatError) as error:
        raise CheckpointError(
            "this run's config.json cannot be read",
            where=str(path),
            given=_first_line(error) if isinstance(error, FormatError) else f"{error.problem}: {error.given}",
            expected="a file in JSON",
            fix=_REPAIR,
        ) from error
    if not isinstance(value, dict):
        raise CheckpointError("this run's config.json is not a JSON object", where=str(path), fix=_REPAIR)
    return value


def understood(path: Path, told: Mapping[str, Any], make: Callable[[Mapping[str, Any]], T]) -> T:
    """What ``make`` makes of a config, with everything that it stumbles over explained as one kind of error.

    Args:
        path: of the file.
        told: its content.
        make: reads keys and constructs from them; it need not check what construction checks.

    Raises:
        CheckpointError: a key that is missing, a value of another kind or out of its range, a name this version does not have.
    """
    try:
        return make(told)
    except KeyError as error:
        if isinstance(error, FovealError):
            raise damaged(path, _first_line(error)) from error
        raise damaged(path, f"{error.args[0]!r} is missing") from error
    except FovealError as error:
        raise damaged(path, _first_line(error)) from error
    except (TypeError, ValueError, AttributeError, IndexError, OverflowError) as error:
        raise damaged(path, described(error)) from error


def opening(told: Mapping[str, Any]) -> dict[str, Any]:
    """How the run's data were opened: ``data`` (name, path or None), ``size`` (a pair or None), ``channels`` (or None);
    ``label`` and ``place`` (its absolute path) where they are told.

    Raises:
        ValueError: another kind of value; for :func:`understood` to explain.
    """
    found = told["data"]["opening"]
    name, size, channels = found["data"], found.get("size"), found.get("channels")
    if not (name is None or (isinstance(name, str) and "\0" not in name and name)):
        raise ValueError(f"data.opening.data is {name!r}, and names no data")
    if not (size is None or (isinstance(size, list) and len(size) == 2 and all(_count(n, MOST_SIDE) for n in size))):
        raise ValueError(f"data.opening.size is {size!r}, and not a height and a width")
    if not (channels is None or _count(channels, 4)):
        raise ValueError(f"data.opening.channels is {channels!r}")
    label, place = found.get("label"), found.get("place")
    if not (label is None or (isinstance(label, str | int) and not isinstance(label, bool))):
        raise ValueError(f"data.opening.label is {label!r}, and no column")
    if not (place is None or (isinstance(place, str) and "\0" not in place)):
        raise ValueError(f"data.opening.place is {place!r}, and no path")
    return {**found, "data": name, "size": size, "channels": channels}


def texts(value: Any, what: str) -> list[str]:
    """A list of texts.

    Raises:
        ValueError: anything else; for :func:`understood` to explain.
    """
    if not (isinstance(value, list) and all(isinstance(each, str) for each in value)):
        raise ValueError(f"{what} is not a list of texts")
    return value


def damaged(path: Path, given: str) -> CheckpointError:
    """The error for a config that is JSON and makes no sense."""
    return CheckpointError(
        "this run's config.json is damaged",
        where=str(path),
        given=given,
        expected="config.json as `foveal train` wrote it",
        fix=_REPAIR,
    )


def _count(value: Any, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def _first_line(error: FovealError) -> str:
    return f"{error.where}: {error.problem}" if error.where else error.problem
