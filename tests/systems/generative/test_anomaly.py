"""Anomalies: scores and areas against sums by hand, what is left out, and what a kept model says of an image."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from PIL import Image

from foveal import systems
from foveal.data.published import digits
from foveal.systems import launch
from foveal.systems.generative import anomaly
from foveal.systems.generative.anomaly_report import Scored


def test_the_area_is_the_share_of_pairs_in_the_right_order():
    random = np.random.default_rng(0)
    strange = np.arange(60) < 12
    scores = {
        way: np.round(random.normal(strange * shift, 1.0), 1)
        for way, shift in zip(anomaly.SCORES, (2, 1, 0), strict=True)
    }
    found = anomaly.measured(Scored("9", strange, scores, 1.5), seed=0)
    for way, score in scores.items():
        pairs = [
            1.0 if high > low else 0.5 if high == low else 0.0
            for high, low in itertools.product(score[strange], score[~strange])
        ]
        told = found["auc"][way]
        assert told["value"] == pytest.approx(np.mean(pairs))
        assert told["low"] <= told["value"] <= told["high"]
    score = scores["autoencoder"]
    assert found["noticed"] == pytest.approx((score[strange] > 1.5).mean())
    assert found["alarms"] == pytest.approx((score[~strange] > 1.5).mean())


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    told = launch.method(systems.system("anomaly")).quick.arguments(code=4, limit=200)
    return systems.train("anomaly", runs=tmp_path_factory.mktemp("runs"), **told)


def test_every_class_is_left_out_once(outcome):
    facts = json.loads((outcome.folder.path / "evaluation.json").read_text())
    assert list(facts["classes"]) == [str(n) for n in range(10)]
    areas = [each["auc"]["autoencoder"]["value"] for each in facts["classes"].values()]
    assert facts["mean"]["autoencoder"]["mean"] == pytest.approx(np.mean(areas))
    assert len(list(outcome.folder.path.glob("*.safetensors"))) == 10


def test_the_kept_model_calls_noise_an_anomaly_and_says_the_sums(outcome, tmp_path):
    path = tmp_path / "noise.png"
    pixels = np.random.default_rng(1).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    usual = tmp_path / "usual.png"
    Image.fromarray(digits.load().train.images[3, ..., 0]).save(usual)
    model = str(outcome.folder.model)
    noise, known = (next(anomaly.predict(model, [str(each)])) for each in (path, usual))
    assert "an anomaly" in noise
    from foveal.inference.opened_model import open_model

    opened = open_model(model)
    error = np.mean((opened.module.predict(pixels[None, ..., None])[0, ..., 0] - pixels / 255) ** 2)
    assert f"error {error:.4g}" in noise
    assert f"threshold {opened.metadata['threshold']:.4g}" in known
    assert len(opened.classes) == 9
