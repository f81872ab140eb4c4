"""A published data set of four IDX files: where it may lie, where it can be had, and what must be in it.

Whatever a file came from, what it holds is compared with a sum (SHA-256 of the uncompressed bytes) before it is used.
Places are tried in this order: the folder that was named, ``FOVEAL_DATA``, the user's cache, the system's folder; then
the official addresses, then Debian's package. ``FOVEAL_OFFLINE=1`` leaves the network out.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.data.dataset import DataSet, Split
from foveal.data.idx import parse_idx
from foveal.data.packed import contents
from foveal.errors import DataError, SourceError

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
class Found:
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


def obtain(
    known: PublishedSet,
    folder: str | os.PathLike[str] | None = None,
    *,
    cache: Path | None = None,
    addresses: Sequence[str] | None = None,
) -> Found:
    """Find the data set on this machine, or fetch it into the cache.

    Args:
        known: which one.
        folder: where to look first.
        cache: where fetched files are kept, instead of the user's cache.
        addresses: where to fetch from, instead of the official addresses.

    Raises:
        SourceError: nowhere found; lists each place tried, why it did not do, and what would help.
    """
    home = cache if cache is not None else cache_folder(known.name)
    failures: list[Failure] = []
    for place in local_places(known, folder, home):
        found = _look(known, place)
        if isinstance(found, Found):
            _warn(known, failures, found.source)
            return found
        failures.append(found)
    if offline():
        failures.append(Failure("the network", "FOVEAL_OFFLINE is set"))
        raise _nowhere(known, failures, home)

    from foveal.data.debian import fetch_package
    from foveal.data.fetch import fetch_files

    _warn(known, failures, "the network")
    for address in known.addresses if addresses is None else addresses:
        reason = fetch_files(known, address, home)
        if reason is None and isinstance(found := _look(known, home), Found):
            return Found(found.contents, f"{address}, kept in {home}")
        failures.append(Failure(address, reason or "what was fetched could not be read back"))
    if known.package:
        reason = fetch_package(known, home)
        if reason is None and isinstance(found := _look(known, home), Found):
            return Found(found.contents, f"the package {known.package}, unpacked into {home}")
        failures.append(
            Failure(f"apt-get download {known.package}", reason or "what was unpacked could not be read back")
        )
    raise _nowhere(known, failures, home)


def load_arrays(found: Found, known: PublishedSet) -> Arrays:
    """The four arrays, as Keras returns them: ((training pictures, labels), (test pictures, labels))."""
    arrays = [parse_idx(data, file.name) for data, file in zip(found.contents, known.files, strict=True)]
    return (arrays[0], arrays[1]), (arrays[2], arrays[3])


def load_set(known: PublishedSet, folder: str | os.PathLike[str] | None = None) -> DataSet:
    """The data set with the names of its classes; pictures get their one channel."""
    found = obtain(known, folder)
    (x, y), (test_x, test_y) = load_arrays(found, known)
    train = Split(x[..., np.newaxis], y.astype(np.int64))
    test = Split(test_x[..., np.newaxis], test_y.astype(np.int64))
    return DataSet(known.name, known.classes, train, test, found.source)


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
        if all(_file(folder, file.name) for file in known.files):
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


def _file(folder: Path, name: str) -> Path | None:
    """The file called ``name`` or ``name.gz`` in ``folder``; some put a dot before ``idx``."""
    dotted = name.replace("-idx", ".idx")
    return next(
        (path for each in (name, dotted) for path in (folder / f"{each}.gz", folder / each) if path.is_file()), None
    )


def _look(known: PublishedSet, place: Path) -> Found | Failure:
    folder = present(known, place)
    if folder is None:
        missing = [f"{file.name}.gz" for file in known.files if not _file(place, file.name)]
        if not place.is_dir():
            return Failure(str(place), "there is no such folder")
        some = len(missing) < len(known.files)
        return Failure(str(place), f"{', '.join(missing)} missing" if some else "none of the four files is there", some)
    data = []
    for file in known.files:
        path = _file(folder, file.name)
        result = check(path, file) if path else f"{file.name} vanished"
        if isinstance(result, str):
            return Failure(str(folder), result, damaged=True)
        data.append(result)
    return Found(tuple(data), str(folder))


def _warn(known: PublishedSet, failures: Sequence[Failure], instead: str) -> None:
    for failure in failures:
        if failure.damaged:
            text = f"{known.title} in {failure.place} is not used: {failure.reason}. Trying {instead} instead."
            warnings.warn(text, DataWarning, stacklevel=3)


def _nowhere(known: PublishedSet, failures: Sequence[Failure], cache: Path) -> SourceError:
    names = ", ".join(f"{file.name}.gz" for file in known.files)
    mend = [
        f"put the four files ({names}) into {cache}",
        f"say where they are: FOVEAL_DATA=FOLDER, or folder={'FOLDER'!r}",
    ]
    if known.package:
        mend.insert(0, f"on Debian or Ubuntu: sudo apt-get install {known.package}")
    if known.addresses:
        mend.append(f"with a network: fetch them from {known.addresses[0]}")
    mend.append("use digits, which is always there: foveal train lecture_cnn digits")
    return SourceError(
        f"{known.title} is not on this machine and could not be fetched",
        where=known.name,
        given="\n".join(f"{failure.place}: {failure.reason}" for failure in failures),
        expected="the four files in one of these places",
        mend=mend,
    )


def files_of(sums: Mapping[str, str], md5: Mapping[str, str]) -> tuple[PublishedFile, ...]:
    """The four files in the usual order, with the lengths that MNIST's shapes (60,000 and 10,000 of 28 × 28) give."""
    lengths = {ROLES[0]: 16 + 60_000 * 784, ROLES[1]: 8 + 60_000, ROLES[2]: 16 + 10_000 * 784, ROLES[3]: 8 + 10_000}
    return tuple(PublishedFile(name, sums[name], lengths[name], md5[f"{name}.gz"]) for name in ROLES)
