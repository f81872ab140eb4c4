"""The data set of dates: each form by hand, read back by the standard library, parts that share nothing."""

from __future__ import annotations

from datetime import date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.data.generated import dates
from foveal.errors import ConfigurationError, DataError

DAYS = st.integers(0, dates.DAYS - 1).map(lambda n: date.fromordinal(dates.FIRST.toordinal() + n))
BY_TAG = {form.tag: form for form in dates.FORMS}


def test_every_form_by_hand() -> None:
    """Saturday, 21 November 2026; the first of August; 31 March."""
    written = {form.tag: form.write(date(2026, 11, 21)) for form in dates.FORMS}
    assert written == {
        "en-day": "21 November 2026",
        "en-ordinal": "21st November 2026",
        "en-month": "November 21, 2026",
        "en-short": "21-Nov-26",
        "en-us": "11/21/2026",
        "en-gb": "21/11/2026",
        "en-week": "Sat, Nov 21st 2026",
        "en-weekday": "Saturday, 21 November 2026",
        "de-month": "21. November 2026",
        "de-digits": "21.11.2026",
        "de-short": "21.11.26",
        "de-week": "Sa., 21. Nov. 2026",
        "de-weekday": "Samstag, den 21. November 2026",
        "fr-month": "21 novembre 2026",
        "fr-short": "21 nov. 2026",
        "fr-digits": "21/11/2026",
        "fr-weekday": "samedi 21 novembre 2026",
        "es-month": "21 de noviembre de 2026",
        "es-short": "21-nov-2026",
        "es-digits": "21/11/2026",
        "es-weekday": "sábado, 21 de noviembre de 2026",
    }
    assert BY_TAG["fr-month"].write(date(1999, 8, 1)) == "1er août 1999"
    assert BY_TAG["de-week"].write(date(2000, 3, 31)) == "Fr., 31. März 2000"
    assert BY_TAG["en-short"].write(date(2005, 3, 2)) == "2-Mar-05"


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (22, "22nd"),
        (31, "31st"),
    ],
)
def test_ordinals(day: int, said: str) -> None:
    assert BY_TAG["en-ordinal"].write(date(2026, 1, day)) == f"{said} January 2026"


@pytest.mark.parametrize(
    ("tag", "pattern"),
    [
        ("en-day", "%d %B %Y"),
        ("en-month", "%B %d, %Y"),
        ("en-us", "%m/%d/%Y"),
        ("en-gb", "%d/%m/%Y"),
        ("en-weekday", "%A, %d %B %Y"),
        ("de-digits", "%d.%m.%Y"),
        ("es-digits", "%d/%m/%Y"),
    ],
)
@given(day=DAYS)
def test_the_standard_library_reads_them_back(tag: str, pattern: str, day: date) -> None:
    assert datetime.strptime(BY_TAG[tag].write(day), pattern).date() == day


@given(DAYS)
def test_what_is_read_means_one_day_only(day: date) -> None:
    """No two days give the same text with its mark; checked against all days that could: those whose numbers change places."""
    others = {date(y, m, d) for y in (day.year,) for m in range(1, 13) for d in (day.day, day.month) if d <= 28}
    for form in dates.FORMS:
        for other in others - {day}:
            for second in dates.FORMS:
                same = form.mark + form.write(day) == second.mark + second.write(other)
                assert not same, (form.tag, second.tag, day, other)


def test_a_hundred_years() -> None:
    assert dates.FIRST.toordinal() + dates.DAYS == date(2070, 1, 1).toordinal()


def test_the_parts_share_no_day_in_the_same_form() -> None:
    data = dates.load(seed=3, train=400, validation=100, test=100)
    sets = [
        {(p.form, p.target if p.to_iso else p.source[-10:]) for p in part}
        for part in (data.train, data.validation, data.test)
    ]
    assert [len(s) for s in sets] == [400, 100, 100]
    assert not sets[0] & sets[1]
    assert not sets[0] & sets[2]
    assert not sets[1] & sets[2]


def test_the_same_seed_gives_the_same_pairs_and_another_seed_others() -> None:
    some = [dates.load(seed=seed, train=20, validation=5, test=5) for seed in (0, 0, 1)]
    assert some[0] == some[1]
    assert some[0] != some[2]


@pytest.mark.parametrize("sizes", [(0, 1, 1), (10**6, 1, 1)])
def test_more_pairs_than_there_are(sizes: tuple[int, int, int]) -> None:
    with pytest.raises(ConfigurationError, match="there are not so many pairs"):
        dates.load(0, *sizes)


@given(DAYS, st.sampled_from(dates.FORMS))
def test_every_text_fits_and_comes_back(day: date, form: dates.Form) -> None:
    source, target = dates.lengths()
    for pair in dates.pairs_of(day, form):
        assert dates.decoded(dates.encoded([pair.source], source)[0]) == pair.source
        assert dates.decoded(dates.encoded([pair.target], target)[0]) == pair.target


def test_rows_hold_the_source_and_the_target_moved_by_one() -> None:
    pair = dates.pairs_of(date(2026, 11, 21), BY_TAG["en-us"])[0]
    (row,), (answer,) = dates.arrays([pair])
    source, target = dates.lengths()
    assert row.shape == (source + target,)
    assert dates.decoded(row[:source]) == "us 11/21/2026"
    assert row[source] == dates.START
    assert dates.decoded(answer) == "2026-11-21"
    np.testing.assert_array_equal(row[source + 1 :], answer[:-1])
    assert list(answer).count(dates.END) == 1
    assert set(answer[11:]) == {dates.PAD}


@pytest.mark.parametrize("text", ["21 październik 2026", "21日", "1" * 36])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(DataError):
        dates.encoded([text], dates.lengths()[0])


def test_examples_are_pairs_in_both_directions() -> None:
    found = dates.examples(100)
    assert len(found) == 100
    assert ("us 11/21/2026", "2026-11-21") in found
    assert ("de-month: 2026-11-21", "21. November 2026") in found
