"""One network at any depth, with shortcuts and without: what depth costs, and what y = F(x) + x gives back.

He, Zhang, Ren, Sun 2015, "Deep Residual Learning for Image Recognition", section 4.2: 6n + 2 layers with weights in three
stages. Ours: one number of maps in all stages and poolings between them, so that every shortcut is the identity and the
plain network has exactly the weights of the residual one; the first convolution halves the image.
"""

from __future__ import annotations

from foveal.errors import DescriptionError
from foveal.network import Node, Residual, Sequential
from foveal.network.layers import Activation, BatchNormalization, Conv2D, Dense, GlobalAveragePooling2D, MaxPooling2D
from foveal.zoo.parts import ShapeLike, picture

STAGES = 3


def deep_cnn(
    classes: int = 10,
    input_shape: ShapeLike = (28, 28, 1),
    depth: int = 20,
    residual: bool = True,
    normalized: bool = True,
    maps: int = 16,
) -> Sequential:
    """A network of ``depth`` layers with weights, plain or residual; 42,394 parameters at 20 layers.

    Args:
        classes: values that come out.
        input_shape: height × width × channels.
        depth: layers with weights: 8, 14, 20, …: 6n + 2, n blocks of two convolutions in each of three stages.
        residual: whether each block's input is added to its result.
        normalized: whether batch normalisation follows each convolution; biases take its place where it does not.
        maps: feature maps of every convolution.

    Raises:
        DescriptionError: a depth that is not 6n + 2.

    Example:
        >>> plain, residual = deep_cnn(depth=8, residual=False), deep_cnn(depth=8)
        >>> [layer.name for layer in residual.layers][:4]
        ['conv', 'bn', 'relu', 'stage1']
    """
    if depth < 8 or (depth - 2) % (2 * STAGES):
        nearest = max(8, 2 + 2 * STAGES * round((depth - 2) / (2 * STAGES)))
        raise DescriptionError(
            "three stages of equal depth need 6n + 2 layers",
            where="deep_cnn",
            given=f"depth={depth}",
            expected="8, 14, 20, 26, …",
            fix=f"depth={nearest}",
        )
    layers: list[Node] = [*_convolution(maps, "", normalized, strides=2), Activation("relu", name="relu")]
    for stage in range(1, STAGES + 1):
        if stage > 1:
            layers.append(MaxPooling2D(2, padding="same", name=f"pool{stage}"))
        blocks: list[Node] = []
        for number in range(1, (depth - 2) // (2 * STAGES) + 1):
            body = [
                *_convolution(maps, "1", normalized),
                Activation("relu", name="relu1"),
                *_convolution(maps, "2", normalized),
            ]
            name = f"block{number}"
            blocks.append(
                Residual(body, name=name) if residual else Sequential([Sequential(body, name="body")], name=name)
            )
            blocks.append(Activation("relu", name=f"relu{number}"))
        layers.append(Sequential(blocks, name=f"stage{stage}"))
    layers += [GlobalAveragePooling2D(name="avgpool"), Dense(classes, name="fc")]
    return Sequential(layers, input_shape=picture("deep_cnn", input_shape), name="deep_cnn")


def _convolution(maps: int, suffix: str, normalized: bool, strides: int = 1) -> list[Node]:
    """3 × 3 with the layers' usual first weights (Glorot, Bengio 2010), normalised or not; no activation."""
    layers: list[Node] = [
        Conv2D(maps, 3, strides=strides, padding="same", use_bias=not normalized, name=f"conv{suffix}")
    ]
    return [*layers, BatchNormalization(momentum=0.9, name=f"bn{suffix}")] if normalized else layers
