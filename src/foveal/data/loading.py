"""One door for every kind of data: a name, a folder, an IDX, CSV or ``.npz`` file."""

from __future__ import annotations

import os
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from foveal.data.dataset import DataSet, Split, class_names, shape_text
from foveal.data.generated import logic
from foveal.data.generated.registry import GENERATED, refuse
from foveal.data.published import digits, fashion_mnist, iris, mnist
from foveal.data.resizing import brought_to
from foveal.data.sources.arrays import as_images, as_labels
from foveal.data.sources.csvfile import csv_data
from foveal.data.sources.csvlabel import Unlabelled
from foveal.data.sources.folder import read_folder
from foveal.data.sources.idx import read_idx
from foveal.data.sources.images import Fit
from foveal.data.sources.npz import read_npz
from foveal.data.sources.placing import check_size_and_fit
from foveal.errors import DataError, UnknownName
from foveal.spelling import nearest


@dataclass(frozen=True)
class NamedSet:
    """A data set that is known by name."""

    name: str
    about: str
    load: Callable[[], DataSet]


NAMED = {
    known.name: known
    for known in (
        NamedSet("fashion-mnist", "70,000 clothes, 28 × 28 × 1", fashion_mnist.load),
        NamedSet("mnist", "70,000 digits, 28 × 28 × 1", mnist.load),
        NamedSet("digits", "1,797 digits, 8 × 8 × 1", digits.load),
        NamedSet("iris", "150 flowers, 4 measurements", iris.load),
        NamedSet("and", "both of two bits", lambda: logic.load("and")),
        NamedSet("or", "either of two bits", lambda: logic.load("or")),
        NamedSet("xor", "one of two bits, and not the other: no line separates it", lambda: logic.load("xor")),
    )
}


def load(
    name_or_path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    fit: Fit = "crop",
    classes: Sequence[str] | None = None,
    threads: int | None = None,
    label: str | int | None = None,
    most: int | None = None,
) -> DataSet:
    """Load a data set by its name, or from a folder or file.

    Args:
        name_or_path: a name (``fashion-mnist``, ``mnist``, ``digits``, ``iris``, ``xor``, ``and``, ``or``); a folder of
            pictures (a subfolder a class), a folder with IDX files; an IDX file of pictures with its labels beside it; a CSV
            file; an ``.npz`` file. A file whose name says ``train`` brings the one that says ``test`` (or ``t10k``) along. A
            name wins over a folder called so; ``./digits`` is the folder.
        size: (height, width) to bring the pictures to.
        channels: 1 or 3, to bring them to grey or RGB; pictures of arrays with another number of channels keep it.
        fit: how another aspect is fitted, see :func:`foveal.data.sources.images.read`.
        classes: names of the classes, where the source has only numbers.
        threads: how many pictures of a folder are decoded at once.
        label: the label's column of a CSV file: its name, its number from 1, ``"first"`` or ``"last"``.
        most: bytes that the pictures may take together where ``size`` makes them larger than they are; None for 8 GiB. For
            sizes that are not the user's own, but a model file's.

    Raises:
        UnknownName: neither a name nor a file.
        DataError: something that cannot be read, with its place.
        ConfigurationError: a size or a fit that no picture can be brought to.
        SourceError: a named data set that can be neither found nor fetched.

    Example:
        >>> load("digits").shape
        (8, 8, 1)
        >>> load("digits", size=(28, 28), channels=3).shape
        (28, 28, 3)
    """
    check_size_and_fit(size, fit)
    name = os.fspath(name_or_path)
    key = name.lower().replace("_", "-")
    if not name.strip():
        raise _unknown(name, key)
    if key in NAMED:
        data = NAMED[key].load()
    elif key in GENERATED and not Path(name).exists():
        refuse(key)
    else:
        path = Path(name)
        if os.path.isdir(path) and not idx_images(path):
            data = read_folder(path, size=size, channels=channels, fit=fit, threads=threads, most=most)
        elif os.path.exists(path):
            data = _file(path, classes, label)
        else:
            raise _unknown(name, key)
        data = _with_gaps(data)
    if label is not None and not _is_csv(Path(name)):
        raise DataError("only a CSV file has a column to choose", where=name, given=f"label {label!r}")
    if classes is not None:
        data = replace(data, classes=tuple(classes))
    return brought_to(data, size, channels, fit, most)


