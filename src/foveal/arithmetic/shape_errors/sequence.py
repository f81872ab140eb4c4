"""What to say when layers for tokens, sequences and codes do not fit."""

from __future__ import annotations

from foveal.errors import ShapeError
from foveal.network import layers as kinds
from foveal.network.node import Node
from foveal.network.shape import Image, Sequence, Shape, Tokens, Vector


def tokens_are_no_values(layer: Node, shape: Shape) -> ShapeError:
    """A layer that computes on values, behind the numbers of words."""
    return ShapeError(
        f"{layer.kind} computes on values, and tokens are only numbers of words or characters",
        given=f"input {shape}",
        expected="values: a vector for each token",
        fix="Embedding(input_dim, output_dim) before it; input_dim is how many tokens there are",
    )


def needs_tokens(layer: Node, shape: Shape) -> ShapeError:
    """An embedding of something else than tokens."""
    first = shape.axes[0]
    repairs = [f'input_shape="{"?" if first is None else first} tokens"'] if len(shape.axes) == 1 else []
    units = layer.output_dim if isinstance(layer, kinds.Embedding) else 32
    if isinstance(shape, Vector):
        repairs.append(f"Dense({units}) instead, if these are values")
    elif isinstance(shape, Sequence):
        repairs.append(f"Conv1D({units}, 1) instead, if these are values")
    return ShapeError(
        f"{layer.kind} looks up a row for each whole number",
        given=f"input {shape}, values",
        expected="tokens: whole numbers, one a place",
        fix=repairs or 'input_shape="200 tokens", say',
    )


def nothing_left(layer: kinds.Cropping1D, shape: Shape) -> ShapeError:
    """Everything is cut off."""
    (n,), (first, last) = shape.spatial, layer.cropping
    assert n is not None
    return ShapeError(
        "nothing is left of the sequence",
        given=f"input {shape}: {n} − {first} − {last} = " + f"{n - first - last}".replace("-", "−"),
        expected=f"at most {n - 1} places cut off" if n > 1 else "a sequence of more than one place",
        fix=[
            f"cropping=({min(first, n - 1)}, {max(0, n - 1 - first)})",
            f"an input of at least {first + last + 1} places",
        ],
    )


def cannot_permute(layer: kinds.Permute, shape: Shape) -> ShapeError:
    """Another number of axes, or an axis of unknown size that would become the channels."""
    rank, repairs = len(shape.axes), []
    if rank >= 2:
        order = (2, 1, *range(3, rank + 1))
        repairs.append(f"dims={order}" if None not in shape.axes else f"dims={(*range(1, rank + 1),)}")
    else:
        repairs.append("take it out: one axis has one order")
    unknown = len(layer.dims) == rank
    return ShapeError(
        "an axis of unknown size cannot become the channels" if unknown else "the order is not one of these axes",
        given=f"input {shape}: {rank} ax{'i' if rank == 1 else 'e'}s; dims={layer.dims}",
        expected="channels of known size" if unknown else f"each of 1 to {rank} once",
        fix=repairs,
    )


def needs_means_and_variances(layer: kinds.Sampling, shape: Shape) -> ShapeError:
    """A code whose means and variances are not there."""
    k = layer.units
    repairs = [f"Dense({2 * k}) before it: {k} means, {k} logarithms of variances"]
    if isinstance(shape, Vector) and shape.n % 2 == 0:
        repairs.append(f"units={shape.n // 2}")
    if isinstance(shape, Image | Sequence):
        repairs = [f"Flatten() and {repairs[0]}"]
    return ShapeError(
        f"Sampling({k}) needs a mean and a variance for each of its {k} values",
        given=f"input {shape}",
        expected=f"a vector of 2 × {k} = {2 * k} values",
        fix=repairs,
    )


def cannot_attend(ends: list[tuple[str, Shape]], path: str) -> ShapeError:
    """Queries and memory whose products do not exist."""
    (asking, queries), (asked, memory) = ends
    repairs = []
    if isinstance(queries, Sequence) and isinstance(memory, Sequence):
        repairs = [
            f"{queries.c} channels in the last layer of {asked}",
            f"{memory.c} channels in the last layer of {asking}",
            f"TimeDistributed(Dense({queries.c})) at the end of {asked}",
        ]
    elif isinstance(queries, Tokens) or isinstance(memory, Tokens):
        repairs = ["an Embedding in each branch"]
    return ShapeError(
        "attention needs two sequences of equally many channels: a score is a product of two vectors",
        where=path,
        given=f"{asking} gives {queries} (queries)\n{asked} gives {memory} (memory)",
        expected="sequences (length × channels) with the same number of channels; the lengths may differ",
        fix=repairs or "layers that keep the sequence: return_sequences=True, no Flatten",
    )
