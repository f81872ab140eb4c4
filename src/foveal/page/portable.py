"""Texts that may be shown to anybody: no absolute path of the machine they were made on."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path

_PATH = re.compile(r"(?<![\w.:/\\~>-])(?:[A-Za-z]:[\\/]|~?/)(?:[^\s/\\\"'<>|:;,()]+[\\/])*([^\s/\\\"'<>|:;,()]*)")
_WHOLE = re.compile(r"(?:[A-Za-z]:[\\/]|/).*", re.DOTALL)


def portable(raw: object, *, here: Path | None = None) -> str:
    """``raw`` as text; absolute paths become relative to the working folder, or else keep their last part only.

    Args:
        raw: any value; its ``str`` is taken.
        here: the folder that relative paths start from; the working folder where not given.

    Example:
        >>> portable("read /home/ann/pictures/cats.npz twice", here=Path("/srv"))
        'read …/cats.npz twice'
        >>> portable("/srv/runs/first", here=Path("/srv"))
        'runs/first'
    """
    folder = (Path.cwd() if here is None else here).as_posix().rstrip("/")

    def shorter(match: re.Match[str]) -> str:
        path = match.group().replace("\\", "/")
        if folder and path.startswith(folder + "/"):
            return path[len(folder) + 1 :]
        if path.count("/") < 2:
            return match.group()  # "/", "/tmp": says nothing of the machine
        return f"…/{match[1]}" if match[1] else "…"

    said = str(raw)
    if _WHOLE.fullmatch(said) and said.count("/") + said.count("\\") > 1 and "\n" not in said:
        path = said.replace("\\", "/").rstrip("/")  # as a whole, because of the spaces that a path may hold
        return path[len(folder) + 1 :] if folder and path.startswith(folder + "/") else "…/" + path.rpartition("/")[2]
    return _PATH.sub(shorter, said)


def command(arguments: Sequence[str], *, here: Path | None = None) -> str:
    """A command line to type again: quoted for a shell, the program without its folder, paths as in :func:`portable`.

    Example:
        >>> command(["/usr/bin/foveal", "train", "--name", "my run"], here=Path("/srv"))
        "foveal train --name 'my run'"
    """
    if not arguments:
        return ""
    program, *rest = arguments
    name = re.split(r"[\\/]", str(program))[-1]
    name = "foveal" if name in ("__main__.py", "app.py") else name.removesuffix(".exe")
    return shlex.join([name, *(_argument(str(each), here) for each in rest)])


def _argument(raw: str, here: Path | None) -> str:
    option, equals, value = raw.partition("=") if raw.startswith("--") else ("", "", raw)
    if _WHOLE.fullmatch(value):
        folder = Path.cwd() if here is None else here
        path = Path(value)
        value = path.relative_to(folder).as_posix() if path.is_relative_to(folder) else re.split(r"[\\/]", value)[-1]
    return f"{option}{equals}{value}"
