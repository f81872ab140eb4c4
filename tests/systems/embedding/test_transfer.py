"""Transfer learning's system: two halves, a new head, frozen or not, beside learning from scratch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from foveal import modelfile, systems, zoo
from foveal.backends.torch import build
from foveal.data import load
from foveal.data.dataset import DataSet, Split
from foveal.errors import ConfigurationError, DataError
from foveal.report.blocks import Pair
from foveal.systems.embedding import transfer
from foveal.systems.embedding.features import beneath, features, first_dense, last_dense
from foveal.systems.embedding.transfer_learner import Learner


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    settings = {"width": 0.25, "labels": 30, "draws": 2, "updates": 20}
    return systems.train(
        "transfer", "digits", seed=1, epochs=6, size=(28, 28), settings=settings, runs=tmp_path_factory.mktemp("runs")
    )


def source(outcome):
    network, state, _ = modelfile.load(outcome.folder.path / "source.safetensors")
    module = build(network)
    module.load_state_dict(state)
    return module


def test_halves_are_disjoint_and_numbered_from_zero():
    data = load("digits")
    first, second = transfer.halves(data)
    assert first.classes + second.classes == data.classes
    assert len(first.train) + len(second.train) == len(data.train)
    for half, shift in ((first, 0), (second, 5)):
        own = (data.train.labels >= shift) & (data.train.labels < shift + 5)
        np.testing.assert_array_equal(half.train.images, data.train.images[own])
        np.testing.assert_array_equal(half.train.labels + shift, data.train.labels[own])


def test_three_classes_are_too_few():
    part = Split(np.zeros((3, 4, 4, 1), np.uint8), np.arange(3))
    with pytest.raises(DataError, match="two classes"):
        transfer.halves(DataSet("three", ("a", "b", "c"), part, None, "memory"))


def test_figures_are_means_over_draws_and_gains_are_paired(outcome):
    facts = outcome.findings.facts
    assert list(facts["labels"]) == ["10", "30"]
    for count, rows in facts["draws"].items():
        told = facts["labels"][count]
        for way in (transfer.FROZEN, transfer.TUNED, transfer.PIXELS):
            mean = np.mean([row[way] - row[transfer.SCRATCH] for row in rows])
            assert told["gain"][way]["mean"] == pytest.approx(mean)
    assert facts["source"]["accuracy"] > 0.8
    blocks = [block for section in outcome.findings.sections for block in section.blocks]
    blocks += [side for block in blocks if isinstance(block, Pair) for side in (block.left, block.right)]
    names = {block.name for block in blocks if not isinstance(block, Pair) and hasattr(block, "name")}
    assert {"accuracy", "gain", "map-features", "map-pixels"} <= names


def test_frozen_is_a_linear_classifier_on_what_the_source_computes(outcome):
    from foveal.data.splitting import split_validation, stratified

    _, target = transfer.halves(load("digits", size=(28, 28)))
    train, _ = split_validation(target.train, 0.1, seed=1)
    index = stratified(train.labels, 30, 1)
    module = source(outcome)
    chosen = outcome.findings.facts["chosen"]["30"][transfer.FROZEN]["best"]
    seen, test = (features(module, images, "dense_1") for images in (train.images[index], target.test.images))
    expected = (
        LogisticRegression(C=chosen, max_iter=1000).fit(seen, train.labels[index]).score(test, target.test.labels)
    )
    assert outcome.findings.facts["draws"]["30"][0][transfer.FROZEN] == pytest.approx(expected)


def test_fine_tuning_begins_at_the_sources_weights(outcome, monkeypatch):
    from foveal.training import runner

    started = []
    monkeypatch.setattr(runner, "run", lambda module, *rest, **more: started.append(module))
    module = source(outcome)
    learner = object.__new__(Learner)
    learner.run = type("Run", (), {"seed": 1, "config": transfer.RECIPE, "settings": {"updates": 1}})()
    learner.tree, learner.source = module.network, module
    learner.cut = first_dense(module.network)
    _, target = transfer.halves(load("digits", size=(28, 28)))
    learner.train = target.train
    for way in (transfer.TUNED, transfer.SCRATCH):
        learner.network(way, 10, 0, 1e-3)
    tuned, scratch = (each.state_dict() for each in started)
    same = {name for name, tensor in module.state_dict().items() if torch.equal(tuned[name], tensor)}
    assert {name for name in tuned if name.startswith("conv")} <= same
    for head in ("dense_1.weight", "dense_2.weight"):  # the head is replaced
        assert head not in same
        assert torch.equal(tuned[head], scratch[head])
    assert not torch.equal(scratch["conv2d_1.weight"], module.state_dict()["conv2d_1.weight"])


def test_features_are_what_the_last_dense_layer_is_given():
    module = build(zoo.lecture_cnn(width=0.25), seed=0)
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1), np.uint8)
    values = features(module, images)
    answers = values @ module.dense_2.weight.detach().numpy().T + module.dense_2.bias.detach().numpy()
    np.testing.assert_allclose(answers, module.predict(images), atol=1e-5)
    with pytest.raises(ConfigurationError, match="no dense layer"):
        last_dense(zoo.rbm())


def test_one_draw_is_enough_for_a_report(tmp_path):
    settings = {"width": 0.125, "labels": 10, "draws": 1, "updates": 2, "limit": 240}
    outcome = systems.train("transfer", "digits", epochs=1, size=(28, 28), settings=settings, runs=tmp_path)
    assert "not known" in outcome.findings.headlines[0].note
    assert "inf" not in [
        cell for s in outcome.findings.sections for b in s.blocks for r in getattr(b, "rows", ()) for cell in r
    ]


def test_what_comes_before_a_cut_is_kept():
    tree = zoo.fashion_resnet(width=0.25)
    names = list(build(tree, seed=0).state_dict())
    assert [name for name in names if name not in beneath(tree, "fc", names)] == ["fc.weight", "fc.bias"]
    kept = beneath(tree, "stage2", names)
    assert {name.split(".")[0] for name in kept} == {"stem", "stage1"}
    assert {name for name in names if name.startswith(("stem", "stage1"))} == set(kept)


def test_the_depth_table_cuts_before_every_layer(outcome):
    from foveal.data.splitting import split_validation, stratified

    told = outcome.findings.facts["depth"]
    assert told["labels"] == 30
    rows = {row["input of"]: row for row in told["layers"]}
    assert next(iter(rows)) == "conv2d_1"
    assert rows["conv2d_1"]["values"] == 28 * 28
    assert list(rows)[-1] == "dense_2"
    _, target = transfer.halves(load("digits", size=(28, 28)))
    train, _ = split_validation(target.train, 0.1, seed=1)
    found = []
    for draw in range(2):  # before the first layer, features are pixels
        part = train.take(stratified(train.labels, 30, 1 + 1000 * draw))
        flat = [images.reshape(len(images), -1) / 255 for images in (part.images, target.test.images)]
        fitted = LogisticRegression(C=rows["conv2d_1"]["C"], max_iter=1000).fit(flat[0], part.labels)
        found.append(fitted.score(flat[1], target.test.labels))
    assert rows["conv2d_1"]["accuracy"] == pytest.approx(np.mean(found), abs=0.005)


def test_the_kept_model_names_the_second_half(outcome):
    told = modelfile.read_header(outcome.folder.model).metadata
    assert told["classes"] == ["5", "6", "7", "8", "9"]
    assert modelfile.read_header(outcome.folder.path / "source.safetensors").metadata["classes"] == [
        "0",
        "1",
        "2",
        "3",
        "4",
    ]
