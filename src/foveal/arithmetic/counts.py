"""Counts: parameters, activations, connections and multiply-accumulates; one rule a layer kind.

Everything is for one sample (batch 1).

- **parameters** are trainable numbers; **fixed** ones are stored but not trained: running statistics, an RBF's centres.
- **activations** are the values that come out.
- **connections** are LeNet-5's: for each value that comes out, the values that it sums, and 1 for its bias (LeCun, Bottou,
  Bengio, Haffner 1998, section II.B). Zeros of the padding count like pixels. Layers that treat each value by itself,
  normalise or rearrange have none of their own.
- **MACs** are the multiply-accumulates of convolutions and matrix products, without bias and activation. Pooling has none.
  FLOPs, where somebody asks, are 2 × MACs.

A count that depends on an axis of unknown size is None.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from foveal.arithmetic.shapes import Traced
from foveal.arithmetic.window import share_total
from foveal.network import layers as kinds
from foveal.network.interpreter import Interpreter
from foveal.network.node import Node
from foveal.network.shape import Shape, as_shape
from foveal.network.tree import COMPOSITIONS, Parallel, children


@dataclass(frozen=True)
class Counts:
    """What a layer, or a sum of layers, has.

    Attributes:
        weights: trainable parameters but the biases.
        biases: trainable parameters that are added: one a unit or a filter, a normalisation's shift.
        fixed: numbers that are stored and not trained.
        activations, connections, macs: see the module; None where an axis is unknown.
    """

    weights: int = 0
    biases: int = 0
    fixed: int = 0
    activations: int | None = 0
    connections: int | None = 0
    macs: int | None = 0

    @property
    def parameters(self) -> int:
        """All trainable parameters."""
        return self.weights + self.biases

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.weights + other.weights,
            self.biases + other.biases,
            self.fixed + other.fixed,
            _plus(self.activations, other.activations),
            _plus(self.connections, other.connections),
            _plus(self.macs, other.macs),
        )


def _plus(a: int | None, b: int | None) -> int | None:
    return None if a is None or b is None else a + b


def total(counts: Iterable[Counts]) -> Counts:
    """The sum, count by count."""
    return sum(counts, Counts())


CountRule = Callable[..., Counts]
rules: Interpreter[CountRule] = Interpreter("counts")


def count(layer: Node, input: Shape, output: Shape, path: str = "") -> Counts:
    """What ``layer`` has, between these shapes.

    Raises:
        RuleMissing: the kind has no rule.

    Example:
        >>> from foveal.network import Image
        >>> from foveal.network.layers import Conv2D
        >>> c1 = count(Conv2D(6, 5), Image(32, 32, 1), Image(28, 28, 6))
        >>> c1.parameters, c1.activations, c1.connections, c1.macs
        (156, 4704, 122304, 117600)
    """
    return rules.for_node(layer, path)(layer, input, output)


def times(*factors: int | None) -> int | None:
    """The product; None if a factor is unknown."""
    known = [n for n in factors if n is not None]
    return math.prod(known) if len(known) == len(factors) else None


def positions(shape: Shape) -> int | None:
    """The places of a map: height × width; 1 for a vector."""
    return times(*shape.spatial)


def _biases(layer: Node, count: int) -> int:
    return count if layer.use_bias else 0  # type: ignore[attr-defined]


# Learned sums ---------------------------------------------------------------------------------------------------------


@rules.rule(kinds.Conv1D, kinds.Conv2D, kinds.Conv3D)
def _convolution(layer: kinds.Conv2D, input: Shape, output: Shape) -> Counts:
    """weights = kernel area × pairs (input channel, filter) that are joined; each works once at every place."""
    weights = math.prod(layer.kernel_size) * joined_pairs(layer, input.channels)
    biases = _biases(layer, layer.filters)
    places = positions(output)
    return Counts(
        weights, biases, 0, output.size, connections=times(places, weights + biases), macs=times(places, weights)
    )


def joined_pairs(layer: Node, channels: int) -> int:
    """How many (input channel, filter) pairs a convolution joins: all of them, or fewer with groups or a table."""
    table = getattr(layer, "connections", None)
    if table is not None:
        return sum(len(row) for row in table)
    return channels // getattr(layer, "groups", 1) * layer.filters  # type: ignore[attr-defined,no-any-return]


@rules.rule(kinds.DepthwiseConv2D)
def _depthwise(layer: kinds.DepthwiseConv2D, input: Shape, output: Shape) -> Counts:
    weights = math.prod(layer.kernel_size) * output.channels
    biases = _biases(layer, output.channels)
    places = positions(output)
    return Counts(weights, biases, 0, output.size, times(places, weights + biases), times(places, weights))


@rules.rule(kinds.SeparableConv2D)
def _separable(layer: kinds.SeparableConv2D, input: Shape, output: Shape) -> Counts:
    """A filter for each channel, then a 1 × 1 convolution over the maps in between; one bias, at the end."""
    between = input.channels * layer.depth_multiplier
    weights = math.prod(layer.kernel_size) * between + between * layer.filters
    biases = _biases(layer, layer.filters)
    places = positions(output)
    return Counts(weights, biases, 0, output.size, times(places, weights + biases), times(places, weights))


@rules.rule(kinds.Conv2DTranspose)
def _transposed(layer: kinds.Conv2DTranspose, input: Shape, output: Shape) -> Counts:
    """Each input place stamps every kernel once, so the places that count are the input's; what is cut counts too."""
    weights = math.prod(layer.kernel_size) * joined_pairs(layer, input.channels)
    biases = _biases(layer, layer.filters)
    macs = times(positions(input), weights)
    return Counts(weights, biases, 0, output.size, connections=_plus(macs, times(positions(output), biases)), macs=macs)


