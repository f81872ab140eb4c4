"""Runs a command of Foveal in a forked child with bounded time and memory, and judges how it ended.

A fork of a process that has everything imported costs milliseconds, so thousands of trials fit into minutes. A trial ends
well when the command did what it was asked (0) or said in words why not (2): no traceback, no raw control character on the
terminal, no more text than a person reads, within the bounds.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CPU_SECONDS = 20
WALL_SECONDS = 90
MEMORY = 1_200 * 2**20
"""Bytes of a child beyond what it has inherited."""
LONGEST_MESSAGE = 16_000


@dataclass(frozen=True)
class Case:
    """One trial.

    Attributes:
        family: what kind of input it is.
        name: which one.
        make: puts the input into the trial's empty folder (the working directory), and gives the command's arguments.
        refused: the input must not be accepted: exit status 0 would be a false success.
        intact: files, relative to the folder, whose bytes must be the same afterwards.
    """

    family: str
    name: str
    make: Callable[[], list[str]]
    refused: bool = False
    intact: tuple[str, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """How a trial ended: empty ``faults`` is well."""

    case: Case
    status: int
    faults: tuple[str, ...]
    seconds: float
    megabytes: int
    tail: str


def trial(case: Case, folder: Path) -> Verdict:
    """Run one case in an empty folder of its own."""
    folder.mkdir(parents=True)
    before = os.getcwd()
    os.chdir(folder)
    try:
        arguments = case.make()
        kept = {name: Path(name).read_bytes() for name in case.intact}
        begin = time.monotonic()
        status, usage = _forked(arguments, folder)
        seconds = time.monotonic() - begin
        out, err = ((folder / name).read_bytes() for name in (".out", ".err"))
        faults = _faults(case, status, out, err)
        faults += [f"{name} was changed" for name, data in kept.items() if not _same(Path(name), data)]
        return Verdict(case, status, tuple(faults), seconds, usage.ru_maxrss // 1024, _tail(err or out))
    finally:
        os.chdir(before)


def _same(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def _forked(arguments: list[str], folder: Path) -> tuple[int, resource.struct_rusage]:
    sys.stdout.flush()
    sys.stderr.flush()
    child = os.fork()
    if child == 0:
        _child(arguments, folder)
    deadline = time.monotonic() + WALL_SECONDS
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            return (-os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)), usage
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            _, _, usage = os.wait4(child, 0)
            return -signal.SIGALRM, usage
        time.sleep(0.005)


def _child(arguments: list[str], folder: Path) -> None:
    status = 1
    faulthandler.disable()  # a test runner's would write a crash that is meant into the runner's output
    try:
        for number, name in ((1, ".out"), (2, ".err")):
            os.dup2(os.open(folder / name, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)  # not a test runner's capture
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 5))
        size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (size + MEMORY, size + MEMORY))
        status = _command(arguments)
    except BaseException:
        traceback.print_exc(file=sys.stderr)
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _command(arguments: list[str]) -> int:
    from foveal.cli.app import main

    sys.argv = ["foveal", *arguments]
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    return 0


def _faults(case: Case, status: int, out: bytes, err: bytes) -> list[str]:
    faults = []
    if status == -signal.SIGALRM:
        faults.append("hangs")
    elif status == -signal.SIGXCPU:
        faults.append(f"over {CPU_SECONDS} s of processor time")
    elif status < 0:
        faults.append(f"killed by signal {-status}")
    elif status == 1 and b"could not be read" in err:
        pass  # some of several inputs: the others were answered
    elif status not in (0, 2):
        faults.append(f"exit status {status}")
    elif status == 0 and case.refused:
        faults.append("accepted")
    text = err.decode("utf-8", "replace") + out.decode("utf-8", "replace")
    if "Traceback (most recent call last)" in text:
        faults.append("traceback")
    if status == 2 and not err.strip():
        faults.append("refused without a word")
    if len(err) > LONGEST_MESSAGE:
        faults.append(f"a message of {len(err):,} bytes")
    raw = {c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or c in BIDI}
    if raw:
        faults.append(f"raw {sorted(raw)!a} on the terminal")
    return faults


BIDI = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def _tail(text: bytes) -> str:
    return text.decode("utf-8", "replace")[-600:]
