"""The MLP system: folds, scaling by the training part alone, figures against scikit-learn, and the recipe by data."""

from __future__ import annotations

import json

import numpy as np
import pytest

from foveal import modelfile, systems, zoo
from foveal.backends.torch import build
from foveal.data import load
from foveal.errors import ConfigurationError
from foveal.systems.classification import mlp


def test_folds_are_stratified_and_test_each_example_once():
    labels = load("iris").train.labels
    parts = mlp.cut(labels, 5, seed=4)
    assert sorted(np.concatenate([test for _, test in parts]).tolist()) == list(range(120))
    for train, test in parts:
        assert not set(train) & set(test)
        assert np.bincount(labels[test]).tolist() == [8, 8, 8]
    assert [test.tolist() for _, test in parts] != [test.tolist() for _, test in mlp.cut(labels, 5, seed=5)]


def test_a_table_is_scaled_by_the_part_that_is_learned_from():
    from sklearn.preprocessing import StandardScaler

    data = load("iris")
    tree = mlp.scaled(zoo.mlp(3, (4,), hidden=[5]), data.train)
    module = build(tree, seed=1)
    plain = build(zoo.mlp(3, (4,), hidden=[5]), seed=1)
    scaler = StandardScaler().fit(data.train.images)
    rows = data.test.images
    np.testing.assert_allclose(module.predict(rows), plain.predict(scaler.transform(rows)), atol=1e-4)
    pictures = zoo.mlp(10, (8, 8, 1))
    assert mlp.scaled(pictures, load("digits").train) is pictures


def test_a_column_that_never_varies_is_no_trouble():
    from foveal.data.dataset import Split

    part = Split(np.array([[1, 5], [2, 5], [3, 5]], np.float32), np.array([0, 1, 0]))
    found = build(mlp.scaled(zoo.mlp(2, (2,)), part)).predict(part.images)
    assert np.isfinite(found).all()


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    return systems.train("mlp", "iris", epochs=8, seed=2, runs=tmp_path_factory.mktemp("runs"), settings={"folds": 3})


def test_every_figure_of_the_cross_validation_is_there(outcome):
    told = json.loads((outcome.folder.path / "evaluation.json").read_text())
    found = told["cross_validation"]
    assert (found["folds"], found["examples"], sum(found["sizes"])) == (3, 150, 150)
    assert list(found["accuracy"]) == ["mlp", "logistic regression", "scikit-learn's MLP"]
    for score in found["accuracy"].values():
        assert score["mean"] == pytest.approx(np.mean(score["folds"]))
        assert score["correct"] == round(sum(s * n for s, n in zip(score["folds"], found["sizes"], strict=True)))
        assert score["interval"][0] < score["correct"] / 150 < score["interval"][1]
        assert score["mean"] > 0.85
    assert told["count"] == 30
    assert told["correct"] / 30 == told["accuracy"]


def test_a_fold_learns_from_all_that_is_not_tested_and_puts_nothing_aside(outcome):
    own = [outcome.histories[f"fold{number}"].history for number in (1, 2, 3)]
    assert all(columns.keys() == {"loss", "accuracy"} for columns in own)
    assert "val_loss" in outcome.histories[""].history  # the run's own network does


def test_logistic_regression_is_scikit_learns_on_the_same_folds(outcome):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    whole = mlp._whole(load("iris"))
    parts = mlp.cut(whole.labels, 3, seed=2)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    wanted = cross_val_score(model, whole.images.astype(np.float64), whole.labels, cv=parts)
    found = outcome.findings.facts["cross_validation"]["accuracy"]["logistic regression"]["folds"]
    np.testing.assert_allclose(found, wanted)


def test_the_kept_model_is_the_one_that_was_tested(outcome):
    network, state, told = modelfile.load(outcome.folder.model)
    module = build(network)
    module.load_state_dict(state)
    test = load("iris").test
    assert (module.predict(test.images).argmax(1) == test.labels).mean() == outcome.findings.facts["accuracy"]
    assert told["classes"] == ["setosa", "versicolor", "virginica"]
    assert "Cross-validation" in outcome.folder.report.read_text()


def test_the_recipe_depends_on_the_data():
    found = mlp.METHOD
    assert found.recipe_for("iris", {}).batch_size == 16
    assert found.recipe_for("fashion-mnist", {}) == found.recipe_for(None, {}) == mlp.RECIPE
    assert systems.plan("mlp", "iris", changes={"epochs": 3}).config.epochs == 3


def test_many_examples_or_no_folds_are_not_cross_validated(tmp_path):
    small = systems.train("mlp", "digits", epochs=1, runs=tmp_path, settings={"fold_below": 100, "limit": 90})
    assert "cross_validation" not in small.findings.facts
    none = systems.train("mlp", "iris", epochs=1, runs=tmp_path, settings={"folds": 0})
    assert [headline.label for headline in none.findings.headlines] == ["test accuracy"]


@pytest.mark.parametrize(("folds", "why"), [(1, "too small"), (51, "an example of every class"), (-2, "too small")])
def test_too_many_folds_are_refused(folds, why, tmp_path):
    with pytest.raises(ConfigurationError, match=why):
        systems.train("mlp", "iris", epochs=1, runs=tmp_path, settings={"folds": folds})


def test_no_fold_sees_what_it_is_tested_on(monkeypatch):
    """Each fold's network is scaled by the rows it learns from, and by no others."""
    from types import SimpleNamespace

    from foveal.training.config import TrainingConfig

    seen = []

    def classify(run, network, data, **options):
        scale = network.layers[0]
        np.testing.assert_allclose(scale.mean, data.train.images.astype(np.float64).mean(0))
        np.testing.assert_allclose(scale.variance, data.train.images.astype(np.float64).var(0))
        seen.append((len(data.train), len(data.test), options["config"].validation))
        return SimpleNamespace(evaluation=SimpleNamespace(correct=len(data.test)))

    monkeypatch.setattr(mlp, "classify", classify)
    run = SimpleNamespace(
        seed=0, config=TrainingConfig(early_stopping=3), notify=print, cached=lambda name, compute: {}
    )
    told = mlp._cross_validated(run, load("iris"), 5)
    assert seen == [(120, 30, 0.0)] * 5
    assert told["accuracy"]["mlp"]["mean"] == 1.0


@pytest.mark.parametrize(
    ("data", "changes"),
    [("nodata", {}), ("iris", {"augment": "flip"}), ("iris", {"loss": "mse", "optimizer": "sgd", "lr": 1e30})],
)
def test_a_mistake_leaves_no_run_behind_and_a_training_that_failed_does(data, changes, tmp_path):
    from foveal.errors import FovealError, TrainingError

    with pytest.raises(FovealError) as caught:
        systems.train("mlp", data, epochs=1, changes=changes, settings={"folds": 0}, runs=tmp_path)
    assert any(tmp_path.iterdir()) is isinstance(caught.value, TrainingError) is ("lr" in changes)


def test_ctrl_c_in_a_baseline_of_scikit_learn_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.neural_network import MLPClassifier

    from foveal.training.interruption import Interrupted

    def interrupted(*arguments: object, **more: object) -> None:
        raise Interrupted("stopped", 2)

    monkeypatch.setattr(MLPClassifier, "_update_no_improvement_count", interrupted)
    x, y = np.random.default_rng(0).random((20, 3)), np.arange(20) % 2
    with pytest.warns(UserWarning, match="interrupted"):
        MLPClassifier((4,), max_iter=3).fit(x, y)  # what scikit-learn makes of it
    with pytest.raises(Interrupted):
        mlp._fit(MLPClassifier((4,), max_iter=3), x, y)
