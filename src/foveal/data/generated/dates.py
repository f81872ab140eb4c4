"""The data set ``dates``: days of a hundred years as people write them in four languages, and as 2026-11-21; made here.

Two directions. *To ISO*: "21. November 2026" → "2026-11-21"; a form of digits that could be read in two ways carries the mark
of its place, "us 11/21/2026". *From ISO*: the form that is wanted stands before the day, "de-month: 2026-11-21" → "21. November
2026". Forms with the day of the week are read only, since finding it takes the calendar's arithmetic and no translation. Two
digits of a year are those of 1970 to 2069, as POSIX reads them nearly (strptime's %y: 69 to 99 are 1969 to 1999).

What is split is pairs of day and form: neither direction of a pair of the test set is ever seen in training.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.errors import ConfigurationError, DataError

FIRST, DAYS = date(1970, 1, 1), 36_525  # to 2069-12-31
PAD, START, END = 0, 1, 2
_SALT = 0xDA7E

_MONTHS = {
    "en": "January February March April May June July August September October November December",
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
}
_SHORT = {
    "en": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
    "de": "Jan. Feb. März Apr. Mai Juni Juli Aug. Sep. Okt. Nov. Dez.",
    "fr": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "es": "ene feb mar abr may jun jul ago sep oct nov dic",
}
_WEEK = {
    "en": "Monday Tuesday Wednesday Thursday Friday Saturday Sunday",
    "de": "Montag Dienstag Mittwoch Donnerstag Freitag Samstag Sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "es": "lunes martes miércoles jueves viernes sábado domingo",
}


def _month(day: date, language: str) -> str:
    return _MONTHS[language].split()[day.month - 1]


def _short(day: date, language: str) -> str:
    return _SHORT[language].split()[day.month - 1]


def _week(day: date, language: str) -> str:
    return _WEEK[language].split()[day.weekday()]


def _ordinal(day: date) -> str:
    last = {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th") if day.day not in (11, 12, 13) else "th"
    return f"{day.day}{last}"


def _first(day: date) -> str:
    return "1er" if day.day == 1 else str(day.day)


@dataclass(frozen=True)
class Form:
    """One way to write a day.

    Attributes:
        tag: what asks for it: "de-month".
        write: the text of a day.
        mark: what stands before it when it is read, where digits alone could mean another day.
        written: whether it is asked for too; forms with the day of the week are only read.
    """

    tag: str
    write: Callable[[date], str]
    mark: str = ""
    written: bool = True

    @property
    def language(self) -> str:
        """ "en", "de", "fr" or "es"."""
        return self.tag[:2]


FORMS: tuple[Form, ...] = (
    Form("en-day", lambda d: f"{d.day} {_month(d, 'en')} {d.year}"),
    Form("en-ordinal", lambda d: f"{_ordinal(d)} {_month(d, 'en')} {d.year}"),
    Form("en-month", lambda d: f"{_month(d, 'en')} {d.day}, {d.year}"),
    Form("en-short", lambda d: f"{d.day}-{_short(d, 'en')}-{d.year % 100:02}"),
    Form("en-us", lambda d: f"{d.month}/{d.day}/{d.year}", "us "),
    Form("en-gb", lambda d: f"{d.day:02}/{d.month:02}/{d.year}", "gb "),
    Form("en-week", lambda d: f"{_week(d, 'en')[:3]}, {_short(d, 'en')} {_ordinal(d)} {d.year}", written=False),
    Form("en-weekday", lambda d: f"{_week(d, 'en')}, {d.day} {_month(d, 'en')} {d.year}", written=False),
    Form("de-month", lambda d: f"{d.day}. {_month(d, 'de')} {d.year}"),
    Form("de-digits", lambda d: f"{d.day:02}.{d.month:02}.{d.year}"),
    Form("de-short", lambda d: f"{d.day}.{d.month}.{d.year % 100:02}"),
    Form("de-week", lambda d: f"{_week(d, 'de')[:2]}., {d.day}. {_short(d, 'de')} {d.year}", written=False),
    Form("de-weekday", lambda d: f"{_week(d, 'de')}, den {d.day}. {_month(d, 'de')} {d.year}", written=False),
    Form("fr-month", lambda d: f"{_first(d)} {_month(d, 'fr')} {d.year}"),
    Form("fr-short", lambda d: f"{_first(d)} {_short(d, 'fr')} {d.year}"),
    Form("fr-digits", lambda d: f"{d.day:02}/{d.month:02}/{d.year}", "fr "),
    Form("fr-weekday", lambda d: f"{_week(d, 'fr')} {_first(d)} {_month(d, 'fr')} {d.year}", written=False),
    Form("es-month", lambda d: f"{d.day} de {_month(d, 'es')} de {d.year}"),
    Form("es-short", lambda d: f"{d.day}-{_short(d, 'es')}-{d.year}"),
    Form("es-digits", lambda d: f"{d.day}/{d.month}/{d.year}", "es "),
    Form("es-weekday", lambda d: f"{_week(d, 'es')}, {d.day} de {_month(d, 'es')} de {d.year}", written=False),
)
LANGUAGES = {"en": "English", "de": "German", "fr": "French", "es": "Spanish"}


@shown_briefly
@dataclass(frozen=True)
class Pair:
    """A text and its translation.

    Attributes:
        source, target: the texts.
        form: the form's tag.
        to_iso: whether it is read (True) or written (False).
    """

    source: str
    target: str
    form: str
    to_iso: bool


@shown_briefly
@dataclass(frozen=True)
class Dates:
    """The pairs, in three parts that share no day in the same form."""

    train: tuple[Pair, ...]
    validation: tuple[Pair, ...]
    test: tuple[Pair, ...]


def pairs_of(day: date, form: Form) -> tuple[Pair, ...]:
    """Both directions of a day in a form; one, where it is only read.

    Example:
        >>> for pair in pairs_of(date(2026, 11, 21), FORMS[4]):
        ...     print(pair.source, "→", pair.target)
        us 11/21/2026 → 2026-11-21
        en-us: 2026-11-21 → 11/21/2026
    """
    text, iso = form.write(day), day.isoformat()
    read = Pair(form.mark + text, iso, form.tag, True)
    return (read, Pair(f"{form.tag}: {iso}", text, form.tag, False)) if form.written else (read,)


def load(seed: int = 0, train: int = 30_000, validation: int = 1_000, test: int = 4_000) -> Dates:
    """Pairs drawn without repetition.

    Args:
        seed: the same seed gives the same pairs.
        train, validation, test: how many (day, form) each part gets; most give two pairs, a direction each.

    Raises:
        ConfigurationError: more than there are.

    Example:
        >>> data = load(train=2, validation=1, test=1)
        >>> len({pair.form for pair in data.train}) <= 2
        True
    """
    sizes, there = (train, validation, test), DAYS * len(FORMS)
    if min(sizes) < 1 or sum(sizes) > there:
        raise ConfigurationError(
            "there are not so many pairs of day and form",
            where="dates",
            given=f"{train:,} + {validation:,} + {test:,}",
            expected=f"at least 1 each, at most {there:,} in all",
            fix="train=30_000",
        )
    drawn = np.random.default_rng([seed, _SALT]).choice(there, sum(sizes), replace=False)
    parts = np.split(drawn, np.cumsum(sizes)[:-1])
    return Dates(*(tuple(pair for place in part.tolist() for pair in _at(place)) for part in parts))


def _at(place: int) -> tuple[Pair, ...]:
    day, form = divmod(place, len(FORMS))
    return pairs_of(FIRST + timedelta(days=day), FORMS[form])


def examples(count: int) -> list[tuple[str, str]]:
    """So many pairs of texts, form after form, both directions in turn.

    Example:
        >>> examples(2)
        [('21 November 2026', '2026-11-21'), ('en-day: 2026-11-21', '21 November 2026')]
    """
    made: list[tuple[str, str]] = []
    day = date(2026, 11, 21)
    while len(made) < count:
        made += [(pair.source, pair.target) for form in FORMS for pair in pairs_of(day, form)]
        day += timedelta(days=47)
    return made[:count]


# Characters -----------------------------------------------------------------------------------------------------------


@cache
def alphabet() -> tuple[str, ...]:
    """Every character that a text of this set can have, after three that are none: padding, beginning and end.

    Example:
        >>> alphabet()[:5], len(alphabet())
        (('', '⊢', '⊣', ' ', ','), 57)
    """
    texts = [text for pair in _year() for text in (pair.source, pair.target)]
    return ("", "⊢", "⊣", *sorted(set("".join(texts)) | set("0123456789")))


@cache
def lengths() -> tuple[int, int]:
    """Places of the longest source and target, with the mark of the end."""
    return max(len(p.source) for p in _year()) + 1, max(len(p.target) for p in _year()) + 1


@cache
def _year() -> tuple[Pair, ...]:
    """All forms of all days of a year, which has every name and every length in it."""
    return tuple(
        pair for day in range(365) for form in FORMS for pair in pairs_of(date(2026, 1, 1) + timedelta(day), form)
    )


def encoded(texts: Iterable[str], length: int) -> NDArray[np.int64]:
    """Texts as rows of ``length`` numbers: characters, the end's mark, padding.

    Raises:
        DataError: a character that no date has, or a text that is too long.

    Example:
        >>> encoded(["1-2"], 5).tolist()
        [[9, 5, 10, 2, 0]]
    """
    numbers = {character: number for number, character in enumerate(alphabet())}
    rows = list(texts)
    found = np.full((len(rows), length), PAD, np.int64)
    for row, text in enumerate(rows):
        strange = sorted(set(text) - set(alphabet()[3:]))
        if strange or len(text) >= length:
            raise DataError(
                f"no date has the character {strange[0]!r}" if strange else "the text is longer than any date",
                where=repr(text),
                given=f"{len(text)} characters",
                expected=f"at most {length - 1} of: " + "".join(alphabet()[3:]),
                fix=[source for source, _ in examples(3)],
            )
        found[row, : len(text) + 1] = [*(numbers[character] for character in text), END]
    return found


def decoded(row: Sequence[int] | NDArray[np.int64]) -> str:
    """The text of a row of numbers, up to the mark of its end.

    Example:
        >>> decoded([9, 5, 10, 2, 0])
        '1-2'
    """
    found = []
    for number in row:
        if number == END:
            break
        found.append(alphabet()[int(number)])
    return "".join(found)


def arrays(pairs: Sequence[Pair]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """What a translator learns from: source and (shifted by the mark of the beginning) target in one row; the target.

    Returns:
        N × (source + target) and N × target whole numbers: at each place of the target's part the network is asked for the
        character of the answer there, and sees those before it.
    """
    source, target = lengths()
    sources = encoded((pair.source for pair in pairs), source)
    targets = encoded((pair.target for pair in pairs), target)
    begun = np.concatenate([np.full((len(targets), 1), START), targets[:, :-1]], axis=1)
    return np.concatenate([sources, begun], axis=1), targets
