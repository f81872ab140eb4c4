"""Text categorisation from data to answer: figures of the kept model, the linear model, filters, labels for given texts."""

from __future__ import annotations

import json

import numpy as np
import pytest

from foveal import modelfile, systems
from foveal.backends.torch import build
from foveal.data.generated import stdlib_topics
from foveal.errors import ConfigurationError
from foveal.evaluation import multilabel
from foveal.systems.text import text_cnn
from foveal.systems.text.ppmi_vectors import word_vectors
from foveal.systems.text.tfidf_baseline import GRID, linear_model


@pytest.fixture(scope="module")
def data():
    modules = str(text_cnn.METHOD.quick.settings["modules"]).split(",")
    return stdlib_topics.load(modules=modules, length=20, common={"module": 3, "topic": 3})


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    return systems.train("text_cnn", seed=2, runs=tmp_path_factory.mktemp("runs"), **text_cnn.METHOD.quick.arguments())


@pytest.fixture(scope="module")
def module(outcome):
    loaded = modelfile.load(outcome.folder.model)
    made = build(loaded.network)
    made.load_state_dict(loaded.state)
    return made.eval()


def test_the_figures_are_those_of_the_kept_model(outcome, module, data):
    scores = text_cnn.module_scores(module, data.test.tokens)
    facts = json.loads((outcome.folder.path / "evaluation.json").read_text())
    for rank in (1, 3, 5):
        expected = multilabel.precision_at(scores, data.test.targets, rank).mean()
        assert facts["cnn"][f"precision_at_{rank}"] == pytest.approx(expected)
    assert outcome.findings.headlines[0].value == facts["cnn"]["precision_at_1"]
    gap = facts["cnn"]["precision_at_3"] - facts["linear"]["precision_at_3"]
    assert facts["difference"]["precision_at_3"]["mean"] == pytest.approx(gap)


def test_the_linear_model_is_the_best_on_validation_and_learned_something(outcome, data):
    found = linear_model(data)
    means = [sum(each[f"precision_at_{rank}"] for rank in (1, 3, 5)) for each in found["tried"]]
    assert len(means) == len(GRID)
    assert found["chosen"] == found["tried"][int(np.argmax(means))]
    told = multilabel.summary(np.array(found["test"]), data.test.targets)
    assert told["precision_at_1"] == pytest.approx(outcome.findings.facts["linear"]["precision_at_1"])
    common = np.tile(data.train.targets.sum(0).astype(float), (len(data.test), 1))
    assert told["precision_at_3"] > multilabel.summary(common, data.test.targets)["precision_at_3"]


def test_frequent_labels_are_the_third_model(outcome, data):
    common = np.tile(data.train.targets.sum(0).astype(float), (len(data.test), 1))
    expected = multilabel.summary(common, data.test.targets)
    assert outcome.findings.facts["frequency"] == pytest.approx(expected)


def test_each_document_counts_in_the_groups_it_has_labels_of(outcome, data):
    groups = {row["group"]: row for row in outcome.findings.facts["groups"]}
    assert groups["kind"]["documents"] == len(data.test)
    for name, row in groups.items():
        own = np.array([label.startswith(f"{name}:") for label in data.labels])
        assert row["labels"] == own.sum()
        assert row["documents"] == data.test.targets[:, own].any(1).sum()


def test_filters_answer_to_words_of_the_training_documents(outcome, module, data):
    told = text_cnn.filters(module, data)
    assert {each["width"] for each in told} == set(text_cnn._widths(str(text_cnn.METHOD.defaults["windows"])))
    rows = [" ".join(data.words[t] for t in row if t) for row in data.train.tokens]
    for each in told:
        assert each["words"]
        for run in each["words"]:
            assert len(run.split()) <= each["width"]
            assert any(run in row for row in rows)
        assert each["label"] in data.labels
    assert told == [
        {**each, "correlation": pytest.approx(each["correlation"])} for each in outcome.findings.facts["filters"]
    ]


@pytest.mark.parametrize(
    ("gaps", "said"),
    [
        ([(-2, -1)] * 3, "the linear model at 1 and 3 and 5"),
        ([(1, 2)] * 3, "the network at 1 and 3 and 5"),
        ([(-2, -1), (1, 2), (0, 2)], "the linear model at 1; the network at 3; no difference shows at 5"),
        ([(-1, 1)] * 3, "no difference shows at 1 and 3 and 5"),
    ],
)
def test_the_verdict_keeps_to_the_intervals(gaps, said):
    figures = {
        "difference": {
            f"precision_at_{rank}": {"low": low, "high": high}
            for rank, (low, high) in zip((1, 3, 5), gaps, strict=True)
        }
    }
    assert text_cnn.verdict(figures) == said


def test_labels_for_given_texts(outcome, module, data):
    texts = [data.test.texts[0], "", "Read a file, and write it."]
    answers = list(text_cnn.predict(str(outcome.folder.model), texts))
    scores = text_cnn.module_scores(module, data.encode(texts))
    for answer, row in zip(answers, scores, strict=True):
        assert answer.startswith(data.labels[int(row.argmax())])
        assert len(answer.split(", ")) >= 3


def test_word_vectors_are_the_singular_directions_of_the_mutual_information():
    random = np.random.default_rng(0)
    tokens = random.integers(0, 12, (60, 9))
    found = word_vectors(tokens, 12, 4, window=2).astype(float)
    counts = np.zeros((12, 12))
    for row in tokens:
        for i, one in enumerate(row):
            for j in range(max(0, i - 2), min(len(row), i + 3)):
                if i != j and one and row[j]:
                    counts[one, row[j]] += 1
    with np.errstate(divide="ignore", invalid="ignore"):
        information = np.log(counts * counts.sum() / np.outer(counts.sum(1), counts.sum(0)))
    positive = np.where(counts > 0, np.maximum(information, 0), 0.0)
    _, values, directions = np.linalg.svd(positive)
    expected = directions[:4].T * np.sqrt(values[:4])
    expected *= 0.25 / np.sqrt((expected[1:] ** 2).mean())
    np.testing.assert_allclose(found @ found.T, expected @ expected.T, atol=1e-5)
    assert np.sqrt((found[1:] ** 2).mean()) == pytest.approx(0.25)


def test_what_cannot_be(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot learn from these data"):
        systems.train("text_cnn", "digits", runs=tmp_path)
    with pytest.raises(ConfigurationError, match="widths") as caught:
        systems.train("text_cnn", settings={"windows": "2,x", "modules": "json,csv,shlex"}, runs=tmp_path)
    assert caught.value.fix == ("--set windows=2,4,8",)
