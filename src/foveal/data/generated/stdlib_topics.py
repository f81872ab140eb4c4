"""``stdlib-topics``: the standard library's docstrings with several labels each, taken from where a docstring stands.

A docstring's labels come from *where* it stands, its input is *what it says*. Were topic words taken from the text, the task
would be to look them up; taken from names, they have to be inferred, though a name and its description often share words
(``notes`` say how often). There are three groups of labels:

* ``module:json``: the top-level module or package, if ten training documents or more stand in it;
* ``kind:method``: module, class, function or method; every document has one;
* ``topic:read``: a word of the qualified name (``ConfigParser.read_file`` has config, parser, read and file), cut at
  underscores and capitals, in lower case, a plural's s taken off; if it is in the names of fifteen training documents or
  more, in three modules or more (a word of one module only would repeat the module's label), and has three letters or more.

Documents, not modules, are dealt to training, validation and test, since a module that no training document has could not
be learned; near-duplicates were left out before, so no document has a twin in another part.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.data.generated.docstrings import Docstring, read, words
from foveal.errors import DataError

PAD, UNKNOWN = 0, 1
"""The token that fills a short document up, and that of a word outside the vocabulary."""
LENGTH = 100
"""Words of a document that are read; most documents have no more (the notes say how many)."""
SHARE = 0.15
"""Of the documents: the validation part, and the test part."""
FEWEST_WORDS = 4
COMMON = {"module": 10, "topic": 15}
"""In how many training documents a label has to occur."""
_STOP = frozenset({"the", "and", "for", "with", "from", "not", "has", "is", "to", "of", "in", "on", "by", "as", "at"})


@shown_briefly
@dataclass(frozen=True, eq=False)
class Documents:
    """One part.

    Attributes:
        tokens: int64 (N, length), a word's place in the vocabulary, 0 where the document is over.
        targets: uint8 (N, labels), 1 for each label that a document has.
        texts: the documents as they were written.
        places: where each stands, ``json.decoder.JSONDecoder.decode``.
    """

    tokens: NDArray[np.int64]
    targets: NDArray[np.uint8]
    texts: tuple[str, ...]
    places: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)


@shown_briefly
@dataclass(frozen=True, eq=False)
class Topics:
    """Documents with several labels, in three parts.

    Attributes:
        name: what the data set is called.
        words: the vocabulary by token: the padding, the unknown, then words of the training part, frequent ones first.
        labels: their names, ``kind:method``, grouped by kind, module, topic; in a group frequent ones first.
        train, validation, test: the parts.
        source, problems, notes: as in :class:`foveal.data.dataset.DataSet`.
    """

    name: str
    words: tuple[str, ...]
    labels: tuple[str, ...]
    train: Documents
    validation: Documents
    test: Documents
    source: str
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def encode(self, texts: Iterable[str]) -> NDArray[np.int64]:
        """The tokens of other texts: (N, length)."""
        return encode(texts, self.words, self.train.tokens.shape[1])

    def names(self, targets: NDArray[np.uint8]) -> list[str]:
        """The labels of one row of targets."""
        return [self.labels[i] for i in np.flatnonzero(targets)]


def load(
    seed: int = 0,
    modules: Sequence[str] = (),
    root: Path | None = None,
    *,
    length: int = LENGTH,
    rarest: int = 2,
    common: dict[str, int] | None = None,
) -> Topics:
    """The documents with their labels.

    Args:
        seed: of the cut into parts.
        modules: only these modules and packages of the library; nothing for all.
        root: the folder of the sources; None takes that of the running interpreter.
        length: words of a document that are read.
        rarest: in how many training documents a word has to occur to be in the vocabulary.
        common: in how many a module and a topic have to, in place of :data:`COMMON`.

    Raises:
        DataError: an interpreter without sources, or too few documents to cut.
        UnknownName: a module that the standard library does not have.

    Example:
        >>> data = load(modules=["json", "textwrap", "string", "calendar"], common={"module": 2, "topic": 3})
        >>> data.names(data.train.targets[0])
        ['kind:module', 'module:calendar']
    """
    library = read(modules, root)
    found = [each for each in library.docstrings if len(words(each.text)) >= FEWEST_WORDS]
    if len(found) < 10:
        raise DataError(
            "too few documents to cut into three parts",
            where="stdlib-topics",
            given=f"{len(found)} docstrings of {FEWEST_WORDS} words or more",
            expected="10 or more",
            fix="modules=() for the whole library",
        )
    order = np.random.default_rng([seed, 52]).permutation(len(found))
    count = max(1, round(SHARE * len(found)))
    cuts = (order[2 * count :], order[:count], order[count : 2 * count])
    train, validation, test = ([found[i] for i in np.sort(cut)] for cut in cuts)
    labels = _labels(train, {**COMMON, **(common or {})})
    vocabulary = _vocabulary(train, rarest)
    parts = tuple(_documents(part, vocabulary, labels, length) for part in (train, validation, test))
    notes = (*library.notes, *_described(found, train, parts, vocabulary, labels, length))
    return Topics(
        "stdlib-topics", vocabulary, labels, parts[0], parts[1], parts[2], library.source, library.problems, notes
    )


def examples(count: int = 3) -> list[tuple[str, list[str]]]:
    """Some training documents, evenly spread over the library, each with its labels."""
    data = load()
    chosen = np.linspace(0, len(data.train) - 1, count).astype(int)
    return [(data.train.texts[i], data.names(data.train.targets[i])) for i in chosen]


def labels_of(docstring: Docstring) -> list[str]:
    """All that could be a label of a docstring; :func:`load` keeps those that are common enough.

    Example:
        >>> labels_of(Docstring("configparser", "method", "RawConfigParser.read_files", ""))
        ['kind:method', 'module:configparser', 'topic:config', 'topic:file', 'topic:parser', 'topic:raw', 'topic:read']
    """
    topics = sorted({f"topic:{word}" for word in name_words(docstring.name)})
    return [f"kind:{docstring.kind}", f"module:{docstring.package}", *topics]


def name_words(name: str) -> list[str]:
    """The words of a qualified name, cut at dots, underscores and capitals, a plural's s taken off; none below three letters.

    Example:
        >>> name_words("HTTPServer.__get_all_entries")
        ['http', 'server', 'get', 'all', 'entry']
        >>> name_words("is_class")
        ['class']
    """
    pieces = re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)
    plain = [piece.lower() for piece in pieces]
    return [word for word in map(_singular, plain) if len(word) >= 3 and word not in _STOP]


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") and len(word) > 3 else word


def encode(texts: Iterable[str], vocabulary: Sequence[str], length: int) -> NDArray[np.int64]:
    """Tokens (N, length) of texts: words in lower case, those outside the vocabulary as 1, padded with 0, cut at ``length``.

    Example:
        >>> encode(["Read a file", "file"], ("", "?", "file", "read"), 4).tolist()
        [[3, 1, 2, 0], [2, 0, 0, 0]]
    """
    index = {word: token for token, word in enumerate(vocabulary) if token > UNKNOWN}
    rows = [[index.get(word, UNKNOWN) for word in words(text)[:length]] for text in texts]
    tokens = np.full((len(rows), length), PAD, dtype=np.int64)
    for row, listed in zip(tokens, rows, strict=True):
        row[: len(listed)] = listed
    return tokens


def _labels(train: Sequence[Docstring], common: dict[str, int]) -> tuple[str, ...]:
    counts: Counter[str] = Counter()
    homes: dict[str, set[str]] = {}
    for each in train:
        for label in labels_of(each):
            counts[label] += 1
            homes.setdefault(label, set()).add(each.package)
    kept: list[str] = []
    for group in ("kind", "module", "topic"):
        own = [label for label, count in counts.items() if label.startswith(group) and count >= common.get(group, 1)]
        own = [label for label in own if group != "topic" or len(homes[label]) >= 3]
        kept += sorted(own, key=lambda label: (-counts[label], label))
    return tuple(kept)


def _vocabulary(train: Sequence[Docstring], rarest: int) -> tuple[str, ...]:
    documents = Counter(word for each in train for word in set(words(each.text)))
    kept = sorted((w for w, count in documents.items() if count >= rarest), key=lambda w: (-documents[w], w))
    return ("", "?", *kept)


def _documents(part: Sequence[Docstring], vocabulary: Sequence[str], labels: Sequence[str], length: int) -> Documents:
    index = {label: number for number, label in enumerate(labels)}
    targets = np.zeros((len(part), len(labels)), dtype=np.uint8)
    for row, each in zip(targets, part, strict=True):
        row[[index[label] for label in labels_of(each) if label in index]] = 1
    texts = tuple(each.text for each in part)
    return Documents(encode(texts, vocabulary, length), targets, texts, tuple(each.place for each in part))


def _described(
    found: Sequence[Docstring],
    train: Sequence[Docstring],
    parts: Sequence[Documents],
    vocabulary: Sequence[str],
    labels: Sequence[str],
    length: int,
) -> list[str]:
    sizes = Counter(label.partition(":")[0] for label in labels)
    mean = np.concatenate([part.targets for part in parts]).sum(1).mean()
    whole = np.mean([len(words(each.text)) <= length for each in found])
    known = {label for label in labels if label.startswith("topic:")}
    topics = [(label[6:], each) for each in train for label in labels_of(each) if label in known]
    told = [
        f"{len(found):,} documents of {FEWEST_WORDS} words or more: "
        + ", ".join(
            f"{len(part):,} {title}" for title, part in zip(("training", "validation", "test"), parts, strict=True)
        ),
        f"{len(labels)} labels ({', '.join(f'{n} {group}' for group, n in sizes.items())}), {mean:.2f} a document",
        f"{len(vocabulary) - 2:,} words in the vocabulary; {whole:.0%} of the documents are read whole, others to word {length}",
    ]
    if topics:
        said = np.mean([any(own.startswith(topic) for own in words(each.text)) for topic, each in topics])
        told.append(
            f"a topic word of the name begins a word of the text in {said:.0%} of the cases: the rest has to be inferred"
        )
    return told
