"""Which folders are parts (``train/``, ``test/``, ``val/``) and which are classes.

A folder called ``train`` is the training part only where it holds class folders; the vehicle of that name, beside ``bus``
and ``car``, is a class. Where both can be meant, neither is guessed: the error says what to do for each.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from foveal.data.sources.listing import Several, Tally, class_name, entries, is_picture, lineage, pictures, shown, walk
from foveal.errors import DataError

ROLES = {
    "train": "train",
    "training": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "test": "test",
    "testing": "test",
}
_FEW = 8
_COUNTED = 100_000


@dataclass(frozen=True)
class Layout:
    """The folder of each part, and what was decided on the way.

    Attributes:
        parts: a folder for each of ``train``, ``validation`` and ``test`` that there is; the whole is the training part
            where nothing else is.
        notes: one sentence for each decision.
    """

    parts: dict[str, Path]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listing:
    """The picture files of one part, with the name of each one's class.

    Attributes:
        files: the pictures.
        names: the class of each.
        notes: folders without pictures, and names that were brought together.
    """

    files: tuple[Path, ...]
    names: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass
class _Look:
    """A folder directly in the root."""

    path: Path
    role: str | None
    loose: bool
    classes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def pictured(self) -> bool:
        return self.loose or bool(self.classes)


def layout(root: Path, tally: Tally) -> Layout:
    """Tell parts from classes; what lies beside the parts and is passed over is told to the tally.

    Raises:
        DataError: a ``train/`` that may be either, two folders for one part, or a ``test/`` without a ``train/``.
    """
    folders = entries(root, Tally(root))[0]
    if not any(_role(folder) for folder in folders):
        return Layout({"train": root})
    looks = [_look(folder, root) for folder in folders]
    parts: dict[str, list[_Look]] = defaultdict(list)
    for look in looks:
        if look.role and look.classes:
            parts[look.role].append(look)
    others = [look for look in looks if look.role is None and look.pictured]
    if "train" not in parts:
        return _classes_only(root, looks, others)
    for twins in parts.values():
        if len(twins) > 1:
            raise DataError(
                "two folders are named as the same part",
                where=str(root),
                given=_listed(twin.path.name + "/" for twin in twins),
                fix="put the pictures of both into one of them",
            )
    train = parts["train"][0]
    if others and not (parts.keys() - {"train"}):
        if len(train.classes) == 1 and not any(look.classes for look in others):
            return _classes_only(root, looks, others)
        if train.loose or any(look.classes for look in others):
            raise _ambiguous(root, train, others)
    notes = []
    if others:
        names = _listed(look.path.name + "/" for look in others)
        count = _count((look.path for look in others), root)
        notes.append(f"passed over beside {shown(train.path.name)}/: {names} ({count})")
    for look in looks:
        if look.classes:
            continue
        tally.problems += look.problems
        if look.role and not look.pictured:
            notes.append(f"{shown(look.path.name)}/ holds no pictures")
        elif look.role:
            count = _count([look.path], root)
            notes.append(
                f"passed over, without class folders and so without labels: {shown(look.path.name)}/ ({count})"
            )
    loose = entries(root, tally)[1]
    if strays := [file for file in loose if is_picture(file)]:
        notes.append(_beside(strays, root))
    for file in loose:
        if not is_picture(file):
            tally.no_picture(file)
    return Layout({role: found[0].path for role, found in parts.items()}, tuple(notes))


def _classes_only(root: Path, looks: Sequence[_Look], others: Sequence[_Look]) -> Layout:
    """Every folder is a class; refused where the names say otherwise."""
    named = [look for look in looks if look.role and look.pictured]
    names = _listed(look.path.name + "/" for look in named)
    if named and not others:
        whole = [look for look in named if look.classes]
        given = f"{names} with class folders" if whole else f"{names} with pictures and no class folders"
        raise DataError(
            "there is no training part with class folders" if whole else "there are no class folders with pictures",
            where=str(root),
            given=given,
            expected="a subfolder for each class, or train/ and test/ that hold them",
            fix=[f"{look.path}, to take the classes in it" for look in whole[:1]]
            or f"{root.name}/train/cat/1.jpg, {root.name}/train/dog/1.jpg, …",
        )
    beside = {class_name(look.path.name) for look in others}
    for look in named:
        if look.classes and set(look.classes) <= beside:
            raise DataError(
                f"{shown(look.path.name)}/ holds the same class folders as the folder it lies in",
                where=str(root),
                given=f"{_listed(look.classes)} in {shown(look.path.name)}/ and beside it",
                expected="parts side by side, train/ and test/, or classes alone",
                fix=f"put the class folders beside {shown(look.path.name)}/ into {root.name}/train/",
            )
    note = f"taken for a class, not for a part, because no class folders are in it: {names}"
    return Layout({"train": root}, (note,) if named else ())


def listing(part: Path, root: Path, tally: Tally) -> Listing:
    """The pictures of a part by class folder, those of folders below each one too.

    Raises:
        DataError: there are none.
    """
    files: list[Path] = []
    names: list[str] = []
    spelled: dict[str, list[str]] = defaultdict(list)
    empty = Several()
    around = lineage(part)
    folders, loose = entries(part, tally)
    for folder in folders:
        name, before, failed = class_name(folder.name), len(files), len(tally.problems)
        files.extend(pictures(folder, tally, around))
        names.extend([name] * (len(files) - before))
        if len(files) > before:
            spelled[name].append(folder.name)
        elif len(tally.problems) == failed:
            empty.add(tally.inside(folder))
    strays = [file for file in loose if is_picture(file)]
    for file in loose:
        if not is_picture(file):
            tally.no_picture(file)
    if not files:
        raise _nothing(part, root, strays, tally)
    notes = [_beside(strays, part)] if strays else []
    if empty.count:
        notes.append(f"folders without pictures are not classes: {empty}")
    notes += _spelling(spelled)
    return Listing(tuple(files), tuple(names), tuple(notes))


def has_classes(path: str | os.PathLike[str]) -> bool:
    """Whether a folder holds pictures in two class folders or more, as :func:`foveal.data.read_folder` wants them."""
    root = Path(path)
    try:
        part = layout(root, Tally(root)).parts["train"]
    except DataError:
        return False
    return len(_look(part, root).classes) >= 2


def _look(folder: Path, root: Path) -> _Look:
    tally = Tally(root)
    folders, files = entries(folder, tally)
    problems, around = list(tally.problems), lineage(folder)
    classes = [class_name(each.name) for each in folders if any(pictures(each, tally, around))]
    return _Look(folder, _role(folder), any(map(is_picture, files)), classes, problems)


def _role(folder: Path) -> str | None:
    return ROLES.get(folder.name.strip().lower())


def _ambiguous(root: Path, train: _Look, others: Sequence[_Look]) -> DataError:
    name = shown(train.path.name)
    return DataError(
        f"{name}/ may be a class or the training part",
        where=str(root),
        given=f"pictures in folders of {name}/, and in {_listed(look.path.name + '/' for look in others)} beside it",
        expected="class folders side by side, or parts (train/, test/) and nothing else",
        fix=[
            f"{train.path}, to learn the classes in it",
            f"rename {name}/ (to {name}s/, say), to learn it as a class",
        ],
    )


def _nothing(part: Path, root: Path, strays: Sequence[Path], tally: Tally) -> DataError:
    tables = [file for file in entries(part, Tally(root))[1] if _is_table(file)]
    given = f"{len(strays):,} pictures outside any subfolder" if strays else "no pictures"
    if tally.problems:
        given += "\n" + "\n".join(tally.problems[:5])
    return DataError(
        "there are no class folders with pictures",
        where=str(part),
        given=given,
        expected="a subfolder for each class, or train/ and test/ that hold them",
        fix=[str(sorted(tables, key=lambda file: ("train" not in file.name.lower(), file.name))[0])]
        if tables and not strays
        else f"{root.name}/cat/1.jpg, {root.name}/dog/1.jpg, …",
    )


def _is_table(file: Path) -> bool:
    return file.name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".npz"))


def _beside(strays: Sequence[Path], folder: Path) -> str:
    name = shown(os.path.basename(os.path.abspath(folder)))
    return f"passed over beside the class folders of {name}: {_pictures(len(strays))} without a class"


def _pictures(count: int) -> str:
    return f"{count:,} picture{'' if count == 1 else 's'}"


def _spelling(spelled: dict[str, list[str]]) -> list[str]:
    """Notes on folders that were brought together, and on names that look alike and were not."""
    notes = []
    if joined := [name for name, folders in spelled.items() if len(folders) > 1]:
        notes.append(f"folders that spell one name in two ways were read as one class: {_listed(joined)}")
    if tidied := [
        folder for folder, *more in spelled.values() if not more and folder.strip() and folder != folder.strip()
    ]:
        notes.append(f"spaces around the names of class folders were left out: {_listed(map(repr, tidied))}")
    alike: dict[str, list[str]] = defaultdict(list)
    for name in spelled:
        alike[name.casefold()].append(name)
    if pairs := [name for names in alike.values() if len(names) > 1 for name in names]:
        notes.append(f"classes whose names differ only in capitals were kept apart: {_listed(pairs)}")
    return notes


def _count(folders: Iterable[Path], root: Path) -> str:
    """How many pictures there are in folders that are passed over; counted up to a bound."""
    count = 0
    for folder in folders:
        for file in walk(folder, Tally(root)):
            count += is_picture(file)
            if count >= _COUNTED:
                return f"{count:,} pictures or more"
    return _pictures(count)


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(shown(name) for name in every[:_FEW]) + ", …" * (len(every) > _FEW)