def opened(opening: Mapping[str, Any]) -> DataSet:
    """The data set of an opening, as a run's ``config.json`` has it.

    Args:
        opening: see :func:`opening_of`.

    Raises:
        UnknownName, DataError, SourceError: as :func:`load`.

    Example:
        >>> opened({"data": "digits", "size": [16, 16]}).shape
        (16, 16, 1)
    """
    size = opening.get("size")
    return load(
        opening["data"],
        size=tuple(size) if size else None,
        channels=opening.get("channels"),
        label=opening.get("label"),
    )


def opening_of(
    data: str | None, size: tuple[int, int] | None, channels: int | None, label: str | int | None = None
) -> dict[str, Any]:
    """How data are opened, to be written down: ``data`` (name or path), ``size``, ``channels``, and where they matter
    ``label`` and ``place``, the absolute path.

    Example:
        >>> opening_of("digits", (16, 16), None)
        {'data': 'digits', 'size': [16, 16], 'channels': None}
    """
    opening: dict[str, Any] = {"data": data, "size": list(size) if size else None, "channels": channels}
    if label is not None:
        opening["label"] = label
    if data is not None and not _is_name(data) and os.path.exists(data):
        opening["place"] = os.path.abspath(data)
    return opening


def reopened(opening: Mapping[str, Any], run: str | os.PathLike[str]) -> DataSet:
    """The data set of a run again: where it was in training, by the same words or else by the absolute path.

    Args:
        opening: of the run.
        run: its folder, for the message.

    Raises:
        DataError: it was moved, renamed or removed.
        UnknownName, SourceError: as :func:`load`.
    """
    name, place = str(opening["data"]), opening.get("place")
    if _is_name(name) or os.path.exists(name):
        return opened(opening)
    if isinstance(place, str) and os.path.exists(place):
        return opened({**opening, "data": place})
    raise DataError(
        "the data that this run was trained on are not there any more",
        where=name,
        given=f"nothing at {place or os.path.abspath(name)}",
        expected=f"the folder or file that {run} was trained on",
        fix=[
            f"foveal evaluate {shlex.quote(os.fspath(run))} PLACE, with the place where they are now",
            "put them back where they were, or a link to them",
        ],
    )


def _is_name(name: str) -> bool:
    key = name.lower().replace("_", "-")
    return key in NAMED or (key in GENERATED and not Path(name).exists())


def _file(path: Path, classes: Sequence[str] | None, label: str | int | None) -> DataSet:
    if path.is_dir():
        return _idx_set(idx_images(path)[0], classes, path)
    plain = path.name.lower().removesuffix(".gz")
    if plain.endswith(".npz"):
        return read_npz(path, classes=classes)
    if _is_csv(path):
        return _csv_set(path, classes, label)
    if "idx" in plain or plain.endswith("ubyte"):
        return _idx_set(path, classes, path)
    raise DataError(
        "this kind of file is not known as data",
        where=str(path),
        expected=".csv, .tsv, .npz, an IDX file (…-idx3-ubyte), each .gz or not, or a folder of pictures",
    )


def _is_csv(path: Path) -> bool:
    return path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv"))


def _csv_set(path: Path, classes: Sequence[str] | None, label: str | int | None) -> DataSet:
    train = csv_data(path, classes=classes, label=label)
    names = train.classes or class_names([train.labels], classes)
    notes, test = list(train.notes), None
    if other := _companion(path):
        known: int | Sequence[str] = names if train.layout.texts else len(names)
        try:
            found = csv_data(other, shape=_picture(train.images.shape), classes=known, label=label, like=train.layout)
            test = Split(found.images, found.labels)
            notes += [f"the test part is {other}", *(note for note in found.notes if note not in train.notes)]
        except Unlabelled as error:
            notes.append(f"{other} has no labels ({error.given or error.problem}), and was passed over")
    return DataSet(
        path.name.split(".")[0], names, Split(train.images, train.labels), test, str(path), notes=tuple(notes)
    )


