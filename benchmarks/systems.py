"""Every system with its default recipe: what it reaches, how long it takes, how much memory.

    python benchmarks/systems.py [NAME …] [--seeds 0 1 2] [--runs FOLDER]
    python benchmarks/systems.py --collect runs

Each is ``foveal train NAME --seed S``, in a process of its own, one after another. Headlines, seconds (whole command and
training alone) and peak memory go into ``results/systems.json``, run by run; docs/systems.md is made from it:
``python tests/docs/test_systems_page.py``. ``--collect`` takes finished runs of default recipes that are there already.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from foveal import systems
from foveal.files import write_json

RESULTS = Path(__file__).parent / "results" / "systems.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(systems.names()))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    parser.add_argument("--collect", type=Path, nargs="+", default=[])
    given = parser.parse_args()
    for folder in given.collect:
        for path in sorted(folder.glob("*/result.json"), key=lambda each: each.stat().st_mtime):
            row = collected(path)
            if row is not None:
                keep(row)
    if given.collect:
        return
    for seed in given.seeds:
        for name in given.names:
            keep(measured(name, seed, given.runs))


def keep(row: dict[str, Any]) -> None:
    """Put a row into the results, in place of an earlier one of the same system, data and seed."""
    order = list(systems.names())

    def key(each: dict[str, Any]) -> tuple[int, str, int]:
        return order.index(each["system"]), each.get("data", ""), each["seed"]

    with RESULTS.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two of these may run side by side
        kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
        write_json(RESULTS, sorted([*(each for each in kept if key(each) != key(row)), row], key=key))
    first = row["headlines"][0] if row["headlines"] else {"label": "failed", "text": row["error"]}
    print(
        f"{row['system']:<22} seed {row['seed']}  {row['seconds']:6.0f} s  {first['label']}: {first['text']}",
        flush=True,
    )


def collected(path: Path) -> dict[str, Any] | None:
    """The row of a finished run, if it was one of the default recipe, settings and data; None otherwise."""
    told, config = json.loads(path.read_text()), json.loads((path.parent / "config.json").read_text())
    data, usual = config["data"]["opening"]["data"], next(iter(systems.system(config["system"]).data), None)
    planned = systems.plan(config["system"], data, changes={"seed": config["training"]["seed"]})
    same = (
        planned.config.to_json() == config["training"]
        and dict(planned.settings) == config["settings"]
        and json.loads(json.dumps(planned.opening)) == config["data"]["opening"]
    )
    if not same:
        print(f"{path.parent}: not the default recipe", file=sys.stderr)
        return None
    begun = (path.parent / "config.json").stat().st_mtime
    return {
        "system": config["system"],
        "seed": config["training"]["seed"],
        "seconds": round(path.stat().st_mtime - begun, 1),
        "threads": config["environment"]["threads"],
        "headlines": told["headlines"],
        "training_seconds": round(told["seconds"], 1),
        **({} if data == usual else {"data": data}),
    }


def measured(name: str, seed: int, runs: Path) -> dict[str, Any]:
    """One run of a system, as a row of the results."""
    threads = os.environ.get("OMP_NUM_THREADS") or str(os.cpu_count())
    code = (
        "import json, resource; from foveal import systems; "
        f"found = systems.train({name!r}, seed={seed}, runs={str(runs)!r}); "
        "told = [{'label': h.label, 'value': h.value, 'text': h.text, 'note': h.note} for h in found.findings.headlines]; "
        "memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024; "
        "print(json.dumps({'headlines': told, 'training_seconds': round(found.seconds, 1), 'peak_memory_mib': memory}))"
    )
    begin = time.perf_counter()
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    seconds = time.perf_counter() - begin
    row: dict[str, Any] = {"system": name, "seed": seed, "seconds": round(seconds, 1), "threads": int(threads)}
    if child.returncode:
        return {**row, "headlines": [], "error": child.stderr.strip()[-500:]}
    return {**row, **json.loads(child.stdout.strip().splitlines()[-1])}


if __name__ == "__main__":
    main()
