"""Repeated blocks: which siblings are alike, so that a drawing shows one of them and names the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from foveal.network.node import Node, public_fields
from foveal.network.tree import COMPOSITIONS, children

_PARTS = ("layers", "branches", "body", "shortcut", "head")
MOST_PERIOD = 3
FEWEST = 3
"""Blocks are drawn out until there are three alike."""


def signature(node: Node) -> Any:
    """What a node is, without names and without what flows in: equal for blocks that are alike."""
    own = tuple((name, value) for name, value in public_fields(node).items() if name not in _PARTS)
    return node.kind, own, tuple(signature(child) for _, child in children(node))


@dataclass(frozen=True)
class Run:
    """Siblings from ``first`` on: ``period`` of them are drawn, and stand for ``count`` repetitions of themselves."""

    first: int
    period: int
    count: int

    @property
    def drawn(self) -> range:
        """The places that are drawn."""
        return range(self.first, self.first + self.period)

    @property
    def folded(self) -> range:
        """The places that are only named."""
        return range(self.first + self.period, self.first + self.period * self.count)


def runs(nodes: Sequence[Node]) -> list[Run]:
    """The siblings in runs; a run of one is drawn as it is.

    Example:
        >>> from foveal.network.layers import Conv2D
        >>> from foveal.network.tree import Residual
        >>> blocks = [Residual([Conv2D(8, 3, padding="same")]) for _ in range(5)]
        >>> runs([Conv2D(8, 3), *blocks])
        [Run(first=0, period=1, count=1), Run(first=1, period=1, count=5)]
    """
    marks = [signature(node) for node in nodes]
    blocks = [type(node) in COMPOSITIONS.values() for node in nodes]
    found, place = [], 0
    while place < len(nodes):
        best = Run(place, 1, 1)
        for period in range(1, MOST_PERIOD + 1):
            pattern = marks[place : place + period]
            if not blocks[place] or len(pattern) < period:  # a repetition begins with its block
                continue
            count = 1
            while marks[place + count * period : place + (count + 1) * period] == pattern:
                count += 1
            if count >= FEWEST and count * period > best.count * best.period:
                best = Run(place, period, count)
        found.append(best)
        place += best.period * best.count
    return found
