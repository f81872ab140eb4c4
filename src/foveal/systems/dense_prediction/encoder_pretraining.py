"""The way down of a U-Net by itself, as a classifier: it learns what things are called before it learns where they are.

A mask needs both, and names are what takes long: a shirt and a coat differ in a few stitches. On small pictures of one thing,
without the way up, a look costs a fraction of a look at a scene (compare encoders trained first: Iglovikov, Shvets 2018,
TernausNet).
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from foveal.backends.torch import Network
from foveal.data.batches.scenes import SceneBatches
from foveal.network.tree import walk


class EncoderClassifier(nn.Module):
    """Pictures (N, C, h, w) → logits (N, classes): the contracting half, then the largest value of each lowest map.

    Its parts are the U-Net's own modules, not copies: what is learned here stays there.

    Args:
        unet: the module of :func:`foveal.zoo.unet`.
        classes: of things.
        seed: of the last layer's first values.
    """

    def __init__(self, unet: Network, classes: int, seed: int = 0) -> None:
        super().__init__()
        wanted = ("centre", "contract", "pool")
        paths = [path for path, node in walk(unet.network) if node.name in wanted]
        self.way = nn.ModuleList([unet.node(path) for path in paths])
        maps = list(self.way[-1].parameters())[-1].numel()  # the last normalisation has a shift a map
        self.name = nn.Linear(maps, classes)
        values = torch.empty_like(self.name.weight).normal_(
            0.0, maps**-0.5, generator=torch.Generator().manual_seed(seed)
        )
        self.name.weight.data.copy_(values)
        self.name.bias.data.zero_()

    def forward(self, x: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        for part in self.way:
            x = part(x)
        named: Tensor = self.name(x.amax((2, 3)))
        return named


class SingleThings:
    """Scenes of one thing as a classifier's batches: (pictures, labels)."""

    def __init__(self, scenes: SceneBatches) -> None:
        self.scenes = scenes
        self.examples, self.batch_size = scenes.examples, scenes.batch_size

    def __len__(self) -> int:
        return len(self.scenes)

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Tensor, Tensor]]:
        """The batches of an epoch, from the one numbered ``start`` on."""
        for pictures, _, _, labels in self.scenes.epoch(number, start):
            yield pictures, labels[:, 0]
