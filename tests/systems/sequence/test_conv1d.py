"""The 1-D convolution system: equal sizes, its measurements against plain counting, and that the convolution is ahead."""

from __future__ import annotations

import json

import numpy as np
import pytest

from foveal import systems, zoo
from foveal.backends.torch import build
from foveal.data.generated import waves
from foveal.errors import ConfigurationError, DataError, DescriptionError, ShapeError
from foveal.systems.classification.matched_mlp import equal_mlp, parameters
from foveal.systems.sequence import conv1d
from foveal.systems.sequence.conv1d_report import gain


@pytest.mark.parametrize("network", [zoo.conv1d(), zoo.lecture_cnn(), zoo.conv1d(input_shape=(64, 2), width=2.0)])
def test_the_mlp_has_as_many_parameters(network):
    mlp = equal_mlp(network)
    n, (h, k, c) = network.input_shape.size, [layer.units for layer in mlp.layers[1:]]
    assert parameters(mlp) == h * (n + 1) + k * (h + 1) + c * (k + 1)
    assert abs(parameters(mlp) - parameters(network)) <= (n + 1 + k) / 2  # no other h comes nearer


def test_parameters_by_hand():
    assert parameters(zoo.conv1d()) == (9 * 1 + 1) * 16 + (9 * 16 + 1) * 32 + (9 * 32 + 1) * 32 + 33 * 6 == 14_246
    sizes = {kind: parameters(tree) for kind, tree in conv1d.networks(waves.load(train=6, test=6)).items()}
    assert sizes["conv1d"] == 14_246
    assert abs(sizes["mlp"] - 14_246) < 0.006 * 14_246


def test_shares_are_counted_and_intervals_hold_them():
    part = waves.load(1, train=1, test=84).test
    random = np.random.default_rng(0)
    right = random.random((3, 84)) < 0.7
    found = conv1d.accuracy(right, part, waves.NOISE)
    for level, told in zip(waves.NOISE, found["by_noise"], strict=True):
        own = [bool(r) for row in right for r, noise in zip(row, part.noise, strict=True) if abs(noise - level) < 1e-6]
        assert told["mean"] == pytest.approx(sum(own) / len(own))
        assert told["count"] == 12
        assert told["low"] <= told["mean"] <= told["high"]
    assert found["all"]["networks"] == pytest.approx(right.mean(1).tolist())


def test_turning_a_signal_round_changes_the_mean_over_time_little():
    part = waves.load(1, train=1, test=60).test
    trees = conv1d.networks(waves.load(train=6, test=6))
    tree = trees["conv1d"]
    module = build(tree, seed=0)
    found = conv1d.shifted([module], part, waves.NOISE[:2])
    before = module.predict(part.values).argmax(1)
    after = module.predict(np.concatenate([part.values[:, -32:], part.values[:, :-32]], 1)).argmax(1)
    assert found["samples"] == 32
    assert found["changed"] == pytest.approx((before != after).mean())
    assert found["by_noise"] == pytest.approx([(before != after)[np.isclose(part.noise, n)].mean() for n in (0, 0.25)])


def test_gain_is_the_fourier_transform():
    kernels = np.random.default_rng(1).normal(size=(5, 9))
    padded = np.fft.rfft(kernels, 64, axis=1)
    np.testing.assert_allclose(gain(kernels, 33), np.abs(padded), atol=1e-9)


def test_a_short_training_puts_the_convolution_ahead(tmp_path):
    settings = {"seeds": 1, "train": 720, "test": 210, "length": 64}
    outcome = systems.train("conv1d", epochs=5, changes={"batch_size": 32}, settings=settings, runs=tmp_path)
    found = json.loads((outcome.folder.path / "evaluation.json").read_text())
    own, other = (found["accuracy"][kind]["all"]["mean"] for kind in ("conv1d", "mlp"))
    assert own > other + 0.05
    assert own > 0.3
    assert found["shifted"]["conv1d"]["changed"] < found["shifted"]["mlp"]["changed"]
    assert "Responses over time" in outcome.folder.report.read_text()
    assert sorted(path.name for path in outcome.folder.path.glob("*.safetensors")) == [
        "mlp.safetensors",
        "model.safetensors",
    ]


def test_what_it_cannot_take(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot learn from these data"):
        systems.train("conv1d", "iris", runs=tmp_path)
    with pytest.raises(ConfigurationError, match="--set length=32"):
        systems.train("conv1d", runs=tmp_path, settings={"length": 8})
    with pytest.raises(DataError, match="cannot be drawn"):
        waves.load(0, 84, 84, length=8)
    with pytest.raises(ConfigurationError, match="--set seeds=1"):
        systems.train("conv1d", runs=tmp_path, settings={"seeds": 0})
    with pytest.raises(DescriptionError, match="takes signals"):
        zoo.conv1d(input_shape=(8, 8, 1))
    with pytest.raises(ShapeError, match="too short"):
        zoo.conv1d(input_shape=(3, 1))
