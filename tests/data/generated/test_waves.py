"""Waveforms: their shapes against the definitions, the strength of the noise, balance, and repeatability."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import signal

from foveal.data.generated import waves
from foveal.errors import DataError


@pytest.mark.parametrize(
    ("kind", "known"),
    [
        ("sine", np.sin),
        ("square", signal.square),
        ("sawtooth", signal.sawtooth),
        ("triangle", lambda x: signal.sawtooth(x, 0.5)),
        ("pulse", lambda x: signal.square(x, 0.125)),
    ],
)
def test_shapes_are_scipys(kind, known):
    cycles, phase = np.array([3.0, 4.5]), np.array([0.1, 0.77])
    found = waves.wave(kind, cycles, phase, 96)
    turns = cycles[:, None] * np.arange(96) / 96 + phase[:, None]
    wanted = known(2 * np.pi * turns)
    wanted = wanted - wanted.mean(1, keepdims=True)
    np.testing.assert_allclose(found, wanted / wanted.std(1, keepdims=True), atol=1e-6)


def test_a_chirp_doubles_its_rate_and_has_the_cycles_that_were_asked_for():
    found = waves.wave("chirp", np.array([12.0]), np.array([0.0]), 4096)[0]
    rising = np.flatnonzero((found[:-1] < 0) & (found[1:] >= 0))
    periods = np.diff(rising)
    assert len(rising) in (11, 12)
    assert periods[0] / periods[-1] == pytest.approx(2, rel=0.15)
    assert (np.diff(periods) <= 1).all()


def test_noise_is_as_strong_as_is_said_whatever_the_size_of_the_signal():
    part = waves.load(seed=2, train=420, test=1).train
    size = part.clean.std(1)[:, 0]
    assert size.min() == pytest.approx(0.5, abs=0.1)
    assert size.max() == pytest.approx(2, abs=0.3)
    for level in waves.NOISE:
        own = np.isclose(part.noise, level)
        assert own.sum() == 60
        strength = ((part.values - part.clean).std(1)[:, 0] / size)[own]
        assert strength.mean() == pytest.approx(level, rel=0.03, abs=1e-6)


def test_every_class_has_every_level_equally_often():
    test = waves.load(test=84).test
    table = np.zeros((6, 7), int)
    for label, level in zip(test.labels, test.noise, strict=True):
        table[label, np.flatnonzero(np.isclose(waves.NOISE, level))[0]] += 1
    assert (table == 2).all()


def test_the_same_seed_gives_the_same_bits_and_the_parts_differ():
    one, two, other = (waves.load(seed, train=30, test=30) for seed in (4, 4, 5))
    assert one.train.values.tobytes() == two.train.values.tobytes()
    assert one.test.values.tobytes() == two.test.values.tobytes()
    assert not np.array_equal(one.train.values, other.train.values)
    assert not np.array_equal(one.train.values, one.test.values)
    taken = one.train.take([3, 1])
    np.testing.assert_array_equal(taken.values, one.train.values[[3, 1]])
    assert taken.labels.tolist() == [3, 1]


def test_examples_are_what_is_loaded():
    found = waves.examples(8, seed=3)
    part = waves.load(3, train=8, test=1).train
    assert [told for _, told in found][:2] == ["sine, noise 0", "square, noise 0"]
    assert found[7][1] == "square, noise 0.25"
    np.testing.assert_array_equal(np.stack([values for values, _ in found]), part.values)


@pytest.mark.parametrize("arguments", [{"train": 0}, {"length": 16}, {"noise": ()}, {"noise": (-1.0,)}])
def test_what_cannot_be_drawn_is_refused(arguments):
    with pytest.raises(DataError, match="cannot be drawn"):
        waves.load(**arguments)
