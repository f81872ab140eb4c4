"""A network that translates a sequence into another: an encoder, a decoder, and attention between them."""

from __future__ import annotations

from foveal.errors import DescriptionError
from foveal.network import Parallel, Sequential, Tokens, as_shape
from foveal.network.layers import GRU, Bidirectional, Cropping1D, Dense, Embedding, TimeDistributed
from foveal.zoo.parts import thin

PLACES = Tokens(61)
"""What goes in by default: 36 places of the source, 25 of the target."""


def seq2seq(
    classes: int = 57,
    input_shape: Tokens | int = PLACES,
    source: int = 36,
    embedding: int = 32,
    units: int = 128,
    width: float = 1.0,
) -> Sequential:
    """Encoder and decoder with attention (Luong, Pham, Manning 2015, section 3.1, score "dot"); 143,737 parameters.

    The input is one row: the source's characters, then the target's, moved on by one place. The branch "memory" cuts the
    source out and reads it both ways; "queries" cuts the target out and reads it forwards, so that its state at each place
    knows what has been written. Attention joins each of those states with what it looked at in the source, a tanh layer makes
    h̃ = tanh(W · [h, c]) of both, and a dense layer scores the character that comes next.

    Deviations from the paper: GRUs (Cho et al. 2014) for LSTMs, and the encoder reads both ways (Bahdanau, Cho, Bengio 2014),
    one layer each for four, and the decoder does not begin with the encoder's last state: all it learns of the source comes
    through attention. No input feeding.

    Args:
        classes: characters, those that are none among them.
        input_shape: places of source and target together.
        source: places of the source; the rest is the target's.
        embedding: values of a character's vector.
        units: of the decoder, and of both directions of the encoder together.
        width: factor on ``embedding`` and ``units``.

    Raises:
        DescriptionError: an input that is not a tokens, or with no place for a target.

    Example:
        >>> [layer.name for layer in seq2seq().layers]
        ['attention', 'attentional', 'characters']
    """
    shape = Tokens(input_shape) if isinstance(input_shape, int) else as_shape(input_shape)
    if not isinstance(shape, Tokens) or shape.length is None or not 0 < source < shape.length:
        raise DescriptionError(
            "source and target need places",
            where="seq2seq",
            given=f"input {shape}, {source} of them of the source",
            expected="a known number of tokens, more than the source has",
            fix=f"input_shape=Tokens({max(source, 1) + 25})",
        )
    size, half = thin(embedding, width), thin(units // 2, width)
    memory = [
        Cropping1D((0, shape.length - source), name="source"),
        Embedding(classes, size, name="embedding"),
        Bidirectional(GRU(half, return_sequences=True), name="encoder"),
    ]
    queries = [
        Cropping1D((source, 0), name="target"),
        Embedding(classes, size, name="embedding"),
        GRU(2 * half, return_sequences=True, name="decoder"),
    ]
    joined = Parallel({"queries": queries, "memory": memory}, merge="attention", name="attention")
    layers = [
        joined,
        TimeDistributed(Dense(2 * half, activation="tanh"), name="attentional"),
        TimeDistributed(Dense(classes), name="characters"),
    ]
    return Sequential(layers, input_shape=shape, name="seq2seq")
