"""Training speed on the fixed recipe of the lecture, against PyTorch's tutorial loop: ratios, with their spread.

    python benchmarks/training_speed.py [--rounds 5] [--steps 1875] [--batch 32] [--network lecture_cnn]

Every side runs in a process of its own, from the same first weights, over the same pictures in the same order, with Adam at
1e-3 in batches of 32; the sides take turns (A B C A B C …), so that whatever else the machine does falls on all of them.
The losses of all sides are printed beside each other: they must coincide, or the comparison is void. The clock runs from
before the data are touched until the last step is done. Raw results go to benchmarks/results/.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
SIDES = ("tutorial", "careful", "foveal")
TITLES = {
    "tutorial": "PyTorch, as its tutorial has it (DataLoader, eager Adam)",
    "careful": "PyTorch, by hand (in memory, channels_last, fused Adam)",
    "foveal": "Foveal, torch engine",
}


def worker(side: str, steps: int, batch: int, round_: int) -> dict[str, object]:
    """One pass of one side, in this process."""
    import numpy as np
    import torch

    from foveal import zoo
    from foveal.backends.torch import build
    from foveal.data import Split
    from foveal.data.published import fashion_mnist

    (images, labels), _ = fashion_mnist.load_data()
    count = min(len(images), steps * batch)
    network = build(zoo.lecture_cnn(), seed=round_)
    if side == "foveal":
        return foveal_pass(network, Split(images[:count, ..., None], labels[:count].astype(np.int64)), batch, round_)
    import tutorial_loop

    from foveal.data.batches.in_memory import ResidentBatches

    split = Split(images[:count, ..., None], labels[:count].astype(np.int64))
    order = ResidentBatches(split, batch, seed=round_).order(0).tolist()
    model = tutorial_loop.lecture_network()
    with torch.no_grad():
        for target, source in zip(model.parameters(), network.parameters(), strict=True):
            if target.shape == (64, 576):  # PyTorch flattens channels first, Foveal (as the lecture) channels last
                source = source.view(64, 3, 3, 64).permute(0, 3, 1, 2).reshape(64, 576)
            target.copy_(source)
    return getattr(tutorial_loop, side)(model, images, labels, order, batch)


def foveal_pass(network: object, split: object, batch: int, seed: int) -> dict[str, object]:
    """The product's own loop, as `foveal train` and `Model.fit` run it."""
    from foveal.data.batches.in_memory import ResidentBatches
    from foveal.training.callbacks import Callback
    from foveal.training.config import TrainingConfig
    from foveal.training.runner import run
    from foveal.training.steps.supervised import Supervised

    losses: list[object] = []

    class Listening(Supervised):
        """The same step, which keeps every hundredth loss (a tensor: read after the clock has stopped)."""

        count = 0

        def learn(self, batch):  # type: ignore[no-untyped-def]
            values = super().learn(batch)
            if self.count % 100 == 0:
                losses.append(values["loss"])
            self.count += 1
            return values

    options = {"epsilon": 1e-8}  # torch's; Keras', which Foveal takes over, is 1e-7
    config = TrainingConfig(
        epochs=1, batch_size=batch, optimizer_options=options, validation=0.0, seed=seed, device="cpu", precision="fp32"
    )
    begin = time.perf_counter()
    batches = ResidentBatches(split, batch, seed=seed)  # type: ignore[arg-type]
    run(network, batches, None, config, callbacks=[Callback()], make_step=Listening)  # type: ignore[arg-type]
    return {"seconds": time.perf_counter() - begin, "losses": [float(loss) for loss in losses]}  # type: ignore[arg-type]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=1875, help="1875 steps of 32 are one epoch")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--round", type=int, default=0, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.side:
        print(json.dumps(worker(options.side, options.steps, options.batch, options.round)))
        return
    results: dict[str, list[dict[str, object]]] = {side: [] for side in SIDES}
    for round_ in range(options.rounds):
        for side in SIDES:
            command = [sys.executable, __file__, "--side", side, "--round", str(round_)]
            command += ["--steps", str(options.steps), "--batch", str(options.batch)]
            out = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE).stdout
            results[side].append(json.loads(out.splitlines()[-1]))
            print(f"round {round_ + 1}  {side:<9} {results[side][-1]['seconds']:6.2f} s", flush=True)
    report(results, options)


def report(results: dict[str, list[dict[str, object]]], options: argparse.Namespace) -> None:
    import torch

    print(f"\n{options.steps} steps of {options.batch} pictures, {options.rounds} rounds, interleaved; {machine()}")
    for side in SIDES:
        seconds = [float(r["seconds"]) for r in results[side]]  # type: ignore[arg-type]
        print(
            f"  {TITLES[side]:<58} median {statistics.median(seconds):6.2f} s  ({min(seconds):.2f}–{max(seconds):.2f})"
        )
    for peer in ("tutorial", "careful"):
        ratios = [
            float(p["seconds"]) / float(f["seconds"])  # type: ignore[arg-type]
            for p, f in zip(results[peer], results["foveal"], strict=True)
        ]
        print(
            f"  Foveal is {statistics.median(ratios):.2f} times as fast as {peer} ({min(ratios):.2f}–{max(ratios):.2f})"
        )
    first = {side: results[side][0]["losses"] for side in SIDES}
    print("  loss every 100 steps, round 1:")
    for side in SIDES:
        print(f"    {side:<9}", " ".join(f"{loss:.3f}" for loss in first[side][:19]))  # type: ignore[index]
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    raw = {"machine": machine(), "torch": torch.__version__, "options": vars(options), "results": results}
    (folder / "training_speed.json").write_text(json.dumps(raw, indent=1) + "\n")


def machine() -> str:
    """What the numbers were measured on."""
    import torch

    name = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        name = next(
            (line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), name
        )
    return f"{name}, {os.cpu_count()} cores, {torch.get_num_threads()} threads, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
