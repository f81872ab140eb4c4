"""DenseNet: every layer sees the feature maps of all layers before it in its block.

Huang, Liu, van der Maaten, Weinberger 2016, "Densely Connected Convolutional Networks", table 1 and section 3 (the variant
with bottlenecks and compression, DenseNet-BC). A layer makes ``growth`` new maps, and they are laid behind the others.
Ours: pictures are centred inside, the output is logits.
"""

from __future__ import annotations

from foveal.network import Node, Parallel, Sequential
from foveal.network.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    MaxPooling2D,
)
from foveal.zoo.parts import ShapeLike, centre, picture, thin

# depth: layers in each block, growth; the stem has twice the growth
TABLE_1 = {
    121: ((6, 12, 24, 16), 32),
    161: ((6, 12, 36, 24), 48),
    169: ((6, 12, 32, 32), 32),
    201: ((6, 12, 48, 32), 32),
}
BOTTLENECK = 4  # maps of the 1 × 1 convolution, in growths
COMPRESSION = 0.5  # share of the maps that a transition keeps


def densenet121(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """DenseNet of 121 layers, growth 32; 7,978,856 parameters.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, at least 29 × 29; ``None`` for a height or width that varies.
        width: factor on the growth.

    Raises:
        ShapeError: a picture below 29 × 29.

    Example:
        >>> from foveal.network import find
        >>> [layer.name for layer in find(densenet121(), "denseblock1/layer1/new").layers]
        ['bn1', 'relu1', 'conv1', 'bn2', 'relu2', 'conv2']
    """
    return _densenet(121, classes, input_shape, width)


def densenet161(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """DenseNet of 161 layers, growth 48; 28,681,000 parameters. Arguments and errors as in :func:`densenet121`."""
    return _densenet(161, classes, input_shape, width)


def densenet169(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """DenseNet of 169 layers, growth 32; 14,149,480 parameters. Arguments and errors as in :func:`densenet121`."""
    return _densenet(169, classes, input_shape, width)


def densenet201(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """DenseNet of 201 layers, growth 32; 20,013,928 parameters. Arguments and errors as in :func:`densenet121`."""
    return _densenet(201, classes, input_shape, width)


def _densenet(depth: int, classes: int, input_shape: ShapeLike, width: float) -> Sequential:
    name, (counts, full_growth) = f"densenet{depth}", TABLE_1[depth]
    because = "a quarter of it is left by the stem, and three transitions halve that: 29 → 15 → 8 → 4 → 2 → 1"
    shape = picture(name, input_shape, smallest=29, because=because)
    growth = thin(full_growth, width)
    channels = 2 * growth
    layers: list[Node] = [
        centre(shape),
        _convolution(channels, 7, "conv0", strides=2, padding=3),
        *_normalised("0"),
        MaxPooling2D(3, 2, 1, name="pool0"),
    ]
    for number, count in enumerate(counts, start=1):
        layers.append(Sequential([_layer(growth, i + 1) for i in range(count)], name=f"denseblock{number}"))
        channels += growth * count
        if number < len(counts):
            channels = int(channels * COMPRESSION)
            halved = [*_normalised(""), _convolution(channels, 1, "conv"), AveragePooling2D(2, name="pool")]
            layers.append(Sequential(halved, name=f"transition{number}"))
    layers += [*_normalised("5"), GlobalAveragePooling2D(name="avgpool"), Dense(classes, name="classifier")]
    return Sequential(layers, input_shape=shape, name=name)


def _layer(growth: int, number: int) -> Parallel:
    """All maps so far, and behind them ``growth`` new ones made of them."""
    new = [
        *_normalised("1"),
        _convolution(BOTTLENECK * growth, 1, "conv1"),
        *_normalised("2"),
        _convolution(growth, 3, "conv2", padding=1),
    ]
    return Parallel({"old": [], "new": new}, name=f"layer{number}")


def _normalised(suffix: str) -> list[Node]:
    return [
        BatchNormalization(momentum=0.9, epsilon=1e-5, name=f"bn{suffix}"),
        Activation("relu", name=f"relu{suffix}"),
    ]


def _convolution(maps: int, kernel: int, name: str, strides: int = 1, padding: int = 0) -> Conv2D:
    return Conv2D(
        maps, kernel, strides, padding, use_bias=False, kernel_initializer="he_normal", name=name
    )  # fmt: skip