def _picture(shape: tuple[int, ...]) -> tuple[int, int, int]:
    _, height, width, channels = shape
    return height, width, channels


def _idx_set(path: Path, classes: Sequence[str] | None, source: Path) -> DataSet:
    if "labels" in path.name:
        path = _beside(path, "labels", "images", ("idx1", "idx3")) or path
    train = _idx_split(path, len(classes) if classes else None)
    names = class_names([train.labels], classes)
    notes, test = [], None
    if other := _companion(path):
        if _labels_beside(other):
            test = _idx_split(other, len(names))
            notes = [f"the test part is {other}"]
        else:
            notes = [f"{other} has no labels beside it, and was passed over"]
    return DataSet(source.name.split(".")[0], names, train, test, str(source), notes=tuple(notes))


def _idx_split(path: Path, classes: int | None) -> Split:
    labels_path = _labels_beside(path)
    if labels_path is None:
        raise DataError(
            "there are no labels beside the pictures",
            where=str(path),
            expected=f"{path.name.replace('images', 'labels').replace('idx3', 'idx1')} in the same folder"
            if "images" in path.name
            else "two files whose names say images and labels, as train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.gz",
        )
    images = read_idx(path)
    if images.ndim < 3:
        raise DataError("the file holds no pictures", where=str(path), given=shape_text(images.shape))
    labels = as_labels(read_idx(labels_path), str(labels_path), classes)
    if len(images) != len(labels):
        raise DataError(
            "there are not as many labels as pictures",
            where=str(labels_path),
            given=f"{len(labels):,} labels",
            expected=f"{len(images):,}, as in {path.name}",
        )
    return Split(as_images(images, str(path)), labels)


def _labels_beside(path: Path) -> Path | None:
    found = _beside(path, "images", "labels", ("idx3", "idx1"))
    return None if found == path else found


def idx_images(folder: Path) -> list[Path]:
    """IDX files of pictures in a folder, the training ones first."""
    try:
        names = os.listdir(folder)
    except OSError:  # reading the folder says so
        return []
    found = [folder / name for name in names if "images" in name and "idx" in name and os.path.isfile(folder / name)]
    return sorted(found, key=lambda path: ("train" not in path.name, path.name))


def _beside(path: Path, old: str, new: str, idx: tuple[str, str]) -> Path | None:
    """The file that has ``new`` in its name where this one has ``old``, in small or capital letters, compressed or not."""
    plain = path.name.removesuffix(".gz")
    for change in (str, str.capitalize, str.upper):
        plain = plain.replace(change(old), change(new))
    plain = plain.replace(*idx)
    return next((each for name in (plain, f"{plain}.gz") if os.path.isfile(each := path.with_name(name))), None)


def _companion(path: Path) -> Path | None:
    """The test file beside a training file."""
    for word in ("test", "t10k"):
        other = _beside(path, "train", word, ("", ""))
        if other is not None and other.name.removesuffix(".gz") != path.name.removesuffix(".gz"):
            return other
    return None


def _with_gaps(data: DataSet) -> DataSet:
    """The data set with a note on numbers below the highest label that no picture has: they count as classes."""
    if data.classes != tuple(str(i) for i in range(len(data.classes))):
        return data
    counts = data.train.counts(len(data.classes))
    missing = [str(i) for i in np.flatnonzero(counts == 0)]
    if not missing:
        return data
    some = ", ".join(missing[:8]) + ", …" * (len(missing) > 8)
    note = (
        f"no training picture has the label {some}; classes are counted from 0 to {len(data.classes) - 1} all the same"
    )
    return replace(data, notes=(*data.notes, note))


def _unknown(name: str, key: str) -> UnknownName:
    looks_like_path = os.sep in name or "." in name
    return UnknownName(
        "there is no such file or folder"
        if looks_like_path
        else "no data set is called so, and no file or folder either",
        where=name,
        expected=f"a folder, a file (.csv, .npz, IDX), or one of {', '.join(NAMED)}",
        fix=nearest(key, [*NAMED, *GENERATED], 2) or "foveal data list: the names that there are",
    )
