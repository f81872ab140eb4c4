"""Run as a program by test_killed_runs.py: trains in forked children and kills them; prints what it found as JSON.

A fork costs nothing beside starting Python and torch anew, so many kills fit into a test.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import torch
from small_training import Clusters, network

from foveal.errors import TrainingError
from foveal.training import RunFolder, TrainingConfig, run
from foveal.training.callbacks import CSVLogger
from foveal.training.checkpoints import state

CONFIG = TrainingConfig(
    epochs=3, batch_size=8, schedule="one-cycle", lr=0.02, ema=0.9, early_stopping=5, clip_norm=1.0,
    label_smoothing=0.1, checkpoint_seconds=0.0,
)  # fmt: skip


class SlowClusters(Clusters):
    """Batches with a pause, so that a kill falls into a step as well as into a save; Ctrl-C at the ``stop``th."""

    stop = 0

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        for batch in super().epoch(number, start):
            time.sleep(0.004)
            self.stop -= 1
            if self.stop == 0:
                os.kill(os.getpid(), signal.SIGINT)
            yield batch


def train(folder: Path, config: TrainingConfig = CONFIG, stop: int = 0) -> None:
    module = network(seed=int.from_bytes(os.urandom(2), "big"))  # wrong weights, unless a checkpoint puts them right
    if not RunFolder(folder).checkpoint_files():
        module = network(seed=1)
    batches = SlowClusters(70, 8, seed=2)
    batches.stop = stop
    log = CSVLogger(folder / "log.csv")
    run(module, batches, Clusters(30, 8, seed=3), config, callbacks=[log], run_folder=RunFolder(folder), resume=True)
    state.write_state(folder / "final", {"weights": dict(module.state_dict())})


def in_child(work: Callable[[], None]) -> int:
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        except KeyboardInterrupt as stop:
            print(stop, file=sys.stderr)
            code = 130
        except TrainingError as error:
            print(error, file=sys.stderr)
            code = 2
        finally:
            os._exit(code)
    return child


def finished(child: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def prints(folder: Path) -> dict[str, str]:
    names = ("final", "metrics.jsonl", "steps.jsonl", "log.csv")
    return {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}


def at_random_moments(root: Path, kills: int) -> dict[str, Any]:
    """Kill, resume, kill, resume, …; then let it end."""
    chance = random.Random(5)
    hit = 0
    for _ in range(kills):
        child = in_child(lambda: train(root / "killed"))
        time.sleep(chance.uniform(0.01, 0.12))
        os.kill(child, signal.SIGKILL)
        hit += finished(child) == -signal.SIGKILL
    code = finished(in_child(lambda: train(root / "killed")))
    return {"code": code, "hit": hit, "prints": prints(root / "killed")}


def at_every_call(root: Path) -> dict[str, Any]:
    """Save twice; die before the nth system call of the second save, for every n; the first or the second must load."""
    outcomes = []
    for n in range(100):
        path = root / f"call{n}"

        def work(path: Path = path, n: int = n) -> None:
            state.write_state(path / "000000001.safetensors", {"step": 1, "w": torch.ones(1000)})
            count = 0

            def counted(real: Callable[..., Any]) -> Callable[..., Any]:
                def call(*arguments: Any, **options: Any) -> Any:
                    nonlocal count
                    if count == n:
                        os.kill(os.getpid(), signal.SIGKILL)
                    count += 1
                    return real(*arguments, **options)

                return call

            for name in ("open", "fdopen", "fsync", "replace", "close", "unlink"):
                setattr(os, name, counted(getattr(os, name)))
            state.write_state(path / "000000001.safetensors", {"step": 2, "w": torch.ones(1000)})

        code = finished(in_child(work))
        outcomes.append([code, state.read_state(path / "000000001.safetensors")["step"]])
        if code == 0:
            break
    return {"outcomes": outcomes}


def on_a_full_disk(root: Path) -> dict[str, Any]:
    """Files may grow no further than this: every save fails, and says so; the checkpoint before stays."""
    folder = root / "full"
    stopped = finished(in_child(lambda: train(folder, stop=13)))
    before = RunFolder(folder).checkpoint_files()

    def work() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        train(folder)

    code = finished(in_child(work))
    after = RunFolder(folder).checkpoint_files()
    resumed = finished(in_child(lambda: train(folder)))
    return {
        "stopped": stopped, "code": code, "kept": [p.name for p in before] == [p.name for p in after],
        "left": [p.name for p in folder.rglob("*.part")], "resumed": resumed, "prints": prints(folder),
        "errno": errno.EFBIG,
    }  # fmt: skip


if __name__ == "__main__":
    torch.set_num_threads(1)
    root = Path(sys.argv[1])
    whole = finished(in_child(lambda: train(root / "whole")))
    print(
        json.dumps(
            {
                "whole": {"code": whole, "prints": prints(root / "whole")},
                "killed": at_random_moments(root, int(sys.argv[2])),
                "calls": at_every_call(root),
                "full": on_a_full_disk(root),
            }
        )
    )
