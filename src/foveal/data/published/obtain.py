"""A published data set of four IDX files: where it may lie, where it can be had, and what must be in it.

Whatever a file came from, what it holds is compared with a sum (SHA-256 of the uncompressed bytes) before it is used.
Places are tried in this order: the folder that was named, ``FOVEAL_DATA``, the user's cache, the system's folder; then
the official addresses, then Debian's package. ``FOVEAL_OFFLINE=1`` leaves the network out.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from foveal.data.dataset import DataSet, Split
from foveal.data.published.catalogue import (
    Arrays,
    DataWarning,
    Failure,
    FoundFiles,
    PublishedSet,
    cache_folder,
    check,
    file_in,
    local_places,
    offline,
    present,
)
from foveal.data.sources.idx import parse_idx
from foveal.errors import SourceError


def obtain(
    known: PublishedSet,
    folder: str | os.PathLike[str] | None = None,
    *,
    cache: Path | None = None,
    addresses: Sequence[str] | None = None,
) -> FoundFiles:
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
        if isinstance(found, FoundFiles):
            _warn(known, failures, found.source)
            return found
        failures.append(found)
    if offline():
        failures.append(Failure("the network", "FOVEAL_OFFLINE is set"))
        raise _nowhere(known, failures, home)

    from foveal.data.published.debian import fetch_package
    from foveal.data.published.download import fetch_files

    _warn(known, failures, "the network")
    for address in known.addresses if addresses is None else addresses:
        reason = fetch_files(known, address, home)
        if reason is None and isinstance(found := _look(known, home), FoundFiles):
            return FoundFiles(found.contents, f"{address}, kept in {home}")
        failures.append(Failure(address, reason or "what was fetched could not be read back"))
    if known.package:
        reason = fetch_package(known, home)
        if reason is None and isinstance(found := _look(known, home), FoundFiles):
            return FoundFiles(found.contents, f"the package {known.package}, unpacked into {home}")
        failures.append(
            Failure(f"apt-get download {known.package}", reason or "what was unpacked could not be read back")
        )
    raise _nowhere(known, failures, home)


def load_arrays(found: FoundFiles, known: PublishedSet) -> Arrays:
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


def _look(known: PublishedSet, place: Path) -> FoundFiles | Failure:
    folder = present(known, place)
    if folder is None:
        missing = [f"{file.name}.gz" for file in known.files if not file_in(place, file.name)]
        if not place.is_dir():
            return Failure(str(place), "there is no such folder")
        some = len(missing) < len(known.files)
        return Failure(str(place), f"{', '.join(missing)} missing" if some else "none of the four files is there", some)
    data = []
    for file in known.files:
        path = file_in(folder, file.name)
        result = check(path, file) if path else f"{file.name} vanished"
        if isinstance(result, str):
            return Failure(str(folder), result, damaged=True)
        data.append(result)
    return FoundFiles(tuple(data), str(folder))


def _warn(known: PublishedSet, failures: Sequence[Failure], instead: str) -> None:
    for failure in failures:
        if failure.damaged:
            text = f"{known.title} in {failure.place} is not used: {failure.reason}. Trying {instead} instead."
            warnings.warn(text, DataWarning, stacklevel=3)


def _nowhere(known: PublishedSet, failures: Sequence[Failure], cache: Path) -> SourceError:
    names = ", ".join(f"{file.name}.gz" for file in known.files)
    fix = [
        f"put the four files ({names}) into {cache}",
        f"say where they are: FOVEAL_DATA=FOLDER, or folder={'FOLDER'!r}",
    ]
    if known.package:
        fix.insert(0, f"on Debian or Ubuntu: sudo apt-get install {known.package}")
    if known.addresses:
        fix.append(f"with a network: fetch them from {known.addresses[0]}")
    fix.append("use digits, which is always there: foveal train lecture_cnn digits")
    return SourceError(
        f"{known.title} is not on this machine and could not be fetched",
        where=known.name,
        given="\n".join(f"{failure.place}: {failure.reason}" for failure in failures),
        expected="the four files in one of these places",
        fix=fix,
    )
