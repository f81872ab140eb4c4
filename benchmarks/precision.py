"""bfloat16 against float32: every recipe in both, over seeds, from the same first weights on the same data.

    python benchmarks/precision.py [NAME …] [--seeds 0 1 2] [--runs FOLDER]
    python benchmarks/precision.py --table

Each run is ``foveal train NAME --seed S --precision P`` in a process of its own; the two precisions of a seed take turns.
The first headline (accuracy, error rate, …) and the seconds go into ``results/precision.json``. The table gives the mean of
each side and the difference with its 95 % interval (paired by seed, Student's t); equal is said where the interval holds 0
and at least three seeds were run.

On a processor that does not multiply bfloat16 the products are *emulated*: operands and results of convolutions and matrix
products are rounded to bfloat16, sums are kept in float32, as the hardware does it. The numbers are those of bfloat16, the
seconds are not, and the table leaves them out.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results" / "precision.json"
PRECISIONS = ("fp32", "bf16")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--runs", type=Path, default=Path("runs/precision"))
    parser.add_argument("--table", action="store_true", help="print what was measured so far")
    parser.add_argument("--one", nargs=2, metavar=("PRECISION", "SEED"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        train(given.names, given.one[0], int(given.one[1]), given.runs)
        return
    if not given.table:
        for seed in given.seeds:
            for name in given.names:
                for precision in PRECISIONS:
                    keep(measured(name, precision, seed, given.runs))
    print(table(json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else []))


def measured(name: str, precision: str, seed: int, runs: Path) -> dict[str, Any]:
    """One run in a process of its own."""
    from foveal.training.precision import cpu_has_bfloat16

    folder = runs / f"{name.replace(' ', '-')}-{precision}-{seed}"
    begin = time.perf_counter()
    command = [sys.executable, str(Path(__file__)), *name.split(), "--one", precision, str(seed), "--runs", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    label, value = headline(folder)
    emulated = precision == "bf16" and not cpu_has_bfloat16()
    return {"name": name, "precision": precision, "seed": seed, "label": label, "value": value,
            "seconds": round(time.perf_counter() - begin, 1), "emulated": emulated}  # fmt: skip


def train(words: list[str], precision: str, seed: int, folder: Path) -> None:
    """``foveal train`` in this process, with emulated products where the processor has none."""
    from foveal.cli.app import app
    from foveal.training import precision as precisions

    arguments = [
        "train",
        *words,
        "--seed",
        str(seed),
        "--precision",
        precision,
        "--runs",
        str(folder.parent),
        "--name",
        folder.name,
    ]
    if precision == "bf16" and not precisions.cpu_has_bfloat16():
        precisions.cpu_has_bfloat16 = lambda: True  # type: ignore[assignment]
        with rounding():
            app(arguments, standalone_mode=False)
    else:
        app(arguments, standalone_mode=False)


def rounding() -> Any:
    """A mode in which products of bfloat16 tensors are computed in float32 and rounded: what the hardware gives."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_map

    aten = torch.ops.aten
    products = {aten.convolution.default, aten.convolution_backward.default, aten.mm.default, aten.addmm.default,
                aten.bmm.default, aten.baddbmm.default}  # fmt: skip

    def cast(value: Any, source: torch.dtype, target: torch.dtype) -> Any:
        return value.to(target) if isinstance(value, torch.Tensor) and value.dtype == source else value

    class Rounding(TorchDispatchMode):
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            kwargs = kwargs or {}
            if func not in products or not any(
                isinstance(each, torch.Tensor) and each.dtype == torch.bfloat16 for each in args
            ):
                return func(*args, **kwargs)
            up, down = (torch.bfloat16, torch.float32), (torch.float32, torch.bfloat16)
            result = func(*tree_map(lambda v: cast(v, *up), args), **tree_map(lambda v: cast(v, *up), kwargs))
            return tree_map(lambda v: cast(v, *down), result)

    return Rounding()


def headline(folder: Path) -> tuple[str, float]:
    """What a finished run is judged by: its first headline, or a classifier's test accuracy."""
    told = (
        json.loads((folder / "result.json").read_text(encoding="utf-8")) if (folder / "result.json").is_file() else {}
    )
    if told.get("headlines"):
        first = told["headlines"][0]
        return str(first["label"]), float(first["value"])
    rows = (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return "validation accuracy", float(json.loads(rows[-1])["val_accuracy"])


def keep(row: dict[str, Any]) -> None:
    """Put a row into the results, in place of an earlier one of the same run."""
    from foveal.files import write_json

    def key(each: dict[str, Any]) -> tuple[str, int, str]:
        return each["name"], each["seed"], each["precision"]

    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else []
    write_json(RESULTS, sorted([*(each for each in kept if key(each) != key(row)), row], key=key))
    print(
        f"{row['name']:16} {row['precision']}  seed {row['seed']}  {row['label']} {row['value']:.4g}  {row['seconds']} s",
        flush=True,
    )


def table(rows: list[dict[str, Any]]) -> str:
    """A line a recipe: both means, the paired difference and its interval, the verdict, the gain in time."""
    from scipy.stats import t

    lines = [
        "| recipe | measure | float32 | bfloat16 | difference, 95 % | seeds | verdict | time |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row["name"] for row in rows):
        sides = {p: {r["seed"]: r for r in rows if r["name"] == name and r["precision"] == p} for p in PRECISIONS}
        seeds = sorted(set(sides["fp32"]) & set(sides["bf16"]))
        if not seeds:
            continue
        plain, low = ([sides[p][s]["value"] for s in seeds] for p in PRECISIONS)
        gaps = [b - a for a, b in zip(plain, low, strict=True)]
        mean = statistics.fmean(gaps)
        half = (
            float(t.ppf(0.975, len(gaps) - 1)) * statistics.stdev(gaps) / math.sqrt(len(gaps))
            if len(gaps) > 1
            else math.inf
        )
        verdict = "too few seeds" if len(seeds) < 3 else "equal" if abs(mean) <= half else "differs"
        emulated = any(sides["bf16"][s]["emulated"] for s in seeds)
        gain = (
            "emulated"
            if emulated
            else f"{statistics.fmean(sides['fp32'][s]['seconds'] / sides['bf16'][s]['seconds'] for s in seeds):.2f} ×"
        )
        label = sides["fp32"][seeds[0]]["label"]
        lines.append(f"| {name} | {label} | {statistics.fmean(plain):.4g} | {statistics.fmean(low):.4g} | {mean:+.2g} ± {half:.2g} "
                     f"| {len(seeds)} | {verdict} | {gain} |")  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    main()
