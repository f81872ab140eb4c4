"""Networks that make pictures: the variational autoencoder and the DCGAN, each one tree whose parts a step finds by name."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from foveal.errors import DescriptionError, ShapeError
from foveal.network import Node, Vector, as_shape
from foveal.network import Sequential as Chain
from foveal.network.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Flatten,
    Rescaling,
    Reshape,
    Sampling,
)
from foveal.zoo.parts import ShapeLike, picture, thin, whole

MAPS = 32  # of the DCGAN's larger stage; Radford et al. have 128 there, for pictures of 64 × 64


def vae(
    input_shape: ShapeLike = (28, 28, 1), latent: int = 16, hidden: Sequence[int] = (512, 256), width: float = 1.0
) -> Chain:
    """A variational autoencoder (Kingma, Welling 2013): picture → mean and log-variance → sample → logits of the pixels.

    ``encoder`` ends in 2 · latent numbers, the mean and the logarithm of the variance of each latent value; ``sampling``
    draws from that normal distribution in training and hands the mean on in evaluation; ``decoder`` gives a logit a
    pixel, whose sigmoid is the grey value expected there. 1,079,600 parameters.

    Args:
        input_shape: height × width × channels of a picture.
        latent: numbers that a picture is described by.
        hidden: units of the encoder's hidden layers; the decoder has them in the opposite order. The paper has one
            layer of 500 tanh units.
        width: factor on them.

    Raises:
        ShapeError: a height or width that is not known.

    Example:
        >>> [part.name for part in vae().layers]
        ['encoder', 'sampling', 'decoder']
    """
    shape = picture("vae", input_shape)
    axes = whole("vae", shape)
    units = [thin(n, width) for n in hidden]
    encoder: list[Node] = [Flatten(name="flatten")]
    encoder += [Dense(n, activation="relu", name=f"hidden{i}") for i, n in enumerate(units, 1)]
    decoder: list[Node] = [Dense(n, activation="relu", name=f"hidden{i}") for i, n in enumerate(reversed(units), 1)]
    return Chain(
        [
            Chain([*encoder, Dense(2 * latent, name="posterior")], name="encoder"),
            Sampling(latent, name="sampling"),
            Chain([*decoder, Dense(prod(axes), name="pixels"), Reshape(axes, name="picture")], name="decoder"),
        ],
        input_shape=shape,
        name="vae",
    )


def dcgan(input_shape: ShapeLike = (64,), picture_shape: ShapeLike = (28, 28, 1), width: float = 1.0) -> Chain:
    """A deep convolutional GAN (Radford, Metz, Chintala 2015): noise → picture → a logit that says "real"; 270,754 parameters.

    Both halves stand in one tree, so noise goes in and the discriminator's opinion of the made picture comes out. As in
    the paper: no pooling and no hidden dense layers, strided convolutions in the discriminator and transposed ones in the
    generator, batch normalisation in both but not at the generator's output and the discriminator's input, ReLU and tanh in the
    generator, LeakyReLU with slope 0.2 in the discriminator. Ours: two stages in place of four (pictures of 28 × 28, not
    64 × 64), windows of 4 × 4 (a multiple of the stride, so that stamps overlap evenly; Odena et al. 2016), and pixels from
    0 to 1 between the halves, as everywhere in Foveal; a Rescaling on each side turns them into the paper's −1 to 1.

    Args:
        input_shape: how many normally distributed numbers a picture is made of; the paper has 100, uniform.
        picture_shape: height × width × channels of the pictures, height and width multiples of 4.
        width: factor on the number of feature maps.

    Raises:
        DescriptionError: noise that is not a vector.
        ShapeError: a height or width that is not a multiple of 4, or not known.

    Example:
        >>> [part.name for part in dcgan().layers]
        ['generator', 'discriminator']
    """
    noise = as_shape(input_shape)
    if not isinstance(noise, Vector):
        raise DescriptionError(
            "the generator makes pictures of noise",
            where="dcgan",
            given=f"input shape {noise} ({type(noise).__name__})",
            expected="a number of random values; picture_shape is what comes out",
            fix="input_shape=64, say",
        )
    shape = picture("dcgan", picture_shape, smallest=4, because="it is doubled twice from 1 × 1 on")
    low, high = thin(2 * MAPS, width), thin(MAPS, width)
    height, across, channels = whole("dcgan", shape)
    if height % 4 or across % 4:
        raise ShapeError(
            "the generator doubles its pictures twice",
            where="dcgan",
            given=f"pictures of {shape}",
            expected="a height and a width that are multiples of 4",
            fix="picture_shape=(28, 28, 1), say",
        )
    h, w = height // 4, across // 4
    generator: list[Node] = [
        Dense(h * w * low, use_bias=False, kernel_initializer="he_normal", name="project"),
        Reshape((h, w, low), name="maps"),
        _normalised(1),
        Activation("relu", name="relu1"),
        Conv2DTranspose(high, 4, strides=2, padding="same", use_bias=False, kernel_initializer="he_normal", name="up1"),
        _normalised(2),
        Activation("relu", name="relu2"),
        Conv2DTranspose(channels, 4, strides=2, padding="same", activation="tanh", name="up2"),
        Rescaling(0.5, 0.5, name="pixels"),
    ]
    discriminator: list[Node] = [
        Rescaling(2.0, -1.0, name="centre"),
        Conv2D(high, 4, strides=2, padding=1, kernel_initializer="he_normal", name="down1"),
        Activation("leaky_relu", name="leaky1"),
        Conv2D(low, 4, strides=2, padding=1, use_bias=False, kernel_initializer="he_normal", name="down2"),
        _normalised(2),
        Activation("leaky_relu", name="leaky2"),
        Flatten(name="flatten"),
        Dense(1, name="real"),
    ]
    return Chain(
        [Chain(generator, name="generator"), Chain(discriminator, name="discriminator")],
        input_shape=noise,
        name="dcgan",
    )


def _normalised(number: int) -> Node:
    return BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"bn{number}")
