"""GoogLeNet: inception modules, which look through windows of several sizes side by side.

Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich 2014, "Going Deeper with Convolutions", table 1,
sections 4 and 5; Ioffe, Szegedy 2015 for batch normalisation.
"""

from __future__ import annotations

from collections.abc import Callable

from foveal.network import Auxiliary, Node, Parallel, Sequential
from foveal.network.layers import (
    AdaptiveAveragePooling2D,
    AveragePooling2D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    LocalResponseNormalization,
    MaxPooling2D,
)
from foveal.zoo.parts import ShapeLike, centre, convolution, picture, thin

# Table 1: #1×1, #3×3 reduce, #3×3, #5×5 reduce, #5×5, pool proj
TABLE_1 = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
POOL_AFTER = {"3b": "pool3", "4e": "pool4"}
HEAD_AFTER = {"4a": "aux1", "4d": "aux2"}

Make = Callable[..., list[Node]]  # a convolution: (maps, kernel, suffix of its names, further arguments)


def googlenet(
    classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0, auxiliary: bool = True
) -> Sequential:
    """GoogLeNet as published: 5 × 5 branch, local response normalisation, two side heads; 6,998,552 parameters without them.

    Ours: pictures are centred inside; the last pooling takes the mean of whole maps, which at 224 × 224 is the paper's 7 × 7;
    the output is logits.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, at least 65 × 65 with the side heads; without them of any size,
            ``None`` for a height or width that varies.
        width: factor on the number of feature maps and units.
        auxiliary: whether the side heads are there; their losses count 0.3 (section 5).

    Raises:
        ShapeError: a picture below 65 × 65 with side heads: their pooling has a 5 × 5 window at a sixteenth of the size.

    Example:
        >>> from foveal.network import find
        >>> [branch.name for branch in find(googlenet(), "inception_3a").branches]
        ['1x1', '3x3', '5x5', 'pool']
    """
    shape = picture(
        "googlenet",
        input_shape,
        smallest=65 if auxiliary else 1,
        because="windows of 5 × 5 in the side heads slide over a sixteenth of it",
        fix="auxiliary=False: without side heads any size will do",
    )

    def make(maps: int, kernel: int, suffix: str = "", strides: int = 1) -> list[Node]:
        name, start = f"conv{suffix}", "he_normal"
        return [
            Conv2D(maps, kernel, strides, "same", activation="relu", kernel_initializer=start, name=name)
        ]  # fmt: skip

    stem: list[Node] = [
        *make(thin(64, width), 7, "1", strides=2),
        MaxPooling2D(3, 2, "same", name="pool1"),
        LocalResponseNormalization(name="lrn1"),
        *make(thin(64, width), 1, "2_reduce"),
        *make(thin(192, width), 3, "2"),
        LocalResponseNormalization(name="lrn2"),
        MaxPooling2D(3, 2, "same", name="pool2"),
    ]

    def head() -> list[Node]:
        return [
            AveragePooling2D(5, 3, name="pool"),
            *make(thin(128, width), 1),
            Flatten(name="flatten"),
            Dense(thin(1024, width), activation="relu", kernel_initializer="he_normal", name="fc1"),
            Dropout(0.7, name="dropout"),
            Dense(classes, name="fc2"),
        ]

    body = _modules(make, width, "5x5", 5, head if auxiliary else None)
    return Sequential([centre(shape), *stem, *body, *_end(0.4, classes)], input_shape=shape, name="googlenet")


def googlenet_bn(
    classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0, auxiliary: bool = True
) -> Sequential:
    """GoogLeNet with batch normalisation, and 3 × 3 in place of the 5 × 5 branch; 6,624,904 parameters without side heads.

    With the heads 13,004,888. The form in which GoogLeNet is handed on today; dropout is 0.2 here, padding as in the paper.
    The heads pool to 4 × 4 whatever the size.

    Args:
        classes: values that come out.
        input_shape: height × width × channels; ``None`` for a height or width that varies.
        width: factor on the number of feature maps and units.
        auxiliary: whether the side heads are there; their losses count 0.3.

    Example:
        >>> from foveal.network import find
        >>> [branch.name for branch in find(googlenet_bn(), "inception_3a").branches]
        ['1x1', '3x3', '3x3_thin', 'pool']
    """
    shape = picture("googlenet_bn", input_shape)

    def make(maps: int, kernel: int, suffix: str = "", strides: int = 1) -> list[Node]:
        return convolution(maps, kernel, suffix, strides=strides, padding="same", epsilon=1e-3)

    stem: list[Node] = [
        *make(thin(64, width), 7, "1", strides=2),
        MaxPooling2D(3, 2, "same", name="pool1"),
        *make(thin(64, width), 1, "2_reduce"),
        *make(thin(192, width), 3, "2"),
        MaxPooling2D(3, 2, "same", name="pool2"),
    ]

    def head() -> list[Node]:
        return [
            AdaptiveAveragePooling2D(4, name="pool"),
            *make(thin(128, width), 1),
            Flatten(name="flatten"),
            Dense(thin(1024, width), activation="relu", kernel_initializer="he_normal", name="fc1"),
            Dropout(0.7, name="dropout"),
            Dense(classes, name="fc2"),
        ]

    body = _modules(make, width, "3x3_thin", 3, head if auxiliary else None)
    return Sequential([centre(shape), *stem, *body, *_end(0.2, classes)], input_shape=shape, name="googlenet_bn")


def _modules(make: Make, width: float, third: str, kernel: int, head: Callable[[], list[Node]] | None) -> list[Node]:
    """The nine modules of table 1, with the poolings between them and the side heads on two."""
    layers: list[Node] = []
    for name, row in TABLE_1.items():
        one, reduce3, three, reduce5, five, projection = (thin(maps, width) for maps in row)
        branches = {
            "1x1": make(one, 1),
            "3x3": [*make(reduce3, 1, "_reduce"), *make(three, 3)],
            third: [*make(reduce5, 1, "_reduce"), *make(five, kernel)],
            "pool": [MaxPooling2D(3, 1, "same", name="pool"), *make(projection, 1, "_projection")],
        }
        layers.append(Parallel(branches, name=f"inception_{name}"))
        if name in POOL_AFTER:
            layers.append(MaxPooling2D(3, 2, "same", name=POOL_AFTER[name]))
        if name in HEAD_AFTER and head:
            layers.append(Auxiliary(head(), weight=0.3, name=HEAD_AFTER[name]))
    return layers


def _end(rate: float, classes: int) -> list[Node]:
    return [GlobalAveragePooling2D(name="avgpool"), Dropout(rate, name="dropout"), Dense(classes, name="fc")]
