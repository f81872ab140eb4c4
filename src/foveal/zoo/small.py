"""Networks for small pictures, of our own design: two residual classifiers, and an embedding of things never seen in training."""

from __future__ import annotations

from foveal.network import Image, Node, Residual, Sequential
from foveal.network.layers import Dense, GlobalMaxPooling2D, MaxPooling2D, Normalization, UnitNormalization
from foveal.zoo.parts import ShapeLike, convolution, picture, thin

STEM = 32  # maps of the first convolution, which halves the size
STAGES = (48, 96)  # maps of each stage: a convolution, a residual block, a pooling
LAST = 192  # maps of the last convolution
EMBEDDER = (32, 48, 64)  # maps of its three convolutions, a pooling after the first two
LARGE_STEM, LARGE_STAGES, LARGE_LAST = 16, (64, 128), 256


def fashion_resnet(classes: int = 10, input_shape: ShapeLike = (28, 28, 1), width: float = 1.0) -> Sequential:
    """Eight convolutions for pictures of about 28 × 28 pixels; 432,298 parameters, 22.6 million MACs.

    The stem halves the size at once: a picture this small is mostly flat, and everything after it costs a quarter. Two
    stages follow, each a convolution, a residual block (He et al. 2015) and a pooling; then the largest answer of each last
    map anywhere in the picture decides. Fashion-MNIST's mean 0.2860 and deviation 0.3530 are brought to 0 and 1 inside.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, at least 8 × 8; ``None`` for a height or width that varies.
        width: factor on the number of feature maps.

    Raises:
        ShapeError: a picture below 8 × 8.

    Example:
        >>> [layer.name for layer in fashion_resnet().layers]
        ['normalize', 'stem', 'stage1', 'stage2', 'top', 'maxpool', 'fc']
    """
    shape = picture("fashion_resnet", input_shape, smallest=8, because="8 → 4 → 2 → 1")
    stem: list[Node] = [Sequential(convolution(thin(STEM, width), 4, strides=2, padding=1), name="stem")]
    first = convolution(thin(STAGES[0], width), 3, padding="same")
    return _network(
        "fashion_resnet", shape, [*stem, _stage(1, STAGES[0], width, first)], STAGES[1], LAST, classes, width
    )


def fashion_resnet_large(classes: int = 10, input_shape: ShapeLike = (28, 28, 1), width: float = 1.0) -> Sequential:
    """:func:`fashion_resnet` with a first look at full size and more maps; 750,906 parameters, 37.1 million MACs.

    Sixteen maps are made of the picture as it is, before the step that halves it: fine textures tell a shirt from a coat.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, at least 7 × 7; ``None`` for a height or width that varies.
        width: factor on the number of feature maps.

    Raises:
        ShapeError: a picture below 7 × 7.

    Example:
        >>> [layer.name for layer in fashion_resnet_large().layers]
        ['normalize', 'stem', 'stage1', 'stage2', 'top', 'maxpool', 'fc']
    """
    shape = picture("fashion_resnet_large", input_shape, smallest=7, because="7 → 4 → 2 → 1")
    stem: list[Node] = [Sequential(convolution(thin(LARGE_STEM, width), 3, padding="same"), name="stem")]
    first = convolution(thin(LARGE_STAGES[0], width), 3, strides=2, padding=1)
    stages = [*stem, _stage(1, LARGE_STAGES[0], width, first)]
    return _network("fashion_resnet_large", shape, stages, LARGE_STAGES[1], LARGE_LAST, classes, width)


def _stage(number: int, maps: int, width: float, first: list[Node]) -> Sequential:
    """A convolution, a residual block of two more, and a pooling."""
    maps = thin(maps, width)
    block = [*convolution(maps, 3, "1", padding="same"), *convolution(maps, 3, "2", padding="same")]
    return Sequential([*first, Residual(block, name="block"), MaxPooling2D(2, name="pool")], name=f"stage{number}")


def _network(name: str, shape: Image, head: list[Node], maps: int, last: int, classes: int, width: float) -> Sequential:
    """What both have in common: the constants before, the second stage, and the end."""
    second = _stage(2, maps, width, convolution(thin(maps, width), 3, padding="same"))
    layers: list[Node] = [
        Normalization(0.2860, 0.3530**2, name="normalize"),
        *head,
        second,
        Sequential(convolution(thin(last, width), 3, padding="same"), name="top"),
        GlobalMaxPooling2D(name="maxpool"),
        Dense(classes, name="fc"),
    ]
    return Sequential(layers, input_shape=shape, name=name)


def embedder(dimensions: int = 128, input_shape: ShapeLike = (28, 28, 1), width: float = 1.0) -> Sequential:
    """A small convolutional network that ends on the unit sphere (Schroff, Kalenichenko, Philbin 2015); 50,368 parameters.

    Three 3 × 3 convolutions, each followed by batch normalisation and ReLU, the largest answer of each last map, a dense
    layer, and division by the length: the squared distance of two pictures is 2 − 2 cos of the angle between their vectors.
    FaceNet has as many dimensions, and 22 layers, for faces of 220 × 220 pixels.

    Args:
        dimensions: numbers that a picture is described by.
        input_shape: height × width × channels, at least 4 × 4; ``None`` for a height or width that varies.
        width: factor on the number of feature maps.

    Raises:
        ShapeError: a picture below 4 × 4.

    Example:
        >>> [layer.name for layer in embedder().layers][-3:]
        ['maxpool', 'place', 'sphere']
    """
    shape = picture("embedder", input_shape, smallest=4, because="4 → 2 → 1")
    layers: list[Node] = []
    for number, maps in enumerate(EMBEDDER, start=1):
        layers += convolution(thin(maps, width), 3, str(number), padding="same")
        if number < len(EMBEDDER):
            layers.append(MaxPooling2D(2, name=f"pool{number}"))
    layers += [GlobalMaxPooling2D(name="maxpool"), Dense(dimensions, name="place"), UnitNormalization(name="sphere")]
    return Sequential(layers, input_shape=shape, name="embedder")
