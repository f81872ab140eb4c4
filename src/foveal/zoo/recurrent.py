"""Networks that read a picture row by row, or any sequence step by step, and carry a state along."""

from __future__ import annotations

from foveal.errors import DescriptionError
from foveal.network import Image, Node, Sequence, Sequential, as_shape
from foveal.network.layers import GRU, LSTM, Dense, Reshape, SimpleRNN
from foveal.zoo.parts import ShapeLike, thin

UNITS = 128


def rnn(classes: int = 10, input_shape: ShapeLike = (28, 28, 1), width: float = 1.0) -> Sequential:
    """A simple recurrent layer of 128 units and a dense layer on its last state; 21,386 parameters.

    A picture is a sequence of its rows: 28 steps of 28 values. Lecture 002 has it that such a network "can only retain
    information of the past 10 or 12 time steps at the most"; ``foveal train rnn`` measures it. Elman 1990, Finding
    Structure in Time; parameters: (28 + 128 + 1) × 128 and 129 × 10.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, or length × channels.
        width: factor on the number of units.

    Raises:
        DescriptionError: neither a picture of known size nor a sequence.

    Example:
        >>> [layer.name for layer in rnn().layers], [layer.name for layer in rnn(1, (100, 2)).layers]
        (['rows', 'rnn', 'output'], ['rnn', 'output'])
    """
    return _network("rnn", classes, input_shape, SimpleRNN(thin(UNITS, width), name="rnn"))


def lstm(classes: int = 10, input_shape: ShapeLike = (28, 28, 1), width: float = 1.0) -> Sequential:
    """The same with long short-term memory: 81,674 parameters.

    Lecture 002: "LSTMs are a variant of recurrent neural network"; Hochreiter, Schmidhuber 1997, Long Short-Term Memory, with
    the forget gate of Gers, Schmidhuber, Cummins 2000. Parameters: 4 × (28 + 128 + 1) × 128 and 129 × 10.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, or length × channels.
        width: factor on the number of units.

    Raises:
        DescriptionError: neither a picture of known size nor a sequence.

    Example:
        >>> lstm(width=1 / 2).layers[1]
        LSTM(name='lstm', units=64)
    """
    return _network("lstm", classes, input_shape, LSTM(thin(UNITS, width), name="lstm"))


def gru(classes: int = 10, input_shape: ShapeLike = (28, 28, 1), width: float = 1.0) -> Sequential:
    """The same with gated recurrent units: 61,962 parameters.

    Cho et al. 2014, Learning Phrase Representations using RNN Encoder–Decoder. Parameters: 3 × (28 + 128 + 2) × 128 (the
    state's side has biases of its own) and 129 × 10.

    Args:
        classes: values that come out.
        input_shape: height × width × channels, or length × channels.
        width: factor on the number of units.

    Raises:
        DescriptionError: neither a picture of known size nor a sequence.

    Example:
        >>> gru().layers[0]
        Reshape(name='rows', target_shape=(28, 28))
    """
    return _network("gru", classes, input_shape, GRU(thin(UNITS, width), name="gru"))


def _network(name: str, classes: int, input_shape: ShapeLike, recurrent: Node) -> Sequential:
    shape = as_shape(input_shape)
    layers: list[Node] = []
    if isinstance(shape, Image) and shape.h is not None and shape.w is not None:
        layers.append(Reshape((shape.h, shape.w * shape.c), name="rows"))
    elif not isinstance(shape, Sequence):
        raise DescriptionError(
            f"{name} reads pictures row by row, or sequences",
            where=name,
            given=f"input shape {shape} ({type(shape).__name__})",
            expected="height × width × channels, all known, or length × channels",
            fix=["input_shape=(28, 28, 1), say", "input_shape=(100, 2), say"],
        )
    return Sequential([*layers, recurrent, Dense(classes, name="output")], input_shape=shape, name=name)