@rules.rule(kinds.Dense)
def _dense(layer: kinds.Dense, input: Shape, output: Shape) -> Counts:
    weights = input.channels * layer.units
    biases = _biases(layer, layer.units)
    return Counts(weights, biases, 0, layer.units, weights + biases, weights)


# Steps in time --------------------------------------------------------------------------------------------------------

GATES = {kinds.SimpleRNN: 1, kinds.LSTM: 4, kinds.GRU: 3}
"""How many sums of input and state a unit makes at each step."""


@rules.rule(kinds.SimpleRNN, kinds.LSTM, kinds.GRU)
def _recurrent(layer: kinds.LSTM, input: Shape, output: Shape) -> Counts:
    """Each gate of each unit sums all channels and all units; one set of weights, used at every step.

    The products of gates and states, value by value, are not matrix products, and are not counted.
    """
    sums = GATES[type(layer)] * layer.units
    weights = sums * (input.channels + layer.units)
    biases = _biases(layer, sums * (2 if getattr(layer, "reset_after", False) else 1))
    steps = positions(input)
    return Counts(weights, biases, 0, output.size, times(steps, weights + biases), times(steps, weights))


@rules.rule(kinds.Bidirectional)
def _bidirectional(layer: kinds.Bidirectional, input: Shape, output: Shape) -> Counts:
    one = output.resized(output.spatial, layer.layer.units)
    both = total(count(part, input, one) for _, part in layer.held())
    return replace(both, activations=output.size)


@rules.rule(kinds.TimeDistributed)
def _each_step(layer: kinds.TimeDistributed, input: Shape, output: Shape) -> Counts:
    """The layer's own numbers once, its work at every step."""
    steps, (each, made) = input.axes[0], (as_shape(shape.axes[1:]) for shape in (input, output))
    one = count(layer.layer, each, made)
    connections, macs = times(steps, one.connections), times(steps, one.macs)
    return replace(one, activations=output.size, connections=connections, macs=macs)


@rules.rule(kinds.Embedding)
def _embedding(layer: kinds.Embedding, input: Shape, output: Shape) -> Counts:
    """Rows are looked up: nothing is multiplied, nothing summed."""
    return Counts(layer.input_dim * layer.output_dim, activations=output.size)


@rules.rule(kinds.RBM)
def _rbm(layer: kinds.RBM, input: Shape, output: Shape) -> Counts:
    """Upwards, as a network runs it: the visible biases are stored and learned, and used only downwards."""
    weights = input.channels * layer.units
    return Counts(weights, layer.units + input.channels, 0, layer.units, weights + layer.units, weights)


@rules.rule(kinds.RBF)
def _rbf(layer: kinds.RBF, input: Shape, output: Shape) -> Counts:
    """A squared difference is one multiplication and one addition, as in a matrix product."""
    centres = input.channels * layer.units
    weights, fixed = (centres, 0) if layer.trainable else (0, centres)
    return Counts(weights, 0, fixed, layer.units, centres, centres)


# Windows without weights ----------------------------------------------------------------------------------------------


@rules.rule(*kinds.pooling.WINDOWED)
def _pooling(layer: kinds.MaxPooling2D, input: Shape, output: Shape) -> Counts:
    return Counts(activations=output.size, connections=times(output.size, math.prod(layer.window)))


