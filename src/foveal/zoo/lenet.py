"""LeNet-5: as the lectures' table has it, and as it was in 1998.

LeCun, Bottou, Bengio, Haffner 1998, "Gradient-Based Learning Applied to Document Recognition", section II.B and figure 2;
lecture 004, table 13-1. Layers carry the table's names: C convolution, S subsampling, F fully connected.
"""

from __future__ import annotations

from foveal.network import Image, Node, Sequential
from foveal.network.layers import (
    RBF,
    Activation,
    AveragePooling2D,
    Conv2D,
    Dense,
    Flatten,
    Normalization,
    Rescaling,
    Subsampling2D,
    ZeroPadding2D,
)
from foveal.zoo.parts import ShapeLike, picture

# Table I of the paper: the feature maps of S2 that each of C3's sixteen sees. Six see three neighbours, six see four,
# three see four that are not all neighbours, the last sees all: 60 connections in place of 96.
TABLE_I = (
    (0, 1, 2), (1, 2, 3), (2, 3, 4), (3, 4, 5), (0, 4, 5), (0, 1, 5),
    (0, 1, 2, 3), (1, 2, 3, 4), (2, 3, 4, 5), (0, 3, 4, 5), (0, 1, 4, 5), (0, 1, 2, 5),
    (0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5),
    (0, 1, 2, 3, 4, 5),
)  # fmt: skip


def lenet5(classes: int = 10, input_shape: ShapeLike = (28, 28, 1)) -> Sequential:
    """LeNet-5 by lecture 004's table 13-1: tanh, average pooling, every map of C3 sees all of S2; 61,706 parameters.

    Differences from the table: pictures of 28 × 28 get their border of zeros, and MNIST's mean 0.1307 and deviation 0.3081
    are brought to 0 and 1, inside the network ("zero-padded to 32 × 32 and normalized", says the lecture); and the last
    layer is a dense layer of logits, 850 parameters, as in lecture 000's example of the same network, because the table's
    RBF is not trained by the losses of today. :func:`lenet5_1998` has it.

    Args:
        classes: values that come out.
        input_shape: 28 × 28, which is padded, or 32 × 32 and more, which is not; × channels.

    Raises:
        ShapeError: a picture below 32 × 32 that is not 28 × 28.

    Example:
        >>> [layer.name for layer in lenet5().layers][:4]
        ['pad', 'normalize', 'C1', 'S2']
    """
    shape, border = _padded("lenet5", input_shape)
    return Sequential(
        [
            *border,
            Normalization(0.1307, 0.3081**2, name="normalize"),
            Conv2D(6, 5, activation="tanh", name="C1"),
            AveragePooling2D(2, name="S2"),
            Activation("tanh", name="S2_tanh"),
            Conv2D(16, 5, activation="tanh", name="C3"),
            AveragePooling2D(2, name="S4"),
            Activation("tanh", name="S4_tanh"),
            Conv2D(120, 5, activation="tanh", name="C5"),
            Flatten(name="flatten"),
            Dense(84, activation="tanh", name="F6"),
            Dense(classes, name="Out"),
        ],
        input_shape=shape,
        name="lenet5",
    )


def lenet5_1998(classes: int = 10, input_shape: ShapeLike = (32, 32, 1)) -> Sequential:
    """LeNet-5 as published: 60,000 trainable parameters, 156 + 12 + 1,516 + 32 + 48,120 + 10,164.

    C3 sees S2 through table I; subsampling has a trainable coefficient and bias a map; the squashing function is
    1.7159 tanh(2x/3); the output is the distance to fixed 7 × 12 pictures of the digits (its sign turned, so that the
    largest wins). Ink arrives as 1 and background as 0, and become 1.175 and −0.1, as in section II.B. Weights start in
    ±2.4 / inputs (appendix A). Other than ten classes have random ±1 in place of the pictures.

    Args:
        classes: values that come out.
        input_shape: 28 × 28, which is padded, or 32 × 32 and more, which is not; × channels.

    Raises:
        ShapeError: a picture below 32 × 32 that is not 28 × 28.

    Example:
        >>> lenet5_1998().layers[-1]
        RBF(name='Out', units=10, kernel_initializer='digit_bitmaps')
    """
    shape, border = _padded("lenet5_1998", input_shape)
    squash, start = "scaled_tanh", "lecun_1998"
    return Sequential(
        [
            *border,
            Rescaling(1.275, -0.1, name="rescale"),
            Conv2D(6, 5, activation=squash, kernel_initializer=start, name="C1"),
            Subsampling2D(2, activation=squash, name="S2"),
            Conv2D(16, 5, activation=squash, kernel_initializer=start, connections=TABLE_I, name="C3"),
            Subsampling2D(2, activation=squash, name="S4"),
            Conv2D(120, 5, activation=squash, kernel_initializer=start, name="C5"),
            Flatten(name="flatten"),
            Dense(84, activation=squash, kernel_initializer=start, name="F6"),
            RBF(classes, kernel_initializer="digit_bitmaps" if classes == 10 else "random_signs", name="Out"),
        ],
        input_shape=shape,
        name="lenet5_1998",
    )


def _padded(name: str, given: ShapeLike) -> tuple[Image, list[Node]]:
    """The input shape, and the border of zeros that MNIST's own 28 × 28 need."""
    shape = picture(name, given)
    if shape.spatial == (28, 28):
        return shape, [ZeroPadding2D(2, name="pad")]
    return picture(name, shape, smallest=32, because="32 → 28 → 14 → 10 → 5 → 1 (only 28 × 28 is padded)"), []
