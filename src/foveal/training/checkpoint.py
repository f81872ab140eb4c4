"""Checkpoints: a run's whole state, so that a run killed at any moment goes on to the same bits.

A checkpoint is one file that appears whole or not at all. The latest two are kept; a new one is durable before the
oldest goes. What is in it: the step's state (weights, optimizer, schedule's place, averages), torch's random state
(dropout), the place in the data (the order of an epoch follows from the seed), the record of the epoch at hand, the
history, and what the callbacks remember.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from foveal.errors import CheckpointError, FileError, TrainingError
from foveal.training.config import TrainingConfig
from foveal.training.run_folder import RunFolder
from foveal.training.state import read_state, write_state
from foveal.training.steps import Step

Notify = Callable[[str], None]


class Checkpoints:
    """Writes and reads the checkpoints of a run.

    Args:
        folder: the run's.
        seconds: time between two, beside those at the ends of epochs.
        device: whose random state belongs to the run.
        identity: what makes the run this one (configuration, data, network); a checkpoint of another is refused.
        steps_per_epoch: to number the files.
    """

    def __init__(
        self, folder: RunFolder, seconds: float, device: torch.device, identity: Mapping[str, Any], steps_per_epoch: int
    ) -> None:
        self.folder, self.seconds, self.device = folder, seconds, device
        self.identity, self.steps_per_epoch = dict(identity), steps_per_epoch
        self._last = time.monotonic()

    def due(self, now: float) -> bool:
        """Whether the time between two has passed."""
        return now - self._last >= self.seconds

    def save(self, watch: dict[str, Any], method: Step, epoch: int, step: int) -> str:
        """Write a checkpoint, and remove the oldest once it is safe.

        Raises:
            TrainingError: the weights are not finite, or the file could not be written; earlier ones are untouched.
        """
        _refuse_broken_weights(method, epoch, step)
        state = {
            "identity": self.identity,
            "environment": environment(self.device),
            "watch": watch,
            "method": method.state_dict(),
            "random": random_state(self.device),
        }
        path = self.folder.checkpoint_path(epoch * self.steps_per_epoch + step)
        try:
            write_state(path, state)
            self.folder.prune()
        except OSError as error:
            reason = error.given if isinstance(error, FileError) and error.given else error.strerror or str(error)
            raise TrainingError(
                "the checkpoint could not be written; the one before it is untouched",
                where=f"epoch {epoch + 1}, step {step}",
                given=f"{path}: {reason}",
                mend=[f"make room there, then: foveal train --resume {self.folder.path}"],
            ) from error
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
            self._compare(state)
            for damaged, failure in failures:
                notify(f"{damaged.name} is damaged ({failure.given}); going on from the checkpoint before it")
                damaged.unlink()
            here = environment(self.device)
            differing = [name for name, value in state["environment"].items() if here.get(name) != value]
            if differing:
                changes = ", ".join(f"{name} {state['environment'][name]} → {here.get(name)}" for name in differing)
                notify(f"not the machine this run began on ({changes}): results may differ in the last bits")
            method.load_state_dict(state["method"])
            set_random_state(self.device, state["random"])
            self._last = time.monotonic()
            watch: dict[str, Any] = state["watch"]
            return watch
        if not found:
            return None
        raise CheckpointError(
            "none of this run's checkpoints can be read",
            where=str(self.folder.checkpoints),
            given="\n".join(f"{path.name}: {failure.given}" for path, failure in failures),
            mend="start the run again under another --name",
        )

    def _compare(self, state: dict[str, Any]) -> None:
        before = {**TrainingConfig().to_json(), **state["identity"]}  # a field younger than the run had its default
        before = {name: value for name, value in before.items() if name in state["identity"] or name in self.identity}
        differing = [name for name in {**before, **self.identity} if before.get(name) != self.identity.get(name)]
        if differing:
            raise CheckpointError(
                "this run was started with something else, and would not go on to the same result",
                where=str(self.folder.path),
                given=", ".join(f"{name} {self.identity.get(name)!r}" for name in differing),
                expected=", ".join(f"{name} {before.get(name)!r}" for name in differing),
                mend=["resume without changing anything", "start a new run under another --name"],
            )


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


def _refuse_broken_weights(method: Step, epoch: int, step: int) -> None:
    """A finite loss can still leave weights that are not; such a state must not supersede a good one."""
    for name, network in method.networks.items():
        tensors = [tensor for tensor in network.state_dict().values() if tensor.is_floating_point() and tensor.numel()]
        if tensors and not bool(torch.stack([torch.isfinite(tensor).all() for tensor in tensors]).all()):
            broken = [path for path, t in network.state_dict().items() if not bool(torch.isfinite(t).all())]
            raise TrainingError(
                "the weights are no longer finite numbers",
                where=f"epoch {epoch + 1}, step {step}",
                given=f"{name}: {', '.join(broken[:3])}",
                mend=["a smaller learning rate (lr, --lr)", "clip_norm=1.0"],
            )