@rules.rule(kinds.Subsampling2D)
def _subsampling(layer: kinds.Subsampling2D, input: Shape, output: Shape) -> Counts:
    """A coefficient for each map, and a bias."""
    biases = _biases(layer, input.channels)
    seen = math.prod(layer.window) + (1 if layer.use_bias else 0)
    return Counts(input.channels, biases, 0, output.size, times(output.size, seen))


@rules.rule(*kinds.pooling.GLOBAL)
def _global_pooling(layer: Node, input: Shape, output: Shape) -> Counts:
    return Counts(activations=output.size, connections=input.size)


@rules.rule(*kinds.pooling.ADAPTIVE)
def _adaptive_pooling(layer: Node, input: Shape, output: Shape) -> Counts:
    """Windows differ in size by one or two; on each axis their sizes add up on their own."""
    covered: list[int | None] = []
    for n, m in zip(input.spatial, output.spatial, strict=True):
        covered.append(None if n is None or m is None else share_total(n, m))
    return Counts(activations=output.size, connections=times(*covered, output.channels))


# Values one by one ----------------------------------------------------------------------------------------------------


@rules.rule(kinds.BatchNormalization)
def _batch_normalization(layer: kinds.BatchNormalization, input: Shape, output: Shape) -> Counts:
    """A factor and a shift for each channel are learned; its running mean and variance are not."""
    c = input.channels
    return Counts(c if layer.scale else 0, c if layer.center else 0, 2 * c, output.size)


@rules.rule(kinds.LayerNormalization)
def _layer_normalization(layer: kinds.LayerNormalization, input: Shape, output: Shape) -> Counts:
    c = input.channels
    return Counts(c if layer.scale else 0, c if layer.center else 0, 0, output.size)


@rules.rule(
    kinds.Activation, kinds.Dropout, kinds.SpatialDropout2D, kinds.Flatten, kinds.Reshape, kinds.ZeroPadding2D,
    kinds.UpSampling2D, kinds.LocalResponseNormalization, kinds.Rescaling, kinds.Normalization, kinds.UnitNormalization,
    kinds.GaussianNoise, kinds.Sampling, kinds.Cropping1D, kinds.Permute,
)  # fmt: skip
def _free(layer: Node, input: Shape, output: Shape) -> Counts:
    """Nothing learned, nothing summed over a window: constants of the description are not parameters."""
    return Counts(activations=output.size)


# Merges ---------------------------------------------------------------------------------------------------------------


def _nothing(ends: Sequence[Shape], output: Shape) -> Counts:
    return Counts()


def _attention(ends: Sequence[Shape], output: Shape) -> Counts:
    """A score is a product of two vectors of d values, a context a weighted sum of L_m of them: L_q · L_m · d each time.

    The weights (L_q × L_m) and the contexts (L_q × d) are new values; the queries only keep their place.
    """
    (l_q,), (l_m,), d = ends[0].spatial, ends[1].spatial, ends[0].channels
    work = times(2, l_q, l_m, d)
    return Counts(activations=_plus(times(l_q, l_m), times(l_q, d)), connections=work, macs=work)


MERGES: dict[str, Callable[[Sequence[Shape], Shape], Counts]] = {
    "concat": _nothing,
    "add": _nothing,
    "attention": _attention,
}


def merged(node: Parallel, ends: Sequence[Shape], output: Shape) -> Counts:
    """What the merge of branches has itself, beside the layers in them.

    Args:
        node: the composition.
        ends: what its branches give.
        output: what it gives.

    Example:
        >>> from foveal.network import Sequence as Series
        >>> attention = Parallel([[], []], merge="attention")
        >>> merged(attention, [Series(10, 64), Series(30, 64)], Series(10, 128)).macs == 2 * 10 * 30 * 64
        True
    """
    return MERGES[node.merge](ends, output)


def counted(traced: Iterable[Traced]) -> dict[str, Counts]:
    """What each layer has, and each merge that computes something, by path; nothing is in it twice.

    Args:
        traced: what :func:`foveal.arithmetic.shapes.trace` gives, also when it broke off.

    Raises:
        RuleMissing: a layer without a rule.
    """
    at = {t.path: t for t in traced}
    found = {}
    for path, t in at.items():
        if t.output is None:
            continue
        if isinstance(t.node, Parallel):
            ends = [at[f"{path}/{name}" if path else name].output for name, _ in children(t.node)]
            own = merged(t.node, [end for end in ends if end is not None], t.output)
            if own != Counts():
                found[path] = own
        elif type(t.node) not in COMPOSITIONS.values():
            found[path] = count(t.node, t.input, t.output, path)
    return found
