"""A trained encoder and decoder put to use: the source is read once, the answer written character by character.

Greedy decoding: at each place the likeliest character is taken, and the decoder reads it before the next. What the encoder
made of the source is the attention's memory; it is computed once, while the decoder carries its states from place to place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from foveal.backends.torch import Network, evaluating
from foveal.backends.torch_layers.compositions import Attended
from foveal.backends.torch_layers.recurrent import Recurrent
from foveal.errors import ConfigurationError
from foveal.network.tree import Parallel, walk

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Translation:
    """Answers to a batch of sources.

    Attributes:
        numbers: N × places: what was written, the end's mark among it; 0 after it.
        weights: N × places × source places: where each answer's place looked; rows add up to 1.
    """

    numbers: Numbers
    weights: NDArray[np.float32]


class Translator:
    """A network of a Parallel(merge="attention") with branches "queries" and "memory", and layers behind it.

    Args:
        module: used in evaluation; it is not changed.
        start, end: the numbers of the marks; 0 is padding.

    Raises:
        ConfigurationError: a network of another form.

    Example:
        >>> from foveal import zoo
        >>> from foveal.backends.torch import build
        >>> translator = Translator(build(zoo.seq2seq(width=1 / 16)))
        >>> answer = translator.translate(np.ones((2, 36), np.int64))
        >>> answer.numbers.shape, answer.weights.shape
        ((2, 25), (2, 25, 36))
    """

    def __init__(self, module: Network, start: int = 1, end: int = 2) -> None:
        self.module, self.start, self.end = module, start, end
        joined = [node for _, node in walk(module.network) if isinstance(node, Parallel) and node.merge == "attention"]
        first = next(iter(module._modules.values()))
        if len(joined) != 1 or not isinstance(first, Attended):
            raise ConfigurationError(
                "this network is not an encoder and decoder",
                where=module.network.name or "network",
                expected='a Parallel(merge="attention") first, with the branches queries and memory',
                fix="foveal show seq2seq",
            )
        (queries, memory), behind = children_of(first), children_of(module)[1:]
        self.attention = first
        self.reading, (_, *self.writing) = memory, children_of(queries)  # the cut is for whole rows
        self.after = behind
        cut: Any = joined[0].branches[0].layers[0]
        (self.source, _), (length,) = cut.cropping, module.input_shape.spatial
        assert length is not None
        self.places = length - self.source

    @torch.inference_mode()
    def translate(self, sources: Numbers, batch_size: int = 512) -> Translation:
        """The likeliest character at each place, one after another.

        Args:
            sources: N × source places.
            batch_size: how many are written side by side.
        """
        with evaluating(self.module), self._carrying():
            parts = [
                self._some(torch.from_numpy(np.ascontiguousarray(sources[start : start + batch_size])))
                for start in range(0, max(1, len(sources)), batch_size)
            ]
        numbers, weights = ([part[i].cpu().numpy() for part in parts] for i in (0, 1))
        return Translation(np.concatenate(numbers), np.concatenate(weights))

    def _some(self, sources: Tensor) -> tuple[Tensor, Tensor]:
        device = next(self.module.parameters()).device
        row = torch.cat([sources, torch.zeros(len(sources), self.places, dtype=torch.int64)], 1).to(device)
        memory = self.reading(row)
        numbers = torch.zeros(len(sources), self.places, dtype=torch.int64, device=device)
        weights = torch.zeros(len(sources), self.places, self.source, device=device)
        last = torch.full((len(sources), 1), self.start, dtype=torch.int64, device=device)
        ended = torch.zeros(len(sources), dtype=torch.bool, device=device)
        self._forget()
        for place in range(self.places):
            joined = self.attention.attend(_through(self.writing, last), memory)
            last = _through(self.after, joined).argmax(1)
            numbers[:, place] = torch.where(ended, 0, last[:, 0])
            assert self.attention.weights is not None
            weights[:, place] = self.attention.weights[:, 0].float()
            ended |= last[:, 0] == self.end
            if bool(ended.all()):
                break
        return numbers, weights

    @contextmanager
    def _carrying(self) -> Iterator[None]:
        """The decoder goes on where it stood; afterwards it begins anew, as always."""
        for part in self._recurrent():
            part.carries = True
        try:
            yield
        finally:
            self._forget()
            for part in self._recurrent():
                part.carries = False

    def _forget(self) -> None:
        for part in self._recurrent():
            part.carried = None

    def _recurrent(self) -> Iterator[Recurrent]:
        return (part for child in self.writing for part in child.modules() if isinstance(part, Recurrent))


def children_of(module: nn.Module) -> list[nn.Module]:
    """The parts of a composition, in order."""
    return [child for child in module._modules.values() if child is not None]


def _through(layers: list[nn.Module], x: Tensor) -> Tensor:
    for layer in layers:
        x = layer(x)
    return x
