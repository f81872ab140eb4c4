"""What a person waits for before anything happens, and the memory that training takes: each beside a bare interpreter.

    python benchmarks/startup.py [--rounds 7]

Commands take turns; the median and the range of each are printed. Peak memory is the largest resident set of one epoch of
the lecture's network on Fashion-MNIST, read from the kernel after the process has ended.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time

COMMANDS = {
    "python -c pass": [sys.executable, "-c", "pass"],
    "import foveal": [sys.executable, "-c", "import foveal"],
    "import torch": [sys.executable, "-c", "import torch"],
    "foveal show vgg16": [sys.executable, "-m", "foveal", "show", "vgg16"],
    "foveal show resnet152": [sys.executable, "-m", "foveal", "show", "resnet152"],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            begin = time.perf_counter()
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
            seconds[name].append(time.perf_counter() - begin)
    for name, values in seconds.items():
        print(f"{name:<24} median {statistics.median(values):.3f} s  ({min(values):.3f}–{max(values):.3f})")
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "foveal", "train", "--epochs", "1", "--quiet", "--runs", folder]
        print(f"{'foveal train, one epoch':<24} peak memory {peak_memory(command) / 2**20:,.0f} MiB resident")


def peak_memory(command: list[str]) -> int:
    """The largest resident set of a command, in bytes."""
    child = os.fork()
    if child == 0:
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
        os.execv(command[0], command)
    _, status, usage = os.wait4(child, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} ended with status {status}")
    return usage.ru_maxrss * 1024


if __name__ == "__main__":
    main()
