"""Recognition: which classes are held out, what is measured on them, and answers about pairs of pictures."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from foveal import systems
from foveal.data import DataSet, Split
from foveal.data.published import digits
from foveal.errors import ConfigurationError, DataError
from foveal.systems.embedding import embedder
from foveal.systems.embedding import embedder_measures as measures


def four(count=40):
    images = np.random.default_rng(0).integers(0, 256, (count, 8, 8, 1), dtype=np.uint8)
    part = Split(images, np.arange(count) % 4)
    return DataSet("four", ("cat", "dog", "Ant", "bee"), part, part, "memory")


@pytest.mark.parametrize(
    ("text", "numbers"), [("3, 1", [1, 3]), ("ant,DOG", [1, 2]), ("0,cat", [0]), ("", []), ("2,", [2])]
)
def test_classes_are_named_by_number_or_name(text, numbers):
    assert embedder.classes_of(four(), text, "held_out").tolist() == numbers


@pytest.mark.parametrize("text", ["4", "cow", "1,-2"])
def test_a_class_that_is_not_there_is_named(text):
    with pytest.raises(ConfigurationError) as caught:
        embedder.classes_of(four(), text, "held_out")
    assert caught.value.where == "--set held_out"
    assert repr(text.split(",")[-1]) == caught.value.given


@pytest.mark.parametrize(
    "settings",
    [
        {"held_out": "3"},
        {"held_out": "0,1,2,3,4,5,6,7,8"},
        {"also_held_out": "1"},
        {"validation_classes": ""},
        {"validation_classes": "3,9"},
        {"validation_classes": "0,1,2,4,6,7"},
        {"loss": "hinge"},
        {"each": 5000},
    ],
)
def test_what_cannot_be_held_out_is_refused(settings, tmp_path):
    with pytest.raises((ConfigurationError, KeyError)):
        systems.start(systems.plan("embedder", "digits", settings={"limit": 100, **settings}), runs=tmp_path)


def test_no_picture_of_a_held_out_class_is_trained_on(monkeypatch):
    split = digits.load().train
    left = measures.without(split, np.array([3, 5]))
    assert set(left.labels) == {0, 1, 2, 4, 6, 7, 8, 9}
    assert len(left) == len(split) - np.isin(split.labels, (3, 5)).sum()


def test_held_out_classes_are_looked_at_first(monkeypatch):
    monkeypatch.setattr(measures, "LOOKED_AT", 12)
    part = measures.looked_at(four().train, np.array([0, 3]))
    assert np.bincount(part.labels).tolist() == [6, 3, 3, 6]
    assert np.bincount(part.labels[measures.evenly(part.labels)]).tolist() == [3, 3, 3, 3]


def test_figures_of_a_perfect_and_of_a_blind_embedding():
    labels = np.arange(60) % 3
    perfect = measures.measured(np.eye(3)[labels], labels, np.array([0, 1]), seed=0)
    assert (perfect.among.auc, perfect.against.auc, perfect.recall, perfect.recall_among) == (1.0, 1.0, 1.0, 1.0)
    assert perfect.among.pairs == 40 * 39 // 2
    assert perfect.against.pairs == 60 * 59 // 2 - 20 * 19 // 2
    blind = measures.measured(np.ones((60, 3)), labels, np.array([0, 1]), seed=0)
    assert blind.among.auc == pytest.approx(0.5)
    told = measures.rates(np.eye(3)[labels], labels, np.array([0, 1]), threshold=1.0)
    assert told["against"] == {"same_accepted": 1.0, "different_refused": 1.0}
    assert measures.rates(np.eye(3)[labels], labels, np.array([0, 1]), 3.0)["among"]["different_refused"] == 0.0


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    planned = systems.plan("embedder", **{**embedder.METHOD.quick.arguments(limit=400), "changes": {"epochs": 4}})
    return systems.start(planned, runs=tmp_path_factory.mktemp("runs"))


def test_facts_name_what_was_held_out_and_stand_beside_raw_pixels(outcome):
    facts = outcome.findings.facts
    assert facts["held_out"] == ["3", "5", "8"]
    assert set(facts["test"]) == {"embedder", "classifier's features", "raw pixels"}
    assert facts["test"]["raw pixels"]["among"]["auc"] > 0.6
    own = facts["test"]["embedder"]["among"]
    assert own["low"] < own["auc"] < own["high"]
    assert facts["also_held_out"] == ["0", "4", "7"]
    assert set(facts["also"]) == {"embedder", "raw pixels"}
    assert facts["rehearsal"]["validation_classes"] == ["2", "9"]
    assert not {"2", "9"} & set(facts["held_out"])


def test_it_says_whether_pictures_are_of_the_same_class(outcome, tmp_path):
    data = digits.load().test
    paths = []
    for number, row in enumerate([0, 0, 1]):
        picture = data.images[row, ..., 0]
        Image.fromarray(np.invert(picture) if number == 1 else picture).save(tmp_path / f"{number}.png")
        paths.append(str(tmp_path / f"{number}.png"))
    told = list(embedder.predict(str(outcome.folder.model), paths))
    assert len(told) == 3
    assert told[0].startswith(f"{paths[0]} and {paths[1]}: the same (squared distance 0.000")  # inverted back
    threshold = outcome.findings.facts["rehearsal"]["threshold"]
    assert all(f"threshold {threshold:.3f}" in text for text in told)
    with pytest.raises(DataError, match="two pictures are compared"):
        list(embedder.predict(str(outcome.folder.model), paths[:1]))
