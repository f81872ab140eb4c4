"""Autoencoders: a picture is squeezed into a short code, and made again from it. Each is one tree, encoder then decoder."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

from foveal.network import Image, Node
from foveal.network import Sequential as Chain
from foveal.network.layers import Conv2D, Conv2DTranspose, Dense, Flatten, Reshape
from foveal.zoo.parts import ShapeLike, picture, thin, whole


def autoencoder(
    input_shape: ShapeLike = (28, 28, 1),
    code: int = 32,
    hidden: Sequence[int] = (512, 256),
    activation: str = "relu",
    width: float = 1.0,
) -> Chain:
    """Dense layers down to ``code`` numbers and up again (Hinton, Salakhutdinov 2006); 1,083,696 parameters.

    The code itself is linear, and the picture that comes out goes from 0 to 1 by a sigmoid. With no hidden layers and no
    sigmoid it would be principal component analysis (Baldi, Hornik 1989), which is what it is compared with.

    Args:
        input_shape: height × width × channels.
        code: numbers that a picture is squeezed into.
        hidden: units of the encoder's hidden layers; the decoder has them in the opposite order.
        activation: of the hidden layers; the paper's is the sigmoid, trained layer by layer first.
        width: factor on the hidden units.

    Raises:
        ShapeError: a height or width that is not known.

    Example:
        >>> [part.name for part in autoencoder().layers]
        ['encoder', 'decoder']
    """
    shape = picture("autoencoder", input_shape)
    units = [thin(n, width) for n in hidden]
    down: list[Node] = [Dense(n, activation=activation, name=f"hidden{i}") for i, n in enumerate(units, 1)]
    up: list[Node] = [Dense(n, activation=activation, name=f"hidden{i}") for i, n in enumerate(reversed(units), 1)]
    return _halves(
        "autoencoder", shape, [Flatten(name="flatten"), *down, Dense(code, name="code")], [*up, *_pixels(shape)]
    )


def conv_autoencoder(
    input_shape: ShapeLike = (28, 28, 1), code: int = 32, maps: Sequence[int] = (16, 32), width: float = 1.0
) -> Chain:
    """Strided convolutions down, a code, transposed convolutions up (after Masci et al. 2011); 111,521 parameters.

    The paper pools and unpools; here the convolutions' strides halve and double the size.

    Args:
        input_shape: height × width × channels.
        code: numbers that a picture is squeezed into.
        maps: feature maps after each halving.
        width: factor on them.

    Raises:
        ShapeError: a height or width that is not known.

    Example:
        >>> [layer.name for layer in conv_autoencoder().layers[1].layers]
        ['hidden', 'maps', 'up1', 'up2']
    """
    shape = picture("conv_autoencoder", input_shape)
    channels = [thin(n, width) for n in maps]
    down, up, smallest = _strided(shape, channels)
    encoder = [*down, Flatten(name="flatten"), Dense(code, name="code")]
    unfold = [Dense(prod(smallest), activation="relu", name="hidden"), Reshape(smallest, name="maps")]
    return _halves("conv_autoencoder", shape, encoder, [*unfold, *up])


def sparse_autoencoder(
    input_shape: ShapeLike = (28, 28, 1), code: int = 64, hidden: Sequence[int] = (512,), width: float = 1.0
) -> Chain:
    """A code of sigmoid units, few of which are to be active (Ng 2011, CS294A lecture notes); 870,224 parameters.

    The tree is a plain autoencoder's; what makes it sparse is the penalty of its training step. The notes have the code as
    the only hidden layer, which ``hidden=()`` gives; with one more on either side it is better than as many principal
    components.

    Args:
        input_shape: height × width × channels.
        code: units of the code.
        hidden: units of the encoder's layers before it; the decoder has them in the opposite order.
        width: factor on the hidden units.

    Raises:
        ShapeError: a height or width that is not known.

    Example:
        >>> sparse_autoencoder().layers[0].layers[-1]
        Dense(name='code', units=64, activation='sigmoid')
    """
    shape = picture("sparse_autoencoder", input_shape)
    units = [thin(n, width) for n in hidden]
    down: list[Node] = [Dense(n, activation="relu", name=f"hidden{i}") for i, n in enumerate(units, 1)]
    up: list[Node] = [Dense(n, activation="relu", name=f"hidden{i}") for i, n in enumerate(reversed(units), 1)]
    encoder = [Flatten(name="flatten"), *down, Dense(code, activation="sigmoid", name="code")]
    return _halves("sparse_autoencoder", shape, encoder, [*up, *_pixels(shape)])


def denoising_autoencoder(
    input_shape: ShapeLike = (28, 28, 1), maps: Sequence[int] = (32, 16), width: float = 1.0
) -> Chain:
    """Convolutions that learn to undo noise (Vincent et al. 2008); 9,873 parameters.

    The code, 7 × 7 × 16, has as many numbers as the picture has pixels: squeezing is not what keeps it from handing its input on,
    the noise is. The paper has one dense layer of about 2,000 units; convolutions suit the task better and cost less.

    Args:
        input_shape: height × width × channels.
        maps: feature maps after each halving.
        width: factor on them.

    Raises:
        ShapeError: a height or width that is not known.

    Example:
        >>> [layer.name for layer in denoising_autoencoder().layers[0].layers]
        ['down1', 'down2']
    """
    shape = picture("denoising_autoencoder", input_shape)
    down, up, _ = _strided(shape, [thin(n, width) for n in maps])
    return _halves("denoising_autoencoder", shape, down, up)


def _halves(name: str, shape: Image, encoder: Sequence[Node], decoder: Sequence[Node]) -> Chain:
    return Chain([Chain(encoder, name="encoder"), Chain(decoder, name="decoder")], input_shape=shape, name=name)


def _pixels(shape: Image) -> list[Node]:
    """The end of a dense decoder: a value from 0 to 1 a pixel, as a picture."""
    axes = whole("an autoencoder", shape)
    return [Dense(prod(axes), activation="sigmoid", name="pixels"), Reshape(axes, name="picture")]


def _strided(shape: Image, maps: Sequence[int]) -> tuple[list[Node], list[Node], tuple[int, int, int]]:
    """Convolutions that halve the size once for each of ``maps``, those that undo it exactly, and the smallest maps' shape.

    A stride of 2 takes n to ⌈n / 2⌉ = m with a zero below, and one above where n is odd. What is cut on the way back is what
    was padded on the way there: 2m + 1 less one row is an even n, less two an odd one.
    """
    down: list[Node] = []
    up: list[Node] = []
    sizes = [whole("a convolutional autoencoder", shape)]
    for number, channels in enumerate(maps, 1):
        height, across, depth = sizes[-1]
        sizes.append((-(-height // 2), -(-across // 2), channels))
        down.append(Conv2D(channels, 3, strides=2, padding="same", activation="relu", name=f"down{number}"))
        up.append(
            Conv2DTranspose(
                depth, 3, strides=2, padding=((height % 2, 1), (across % 2, 1)),
                activation="sigmoid" if number == 1 else "relu", name=f"up{len(maps) + 1 - number}",
            )
        )  # fmt: skip
    return down, up[::-1], sizes[-1]
