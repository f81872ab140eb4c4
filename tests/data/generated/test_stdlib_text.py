"""stdlib-text: parts by module without twins, a closed vocabulary, streams with marks."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from foveal.data.generated import docstrings, stdlib_text
from foveal.errors import DataError

MODULES = ("json", "textwrap", "calendar", "string", "bisect", "csv", "shlex", "configparser", "argparse")


def test_modules_are_never_cut_and_no_text_has_a_twin_elsewhere():
    data = stdlib_text.load(modules=MODULES)
    packages = [{each.package for each in part} for _, part in data.parts()]
    assert all(packages)
    assert not any(a & b for i, a in enumerate(packages) for b in packages[i + 1 :])
    for one, two in product(data.train, (*data.validation, *data.test)):
        a, b = docstrings.runs(one.text), docstrings.runs(two.text)
        assert len(a & b) / len(a | b) < docstrings.ALIKE
    whole = docstrings.read(MODULES).docstrings
    assert sorted(each.place for _, part in data.parts() for each in part) == sorted(each.place for each in whole)


def test_the_seed_decides_the_cut():
    one, same, other = (stdlib_text.load(seed, MODULES) for seed in (0, 0, 3))
    assert one == same
    assert {each.package for each in one.test} != {each.package for each in other.test}
    sizes = [sum(len(each.text) for each in part) for _, part in one.parts()]
    assert max(sizes[1:]) <= sum(sizes) / 10 + 1
    assert any("test modules" in note for note in one.notes)


def test_too_few_modules():
    with pytest.raises(DataError, match="three parts cannot be cut"):
        stdlib_text.load(modules=["json", "csv"])


def test_the_vocabulary_is_closed_and_reversible():
    assert len(stdlib_text.SYMBOLS) == len(set(stdlib_text.SYMBOLS)) == 98
    everything = stdlib_text.CHARACTERS
    assert stdlib_text.decode(stdlib_text.encode(everything)) == everything
    assert sorted(stdlib_text.encode(everything)) == list(range(2, 98))
    assert stdlib_text.decode(stdlib_text.encode("aß\t")) == "a��"


def test_a_stream_has_a_mark_on_both_sides_of_every_text():
    data = stdlib_text.load(modules=MODULES)
    row = stdlib_text.stream(data.validation)
    cuts = np.flatnonzero(row == stdlib_text.MARK)
    assert len(cuts) == len(data.validation) + 1
    assert stdlib_text.decode(row[cuts[0] + 1 : cuts[1]]) == data.validation[0].text


def test_examples_are_texts_with_their_place(monkeypatch):
    small = stdlib_text.load(modules=MODULES)
    monkeypatch.setattr(stdlib_text, "load", lambda: small)
    found = stdlib_text.examples(4)
    assert len(found) == 4
    assert found[0] == (small.train[0].place, small.train[0].text)
