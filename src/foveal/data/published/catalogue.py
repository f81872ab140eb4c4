"""What is known of a published data set: four IDX files with their sums, where they may lie, and which file is the right one."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.data.sources.gzipped import contents
from foveal.errors import DataError

ROLES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


Arrays = tuple[tuple[NDArray[np.uint8], NDArray[np.uint8]], tuple[NDArray[np.uint8], NDArray[np.uint8]]]


class DataWarning(UserWarning):
    """Something about the data that a person should know, and that does not stop the work."""


@dataclass(frozen=True)
class PublishedFile:
    """One file: its name without ``.gz``, the sum and length of what it holds, the MD5 of the official ``.gz``."""

    name: str
    sha256: str
    length: int
    gz_md5: str


@dataclass(frozen=True)
class PublishedSet:
    """Everything that is known of a published data set."""

    name: str
    title: str
    classes: tuple[str, ...]
    files: tuple[PublishedFile, ...]
    addresses: tuple[str, ...]
    folders: tuple[str, ...] = ()
    """Folders of the system where a package puts it."""
    package: str | None = None
    """Debian's package that holds it."""
    citation: str = ""


@shown_briefly
@dataclass(frozen=True)
class FoundFiles:
    """The contents of the files in the order of ``PublishedSet.files``, and where they were."""

    contents: tuple[bytearray, ...]
    source: str


@dataclass(frozen=True)
class Failure:
    """A place that was tried and why it did not do."""

    place: str
    reason: str
    damaged: bool = False
    """Whether something was there, but not what should be: worth a warning even if another place has it."""


def cache_folder(name: str) -> Path:
    """The folder of the user's cache where a data set is kept (``~/.cache/foveal/NAME`` on Linux)."""
    from platformdirs import user_cache_path

    return user_cache_path("foveal", appauthor=False) / name


def offline() -> bool:
    """Whether ``FOVEAL_OFFLINE`` forbids the network."""
    return os.environ.get("FOVEAL_OFFLINE", "") not in ("", "0")


def local_places(known: PublishedSet, folder: str | os.PathLike[str] | None, cache: Path) -> list[Path]:
    """The folders that may hold the data set, in the order they are tried."""
    places = [Path(folder)] if folder is not None else []
    if named := os.environ.get("FOVEAL_DATA"):
        places.append(Path(named))
    return [*places, cache, *(Path(path) for path in known.folders)]


def present(known: PublishedSet, place: Path) -> Path | None:
    """The folder at or below ``place`` where all four files are, unchecked; None where there is none."""
    for below in ("", known.name, f"{known.title.replace('-', '')}/raw"):
        folder = place / below
        if all(file_in(folder, file.name) for file in known.files):
            return folder
    return None


def check(path: Path, file: PublishedFile) -> bytearray | str:
    """What ``path`` holds, if it is what ``file`` should; else one sentence that says why not."""
    data = bytearray()
    try:
        for chunk in contents(path):
            data += chunk
            if len(data) > file.length:
                return f"{path.name} holds more than {file.length:,} bytes"
    except DataError as error:
        return f"{path.name}: {error.problem} ({error.given})"
    if len(data) != file.length:
        return f"{path.name} holds {len(data):,} bytes, not {file.length:,}"
    found = hashlib.sha256(data).hexdigest()
    if found != file.sha256:
        return f"{path.name} holds something else: SHA-256 {found[:12]}…, not {file.sha256[:12]}…"
    return data


def file_in(folder: Path, name: str) -> Path | None:
    """The file called ``name`` or ``name.gz`` in ``folder``; some put a dot before ``idx``."""
    dotted = name.replace("-idx", ".idx")
    return next(
        (path for each in (name, dotted) for path in (folder / f"{each}.gz", folder / each) if path.is_file()), None
    )


def files_of(sums: Mapping[str, str], md5: Mapping[str, str]) -> tuple[PublishedFile, ...]:
    """The four files in the usual order, with the lengths that MNIST's shapes (60,000 and 10,000 of 28 × 28) give."""
    lengths = {ROLES[0]: 16 + 60_000 * 784, ROLES[1]: 8 + 60_000, ROLES[2]: 16 + 10_000 * 784, ROLES[3]: 8 + 10_000}
    return tuple(PublishedFile(name, sums[name], lengths[name], md5[f"{name}.gz"]) for name in ROLES)
