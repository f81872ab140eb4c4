"""How a trial puts its input into its folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile.harness import Case

NAMES = (
    "\x1b[2J\x1b]0;x\x07",
    "a\u202egnp.exe",
    "two\nlines",
    "[red]x[/red]",
    "$x_1$ \\frac",
    "<script>",
    "é" * 80,
    " ",
    "-rf",
    "\udcff\udcfe",
)
"""Names that steer terminals, turn lines around, or look like markup, options or nothing."""


def write(name: str, data: bytes | str, *arguments: str) -> Callable[[], list[str]]:
    """A file, and the command that reads it."""

    def make() -> list[str]:
        Path(name).write_bytes(data if isinstance(data, bytes) else data.encode("utf-8", "surrogatepass"))
        return list(arguments)

    return make


def not_files(family: str, name: str, arguments: tuple[str, ...], refused: bool = True) -> Iterator[Case]:
    """In a file's place: a pipe, a device that never ends, a folder, a link to itself, nothing."""

    def pipe() -> list[str]:
        os.mkfifo(name)
        return list(arguments)

    def linked(target: str) -> Callable[[], list[str]]:
        def make() -> list[str]:
            os.symlink(target, name)
            return list(arguments)

        return make

    def folder() -> list[str]:
        Path(name).mkdir()
        return list(arguments)

    yield Case(family, f"{name} is a pipe", pipe, refused)
    yield Case(family, f"{name} is /dev/zero", linked("/dev/zero"), refused)
    yield Case(family, f"{name} is a link to itself", linked(name), refused)
    yield Case(family, f"{name} is a folder", folder, refused)
    yield Case(family, f"{name} is missing", lambda: list(arguments), refused)
    yield Case(family, f"{name} is empty", write(name, b"", *arguments), refused)
