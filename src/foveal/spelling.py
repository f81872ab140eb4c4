"""Did you mean: the known names that a misspelt one was probably meant to be. Every such offer in Foveal comes from here.

An offer is made only where a slip of the fingers explains the difference. Names that merely look alike may mean different
things: ``swish`` is not ``mish``, ``adamax`` is not ``adam``. A list whose neighbours are known elsewhere passes them as
``foreign``: they are names, not misspellings.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

_LONGEST = 64
"""Characters that are looked at: a hostile name costs no time."""
_ABBREVIATED = 3
"""Letters that an abbreviation has at least: ``kernel`` for ``kernel_size``, but not ``s`` for ``same``."""


def nearest(name: object, known: Iterable[str], most: int = 3, foreign: Collection[str] = ()) -> list[str]:
    """The known names that ``name`` is a misspelling of; empty where none is near enough to say so.

    Case, blanks, ``-`` and ``_`` do not count. One letter may be wrong, missing, doubled or exchanged with its neighbour in
    names of four letters or more, two from eight letters on, three from thirteen on; or ``name`` is the beginning of a
    known one. Only the nearest are given, in the order of ``known``.

    Args:
        name: what was written; anything but a text is near nothing.
        known: the right names.
        most: at most so many.
        foreign: names that exist elsewhere and mean something that is not to be had here.

    Example:
        >>> nearest("rellu", ["relu", "elu"]), nearest("Conv2d", ["Conv1D", "Conv2D"]), nearest("kernel", ["kernel_size"])
        (['relu'], ['Conv2D'], ['kernel_size'])
        >>> nearest("swish", ["mish", "silu"]), nearest("adamax", ["adam"], foreign=["adamax"])
        ([], [])
    """
    if not isinstance(name, str) or len(name) > _LONGEST:
        return []
    asked = _plain(name)
    if not asked or asked in {_plain(other) for other in foreign}:
        return []
    near: list[tuple[int, str]] = []
    for each in known:
        meant = _plain(each)
        allowed = _slips(max(len(asked), len(meant)))
        distance = _distance(asked, meant) if abs(len(asked) - len(meant)) <= allowed else allowed + 1
        if distance <= allowed:
            near.append((distance, each))
        elif len(asked) >= _ABBREVIATED and meant.startswith(asked):
            near.append((allowed, each))
    least = min((distance for distance, _ in near), default=0)
    return [each for distance, each in near if distance == least][:most]


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c not in " -_")


def _slips(length: int) -> int:
    return 0 if length < 4 else 1 if length < 8 else 2 if length < 13 else 3


def _distance(a: str, b: str) -> int:
    """Letters to change, put in, take out, or exchange with the next (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, start=1):
        older, before, row = before, row, [i]
        for j, y in enumerate(b, start=1):
            step = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                step = min(step, older[j - 2] + 1)
            row.append(step)
    return row[-1]
