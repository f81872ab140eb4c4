"""What the GAN and the variational autoencoder report, against the same found another way."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from foveal import modelfile, systems, zoo
from foveal.backends.torch import build
from foveal.data.dataset import Split
from foveal.errors import ConfigurationError
from foveal.systems import launch
from foveal.systems.generative import dcgan, sample_classifier, vae


def quick(name, folder, **settings):
    return systems.train(name, runs=folder, **launch.method(systems.system(name)).quick.arguments(**settings))


@pytest.fixture(scope="module")
def gan(tmp_path_factory):
    return quick("dcgan", tmp_path_factory.mktemp("gan"))


@pytest.fixture(scope="module")
def variational(tmp_path_factory):
    return quick("vae", tmp_path_factory.mktemp("vae"))


def opened(outcome, name="model"):
    network, state, _ = modelfile.load(outcome.folder.path / f"{name}.safetensors")
    module = build(network)
    module.load_state_dict(state)
    return module.eval()


def test_the_judge_s_opinion_is_counted_right(gan):
    """From the model files alone: the same noise, the same pictures, the same classifier, the same shares."""
    facts = gan.findings.facts
    noise = np.random.default_rng([0, 1]).standard_normal((facts["samples"], 8))
    with torch.no_grad():
        values = opened(gan).node("generator")(torch.tensor(noise, dtype=torch.float32))
        made = np.rint(values.permute(0, 2, 3, 1).numpy() * 255).astype(np.uint8)
        answers = torch.softmax(opened(gan, "judge")(torch.from_numpy(made).permute(0, 3, 1, 2) / 255), 1).numpy()
    assert facts["made"]["shares"] == pytest.approx((np.bincount(answers.argmax(1), minlength=10) / len(made)).tolist())
    assert facts["made"]["confident"] == pytest.approx((answers.max(1) >= 0.9).mean())


def test_an_opinion_counts_classes_and_certainty():
    found = sample_classifier.opinion(
        np.array([[0.9, 0.1, 0.0], [0.89, 0.11, 0.0], [0.0, 0.05, 0.95], [0.02, 0.97, 0.01]])
    )
    assert found.confident == 0.75
    assert found.shares == (0.5, 0.25, 0.25)
    assert found.confident_shares == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert (found.present, found.largest) == (3, 0.5)
    nobody = sample_classifier.opinion(np.full((4, 3), 1 / 3))
    assert (nobody.confident, nobody.present, sum(nobody.confident_shares)) == (0.0, 0, 0)


def test_the_film_shows_the_same_noise_from_early_to_late(gan):
    film = next(part for part in gan.findings.sections if part.heading == "Over time").blocks[0]
    frames = film.stack.reshape(-1, dcgan.FILMED, 28, 28)
    assert len(frames) == len({label for label in film.labels if label})
    assert (frames[0] != frames[-1]).any()
    assert film.labels[(len(frames) - 1) * dcgan.FILMED] == "1", "the last frame is of the end"


def test_effective_classes_tell_a_collapse():
    assert dcgan.effective([1.0, 0.0, 0.0]) == pytest.approx(1.0)
    assert dcgan.effective([1 / 3] * 3) == pytest.approx(3.0)
    assert 1 < dcgan.effective([0.9, 0.1]) < 2


def test_a_walk_stays_on_the_sphere():
    draw = np.random.default_rng(0)
    start, end = draw.standard_normal(64), draw.standard_normal(64)
    path = dcgan.spherical(start, end, np.linspace(0, 1, 9))
    assert path[0] == pytest.approx(start)
    assert path[-1] == pytest.approx(end)
    lengths = np.linalg.norm(path, axis=1)
    assert lengths.min() > 0.9 * min(np.linalg.norm(start), np.linalg.norm(end))
    assert dcgan.spherical(start, start, np.array([0.5]))[0] == pytest.approx(start)


def test_answers_are_pictures_that_follow_from_the_seed(gan, variational):
    for family, outcome in ((dcgan, gan), (vae, variational)):
        path = str(outcome.folder.path / "model.safetensors")
        first, second, again = family.predict(path, ["1", "2", "1"])
        assert first == again != second
        assert [len(line) for line in first.split("\n")] == [56] * 28
        with pytest.raises(ConfigurationError, match="a whole number"):
            list(family.predict(path, ["shoe"]))


def test_the_bound_is_that_of_numpy(variational):
    """Both parts from the model file, picture by picture, in NumPy; the likelihood by many draws, which agrees on average."""
    figures = variational.findings.facts["test"]
    module = opened(variational)
    from foveal.data import load

    data = load("digits", size=(28, 28))
    chosen = np.sort(np.random.default_rng(64).permutation(len(data.test))[:96])
    x = data.test.images[chosen].astype(np.float64) / 255
    with torch.no_grad():
        posterior = module.node("encoder")(torch.tensor(x.transpose(0, 3, 1, 2), dtype=torch.float32)).double().numpy()
        mean, log_variance = posterior[:, :3], posterior[:, 3:]
        kl = 0.5 * (mean**2 + np.exp(log_variance) - 1 - log_variance)
        assert figures["kl"] == pytest.approx(kl.sum(1).mean(), rel=1e-5)
        assert figures["kl_by_number"] == pytest.approx(kl.mean(0), rel=1e-4)
        parts = []
        for seed in range(20):
            z = mean + np.exp(log_variance / 2) * np.random.default_rng(seed).standard_normal(mean.shape)
            logits = module.node("decoder")(torch.tensor(z, dtype=torch.float32)).double().numpy().transpose(0, 2, 3, 1)
            each = x * -np.logaddexp(0, -logits) + (1 - x) * -np.logaddexp(0, logits)
            parts.append(each.sum((1, 2, 3)).mean())
    assert figures["reconstruction"] == pytest.approx(np.mean(parts), abs=6 * np.std(parts) + 0.01)
    assert figures["elbo"] == pytest.approx(figures["reconstruction"] - figures["kl"], rel=1e-9)
    assert figures["elbo"] < figures["importance"] < figures["ceiling"]
    entropy = -(
        np.where(x > 0, x * np.log(np.maximum(x, 1e-300)), 0)
        + np.where(x < 1, (1 - x) * np.log1p(-np.minimum(x, 1 - 1e-16)), 0)
    )
    assert figures["ceiling"] == pytest.approx(-entropy.sum((1, 2, 3)).mean(), rel=1e-6)


def test_the_same_seed_states_the_same_bound_and_another_does_not(variational, tmp_path):
    again = quick("vae", tmp_path, plane=False)
    assert again.findings.facts["elbo"] == variational.findings.facts["elbo"]
    assert again.findings.facts["plane"] is None
    assert "plane" not in again.histories
    other = systems.train("vae", seed=1, runs=tmp_path, **vae.METHOD.quick.arguments(plane=False))
    assert other.findings.facts["elbo"] != variational.findings.facts["elbo"]


def test_codes_and_pictures_of_a_vae_go_both_ways(variational):
    module = opened(variational)
    split = Split(np.zeros((2, 28, 28, 1), np.uint8), np.array([0, 1]))
    assert vae.encoded(module, split.images).shape == (2, 3)
    made = vae.decoded(module, np.zeros((2, 3)))
    assert made.shape == (2, 28, 28, 1)
    assert made.dtype == np.uint8
    assert (made[0] == made[1]).all()


def test_nothing_to_draw_is_refused(tmp_path):
    with pytest.raises(ConfigurationError, match="--set latent=1"):
        quick("vae", tmp_path, latent=0)


def test_both_halves_of_the_gan_stand_in_one_tree():
    module = build(zoo.dcgan((5,), (8, 12, 3), width=1 / 16), seed=0).eval()
    noise = torch.randn(2, 5)
    picture = module.node("generator")(noise)
    assert picture.shape == (2, 3, 8, 12)
    assert torch.equal(module(noise), module.node("discriminator")(picture))
    assert 0 <= float(picture.detach().min()) <= float(picture.detach().max()) <= 1
