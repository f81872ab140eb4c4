"""From a probability for each class and column to a text, and how far a text is from the right one.

A network trained by connectionist temporal classification (Graves, Fernández, Gomez, Schmidhuber 2006) gives at each of T
steps a distribution over K − 1 characters and *blank*. A path is one class a step; the text of a path is what remains when
repeats are merged and then blanks dropped: ``a a – a b`` says ``aab``. A text's probability is the sum over all its paths.

- :func:`greedy` takes the likeliest path, which need not be the likeliest text's.
- :func:`beam` follows the likeliest texts, each with all its paths so far (Hannun, Maas, Jurafsky, Ng 2014, algorithm 1).
- :func:`edits` counts what must be changed to make one text of another (Levenshtein 1966), of which the character error
  rate is the share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Logs = NDArray[np.floating]
_NOTHING = -np.inf
_Prefixes = dict[tuple[int, ...], tuple[float, float]]  # of the paths that end in blank, and in the last character


@dataclass(frozen=True)
class Reading:
    """What a path says.

    Attributes:
        text: the characters, as numbers of classes.
        steps: for each character the step at which it fired: where its class was likeliest within its run.
        confidences: the probability of the character at that step.
    """

    text: tuple[int, ...]
    steps: tuple[int, ...]
    confidences: tuple[float, ...]


@dataclass(frozen=True)
class Edits:
    """The fewest changes that make the right text of the one that was read.

    Attributes:
        substituted: pairs (right, read) of characters that were taken for others.
        missing: characters that were overlooked.
        added: characters that are not there.
    """

    substituted: tuple[tuple[object, object], ...] = ()
    missing: tuple[object, ...] = ()
    added: tuple[object, ...] = ()

    @property
    def distance(self) -> int:
        """How many changes: Levenshtein's distance."""
        return len(self.substituted) + len(self.missing) + len(self.added)


def greedy(logs: Logs, blank: int) -> Reading:
    """The text of the likeliest path (Graves et al. 2006, section 3.2, "best path decoding").

    Args:
        logs: (T, K) logarithms of probabilities.
        blank: the class that stands for no character.

    Example:
        >>> path = np.log(np.eye(3)[[0, 0, 2, 0, 1]] + 1e-9)
        >>> greedy(path, blank=2).text, greedy(path, blank=2).steps
        ((0, 0, 1), (0, 3, 4))
    """
    best = logs.argmax(axis=1)
    begins = np.flatnonzero(np.diff(best, prepend=-1))
    ends = np.append(begins[1:], len(best))
    runs = [(int(a), int(b)) for a, b in zip(begins, ends, strict=True) if best[a] != blank]
    steps = [a + int(logs[a:b, best[a]].argmax()) for a, b in runs]
    text = tuple(int(best[step]) for step in steps)
    return Reading(text, tuple(steps), tuple(float(np.exp(logs[step, best[step]])) for step in steps))


def beam(logs: Logs, blank: int, width: int = 8) -> list[tuple[tuple[int, ...], float]]:
    """The likeliest texts by prefix beam search, best first.

    Each prefix keeps the probability of its paths that end in blank and of those that end in its last character, apart: only
    after a blank does the same character begin anew. With a ``width`` that keeps every prefix the result is exact.

    Args:
        logs: (T, K) logarithms of probabilities.
        blank: the class that stands for no character.
        width: how many prefixes go on from one step to the next.

    Returns:
        (text, logarithm of the probability of its paths that were followed), at most ``width`` of them.

    Example:
        >>> logs = np.log([[0.4, 0.6], [0.4, 0.6]])  # the likeliest path is all blank, p = 0.36; "0" has three paths
        >>> text, p = beam(logs, blank=1)[0]
        >>> text, round(float(np.exp(p)), 2)
        ((0,), 0.64)
    """
    prefixes: _Prefixes = {(): (0.0, _NOTHING)}
    characters = [k for k in range(logs.shape[1]) if k != blank]
    for row in logs.astype(np.float64).tolist():
        grown: _Prefixes = {}
        for text, (with_blank, with_character) in prefixes.items():
            both = _sum(with_blank, with_character)
            _add(grown, text, both + row[blank], _NOTHING)
            for character in characters:
                if text and text[-1] == character:
                    _add(grown, text, _NOTHING, with_character + row[character])
                    _add(grown, (*text, character), _NOTHING, with_blank + row[character])
                else:
                    _add(grown, (*text, character), _NOTHING, both + row[character])
        # Ties go to the smaller text, so that the order is the same everywhere.
        ranked = sorted(grown.items(), key=lambda item: (-_sum(*item[1]), item[0]))
        prefixes = dict(ranked[:width])
    return [(text, _sum(*ends)) for text, ends in prefixes.items()]


def edits(read: Sequence[object], right: Sequence[object]) -> Edits:
    """The fewest substitutions, insertions and deletions between what was read and what is right (Levenshtein 1966).

    Example:
        >>> edits("4087", "40817")
        Edits(substituted=(), missing=('1',), added=())
        >>> edits("43", "48").substituted
        (('8', '3'),)
    """
    costs = np.zeros((len(read) + 1, len(right) + 1), np.int64)
    costs[:, 0], costs[0] = np.arange(len(read) + 1), np.arange(len(right) + 1)
    for i, one in enumerate(read):
        for j, other in enumerate(right):
            change = costs[i, j] + (one != other)
            costs[i + 1, j + 1] = min(change, costs[i, j + 1] + 1, costs[i + 1, j] + 1)
    substituted, missing, added = [], [], []
    i, j = len(read), len(right)
    while i or j:
        if i and j and costs[i, j] == costs[i - 1, j - 1] + (read[i - 1] != right[j - 1]):
            i, j = i - 1, j - 1
            if read[i] != right[j]:
                substituted.append((right[j], read[i]))
        elif i and costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
            added.append(read[i])
        else:
            j -= 1
            missing.append(right[j])
    return Edits(tuple(reversed(substituted)), tuple(reversed(missing)), tuple(reversed(added)))


def character_error_rate(read: Sequence[str], right: Sequence[str]) -> float:
    """Changes needed in all texts together, over the characters there are; above 1 where far too much was read.

    Example:
        >>> character_error_rate(["12", "345"], ["12", "34"])
        0.25
    """
    return sum(edits(a, b).distance for a, b in zip(read, right, strict=True)) / max(1, sum(map(len, right)))


def _add(prefixes: _Prefixes, text: tuple[int, ...], after_blank: float, after_character: float) -> None:
    if after_blank == after_character == _NOTHING:  # the same character again, and no blank before it yet
        return
    known = prefixes.get(text, (_NOTHING, _NOTHING))
    prefixes[text] = (_sum(known[0], after_blank), _sum(known[1], after_character))


def _sum(a: float, b: float) -> float:
    """log(eᵃ + eᵇ)."""
    return float(np.logaddexp(a, b))
