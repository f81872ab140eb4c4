"""A last batch of one sample before a batch normalisation: taken as Keras takes it, and refused where every batch is one."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator

from torch import nn

from foveal.backends.torch_layers.normalization import BatchNormalization
from foveal.data.batches.protocol import Batches
from foveal.errors import TrainingError


def refuse_batches_of_one(networks: Iterable[nn.Module], batches: Batches) -> list[BatchNormalization]:
    """The batch normalisations of networks, which can learn from these batches.

    Raises:
        TrainingError: every batch of an epoch is such a one, so that nothing before the layer could be learned.
    """
    parts = [part for network in networks for part in network.modules() if isinstance(part, BatchNormalization)]
    alone = next((part for part in parts if part.one_value), None)
    if alone is not None and min(batches.batch_size, batches.examples) == 1:
        raise TrainingError(
            "batch normalisation needs more than one value a channel",
            where=alone.path,
            given=f"batches of 1 of {batches.examples:,} samples: one value a channel, whose variance is 0",
            expected="batches of at least 2 (a last batch of 1 is taken)",
            fix=["batch_size=32 (--batch-size 32)", "LayerNormalization, which does not look at other samples"]
            if batches.examples > 1
            else "LayerNormalization, which does not look at other samples",
        )
    return parts


@contextlib.contextmanager
def last_batch_of_one(networks: Iterable[nn.Module], batches: Batches) -> Iterator[None]:
    """Inside the block a batch of one sample trains, though it tells a batch normalisation after Dense nothing.

    Raises:
        TrainingError: as :func:`refuse_batches_of_one`.
    """
    parts = refuse_batches_of_one(networks, batches)
    for part in parts:
        part.takes_one_value = True
    try:
        yield
    finally:
        for part in parts:
            part.takes_one_value = False
