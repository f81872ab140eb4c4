"""Tries everything of the corpus and says what did not end well: ``make hostile``, or with a share: ``--scale 0.05``.

    python -m tests.hostile.run [--scale 1.0] [--family NAME …] [--jobs 2] [--json FILE]

Exit status 1 where a trial ended badly.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import shutil
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

from tests.hostile import corpus, harness


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--family", nargs="*", default=[])
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    os.environ.setdefault("MPLBACKEND", "agg")
    warnings.simplefilter("ignore")
    _load_everything()
    every = [case for case in corpus.cases(given.scale) if not given.family or case.family in given.family]
    begin = time.monotonic()
    rows = tried(every, given.jobs)
    _tell(rows, time.monotonic() - begin)
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="ascii")
    sys.exit(len(rows) < len(every) or any(row["faults"] for row in rows))


def tried(cases: list[harness.Case], jobs: int) -> list[dict[str, Any]]:
    """The verdicts, from workers that are plain forks: a process with threads (a queue's, a pool's) must not fork again."""
    with tempfile.TemporaryDirectory() as top:
        files = [Path(top, f"{job}.jsonl") for job in range(jobs)]
        workers = set()
        for job, file in enumerate(files):
            worker = os.fork()
            if worker == 0:
                status = 1
                try:
                    _work(cases[job::jobs], Path(top, str(job)), file)
                    status = 0
                finally:
                    os._exit(status)
            workers.add(worker)
        while workers:
            worker, _ = os.waitpid(-1, os.WNOHANG)
            workers.discard(worker)
            if not worker:
                time.sleep(0.5)
                if sys.stderr.isatty():
                    done = sum(file.read_bytes().count(b"\n") for file in files if file.exists())
                    print(f"\r{done} of {len(cases)}", end="", file=sys.stderr, flush=True)
        return [json.loads(line) for file in files if file.exists() for line in file.read_text("utf-8").splitlines()]


def _work(cases: list[harness.Case], top: Path, file: Path) -> None:
    with file.open("w", encoding="ascii") as out:
        for number, case in enumerate(cases):
            folder = top / str(number)
            verdict = harness.trial(case, folder)
            shutil.rmtree(folder, ignore_errors=True)
            row = {name: value for name, value in vars(verdict).items() if name != "case"}
            print(json.dumps({"family": case.family, "name": case.name, **row}), file=out, flush=True)


def _load_everything() -> None:
    """What every child then has for nothing."""
    import matplotlib.pyplot
    import PIL.Image
    import sklearn.metrics
    import torch

    import foveal.page.render
    import foveal.systems.launch
    import foveal.training.runner

    torch.set_num_threads(1)
    PIL.Image.init()
    _ = (
        matplotlib.pyplot,
        sklearn.metrics,
        foveal.systems.launch,
        foveal.page.render,
        foveal.training.runner,
    )


def _tell(rows: list[dict[str, Any]], seconds: float) -> None:
    by_family: dict[str, list[dict[str, Any]]] = collections.defaultdict(list)
    for row in rows:
        by_family[str(row["family"])].append(row)
    for row in rows:
        if row["faults"]:
            print(f"{row['family']}: {row['name']!a}: {'; '.join(row['faults'])}")
    print(f"{'family':<12} trials  refused  done  badly  longest    most memory")
    for family, part in by_family.items():
        status = [row["status"] for row in part]
        print(
            f"{family:<12} {len(part):6} {status.count(2):8} {status.count(0):5} {sum(bool(row['faults']) for row in part):6}"
            f"  {max(row['seconds'] for row in part):5.1f} s   {max(row['megabytes'] for row in part):6} MB"
        )
    bad = sum(bool(row["faults"]) for row in rows)
    print(f"{len(rows)} trials in {seconds:.0f} s, {bad} ended badly")


if __name__ == "__main__":
    main()
