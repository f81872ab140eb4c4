"""Why convolution: each distortion against NumPy or SciPy, what is counted, intervals, and the run on small data."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from scipy import ndimage

from foveal import systems
from foveal.data import load
from foveal.errors import ConfigurationError, DataError, SourceError
from foveal.systems.classification import distortions, why_convolution


def pictures(count=3, height=12, width=9):
    return np.random.default_rng(0).random((count, 1, height, width)).astype(np.float32)


def test_a_shift_moves_whole_pixels_each_picture_its_own_way():
    x = pictures(12)
    draws = distortions.draw(12, 12, 9, seed=3)
    assert len({tuple(way) for way in draws.ways}) == 4
    found = distortions.shift(torch.from_numpy(x), 2, draws).numpy()
    for before, after, (down, right) in zip(x[:, 0], found[:, 0], draws.ways, strict=True):
        np.testing.assert_array_equal(after, ndimage.shift(before, (2 * down, 2 * right), order=0, cval=0.0))
    far = distortions.shift(torch.from_numpy(x), 20, draws)
    assert not far.any()


def test_scaling_samples_about_the_middle():
    x = pictures()
    draws = distortions.draw(3, 12, 9, seed=0)
    found = distortions.scale(torch.from_numpy(x), 1.5, draws).numpy()
    middle = np.array([5.5, 4.0])
    for before, after in zip(x[:, 0], found[:, 0], strict=True):
        wanted = ndimage.affine_transform(before, np.eye(2) / 1.5, middle - middle / 1.5, order=1, mode="grid-constant")
        np.testing.assert_allclose(after, wanted, atol=1e-4)


def test_a_turn_is_scipys_to_the_side_of_its_sign():
    x = pictures()
    draws = distortions.Draws(np.zeros((3, 2), int), np.array([1, -1, 1]), np.zeros((3, 2, 12, 9), np.float32))
    found = distortions.turn(torch.from_numpy(x), 30, draws).numpy()
    for before, after, sign in zip(x[:, 0], found[:, 0], draws.signs, strict=True):
        wanted = ndimage.rotate(before, -sign * 30, reshape=False, order=1, mode="grid-constant")
        np.testing.assert_allclose(after, wanted, atol=1e-4)


def test_an_elastic_distortion_follows_its_field():
    x = pictures()
    draws = distortions.draw(3, 12, 9, seed=1)
    found = distortions.elastic(torch.from_numpy(x), 25.0, draws).numpy()
    rows, columns = np.mgrid[:12, :9]
    for before, after, field in zip(x[:, 0], found[:, 0], draws.fields, strict=True):
        at = [rows + 25 * field[0], columns + 25 * field[1]]
        np.testing.assert_allclose(after, ndimage.map_coordinates(before, at, order=1, mode="grid-constant"), atol=1e-4)


def test_a_field_is_as_strong_as_the_documentation_says():
    fields = distortions.draw(200, 28, 28, seed=0).fields[:, :, 10:18, 10:18]  # away from the edges
    theory = 1 / np.sqrt(3) / (2 * distortions.SIGMA * np.sqrt(np.pi))
    assert float(np.sqrt((fields**2).mean())) == pytest.approx(theory, rel=0.05)
    assert 34 * theory == pytest.approx(1.4, abs=0.05)


@pytest.mark.parametrize("kind", distortions.KINDS, ids=lambda kind: kind.name)
def test_the_amount_of_nothing_changes_nothing(kind):
    x = torch.from_numpy(pictures())
    found = kind.apply(x, kind.none, distortions.draw(3, 12, 9, seed=2))
    torch.testing.assert_close(found, x, atol=1e-5, rtol=0)
    assert kind.none in kind.amounts
    assert not torch.allclose(kind.apply(x, kind.amounts[-1], distortions.draw(3, 12, 9, seed=2)), x, atol=0.05)


def test_inputs_that_change_are_counted():
    images = np.random.default_rng(1).integers(0, 256, (4, 6, 7, 1), np.uint8)
    found = why_convolution.changed_inputs(images, 2)
    some = brighter = 0
    for image in images[..., 0].tolist():
        for row in image:
            for place, value in enumerate(row):
                new = row[place + 2] if place + 2 < len(row) else 0
                some += new != value
                brighter += new >= 128 > value
    assert (found["any"], found["brighter"]) == (some / 4, brighter / 4)


def test_the_interval_has_both_parts():
    random = np.random.default_rng(0)
    right = random.random((3, 400)) < np.array([[0.7], [0.8], [0.9]])
    mean, low, high = why_convolution.interval(right)
    variance = right.mean(0).var(ddof=1) / 400 + right.mean(1).var(ddof=1) / 3
    assert mean == pytest.approx(right.mean())
    assert high - mean == pytest.approx(mean - low) == pytest.approx(1.959964 * variance**0.5)
    assert why_convolution.interval(np.ones((2, 5), bool)) == (1.0, 1.0, 1.0)


def test_the_dense_twin_of_the_first_convolution_by_hand():
    data = load("digits", size=(28, 28))
    trees = why_convolution.networks(data)
    first = why_convolution.twins(trees["cnn"])[0]
    assert first["convolution"]["parameters"] == 9 * 32 + 32
    assert first["dense"]["parameters"] == 28 * 28 * 26 * 26 * 32 + 26 * 26 * 32
    sizes = [why_convolution.parameters(tree) for tree in trees.values()]
    assert abs(sizes[0] / sizes[1] - 1) < 0.005


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    settings = {"second": "", "seeds": 1, "train": 300, "pictures": 40}
    runs, changes = tmp_path_factory.mktemp("runs"), {"batch_size": 32, "precision": "fp32"}
    return systems.train(
        "why-convolution", "digits", size=(28, 28), epochs=2, changes=changes, settings=settings, runs=runs
    )


def test_the_curves_are_what_the_kept_network_answers(outcome):
    from foveal import modelfile
    from foveal.backends.torch import build

    told = json.loads((outcome.folder.path / "evaluation.json").read_text())["data"]["digits"]
    network, state, _ = modelfile.load(outcome.folder.model)
    module = build(network)
    module.load_state_dict(state)
    data = load("digits", size=(28, 28))
    part = why_convolution._some(data.test, 40)
    draws = distortions.draw(40, 28, 28, seed=0)
    named = []
    for pixels in (0, 4):
        x = distortions.shift(torch.from_numpy(part.images).permute(0, 3, 1, 2).float() / 255, pixels, draws)
        named.append(module.predict(x.permute(0, 2, 3, 1).numpy()).argmax(1))
    curve = told["curves"]["shifted"]["cnn"]
    assert curve["accuracy"][0] == pytest.approx((named[0] == part.labels).mean())
    assert curve["accuracy"][4] == pytest.approx((named[1] == part.labels).mean())
    assert curve["changed"][4] == pytest.approx((named[0] != named[1]).mean())
    assert curve["changed"][0] == 0


def test_the_report_has_its_parts(outcome):
    page = outcome.folder.report.read_text()
    for text in ("Accuracy on digits", "Inputs that change", "The dense twin of each convolution", "Simard"):
        assert text in page


def test_a_data_set_that_is_missing_is_said(monkeypatch, tmp_path):
    import foveal.data

    def nowhere(name, **options):
        raise SourceError("not here", where=name)

    session = type("S", (), {
        "settings": {"second": "mnist"}, "data_name": "fashion-mnist", "system": systems.system("why-convolution"),
        "opening": {}, "pictures": lambda self: load("digits", size=(28, 28)),
    })()  # fmt: skip
    monkeypatch.setattr(foveal.data, "load", nowhere)
    sets, notes = why_convolution._sets(session)
    assert [data.name for data in sets] == ["digits"]
    assert notes == ["mnist could be neither found nor fetched, and was left out."]


def test_what_it_cannot_take(tmp_path):
    with pytest.raises(DataError, match="learns from pictures"):
        systems.train("why-convolution", "iris", runs=tmp_path)
    with pytest.raises(ConfigurationError, match="--set seeds=1"):
        systems.train("why-convolution", "digits", runs=tmp_path, settings={"seeds": 0})
