"""Layers for tokens and sequences: a vector for each token, and what cuts and turns axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from foveal.network.fields import Refused, checked, positive, whole
from foveal.network.layers.convolution import initializer_name
from foveal.network.node import Node


@dataclass(frozen=True, repr=False)
class Embedding(Node):
    """A learned vector for each token: Tokens(length) → Sequence(length × output_dim).

    Args:
        input_dim: how many tokens there are; they are numbered from 0.
        output_dim: values of each vector.
        embeddings_initializer: see ``foveal.network.activations.INITIALIZERS``.

    Parameters: input_dim × output_dim. A row is looked up, not multiplied, so there are no multiply-accumulates. (Bengio,
    Ducharme, Vincent, Jauvin 2003, "A Neural Probabilistic Language Model", section 2: the matrix C.)

    Example:
        >>> Embedding(128, 32)
        Embedding(input_dim=128, output_dim=32)
    """

    family = "dense"
    takes_tokens = True

    input_dim: int = checked(positive)
    output_dim: int = checked(positive)
    embeddings_initializer: str = checked(initializer_name, "random_uniform")


def _ends(value: Any) -> tuple[int, int]:
    ends = (value, value) if isinstance(value, int) else value
    if isinstance(ends, list | tuple) and len(ends) == 2:
        first, last = ends
        if all(whole(n, 0) for n in ends):
            return first, last
    raise Refused("a whole number of at least 0 for both ends, or (beginning, end)", "…=(1, 1)")


@dataclass(frozen=True, repr=False)
class Cropping1D(Node):
    """Cuts places off both ends of a sequence or of tokens: length → length − beginning − end.

    Args:
        cropping: a number for both ends, or (beginning, end).

    Example:
        >>> Cropping1D((30, 0))
        Cropping1D(cropping=(30, 0))
    """

    rank = 1
    takes_tokens = True

    cropping: Any = checked(_ends, (1, 1))


def _order(value: Any) -> tuple[int, ...]:
    dims = tuple(value) if isinstance(value, list | tuple) else ()
    if all(whole(n, 1) for n in dims) and 2 <= len(dims) <= 4 and sorted(dims) == list(range(1, len(dims) + 1)):
        return dims
    raise Refused("the axes in their new order, counted from 1, channels last: each once", "…=(2, 1, 3)")


@dataclass(frozen=True, repr=False)
class Permute(Node):
    """The axes in another order: a picture of height × width × channels as width × height × channels.

    Followed by a Reshape it makes a picture a sequence of its columns, as a reader of text lines needs it.

    Args:
        dims: for each axis that comes out the number of the one that it was, counted from 1; the batch has none.

    Example:
        >>> Permute((2, 1, 3))
        Permute(dims=(2, 1, 3))
    """

    dims: tuple[int, ...] = checked(_order)
