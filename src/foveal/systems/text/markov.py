"""How well a text is predicted, in bits a character; and Markov models with honest smoothing to measure against.

A model that gives the character that comes next the probability p spends −log₂ p bits on it; their mean is the
cross-entropy in bits a character (Shannon 1951, "Prediction and Entropy of Printed English"). Texts are rows of indices.
Index 0 is the mark before and after each text: every text is predicted from its mark to its mark, and nothing is carried
over from one text to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.errors import ConfigurationError
from foveal.evaluation.intervals import bootstrap

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]

SMOOTHINGS = ("witten-bell", "absolute", "kneser-ney", "modified-kneser-ney")
MARK = 0


def targets(texts: Sequence[Indices]) -> Indices:
    """All that is to be predicted, in order: the characters of each text and the mark that ends it.

    Example:
        >>> targets([np.array([5, 6]), np.array([7])]).tolist()
        [5, 6, 0, 7, 0]
    """
    mark = np.zeros(1, np.int64)
    return np.concatenate([piece for text in texts for piece in (text, mark)])


def windows(texts: Sequence[Indices], order: int, symbols: int) -> Indices:
    """The code of each target with the ``order`` symbols before it: Σ s[i − t] · symbols^t, the target in the lowest digit.

    Before a text there are marks, as many as are needed.

    Raises:
        ConfigurationError: codes would not fit into 63 bits.

    Example:
        >>> windows([np.array([5, 6])], 1, 10).tolist()  # 5 after the mark, 6 after 5, the mark after 6
        [5, 56, 60]
    """
    if order < 0 or symbols ** (order + 1) >= 2**63:
        raise ConfigurationError(
            "the order of a Markov model is out of range",
            where="order",
            given=str(order),
            expected="0 or more; 8 at most",
        )
    pieces: list[Indices] = []
    before = np.zeros(order, np.int64)
    for text in texts:
        pieces += [before, text, np.zeros(1, np.int64)]
    row = np.concatenate(pieces)
    codes = row[order:].copy()
    for back in range(1, order + 1):
        codes += row[order - back : len(row) - back] * symbols**back
    lengths = np.array([len(text) + 1 for text in texts])
    starts = np.cumsum(lengths + order) - lengths - order
    wanted = np.repeat(starts - (np.cumsum(lengths) - lengths), lengths) + np.arange(lengths.sum())
    return np.asarray(codes[wanted])


@dataclass(frozen=True)
class _Level:
    """Counts of one order: of each window, and for each context their sum, their number, and how many were seen 1, 2, 3+."""

    codes: Indices
    counts: Indices
    contexts: Indices
    totals: Indices
    seen: Indices  # (contexts, 3): windows counted once, twice, three times or more
    discounts: Floats  # of a count of 1, 2, 3 or more


class Markov:
    """The next symbol's probability from the ``order`` symbols before it, interpolated with all lower orders.

    P(c | h) = max(n(hc) − D, 0) / n(h) + λ(h) · P(c | h without its oldest symbol), λ(h) what the discounts D set free; below
    order 0 every symbol is equally likely. Sources: Witten, Bell 1991 (λ from the number of different successors);
    Ney, Essen, Kneser 1994 (absolute discounting); Kneser, Ney 1995 (lower orders count in how many contexts, not how
    often); Chen, Goodman 1999 (a discount each for counts of 1, 2 and 3 or more, estimated from the counts).

    Args:
        order: symbols of context.
        symbols: how many there are; index 0 is the mark.
        smoothing: one of :data:`SMOOTHINGS`.
        discount: D of "absolute" and "kneser-ney", from 0 to 1; the others take no notice of it.

    Raises:
        ConfigurationError: an unknown smoothing, a discount out of range, an order whose windows do not fit into 63 bits.

    Example:
        >>> model = Markov(1, symbols=3, smoothing="absolute", discount=0.5).fit([np.array([1, 2, 1, 2])])
        >>> model.distribution([1]).round(3).tolist()  # after a 1 there was a 2, twice
        [0.05, 0.1, 0.85]
    """

    def __init__(self, order: int, symbols: int, smoothing: str = "kneser-ney", discount: float = 0.75) -> None:
        if smoothing not in SMOOTHINGS or not 0.0 <= discount <= 1.0:
            raise ConfigurationError(
                "a Markov model cannot be smoothed so",
                where="Markov",
                given=f"smoothing {smoothing!r}, discount {discount}",
                expected=f"one of {', '.join(SMOOTHINGS)}; a discount from 0 to 1",
            )
        self.order, self.symbols, self.smoothing, self.discount = order, symbols, smoothing, discount
        self._levels: list[_Level] = []

    def fit(self, texts: Sequence[Indices]) -> Markov:
        """Count."""
        self._levels = []
        base = self.symbols
        whole = windows(texts, self.order, base)
        for level in range(self.order + 1):
            codes, counts = np.unique(whole % base ** (level + 1), return_counts=True)
            if "kneser-ney" in self.smoothing and level < self.order:
                longer = np.unique(whole % base ** (level + 2))
                kinds = np.unique(longer % base ** (level + 1), return_counts=True)[1]
                # A context that begins a text has nothing but marks before it: there the plain counts are right.
                begins = (codes // base**level == MARK) & (level > 0)
                counts = np.where(begins, counts, kinds)
            self._levels.append(self._level(codes, counts))
        return self

    def _level(self, codes: Indices, counts: Indices) -> _Level:
        contexts, inverse = np.unique(codes // self.symbols, return_inverse=True)
        totals = np.bincount(inverse, counts).astype(np.int64)
        seen = np.stack(
            [np.bincount(inverse, there, minlength=len(contexts)) for there in (counts == 1, counts == 2, counts >= 3)],
            1,
        ).astype(np.int64)
        return _Level(codes, counts, contexts, totals, seen, self._discounts(counts))

    def _discounts(self, counts: Indices) -> Floats:
        if self.smoothing != "modified-kneser-ney":
            return np.full(3, self.discount)
        of = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(float)
        if not of.all():  # too small a text to estimate from
            return np.full(3, self.discount)
        share = of[0] / (of[0] + 2 * of[1])
        estimated = [n - (n + 1) * share * of[n] / of[n - 1] for n in (1, 2, 3)]
        return np.asarray(np.clip(estimated, 0.0, [1.0, 2.0, 3.0]))

    def probability(self, codes: Indices) -> Floats:
        """The probability of each window's lowest digit after its others; see :func:`windows`."""
        found = np.full(len(codes), 1.0 / self.symbols)
        for level, table in enumerate(self._levels):
            own = codes % self.symbols ** (level + 1)
            counts = np.where(*_looked_up(table.codes, own, table.counts))
            at, known = _places(table.contexts, own // self.symbols)
            totals, seen = table.totals[at], table.seen[at]
            if self.smoothing == "witten-bell":
                kinds = seen.sum(1)
                mixed = (counts + kinds * found) / (totals + kinds)
            else:
                free = (seen * table.discounts).sum(1)
                kept = np.maximum(counts - np.append(0.0, table.discounts)[np.minimum(counts, 3)], 0.0)
                mixed = (kept + free * found) / totals
            found = np.where(known, mixed, found)
        return found

    def bits(self, texts: Sequence[Indices]) -> Floats:
        """−log₂ of the probability of each of :func:`targets`; +∞ where it is 0."""
        with np.errstate(divide="ignore"):
            return np.asarray(-np.log2(self.probability(windows(texts, self.order, self.symbols))))

    def distribution(self, before: Sequence[int]) -> Floats:
        """The probabilities of all symbols after ``before``, of which only the last ``order`` count."""
        context = 0
        for symbol in [MARK] * self.order + list(before):
            context = (context * self.symbols + int(symbol)) % self.symbols**self.order
        return self.probability(context * self.symbols + np.arange(self.symbols, dtype=np.int64))

    def sample(self, count: int, random: np.random.Generator, prompt: Sequence[int] = ()) -> list[int]:
        """``prompt`` and up to ``count`` symbols after it; the mark ends it, and is not given back."""
        written = [int(symbol) for symbol in prompt]
        for _ in range(count):
            chances = self.distribution(written)
            symbol = int(random.choice(self.symbols, p=chances / chances.sum()))
            if symbol == MARK:
                break
            written.append(symbol)
        return written


def _places(sorted_keys: Indices, wanted: Indices) -> tuple[Indices, NDArray[np.bool_]]:
    at = np.minimum(np.searchsorted(sorted_keys, wanted), len(sorted_keys) - 1)
    return at.astype(np.int64), sorted_keys[at] == wanted


def _looked_up(keys: Indices, wanted: Indices, values: Indices) -> tuple[Any, Any, int]:
    at, known = _places(keys, wanted)
    return known, values[at], 0


@dataclass(frozen=True)
class Chosen:
    """A Markov model and how its smoothing was chosen: ``tried`` has (smoothing, discount, bits on validation)."""

    model: Markov
    tried: tuple[tuple[str, float, float], ...]


def best_markov(
    order: int,
    symbols: int,
    train: Sequence[Indices],
    validation: Sequence[Indices],
    discounts: Sequence[float] = (0.4, 0.6, 0.7, 0.8, 0.9, 0.95),
) -> Chosen:
    """The smoothing (and its discount) that predicts the validation texts best.

    Example:
        >>> texts = [np.array([1, 2, 1, 2, 1]), np.array([2, 1, 2])]
        >>> best_markov(2, 3, texts, texts).model.order
        2
    """
    tried: list[tuple[str, float, float]] = []
    best: Markov | None = None
    least = np.inf
    for smoothing in SMOOTHINGS:
        free = smoothing in ("absolute", "kneser-ney")
        for discount in discounts if free else (0.75,):
            model = Markov(order, symbols, smoothing, discount).fit(train)
            bits = float(model.bits(validation).mean())
            tried.append((smoothing, discount if free else float("nan"), bits))
            if best is None or bits < least:
                best, least = model, bits
    assert best is not None
    return Chosen(best, tuple(tried))


def interval(bits: Floats, texts: Sequence[Indices], seed: int = 0, draws: int = 1000) -> tuple[float, float]:
    """The 95 % interval of a mean over characters, by drawing whole texts with replacement (their characters go together).

    Args:
        bits: one value a target; the difference of two models' bits, or the bits themselves.
        texts: those that the bits belong to.

    Example:
        >>> interval(np.ones(5), [np.array([5, 6]), np.array([7])])
        (1.0, 1.0)
    """
    lengths = np.array([len(text) + 1 for text in texts])
    sums = np.add.reduceat(bits, np.cumsum(lengths) - lengths)
    mean = bootstrap(
        lambda times: (times * sums).sum() / (times * lengths).sum(), len(texts), draws=draws, seed=[seed, 17]
    )
    return mean.low, mean.high
