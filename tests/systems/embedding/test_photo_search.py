"""Photo search's system: data sets, folders with classes and without, a given model, and questions."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from foveal import systems
from foveal.data import load
from foveal.errors import ModelFileError
from foveal.inference.trained_classifier import load_classifier
from foveal.systems.embedding import album, photo_search
from foveal.systems.embedding.features import features
from foveal.systems.embedding.photo_search_report import CELLS, THUMB, mosaic

QUICK = {"neighbours": 3, "clusters": 4, "mapped": 60}


def search(data, tmp_path, *, epochs=2, size=(28, 28), **settings):
    return systems.train(
        "photo-search", str(data), seed=1, epochs=epochs, size=size, settings={**QUICK, **settings}, runs=tmp_path
    )


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    return search("digits", tmp_path_factory.mktemp("runs"), epochs=6, limit=700)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Digits as files: two class folders of 20 pictures each."""
    root = tmp_path_factory.mktemp("pictures")
    digits = load("digits", size=(24, 24)).train
    for kind in (0, 1):
        (root / f"kind{kind}").mkdir()
        for number, index in enumerate(np.flatnonzero(digits.labels == kind)[:20]):
            Image.fromarray(digits.images[index, ..., 0]).save(root / f"kind{kind}" / f"{number:02}.png")
    return root


def test_recall_is_that_of_leave_one_out_neighbours(outcome):
    facts = outcome.findings.facts
    test = load("digits", size=(28, 28)).test
    pixels = test.images.reshape(len(test), -1).astype(float)
    right = 0
    for i in range(len(test)):
        rest = np.arange(len(test)) != i
        nearest = KNeighborsClassifier(1).fit(pixels[rest], test.labels[rest])
        right += int(nearest.predict(pixels[i : i + 1])[0] == test.labels[i])
    assert facts["recall"]["ways"]["pixels, distance"]["recall@1"] == pytest.approx(right / len(test))
    assert facts["pictures"] == len(test)
    assert facts["recall"]["ways"]["embeddings, cosine"]["recall@1"] > 0.8
    assert sum(row["pictures"] for row in facts["clusters"]) == len(test)


def test_the_kept_embeddings_are_those_of_the_kept_model(outcome):
    from safetensors.numpy import load_file

    kept = load_file(outcome.folder.path / photo_search.EMBEDDINGS)
    codes = kept["codes"]
    assert np.bincount(kept["cluster"]).tolist() == [row["pictures"] for row in outcome.findings.facts["clusters"]]
    module = load_classifier(outcome.folder.path).module
    np.testing.assert_allclose(features(module, load("digits", size=(28, 28)).test.images), codes, atol=1e-5)


def test_a_picture_of_the_album_is_its_own_nearest(outcome, tmp_path):
    test = load("digits", size=(28, 28)).test
    Image.fromarray(test.images[17, ..., 0]).save(tmp_path / "asked.png")
    told = list(
        photo_search.predict(str(outcome.folder.model), [str(tmp_path / "asked.png"), str(tmp_path / "nothing.png")])
    )
    lines = told[0].splitlines()
    assert lines[0].endswith("asked.png")
    assert lines[1].split() == ["1.000", "picture", "17", str(test.labels[17])]
    assert len(lines) == 6
    assert "cannot be read" in told[1]


def test_without_embeddings_there_is_nothing_to_search_in(outcome, tmp_path):
    alone = tmp_path / "model.safetensors"
    alone.write_bytes(outcome.folder.model.read_bytes())
    with pytest.raises(ModelFileError, match="no embeddings"):
        next(photo_search.predict(str(alone), ["x.png"]))


def test_a_folder_with_classes_is_searched_whole_and_judged_by_what_was_held_back(folder, tmp_path):
    facts = search(folder, tmp_path).findings.facts
    assert facts["pictures"] == 40
    assert facts["judged"] == 12
    assert facts["classes"] == ["kind0", "kind1"]


@pytest.mark.parametrize("loose", [True, False])
def test_a_folder_without_classes_is_searched_too(folder, tmp_path, loose):
    place = tmp_path / "album"
    place.mkdir()
    for file in sorted(folder.rglob("*.png")):
        name = f"{file.parent.name}-{file.name}"
        (place / ("" if loose else "holiday")).mkdir(exist_ok=True)
        (place / ("" if loose else "holiday") / name).write_bytes(file.read_bytes())
    outcome = search(place, tmp_path / "runs")
    facts = outcome.findings.facts
    assert facts["pictures"] == 40
    assert "recall" not in facts
    assert 0 <= facts["validation_accuracy"] <= 1
    assert sum(row["pictures"] for row in facts["clusters"]) == 40
    one = str(place / "kind1-03.png" if loose else place / "holiday" / "kind1-03.png")
    assert next(photo_search.predict(str(outcome.folder.model), [one])).splitlines()[1].endswith("kind1-03.png")


def test_a_trained_model_may_be_given(outcome, folder, tmp_path):
    found = search(folder, tmp_path, size=None, model=str(outcome.folder.model))
    assert found.findings.facts["pictures"] == found.findings.facts["judged"] == 40
    assert not found.histories  # nothing is trained
    assert load_classifier(found.folder.path).module.network == load_classifier(outcome.folder.path).module.network


def test_large_pictures_of_a_folder_are_brought_to_64(tmp_path):
    for name in ("a", "b", "c", "d"):
        Image.new("RGB", (120, 90), (10, 20, 30)).save(tmp_path / f"{name}.jpg")
    assert album._large(tmp_path)
    Image.new("RGB", (30, 30)).save(tmp_path / "small.png")
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.jpg").unlink()
    (tmp_path / "d.jpg").write_bytes(b"broken")
    assert not album._large(tmp_path)


def test_the_mosaic_puts_each_picture_in_a_cell_of_its_own():
    images = np.full((30, 8, 8, 1), 200, np.uint8)
    canvas = mosaic(images, np.zeros((30, 2)))
    assert canvas.shape == (CELLS * THUMB, CELLS * THUMB, 4)
    assert (canvas[..., 3] > 0).sum() == 30 * (THUMB - 1) ** 2
    corners = mosaic(np.stack([np.full((4, 4, 1), v, np.uint8) for v in (10, 90)]), np.array([[0.0, 0.0], [1.0, 1.0]]))
    assert corners[-THUMB, 0, 0] == 10  # low x, low y: at the bottom left
    assert corners[0, -THUMB, 0] == 90
