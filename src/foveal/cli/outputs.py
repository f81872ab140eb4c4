"""Where a drawing goes that nobody named: never over a file that Foveal did not draw."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from foveal.errors import ConfigurationError

_LOOKED_AT = 4096
_LONGEST = 100


def fresh(name: str, suffix: str, mark: bytes) -> tuple[Path, str | None]:
    """``NAME.SUFFIX`` in this folder, if it is free or was drawn by the same command; else with a number.

    Args:
        name: without a suffix.
        suffix: with its point.
        mark: what the first few kilobytes of such a drawing hold.

    Returns:
        the place, and one sentence where it is another one than usual.

    Example:
        >>> import contextlib, tempfile
        >>> with contextlib.chdir(tempfile.mkdtemp()):
        ...     first = fresh("digits", ".png", b"drawn here")
        ...     _ = Path("digits.png").write_text("mine")
        ...     second = fresh("digits", ".png", b"drawn here")
        >>> str(first[0]), str(second[0])
        ('digits.png', 'digits-2.png')
    """
    stem = os.fsencode(name)[:_LONGEST].decode("utf-8", "ignore") or "data"
    usual = Path(f"{stem}{suffix}")
    place, number = usual, 1
    while os.path.lexists(place) and not _drawn_here(place, mark):
        number += 1
        place = Path(f"{stem}-{number}{suffix}")
    return place, None if place == usual else f"{usual} is there already and is no such drawing: it was left as it is"


def _drawn_here(place: Path, mark: bytes) -> bool:
    from foveal.errors import FileError
    from foveal.files import open_regular

    try:
        with open_regular(place) as file:
            return mark in file.read(_LOOKED_AT)
    except (OSError, FileError):
        return False


def named_or_fresh(
    out: Path | None, name: str, suffix: str, mark: bytes, say: Callable[[str], None] | None = None
) -> Path:
    """The place that was named, which is overwritten, or a fresh one.

    Raises:
        ConfigurationError: a name that ends as another kind of file does.
    """
    if out is None:
        place, note = fresh(name, suffix, mark)
        if note and say is not None:
            say(note)
        return place
    if os.path.lexists(out) and not out.is_file():
        return out  # a device, a pipe, a folder: writing says what it makes of that
    if not out.suffix:
        return out.with_name(out.name + suffix) if out.name else out
    check_ending(out, suffix, f"the drawing is a {suffix[1:].upper()} file", "--out")
    return out


def check_ending(path: Path, suffix: str, problem: str, option: str) -> None:
    """Refuse a file that claims to be something else than what is written: it would open nowhere.

    Raises:
        ConfigurationError: the name has another ending.
    """
    if path.suffix.lower() not in ("", suffix):
        raise ConfigurationError(
            problem,
            where=option,
            given=str(path),
            expected=f"a name that ends in {suffix}",
            fix=f"{option} {path.with_suffix(suffix)}",
        )
