"""Small things to train, without any other part of Foveal: a network with everything that remembers, and its data."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn


class Clusters:
    """A two-class or many-class problem of Gaussian clouds as pictures of 1 × 6 × 6, in seeded batches."""

    def __init__(self, examples: int = 70, batch_size: int = 16, classes: int = 3, seed: int = 0) -> None:
        draw = torch.Generator().manual_seed(seed)
        centres = torch.randn(classes, 1, 6, 6, generator=torch.Generator().manual_seed(99))
        self.targets = torch.randint(classes, (examples,), generator=draw)
        self.inputs = centres[self.targets] + 0.8 * torch.randn(examples, 1, 6, 6, generator=draw)
        self.examples, self.batch_size, self.seed = examples, batch_size, seed

    def __len__(self) -> int:
        return -(-self.examples // self.batch_size)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm(self.examples, generator=torch.Generator().manual_seed(1000 * self.seed + number))
        for step in range(start, len(self)):
            chosen = order[step * self.batch_size : (step + 1) * self.batch_size]
            yield self.inputs[chosen].to(memory_format=torch.channels_last), self.targets[chosen]


def network(seed: int = 0, classes: int = 3) -> nn.Module:
    """Convolution (channels_last), batch normalisation and dropout: weights, buffers and random numbers."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        module = nn.Sequential(
            nn.Conv2d(1, 4, 3, bias=False),
            nn.BatchNorm2d(4),
            nn.ReLU(),
            nn.Conv2d(4, 8, 3),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.3),
            nn.Linear(32, classes),
        )
    return module.to(memory_format=torch.channels_last)
