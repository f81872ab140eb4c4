"""Batches as a configuration asks for them: what ``Model.fit``, ``foveal train`` and every system are served by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from foveal.backends.capacity import batch_that_fits
from foveal.data.augmentation.pipeline import Augmentation, parse
from foveal.data.batches.in_memory import TensorBatches, tensors
from foveal.data.dataset import Split
from foveal.network.shape import as_shape
from foveal.training.config import TrainingConfig
from foveal.training.precision import chosen_device

if TYPE_CHECKING:
    from foveal.network.tree import Sequential

AT_ONCE = 256  # samples that are measured at once, where memory holds them


def training_batches(
    examples: Split | tuple[Tensor, Tensor],
    config: TrainingConfig,
    *,
    epochs_before: int = 0,
    drop_last: bool = False,
) -> TensorBatches:
    """Batches to learn from, on the configured device, shuffled and changed as the configuration says.

    Args:
        examples: a part of a data set; or inputs with channels last and targets, N first.
        config: ``batch_size``, ``device``, ``seed``, ``shuffle`` and ``augment``.
        epochs_before: epochs that were learned from before: the orders go on after them.
        drop_last: leave out the last batch of an epoch where it is smaller than the others.

    Raises:
        ConfigurationError: no such device, augmentation of a table or not of this size, an empty epoch.

    Example:
        >>> import torch
        >>> batches = training_batches((torch.zeros(5, 8, 8, 1), torch.arange(5)), TrainingConfig(batch_size=2))
        >>> [len(y) for x, y in batches.epoch(0)]
        [2, 2, 1]
    """
    return TensorBatches(
        *_pair(examples), config.batch_size, device=chosen_device(config.device), seed=config.seed,
        augment=augmentation(config.augment), shuffle=config.shuffle, epochs_before=epochs_before, drop_last=drop_last,
    )  # fmt: skip


def measuring_batches(
    examples: Split | tuple[Tensor, Tensor],
    config: TrainingConfig,
    network: Sequential | None = None,
    *,
    at_once: int = AT_ONCE,
) -> TensorBatches:
    """Batches to measure with, on the configured device: in order, unchanged, as many samples at once as memory holds.

    Args:
        examples: as for :func:`training_batches`.
        config: ``batch_size`` and ``device``.
        network: what is measured; None for a network that is known to be small.
        at_once: samples a batch, unless the configured batches are larger.

    Raises:
        ConfigurationError: no such device.
        OutOfMemory: a single sample takes more memory than is allowed.
    """
    x, y = _pair(examples)
    wanted = max(config.batch_size, at_once)
    if network is not None:
        shape = network.input_shape or as_shape(tuple(x.shape[1:]))
        wanted = batch_that_fits(network, shape.resized(tuple(x.shape[1 : 1 + len(shape.spatial)])), wanted)
    return TensorBatches(x, y, wanted, device=chosen_device(config.device), shuffle=False)


def augmentation(text: str) -> Augmentation | None:
    """What ``augment`` asks for; None for nothing.

    Raises:
        ConfigurationError: an operation that does not exist, or a number out of its range.
    """
    asked = parse(text)
    return asked if asked.operations or asked.mixup else None


def _pair(examples: Split | tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
    return tensors(examples) if isinstance(examples, Split) else examples
