"""Kinds of places, features that a cell may follow, correlations, copies."""

from __future__ import annotations

import numpy as np

from foveal.systems.text.character_statistics import (
    FEATURES,
    KINDS,
    correlations,
    features,
    kinds,
    known_words,
    longest_copy,
)


def test_every_character_has_one_kind():
    text = "Read_it, 42\nnow"
    word = ["1st", "2nd", "3rd", "later"]
    expected = [*word, "punctuation", *word[:2], "punctuation", "space", "digit", "digit", "line", *word[:3], "end"]
    found = [KINDS[kind] for kind in kinds(text)]
    assert len(found) == len(text) + 1
    assert all(name.startswith(start) for name, start in zip(found, expected, strict=True))


def column(text, name):
    return features(text)[1:, FEATURES.index(name)].tolist()


def test_quotes_and_brackets_open_and_close():
    assert column('a "b" c', "inside quotes") == [0, 0, 1, 1, 0, 0, 0]
    assert column("`a\n\nb", "inside quotes") == [1, 1, 1, 0, 0]  # a paragraph ends what was never closed
    assert column("(a[b])]c(", "inside brackets") == [1, 1, 1, 1, 1, 0, 0, 0, 1]
    assert column("(\n\na", "inside brackets") == [1, 1, 0, 0]


def test_places_are_counted():
    assert column("ab\nc", "place in the line") == [1, 2, 0, 1]
    assert column("ab c_1.", "place in the word") == [1, 2, 0, 1, 2, 3, 0]
    assert column("a\n b\nc", "in an indented line") == [0, 0, 1, 1, 0, 0]
    assert np.isclose(features("a" * 500)[-1, FEATURES.index("far into the text")], 0.5)


def test_correlations_are_numpys():
    random = np.random.default_rng(0)
    cells, followed = random.normal(size=(50, 4)), random.normal(size=(50, 3))
    cells[:, 2] = 1.0
    found = correlations(cells, followed)
    assert (found[2] == 0).all()
    for cell in (0, 1, 3):
        for feature in range(3):
            assert np.isclose(found[cell, feature], np.corrcoef(cells[:, cell], followed[:, feature])[0, 1])


def test_words_and_copies():
    assert known_words("The cat, a catt 12", {"the", "cat"}) == (3, 2)
    random = np.random.default_rng(1)
    source = "".join(random.choice(list("abc "), 400))
    text = source[100:117] + "zz" + source[50:61]
    pieces = {text[a:b] for a in range(len(text)) for b in range(a, len(text) + 1)}
    assert longest_copy(text, source) == max(len(piece) for piece in pieces if piece in source) >= 17
    assert longest_copy("xyz", source) == 0
