"""The process in which nodes are computed, so that a kernel that dies or never returns takes nothing along.

It reads one line of JSON, the task, and writes a line before each node and one with what was found after it.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import threading
from typing import Any, TextIO

from foveal.backends.checking.examine import examine
from foveal.backends.checking.sites import sites
from foveal.errors import FovealError
from foveal.network import codec
from foveal.network.shape import as_shape


def work(task: dict[str, Any], answers: TextIO) -> None:
    """Examine sites, and write what was found.

    Args:
        task: "parts" (network, input, batch; sites are numbered through all of them), "numbers" (of the sites to examine),
            "times" (how often each), "device", "seed", "tolerance".
        answers: where the lines go.
    """
    found = [
        (site, batch)
        for network, input, batch in task["parts"]
        for site in sites(codec.from_dict(network), as_shape(input))
    ]
    for number in task["numbers"]:
        print(json.dumps({"begins": number}), file=answers, flush=True)
        site, batch = found[number]
        for _ in range(task["times"]):
            checked = examine(site, batch=batch, device=task["device"], seed=task["seed"], tolerance=task["tolerance"])
        print(json.dumps({"number": number, "checked": dataclasses.asdict(checked)}), file=answers, flush=True)


def _end_with_parent() -> None:
    """A check that was killed leaves no worker behind that goes on for minutes and gigabytes."""
    with contextlib.suppress(OSError):
        while os.read(0, 4096):
            pass
    os._exit(1)


if __name__ == "__main__":
    answers, sys.stdout = sys.stdout, sys.stderr  # nothing else may be written among the answers
    task = json.loads(sys.stdin.readline())
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        work(task, answers)
    except FovealError as error:
        fields = {name: getattr(error, name) for name in ("problem", "where", "given", "expected", "fix")}
        print(json.dumps({"refused": type(error).__name__, **fields}), file=answers, flush=True)
