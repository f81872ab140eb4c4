"""Every system with its default recipe: what it reaches, how long it takes, how much memory.

    python benchmarks/systems.py [NAME …] [--seeds 0 1 2] [--runs FOLDER]

Each is ``foveal train NAME --seed S``, in a process of its own, one after another. Headlines, seconds (whole command and
training alone) and peak memory go into ``results/systems.json``, run by run; docs/systems.md is made from it:
``python tests/docs/test_systems_page.py``.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

from foveal import systems
from foveal.files import write_json

RESULTS = Path(__file__).parent / "results" / "systems.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(systems.names()))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--runs", type=Path, default=Path("runs"))
    given = parser.parse_args()
    for seed in given.seeds:
        for name in given.names:
            row = measured(name, seed, given.runs)
            kept = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
            kept = [each for each in kept if (each["system"], each["seed"]) != (row["system"], row["seed"])] + [row]
            order = list(systems.names())
            kept.sort(key=lambda each: (order.index(each["system"]), each["seed"]))
            write_json(RESULTS, kept)
            first = row["headlines"][0] if row["headlines"] else {"label": "failed", "text": row["error"]}
            print(f"{name:<22} seed {seed}  {row['seconds']:6.0f} s  {first['label']}: {first['text']}", flush=True)


def measured(name: str, seed: int, runs: Path) -> dict[str, object]:
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
    row: dict[str, object] = {"system": name, "seed": seed, "seconds": round(seconds, 1), "threads": int(threads)}
    if child.returncode:
        return {**row, "headlines": [], "error": child.stderr.strip()[-500:]}
    return {**row, **json.loads(child.stdout.strip().splitlines()[-1])}


if __name__ == "__main__":
    main()
