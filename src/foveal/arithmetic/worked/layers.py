"""The worked arithmetic of each layer kind: output, parameters, connections and multiply-accumulates with their numbers.

The rules for layers; compositions are in :mod:`foveal.arithmetic.worked.networks`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from foveal.arithmetic import window
from foveal.arithmetic.counts import count, joined_pairs
from foveal.arithmetic.geometry import Window, transposed_padding, windows
from foveal.arithmetic.worked.steps import (
    CONNECTIONS,
    MACS,
    OUTPUT,
    PARAMETERS,
    WorkedSection,
    WorkedStep,
    each_axis,
    product,
    rules,
)
from foveal.network import layers as kinds
from foveal.network.node import Node
from foveal.network.shape import Shape

WINDOWS = "Dumoulin, Visin 2016; lectures 000, 001, 004"
LECUN = "LeCun, Bottou, Bengio, Haffner 1998, section II.B"


def window_steps(n: int | None, one: Window, same: bool) -> list[WorkedStep]:
    """How many places a window has on an axis of ``n`` values, with the zeros of "same" worked out.

    Example:
        >>> for step in window_steps(13, Window(6, 5, 1, 2), same=True):  # lecture 004, figure 13-7
        ...     print(step.quantity, "=", step.substitution, "=", step.value)
        zeros in all on = max(0, (⌈13 / 5⌉ − 1) × 5 + 6 − 13) = 3
        zeros before = ⌊3 / 2⌋ = 1
        zeros after = 3 − 1 = 2
        output = ⌊(13 + 1 + 2 − 6) / 5⌋ + 1 = 3
    """
    found = []
    k, s, d, e = one.kernel, one.stride, one.dilation, one.extent
    size = "k"
    if d > 1:
        size = "e"
        found.append(WorkedStep("extent of the window on", "e = d · (k − 1) + 1", f"{d} × ({k} − 1) + 1", e))
    if n is None:
        return [
            *found,
            WorkedStep("output", f"⌊(n + before + after − {size}) / s⌋ + 1", "?", None, "n is not known yet"),
        ]
    if same:
        zeros = one.before + one.after
        formula = f"max(0, (⌈n / s⌉ − 1) · s + {size} − n)"
        found.append(WorkedStep("zeros in all on", formula, f"max(0, (⌈{n} / {s}⌉ − 1) × {s} + {e} − {n})", zeros))
        found.append(WorkedStep("zeros before", "⌊zeros / 2⌋", f"⌊{zeros} / 2⌋", one.before, "as even as possible"))
        after = "the odd one is at the end" if zeros % 2 else ""
        found.append(WorkedStep("zeros after", "zeros − before", f"{zeros} − {one.before}", one.after, after))
    lost = window.ignored(n, k, s, one.before, one.after, d)
    note = f"the last {lost} of {n} are under no window" if lost else ""
    substitution = f"⌊({n} + {one.before} + {one.after} − {e}) / {s}⌋ + 1"
    found.append(WorkedStep("output", f"⌊(n + before + after − {size}) / s⌋ + 1", substitution, one.places(n), note))
    return found


def _slid(layer: Node, input: Shape, channels: WorkedStep) -> WorkedSection:
    slid = windows(layer, input)
    assert slid is not None
    same = layer.padding == "same"  # type: ignore[attr-defined]
    steps = each_axis(input, lambda axis, _: window_steps(input.spatial[axis], slid[axis], same))
    return WorkedSection(OUTPUT, (*steps, channels), WINDOWS)


def _kernel(layer: Node) -> tuple[str, tuple[int, ...]]:
    """The kernel's area as letters and as numbers."""
    size = layer.window or ()
    letters = {1: ("k",), 2: ("k_h", "k_w"), 3: ("k_d", "k_h", "k_w")}[len(size)]
    return " · ".join(letters), size


def _places(output: Shape) -> str:
    return {0: "", 1: "length", 2: "height · width", 3: "depth · height · width"}[len(output.spatial)]


