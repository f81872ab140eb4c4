"""What kind of place each character of a text stands at: which are hard to predict, and what a cell may be keeping count of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KINDS = (
    "1st letter of a word",
    "2nd letter",
    "3rd letter",
    "later letters",
    "space",
    "line break",
    "digit",
    "punctuation",
    "end of the text",
)
FEATURES = (
    "inside quotes",
    "inside brackets",
    "in an indented line",
    "place in the line",
    "place in the word",
    "far into the text",
)
"""What a cell may follow: yes or no, or a number."""
FAR = 500.0

Floats = NDArray[np.float64]


def kinds(text: str) -> NDArray[np.int64]:
    """The kind of each character, and of the end mark: places in :data:`KINDS`, length len(text) + 1.

    Example:
        >>> [KINDS[kind] for kind in kinds("to 3")]
        ['1st letter of a word', '2nd letter', 'space', 'digit', 'end of the text']
    """
    found, letters = [], 0
    for character in text:
        letters = letters + 1 if character.isalpha() else 0
        if letters:
            found.append(min(letters, 4) - 1)
        elif character in " \n":
            found.append(4 if character == " " else 5)
        else:
            found.append(6 if character.isdigit() else 7)
    return np.array([*found, 8], dtype=np.int64)


def features(text: str) -> Floats:
    """What holds after the mark and after each character: (len(text) + 1, features), in the order of :data:`FEATURES`.

    A quote opens where the same sign (" or `) is not open already in its paragraph; brackets of all kinds count together.
    Places are counted in characters, "far into the text" as t / (t + 500).

    Example:
        >>> features('a("b')[:, :2].astype(int).tolist()  # quotes, brackets
        [[0, 0], [0, 0], [0, 1], [1, 1], [1, 1]]
    """
    rows = [[0.0] * len(FEATURES)]
    quotes: set[str] = set()
    depth = line = word = 0
    indented, before = False, "\n"
    for place, character in enumerate(text, start=1):
        if character in '"`':
            quotes ^= {character}
        elif character == "\n" and before == "\n":
            quotes, depth = set(), 0  # a new paragraph: an inch sign or a smiley opens nothing for good
        elif character in "([{":
            depth += 1
        elif character in ")]}":
            depth = max(0, depth - 1)
        if before == "\n":
            indented = character == " "
        line = 0 if character == "\n" else line + 1
        word = word + 1 if character.isalnum() or character == "_" else 0
        rows.append([bool(quotes), bool(depth), indented and line > 0, line, word, place / (place + FAR)])
        before = character
    return np.array(rows, dtype=np.float64)


def correlations(cells: Floats, followed: Floats) -> Floats:
    """Pearson's correlation of each cell with each feature: (cells, features); 0 where one of the two never changes.

    Args:
        cells: (places, cells).
        followed: (places, features).
    """
    x, y = cells - cells.mean(0), followed - followed.mean(0)
    scale = np.sqrt((x**2).sum(0))[:, None] * np.sqrt((y**2).sum(0))[None]
    return np.asarray(np.divide(x.T @ y, scale, out=np.zeros_like(scale), where=scale > 1e-12))


def known_words(text: str, words: set[str]) -> tuple[int, int]:
    """How many words of three letters or more a text has, and how many of them are among ``words``.

    Example:
        >>> known_words("Return the fluble.", {"return", "the"})
        (3, 2)
    """
    import re

    found = [word for word in re.findall(r"[a-z]+", text.lower()) if len(word) >= 3]
    return len(found), sum(word in words for word in found)


def longest_copy(text: str, source: str) -> int:
    """The length of the longest piece of ``text`` that stands in ``source`` word for word.

    Example:
        >>> longest_copy("the cat sat", "a cat sat down")
        8
    """
    longest = 0
    for start in range(len(text)):
        # Only what is longer than the longest so far is of interest: each test either lengthens it or goes on.
        while start + longest < len(text) and text[start : start + longest + 1] in source:
            longest += 1
    return longest
