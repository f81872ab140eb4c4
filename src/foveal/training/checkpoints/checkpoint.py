"""Checkpoints: a run's whole state, so that a run killed at any moment goes on to the same bits.

A checkpoint is one file that appears whole or not at all. The latest two are kept; a new one is durable before the
oldest goes. What is in it: the step's state (weights, optimizer, schedule's place, averages), torch's random state
(dropout), the place in the data (the order of an epoch follows from the seed), the record of the epoch at hand, the
history, and what the callbacks remember.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from foveal.backends.memory import explained
from foveal.errors import CheckpointError, TrainingError
from foveal.training.checkpoints.run_folder import RunFolder
from foveal.training.checkpoints.state import read_state, write_state
from foveal.training.config import EARLIER, TrainingConfig
from foveal.training.steps import Step

Notify = Callable[[str], None]


class Checkpoints:
    """Writes and reads the checkpoints of a run.

    Args:
        folder: the run's.
        seconds: time between two, beside those at the ends of epochs.
        device: whose random state belongs to the run.
        fingerprint: what makes the run this one (configuration, data, network); a checkpoint of another is refused.
        steps_per_epoch: to number the files.
    """

    def __init__(
        self,
        folder: RunFolder,
        seconds: float,
        device: torch.device,
        fingerprint: Mapping[str, Any],
        steps_per_epoch: int,
    ) -> None:
        self.folder, self.seconds, self.device = folder, seconds, device
        self.fingerprint, self.steps_per_epoch = dict(fingerprint), steps_per_epoch
        self._last = time.monotonic()

    def due(self, now: float) -> bool:
        """Whether the time between two has passed."""
        return now - self._last >= self.seconds

    def save(self, hooks: dict[str, Any], method: Step, epoch: int, step: int) -> str:
        """Write a checkpoint, and remove the oldest once it is safe.

        Raises:
            TrainingError: the weights are not finite, or the file could not be written; earlier ones are untouched.
        """
        refuse_broken_weights(method, f"epoch {epoch + 1}, step {step}")
        state = {
            "identity": self.fingerprint,
            "environment": environment(self.device),
            "watch": hooks,
            "method": method.state_dict(),
            "random": random_state(self.device),
        }
        path = self.folder.checkpoint_path(epoch * self.steps_per_epoch + step)
        with self.folder.writing(f"epoch {epoch + 1}, step {step}", "the checkpoint"):
            write_state(path, state)
            self.folder.prune()
        self._last = time.monotonic()
        return str(path)

    def load(self, method: Step, notify: Notify) -> dict[str, Any] | None:
        """Put the latest readable checkpoint into the step and the random generators.

        Args:
            method: the step, freshly made with the same configuration.
            notify: told of checkpoints that could not be read, and of what differs from the machine it was written on.

        Returns:
            the watch's part of the state; None where no checkpoint was written yet, and the run starts at its start.

        Raises:
            CheckpointError: there are checkpoints and none can be read, or they belong to another run.
        """
        found = self.folder.checkpoint_files()
        failures = []
        for path in found:
            try:
                state = read_state(path)
            except CheckpointError as error:
                failures.append((path, error))
                continue
            with self.fitting(path):
                self._compare(state)
                here, there = environment(self.device), dict(state["environment"])
                differing = [name for name, value in there.items() if here.get(name) != value]
                if differing:
                    changes = ", ".join(f"{name} {there[name]} → {here.get(name)}" for name in differing)
                    notify(f"not the machine this run began on ({changes}): results may differ in the last bits")
                method.load_state_dict(state["method"])
                set_random_state(self.device, state["random"])
                hooks: dict[str, Any] = dict(state["watch"])
            for damaged, failure in failures:
                notify(f"{damaged.name} is damaged ({failure.given}); going on from the checkpoint before it")
                _put_aside(damaged)
            self._last = time.monotonic()
            return hooks
        if not found:
            return None
        raise CheckpointError(
            "none of this run's checkpoints can be read",
            where=str(self.folder.checkpoints),
            given="\n".join(f"{path.name}: {failure.given}" for path, failure in failures),
            fix="start the run again under another --name",
        )

    @contextlib.contextmanager
    def fitting(self, path: Path | None = None) -> Iterator[None]:
        """A block that takes a checkpoint's parts, whole as its sum says, but perhaps of another form than this version's.

        Raises:
            CheckpointError: a part is missing or of another kind.
        """
        with explained(
            lambda said: CheckpointError(
                "this checkpoint is not of the form that this run needs",
                where=str(path or self.folder.checkpoints),
                given=said,
                expected="a checkpoint of this run, by this version or an earlier one",
                fix=["resume with the version that wrote it", "start the run again under another --name"],
            )
        ):
            yield

    def _compare(self, state: dict[str, Any]) -> None:
        before = {**TrainingConfig().to_json(), **EARLIER, **state["identity"]}
        before = {
            name: value for name, value in before.items() if name in state["identity"] or name in self.fingerprint
        }
        differing = [name for name in {**before, **self.fingerprint} if before.get(name) != self.fingerprint.get(name)]
        if differing:
            raise CheckpointError(
                "this run was started with something else, and would not go on to the same result",
                where=str(self.folder.path),
                given=", ".join(f"{name} {self.fingerprint.get(name)!r}" for name in differing),
                expected=", ".join(f"{name} {before.get(name)!r}" for name in differing),
                fix=["resume without changing anything", "start a new run under another --name"],
            )


def _changed_since(fingerprint: Mapping[str, Any]) -> str:
    """What is computed otherwise now than when a run began, in words; "" where nothing is."""
    if "decoupled" in fingerprint:
        return ""
    optimizer, loss = str(fingerprint.get("optimizer")), str(fingerprint.get("loss"))
    changed = []
    if optimizer in ("adam", "adamw", "rmsprop", "adagrad"):
        changed.append(f"whose {optimizer} had its epsilon elsewhere")
    if loss == "hinge":
        changed.append("whose hinge over several outputs was another formula")
    return " and ".join(changed)


def environment(device: torch.device) -> dict[str, Any]:
    """What decides the last bits of a sum beside the configuration."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else torch.backends.cpu.get_cpu_capability()
    return {"torch": torch.__version__, "device": name, "threads": torch.get_num_threads()}


