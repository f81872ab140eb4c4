"""Autoencoders beside principal components and filters, each of these as its own library has it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.decomposition import PCA

from foveal import modelfile, systems
from foveal.backends.torch import build
from foveal.data.dataset import Split
from foveal.errors import ConfigurationError, UnknownName
from foveal.systems import launch
from foveal.systems.generative import autoencoder, denoising_autoencoder, encoder_decoder, sparse_autoencoder
from foveal.systems.image_tools import as_values


def quick(name, folder, **settings):
    return systems.train(name, runs=folder, **launch.method(systems.system(name)).quick.arguments(**settings))


def clusters(count=60, seed=0):
    return Split(np.random.default_rng(seed).integers(0, 256, (count, 4, 3, 1), np.uint8), np.arange(count) % 2)


def test_components_are_scikit_learn_s_on_other_pictures():
    train, test = clusters(), as_values(clusters(20, seed=1).images)
    found = encoder_decoder.Components(train)
    rows = test.reshape(20, -1).astype(np.float64)
    known = PCA(5).fit(as_values(train.images).reshape(60, -1).astype(np.float64))
    back = np.clip(known.inverse_transform(known.transform(rows)), 0, 1)
    assert found.error(test, 5) == pytest.approx(((back - rows) ** 2).mean(), rel=1e-4)
    assert np.abs(found.projected(test, 5)) == pytest.approx(np.abs(known.transform(rows)), abs=1e-4)
    assert found.error(test, 12) == pytest.approx(0, abs=1e-10)
    assert found.error(test, 500) == found.error(test, 12)


def test_few_pictures_have_few_components():
    assert encoder_decoder.Components(clusters(6)).most == 6


def filtered(kind, name, values):
    """One of the baselines, by its name."""
    return denoising_autoencoder.baselines(encoder_decoder.Components(clusters(6)))[kind][name](values)


def windows(values, reach):
    """(N, h, w, side, side) in float64: what lies around each pixel; the border is repeated."""
    wide = np.pad(values[..., 0].astype(np.float64), ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    return np.lib.stride_tricks.sliding_window_view(wide, (2 * reach + 1,) * 2, axis=(1, 2))


@given(st.sampled_from(denoising_autoencoder.WIDTHS), st.integers(4, 9), st.integers(4, 9), st.integers(0, 999))
def test_the_gaussian_filter_is_its_definition(sigma, height, width, seed):
    values = np.random.default_rng(seed).uniform(size=(2, height, width, 1)).astype(np.float32)
    reach = math.ceil(3 * sigma)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    weights /= weights.sum()
    wanted = np.einsum("nyxab,a,b->nyx", windows(values, reach), weights, weights)
    found = filtered("Gaussian filter", f"σ = {sigma} pixels", values)
    assert found.dtype == np.float32
    assert found[..., 0] == pytest.approx(wanted, abs=1e-6)


@given(st.sampled_from(denoising_autoencoder.WINDOWS), st.integers(3, 9), st.integers(3, 9), st.integers(0, 999))
def test_the_median_filter_is_its_definition(size, height, width, seed):
    values = np.random.default_rng(seed).uniform(size=(2, height, width, 1)).astype(np.float32)
    wanted = np.median(windows(values, size // 2), axis=(-2, -1))
    assert (filtered("median filter", f"{size} × {size}", values)[..., 0] == wanted).all()


def test_noise_follows_from_the_seed_and_its_purpose():
    from foveal.training.steps.corruption import Corruption

    values, noise = np.full((2, 4, 4, 1), 0.5, np.float32), Corruption("gaussian", 0.1)
    assert (
        denoising_autoencoder.spoilt(values, noise, 0, 1) == denoising_autoencoder.spoilt(values, noise, 0, 1)
    ).all()
    assert (
        denoising_autoencoder.spoilt(values, noise, 0, 1) != denoising_autoencoder.spoilt(values, noise, 0, 2)
    ).all()


def test_the_error_that_is_told_is_that_of_the_model_file(tmp_path):
    outcome = quick("autoencoder", tmp_path)
    facts = outcome.findings.facts
    network, state, metadata = modelfile.load(outcome.folder.model)
    module = build(network)
    module.load_state_dict(state)
    from foveal.data import load

    test = load("digits").test
    values = as_values(test.images[np.sort(np.random.default_rng(64).permutation(len(test))[:80])])
    assert facts["mse"] == pytest.approx(((module.predict(values) - values) ** 2).mean(), rel=1e-5)
    assert metadata["training"]["test"]["mse"] == facts["mse"]
    assert set(outcome.histories) == {"", "code-2"}
    assert facts["mse_by_size"]["3"] == facts["mse"]


def test_a_long_enough_training_beats_principal_components(tmp_path):
    outcome = systems.train(
        "autoencoder",
        "digits",
        changes={"epochs": 10, "batch_size": 64, "lr": 5e-3},
        settings={"code": 4, "sizes": "4"},
        runs=tmp_path,
    )
    facts = outcome.findings.facts
    assert facts["mse"] < facts["pca_mse"]
    assert facts["better_than_pca_at"] == [4]


def test_activity_is_counted_right():
    told = sparse_autoencoder.activity(np.array([[0.9, 0.0, 0.1], [0.5, 0.0, 0.0]]))
    assert told == {"mean": 0.25, "active_per_picture": 1.0, "share_active": pytest.approx(1 / 3), "silent_units": 2}


def test_the_penalty_that_is_asked_for_is_used(tmp_path):
    facts = quick("sparse_autoencoder", tmp_path, weight=1.0).findings.facts
    assert facts["sparse"]["mean"] < facts["free"]["mean"] - 0.02
    assert facts["mse"] != facts["mse_without_penalty"]


@pytest.mark.parametrize("kind", ["masking", "salt"])
def test_other_noise(kind, tmp_path):
    facts = quick("denoising_autoencoder", tmp_path, noise=kind, amount=0.2).findings.facts
    assert facts["noise"] == kind
    assert facts["mse_by_method"]["nothing done"] == facts["mse_noisy"] > 0
    assert set(facts["chosen"]) == {"Gaussian filter", "median filter", "PCA"}


def test_settings_that_cannot_be_are_explained(tmp_path):
    with pytest.raises(ConfigurationError, match="not code sizes"):
        autoencoder.code_sizes("2;8")
    with pytest.raises(UnknownName, match="no such noise"):
        quick("denoising_autoencoder", tmp_path, noise="pink")
    with pytest.raises(UnknownName, match="no such penalty"):
        quick("sparse_autoencoder", tmp_path, penalty="l0")
