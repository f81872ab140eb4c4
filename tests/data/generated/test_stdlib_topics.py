"""stdlib-topics: labels from names, vocabulary and labels from the training part, tokens that say what the text says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from foveal.data.generated import stdlib_topics
from foveal.data.generated.docstrings import Docstring, runs
from foveal.errors import DataError

MODULES = ("json", "textwrap", "calendar", "string", "csv", "shlex", "configparser", "argparse", "logging")
FEW = {"module": 3, "topic": 4}


@pytest.fixture(scope="module")
def data():
    return stdlib_topics.load(modules=MODULES, common=FEW)


def test_labels_are_those_of_the_place(data):
    for part in (data.train, data.test):
        for place, row in zip(part.places, part.targets, strict=True):
            own = data.names(row)
            assert sum(label.startswith("kind:") for label in own) == 1
            assert set(own) & {label for label in data.labels if label.startswith("module:")} <= {
                f"module:{place.split('.')[0]}"
            }
            for label in own:
                if label.startswith("topic:"):
                    assert label[6:].rstrip("y") in place.lower()


def test_labels_are_common_in_training_and_topics_in_three_modules(data):
    counts = dict(zip(data.labels, data.train.targets.sum(0), strict=True))
    homes = {label: set() for label in data.labels}
    for place, row in zip(data.train.places, data.train.targets, strict=True):
        for label in data.names(row):
            homes[label].add(place.split(".")[0])
    for label, count in counts.items():
        group = label.partition(":")[0]
        assert count >= FEW.get(group, 1)
        assert group != "topic" or len(homes[label]) >= 3
    assert len({label.partition(":")[0] for label in data.labels}) == 3


def test_the_vocabulary_is_the_training_parts(data):
    counted = Counter(word for text in data.train.texts for word in set(stdlib_topics.words(text)))
    assert set(data.words[2:]) == {word for word, count in counted.items() if count >= 2}
    assert data.words[:2] == ("", "?")
    assert data.words[2] == counted.most_common(1)[0][0]


def test_tokens_read_back_as_words(data):
    known = set(data.words)
    for text, row in zip(data.test.texts, data.test.tokens, strict=True):
        said = [data.words[token] for token in row]
        expected = [word if word in known else "?" for word in stdlib_topics.words(text)][: len(row)]
        assert said == expected + [""] * (len(row) - len(expected))


def test_no_document_is_in_two_parts_nor_nearly(data):
    texts = [*data.train.texts, *data.validation.texts, *data.test.texts]
    assert len(set(texts)) == len(texts)
    for text in data.test.texts[:40]:
        own = runs(text)
        assert all(len(own & runs(other)) / len(own | runs(other)) < 0.5 for other in data.train.texts)


def test_the_seed_decides_the_cut(data):
    again, other = (stdlib_topics.load(seed, MODULES, common=FEW) for seed in (0, 1))
    assert (again.train.tokens == data.train.tokens).all()
    assert again.test.places == data.test.places != other.test.places


def test_labels_of_a_name():
    assert stdlib_topics.labels_of(Docstring("email.mime.text", "class", "MIMEText", "…")) == [
        "kind:class", "module:email", "topic:mime", "topic:text",
    ]  # fmt: skip
    assert stdlib_topics.name_words("_parseHTTPHeaders2") == ["parse", "http", "header"]
    assert stdlib_topics.name_words("do_GET.entries.process") == ["get", "entry", "process"]


def test_too_few_documents():
    with pytest.raises(DataError, match="too few documents"):
        stdlib_topics.load(modules=["this", "bisect"])


def test_other_texts_are_encoded_alike(data):
    assert (data.encode(data.test.texts) == data.test.tokens).all()
    assert np.count_nonzero(data.encode([""])) == 0
