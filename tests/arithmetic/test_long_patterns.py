"""Receptive fields of patterns that are too long to list: what is said then holds, and what is said exactly is exact."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foveal.arithmetic import pattern, receptive_field, repeating
from foveal.arithmetic.counts import count
from foveal.arithmetic.pattern import Bounds, Budget, Pattern, hull
from foveal.arithmetic.places import Places, seen, together
from foveal.arithmetic.receptive_field import receptive_fields
from foveal.arithmetic.shapes import trace
from foveal.arithmetic.summary import summarize
from foveal.network import Image, Parallel, Residual, Sequential
from foveal.network.layers import (
    AdaptiveAveragePooling2D,
    AveragePooling2D,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Reshape,
    UpSampling2D,
    ZeroPadding2D,
)

SOME = st.integers(1, 5)
LAYERS = st.one_of(
    st.builds(lambda k, s: Conv2D(1, k, strides=s, padding="same"), SOME, st.integers(1, 3)),
    st.builds(lambda k, d: Conv2D(1, k, dilation_rate=d, padding="same"), SOME, st.integers(1, 4)),
    st.builds(lambda k, s, d: Conv2DTranspose(1, k, s if d == 1 else 1, dilation_rate=d), SOME, st.integers(1, 6), SOME),
    st.builds(lambda f, how: UpSampling2D(f, interpolation=how), SOME, st.sampled_from(["nearest", "bilinear"])),
    st.builds(AdaptiveAveragePooling2D, st.integers(1, 9)),
    st.builds(ZeroPadding2D, st.integers(0, 4)),
    st.builds(lambda k: Residual([Conv2D(1, k, padding="same")]), SOME),
    st.builds(lambda k, d: Parallel([[Conv2D(1, k, padding="same")], [Conv2D(1, 3, padding="same", dilation_rate=d)]], "add"),
              SOME, SOME),
)  # fmt: skip


@settings(max_examples=200)
@given(st.lists(LAYERS, min_size=1, max_size=5), st.integers(4, 12), st.booleans(), st.integers(0, 60))
def test_what_is_not_listed_is_bounded(layers, side, pooled, work):
    """With nothing listed beyond a few spans, sizes are what they are when all is listed, or 'at most' above it."""
    traced = trace(Sequential([*layers, *([GlobalAveragePooling2D()] if pooled else [])]), (side, side, 1))
    listed = receptive_fields(traced)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repeating, "MOST_OF_A_LAYER", 1)
        patch.setattr(pattern, "MOST_PHASES", 1)
        patch.setattr(receptive_field, "Budget", lambda: Budget(work))
        for cached in (repeating.stamps, repeating.repeated, repeating.shares):
            cached.cache_clear()
        short = receptive_fields(traced)
        for cached in (repeating.stamps, repeating.repeated, repeating.shares):
            cached.cache_clear()
    for path, fields in listed.items():
        for exact, bounded in zip(fields, short[path], strict=True):
            assert exact.size is not None
            if bounded.step is None:
                continue
            assert bounded.at_most >= exact.size
            assert bounded.size in (None, exact.size)
            assert bounded.stride == exact.stride
            if bounded.padding is not None and exact.step.first is not None:
                assert bounded.padding >= exact.padding if not bounded.step.exact else True
                if isinstance(bounded.step, Bounds):
                    assert bounded.padding == exact.padding


PATTERNS = st.builds(
    lambda spans, advance, spacing: Pattern(tuple(spans), advance, spacing),
    st.lists(st.none() | st.tuples(st.integers(-4, 4), st.integers(0, 6)).map(lambda s: (s[0], s[0] + s[1])),
             min_size=1, max_size=4),
    st.integers(-4, 6), st.just(1),
)  # fmt: skip
SINGLE = st.builds(
    lambda low, taps, spacing, advance: Pattern(((low, low + (taps - 1) * spacing),), advance, spacing),
    st.integers(-6, 3), st.integers(1, 5), st.integers(1, 4), st.integers(-3, 6),
)  # fmt: skip
ROWS = st.builds(
    lambda a, n, step: range(a, a + n * step, step), st.integers(0, 9), st.integers(1, 12), st.integers(1, 4)
)
LISTS = st.frozensets(st.integers(0, 20), min_size=1, max_size=8)


def _really(step: Pattern, units, n: int) -> set[int]:
    found: set[int] = set()
    for unit in units:
        if (span := step.at(unit)) is not None:
            found |= {place for place in range(span[0], span[1] + 1, step.spacing) if 0 <= place < n}
    return found


@settings(max_examples=500)
@given(PATTERNS | SINGLE, ROWS | LISTS, st.integers(1, 40), st.sampled_from([0, 10**6]))
def test_places_seen_are_those_of_each_unit(step, units, n, work):
    """Rows of places by arithmetic, against every unit by itself; without a budget still nothing is left out."""
    found, real = seen(step, Places(units), n, Budget(work)), _really(step, units, n)
    if found.exact:
        assert set(found.of) == real
    else:
        assert work == 0
        assert set(found.of) >= real


@given(st.lists(ROWS | LISTS, min_size=1, max_size=4), st.sampled_from([0, 10**6]))
def test_places_together(sets, work):
    found, real = together(map(Places, sets), Budget(work)), set().union(*sets)
    assert set(found.of) >= real
    if found.exact:
        assert set(found.of) == real


@given(st.lists(PATTERNS.filter(lambda one: one.advance > 0), min_size=2, max_size=3), st.integers(1, 30))
def test_a_hull_that_is_not_listed_holds_the_listed_one(patterns, units):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pattern, "MOST_PHASES", 0)
        bounded = hull(patterns, units)
    if not isinstance(bounded, Bounds):
        return
    most = 0
    for unit in range(units):
        real = [span for span in (one.at(unit) for one in patterns) if span is not None]
        if real:
            low, high = min(low for low, _ in real), max(high for _, high in real)
            most = max(most, high - low + 1)
            assert bounded.stride * unit + bounded.low <= low <= high <= bounded.stride * unit + bounded.high
    assert most <= bounded.largest
    assert not bounded.exact or most == bounded.largest


# By hand --------------------------------------------------------------------------------------------------------------


def _sees(*layers, shape=(28, 28, 1)) -> list[str]:
    return [str(row.fields[0]) for row in summarize(Sequential(list(layers)), shape).rows]


BILLION = 10**9


def test_layers_that_would_list_billions_are_told_exactly():
    assert _sees(ZeroPadding2D(BILLION), GlobalAveragePooling2D()) == ["1", "28"]
    assert _sees(UpSampling2D(10**8), Flatten(), Dense(3)) == ["1", "28", "28"]
    assert _sees(UpSampling2D(BILLION, interpolation="bilinear")) == ["2"]
    assert _sees(Conv2D(1, 3), UpSampling2D(BILLION)) == ["3", "3"]
    assert _sees(Conv2D(1, 3), AdaptiveAveragePooling2D(3_000_000)) == ["3", "4"]  # 26 over 3,000,000: one or two of 3
    assert _sees(AdaptiveAveragePooling2D(3_000_000), GlobalAveragePooling2D()) == ["2", "28"]
    assert _sees(Conv2DTranspose(1, 10_000, 10_000), MaxPooling2D(10_000)) == ["1", "1"]
    assert _sees(Conv2DTranspose(1, 25_000, 10_000)) == ["3"]


def test_what_is_only_bounded_says_so():
    row = summarize(Sequential([UpSampling2D(BILLION), Conv2D(1, 3)]), (28, 28, 1)).rows[-1]
    assert str(row.fields[0]) == "≤ 2" or row.receptive_field == (2, 2)
    told = row.to_dict()
    if told["receptive_field"] == [None, None]:
        assert told["receptive_field_at_most"] == [2, 2]


def test_strides_beyond_all_sizes_are_not_told():
    steps = [MaxPooling2D(1, strides=10**18) for _ in range(3)]
    fields = summarize(Sequential(steps), (28, 28, 1)).rows[-1].fields
    assert str(fields[0]) == f"> {2**63 - 1:,}"
    assert fields[0].size is None


def test_windows_of_an_adaptive_pooling_are_counted_without_a_list():
    found = count(AdaptiveAveragePooling2D(10**15), Image(28, 28, 1), Image(10**15, 10**15, 1))
    assert found.connections == (28 + 10**15 - 4) ** 2


def test_a_global_pooling_in_every_block_costs_its_block_only():
    """What lies before a block is traced back once, not once a block."""
    block = Residual([GlobalAveragePooling2D(), Dense(9), Reshape((3, 3, 1))])
    network = Sequential([block] * 500, input_shape=(3, 3, 1))
    assert {row.receptive_field for row in summarize(network).rows if row.depth == 1} == {(3, 3)}


def test_a_side_beyond_all_sizes_is_refused_where_it_arises():
    for broken in (
        [UpSampling2D(BILLION), UpSampling2D(BILLION, name="last")],
        [UpSampling2D(BILLION), Flatten(name="last")],
        [Parallel([[Conv2D(2**62, 1)]] * 2, name="last")],
        [ZeroPadding2D(2**61), ZeroPadding2D(2**61, name="last")],
    ):
        numbers = summarize(Sequential(broken), (28, 28, 1))
        assert "is too large" in numbers.error.problem
        assert numbers.error.where == "last"
        assert numbers.row("last").output is None


def test_poolings_after_zeros_see_what_is_there():
    assert _sees(ZeroPadding2D(5), AveragePooling2D(2), GlobalAveragePooling2D())[-1] == "28"
