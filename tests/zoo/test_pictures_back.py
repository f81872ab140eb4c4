"""Autoencoders, the VAE and the DCGAN of the zoo: parameters by hand, and pictures of any size come back as they went in."""

from __future__ import annotations

from itertools import pairwise

import pytest

from foveal import zoo
from foveal.arithmetic.shapes import trace
from foveal.errors import DescriptionError, ShapeError
from foveal.network import Image


def dense(*sizes: int) -> int:
    return sum((n + 1) * m for n, m in pairwise(sizes))


def test_parameters_by_hand():
    by_hand = {
        "autoencoder": dense(784, 512, 256, 32) + dense(32, 256, 512, 784),
        "conv_autoencoder": (9 + 1) * 16 + (9 * 16 + 1) * 32 + dense(7 * 7 * 32, 32, 7 * 7 * 32)
        + (9 * 32 + 0) * 16 + 16 + 9 * 16 + 1,
        "sparse_autoencoder": dense(784, 512, 64) + dense(64, 512, 784),
        "denoising_autoencoder": 10 * 32 + (9 * 32 + 1) * 16 + 9 * 16 * 32 + 32 + 9 * 32 + 1,
        "vae": dense(784, 512, 256, 32) + dense(16, 256, 512, 784),
        "dcgan": 64 * 7 * 7 * 64 + 2 * 64 + 16 * 64 * 32 + 2 * 32 + 16 * 32 + 1
        + (16 + 1) * 32 + 16 * 32 * 64 + 2 * 64 + (7 * 7 * 64 + 1),
    }  # fmt: skip
    assert {name: zoo.entry(name).parameters for name in by_hand} == by_hand


@pytest.mark.parametrize(
    "name", ["autoencoder", "conv_autoencoder", "sparse_autoencoder", "denoising_autoencoder", "vae"]
)
@pytest.mark.parametrize("size", [(28, 28, 1), (13, 7, 3), (1, 1, 1), (30, 41, 1)])
def test_what_comes_back_has_the_shape_of_what_went_in(name, size):
    network = zoo.create(name, input_shape=size)
    assert trace(network)[0].output == Image(*size)


@pytest.mark.parametrize(
    "name", ["autoencoder", "conv_autoencoder", "sparse_autoencoder", "denoising_autoencoder", "vae"]
)
def test_a_size_that_varies_is_refused(name):
    with pytest.raises(ShapeError, match="pictures of one size"):
        zoo.create(name, input_shape=(None, 28, 1))


def test_the_denoising_code_has_as_many_numbers_as_the_picture():
    found = {step.path: step.output for step in trace(zoo.denoising_autoencoder())}
    assert found["encoder"].size == 28 * 28


def test_a_gan_s_sizes_are_checked():
    with pytest.raises(ShapeError, match="multiples of 4"):
        zoo.dcgan(picture_shape=(30, 28, 1))
    with pytest.raises(DescriptionError, match="makes pictures of noise"):
        zoo.dcgan((28, 28, 1))
    found = {step.path: step.output for step in trace(zoo.dcgan((7,), (32, 16, 3)))}
    assert found["generator"] == Image(32, 16, 3)
    assert str(found[""]) == "1"
