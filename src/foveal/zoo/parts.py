"""What the families share: the check of the input, thinner copies, and convolution + normalisation + activation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from foveal.errors import DescriptionError, ShapeError
from foveal.network import Image, Node, Shape, as_shape
from foveal.network.layers import Activation, BatchNormalization, Conv2D, Normalization

ShapeLike = Shape | Iterable[int | None] | int | str


def picture(name: str, given: ShapeLike, *, smallest: int = 1, because: str = "", fix: str = "") -> Image:
    """The input shape of the network ``name``, checked.

    Args:
        name: the network's, for messages.
        given: what the user wrote: ``(32, 32, 3)``, ``"32x32x3"``, a shape.
        smallest: the height and width below which some window is larger than its input.
        because: why, as the message says it.
        fix: a repair of this network's own.

    Raises:
        DescriptionError: not height × width × channels.
        ShapeError: smaller than the network can take.

    Example:
        >>> picture("vgg16", "224x224x3")
        Image(h=224, w=224, c=3)
    """
    shape = as_shape(given)
    if not isinstance(shape, Image):
        raise DescriptionError(
            f"{name} takes pictures",
            where=name,
            given=f"input shape {shape} ({type(shape).__name__})",
            expected="height × width × channels",
            fix=["input_shape=(224, 224, 3), say", "foveal.zoo.mlp takes vectors"],
        )
    if any(n is not None and n < smallest for n in shape.spatial):
        fits_any = "mlp" if name == "fashion_resnet" or min(n for n in shape.spatial if n) < 8 else "fashion_resnet"
        raise ShapeError(
            f"the picture is too small for {name}",
            where=name,
            given=f"input {shape}",
            expected=f"at least {smallest} × {smallest}: {because}",
            fix=[
                fix or f"input_shape=({smallest}, {smallest}, {shape.c}), or larger: enlarge the pictures",
                f'a network for small pictures: zoo.create("{fits_any}", input_shape={shape.axes})',
            ],
        )
    return shape


def whole(name: str, shape: Image) -> tuple[int, int, int]:
    """Height, width and channels of a network that gives pictures back, which have to be known.

    Raises:
        ShapeError: a height or width that varies.

    Example:
        >>> whole("vae", Image(28, 28, 1))
        (28, 28, 1)
    """
    if shape.h is None or shape.w is None:
        raise ShapeError(
            f"{name} gives back pictures of one size",
            where=name,
            given=f"input {shape}",
            expected="a height and a width that are known",
            fix="input_shape=(28, 28, 1), say",
        )
    return shape.h, shape.w, shape.c


def thin(channels: int, width: float) -> int:
    """``channels`` × ``width``, rounded, at least 1: the same network with fewer feature maps.

    Example:
        >>> [thin(channels, 1 / 16) for channels in (64, 100, 4)]
        [4, 6, 1]
    """
    return max(1, round(channels * width))


def centre(shape: Image) -> Normalization:
    """ImageNet's mean and variance of each colour, for pictures that arrive as 0 … 1; their average for other channels."""
    if shape.c == 3:
        return Normalization((0.485, 0.456, 0.406), (0.229**2, 0.224**2, 0.225**2), name="centre")
    return Normalization(0.449, 0.226**2, name="centre")


def convolution(
    channels: int, kernel: int, suffix: str = "", *, relu: bool = True, epsilon: float = 1e-5, **more: Any
) -> list[Node]:
    """Convolution without bias, batch normalisation, ReLU, named ``conv…``, ``bn…``, ``relu…`` (Ioffe, Szegedy 2015).

    Args:
        channels: feature maps that come out.
        kernel: height and width of the window.
        suffix: ends the three names.
        relu: whether ReLU follows.
        epsilon: the normalisation's.
        more: further arguments of Conv2D: strides, padding, groups.

    Example:
        >>> [layer.name for layer in convolution(64, 3, "1", padding=1)]
        ['conv1', 'bn1', 'relu1']
    """
    more.setdefault("kernel_initializer", "he_normal")
    layers: list[Node] = [
        Conv2D(channels, kernel, use_bias=False, name=f"conv{suffix}", **more),
        BatchNormalization(momentum=0.9, epsilon=epsilon, name=f"bn{suffix}"),
    ]
    return [*layers, Activation("relu", name=f"relu{suffix}")] if relu else layers
