"""Nodes examined in processes of their own: one that dies, or does not answer in time, is named, and the next goes on.

A kernel that writes past its buffer often kills a later, innocent one. So a node at which a process died is tried again
alone, several times; if it lives, those that ran before it are tried alone too.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foveal import errors
from foveal.backends.checking.report import CRASHED, SILENT, Checked

AGAIN = 4  # how often a suspect is tried


class Isolated:
    """Examines sites by their numbers.

    Args:
        task: what the worker is told, without the numbers.
        outline: for each site what is known of it before: path, layer, shapes.
        time_limit: seconds that one node may take.
        done: called with each result.
    """

    def __init__(
        self, task: dict[str, Any], outline: dict[int, Checked], time_limit: float, done: Callable[[Checked], None]
    ) -> None:
        self.task, self.outline, self.time_limit, self.done = task, outline, time_limit, done
        self.found: dict[int, Checked] = {}

    def run(self) -> dict[int, Checked]:
        """Every site's result."""
        left = list(self.outline)
        while left:
            fault = self._some(left)
            if fault is not None:
                number, verdict, how, before = fault
                self._blame(number, verdict, how, before)
            left = [number for number in left if number not in self.found]
        return self.found

    def _some(self, numbers: list[int], times: int = 1) -> tuple[int, str, str, list[int]] | None:
        """Run one worker over ``numbers``; what went wrong: the node, the verdict, in words, and who ran before."""
        before: list[int] = []
        current, allowance = numbers[0], 120.0  # the first answer waits for the imports
        with _Worker({**self.task, "numbers": numbers, "times": times}) as worker:
            while True:
                try:
                    line = worker.lines.get(timeout=self.time_limit * times + allowance)
                except queue.Empty:
                    if len(before) == len(numbers):  # damaged, it hangs while it ends
                        return before[-1], CRASHED, "the process did not end", before
                    return current, SILENT, f"no answer within {self.time_limit:g} s", before
                if line is None:
                    how = worker.how_it_ended()
                    if how is None or (len(before) == len(numbers) and worker.process.returncode == 0):
                        return None
                    return (before[-1] if len(before) == len(numbers) else current), CRASHED, how, before
                said = json.loads(line)
                allowance = 0.0
                if "refused" in said:
                    kind = getattr(errors, said.pop("refused"))
                    raise kind(said.pop("problem"), **said)
                if "begins" in said:
                    current = said["begins"]
                else:
                    before.append(said["number"])
                    self._keep(said["number"], Checked(**said["checked"]))

    def _keep(self, number: int, checked: Checked) -> None:
        known = number in self.found
        self.found[number] = checked
        if not known:
            self.done(checked)

    def _fault(self, number: int, verdict: str, note: str) -> None:
        outline = self.outline[number]
        self._keep(number, Checked(outline.path, outline.layer, outline.input, outline.output, verdict, note=note))

    def _blame(self, number: int, verdict: str, how: str, before: list[int]) -> None:
        if verdict == SILENT or not before:
            self._fault(number, verdict, how)
            return
        if (alone := self._some([number], AGAIN)) is not None:
            self._fault(number, alone[1], alone[2])
            return
        culprits = 0
        for suspect in before:
            if (fault := self._some([suspect], AGAIN)) is not None:
                culprits += 1
                self._fault(suspect, fault[1], f"{fault[2]}; it took a later node along")
        if not culprits:
            self._fault(number, CRASHED, f"{how}, after others had run; alone it lives")


class _Worker:
    """A fresh interpreter with the worker in it."""

    def __init__(self, task: dict[str, Any]) -> None:
        self.errors = tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")  # noqa: SIM115  # closed by __exit__
        source = str(Path(__file__).parents[3])
        paths = [source, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "foveal.backends.checking.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1"},
        )
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps(task) + "\n")
            self.process.stdin.flush()  # and left open: that it closes tells the worker that nobody waits for it any more
        except BrokenPipeError:
            pass  # it died at once: the end of its output says so
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def how_it_ended(self) -> str | None:
        """In words, or None where all was well."""
        status = self.process.wait()
        if status == 0:
            return None
        if status < 0:
            names = {one.value: one.name for one in signal.Signals}
            return f"the process died of {names.get(-status, f'signal {-status}')}"
        self.errors.seek(0)
        last = [line for line in self.errors.read().splitlines() if line.strip()]
        return last[-1].strip() if last else f"the process ended with status {status}"

    def __enter__(self) -> _Worker:
        return self

    def __exit__(self, *reason: object) -> None:
        self.process.kill()
        self.process.wait()
        self.reader.join()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.errors.close()
