"""Get a published data set out of Debian's package, without being root and without installing it.

``apt-get download`` fetches the package into a folder of ours and ``dpkg -x`` unpacks it there. Where apt knows no such
package because its lists were never fetched (a fresh container), they are fetched once into a folder of ours too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from foveal import streams
from foveal.data.published.catalogue import PublishedSet, check, present
from foveal.errors import FileError
from foveal.files import write_bytes

TIMEOUT = 600
"""Seconds that one command may take."""

_OPTIONS = ("-q", "-o", "APT::Sandbox::User=root", "-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=20")
_VERBS = ("download", "update")


class _Failed(Exception):
    """A command that did not do; one sentence."""


def fetch_package(known: PublishedSet, cache: Path) -> str | None:
    """Unpack the files of ``known.package`` into the cache, checked.

    Returns:
        None when all files are there and right, else one sentence that says why not.
    """
    missing = [tool for tool in ("apt-get", "dpkg") if shutil.which(tool) is None]
    if missing or known.package is None:
        return f"there is no {' and no '.join(missing)} on this machine" if missing else "no package holds it"
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".package-", dir=cache) as work:
            return _into_cache(known, known.package, cache, Path(work))
    except _Failed as error:
        return str(error)
    except FileError as error:
        return f"{error.where}: {error.problem} ({error.given})"
    except OSError as error:
        return f"{cache}: {error.strerror or error}"


def _into_cache(known: PublishedSet, package: str, cache: Path, work: Path) -> str | None:
    _announce(known, package)
    archive = _download(package, work)
    _run(["dpkg", "-x", archive.name, "tree"], work)
    folder = next(
        (found for path in known.folders if (found := present(known, work / "tree" / path.lstrip("/")))), None
    )
    if folder is None:
        return f"the package {package} does not hold the four files"
    for file in known.files:
        path = folder / f"{file.name}.gz"
        path = path if path.is_file() else folder / file.name
        result = check(path, file)
        if isinstance(result, str):
            return f"the package {package}: {result}"
        write_bytes(cache / path.name, path.read_bytes())
    return None


def _download(package: str, work: Path) -> Path:
    """The package's file; the second try is with package lists of our own."""
    try:
        _run(["apt-get", *_OPTIONS, "download", package], work)
    except _Failed as first:
        lists, kept = work / "lists", work / "archives"
        for folder in (lists / "partial", kept / "partial"):
            folder.mkdir(parents=True)
        own = ["-o", f"Dir::State::lists={lists}", "-o", f"Dir::Cache={kept}"]
        try:
            _run(["apt-get", *_OPTIONS, *own, "update"], work)
            _run(["apt-get", *_OPTIONS, *own, "download", package], work)
        except _Failed as second:
            raise _Failed(f"{first}; with fresh package lists: {second}") from second
    archive = next(iter(sorted(work.glob(f"{package}_*.deb"))), None)
    if archive is None:
        raise _Failed("apt-get left no package behind")
    return archive


def _run(command: list[str], folder: Path) -> None:
    """Run a command; its last line of complaint is the reason when it fails."""
    name = "dpkg -x" if command[0] == "dpkg" else f"apt-get {next(part for part in command if part in _VERBS)}"
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=TIMEOUT,
            check=False,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
        )
    except subprocess.TimeoutExpired as error:
        raise _Failed(f"{name} took longer than {TIMEOUT} s") from error
    except OSError as error:
        raise _Failed(f"{name} could not be started: {error.strerror or error}") from error
    if done.returncode:
        complaints = [line for line in done.stderr.splitlines() if line.strip() and not line.startswith("W:")]
        raise _Failed(f"{name}: {complaints[-1][:300] if complaints else f'exit status {done.returncode}'}")


def _announce(known: PublishedSet, package: str) -> None:
    import sys

    if sys.stderr is not None and sys.stderr.isatty():
        streams.say(f"fetching {known.title} as Debian's package {package} …", error=True)
