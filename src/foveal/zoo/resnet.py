"""Residual networks, ResNet and ResNeXt: y = F(x) + x.

He, Zhang, Ren, Sun 2015, "Deep Residual Learning for Image Recognition", table 1 and figure 5; Xie, Girshick, Dollár, Tu,
He 2016, "Aggregated Residual Transformations for Deep Neural Networks", table 1.

One difference from the paper, and everybody's: where a bottleneck halves the size, its 3 × 3 convolution has the stride, not
the first 1 × 1, which would skip three values of four. ``stride_on="1x1"`` is the paper's network. The two differ in MACs
(resnet50: 4,089,184,256 and 3,857,973,248) and in what a unit sees (427 and 483 pixels), so published tables of either kind
are met. Ours: pictures are centred inside, the output is logits. Pictures may have any size, since the last pooling takes
the mean of whole maps.
"""

from __future__ import annotations

from foveal.errors import DescriptionError
from foveal.network import Node, Residual, Sequential
from foveal.network.layers import Activation, Dense, GlobalAveragePooling2D, MaxPooling2D
from foveal.zoo.parts import ShapeLike, centre, convolution, picture, thin

# name: whether blocks are bottlenecks, blocks in each layer, groups, maps in a group of layer 1
TABLE = {
    "resnet18": (False, (2, 2, 2, 2), 1, 64),
    "resnet34": (False, (3, 4, 6, 3), 1, 64),
    "resnet50": (True, (3, 4, 6, 3), 1, 64),
    "resnet101": (True, (3, 4, 23, 3), 1, 64),
    "resnet152": (True, (3, 8, 36, 3), 1, 64),
    "resnext50_32x4d": (True, (3, 4, 6, 3), 32, 4),
    "resnext101_32x8d": (True, (3, 4, 23, 3), 32, 8),
}
EXPANSION = 4  # a bottleneck gives four times the maps of its ResNet's 3 × 3 convolution


def resnet18(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """ResNet of 18 layers; 11,689,512 parameters. Arguments as in :func:`resnet50`."""
    return _resnet("resnet18", classes, input_shape, width)


def resnet34(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """ResNet of 34 layers; 21,797,672 parameters. Arguments as in :func:`resnet50`."""
    return _resnet("resnet34", classes, input_shape, width)


def resnet50(
    classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0, stride_on: str = "3x3"
) -> Sequential:
    """ResNet of 50 layers, in bottlenecks; 25,557,032 parameters.

    Args:
        classes: values that come out.
        input_shape: height × width × channels; ``None`` for a height or width that varies.
        width: factor on the number of feature maps.
        stride_on: "3x3", or "1x1" as in the paper: which convolution of a bottleneck halves the size.

    Raises:
        DescriptionError: an input that is not a picture, or another ``stride_on``.

    Example:
        >>> from foveal.network import find
        >>> find(resnet50(), "layer2/block1/body/conv2").strides
        (2, 2)
    """
    return _resnet("resnet50", classes, input_shape, width, stride_on)


def resnet101(
    classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0, stride_on: str = "3x3"
) -> Sequential:
    """ResNet of 101 layers, in bottlenecks; 44,549,160 parameters. Arguments as in :func:`resnet50`."""
    return _resnet("resnet101", classes, input_shape, width, stride_on)


def resnet152(
    classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0, stride_on: str = "3x3"
) -> Sequential:
    """ResNet of 152 layers, in bottlenecks; 60,192,808 parameters. Arguments as in :func:`resnet50`."""
    return _resnet("resnet152", classes, input_shape, width, stride_on)


def resnext50_32x4d(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """ResNeXt of 50 layers, 32 groups of 4 maps; 25,028,904 parameters. Arguments as in :func:`resnet50`."""
    return _resnet("resnext50_32x4d", classes, input_shape, width)


def resnext101_32x8d(classes: int = 1000, input_shape: ShapeLike = (224, 224, 3), width: float = 1.0) -> Sequential:
    """ResNeXt of 101 layers, 32 groups of 8 maps; 88,791,336 parameters. Arguments as in :func:`resnet50`."""
    return _resnet("resnext101_32x8d", classes, input_shape, width)


def _resnet(name: str, classes: int, input_shape: ShapeLike, width: float, stride_on: str = "3x3") -> Sequential:
    if stride_on not in ("1x1", "3x3"):
        raise DescriptionError(
            "a bottleneck has no such convolution",
            where=name,
            given=f"stride_on={stride_on!r}",
            expected='"3x3" or "1x1"',
            fix=['stride_on="3x3" (usual)', 'stride_on="1x1" (the paper\'s)'],
        )
    bottlenecks, counts, groups, group_maps = TABLE[name]
    shape = picture(name, input_shape)
    layers: list[Node] = [
        centre(shape),
        *convolution(thin(64, width), 7, "1", strides=2, padding=3),
        MaxPooling2D(3, 2, 1, name="maxpool"),
    ]
    channels = thin(64, width)
    for stage, count in enumerate(counts):
        inner = groups * thin(group_maps * 2**stage, width)
        outer = EXPANSION * thin(64 * 2**stage, width) if bottlenecks else inner
        blocks: list[Node] = []
        for number in range(1, count + 1):
            stride = 2 if stage > 0 and number == 1 else 1
            strides = (stride, 1) if stride_on == "1x1" else (1, stride)
            body = _bottleneck(inner, outer, strides, groups) if bottlenecks else _basic(inner, stride)
            same = stride == 1 and channels == outer
            shortcut = [] if same else convolution(outer, 1, relu=False, strides=stride)
            blocks += [Residual(body, shortcut, name=f"block{number}"), Activation("relu", name=f"relu{number}")]
            channels = outer
        layers.append(Sequential(blocks, name=f"layer{stage + 1}"))
    layers += [GlobalAveragePooling2D(name="avgpool"), Dense(classes, name="fc")]
    return Sequential(layers, input_shape=shape, name=name)


def _basic(maps: int, stride: int) -> list[Node]:
    """Figure 5, left: two 3 × 3 convolutions."""
    return [*convolution(maps, 3, "1", strides=stride, padding=1), *convolution(maps, 3, "2", relu=False, padding=1)]


def _bottleneck(inner: int, outer: int, strides: tuple[int, int], groups: int) -> list[Node]:
    """Figure 5, right: 1 × 1 down to few maps, 3 × 3 among them (in groups: ResNeXt), 1 × 1 up again."""
    return [
        *convolution(inner, 1, "1", strides=strides[0]),
        *convolution(inner, 3, "2", strides=strides[1], padding=1, groups=groups),
        *convolution(outer, 1, "3", relu=False),
    ]
