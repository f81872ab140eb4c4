"""What units along one axis see of the axis below: spans that repeat, and how two such patterns make one.

A pattern lists its spans as long as there are few of them (:data:`MOST_PHASES`; an upsampling by 2 has two). Longer ones are
told by a line below and one above all spans, :class:`Bounds`: nothing is listed, whatever a description says, and what is then
known of the size is "at most". A pattern that reaches beyond :data:`~foveal.network.fields.LARGEST` places is not told at all.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from foveal.network.fields import LARGEST

Span = tuple[int, int]
"""First and last place, both included."""

MOST_PHASES = 4096
"""Spans that one pattern lists."""
MOST_OF_A_LAYER = 512
"""Spans that are listed for one layer by itself."""
MOST_WORK = 1 << 18
"""Spans and places that are listed for one network, in all; what would need more is told by bounds."""


class Budget:
    """How much may still be listed; a description from elsewhere must cost neither memory nor hours."""

    def __init__(self, work: int = MOST_WORK) -> None:
        self.left = work

    def spend(self, work: int) -> bool:
        """Whether ``work`` more may be listed; if so, it is taken off."""
        if work > self.left:
            return False
        self.left -= work
        return True


@dataclass(frozen=True)
class Pattern:
    """What units along one axis see of the axis below; the pattern repeats after ``len(spans)`` units.

    Attributes:
        spans: what units 0, 1, … see; None for a unit that sees nothing.
        advance: how many places the spans move when the pattern repeats; below 0 where the order is turned round.
        spacing: distance of the places within a span that are really seen; above 1 where a kernel is dilated.
        exact: False where the spans hold all that is seen, and perhaps more at their ends.
    """

    spans: tuple[Span | None, ...]
    advance: int
    spacing: int = 1
    exact: bool = True

    @property
    def stride(self) -> Fraction:
        """Places from one unit to the next, in the mean."""
        return Fraction(self.advance, len(self.spans))

    @functools.cached_property
    def largest(self) -> int:
        """Places from the first to the last one that a unit sees; the most, where units differ."""
        return max((high - low + 1 for low, high in filter(None, self.spans)), default=0)

    @property
    def first(self) -> Span | None:
        """What unit 0 sees."""
        return self.spans[0]

    @functools.cached_property
    def gapless(self) -> bool:
        """Whether neighbours see spans that touch, so that a row of units sees a row of places without a hole."""
        turn = [*self.spans, self.at(len(self.spans))]
        return self.spacing == 1 and self.advance > 0 and all(
            a is not None and b is not None and a[0] <= b[0] <= a[1] + 1 and a[1] <= b[1]
            for a, b in itertools.pairwise(turn)
        )  # fmt: skip

    def at(self, unit: int) -> Span | None:
        """What ``unit`` sees; units outside the map count on as if it went on."""
        turn, phase = divmod(unit, len(self.spans))
        span = self.spans[phase]
        return None if span is None else (span[0] + turn * self.advance, span[1] + turn * self.advance)

    def over(self, first: int, last: int, spacing: int = 1) -> Span | None:
        """What the units from ``first`` to ``last``, ``spacing`` apart, see together: the hull."""
        low = high = None
        steps = len(self.spans)  # after so many, all phases were tried
        while first <= last and steps and (low := self.at(first)) is None:
            first, steps = first + spacing, steps - 1
        steps = len(self.spans)
        while first <= last and steps and (high := self.at(last)) is None:
            last, steps = last - spacing, steps - 1
        return None if low is None or high is None else (min(low[0], high[0]), max(low[1], high[1]))

    def bounds(self) -> Bounds | None:
        """The lines below and above; None where no unit sees anything."""
        stride = self.stride
        real = [(i, span) for i, span in enumerate(self.spans) if span is not None]
        if not real:
            return None
        low = min(span[0] - stride * i for i, span in real)
        high = max(span[1] - stride * i for i, span in real)
        return Bounds(stride, low, high, self.largest, self.exact, self.first)

    def after(self, below: WorkedStep, budget: Budget | None = None) -> WorkedStep | None:
        """The two steps in one: this one seen through ``below``; None beyond all sizes."""
        if below == IDENTITY or (isinstance(below, Pattern) and below.advance == 0):
            return self if below == IDENTITY else below
        if isinstance(below, Bounds) and (below.hull is None or below.least > 1 or self.spacing > 1):
            return self._bounded_after(below)
        period = below.stride.denominator if isinstance(below, Bounds) else len(below.spans)
        turns = period // math.gcd(period, self.advance) if self.advance else 1
        phases = len(self.spans) * turns
        work = phases * (period if isinstance(below, Pattern) and None in below.spans else 1)
        if phases > MOST_PHASES or (phases > 1 and budget is not None and not budget.spend(work)):
            return self._bounded_after(below)
        spans = []
        for unit in range(phases):
            span = self.at(unit)
            spans.append(None if span is None else below.over(*span, self.spacing))
        advance = turns * self.advance * below.advance // period
        ends = [abs(end) for span in (spans[0], spans[-1]) if span is not None for end in span]
        if max(ends, default=0) > LARGEST or abs(advance) > LARGEST:
            return None
        return shortest(tuple(spans), advance, exact=self.exact and below.exact)

    def _bounded_after(self, below: WorkedStep) -> WorkedStep | None:
        own = self.bounds()
        if own is None:
            return Pattern((None,), 1)
        if len(self.spans) == 1 and own.largest == 1 and abs(self.advance) == 1:
            return own.shifts(below)
        return own.after(below)


@dataclass(frozen=True)
class Bounds:
    """A pattern that is too long to list: unit y sees nothing outside stride · y + low … stride · y + high.

    Attributes:
        stride: places from one unit to the next, in the mean; not 0.
        low, high: the lines below and above.
        largest: no unit sees more places, from the first to the last one.
        exact: whether some unit sees as many.
        first: what unit 0 sees; None where it sees nothing, or where that is not known.
        hull: what the units from a first to a last one see together, where that has a formula. It repeats after as many units
            as the stride's denominator.
        least: so many neighbours, at least, whose hull is exact.
    """

    stride: Fraction
    low: Fraction
    high: Fraction
    largest: int
    exact: bool
    first: Span | None = None
    hull: Callable[[int, int], Span | None] | None = field(default=None, compare=False)
    least: int = 1

    @property
    def advance(self) -> int:
        """Not 0: units see different places."""
        return self.stride.numerator

    def at(self, unit: int) -> Span | None:
        """All that ``unit`` may see."""
        return self.over(unit, unit)

    def over(self, first: int, last: int, spacing: int = 1) -> Span | None:
        """All that the units from ``first`` to ``last`` may see."""
        if self.hull is not None:
            return self.hull(first, last)
        ends = (self.stride * first, self.stride * last)
        return math.ceil(min(ends) + self.low), math.floor(max(ends) + self.high)

    def after(self, below: WorkedStep) -> WorkedStep | None:
        """The two steps in one; None beyond all sizes."""
        if below == IDENTITY or (isinstance(below, Pattern) and below.advance == 0):
            return self if below == IDENTITY else below
        under = below if isinstance(below, Bounds) else below.bounds()
        if under is None:
            return below
        s = under.stride
        low, high = (self.low, self.high) if s > 0 else (self.high, self.low)
        largest = math.floor(abs(s) * (self.largest - 1) + under.high - under.low) + 1
        single = isinstance(below, Pattern) and len(below.spans) == 1
        first = below.over(*self.first) if single and self.first is not None else None
        exact = single and self.exact and under.exact
        return Bounds(s * self.stride, s * low + under.low, s * high + under.high, largest, exact, first).sensible()

    def shifts(self, below: WorkedStep) -> WorkedStep | None:
        """:meth:`after`, where each unit sees one place, its own or another one at a fixed distance."""
        made = self.after(below)
        if not isinstance(made, Bounds):
            return made
        assert self.first is not None
        known = isinstance(below, Bounds) and below.hull is not None and below.least == 1
        first = below.first if self.first == (0, 0) else below.at(self.first[0]) if known else made.first
        exact = below.exact if isinstance(below, Bounds) else made.exact
        return dataclasses.replace(made, largest=below.largest, exact=exact, first=first)

    def sensible(self) -> Bounds | None:
        """Itself, if all numbers stay below :data:`~foveal.network.fields.LARGEST`."""
        ends = (self.low, self.high, self.stride)
        numbers = (*(math.ceil(abs(end)) for end in ends), *(end.denominator for end in ends), self.largest)
        return self if max(numbers) <= LARGEST else None


WorkedStep = Pattern | Bounds


def shortest(spans: tuple[Span | None, ...], advance: int, spacing: int = 1, exact: bool = True) -> Pattern:
    """The same pattern with one span, if all are alike."""
    step = Pattern(spans[:1], advance // len(spans), spacing, exact)
    if len(spans) > 1 and advance % len(spans) == 0 and all(step.at(i) == span for i, span in enumerate(spans)):
        return step
    return Pattern(spans, advance, spacing, exact)


IDENTITY = Pattern(((0, 0),), 1)


def hull(patterns: Sequence[WorkedStep], units: int | None, budget: Budget | None = None) -> WorkedStep | None:
    """What a unit sees through any of several branches. Their strides are equal but for maps of a pixel or two.

    Args:
        patterns: one a branch.
        units: how many units there are, if that is known; where strides differ, each gets its own span.
        budget: what may be listed; None bounds the pattern alone.

    Returns:
        None where too little is known: strides differ, and the number of units is unknown or large.

    Example:
        >>> hull([IDENTITY, Pattern(((-1, 1),), 1)], 28)
        Pattern(spans=((-1, 1),), advance=1, spacing=1, exact=True)
    """
    patterns = list(dict.fromkeys(patterns))
    if len(patterns) == 1:
        return patterns[0]
    strides = {one.stride for one in patterns}
    listed = [one for one in patterns if isinstance(one, Pattern)]
    period = 0
    for one in listed:  # step by step: the least common multiple of many grows beyond all bounds
        period = math.lcm(period or 1, len(one.spans)) if period <= MOST_PHASES else period
    if len(strides) > 1:
        period = units if units is not None else 1
    work = period * len(patterns) if period > 1 else 0
    if len(listed) < len(patterns) or period > MOST_PHASES or (budget is not None and not budget.spend(work)):
        return _bounded(patterns, units)
    spans: list[Span | None] = []
    for unit in range(period):
        real = [span for span in (one.at(unit) for one in listed) if span is not None]
        spans.append((min(low for low, _ in real), max(high for _, high in real)) if real else None)
    exact = all(one.exact for one in listed)
    return shortest(tuple(spans), int(max(strides) * period), exact=exact)


def _bounded(patterns: Sequence[WorkedStep], units: int | None) -> Bounds | None:
    """The lines around the lines of all branches."""
    real = [one for one in (one if isinstance(one, Bounds) else one.bounds() for one in patterns) if one is not None]
    stride = max((one.stride for one in real), default=Fraction(0))
    if not stride or (units is None and len({one.stride for one in real}) > 1):
        return None
    last = (units or 1) - 1  # a line that is steeper or flatter is farthest away at one of the ends
    none = Fraction(0)
    low = min(one.low + min(none, (one.stride - stride) * last) for one in real)
    high = max(one.high + max(none, (one.stride - stride) * last) for one in real)
    if all(isinstance(one, Pattern) and one.spans[0] is not None and len(one.spans) == 1 for one in patterns):
        ends = [[one.at(unit) or (0, 0) for one in patterns] for unit in (0, last)]  # the largest of lines is at an end
        spans = [(min(low for low, _ in there), max(high for _, high in there)) for there in ends]
        exact = all(one.exact for one in patterns)
        return Bounds(stride, low, high, max(b - a + 1 for a, b in spans), exact, spans[0]).sensible()
    return Bounds(stride, low, high, math.floor(high - low) + 1, False).sensible()


@dataclass(frozen=True)
class Field:
    """What units see of the network's input, along one axis.

    Attributes:
        step: the pattern; None where a unit sees everything and the input's size is unknown, and beyond all sizes.
        beyond: whether the pattern has left all sizes behind: numbers above 2⁶³.
    """

    step: WorkedStep | None
    beyond: bool = False

    @property
    def size(self) -> int | None:
        """Pixels from the first to the last one that a unit sees; the largest, where units differ. None: not known exactly."""
        return self.step.largest if self.step is not None and self.step.exact else None

    @property
    def at_most(self) -> int | None:
        """No unit sees more pixels; equal to the size where that is known."""
        return None if self.step is None else self.step.largest

    @property
    def stride(self) -> Fraction:
        """Pixels from a unit's first pixel to its neighbour's; a fraction after a transposed convolution."""
        return Fraction(0) if self.step is None else self.step.stride

    @property
    def padding(self) -> int | None:
        """How far the window of the first unit reaches over the input's edge; None where only bounds of it are known."""
        if self.step is None:
            return 0
        if self.step.first is None:
            return None if isinstance(self.step, Bounds) else 0
        return -self.step.first[0]

    def __str__(self) -> str:
        """The size as people read it: 212; ≤ 300, where only so much is known; ?, where nothing is."""
        if self.step is None:
            return f"> {LARGEST:,}" if self.beyond else "?"
        return str(self.step.largest) if self.step.exact else f"≤ {self.step.largest}"
