"""The deep belief network's system: layer by layer, then all of it, beside networks of the same shape."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal import modelfile, systems, zoo
from foveal.backends.torch import build
from foveal.inference.trained_classifier import load_classifier
from foveal.systems.energy import dbn
from foveal.systems.energy.dbn_report import downwards
from foveal.training.checkpoints.state import read_state

SETTINGS = {"hidden1": 30, "hidden2": 20, "labels": 80, "draws": 2, "tuning_epochs": 3}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    changes = {"epochs": 2, "batch_size": 50}
    return systems.train(
        "dbn", "digits", seed=1, changes=changes, settings=SETTINGS, runs=tmp_path_factory.mktemp("runs")
    )


def test_each_machine_is_a_stage_that_leaves_those_below_alone(outcome):
    assert list(outcome.histories) == ["rbm1", "rbm2"]
    ends = []
    for stage in ("rbm1", "rbm2"):
        last = max((outcome.folder.path / "stages" / stage / "checkpoints").iterdir())
        state = read_state(last)
        networks = [v for v in _dicts(state) if "rbm1.weight" in v]
        ends.append(networks[0])
    assert torch.equal(ends[0]["rbm1.weight"], ends[1]["rbm1.weight"])
    assert not torch.equal(ends[0]["rbm2.weight"], ends[1]["rbm2.weight"])


def _dicts(value):
    if isinstance(value, dict):
        yield value
        for each in value.values():
            yield from _dicts(each)


def test_every_figure_is_there_for_every_network(outcome):
    facts = outcome.findings.facts
    assert set(facts["accuracy"]) == {dbn.TRAINED, dbn.FRESH, dbn.RELU}
    assert set(facts["gain"]) == {dbn.FRESH, dbn.RELU}
    means = {name: np.mean([draw[name] for draw in facts["draws"]]) for name in facts["accuracy"]}
    assert {name: told["mean"] for name, told in facts["accuracy"].items()} == pytest.approx(means)
    assert facts["gain"][dbn.RELU]["mean"] == pytest.approx(means[dbn.TRAINED] - means[dbn.RELU])
    assert [row["layer"] for row in facts["layers"]] == ["pixels", "rbm1", "rbm2"]
    for name, told in facts["rates"].items():
        assert told["validation"][str(told["lr"])] == max(told["validation"].values()), name


def test_the_kept_network_takes_ordinary_pictures(outcome):
    from foveal.data import load

    trained = load_classifier(outcome.folder.path)
    test = load("digits").test
    found = (trained.probabilities(test.images).argmax(1) == test.labels).mean()
    assert found == pytest.approx(outcome.findings.evaluation.accuracy)
    assert found == pytest.approx(outcome.findings.facts["draws"][0][dbn.TRAINED])
    assert modelfile.read_header(outcome.folder.model).network == trained.module.network


def test_three_networks_have_one_shape():
    tree = zoo.dbn(3, (6, 6, 1), hidden=(10, 8), threshold=0.5)
    sizes = {}
    for name, each in (("dbn", tree), ("fresh", dbn.fresh(tree)), ("relu", dbn.relu(tree, (10, 8)))):
        module = build(each, seed=0)
        sizes[name] = [tuple(p.shape) for n, p in module.named_parameters() if n.endswith("weight")]
    assert sizes["dbn"] == sizes["fresh"] == sizes["relu"] == [(10, 36), (8, 10), (3, 8)]


def test_fresh_weights_are_those_of_a_dense_layer():
    from foveal.network import Sequential
    from foveal.network.layers import Dense

    tree = dbn.fresh(zoo.dbn(3, 6, hidden=(10,)))
    dense = Sequential([Dense(10, activation="sigmoid", name="rbm1"), Dense(3, name="output")], input_shape=6)
    x = torch.rand(4, 6)
    assert torch.equal(build(tree, seed=2)(x), build(dense, seed=2)(x))
    assert not torch.equal(build(zoo.dbn(3, 6, hidden=(10,)), seed=2)(x), build(dense, seed=2)(x))


def test_the_way_down_goes_through_every_machine():
    module = build(zoo.dbn(3, 6, hidden=(5, 4)), seed=0)
    top = torch.rand(2, 4)
    expected = module.rbm1.down(module.rbm2.down(top))
    assert torch.equal(downwards(module, ["rbm1", "rbm2"], top), expected.detach())
