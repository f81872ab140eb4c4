"""One run, assembled: device, step, checkpoints, callbacks, and the loop between them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import nn

from foveal.data.batches.protocol import Batches
from foveal.training import events
from foveal.training.allocator import check_memory, keep_pages, out_of_memory_explained
from foveal.training.callbacks import Callback, CallbackList, EarlyStopping, Weights
from foveal.training.checkpoints.checkpoint import Checkpoints
from foveal.training.checkpoints.run_folder import RunFolder
from foveal.training.config import TrainingConfig
from foveal.training.cuda_graph import graphed
from foveal.training.history import History
from foveal.training.hooks import LoopHooks
from foveal.training.interruption import Interruption
from foveal.training.lone import last_batch_of_one
from foveal.training.loop import train
from foveal.training.ongoing import Ongoing
from foveal.training.precision import chosen_device, uses_bfloat16
from foveal.training.steps import Announcing, Capturable, MakeStep, Step
from foveal.training.steps.supervised import Supervised


def run(
    module: nn.Module,
    batches: Batches,
    validation: Batches | None,
    config: TrainingConfig,
    *,
    callbacks: Iterable[Callback] = (),
    listeners: Iterable[events.Listener] = (),
    run_folder: RunFolder | None = None,
    resume: bool = False,
    fingerprint: Mapping[str, Any] | None = None,
    make_step: MakeStep = Supervised,
    model: Any = None,
    first_epoch: int = 0,
    ongoing: Ongoing | None = None,
) -> History:
    """Train a module, and leave it with its final weights, in evaluation mode.

    Args:
        module: inputs in NCHW → outputs (N, K); moved to the configured device.
        batches: the training set; its batches are to be on that device.
        validation: measured after every epoch; None for none.
        config: how to train.
        callbacks: beside the early stopping that the configuration may ask for.
        listeners: functions that are given every event (a display, a log).
        run_folder: where checkpoints and metrics go; None keeps nothing on the disk.
        resume: go on from the folder's latest checkpoint, or start where there is none yet.
        fingerprint: what a checkpoint must agree on beside the configuration (sums of the data, the network).
        make_step: the method: (module, config, steps an epoch) → a step. The default learns from examples with answers.
        model: what callbacks get as ``self.model``; None for the module.
        first_epoch: the number of the first epoch, counted from 0; ``config.epochs`` is that of the one after the last.
        ongoing: what earlier runs of the same module left, to go on with, and to leave for the next one; None begins anew.

    Returns:
        the numbers of all epochs, also of those before an interruption.

    Raises:
        OutOfMemory: a step takes more memory than there is, by estimate (:func:`foveal.allow_memory`).
        TrainingError: a loss that is not finite, memory or disk exhausted.
        CheckpointError: the run cannot be resumed.
        Interrupted: Ctrl-C or SIGTERM, after the step at hand and a checkpoint.
    """
    keep_pages()
    life = Ongoing() if ongoing is None else ongoing
    device = chosen_device(config.device)
    check_memory(module, config.batch_size if len(batches) > 1 else 1, device)
    say = _teller(listeners)
    if config.precision == "bf16" and not uses_bfloat16("bf16", device):
        say("this processor does not multiply bfloat16 in hardware: training in float32")
    owner = module if model is None else model
    with (
        _randomness(config.seed, device, life),
        _cudnn(config.deterministic, device),
        out_of_memory_explained(config.batch_size),
    ):
        module.to(device)
        plain = life.step(make_step, module, config, len(batches), first_epoch, say)
        step = graphed(plain, _recordable(plain, device, config), say)
        hung = CallbackList([*callbacks, *_configured(config)])
        hung.prepare(owner, {"epochs": config.epochs, "steps": len(batches)}, _weights(plain))
        owner.stop_training = False
        with contextlib.ExitStack() as stack:
            stack.enter_context(last_batch_of_one(plain.networks.values(), batches))
            checkpoints = None
            if run_folder is not None:
                stack.enter_context(run_folder.locked())
                whole = {**_deciding(config), **(fingerprint or {})}
                checkpoints = Checkpoints(run_folder, config.checkpoint_seconds, device, whole, len(batches))
            hooks = LoopHooks(
                step,
                batches,
                config.epochs,
                callbacks=hung,
                listeners=tuple(listeners),
                checkpoints=checkpoints,
                interruption=stack.enter_context(Interruption()),
                model=owner,
                validated=validation is not None,
                first_epoch=first_epoch,
            )
            stack.callback(_count_epochs, life, hooks, first_epoch)
            hung.call("on_train_begin", {})  # before what a resumed run gives back
            hooks.check(plain.value_names if isinstance(plain, Announcing) else ())
            if resume and checkpoints is not None:
                state = checkpoints.load(step, say)
                if state is not None:
                    with checkpoints.fitting():
                        hooks.load_state_dict(state)
                    with checkpoints.folder.writing("when going on"):
                        checkpoints.folder.write_rows(hooks.history.rows(), hooks.history.steps)
            hooks.on_train_begin(str(device))
            with hooks.explaining():
                train(step, batches, validation, config.epochs, hooks)
    return hooks.history


def _teller(listeners: Iterable[events.Listener]) -> Callable[[str], None]:
    """What tells every listener a message."""

    def say(text: str) -> None:
        for listener in listeners:
            listener(events.Message(text))

    return say


def _deciding(config: TrainingConfig) -> dict[str, Any]:
    """The fields that a resumed run has to share; where it runs and how often it saves may change."""
    return {name: value for name, value in config.to_json().items() if name not in ("device", "checkpoint_seconds")}


def _configured(config: TrainingConfig) -> list[Callback]:
    if config.early_stopping is None:
        return []
    return [EarlyStopping(patience=config.early_stopping, restore_best_weights=True)]


def _recordable(step: Step, device: torch.device, config: TrainingConfig) -> bool:
    return device.type == "cuda" and config.cuda_graph and isinstance(step, Capturable) and step.capturable


def _weights(step: Step) -> Weights:
    """The networks' weights as they are to be used, taken as copies and given back."""

    def take() -> dict[str, Any]:
        with step.evaluating():
            return {
                name: {path: tensor.detach().clone() for path, tensor in network.state_dict().items()}
                for name, network in step.networks.items()
            }

    def give(weights: dict[str, Any]) -> None:
        for name, network in step.networks.items():
            network.load_state_dict(weights[name])

    return Weights(take, give)


def _count_epochs(life: Ongoing, hooks: LoopHooks, first_epoch: int) -> None:
    """However a run ends: the next one sees the data in the order that comes next."""
    life.epochs = life.next_epoch(first_epoch) + hooks.epoch - first_epoch


@contextlib.contextmanager
def _randomness(seed: int, device: torch.device, life: Ongoing) -> Iterator[None]:
    """A run's random numbers depend on its seed (and on the run before) alone, and leave the caller's generators be."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        with life.randomness(seed, device):
            yield


@contextlib.contextmanager
def _cudnn(deterministic: bool, device: torch.device) -> Iterator[None]:
    """cuDNN may choose the fastest algorithms, unless those that repeat their bits are asked for."""
    if device.type != "cuda":
        yield
        return
    before = (torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = deterministic, not deterministic
    try:
        yield
    finally:
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = before
