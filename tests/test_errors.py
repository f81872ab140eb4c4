"""The error tree: one form for every message, and errors that survive crossing a process border."""

from __future__ import annotations

import pickle

import pytest

from foveal import errors

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, errors.FovealError)
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_prints_place_numbers_and_repairs(kind: type[errors.FovealError]) -> None:
    error = kind("it does not fit", where="conv1", given="2 × 2\nsecond line", expected="3 × 3", fix=["a", "b"])
    assert str(error) == (
        "conv1: it does not fit\n"
        "  given     2 × 2\n"
        "            second line\n"
        "  expected  3 × 3\n"
        "  to fix    a\n"
        "        or  b"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_survives_pickling(kind: type[errors.FovealError]) -> None:
    error = kind("it does not fit", where="conv1", fix="a")
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is kind
    assert str(copy) == str(error)


def test_labels_stand_only_where_there_is_something_to_say() -> None:
    assert str(errors.FovealError("plain")) == "plain"


def test_repairs_go_by_the_name_of_version_0_1_too() -> None:
    error = errors.FovealError("this is wrong", fix=["one", "two"])
    assert error.mend == error.fix == ("one", "two")
