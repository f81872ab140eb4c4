"""A folder of pictures: a subfolder a class, perhaps inside ``train/`` and ``test/``.

A picture or folder that cannot be read is counted and listed in ``DataSet.problems``; it never stops the others and never
vanishes silently. What else is passed over, followed or decided has one line in ``DataSet.notes``.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np

from foveal.data.dataset import DataSet, Split
from foveal.data.progress import progress
from foveal.data.resizing import check_together
from foveal.data.sources.images import Fit, Probe, probe, read
from foveal.data.sources.layout import Listing, has_classes, layout, listing
from foveal.data.sources.listing import Tally, pictures, shown
from foveal.errors import DataError, ImageError
from foveal.printable import printable

_BAR_FROM = 500
_FEW = 12
_T = TypeVar("_T")


def read_folder(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    fit: Fit = "crop",
    threads: int | None = None,
    most: int | None = None,
) -> DataSet:
    """Read a folder of pictures, decoding in parallel.

    Args:
        path: holds a subfolder for each class, or ``train/`` and ``test/`` that do. A ``val/`` is joined to the training
            part (validation is cut off it anew), or is the test part where there is no ``test/``. A ``train/`` without
            class folders is a class, a ``test/`` without them has no labels and is passed over. Linked folders are read.
        size: (height, width) for all. Without it pictures of one size stay so; of several sizes, all become squares of
            their median side, a multiple of 8 between 32 and 224, and ``notes`` says so.
        channels: 1 or 3; without it 1 if every picture is grey, else 3.
        fit: what happens to another aspect: ``crop``, ``pad`` or ``stretch``, as in :func:`foveal.data.sources.images.read`.
        threads: how many decode at once; as many as there are processors where none is said.
        most: bytes that the pictures may take together where ``size`` makes them larger than they are; None for 8 GiB.

    Returns:
        Classes in the order of their names (as numbers, where all are), ``origins`` with the path of each picture. Two
        spellings of one name (composed letters or not, spaces around it) are one class.

    Raises:
        DataError: no class folders, a ``train/`` that may be a class as well, no picture that can be read, a test class
            that training lacks, or too much for memory.
    """
    root = _folder(path)
    tally = Tally(root)
    found = layout(root, tally)
    listings = {role: listing(folder, root, tally) for role, folder in found.parts.items()}
    if "test" not in listings and "validation" in listings:
        listings["test"] = listings.pop("validation")
    classes = _classes(listings, found.parts["train"], root)
    joined = [file for each in listings.values() for file in each.files]
    workers = threads or min(16, os.cpu_count() or 1)
    heads = _parallel(_head, joined, workers, f"looking at {root.name}")
    problems = tally.problems + [
        _line(file, head, root) for file, head in zip(joined, heads, strict=True) if isinstance(head, ImageError)
    ]
    good = {file: head for file, head in zip(joined, heads, strict=True) if isinstance(head, Probe)}
    if not good:
        raise DataError(
            "not one of the pictures can be read",
            where=str(root),
            given="\n".join(problems[:5]),
            expected="PNG, JPEG, WebP, BMP, GIF or TIFF",
        )
    notes = [*found.notes, *(line for each in listings.values() for line in each.notes)]
    target, note = (size, None) if size else _common_size(list(good.values()))
    if note:
        notes.append(note)
    depth = channels or max(head.channels for head in good.values())
    _check_memory(good.values(), (*target, depth), root, most)
    splits: dict[str, Split] = {}
    for role, each in listings.items():
        number = {name: index for index, name in enumerate(classes)}
        chosen = [(file, number[name]) for file, name in zip(each.files, each.names, strict=True) if file in good]
        splits[role], lost = _decode(chosen, (*target, depth), fit, workers, root, role)
        problems += lost
    train = splits["train"]
    if "validation" in splits:
        notes.append(
            f"{len(splits['validation']):,} pictures of the validation folder are counted as training pictures"
        )
        train = _joined(train, splits["validation"])
    notes += tally.notes()
    if lonely := _without(train, classes):
        notes.append(f"no training picture of {lonely} could be read")
    if "test" in splits and (lonely := _without(splits["test"], classes)):
        notes.append(f"there is no test picture of {lonely}")
    return DataSet(
        root.resolve().name, classes, train, splits.get("test"), str(root), problems=tuple(problems), notes=tuple(notes)
    )


def read_album(
    path: str | os.PathLike[str],
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    fit: Fit = "crop",
    threads: int | None = None,
) -> DataSet:
    """Read a folder of pictures that belong to no classes, those of all folders below it too.

    Args:
        path, size, channels, fit, threads: as for :func:`read_folder`.

    Returns:
        One part, in the order of the paths, whose only class is called like the folder; ``origins`` has the paths.

    Raises:
        DataError: no such folder, no picture that can be read, or too much for memory.
    """
    root = _folder(path)
    tally = Tally(root)
    files = list(pictures(root, tally))
    workers = threads or min(16, os.cpu_count() or 1)
    heads = dict(zip(files, _parallel(_head, files, workers, f"looking at {root.name}"), strict=True))
    problems = tally.problems + [
        _line(file, head, root) for file, head in heads.items() if isinstance(head, ImageError)
    ]
    good = {file: head for file, head in heads.items() if isinstance(head, Probe)}
    if not good:
        raise DataError(
            "there are no pictures here that can be read",
            where=str(root),
            given="\n".join(problems[:5]) or "no files that are pictures by their name",
            expected="PNG, JPEG, WebP, BMP, GIF or TIFF",
        )
    target, note = (size, None) if size else _common_size(list(good.values()))
    depth = channels or max(head.channels for head in good.values())
    _check_memory(good.values(), (*target, depth), root, None)
    chosen = [(file, 0) for file in good]
    split, lost = _decode(chosen, (*target, depth), fit, workers, root, "album")
    name = root.resolve().name
    notes = ([note] if note else []) + tally.notes()
    return DataSet(name, (name,), split, None, str(root), problems=(*problems, *lost), notes=tuple(notes))


def _folder(path: str | os.PathLike[str]) -> Path:
    root = Path(path)
    if not os.path.isdir(root):
        raise DataError("there is no such folder", where=str(root))
    return root


def _classes(listings: Mapping[str, Listing], part: Path, root: Path) -> tuple[str, ...]:
    names = set(listings["train"].names)
    for role, each in listings.items():
        if unknown := sorted(set(each.names) - names):
            raise _unknown_class(role, unknown, sorted(names), part, root)
    if len(names) < 2:
        inner = part / listings["train"].files[0].relative_to(part).parts[0]
        raise DataError(
            "one class alone cannot be told from anything",
            where=str(root),
            given=", ".join(names),
            expected="two class folders or more",
            fix=f"{inner}, which holds class folders"
            if has_classes(inner)
            else "a folder with pictures of another class beside it",
        )
    if all(name.isascii() and name.isdigit() for name in names):
        return tuple(sorted(names, key=int))
    return tuple(sorted(names))


def _unknown_class(role: str, unknown: Sequence[str], names: Sequence[str], part: Path, root: Path) -> DataError:
    fix = ["the same class folders in each part"]
    if len(names) > 1:
        fix.append(f"{part}, to do without the {role} part")
    alike = {name.casefold(): name for name in names}
    if (near := alike.get(unknown[0].casefold())) is not None:
        fix.insert(0, f"rename the folder {unknown[0]} of the {role} part to {near}")
    return DataError(
        f"the {role} part has a class that the training part lacks",
        where=str(root),
        given=_few(unknown),
        expected=_few(names),
        fix=fix,
    )


def _without(part: Split, classes: Sequence[str]) -> str:
    """The classes that have no picture in a part, as a bounded list."""
    counts = part.counts(len(classes))
    return _few([name for name, count in zip(classes, counts, strict=True) if not count])


def _few(names: Sequence[str]) -> str:
    more = f", … ({len(names):,} in all)" * (len(names) > _FEW)
    return ", ".join(shown(name) for name in names[:_FEW]) + more


def _common_size(heads: list[Probe]) -> tuple[tuple[int, int], str | None]:
    sizes = Counter((head.height, head.width) for head in heads)
    if len(sizes) == 1:
        return next(iter(sizes)), None
    median = float(np.median([side for head in heads for side in (head.height, head.width)]))
    side = int(min(224, max(32, 8 * round(median / 8))))
    return (
        side,
        side,
    ), f"the pictures have {len(sizes):,} different sizes; all were brought to {side} × {side} (size= chooses)"


def _check_memory(heads: Iterable[Probe], shape: tuple[int, int, int], root: Path, most: int | None) -> None:
    given = [head.height * head.width * shape[2] for head in heads]
    check_together(
        str(root), sum(given), (len(given), *shape), most, f"size=({max(1, shape[0] // 2)}, {max(1, shape[1] // 2)})"
    )


def _decode(
    chosen: list[tuple[Path, int]], shape: tuple[int, int, int], fit: Fit, workers: int, root: Path, role: str
) -> tuple[Split, list[str]]:
    images = np.empty((len(chosen), *shape), dtype=np.uint8)

    def one(index: int) -> ImageError | None:
        try:
            images[index] = read(chosen[index][0], shape[:2], channels=shape[2], fit=fit)
        except ImageError as error:
            return error
        return None

    results = _parallel(one, range(len(chosen)), workers, f"reading {root.name}, {role}")
    problems = [_line(chosen[i][0], error, root) for i, error in enumerate(results) if error is not None]
    kept = np.array([i for i, error in enumerate(results) if error is None], dtype=np.int64)
    if not len(kept):
        raise DataError(
            f"not one of the {role} pictures can be read",
            where=str(root),
            given="\n".join(problems[:5]) or "no pictures",
        )
    labels = np.array([label for _, label in chosen], dtype=np.int64)
    origins = tuple(str(chosen[i][0]) for i in kept)
    return Split(images if len(kept) == len(chosen) else images[kept], labels[kept], origins), problems


def _head(file: Path) -> Probe | ImageError:
    try:
        return probe(file)
    except ImageError as error:
        return error


def _parallel(act: Callable[..., _T], items: range | list[Path], workers: int, title: str) -> list[_T]:
    """``act`` on every item, in order of the items, with a bar where there are many."""
    results: list[_T] = []
    with ThreadPoolExecutor(workers) as pool, progress(title, len(items)) as advance:
        for done, result in enumerate(pool.map(act, items), start=1):
            results.append(result)
            if len(items) >= _BAR_FROM and done % 100 == 0:
                advance(100)
    return results


def _line(file: Path, error: ImageError, root: Path) -> str:
    given = f" ({error.given})" if error.given else ""
    return f"{printable(os.path.relpath(file, root))}: {error.problem}{printable(given)}"


def _joined(first: Split, second: Split) -> Split:
    return Split(
        np.concatenate([first.images, second.images]),
        np.concatenate([first.labels, second.labels]),
        (first.origins or ()) + (second.origins or ()),
    )
