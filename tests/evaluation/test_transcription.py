"""Decoding against all paths written out, and edits against all ways to change one text into another."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.evaluation.transcription import beam, character_error_rate, edits, greedy

BLANK = 2


def said(path: tuple[int, ...], blank: int = BLANK) -> tuple[int, ...]:
    """The text of a path, by Graves' definition: merge repeats, then drop blanks."""
    return tuple(k for k, _ in itertools.groupby(path) if k != blank)


def every_text(logs: np.ndarray) -> dict[tuple[int, ...], float]:
    """The probability of every text, path by path."""
    found: dict[tuple[int, ...], float] = {}
    steps, classes = logs.shape
    for path in itertools.product(range(classes), repeat=steps):
        p = float(np.exp(sum(logs[t, k] for t, k in enumerate(path))))
        found[said(path)] = found.get(said(path), 0.0) + p
    return found


def random_logs(seed: int, steps: int, classes: int) -> np.ndarray:
    scores = 2 * np.random.default_rng(seed).normal(size=(steps, classes))
    return scores - np.log(np.exp(scores).sum(1, keepdims=True))


@pytest.mark.parametrize("seed", range(8))
def test_a_wide_beam_is_the_sum_over_all_paths(seed):
    logs = random_logs(seed, steps=5, classes=3)
    truth = every_text(logs)
    found = beam(logs, BLANK, width=10_000)
    assert {text for text, _ in found} == set(truth)
    for text, p in found:
        assert np.exp(p) == pytest.approx(truth[text], rel=1e-9)
    assert [p for _, p in found] == sorted((p for _, p in found), reverse=True)
    assert found[0][0] == max(truth, key=truth.get)
    assert sum(np.exp(p) for _, p in found) == pytest.approx(1.0)


def test_a_narrow_beam_follows_the_best():
    logs = random_logs(3, steps=6, classes=4)
    narrow = beam(logs, 3, width=4)
    assert len(narrow) == 4
    assert narrow[0][1] <= np.log(max(every_text_of(logs, 3).values())) + 1e-9


def every_text_of(logs: np.ndarray, blank: int) -> dict[tuple[int, ...], float]:
    found: dict[tuple[int, ...], float] = {}
    for path in itertools.product(range(logs.shape[1]), repeat=len(logs)):
        text = said(path, blank)
        found[text] = found.get(text, 0.0) + float(np.exp(sum(logs[t, k] for t, k in enumerate(path))))
    return found


def test_the_likeliest_path_is_not_always_the_likeliest_text():
    logs = np.log(np.array([[0.4, 0.6], [0.4, 0.6]]))
    assert greedy(logs, blank=1).text == ()
    assert beam(logs, blank=1)[0][0] == (0,)


@given(st.lists(st.integers(0, 3), min_size=1, max_size=12))
def test_greedy_says_what_the_path_says(path):
    reading = greedy(np.log(np.eye(4)[path] + 1e-6), blank=3)
    assert reading.text == said(tuple(path), blank=3)
    assert [path[step] for step in reading.steps] == list(reading.text)
    assert list(reading.steps) == sorted(set(reading.steps))


def test_a_character_fires_where_it_is_likeliest_within_its_run():
    probabilities = np.array([[0.1, 0.9], [0.6, 0.4], [0.9, 0.1], [0.7, 0.3], [0.2, 0.8]])
    reading = greedy(np.log(probabilities), blank=1)
    assert (reading.text, reading.steps) == ((0,), (2,))
    assert reading.confidences[0] == pytest.approx(0.9)


def levenshtein(a: str, b: str) -> int:
    """By its recursive definition, without a table."""
    if not a or not b:
        return len(a) + len(b)
    return min(levenshtein(a[1:], b) + 1, levenshtein(a, b[1:]) + 1, levenshtein(a[1:], b[1:]) + (a[0] != b[0]))


@given(st.text("012", max_size=5), st.text("012", max_size=5))
def test_the_distance_is_levenshteins(read, right):
    found = edits(read, right)
    assert found.distance == levenshtein(read, right)
    assert len(read) - len(found.added) == len(right) - len(found.missing)  # what is left are pairs


def test_edits_say_what_was_taken_for_what():
    found = edits("1239", "1738")
    assert set(found.substituted) == {("7", "2"), ("8", "9")}
    assert edits("118", "18").added == ("1",)
    assert edits("", "18").missing == ("1", "8")


def test_the_error_rate_weighs_characters_not_lines():
    assert character_error_rate(["", "12345678"], ["1", "12345678"]) == pytest.approx(1 / 9)
    assert character_error_rate(["111"], ["2"]) == 3.0
