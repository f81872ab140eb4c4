"""Bits a character and Markov models: against dictionaries and plain recursion, and what must hold of any distribution."""

from __future__ import annotations

import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from foveal.errors import ConfigurationError
from foveal.systems.text import markov
from foveal.systems.text.markov import SMOOTHINGS, Markov, best_markov, interval, targets, windows

SYMBOLS = 5
RANDOM = np.random.default_rng(3)
TRAIN = [RANDOM.integers(1, SYMBOLS, n) for n in (30, 1, 12, 45, 7, 60)]
OTHER = [RANDOM.integers(1, SYMBOLS, n) for n in (9, 20, 1)]
ORDERS = (0, 1, 2, 3)


def places(texts, order):
    """(context, symbol) of everything that is to be predicted, context as a tuple, oldest first."""
    for text in texts:
        row = [0] * order + [int(n) for n in text] + [0]
        for at in range(order, len(row)):
            yield tuple(row[at - order : at]), row[at]


class Plain:
    """The same models by recursion over dictionaries."""

    def __init__(self, order, smoothing, discount, texts):
        self.smoothing, self.counts = smoothing, {}
        whole = Counter((*context, symbol) for context, symbol in places(texts, order))
        for level in range(order + 1):
            plain, left = Counter(), defaultdict(set)
            for gram, n in whole.items():
                short = gram[order - level :]
                plain[short] += n
                left[short].add(gram[order - level - 1] if level < order else None)
            if "kneser" in smoothing and level < order:
                plain = Counter({g: n if level and g[0] == 0 else len(left[g]) for g, n in plain.items()})
            self.counts[level] = plain
        self.discounts = {level: self.estimated(level, discount) for level in self.counts}
        self.order = order

    def estimated(self, level, discount):
        found = [sum(n == k for n in self.counts[level].values()) for k in (1, 2, 3, 4)]
        if self.smoothing != "modified-kneser-ney" or 0 in found:
            return [discount] * 3
        y = found[0] / (found[0] + 2 * found[1])
        return [max(0.0, min(k, k - (k + 1) * y * found[k] / found[k - 1])) for k in (1, 2, 3)]

    def chance(self, context, symbol, level=None):
        level = self.order if level is None else level
        if level < 0:
            return 1 / SYMBOLS
        short = context[len(context) - level :]
        after = {g[-1]: n for g, n in self.counts[level].items() if g[:-1] == short}
        below = self.chance(context, symbol, level - 1)
        if not after:
            return below
        total = sum(after.values())
        if self.smoothing == "witten-bell":
            return (after.get(symbol, 0) + len(after) * below) / (total + len(after))
        cut = self.discounts[level]
        free = sum(cut[min(n, 3) - 1] for n in after.values())
        n = after.get(symbol, 0)
        return ((max(n - cut[min(n, 3) - 1], 0) if n else 0) + free * below) / total


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_bits_are_those_of_plain_recursion(smoothing, order):
    model = Markov(order, SYMBOLS, smoothing, 0.6).fit(TRAIN)
    plain = Plain(order, smoothing, 0.6, TRAIN)
    expected = [-math.log2(plain.chance(context, symbol)) for context, symbol in places(OTHER, order)]
    np.testing.assert_allclose(model.bits(OTHER), expected, rtol=1e-10)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("smoothing", SMOOTHINGS)
def test_every_distribution_adds_up_to_one(smoothing, order):
    model = Markov(order, SYMBOLS, smoothing, 0.6).fit(TRAIN)
    for before in ([], [1], [1, 2], [4, 4, 4, 4], [3, 1, 2, 2, 1]):
        chances = model.distribution(before)
        assert chances.sum() == pytest.approx(1.0, abs=1e-12)
        assert (chances > 0).all()


def test_the_distribution_is_that_of_the_bits():
    model = Markov(2, SYMBOLS, "modified-kneser-ney").fit(TRAIN)
    text = OTHER[1]
    bits = model.bits([text])
    for at in (0, 1, 7, len(text)):
        symbol = int(text[at]) if at < len(text) else 0
        assert -math.log2(model.distribution(text[:at])[symbol]) == pytest.approx(bits[at], rel=1e-12)


