"""Places of an axis that are seen: even rows of them, or a short list; and what a set of units sees of the axis below."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from foveal.arithmetic.pattern import Bounds, Budget, Pattern, Span, WorkedStep


@dataclass(frozen=True)
class Places:
    """Some places of an axis.

    Attributes:
        of: the places; a range where they are evenly spaced, whatever its length.
        exact: False where they hold all that is meant, and perhaps more.
    """

    of: range | frozenset[int]
    exact: bool = True

    def __bool__(self) -> bool:
        return bool(self.of)

    @property
    def span(self) -> Span | None:
        """The first and the last place."""
        if not self:
            return None
        if isinstance(self.of, range):
            return self.of[0], self.of[-1]
        return min(self.of), max(self.of)


def every(size: int | None) -> Places:
    """All places of an axis; the one there is where the size is not known."""
    return Places(range(size if size is not None else 1))


def count(places: range | frozenset[int]) -> int:
    """How many there are; ``len`` of a range ends at 2⁶³ − 1."""
    if isinstance(places, frozenset):
        return len(places)
    return max(0, (places.stop - places.start + places.step - 1) // places.step)


def together(sets: Iterable[Places], budget: Budget) -> Places:
    """What is in any of them."""
    real = [one for one in dict.fromkeys(sets) if one]
    if not real:
        return Places(range(0))
    first, last = min(one.span[0] for one in real), max(one.span[1] for one in real)  # type: ignore[index]
    exact = all(one.exact for one in real)
    whole = [one for one in real if one.span == (first, last) and isinstance(one.of, range) and one.of.step == 1]
    if whole:
        return Places(whole[0].of, whole[0].exact)  # what the others add at the ends is nothing
    if len(real) == 1:
        return real[0]
    sizes = [count(one.of) for one in real]
    if budget.spend(sum(sizes)):
        return Places(_even(frozenset().union(*(one.of for one in real))), exact)
    return Places(range(first, last + 1), False)


def seen(step: WorkedStep, units: Places, n: int | None, budget: Budget) -> Places:
    """The places 0 … n − 1 that these units really see, holes and edges minded.

    Args:
        step: what one unit sees.
        units: which units.
        n: how many places there are; None where nobody knows.
        budget: what may be listed; beyond it the result is all from the first to the last place, and not exact.

    Example:
        >>> seen(Pattern(((-2, 2),), 1, 2), every(9), 9, Budget()).of  # a kernel of 3, dilated by 2
        range(0, 9)
        >>> seen(Pattern(((0, 0),), 3), every(10**12), 3 * 10**12, Budget()).of
        range(0, 2999999999998, 3)
    """
    if not units:
        return Places(range(0))
    if isinstance(step, Bounds):
        first, last = units.span  # type: ignore[misc]
        even = isinstance(units.of, range) and units.of.step == 1
        exact = units.exact and step.hull is not None and (even or first == last) and last - first + 1 >= step.least
        return _clipped(step.over(first, last), n, exact)
    if isinstance(units.of, range) and (row := _row(step, units.of)) is not None:
        inside = _inside(row, n)
        return Places(inside, units.exact and step.exact)
    wide = step.largest // step.spacing + 1
    if budget.spend(count(units.of) * wide):
        return Places(_even(_listed(step, units.of, n)), units.exact and step.exact)
    first, last = units.span  # type: ignore[misc]
    turn = len(step.spans)
    ends = [span for unit in (first, last) for span in _around(step, unit, first, last, turn)]
    return _clipped((min(low for low, _ in ends), max(high for _, high in ends)) if ends else None, n, False)


def _around(step: Pattern, unit: int, first: int, last: int, turn: int) -> list[Span]:
    """What the units within one turn of the pattern from ``unit`` see: what is lowest and highest is among them."""
    near = range(max(first, unit - turn + 1), min(last, unit + turn - 1) + 1)
    return [span for span in map(step.at, near) if span is not None]


def _row(step: Pattern, units: range) -> range | None:
    """The places that an even row of units sees, where they are an even row again; None where they are not, or might not be."""
    if len(step.spans) > 1 and (units.step != 1 or not step.gapless):
        return None
    first, last = step.at(units[0]), step.at(units[-1])
    if first is None or last is None:
        return range(0)
    if len(step.spans) > 1:
        return range(first[0], last[1] + 1)
    if step.advance == 0 or count(units) == 1:
        return range(first[0], first[1] + 1, step.spacing)
    if step.advance < 0:
        first, last = last, first
    move, width, spacing = abs(step.advance) * units.step, first[1] - first[0], step.spacing
    if width == 0:
        return range(first[0], last[1] + 1, move)
    taps = width // spacing + 1
    if move % spacing == 0 and taps * spacing >= move:  # the spans touch, on one grid
        return range(first[0], last[1] + 1, spacing)
    if spacing % move == 0 and count(units) * move >= spacing:  # the units fill the holes between the taps
        return range(first[0], last[1] + 1, move)
    return None


def _inside(row: range, n: int | None) -> range:
    """The part of a row that lies on 0 … n − 1."""
    start = row.start if row.start >= 0 else row.start + -(row.start // row.step) * row.step
    stop = row.stop if n is None else min(row.stop, n)
    return range(start, max(start, stop), row.step)


def _clipped(span: Span | None, n: int | None, exact: bool) -> Places:
    if span is None:
        return Places(range(0), exact)
    return Places(_inside(range(span[0], span[1] + 1), n), exact)


def _listed(step: Pattern, units: Iterable[int], n: int | None) -> frozenset[int]:
    found: set[int] = set()
    for span in map(step.at, units):
        if span is not None:
            found.update(_inside(range(span[0], span[1] + 1, step.spacing), n))
    return frozenset(found)


def _even(places: frozenset[int]) -> range | frozenset[int]:
    """A row, if the list is one."""
    if not places:
        return range(0)
    first, last = min(places), max(places)
    gap, rest = divmod(last - first, max(1, len(places) - 1))
    if rest or (gap > 1 and any(first + i * gap not in places for i in range(len(places)))):
        return places
    return range(first, last + 1, max(1, gap))
