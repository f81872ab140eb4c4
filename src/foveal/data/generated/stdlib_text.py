"""``stdlib-text``: the standard library's docstrings as text to learn to write, character by character.

About 1.6 million characters of English about programs, read from the interpreter that runs (``foveal.data.generated.docstrings``).
Whole modules go to training, validation or test, so that no docstring and none that nearly repeats it is in two parts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.data.generated.docstrings import Docstring, read
from foveal.errors import DataError

MARK, UNKNOWN = 0, 1
"""The index that stands before and after every text, and that of a character outside the vocabulary."""
CHARACTERS = "\n" + "".join(chr(code) for code in range(32, 127))
"""The vocabulary: the line break and printable ASCII. Closed: it never depends on what was read."""
SYMBOLS = ("␃", "�", *CHARACTERS)
"""What each index stands for: the mark, the unknown, then the characters; 98 in all."""
_INDEX = {symbol: index for index, symbol in enumerate(SYMBOLS) if index > UNKNOWN}

Indices = NDArray[np.int64]


@shown_briefly
@dataclass(frozen=True)
class TextParts:
    """Texts in three parts.

    Attributes:
        name: what the data set is called.
        train, validation, test: the docstrings of each part, in the library's order.
        source: where they were read, for people.
        problems: what could not be read, one line a file.
        notes: counts, what was left out, which modules are in the validation and test parts.
    """

    name: str
    train: tuple[Docstring, ...]
    validation: tuple[Docstring, ...]
    test: tuple[Docstring, ...]
    source: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def symbols(self) -> tuple[str, ...]:
        """What each index stands for."""
        return SYMBOLS

    def parts(self) -> list[tuple[str, tuple[Docstring, ...]]]:
        """The parts with their names."""
        return [("training", self.train), ("validation", self.validation), ("test", self.test)]


def load(seed: int = 0, modules: Sequence[str] = (), root: Path | None = None) -> TextParts:
    """The docstrings, cut into parts by module: about a tenth of the characters each for validation and test.

    Args:
        seed: of the cut.
        modules: only these modules and packages of the library, at least three; nothing for all.
        root: the folder of the sources; None takes that of the running interpreter.

    Raises:
        DataError: an interpreter without sources, or too few modules to cut.
        UnknownName: a module that the standard library does not have.

    Example:
        >>> data = load(modules=["json", "textwrap", "string", "calendar"])
        >>> [len(part) > 0 for name, part in data.parts()]
        [True, True, True]
    """
    library = read(modules, root)
    parts = _by_module(library.docstrings, seed)
    train, validation, test = parts
    notes = [*library.notes]
    for title, part in (("validation", validation), ("test", test)):
        names = sorted({each.package for each in part})
        notes.append(f"{title} modules ({len(names)}): {', '.join(names)}")
    outside = sum(character not in _INDEX for part in parts for each in part for character in each.text)
    notes.append(f"{outside:,} characters are outside the vocabulary of {len(SYMBOLS)} and read as unknown")
    return TextParts("stdlib-text", train, validation, test, library.source, library.problems, tuple(notes))


def examples(count: int = 3) -> list[tuple[str, str]]:
    """Some training texts, evenly spread over the library: (place, text)."""
    train = load().train
    return [(train[i].place, train[i].text) for i in np.linspace(0, len(train) - 1, count).astype(int)]


def _by_module(docstrings: Sequence[Docstring], seed: int) -> tuple[tuple[Docstring, ...], ...]:
    """Modules in a random order; they fill the test part to a tenth, then validation, and training takes the rest."""
    sizes: dict[str, int] = {}
    for each in docstrings:
        sizes[each.package] = sizes.get(each.package, 0) + len(each.text)
    if len(sizes) < 3:
        raise DataError(
            "three parts cannot be cut out of so few modules",
            where="stdlib-text",
            given=", ".join(sizes),
            expected="at least three modules with docstrings: a module is never cut",
            fix="modules=() for the whole library",
        )
    names = sorted(sizes)
    order = [names[i] for i in np.random.default_rng([seed, 51]).permutation(len(names))]
    share = sum(sizes.values()) / 10
    chosen: list[set[str]] = []
    for _ in range(2):
        part: set[str] = set()
        for name in order:
            # A module larger than what is missing stays outside, else one package of a tenth could be a whole part.
            if sum(sizes[n] for n in part) + sizes[name] <= share:
                part.add(name)
        part = part or {min(order, key=lambda name: sizes[name])}
        order = [name for name in order if name not in part]
        chosen.append(part)
    test, validation = chosen
    return (
        tuple(each for each in docstrings if each.package not in test | validation),
        tuple(each for each in docstrings if each.package in validation),
        tuple(each for each in docstrings if each.package in test),
    )


def encode(text: str) -> Indices:
    """The indices of a text's characters, without marks; a character outside the vocabulary becomes the unknown.

    Example:
        >>> encode("A\\nß").tolist()
        [36, 2, 1]
    """
    return np.array([_INDEX.get(character, UNKNOWN) for character in text], dtype=np.int64)


def decode(indices: Iterable[int]) -> str:
    """The text of indices; the mark is written ␃ and the unknown �.

    Example:
        >>> decode([36, 2, 1, 0])
        'A\\n�␃'
    """
    return "".join(SYMBOLS[index] for index in indices)


def stream(docstrings: Iterable[Docstring]) -> Indices:
    """All texts in one row of indices, a mark before each and one at the end.

    Example:
        >>> stream([Docstring("a", "module", "", "A"), Docstring("b", "module", "", "B")]).tolist()
        [0, 36, 0, 37, 0]
    """
    mark = np.array([MARK], dtype=np.int64)
    pieces = [mark]
    for each in docstrings:
        pieces += [encode(each.text), mark]
    return np.concatenate(pieces)
