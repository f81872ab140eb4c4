"""Training beside other busy programs: how long Foveal takes with its short spin, with GNU's own, and with others' policies.

    python benchmarks/busy_machine.py [--busy 4] [--images 3000] [--rounds 3] [--threads 2]

Each side is a process of its own that trains the lecture's network for one epoch on the first images of Fashion-MNIST in
batches of 32; sides take turns. ``--busy 0`` measures the quiet machine. Printed: the seconds of every round, the median
scaled to 60,000 images, and its ratio to the first side.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys

SIDES = {
    "Foveal as it comes": {},
    "GNU's own spin": {"GOMP_SPINCOUNT": "300000"},
    "OMP_WAIT_POLICY=passive": {"OMP_WAIT_POLICY": "passive"},
    "one thread": {"OMP_NUM_THREADS": "1"},
}
LOOP = """
import os
parent = os.getppid()
while os.getppid() == parent:  # ends with the benchmark, however that ends
    sum(range(100_000))
"""
WORK = """
import sys, time
import foveal
from foveal import losses
(x, y), _ = foveal.datasets.fashion_mnist.load_data()
count = int(sys.argv[1])
model = foveal.Model(foveal.zoo.lecture_cnn(), seed=0)
model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
model.fit(x[:320, ..., None], y[:320], batch_size=32, epochs=1, verbose=0)
begin = time.perf_counter()
model.fit(x[:count, ..., None], y[:count], batch_size=32, epochs=1, verbose=0)
print(time.perf_counter() - begin)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--busy", type=int, default=4, help="busy loops beside the training")
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args()
    loops = [subprocess.Popen([sys.executable, "-c", LOOP]) for _ in range(given.busy)]
    seconds: dict[str, list[float]] = {name: [] for name in SIDES}
    try:
        for _ in range(given.rounds):
            for name, environment in SIDES.items():
                seconds[name].append(once(environment, given.images, given.threads))
    finally:
        for loop in loops:
            loop.kill()
    scale = 60_000 / given.images
    first = statistics.median(seconds["Foveal as it comes"])
    print(f"{given.busy} busy loops, {given.threads} threads, {given.images:,} images, {given.rounds} rounds")
    for name, values in seconds.items():
        median = statistics.median(values)
        rounds = ", ".join(f"{value:.2f}" for value in values)
        print(f"{name:<26} {median * scale:7.1f} s an epoch   {median / first:5.2f} ×   rounds {rounds} s")


def once(environment: dict[str, str], images: int, threads: int) -> float:
    """Seconds of one training in a process of its own."""
    kept = {n: v for n, v in os.environ.items() if n not in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "OMP_NUM_THREADS")}
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WORK, str(images)],
        env={**kept, "OMP_NUM_THREADS": str(threads), **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(run.stdout.split()[-1])


if __name__ == "__main__":
    main()