def test_modified_kneser_ney_estimates_its_discounts():
    texts = [np.array([1, 1, 1, 2, 2, 3, 4, 3, 2, 1, 1, 4, 4, 2, 3, 3, 1, 2, 1] * n) for n in (1, 2)]
    model = Markov(2, SYMBOLS, "modified-kneser-ney", 0.5).fit([*TRAIN, *texts])
    assert any(len(set(level.discounts)) == 3 for level in model._levels)


def test_order_0_without_discount_is_the_entropy_of_the_letters():
    text = np.array([1] * 8 + [2] * 4 + [3] * 2 + [4])
    model = Markov(0, SYMBOLS, "absolute", 0.0).fit([text])
    assert model.bits([text]).mean() == pytest.approx(1.875)  # ½·1 + ¼·2 + ⅛·3 + 2·(1/16)·4


def test_windows_are_codes_of_what_came_before_and_nothing_is_carried_over():
    found = windows(TRAIN, 2, SYMBOLS)
    expected = [context[0] * 25 + context[1] * 5 + symbol for context, symbol in places(TRAIN, 2)]
    assert found.tolist() == expected
    assert (found % SYMBOLS == targets(TRAIN)).all()
    with pytest.raises(ConfigurationError, match="out of range"):
        windows(TRAIN, 9, 98)
    assert len(windows(TRAIN, 8, 98)) == len(found)


def test_the_smoothing_is_chosen_on_validation():
    chosen = best_markov(2, SYMBOLS, TRAIN, OTHER, discounts=(0.3, 0.9))
    assert len(chosen.tried) == 6
    assert chosen.model.bits(OTHER).mean() == min(bits for _, _, bits in chosen.tried)
    named = {(s, d) for s, d, bits in chosen.tried if bits == min(b for _, _, b in chosen.tried)}
    assert chosen.model.smoothing in {s for s, _ in named}


def test_a_sample_follows_the_chances():
    model = Markov(1, SYMBOLS, "absolute", 0.0).fit([np.array([1, 2, 3, 1, 2, 3])])
    assert model.sample(50, np.random.default_rng(0), [1])[:3] == [1, 2, 3]
    made = [model.sample(1, np.random.default_rng(n), [3]) for n in range(400)]
    ended = sum(len(each) == 1 for each in made) / 400  # after 3 the text ends or goes on with 1, equally likely
    assert 0.42 < ended < 0.58


def test_the_interval_draws_whole_texts():
    texts = [np.ones(9, np.int64), np.ones(9, np.int64)]
    bits = np.repeat([1.0, 3.0], 10)  # two texts: the mean of those drawn is 1, 2 or 3
    assert interval(bits, texts) == (1.0, 3.0)
    many = [np.ones(1, np.int64)] * 2000
    low, high = interval(np.tile([0.0, 2.0], 2000), many)
    assert low == high == 1.0  # each text has the same mean
    short, long = [np.ones(1, np.int64)] * 500, [np.ones(9, np.int64)] * 500
    low, high = interval(np.repeat([1.0, 3.0], [1000, 5000]), [*short, *long])
    assert low < 8 / 3 < high  # characters count, not texts: (2 · 1 + 10 · 3) / 12
    assert high - low < 0.1
    noisy = RANDOM.normal(size=4000)
    low, high = interval(noisy, many)
    assert high - low == pytest.approx(2 * 1.96 / math.sqrt(4000), rel=0.2)


@pytest.mark.parametrize(("smoothing", "discount"), [("laplace", 0.5), ("absolute", 1.5)])
def test_what_cannot_be(smoothing, discount):
    with pytest.raises(ConfigurationError, match="cannot be smoothed so"):
        Markov(1, SYMBOLS, smoothing, discount)
    assert markov.MARK == 0
