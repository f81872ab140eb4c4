"""VGG: only 3 × 3 windows, stacked deep.

Simonyan, Zisserman 2014, "Very Deep Convolutional Networks for Large-Scale Image Recognition", table 1, columns A, B, D
and E. Each of the five blocks ends in a pooling that halves the size; a list of numbers is the network.

Ours: pictures are centred inside; kernels start as He et al. 2015 have it, because the paper starts the deep networks from
the shallow one; in the variants with batch normalisation (which the paper, older than that, does not have) convolutions
keep their bias. Dropout and layer sizes are the paper's; the output is logits. Other sizes than 224 × 224 change the number
of inputs of ``classifier/fc6``.
"""

from __future__ import annotations

from foveal.network import Node, Sequential
from foveal.network.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from foveal.zoo.parts import ShapeLike, centre, picture, thin

MAPS = (64, 128, 256, 512, 512)  # of each block
DEPTHS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}  # convolutions in each


def vgg11(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """VGG's column A, eleven layers with weights; 132,863,336 parameters. Arguments and errors as in :func:`vgg16`."""
    return _vgg(11, classes, input_shape, width)


def vgg13(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """VGG's column B, thirteen layers with weights; 133,047,848 parameters. Arguments and errors as in :func:`vgg16`."""
    return _vgg(13, classes, input_shape, width)


def vgg16(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """VGG's column D, sixteen layers with weights; 138,357,544 parameters.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, at least 32 × 32.
        width: factor on the number of feature maps and units.

    Raises:
        ShapeError: a picture below 32 × 32.

    Example:
        >>> from foveal.network import walk
        >>> [path for path, _ in walk(vgg16())][2:5]
        ['features', 'features/block1', 'features/block1/conv1']
    """
    return _vgg(16, classes, input_shape, width)


def vgg19(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """VGG's column E, nineteen layers with weights; 143,667,240 parameters. Arguments and errors as in :func:`vgg16`."""
    return _vgg(19, classes, input_shape, width)


def vgg11_bn(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """:func:`vgg11` with batch normalisation; 132,868,840 parameters."""
    return _vgg(11, classes, input_shape, width, normalised=True)


def vgg13_bn(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """:func:`vgg13` with batch normalisation; 133,053,736 parameters."""
    return _vgg(13, classes, input_shape, width, normalised=True)


def vgg16_bn(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """:func:`vgg16` with batch normalisation; 138,365,992 parameters."""
    return _vgg(16, classes, input_shape, width, normalised=True)


def vgg19_bn(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """:func:`vgg19` with batch normalisation; 143,678,248 parameters."""
    return _vgg(19, classes, input_shape, width, normalised=True)


def _vgg(depth: int, classes: int, input_shape: ShapeLike, width: float, normalised: bool = False) -> Sequential:
    name = f"vgg{depth}_bn" if normalised else f"vgg{depth}"
    shape = picture(name, input_shape, smallest=32, because="five poolings halve it: 32 → 16 → 8 → 4 → 2 → 1")
    blocks = [
        Sequential(_block(thin(maps, width), count, normalised), name=f"block{number}")
        for number, (maps, count) in enumerate(zip(MAPS, DEPTHS[depth], strict=True), start=1)
    ]
    classifier: list[Node] = [Flatten(name="flatten")]
    for number in (6, 7):
        classifier.append(
            Dense(thin(4096, width), activation="relu", kernel_initializer="he_normal", name=f"fc{number}")
        )
        classifier.append(Dropout(0.5, name=f"dropout{number}"))
    classifier.append(Dense(classes, name="fc8"))
    return Sequential(
        [centre(shape), Sequential(blocks, name="features"), Sequential(classifier, name="classifier")],
        input_shape=shape,
        name=name,
    )


def _block(maps: int, count: int, normalised: bool) -> list[Node]:
    layers: list[Node] = []
    for number in range(1, count + 1):
        activation = None if normalised else "relu"
        layers.append(
            Conv2D(maps, 3, padding=1, activation=activation, kernel_initializer="he_normal", name=f"conv{number}")
        )
        if normalised:
            layers.append(BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"bn{number}"))
            layers.append(Activation("relu", name=f"relu{number}"))
    return [*layers, MaxPooling2D(2, name="pool")]
