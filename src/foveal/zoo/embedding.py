"""A network that gives each picture a place: how faces are recognised that were never seen in training."""

from __future__ import annotations

from foveal.network import Node, Sequential
from foveal.network.layers import Dense, GlobalMaxPooling2D, MaxPooling2D, UnitNormalization
from foveal.zoo.parts import ShapeLike, convolution, picture, thin

MAPS = (32, 48, 64)  # of the three convolutions, a pooling after the first two


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
    for number, maps in enumerate(MAPS, start=1):
        layers += convolution(thin(maps, width), 3, str(number), padding="same")
        if number < len(MAPS):
            layers.append(MaxPooling2D(2, name=f"pool{number}"))
    layers += [GlobalMaxPooling2D(name="maxpool"), Dense(dimensions, name="place"), UnitNormalization(name="sphere")]
    return Sequential(layers, input_shape=shape, name="embedder")