def random_state(device: torch.device) -> dict[str, Any]:
    """The state of torch's generators that a run draws from."""
    state = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["cuda"] = torch.cuda.get_rng_state(device)
    return state


def set_random_state(device: torch.device, state: dict[str, Any]) -> None:
    """Put back what :func:`random_state` gave."""
    torch.set_rng_state(state["cpu"])
    if device.type == "cuda" and "cuda" in state:
        torch.cuda.set_rng_state(state["cuda"], device)


def _put_aside(damaged: Path) -> None:
    """Out of the way of the next checkpoint of this name: removed, or renamed where it is not a file."""
    with contextlib.suppress(OSError):
        if damaged.is_dir() and not damaged.is_symlink():
            damaged.rename(damaged.with_name(f"{damaged.name}.damaged"))
        else:
            damaged.unlink()


HUGE = 1e18
"""Weights beyond this are lost: the square of their square no longer fits into float32."""


def refuse_broken_weights(method: Step, where: str, cause: BaseException | None = None) -> None:
    """A finite loss can still leave weights that are not; such a state must not supersede a good one.

    Args:
        method: whose networks are looked at.
        where: the place in training.
        cause: what PyTorch or another library said, where it refused to compute with these weights.

    Raises:
        TrainingError: weights that are not finite, or beyond all use where there is a ``cause``.
    """
    for name, network in method.networks.items():
        tensors = {path: t for path, t in network.state_dict().items() if t.is_floating_point() and t.numel()}
        if tensors and not bool(torch.stack([_usable(t, cause is not None) for t in tensors.values()]).all()):
            broken = [path for path, t in tensors.items() if not bool(_usable(t, cause is not None))]
            raise TrainingError(
                "the weights are no longer finite numbers",
                where=where,
                given=f"{name}: {', '.join(broken[:3])}",
                fix=["a smaller learning rate (lr, --lr)", "clip_norm=1.0"],
            ) from cause


def _usable(tensor: Tensor, bounded: bool) -> Tensor:
    return (tensor.abs() < HUGE).all() if bounded else torch.isfinite(tensor).all()
