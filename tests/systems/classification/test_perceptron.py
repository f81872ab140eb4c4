"""The perceptron system: exact where a line separates, never on XOR, and an MLP that does it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from foveal import systems
from foveal.data.published import iris
from foveal.errors import ConfigurationError, DataError


@pytest.fixture(scope="module")
def all_of_them(tmp_path_factory):
    return systems.train("perceptron", epochs=12, seed=3, runs=tmp_path_factory.mktemp("runs"))


def test_the_separable_ones_are_exact_within_the_bound(all_of_them):
    problems = all_of_them.findings.facts["problems"]
    assert list(problems) == ["and", "or", "xor", "iris"]
    for name in ("and", "or", "iris"):
        found = problems[name]
        assert found["separable"] is True
        assert found["errors"] == found["errors_by_epoch"][-1] == 0
        assert 0 < found["corrections"] <= found["bound"]
    assert problems["iris"]["unseen"] == 20


def test_xor_never_comes_to_no_errors_but_an_mlp_does(all_of_them):
    found = all_of_them.findings.facts["problems"]["xor"]
    assert found["separable"] is False
    assert found["bound"] is None
    assert min(found["errors_by_epoch"]) >= 1
    assert min(found["corrections_by_epoch"]) >= 1
    np.testing.assert_allclose(found["common_point"], [0.5, 0.5])
    assert found["mlp_errors"] == 0


def test_the_kept_line_is_the_one_that_was_measured(all_of_them):
    from foveal import modelfile

    _, state, told = modelfile.load(all_of_them.folder.path / "iris.safetensors")
    data = iris.load().train
    two = data.labels < 2
    net = data.images[two][:, 2:] @ np.asarray(state["unit.weight"])[0] + float(state["unit.bias"][0])
    assert ((net > 0) == data.labels[two]).all()
    assert told["classes"] == ["setosa", "versicolor"]


def test_one_problem_alone_and_its_report(tmp_path):
    outcome = systems.train("perceptron", "xor", epochs=3, runs=tmp_path, settings={"mlp_steps": 60})
    told = json.loads((outcome.folder.path / "evaluation.json").read_text())
    assert list(told["problems"]) == ["xor"]
    page = outcome.folder.report.read_text()
    assert "Why no line separates XOR" in page
    assert "a contradiction" in page
    assert outcome.folder.model.is_file()


def test_classes_that_lines_do_not_separate(tmp_path):
    settings = {"class_a": 1, "class_b": 2, "mlp_steps": 12}
    found = systems.train("perceptron", "iris", epochs=2, runs=tmp_path, settings=settings).findings.facts["problems"]
    assert found["iris"]["separable"] is False
    assert found["iris"]["errors"] > 0


def test_what_it_cannot_take(tmp_path):
    with pytest.raises(DataError, match="plane of two measurements"):
        systems.train("perceptron", "digits", runs=tmp_path)
    with pytest.raises(ConfigurationError, match="no two such classes"):
        systems.train("perceptron", "iris", runs=tmp_path, settings={"class_b": 0})
    with pytest.raises(ConfigurationError, match="no two such columns"):
        systems.train("perceptron", "iris", runs=tmp_path, settings={"feature_y": 4})


def test_a_point_is_answered(all_of_them):
    from foveal.systems.classification import perceptron

    folder = all_of_them.folder.path
    told = list(perceptron.predict(str(folder / "and.safetensors"), ["1 1", "0, 1", "0 0"]))
    assert [text.split()[0] for text in told] == ["1", "0", "0"]
    weights = all_of_them.findings.facts["problems"]["and"]["weights"]
    assert told[0] == f"1 (net {sum(weights):.4g})"
    assert [text[0] for text in perceptron.predict(str(folder / "xor-mlp.safetensors"), ["1 1", "0 1"])] == ["0", "1"]
    for text in ("1", "a b", "1 2 3", "nan 0"):
        with pytest.raises(DataError, match="not a point of the plane"):
            next(perceptron.predict(str(folder / "and.safetensors"), [text]))
