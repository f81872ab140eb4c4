"""AlexNet: as the lecture's table has it, and the single-tower one of 2014.

Krizhevsky, Sutskever, Hinton 2012, "ImageNet Classification with Deep Convolutional Neural Networks"; Krizhevsky 2014,
"One weird trick for parallelizing convolutional neural networks"; lecture 004, table 13-2.
"""

from __future__ import annotations

from foveal.network import Node, Sequential
from foveal.network.layers import (
    AdaptiveAveragePooling2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    LocalResponseNormalization,
    MaxPooling2D,
)
from foveal.zoo.parts import ShapeLike, centre, picture, thin

# name in the lecture's table: feature maps, kernel, stride; poolings stand between.
TABLE_13_2 = {"C1": (96, 11, 4), "C3": (256, 5, 1), "C5": (384, 3, 1), "C6": (384, 3, 1), "C7": (256, 3, 1)}
# the 2014 network: feature maps, kernel, stride, padding, whether a pooling follows
TOWER = ((64, 11, 4, 2, True), (192, 5, 1, 2, True), (384, 3, 1, 1, False), (256, 3, 1, 1, False), (256, 3, 1, 1, True))


def alexnet(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """AlexNet by lecture 004's table 13-2: 96-256-384-384-256 maps, two poolings, 4,096-4,096 units; 201,838,952 parameters.

    The table is followed to the letter. With SAME padding, C1 makes 56 × 56 maps of 224 × 224 pixels, not the 55 × 55 that
    the lecture reads (see the errata); from S2 on the sizes are the table's. The table leaves out the paper's third pooling,
    so F8 sees 13 × 13 maps, and holds most of the parameters: with that pooling, and with the paper's halves that do not see
    one another, they are the "60 million" of lecture 001. From the paper come local response normalisation after C1 and C3
    (section 3.3) and dropout of one half (section 4.2). Ours: pictures are centred inside, kernels start as He et al. have it,
    the output is logits.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, at least 25 × 25.
        width: factor on the number of feature maps and units.

    Raises:
        ShapeError: a picture below 25 × 25.

    Example:
        >>> [layer.name for layer in alexnet().layers][1:5]
        ['C1', 'C1_lrn', 'S2', 'C3']
    """
    shape = picture("alexnet", input_shape, smallest=25, because="25 → 7 → 3 → 1")
    layers: list[Node] = [centre(shape)]
    for name, (maps, kernel, stride) in TABLE_13_2.items():
        layers.append(_convolution(thin(maps, width), kernel, stride, "same", name))
        if name in ("C1", "C3"):
            layers.append(LocalResponseNormalization(name=f"{name}_lrn"))
            layers.append(MaxPooling2D(3, strides=2, name="S2" if name == "C1" else "S4"))
    layers.append(Flatten(name="flatten"))
    for name in ("F8", "F9"):
        layers.append(Dense(thin(4096, width), activation="relu", kernel_initializer="he_normal", name=name))
        layers.append(Dropout(0.5, name=f"{name}_dropout"))
    return Sequential([*layers, Dense(classes, name="Out")], input_shape=shape, name="alexnet")


def alexnet_2014(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """AlexNet in one tower, 64-192-384-256-256 maps without response normalisation; 61,100,840 parameters.

    The form in which AlexNet is handed on today: padding in numbers, dropout before the dense layers, and an adaptive pooling
    to 6 × 6 that lets pictures of any size above 62 × 62 in. Ours: pictures are centred inside.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, at least 63 × 63; ``None`` for a height or width that varies.
        width: factor on the number of feature maps and units.

    Raises:
        ShapeError: a picture below 63 × 63.

    Example:
        >>> [layer.name for layer in alexnet_2014().layers]
        ['centre', 'features', 'avgpool', 'classifier']
    """
    shape = picture("alexnet_2014", input_shape, smallest=63, because="63 → 15 → 7 → 3 → 1")
    features: list[Node] = []
    for number, (maps, kernel, stride, padding, pooled) in enumerate(TOWER, start=1):
        features.append(_convolution(thin(maps, width), kernel, stride, padding, f"conv{number}"))
        if pooled:
            features.append(MaxPooling2D(3, strides=2, name=f"pool{number}"))
    classifier: list[Node] = [Flatten(name="flatten")]
    for number in (6, 7):
        classifier.append(Dropout(0.5, name=f"dropout{number}"))
        classifier.append(
            Dense(thin(4096, width), activation="relu", kernel_initializer="he_normal", name=f"fc{number}")
        )
    classifier.append(Dense(classes, name="fc8"))
    return Sequential(
        [
            centre(shape),
            Sequential(features, name="features"),
            AdaptiveAveragePooling2D(6, name="avgpool"),
            Sequential(classifier, name="classifier"),
        ],
        input_shape=shape,
        name="alexnet_2014",
    )


def _convolution(maps: int, kernel: int, stride: int, padding: int | str, name: str) -> Conv2D:
    return Conv2D(
        maps, kernel, strides=stride, padding=padding, activation="relu", kernel_initializer="he_normal", name=name
    )
