"""What lies below a folder: pictures by their names, each folder once, and an account of all that is passed over.

Links to folders are followed, as torchvision and timm follow them. A link that leads back to a folder above it, or to one
that was read already, is not followed again, so every walk ends. Nothing vanishes silently: what is not a picture, what may
not be read and where a walk was ended is kept in a :class:`Tally`, whose notes are one bounded line a kind.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from foveal.data.sources.images import SUFFIXES
from foveal.errors import DataError
from foveal.printable import bounded, printable

MOST = 5_000_000
"""Files and folders that are looked at below one folder; a link into a whole disk ends here."""
_SHOWN = 3
_UNREAD = (
    ".heic", ".heif", ".avif", ".svg", ".jfif", ".jp2", ".jxl", ".psd", ".ico", ".ppm", ".pgm", ".pbm", ".tga", ".eps",
    ".raw", ".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2",
)  # fmt: skip
_NAME = 60
_SYSTEM = ("__macosx", "@eadir", "$recycle.bin", "#recycle", "system volume information", "lost+found", "__pycache__")


@dataclass
class Several:
    """A number of things, and the names of the first few."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """One more."""
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(shown(name))

    def __str__(self) -> str:
        more = f", … ({self.count:,} in all)" if self.count > len(self.first) else ""
        return ", ".join(self.first) + more


@dataclass
class Tally:
    """What a walk below ``root`` met beside pictures.

    Attributes:
        root: paths are told from here.
        problems: folders and files that cannot be read, a line each.
        failed: their paths.
        others: files that are not pictures by their name.
        unread: kinds of pictures that are not read, by the ends of their names.
        hidden: hidden files and folders, and those that systems leave behind (``__MACOSX``).
        links: linked folders that were read.
        ended: links to folders that were read already, or that lie above.
    """

    root: Path
    problems: list[str] = field(default_factory=list)
    failed: list[Path] = field(default_factory=list)
    others: int = 0
    unread: Counter[str] = field(default_factory=Counter)
    hidden: Several = field(default_factory=Several)
    links: Several = field(default_factory=Several)
    ended: Several = field(default_factory=Several)
    looked_at: int = 0

    def inside(self, path: Path) -> str:
        """The path as seen from the root."""
        return os.path.relpath(path, self.root)

    def no_picture(self, path: Path) -> None:
        """A file that is passed over for its name."""
        if path.suffix.lower() in _UNREAD:
            self.unread[path.suffix.lower()] += 1
        else:
            self.others += 1

    def fails(self, path: Path, what: str, error: OSError | None = None) -> None:
        """Something cannot be read."""
        reason = f" ({error.strerror or error})" if error else ""
        self.failed.append(path)
        self.problems.append(f"{shown(self.inside(path))}: {what}{reason}")

    def notes(self) -> list[str]:
        """One line for each kind of thing that was passed over or followed."""
        lines = []
        if self.others:
            lines.append(
                "1 file that is not a picture by its name was passed over"
                if self.others == 1
                else f"{self.others:,} files that are not pictures by their names were passed over"
            )
        if self.unread:
            kinds = ", ".join(f"{kind} ({count:,})" for kind, count in sorted(self.unread.items()))
            lines.append(f"pictures in formats that are not read were passed over: {kinds}")
        if self.hidden.count:
            lines.append(f"hidden or system files and folders were passed over: {self.hidden}")
        if self.links.count:
            lines.append(f"linked folders were followed and read: {self.links}")
        if self.ended.count:
            lines.append(f"links to folders above them, or read already, were not followed: {self.ended}")
        return lines


def shown(name: str) -> str:
    """A file's name for a line of text: bounded, and without what steers a terminal."""
    return bounded(printable(name), _NAME)


def is_picture(path: Path) -> bool:
    """Whether a file is a picture by its name."""
    return path.suffix.lower() in SUFFIXES


def entries(folder: Path, tally: Tally) -> tuple[list[Path], list[Path]]:
    """(folders, files) directly in a folder, in the order of their names; what is neither is told to the tally."""
    folders: list[Path] = []
    files: list[Path] = []
    try:
        with os.scandir(folder) as found:
            items = sorted(found, key=lambda item: item.name)
    except OSError as error:
        tally.fails(folder, "the folder cannot be read", error)
        return folders, files
    tally.looked_at += len(items)
    if tally.looked_at > MOST:
        raise DataError(
            "there are too many files below this folder",
            where=str(tally.root),
            given=f"more than {MOST:,}",
            fix="name the folder that holds the class folders",
        )
    for item in items:
        path = folder / item.name
        try:
            directory, regular = item.is_dir(), item.is_file()
            if item.name.startswith(".") or (directory and item.name.lower() in _SYSTEM):
                tally.hidden.add(tally.inside(path))
            elif directory:
                folders.append(path)
                if item.is_symlink():
                    tally.links.add(tally.inside(path))
            elif regular:
                files.append(path)
            elif item.is_symlink():
                tally.fails(path, "the link leads nowhere")
            elif is_picture(path):
                tally.fails(path, "a pipe, socket or device is not a picture")
            else:
                tally.no_picture(path)
        except OSError as error:
            tally.fails(path, "the file cannot be read", error)
    return folders, files


def lineage(folder: Path) -> frozenset[tuple[int, int]]:
    """The identities of a folder and of those it lies in; a link from inside to one of them leads in a circle."""
    real = Path(os.path.realpath(folder))
    return frozenset(key for each in (real, *real.parents) if (key := _identity(each)) is not None)


def walk(folder: Path, tally: Tally, beyond: frozenset[tuple[int, int]] = frozenset()) -> Iterator[Path]:
    """All files below a folder, linked folders included, each folder once; ``beyond`` are folders not to enter."""
    seen = set(beyond | lineage(Path(os.path.realpath(folder)).parent))
    waiting = [folder]
    while waiting:
        place = waiting.pop()
        key = _identity(place)
        if key in seen:
            tally.ended.add(tally.inside(place))
            continue
        if key is not None:
            seen.add(key)
        folders, files = entries(place, tally)
        yield from files
        waiting.extend(reversed(folders))


def pictures(folder: Path, tally: Tally, beyond: frozenset[tuple[int, int]] = frozenset()) -> Iterator[Path]:
    """The pictures, by their names, of all files below a folder; the others are told to the tally."""
    for file in walk(folder, tally, beyond):
        if is_picture(file):
            yield file
        else:
            tally.no_picture(file)


def class_name(folder: str) -> str:
    r"""The name of a class by its folder's: composed letters (NFC), no spaces around, visible bytes for what is not a UTF-8.

    Example:
        >>> class_name("cafe\u0301 ") == "caf\xe9", class_name("caf\udce9")
        (True, 'caf\\xe9')
    """
    text = folder.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return unicodedata.normalize("NFC", text).strip() or text


def _identity(folder: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(folder)
    except OSError:
        return None
    return found.st_dev, found.st_ino
