"""Every system call by which runs are saved: killed there, stopped there, the disk full or broken there; then resumed.

    python tests/hostile/kill_points.py                  # everything, with strace; hours. `make kill`
    python tests/hostile/kill_points.py --every 7 --offset 3
    python tests/hostile/kill_points.py --inside --every 9 classifier   # without strace: Python's own calls fail

A process that has everything imported forks a child for each point, so that a point costs a second. strace is attached to the
child and does one thing to the nth call of a kind: SIGKILL, SIGTERM, SIGINT, ENOSPC or EIO. What is left is then gone on with, by
another child, and must end in the bits of a run that nothing happened to. Counted are: losses (it does not go on, or ends in
other bits, or a checkpoint that was reported is not there), tracebacks, false successes (status 0, and a file is missing or other)
and ends without a word. All must be zero.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KINDS = ("classifier", "vae", "dbn")
CALLS = ("openat", "write", "fsync", "rename", "link", "mkdir", "unlink", "close", "flock")
INSIDE = ("open", "fdopen", "fsync", "replace", "link", "mkdir", "unlink", "close")  # of the module os
INJECTIONS = ("KILL", "TERM", "INT", "ENOSPC", "EIO")
SECONDS = 120  # for a child, after which it counts as hung


def run(kind: str, runs: Path) -> None:
    """The run called ``a``: begun, or gone on with where it has begun. As ``foveal train`` does it, in this process."""
    from foveal import systems
    from foveal.systems import launch
    from foveal.training.display import display_for

    display = display_for(0, json_lines=True)
    folder = runs / "a"
    resume = (folder / "config.json").exists()
    if resume:
        systems.resume(folder, display=display)
    elif kind == "classifier":
        from foveal.network import Sequential, layers

        network = Sequential([layers.Dense(8, activation="relu"), layers.Dense(3)], name="small")
        changes: dict[str, Any] = {"epochs": 2, "batch_size": 64, "device": "cpu"}
        planned = systems.plan("classifier", "iris", network=network, changes=changes)
        systems.start(planned, runs=runs, name="a", display=display)
    else:
        told = launch.method(systems.system(kind)).quick.arguments()
        planned = systems.plan(kind, **{**told, "changes": {**told["changes"], "device": "cpu"}})
        systems.start(planned, runs=runs, name="a", display=display)


def as_the_command(work: Callable[[], None]) -> int:
    """The status and the last words of ``foveal``: an error in a line and 2, an interruption in a line and 128 + signal."""
    from foveal.errors import FovealError
    from foveal.training.interruption import stopping

    try:
        with stopping(""):
            work()
    except FovealError as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:  # as the command does
        print(f"given {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as stop:
        print(str(stop) or "stopped", file=sys.stderr)
        return 128 + getattr(stop, "signal", signal.SIGINT)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


@dataclass
class End:
    """How a child ended."""

    code: int
    told: str
    saved: list[str] = field(default_factory=list)  # checkpoints that it reported


def child(
    work: Callable[[], None], place: Path, attached: Callable[[int], contextlib.AbstractContextManager[None]]
) -> End:
    """Fork, stop, let somebody attach, go on, and wait for the end."""
    out, err = place / "stdout", place / "stderr"
    number = os.fork()
    if number == 0:
        code = 1
        try:
            for path, descriptor in ((out, 1), (err, 2)):
                opened = os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY)
                os.dup2(opened, descriptor)
                os.close(opened)
            sys.stdout, sys.stderr = (
                os.fdopen(1, "w", buffering=1, closefd=False),
                os.fdopen(2, "w", buffering=1, closefd=False),
            )
            os.kill(os.getpid(), signal.SIGSTOP)
            code = as_the_command(work)
        finally:
            os._exit(code)
    os.waitpid(number, os.WUNTRACED)
    with attached(number):
        os.kill(number, signal.SIGCONT)
        end = time.monotonic() + SECONDS
        while True:
            done, status = os.waitpid(number, os.WNOHANG)
            if done:
                break
            if time.monotonic() > end:
                os.kill(number, signal.SIGKILL)
                os.waitpid(number, 0)
                return End(-999, f"hung for {SECONDS} s")
            time.sleep(0.005)
    saved = []
    for line in out.read_text(errors="replace").splitlines():
        with contextlib.suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict) and event.get("event") == "saved":
                saved.append(str(event.get("path")))
    return End(os.waitstatus_to_exitcode(status), err.read_text(errors="replace"), saved)


@contextlib.contextmanager
def nobody(number: int) -> Iterator[None]:
    """Nothing is attached."""
    yield


def strace(*options: str) -> Callable[[int], contextlib.AbstractContextManager[None]]:
    """strace attached to the child and all its threads."""

    @contextlib.contextmanager
    def attached(number: int) -> Iterator[None]:
        tracer = subprocess.Popen(["strace", "-f", "-qq", *options, "-p", str(number)], stderr=subprocess.DEVNULL)
        try:
            for _ in range(2_000):
                if "TracerPid:\t0" not in Path(f"/proc/{number}/status").read_text():
                    break
                time.sleep(0.005)
            yield
        finally:
            tracer.terminate()
            tracer.wait()

    return attached


def inside(
    work: Callable[[], None], call: str, number: int, injection: str, counts: Path | None = None
) -> Callable[[], None]:
    """The same work, with the nth call of a function of ``os`` failing; or all of them counted into a file."""

    def injected() -> None:
        seen: Counter[str] = Counter()

        def watched(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
            def replacement(*arguments: Any, **options: Any) -> Any:
                seen[name] += 1
                if (name, seen[name]) == (call, number):
                    if injection in ("ENOSPC", "EIO"):
                        code = getattr(errno, injection)
                        raise OSError(code, os.strerror(code), str(arguments[0]) if arguments else None)
                    os.kill(os.getpid(), getattr(signal, f"SIG{injection}"))
                return real(*arguments, **options)

            return replacement

        for name in INSIDE:
            setattr(os, name, watched(name, getattr(os, name)))
        try:
            work()
        finally:
            if counts is not None:
                counts.write_text(json.dumps(seen))

    return injected


def prints(folder: Path) -> dict[str, str]:
    """Sums of the files whose bytes follow from the seed, and which others there are."""
    same = ("metrics.jsonl", "steps.jsonl", "evaluation.json", ".npz")
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_dir() or path.name.startswith("."):
            continue
        fixed = path.name.endswith(same) or (path.suffix == ".safetensors" and "checkpoints" not in path.parts)
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if fixed else "there"
    return found


@dataclass
class Tally:
    """What came of the points of one kind and injection."""

    points: int = 0
    reached: int = 0
    losses: list[str] = field(default_factory=list)
    tracebacks: list[str] = field(default_factory=list)
    false: list[str] = field(default_factory=list)
    silent: list[str] = field(default_factory=list)

    @property
    def bad(self) -> list[str]:
        """Everything that must not be."""
        return [*self.losses, *self.tracebacks, *self.false, *self.silent]


def judge(
    tally: Tally, at: str, injection: str, end: End, kind: str, runs: Path, whole: dict[str, str], place: Path
) -> None:
    """Count how the child ended, go on with what it left, and compare."""
    tally.points += 1
    tally.reached += end.code != 0
    if "Traceback" in end.told or end.code in (1, -999):
        tally.tracebacks.append(f"{at}: status {end.code}\n{end.told}")
    if end.code == 0 and prints(runs / "a") != whole:
        tally.false.append(f"{at}: status 0, and {_difference(prints(runs / 'a'), whole)}")
    if end.code == 2 and "given" not in end.told:
        tally.silent.append(f"{at}: status 2 and {end.told!r}")
    if injection in ("TERM", "INT") and end.code > 2 and "topped" not in end.told:
        tally.silent.append(f"{at}: status {end.code} and {end.told!r}")
    if end.saved and not _loads(runs / "a", end.saved):
        tally.losses.append(f"{at}: {end.saved[-1]} was reported, and nothing as late can be read")
    again = child(lambda: run(kind, runs), place, nobody)
    if again.code != 0 or "Traceback" in again.told:
        tally.losses.append(f"{at}: going on ends with {again.code}\n{again.told}")
    elif prints(runs / "a") != whole:
        tally.losses.append(f"{at}: gone on with, {_difference(prints(runs / 'a'), whole)}")


def _loads(folder: Path, saved: list[str]) -> bool:
    from foveal.errors import CheckpointError
    from foveal.training.checkpoints.state import read_state

    last = Path(saved[-1])
    for path in sorted(last.parent.glob("*.safetensors"), reverse=True):
        if path.name < last.name:
            return False
        with contextlib.suppress(CheckpointError):
            read_state(path)
            return True
    return False


def _difference(found: dict[str, str], whole: dict[str, str]) -> str:
    names = sorted(name for name in found.keys() | whole.keys() if found.get(name) != whole.get(name))
    return f"{', '.join(names[:4])} differ or miss"


def points_of(kind: str, root: Path, by_strace: bool) -> dict[str, int]:
    """How often each call is made in a whole run."""
    runs, counts = root / "counted", root / "counts"
    if not by_strace:
        assert child(inside(lambda: run(kind, runs), "", 0, "", counts), root, nobody).code == 0
        return {name: number for name, number in json.loads(counts.read_text()).items() if number}
    options = ("-o", str(counts), "-e", f"trace={','.join(CALLS)}", "-e", "signal=none")
    end = child(lambda: run(kind, runs), root, strace(*options))
    assert end.code == 0, end.told
    lines = [line.split(None, 1)[-1] for line in counts.read_text().splitlines()]
    return {call: n for call in CALLS if (n := sum(line.startswith(f"{call}(") for line in lines))}


def tried(kind: str, root: Path, every: int, offset: int, by_strace: bool, until: float) -> dict[str, Tally]:
    """All points of a kind of run, or each ``every``th of them."""
    for _ in range(2):  # the first one imports: what a child does afterwards is the saving and little else
        shutil.rmtree(root / "whole", ignore_errors=True)
        assert as_the_command(lambda: run(kind, root / "whole")) == 0
    whole = prints(root / "whole" / "a")
    tallies = {injection: Tally() for injection in INJECTIONS}
    place = root / "children"
    place.mkdir()
    points = [(call, n + 1) for call, number in points_of(kind, root, by_strace).items() for n in range(number)]
    at = offset
    for number, (call, n) in enumerate(points):
        for turn, injection in enumerate(INJECTIONS):
            if (number + turn * (every // len(INJECTIONS) or 1)) % every != at % every or time.monotonic() > until:
                continue
            runs = root / "tried"
            shutil.rmtree(runs, ignore_errors=True)
            if by_strace:
                what = f"signal={injection}" if injection in ("KILL", "TERM", "INT") else f"error={injection}"
                options = ("-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:{what}:when={n}")
                end = child(lambda runs=runs: run(kind, runs), place, strace(*options))  # type: ignore[misc]
            else:
                end = child(inside(lambda runs=runs: run(kind, runs), call, n, injection), place, nobody)  # type: ignore[misc]
            judge(tallies[injection], f"{kind}, {injection} at {call} {n}", injection, end, kind, runs, whole, place)
            if "Traceback" in end.told or tallies[injection].bad[-1:]:
                print(*tallies[injection].bad[-1:], file=sys.stderr, flush=True)
    return tallies


def main() -> int:
    """Print a table a kind; the status is 1 where anything is not zero."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kinds", nargs="*", default=list(KINDS), help="of runs: classifier, or the name of a system")
    parser.add_argument("--every", type=int, default=1, help="take each so-manieth point")
    parser.add_argument("--offset", type=int, default=0, help="begin with this one")
    parser.add_argument("--minutes", type=float, default=600, help="for each kind, then stop")
    parser.add_argument("--inside", action="store_true", help="without strace: functions of os fail or kill")
    chosen = parser.parse_args()
    if not chosen.inside and shutil.which("strace") is None:
        print("strace is needed (Debian: apt-get install strace); or --inside", file=sys.stderr)
        return 2
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # as a shell has it for what runs in the background
        signal.signal(signal.SIGINT, signal.default_int_handler)
    import torch

    torch.set_num_threads(1)
    bad = 0
    print(
        f"{'run':<12}{'injected':<10}{'points':>8}{'ended by it':>13}{'losses':>8}{'tracebacks':>12}{'false':>7}{'silent':>8}"
    )
    for kind in chosen.kinds:
        with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(None):
            until = time.monotonic() + 60 * chosen.minutes
            tallies = tried(kind, Path(folder), chosen.every, chosen.offset, not chosen.inside, until)
        for name, t in tallies.items():
            found = (len(t.losses), len(t.tracebacks), len(t.false), len(t.silent))
            print(
                f"{kind:<12}{name:<10}{t.points:>8}{t.reached:>13}{found[0]:>8}{found[1]:>12}{found[2]:>7}{found[3]:>8}",
                flush=True,
            )
            bad += sum(found)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
