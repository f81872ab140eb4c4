"""A residual network for small pictures, of our own design."""

from __future__ import annotations

from foveal.network import Node, Residual, Sequential
from foveal.network.layers import Dense, GlobalMaxPooling2D, MaxPooling2D, Normalization
from foveal.zoo.parts import ShapeLike, convolution, picture, thin

STEM = 32  # maps of the first convolution, which halves the size
STAGES = (48, 96)  # maps of each stage: a convolution, a residual block, a pooling
LAST = 192  # maps of the last convolution


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
    layers: list[Node] = [
        Normalization(0.2860, 0.3530**2, name="normalize"),
        Sequential(convolution(thin(STEM, width), 4, strides=2, padding=1), name="stem"),
    ]
    for number, maps in enumerate(STAGES, start=1):
        maps = thin(maps, width)
        block = [*convolution(maps, 3, "1", padding="same"), *convolution(maps, 3, "2", padding="same")]
        stage = [*convolution(maps, 3, padding="same"), Residual(block, name="block"), MaxPooling2D(2, name="pool")]
        layers.append(Sequential(stage, name=f"stage{number}"))
    layers += [
        Sequential(convolution(thin(LAST, width), 3, padding="same"), name="top"),
        GlobalMaxPooling2D(name="maxpool"),
        Dense(classes, name="fc"),
    ]
    return Sequential(layers, input_shape=shape, name="fashion_resnet")