def _learned(
    layer: Node, input: Shape, output: Shape, seen: str, numbers: str, units: tuple[str, int]
) -> list[WorkedSection]:
    """Parameters, connections and MACs of a layer whose ``units`` each see ``seen`` (= ``numbers``) values."""
    counted = count(layer, input, output)
    bias = layer.use_bias  # type: ignore[attr-defined]
    word, many = units
    plus, plus_one = (" + 1", " + 1") if bias else ("", "")
    note = "" if bias else "no bias"
    own = f"({seen}{plus}) · {word}" if bias else f"{seen} · {word}"
    own_numbers = f"({numbers}{plus_one}) × {many}" if bias else f"{numbers} × {many}"
    parameters = WorkedStep("parameters", own, own_numbers, counted.parameters, note)
    places, place_numbers = _places(output), product(*output.spatial)
    at = (f"{places} · ", f"{place_numbers} × ") if places else ("", "")
    connections = WorkedStep(
        "connections", at[0] + own, at[1] + own_numbers, counted.connections, "each output: what it sums, and its bias"
    )
    macs = WorkedStep(
        "MACs", f"{at[0]}{seen} · {word}", f"{at[1]}{numbers} × {many}", counted.macs, "no bias, no activation"
    )
    return [
        WorkedSection(PARAMETERS, (parameters,), "lecture 000, computation of number of parameters"),
        WorkedSection(CONNECTIONS, (connections,), LECUN),
        WorkedSection(MACS, (macs,)),
    ]


