"""The Boltzmann machine's system: its data, features, report and answers; the tiny machine's exact sums."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from foveal import systems, zoo
from foveal.backends.torch import build
from foveal.data import load
from foveal.errors import ConfigurationError, DataError
from foveal.systems.energy import rbm
from foveal.systems.energy import shared as boltzmann
from foveal.systems.energy.bars_and_stripes import bars_and_stripes, likelihoods

SETTINGS = {"hidden": 40, "labels": 100, "fantasies": 3, "annealing": 60, "tiny_updates": 30}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    changes = {"epochs": 12, "batch_size": 40, "lr": 0.1}
    return systems.train(
        "rbm", "digits", seed=1, changes=changes, settings=SETTINGS, runs=tmp_path_factory.mktemp("runs")
    )


def test_a_machine_learns_digits(outcome):
    facts = outcome.findings.facts
    alone = facts["likelihood"]["independent"]
    for kind, found in facts["likelihood"]["machines"].items():
        assert found["test"] > alone + 2, kind  # nats a picture more than pixels on their own
    for history in outcome.histories.values():
        assert history.history["val_pseudo_likelihood"][-1] > history.history["val_pseudo_likelihood"][0] + 1
    assert set(outcome.histories) == {"", "cd"}
    assert [row["labels"] for row in facts["features"]["scores"]] == [100]


def test_the_independent_model_is_that_of_its_own_pixels(outcome):
    data = load("digits")
    from foveal.data.splitting import split_validation

    train, _ = split_validation(data.train, 0.1, seed=1)
    on, test = (part.images.reshape(len(part), -1) > 127.5 for part in (train, data.test))
    share = on.mean(0).clip(0.001, 0.999)
    expected = (test * np.log(share) + ~test * np.log(1 - share)).sum(1).mean()
    assert outcome.findings.facts["likelihood"]["independent"] == pytest.approx(expected, rel=1e-4)


def test_the_report_shows_what_was_asked_for(outcome):
    names = {block.name for section in outcome.findings.sections for block in section.blocks}
    assert {"filters", "both-ways", "downwards", "from-noise", "from-pictures", "pseudo-likelihood", "tiny"} <= names
    pictures = next(b for s in outcome.findings.sections for b in s.blocks if b.name == "both-ways").stack
    data = load("digits")
    chosen = boltzmann.one_a_class(data.test.labels)
    np.testing.assert_array_equal(pictures[:10] > 127, data.test.images[chosen] > 127)


def test_pictures_are_answered_with_their_energy(outcome, tmp_path):
    digit = load("digits").test.images[0]
    Image.fromarray(digit[..., 0]).save(tmp_path / "digit.png")
    Image.fromarray(np.random.default_rng(0).integers(0, 2, (8, 8), np.uint8) * 255).save(tmp_path / "noise.png")
    model = str(outcome.folder.model)
    told = list(rbm.predict(model, [str(tmp_path / "digit.png"), str(tmp_path / "noise.png"), "nothing.png"]))
    energy = [float(text.split("free energy ")[1].split()[0]) for text in told[:2]]
    assert energy[0] < energy[1] - 5  # in nats: noise is far less probable
    assert "cannot be read" in told[2]
    assert next(rbm.predict(model, [str(tmp_path)])).count("free energy") == 2


def test_a_table_and_no_validation_part_are_refused(tmp_path):
    with pytest.raises(DataError, match="pictures"):
        systems.train("rbm", "iris", runs=tmp_path)
    with pytest.raises(ConfigurationError, match="validation"):
        systems.train("rbm", "digits", changes={"validation": 0.0}, runs=tmp_path)


def test_without_a_test_part_some_pictures_are_put_aside(tmp_path):
    digits = load("digits").train
    np.savez(tmp_path / "some.npz", images=digits.images[:100], labels=digits.labels[:100])
    settings = {"hidden": 4, "labels": 20, "annealing": 10, "fantasies": 2, "tiny_updates": 0}
    outcome = systems.train("rbm", str(tmp_path / "some.npz"), epochs=1, settings=settings, runs=tmp_path)
    assert outcome.findings.facts["pictures"] == {"train": 72, "validation": 8, "test": 20}
    assert any(note.startswith("There is no test part: 20") for note in outcome.findings.notes)


def test_first_biases_give_each_pixel_its_own_share():
    machine = build(zoo.rbm((2, 2, 1), hidden=2)).rbm
    rows = torch.tensor([[1.0, 0, 1, 0], [1, 0, 0, 0], [1, 0, 1, 0], [1, 0, 1, 1]])
    boltzmann.begin(machine, rows)
    with torch.no_grad():
        machine.weight.zero_()
        assert machine.down(torch.zeros(1, 2))[0].tolist() == pytest.approx([0.999, 0.001, 0.75, 0.25], abs=1e-5)


def test_the_threshold_is_part_of_the_network():
    module = build(zoo.rbm((1, 4, 1), hidden=2, threshold=0.5))
    picture = np.array([[[[0], [127], [128], [255]]]], np.uint8)
    assert boltzmann.visible(module, picture).tolist() == [[0, 0, 1, 1]]
    plain = build(zoo.rbm((1, 4, 1), hidden=2))
    assert boltzmann.visible(plain, picture)[0].tolist() == pytest.approx([0, 127 / 255, 128 / 255, 1])


def test_weights_and_codes_become_pictures():
    drawn = boltzmann.weights_as_pictures(np.array([[0.0, -2.0, 2.0, 1.0]]), (2, 2, 1))
    assert drawn[0, :, :, 0].tolist() == [[128, 0], [255, 191]]
    assert boltzmann.codes_as_pictures(np.array([[1.0, 0.0, 0.0]]), (2, 2, 3)).shape == (1, 2, 2, 3)


def test_the_linear_classifier_takes_the_strength_that_validation_prefers():
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 2, 60)
    values = np.c_[labels + 0.8 * draw.normal(size=60), draw.normal(size=(60, 40))]
    more = draw.integers(0, 2, 400)
    held = np.c_[more + 0.8 * draw.normal(size=400), draw.normal(size=(400, 40))]
    found, strength, score = boltzmann.linear_classifier((values, labels), (held, more), (0.001, 0.1, 100.0))
    from sklearn.linear_model import LogisticRegression

    scores = [LogisticRegression(C=c, max_iter=300).fit(values, labels).score(held, more) for c in (0.001, 0.1, 100.0)]
    assert score == max(scores)
    assert strength == (0.001, 0.1, 100.0)[int(np.argmax(scores))]
    assert found.get_params()["C"] == strength


def test_bars_and_stripes_are_fourteen():
    rows = bars_and_stripes()
    assert len(rows) == 14
    for row in rows.reshape(-1, 3, 3):
        assert bool((row == row[:1]).all() or (row == row[:, :1]).all())


def test_on_a_tiny_machine_every_way_raises_the_exact_likelihood():
    found = likelihoods(seed=0, updates=300)
    assert found["looks"] == [0, 30, 100, 300]
    assert found["best"] == pytest.approx(-np.log(14))
    for way, told in found["ways"].items():
        likelihood = told["log_likelihood"]
        assert likelihood[0] < -6  # of 512 pictures, about −ln 512 = −6.24
        assert likelihood[-1] > likelihood[0] + 0.2, way
        assert likelihood[-1] < found["best"]
        np.testing.assert_allclose(told["annealed"], told["log_z"], atol=0.15)
