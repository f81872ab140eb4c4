"""Networks for text: one that writes it character by character, one that gives it labels."""

from __future__ import annotations

from collections.abc import Sequence as List

from foveal.errors import DescriptionError
from foveal.network import Node, Sequential, Tokens
from foveal.network.layers import (
    LSTM,
    AdaptiveMaxPooling1D,
    Conv1D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    TimeDistributed,
)
from foveal.network.tree import Parallel
from foveal.zoo.parts import thin

CHARACTERS, WORDS = Tokens(64), Tokens(100)
"""What goes in by default: a window of characters, a document of words."""


def char_lstm(
    classes: int = 98,
    input_shape: Tokens | int = CHARACTERS,
    embedding: int = 64,
    units: int = 256,
    recurrent: int = 1,
    dropout: float = 0.1,
    width: float = 1.0,
) -> Sequential:
    """At each character, the chances of the one that follows: embedding, LSTM, a dense layer at each step; 360,162 parameters.

    Graves 2013, "Generating Sequences With Recurrent Neural Networks", sections 2 and 3 (whose network for text has seven
    layers of 700 cells and reads characters as one-hot vectors); Karpathy, Johnson, Fei-Fei 2015. Parameters:
    98 × 64 of the embedding, 4 × (64 + 256 + 1) × 256 of the LSTM, 257 × 98. Dropout only between the layers, never from
    step to step (Zaremba, Sutskever, Vinyals 2014).

    Args:
        classes: kinds of characters, of what goes in and of what comes out.
        input_shape: characters of a training window; no weight depends on it.
        embedding: values of a character's vector.
        units: of an LSTM.
        recurrent: LSTMs on top of each other.
        dropout: before each LSTM and before the dense layer; 0 leaves the layers out.
        width: factor on ``embedding`` and ``units``.

    Raises:
        DescriptionError: an input that is not a tokens.

    Example:
        >>> [layer.name for layer in char_lstm().layers]
        ['embedding', 'drop1', 'lstm1', 'drop', 'characters']
    """
    layers: list[Node] = [Embedding(classes, thin(embedding, width), name="embedding")]
    for number in range(1, recurrent + 1):
        layers += [Dropout(dropout, name=f"drop{number}")] if dropout else []
        layers.append(LSTM(thin(units, width), return_sequences=True, name=f"lstm{number}"))
    layers += [Dropout(dropout, name="drop")] if dropout else []
    layers.append(TimeDistributed(Dense(classes), name="characters"))
    return Sequential(layers, input_shape=_tokens("char_lstm", input_shape), name="char_lstm")


def text_cnn(
    classes: int = 250,
    input_shape: Tokens | int = WORDS,
    words: int = 5000,
    embedding: int = 128,
    filters: int = 128,
    windows: List[int] = (2, 4, 8),
    pool: int = 2,
    bottleneck: int = 512,
    dropout: float = 0.35,
    width: float = 1.0,
) -> Sequential:
    """The XML-CNN shape: filters of several widths over words, dynamic max pooling, a bottleneck, a logit for each label.

    Liu, Chang, Wu, Yang 2017, "Deep Learning for Extreme Multi-label Text Classification", section 3 (figure 1); lecture
    001. 1,391,738 parameters. *Dynamic* max pooling keeps the largest value of each of ``pool`` parts of the document in
    place of the largest of all (section 3.1.1); the bottleneck keeps the last layer small where labels are many (3.1.3).
    Ours: embeddings start at random, not from GloVe (``foveal train text_cnn`` puts in vectors counted on the training texts).

    Args:
        classes: labels, each with a logit of its own.
        input_shape: words of a document.
        words: kinds of words, with the padding and the unknown.
        embedding: values of a word's vector.
        filters: of each width.
        windows: the widths, in words.
        pool: parts of a document, each of which keeps its largest value.
        bottleneck: hidden units.
        dropout: after the embedding (half of it), and on both sides of the bottleneck; 0 leaves the layers out.
        width: factor on ``embedding``, ``filters`` and ``bottleneck``.

    Raises:
        DescriptionError: an input that is not a tokens.

    Example:
        >>> [layer.name for layer in text_cnn().layers]
        ['embedding', 'drop1', 'windows', 'flatten', 'drop2', 'bottleneck', 'drop3', 'labels']
    """

    def drop(number: int, share: float) -> list[Node]:
        return [Dropout(share, name=f"drop{number}")] if share else []

    branches = {
        f"words{size}": [
            Conv1D(thin(filters, width), size, padding="same", activation="relu", name="conv"),
            AdaptiveMaxPooling1D(pool, name="pool"),
        ]
        for size in windows
    }
    return Sequential(
        [
            Embedding(words, thin(embedding, width), name="embedding"),
            *drop(1, dropout / 2),
            Parallel(branches, name="windows"),
            Flatten(name="flatten"),
            *drop(2, dropout),
            Dense(thin(bottleneck, width), activation="relu", name="bottleneck"),
            *drop(3, dropout),
            Dense(classes, name="labels"),
        ],
        input_shape=_tokens("text_cnn", input_shape),
        name="text_cnn",
    )


def _tokens(name: str, given: Tokens | int) -> Tokens:
    shape: object = Tokens(given) if isinstance(given, int) else given
    if not isinstance(shape, Tokens):
        raise DescriptionError(
            f"{name} takes tokens",
            where=name,
            given=f"input {shape} ({type(shape).__name__})",
            expected="Tokens(length): whole numbers, one a character or word",
            fix="input_shape=Tokens(100), say",
        )
    return shape
