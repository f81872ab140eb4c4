"""Networks that answer for every place of a picture: the class of each pixel, or what stands at each point of a grid."""

from __future__ import annotations

from foveal.network import Node, Parallel, Residual, Sequential
from foveal.network.layers import Conv2D, Conv2DTranspose, MaxPooling2D, Rescaling
from foveal.zoo.parts import ShapeLike, convolution, picture, thin

UNET = (16, 32, 64, 128, 256)  # maps of each level, from full size down; the paper has 64 … 1024
DETECTOR = (32, 48, 64, 128, 128)  # maps at a half (two layers), a quarter, an eighth of the size, and of the head


def unet(
    classes: int = 11, input_shape: ShapeLike = (64, 64, 3), width: float = 1.0, levels: int = len(UNET)
) -> Sequential:
    """U-Net: down to small maps that know what, up again to large maps that know where (Ronneberger, Fischer, Brox 2015).

    Each level is two 3 × 3 convolutions, then side by side the maps as they are and the level below (pooled, and brought
    back by a transposed 2 × 2 convolution that halves the maps), laid behind one another, then two convolutions again. A
    1 × 1 convolution gives each pixel its logits. Figure 1 of the paper, with these deviations: padding keeps the size,
    so nothing is cropped; batch normalisation after each 3 × 3 convolution; a quarter of the maps.

    Args:
        classes: values a pixel, ground counted.
        input_shape: height × width × channels; height and width must be halvable ``levels - 1`` times.
        width: factor on the number of maps.
        levels: from 2 to 5.

    Raises:
        ShapeError: a picture below 2^(levels - 1) on a side, or one that cannot be halved evenly.

    Example:
        >>> from foveal.network.tree import walk
        >>> [path for path, node in walk(unet()) if node.kind == "MaxPooling2D"][-1]
        'level1/join/below/level2/join/below/level3/join/below/level4/join/below/pool'
    """
    smallest = 2 ** (levels - 1)
    shape = picture("unet", input_shape, smallest=smallest, because=f"it is halved {levels - 1} times")
    maps = [thin(UNET[0] * 2**level, width) for level in range(levels)]
    layers: list[Node] = [
        Rescaling(2.0, -1.0, name="centre"),
        _level(maps, 1),
        Conv2D(classes, 1, name="classify"),
    ]
    return Sequential(layers, input_shape=shape, name="unet")


def _level(maps: list[int], number: int) -> Sequential:
    """One level and all below it: contract, join with what comes back from below, expand."""
    here, *below = maps
    layers = _pair(here, "contract")
    if below:
        deeper: list[Node] = [
            MaxPooling2D(2, name="pool"),
            _level(below, number + 1),
            Conv2DTranspose(here, 2, strides=2, name="up"),
        ]
        layers += [Parallel({"skip": [], "below": deeper}, name="join"), *_pair(here, "expand")]
    return Sequential(layers, name=f"level{number}")


def _pair(maps: int, name: str) -> list[Node]:
    both = [*convolution(maps, 3, "1", padding="same"), *convolution(maps, 3, "2", padding="same")]
    return [Sequential(both, name=name)]


def detector(classes: int = 10, input_shape: ShapeLike = (64, 64, 3), width: float = 1.0) -> Sequential:
    """A single-stage detector without anchors: one map says at every fourth pixel whether, where and what.

    Three halvings of the picture with a residual block each (He et al. 2015); the maps at a quarter of the size are joined
    with those at an eighth, brought back by a transposed convolution (the idea of feature pyramids, Lin et al. 2017). At each
    point of the grid come out 4 + 1 + ``classes`` values: the logarithms of the distances to the box's top, left, bottom and
    right in steps of the grid, the logit that a thing's middle is here, and logits of the classes (after YOLO, Redmon et
    al. 2016, and FCOS, Tian et al. 2019, of which this keeps one level in place of five). What the values mean is fixed
    by :mod:`foveal.training.steps.detection`.

    Args:
        classes: of things; ground is none.
        input_shape: height × width × channels, both multiples of 8.
        width: factor on the number of maps.

    Raises:
        ShapeError: a picture below 8 × 8, or one that cannot be halved evenly.

    Example:
        >>> [layer.name for layer in detector().layers]
        ['centre', 'stem', 'half', 'quarter', 'join', 'head', 'answer']
    """
    shape = picture("detector", input_shape, smallest=8, because="8 → 4 → 2 → 1")
    stem, half, quarter, eighth, head = (thin(maps, width) for maps in DETECTOR)
    below: list[Node] = [
        MaxPooling2D(2, name="pool"),
        _stage(eighth, "eighth"),
        Conv2DTranspose(quarter, 2, strides=2, name="up"),
    ]
    layers: list[Node] = [
        Rescaling(2.0, -1.0, name="centre"),
        Sequential(convolution(stem, 4, strides=2, padding=1), name="stem"),
        Sequential([*convolution(half, 3, padding="same"), MaxPooling2D(2, name="pool")], name="half"),
        _stage(quarter, "quarter"),
        Parallel({"skip": [], "below": below}, name="join"),
        Sequential(convolution(head, 3, padding="same"), name="head"),
        Conv2D(4 + 1 + classes, 1, name="answer"),
    ]
    return Sequential(layers, input_shape=shape, name="detector")


def _stage(maps: int, name: str) -> Sequential:
    """A convolution, and a residual block of two more."""
    block = [*convolution(maps, 3, "1", padding="same"), *convolution(maps, 3, "2", padding="same")]
    return Sequential([*convolution(maps, 3, padding="same"), Residual(block, name="block")], name=name)
