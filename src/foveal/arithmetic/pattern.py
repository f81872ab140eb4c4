"""What units along one axis see of the axis below: spans that repeat, and how two such patterns make one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Span = tuple[int, int]
"""First and last place, both included."""

Places = tuple[frozenset[int], ...]
"""Along each axis, the places that are meant."""


@dataclass(frozen=True)
class Pattern:
    """What units along one axis see of the axis below; the pattern repeats after ``len(spans)`` units.

    Attributes:
        spans: what units 0, 1, … see; None for a unit that sees nothing.
        advance: how many places the spans move when the pattern repeats; below 0 where the order is turned round.
        spacing: distance of the places within a span that are really seen; above 1 where a kernel is dilated.
    """

    spans: tuple[Span | None, ...]
    advance: int
    spacing: int = 1

    def at(self, unit: int) -> Span | None:
        """What ``unit`` sees; units outside the map count on as if it went on."""
        turn, phase = divmod(unit, len(self.spans))
        span = self.spans[phase]
        return None if span is None else (span[0] + turn * self.advance, span[1] + turn * self.advance)

    def over(self, first: int, last: int, spacing: int = 1) -> Span | None:
        """What the units from ``first`` to ``last``, ``spacing`` apart, see together: the hull."""
        low = high = None
        while first <= last and (low := self.at(first)) is None:
            first += spacing
        while first <= last and (high := self.at(last)) is None:
            last -= spacing
        return None if low is None or high is None else (min(low[0], high[0]), max(low[1], high[1]))

    def places(self, units: frozenset[int], n: int) -> frozenset[int]:
        """The places 0 … n − 1 that these units really see, holes and edges minded."""
        found: set[int] = set()
        for span in map(self.at, units):
            if span is not None:
                low, high = span
                start = low if low >= 0 else low % self.spacing
                found.update(range(start, min(high, n - 1) + 1, self.spacing))
        return frozenset(found)

    def after(self, below: Pattern) -> Pattern:
        """The two steps in one: this one seen through ``below``."""
        if below.advance == 0:
            return below
        turns = len(below.spans) // math.gcd(len(below.spans), self.advance) if self.advance else 1
        spans = []
        for unit in range(len(self.spans) * turns):
            span = self.at(unit)
            spans.append(None if span is None else below.over(*span, self.spacing))
        return shortest(tuple(spans), turns * self.advance * below.advance // len(below.spans))


def shortest(spans: tuple[Span | None, ...], advance: int, spacing: int = 1) -> Pattern:
    """The same pattern with one span, if all are alike."""
    step = Pattern(spans[:1], advance // len(spans), spacing)
    if len(spans) > 1 and advance % len(spans) == 0 and all(step.at(i) == span for i, span in enumerate(spans)):
        return step
    return Pattern(spans, advance, spacing)


IDENTITY = Pattern(((0, 0),), 1)


def hull(patterns: Sequence[Pattern], units: int | None) -> Pattern:
    """What a unit sees through any of several branches. Their strides are equal but for maps of a pixel or two.

    Args:
        patterns: one a branch.
        units: how many units there are, if that is known; where strides differ, each gets its own span.

    Example:
        >>> hull([IDENTITY, Pattern(((-1, 1),), 1)], 28)
        Pattern(spans=((-1, 1),), advance=1, spacing=1)
    """
    if len(set(patterns)) == 1:
        return patterns[0]
    strides = {Fraction(one.advance, len(one.spans)) for one in patterns}
    period = math.lcm(*(len(one.spans) for one in patterns))
    if len(strides) > 1:
        period = units if units is not None else 1
    spans: list[Span | None] = []
    for unit in range(period):
        real = [span for span in (one.at(unit) for one in patterns) if span is not None]
        spans.append((min(low for low, _ in real), max(high for _, high in real)) if real else None)
    return shortest(tuple(spans), int(max(strides) * period))
