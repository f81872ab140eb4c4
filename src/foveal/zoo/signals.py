"""Networks for signals: one axis, time."""

from __future__ import annotations

from foveal.errors import DescriptionError, ShapeError
from foveal.network import Node, Sequence, Sequential, as_shape
from foveal.network.layers import Conv1D, Dense, GlobalAveragePooling1D, MaxPooling1D
from foveal.zoo.parts import ShapeLike, thin

MAPS = (16, 32, 32)  # of each convolution; a pooling by 2 follows each but the last
KERNEL = 9
SMALLEST = 2 ** (len(MAPS) - 1)


def conv1d(classes: int = 6, input_shape: ShapeLike = (128, 1), width: float = 1.0) -> Sequential:
    """Three 1-D convolutions over time and the mean of what they answer; 14,246 parameters on signals of one channel.

    Lecture 000's convolution of sequential data, h(t) = Σ x(t − τ) k(τ), with kernels of nine samples that are learned. The
    mean over time at the end (Lin, Chen, Yan 2013, Network in Network, section 3.2) says how much of a pattern there is,
    not when: a signal and the same signal later give almost the same answer, at any length. Shared weights along time are
    older than along pictures (Waibel et al. 1989, Phoneme recognition using time-delay neural networks).

    Args:
        classes: values that come out.
        input_shape: length × channels, at least 4 samples long; ``None`` for a length that varies.
        width: factor on the number of feature maps.

    Raises:
        DescriptionError: not length × channels.
        ShapeError: a signal below 4 samples.

    Example:
        >>> [layer.name for layer in conv1d().layers]
        ['conv1', 'pool1', 'conv2', 'pool2', 'conv3', 'mean', 'output']
    """
    shape = as_shape(input_shape)
    if not isinstance(shape, Sequence):
        raise DescriptionError(
            "conv1d takes signals",
            where="conv1d",
            given=f"input shape {shape} ({type(shape).__name__})",
            expected="length × channels",
            fix=["input_shape=(128, 1), say", "foveal.zoo.mlp takes vectors"],
        )
    if shape.length is not None and shape.length < SMALLEST:
        raise ShapeError(
            "the signal is too short for conv1d",
            where="conv1d",
            given=f"input {shape}",
            expected=f"at least {SMALLEST} samples: 4 → 2 → 1",
            fix=[f"input_shape=({SMALLEST}, {shape.c}), or longer", "foveal.zoo.mlp, which takes any vector"],
        )
    layers: list[Node] = []
    for number, maps in enumerate(MAPS, start=1):
        layers.append(Conv1D(thin(maps, width), KERNEL, padding="same", activation="relu", name=f"conv{number}"))
        if number < len(MAPS):
            layers.append(MaxPooling1D(2, name=f"pool{number}"))
    layers += [GlobalAveragePooling1D(name="mean"), Dense(classes, name="output")]
    return Sequential(layers, input_shape=shape, name="conv1d")