@rules.rule(kinds.Conv1D, kinds.Conv2D, kinds.Conv3D)
def _convolution(layer: kinds.Conv2D, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    yield _slid(layer, input, WorkedStep("output channels", "filters", str(layer.filters), layer.filters))
    letters, area = _kernel(layer)
    groups = getattr(layer, "groups", 1)
    if getattr(layer, "connections", None) is not None:
        yield from _partial(layer, input, output)
        return
    seen = f"{letters} · channels" + (" / groups" if groups > 1 else "")
    numbers = f"{product(*area, input.channels)}" + (f" / {groups}" if groups > 1 else "")
    yield from _learned(layer, input, output, seen, numbers, ("filters", layer.filters))


def _partial(layer: kinds.Conv2D, input: Shape, output: Shape) -> Iterator[WorkedSection]:
    """A connection table: the filters see unequally many channels, so pairs are counted."""
    letters, area = _kernel(layer)
    pairs, counted = joined_pairs(layer, input.channels), count(layer, input, output)
    assert layer.connections is not None
    rows = " + ".join(str(len(row)) for row in layer.connections)
    bias, biases = (" + filters", f" + {layer.filters}") if layer.use_bias else ("", "")
    own, numbers = f"{letters} · pairs", f"{product(*area, pairs)}"
    places, at = _places(output), product(*output.spatial)
    yield WorkedSection(
        PARAMETERS,
        (
            WorkedStep("pairs of input channel and filter", "sum over the rows of the table", rows, pairs),
            WorkedStep("parameters", own + bias, numbers + biases, counted.parameters),
        ),
        "LeCun et al. 1998, table I",
    )
    connections = f"{at} × ({numbers}{biases})"
    yield WorkedSection(
        CONNECTIONS, (WorkedStep("connections", f"{places} · ({own}{bias})", connections, counted.connections),), LECUN
    )
    yield WorkedSection(MACS, (WorkedStep("MACs", f"{places} · {own}", f"{at} × {numbers}", counted.macs),))


@rules.rule(kinds.DepthwiseConv2D)
def _depthwise(layer: kinds.DepthwiseConv2D, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    channels = f"{input.channels} × {layer.depth_multiplier}"
    yield _slid(layer, input, WorkedStep("output channels", "channels · depth_multiplier", channels, output.channels))
    letters, area = _kernel(layer)
    yield from _learned(layer, input, output, letters, product(*area), ("output channels", output.channels))


@rules.rule(kinds.SeparableConv2D)
def _separable(layer: kinds.SeparableConv2D, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    yield _slid(layer, input, WorkedStep("output channels", "filters", str(layer.filters), layer.filters))
    letters, area = _kernel(layer)
    counted = count(layer, input, output)
    c, m, f = input.channels, layer.depth_multiplier, layer.filters
    first, second = math.prod(area) * c * m, c * m * f
    bias = (" + filters", f" + {f}") if layer.use_bias else ("", "")
    yield WorkedSection(
        PARAMETERS,
        (
            WorkedStep("a filter for each channel", f"{letters} · channels · multiplier", product(*area, c, m), first),
            WorkedStep("1 × 1 convolution", "channels · multiplier · filters", product(c, m, f), second),
            WorkedStep("parameters", f"both{bias[0]}", f"{first} + {second}{bias[1]}", counted.parameters),
        ),
        "Chollet 2016",
    )
    places, at = _places(output), product(*output.spatial)
    both = f"{at} × ({first} + {second}{bias[1]})"
    yield WorkedSection(
        CONNECTIONS, (WorkedStep("connections", f"{places} · parameters", both, counted.connections),), LECUN
    )
    step = WorkedStep("MACs", f"{places} · both", f"{at} × ({first} + {second})", counted.macs)
    yield WorkedSection(MACS, (step,))


@rules.rule(kinds.Conv2DTranspose)
def _transposed(layer: kinds.Conv2DTranspose, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    cuts = transposed_padding(layer)

    def steps(axis: int, _name: str) -> list[WorkedStep]:
        n, m, (before, after, extra) = input.spatial[axis], output.spatial[axis], cuts[axis]
        k, s, d = layer.kernel_size[axis], layer.strides[axis], layer.dilation_rate[axis]
        formula = "(n − 1) · s + d · (k − 1) + 1 − cut before − cut after + extra"
        numbers = f"({n} − 1) × {s} + {d} × ({k} − 1) + 1 − {before} − {after} + {extra}" if n is not None else "?"
        return [
            WorkedStep("output", formula, numbers, m, "the stamps of neighbours overlap and add up" if k > s else "")
        ]

    channels = WorkedStep("output channels", "filters", str(layer.filters), layer.filters)
    yield WorkedSection(OUTPUT, (*each_axis(input, steps), channels), "Dumoulin, Visin 2016, chapter 4")
    letters, area = _kernel(layer)
    counted = count(layer, input, output)
    groups = (" / groups", f" / {layer.groups}") if layer.groups > 1 else ("", "")
    bias = (" + filters", f" + {layer.filters}") if layer.use_bias else ("", "")
    own = f"{letters} · filters · channels{groups[0]}"
    numbers = product(*area, layer.filters, input.channels) + groups[1]
    yield WorkedSection(PARAMETERS, (WorkedStep("parameters", own + bias[0], numbers + bias[1], counted.parameters),))
    macs = f"{product(*input.spatial)} × {numbers}"
    added = f" + {product(*output.spatial, layer.filters)}" if layer.use_bias else ""
    note = "every input place stamps every kernel once; what is cut is counted"
    formula = f"input {_places(input)} · {own}" + (" + a bias for each output" if layer.use_bias else "")
    yield WorkedSection(CONNECTIONS, (WorkedStep("connections", formula, macs + added, counted.connections),), LECUN)
    yield WorkedSection(MACS, (WorkedStep("MACs", f"input {_places(input)} · {own}", macs, counted.macs, note),))


@rules.rule(kinds.Dense)
def _dense(layer: kinds.Dense, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    yield WorkedSection(OUTPUT, (WorkedStep("output", "units", str(layer.units), layer.units),))
    yield from _learned(layer, input, output, "inputs", str(input.channels), ("units", layer.units))


@rules.rule(kinds.RBF)
def _rbf(layer: kinds.RBF, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    counted, numbers = count(layer, input, output), product(input.channels, layer.units)
    kept = "the centres are fixed: not trained" if not layer.trainable else ""
    yield WorkedSection(OUTPUT, (WorkedStep("output", "units", str(layer.units), layer.units),))
    yield WorkedSection(
        PARAMETERS, (WorkedStep("centres", "inputs · units", numbers, counted.parameters + counted.fixed, kept),)
    )
    yield WorkedSection(
        CONNECTIONS, (WorkedStep("connections", "inputs · units", numbers, counted.connections),), LECUN
    )
    note = "a squared difference, added up: one multiply-accumulate"
    yield WorkedSection(MACS, (WorkedStep("MACs", "inputs · units", numbers, counted.macs, note),))


# Windows without weights ----------------------------------------------------------------------------------------------

_KEPT = WorkedStep("output channels", "channels", "", None, "each feature map by itself")


def _kept(shape: Shape) -> WorkedStep:
    return WorkedStep(_KEPT.quantity, _KEPT.formula, str(shape.channels), shape.channels, _KEPT.note)


def _nothing(why: str) -> WorkedSection:
    return WorkedSection(PARAMETERS, (WorkedStep("parameters", "none", "0", 0, why),), "lecture 000")


@rules.rule(*kinds.pooling.WINDOWED)
def _pooling(layer: kinds.MaxPooling2D, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    yield _slid(layer, input, _kept(input))
    yield _nothing("a fixed function: nothing to learn")
    letters, area = _kernel(layer)
    numbers = product(*output.axes, *area)
    seen = count(layer, input, output).connections
    yield WorkedSection(CONNECTIONS, (WorkedStep("connections", f"outputs · {letters}", numbers, seen),), LECUN)
    yield WorkedSection(
        MACS, (WorkedStep("MACs", "none", "0", 0, "only convolutions and matrix products are counted"),)
    )


@rules.rule(kinds.Subsampling2D)
def _subsampling(layer: kinds.Subsampling2D, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    yield _slid(layer, input, _kept(input))
    counted, c = count(layer, input, output), input.channels
    each, plus = ("2", " + 1") if layer.use_bias else ("1", "")
    note = "a coefficient and a bias for each map" if layer.use_bias else "a coefficient for each map"
    yield WorkedSection(
        PARAMETERS, (WorkedStep("parameters", f"{each} · channels", f"{each} × {c}", counted.parameters, note),), LECUN
    )
    letters, area = _kernel(layer)
    numbers = f"{product(*output.axes)} × ({product(*area)}{plus})"
    yield WorkedSection(
        CONNECTIONS, (WorkedStep("connections", f"outputs · ({letters}{plus})", numbers, counted.connections),), LECUN
    )
    yield WorkedSection(
        MACS, (WorkedStep("MACs", "none", "0", 0, "only convolutions and matrix products are counted"),)
    )


@rules.rule(*kinds.pooling.GLOBAL)
def _global_pooling(layer: Node, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    yield WorkedSection(
        OUTPUT, (WorkedStep("output", "channels", str(input.channels), output.channels, "one value a map"),)
    )
    yield _nothing("a fixed function, whatever the size of the map")
    step = WorkedStep("connections", f"{_places(input)} · channels", product(*input.axes), input.size)
    yield WorkedSection(CONNECTIONS, (step,), LECUN)


@rules.rule(*kinds.pooling.ADAPTIVE)
def _adaptive(layer: kinds.AdaptiveAveragePooling2D, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    def steps(axis: int, _name: str) -> list[WorkedStep]:
        n, m = input.spatial[axis], output.spatial[axis]
        made = [WorkedStep("output", "as asked", str(m), m)]
        if n is not None and m is not None:
            last = f"from ⌊{m - 1} × {n} / {m}⌋ = {(m - 1) * n // m} to {n}"
            largest = window.largest_share(n, m)
            note = f"window i reaches from ⌊i · n / {m}⌋ to ⌈(i + 1) · n / {m}⌉; the last one {last}"
            made.append(WorkedStep("largest window on", "", str(largest), largest, note))
        return made

    yield WorkedSection(OUTPUT, (*each_axis(input, steps), _kept(input)))
    yield _nothing("a fixed function, whatever the size of the map")


# Normalisation, and what only rearranges ------------------------------------------------------------------------------


@rules.rule(kinds.BatchNormalization, kinds.LayerNormalization)
def _normalization(layer: kinds.BatchNormalization, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    yield _same(output)
    c, counted = input.channels, count(layer, input, output)
    learned = int(layer.scale) + int(layer.center)
    words = {2: "a factor and a shift", 1: "a factor" if layer.scale else "a shift", 0: "nothing"}[learned]
    note = f"for each channel {words}"
    steps = [WorkedStep("parameters", f"{learned} · channels", f"{learned} × {c}", counted.parameters, note)]
    if counted.fixed:
        note = "running mean and variance, for use after training"
        steps.append(WorkedStep("not trained", "2 · channels", f"2 × {c}", counted.fixed, note))
    batch = isinstance(layer, kinds.BatchNormalization)
    yield WorkedSection(PARAMETERS, tuple(steps), "Ioffe, Szegedy 2015" if batch else "Ba et al. 2016")


def _same(output: Shape, note: str = "") -> WorkedSection:
    return WorkedSection(OUTPUT, (WorkedStep("output", "the input's shape", product(*output.axes), output.size, note),))


@rules.rule(kinds.Flatten)
def _flatten(layer: Node, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    note = "row by row, channels running fastest"
    letters = "values" if not input.spatial else f"{_places(input)} · channels"
    yield WorkedSection(OUTPUT, (WorkedStep("output", letters, product(*input.axes), output.size, note),))


@rules.rule(kinds.Reshape)
def _reshape(layer: kinds.Reshape, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    steps = []
    if -1 in layer.target_shape:
        rest = math.prod(n for n in layer.target_shape if n != -1)
        left = output.axes[layer.target_shape.index(-1)]
        steps.append(WorkedStep("what is left for −1", "values / other sizes", f"{input.size} / {rest}", left))
    steps.append(WorkedStep("output", "as many values as come in", product(*output.axes), input.size))
    yield WorkedSection(OUTPUT, tuple(steps))


@rules.rule(kinds.ZeroPadding2D)
def _zero_padding(layer: kinds.ZeroPadding2D, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    def steps(axis: int, _name: str) -> list[WorkedStep]:
        before, after = layer.padding[axis]
        n = input.spatial[axis]
        numbers = "?" if n is None else f"{n} + {before} + {after}"
        return [WorkedStep("output", "n + before + after", numbers, output.spatial[axis])]

    yield WorkedSection(OUTPUT, each_axis(input, steps))


@rules.rule(kinds.UpSampling2D)
def _upsampling(layer: kinds.UpSampling2D, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    def steps(axis: int, _name: str) -> list[WorkedStep]:
        n = input.spatial[axis]
        numbers = "?" if n is None else f"{n} × {layer.size[axis]}"
        return [WorkedStep("output", "n · factor", numbers, output.spatial[axis])]

    yield WorkedSection(OUTPUT, each_axis(input, steps))


@rules.rule(
    kinds.Activation, kinds.Dropout, kinds.SpatialDropout2D, kinds.LocalResponseNormalization, kinds.Rescaling,
    kinds.Normalization,
)  # fmt: skip
def _elementwise(layer: Node, input: Shape, output: Shape, _: object) -> Iterator[WorkedSection]:
    yield _same(output, "each value keeps its place")
    yield WorkedSection(
        PARAMETERS, (WorkedStep("parameters", "none", "0", 0, "constants of the description are not learned"),)
    )
