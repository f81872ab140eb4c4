"""What may steer a terminal is made visible, everywhere by the same function; messages stay short."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import FovealError
from foveal.printable import LONGEST, bounded, printable

STEERING = [
    "\x1b[2J",
    "\x9b31m",
    "\x07",
    "\r",
    "\x00",
    "\x7f",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u061c",
    "\u2028",
    "\ud800",
    "\ufeff",
]


@given(st.text(st.characters(), max_size=40))
def test_nothing_that_steers_is_left(text: str) -> None:
    left = {unicodedata.category(c) for c in printable(text) if c not in "\u200c\u200d"}
    assert not left & {"Cc", "Cf", "Cs", "Zl", "Zp"}


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=40))
def test_what_people_write_stays_as_it_is(text: str) -> None:
    assert printable(text) == text


def test_an_error_shows_no_raw_mark_in_any_of_its_parts() -> None:
    for mark in STEERING:
        text = str(
            FovealError(
                f"a{mark}", where=f"b{mark}", given=f"c{mark}", expected=f"d{mark}", fix=[f"e{mark}", f"f{mark}"]
            )
        )
        assert all(c.isprintable() or c == "\n" for c in text), repr(text)
        text.encode("utf-8")


def test_a_message_is_bounded_however_much_it_was_given() -> None:
    huge = "x" * 3_000_000
    assert len(str(FovealError(huge, where=huge, given=huge, expected=huge, fix=[huge]))) < 6 * LONGEST


def test_beginning_and_end_stay() -> None:
    text = bounded("a" * 3000 + "b" * 3000, 100)
    assert text.startswith("aaa")
    assert text.endswith("bbb")
    assert "5,900 characters left out" in text
