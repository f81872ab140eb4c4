"""The backward pass: how a layer turns the gradient of its output into those of its weights and its input; one rule a kind.

E is the error, X what comes in, O what comes out; ``⋆`` slides without turning (cross-correlation), ``∗`` turns the kernel by
180° first (convolution). Lecture 003, "Training the Convolution Layer" and "Training the Pooling layer"; Zhang 2016,
"Derivation of Backpropagation in Convolutional Neural Network"; lecture 004 for the residual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from foveal.arithmetic.geometry import windows
from foveal.arithmetic.worked.steps import WorkedSection, WorkedStep, axis_names, product
from foveal.network import layers as kinds
from foveal.network.interpreter import Interpreter
from foveal.network.node import Node
from foveal.network.shape import Shape
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential

BackwardRule = Callable[..., Iterator[WorkedStep]]
rules: Interpreter[BackwardRule] = Interpreter("backward pass")

TITLE, SOURCE = "Backward", "lecture 003; Zhang 2016"

DERIVATIVES: dict[str, str] = {
    "linear": "1",
    "step": "0 (and none at 0: nothing can be learned through it)",
    "sigmoid": "y · (1 − y)",
    "tanh": "1 − y²",
    "scaled_tanh": "1.7159 · 2/3 · (1 − (y / 1.7159)²)",
    "relu": "1 if x > 0 else 0",
    "relu6": "1 if 0 < x < 6 else 0",
    "leaky_relu": "1 if x > 0 else slope",
    "elu": "1 if x > 0 else y + α",
    "selu": "1.0507 if x > 0 else y + 1.7581",
    "gelu": "Φ(x) + x · φ(x)",
    "silu": "σ(x) · (1 + x · (1 − σ(x)))",
    "mish": "tanh(s) + x · (1 − tanh²(s)) · σ(x), s = ln(1 + e^x)",
    "softplus": "1 / (1 + e^−x)",
    "softsign": "1 / (1 + |x|)²",
    "hard_sigmoid": "1/6 if −3 < x < 3 else 0",
    "exponential": "y",
    "softmax": "dE/dxᵢ = yᵢ · (dE/dyᵢ − Σⱼ yⱼ · dE/dyⱼ)",
    "log_softmax": "dE/dxᵢ = dE/dyᵢ − e^yᵢ · Σⱼ dE/dyⱼ",
}
"""The derivative of each activation function; y is its value at x."""

own_function: set[type[Node]] = {kinds.Activation}
"""The kinds whose rule goes back through their function itself; of the others it comes last, and so first on the way back."""


def backward(layer: Node, input: Shape, output: Shape, path: str = "") -> Iterator[WorkedSection]:
    """The backward pass of a layer, with its shapes put in.

    Raises:
        RuleMissing: the kind has no rule.

    Example:
        >>> from foveal.network import Image
        >>> from foveal.network.layers import MaxPooling2D
        >>> for section in backward(MaxPooling2D(2), Image(4, 4, 1), Image(2, 2, 1)):
        ...     print(section.steps[0].quantity, "=", section.steps[0].formula)
        dE/dX = dE/dO of the window, at the place of its largest value; 0 elsewhere
    """
    steps = tuple(rules.for_node(layer, path)(layer, input, output))
    activation = getattr(layer, "activation", "linear")
    if activation != "linear" and type(layer) not in own_function:
        steps = (*_function(activation, output), *steps)
    yield WorkedSection(TITLE, steps, SOURCE)


def _function(name: str, shape: Shape) -> Iterator[WorkedStep]:
    note = f"first back through {name}; O below is what comes before it"
    if name in ("softmax", "log_softmax"):
        yield WorkedStep("dE/dO", DERIVATIVES[name], f"over {shape.channels} channels", str(shape), note)
    else:
        yield WorkedStep(
            "dE/dO", f"dE/dy · f′(x), f′ = {DERIVATIVES[name]}", f"value by value, {shape}", str(shape), note
        )


@rules.rule(kinds.Conv1D, kinds.Conv2D, kinds.Conv3D, kinds.DepthwiseConv2D)
def _convolution(layer: kinds.Conv2D, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    """Lecture 003: both gradients are convolutions again."""
    slid = windows(layer, input)
    assert slid is not None
    padded = [None if n is None else n + one.before + one.after for n, one in zip(input.spatial, slid, strict=True)]
    depthwise = isinstance(layer, kinds.DepthwiseConv2D)
    seen = 1 if depthwise else input.channels // getattr(layer, "groups", 1)
    f_shape = product(*layer.kernel_size, seen, output.channels)
    o_shape, x_shape = str(output), product(*padded, input.channels)
    strided = max(layer.strides) > 1
    stride_note = (
        f"; dE/dO is spread first, {_less(layer.strides)} zeros between its values (stride)" if strided else ""
    )
    dilated = " dE/dO at the kernel's spacing" if max(getattr(layer, "dilation_rate", (1,))) > 1 else ""
    table = getattr(layer, "connections", None)
    padded_too = ", padded" if any(one.before or one.after for one in slid) else ""
    note = "sum over all places: X slides under dE/dO" + stride_note + dilated
    if table is not None:
        note += "; only for the pairs of the connection table"
    yield WorkedStep("dE/dF", "X ⋆ dE/dO, valid", f"({x_shape}{padded_too}) ⋆ ({o_shape})", f_shape, note)
    yield from _sizes(layer, input, output, padded)
    if layer.use_bias:
        yield WorkedStep(
            "dE/db", "Σ dE/dO over all places", product(*output.spatial) + " summands each", str(output.channels)
        )
    turned = "F turned by 180° ∗ dE/dO, full"
    note = "each input value collects from every window that saw it" + stride_note
    if padded_too:
        note += "; the padding is cut off again"
    yield WorkedStep("dE/dX", turned, f"({f_shape}, turned) over ({o_shape})", str(input), note)


def _less(strides: tuple[int, ...]) -> str:
    return " × ".join(str(s - 1) for s in strides) if len(set(strides)) > 1 else str(strides[0] - 1)


def _sizes(layer: Node, input: Shape, output: Shape, padded: list[int | None]) -> Iterator[WorkedStep]:
    """The check that the two convolutions give gradients of the right size, along the first axis."""
    n, m = padded[0], output.spatial[0]
    if n is None or m is None:
        return
    slid = windows(layer, input)
    assert slid is not None
    one, name = slid[0], axis_names(input)[0]
    spread = f"(({m} − 1) × {one.stride} + 1)"
    left = n - one.extent - (m - 1) * one.stride
    dropped = f" − {left}" if left else ""
    note = f"the last {left} are under no window" if left else ""
    yield WorkedStep(f"{name} of dE/dF", "n − spread dE/dO + 1", f"{n}{dropped} − {spread} + 1", one.extent, note)
    missing = f" + {left}" if left else ""
    note = "with the padding still on" if one.before or one.after else ""
    note = "zeros for what no window saw" if left else note
    numbers = f"{spread} + 2 × ({one.extent} − 1) − {one.extent} + 1{missing}"
    yield WorkedStep(f"{name} of dE/dX", "spread dE/dO + 2 · (k − 1) − k + 1", numbers, n, note)


@rules.rule(kinds.SeparableConv2D)
def _separable(layer: kinds.SeparableConv2D, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    between = input.channels * layer.depth_multiplier
    maps = product(*output.spatial, between)
    yield WorkedStep(
        "dE/dF of 1 × 1", "maps between ⋆ dE/dO", f"({maps}) ⋆ ({output})", product(1, 1, between, layer.filters)
    )
    yield WorkedStep("dE/d(maps)", "F of 1 × 1, transposed, on dE/dO", f"{layer.filters} → {between} channels", maps)
    shape = product(*layer.kernel_size, input.channels, layer.depth_multiplier)
    yield WorkedStep("dE/dF of depth", "X ⋆ dE/d(maps), channel by channel", f"({input}) ⋆ ({maps})", shape)
    yield WorkedStep("dE/dX", "F of depth turned by 180° ∗ dE/d(maps), full", f"over ({maps})", str(input))


@rules.rule(kinds.Conv2DTranspose)
def _transposed(layer: kinds.Conv2DTranspose, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    shape = product(*layer.kernel_size, layer.filters, input.channels // layer.groups)
    yield WorkedStep(
        "dE/dF", "dE/dO ⋆ X", f"({output}) ⋆ ({input})", shape, "the two change places against a convolution"
    )
    if layer.use_bias:
        yield WorkedStep(
            "dE/db", "Σ dE/dO over all places", product(*output.spatial) + " summands each", str(layer.filters)
        )
    note = "the gradient of a transposed convolution is the ordinary convolution with the same kernel"
    yield WorkedStep("dE/dX", "dE/dO ⋆ F, with the layer's stride", f"({output}) ⋆ ({shape})", str(input), note)


@rules.rule(kinds.Dense)
def _dense(layer: kinds.Dense, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    n, u = input.channels, layer.units
    yield WorkedStep(
        "dE/dW",
        "x ⊗ dE/do",
        f"({n} × 1) · (1 × {u})",
        product(n, u),
        "each weight: its input times its unit's gradient",
    )
    if layer.use_bias:
        yield WorkedStep("dE/db", "dE/do", str(u), str(u))
    yield WorkedStep("dE/dx", "W · dE/do", f"({n} × {u}) · ({u} × 1)", str(n), "each input collects from every unit")


@rules.rule(kinds.RBF)
def _rbf(layer: kinds.RBF, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    sizes = f"{layer.units} units, {input.channels} inputs"
    yield WorkedStep("dE/dx", "Σᵢ −2 · (x − wᵢ) · dE/doᵢ", sizes, str(input))
    if layer.trainable:
        yield WorkedStep("dE/dw", "2 · (x − wᵢ) · dE/doᵢ", sizes, product(input.channels, layer.units))


# Windows without weights ----------------------------------------------------------------------------------------------


@rules.rule(*kinds.pooling.MAX)
def _max(layer: Node, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield _winner("largest", input, output)


@rules.rule(*kinds.pooling.MIN)
def _min(layer: Node, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield _winner("smallest", input, output)


@rules.rule(*kinds.pooling.GLOBAL_MAX, *kinds.pooling.ADAPTIVE_MAX)
def _global_max(layer: Node, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield _winner("largest", input, output)


def _winner(which: str, input: Shape, output: Shape) -> WorkedStep:
    many = "?" if output.size is None else str(output.size)
    return WorkedStep(
        "dE/dX",
        f"dE/dO of the window, at the place of its {which} value; 0 elsewhere",
        f"{many} windows, one winner each",
        str(input),
        "the winner takes all: at a tie the first in reading order; where windows overlap, gradients add up",
    )


@rules.rule(*kinds.pooling.AVERAGE)
def _average(layer: kinds.AveragePooling2D, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    area = product(*layer.window)
    note = "every value of the window gets the same share; at the border, of the values that are there"
    yield WorkedStep("dE/dX", "dE/dO / window", f"dE/dO / ({area})", str(input), note)


@rules.rule(*kinds.pooling.GLOBAL_AVERAGE, *kinds.pooling.ADAPTIVE_AVERAGE)
def _global_average(layer: Node, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    note = "every value of the window gets the same share"
    whole = output.spatial == ()
    text = f"dE/dO / ({product(*input.spatial)})" if whole else "dE/dO / values of its window"
    yield WorkedStep("dE/dX", "dE/dO / window", text, str(input), note)


@rules.rule(*kinds.pooling.L2)
def _l2(layer: Node, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    note = "each value in proportion to its part of the norm; 0 where the norm is 0"
    yield WorkedStep("dE/dX", "dE/dO · x / O", f"O = √(Σ x²), {output}", str(input), note)


@rules.rule(*kinds.pooling.DISTANCE_WEIGHTED)
def _distance(layer: Node, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    note = "the weight falls with the distance d from the middle of the window"
    yield WorkedStep("dE/dX", "dE/dO · w(d) / Σ w(d)", "w(d) = 1 / (1 + d)", str(input), note)


@rules.rule(kinds.Subsampling2D)
def _subsampling(layer: kinds.Subsampling2D, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    c, many = str(input.channels), product(*output.spatial)
    yield WorkedStep("dE/d(coefficient)", "Σ dE/dO · (sum of the window)", f"{many} windows a map", c)
    if layer.use_bias:
        yield WorkedStep("dE/db", "Σ dE/dO over all places", f"{many} summands each", c)
    yield WorkedStep("dE/dX", "coefficient · dE/dO, to every value of the window", product(*layer.window), str(input))


# Values one by one ----------------------------------------------------------------------------------------------------


@rules.rule(kinds.Activation)
def _activation(layer: kinds.Activation, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    if layer.activation in ("softmax", "log_softmax"):
        yield WorkedStep("dE/dX", DERIVATIVES[layer.activation], f"over {input.channels} channels", str(input))
    else:
        text = DERIVATIVES[layer.activation]
        text = text.replace("slope", f"{layer.negative_slope:g}").replace("α", f"{layer.alpha:g}")
        yield WorkedStep("dE/dX", f"dE/dy · f′(x), f′ = {text}", f"value by value, {input}", str(input))


@rules.rule(kinds.Dropout, kinds.SpatialDropout2D)
def _dropout(layer: kinds.Dropout, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    note = "the same places as forward; nothing is dropped after training"
    yield WorkedStep(
        "dE/dX", "dE/dO / (1 − rate) where kept, else 0", f"dE/dO / (1 − {layer.rate:g})", str(input), note
    )


@rules.rule(kinds.BatchNormalization, kinds.LayerNormalization)
def _normalization(layer: kinds.BatchNormalization, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    c = str(input.channels)
    if layer.scale:
        yield WorkedStep("dE/dγ", "Σ dE/dO · x̂", f"for each of {c} channels", c, "x̂ is the normalised input")
    if layer.center:
        yield WorkedStep("dE/dβ", "Σ dE/dO", f"for each of {c} channels", c)
    over = "batch and place" if isinstance(layer, kinds.BatchNormalization) else "channels"
    formula = "γ / σ · (dE/dO − mean(dE/dO) − x̂ · mean(dE/dO · x̂))"
    yield WorkedStep(
        "dE/dX", formula, f"means over {over}", str(input), "mean and deviation depend on x, so they pass gradients too"
    )


@rules.rule(kinds.LocalResponseNormalization)
def _lrn(layer: kinds.LocalResponseNormalization, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    formula = "dE/dOᵢ · sᵢ^−β − 2αβ · xᵢ · Σⱼ dE/dOⱼ · xⱼ · sⱼ^(−β−1),  s = k + α · Σ x²"
    yield WorkedStep("dE/dX", formula, f"over {layer.size} neighbouring maps", str(input))


@rules.rule(kinds.Rescaling)
def _rescaling(layer: kinds.Rescaling, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield WorkedStep("dE/dX", "scale · dE/dO", f"{layer.scale:g} × dE/dO", str(input))


@rules.rule(kinds.Normalization)
def _constants(layer: kinds.Normalization, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield WorkedStep("dE/dX", "dE/dO / √variance", "constants, for each channel", str(input))


@rules.rule(kinds.Flatten, kinds.Reshape)
def _rearranged(layer: Node, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield WorkedStep("dE/dX", "dE/dO in the input's shape", f"{output} → {input}", str(input))


@rules.rule(kinds.ZeroPadding2D)
def _padded(layer: Node, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield WorkedStep("dE/dX", "dE/dO without the border", f"{output} → {input}", str(input))


@rules.rule(kinds.UpSampling2D)
def _upsampled(layer: kinds.UpSampling2D, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    how = "Σ dE/dO over its copies" if layer.interpolation == "nearest" else "Σ weight · dE/dO over what it reached"
    yield WorkedStep("dE/dX", how, f"{product(*layer.size)} copies", str(input))


# Compositions ---------------------------------------------------------------------------------------------------------


@rules.rule(Sequential)
def _sequential(node: Sequential, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    yield WorkedStep(
        "dE/dx", "through the layers in turn, last first", f"{len(node.layers)} layers", str(input), "the chain rule"
    )


@rules.rule(Parallel)
def _parallel(node: Parallel, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    if node.merge == "attention":
        yield from _attention(output)
    each = _SHARES[node.merge]
    yield WorkedStep("dE/dx", "Σ over the branches", f"{len(node.branches)} branches, each gets {each}", str(input))


_SHARES = {
    "concat": "its own feature maps of dE/dO",
    "add": "the whole of dE/dO",
    "attention": "its own gradient from above: the queries dE/dq, the memory dE/dm",
}


def _attention(output: Shape) -> Iterator[WorkedStep]:
    """O = [q, c]: half of dE/dO is the queries', half the contexts' (aᵢⱼ are the weights, sᵢⱼ the scores)."""
    d = output.channels // 2
    yield WorkedStep(
        "dE/da", "dE/daᵢⱼ = dE/dcᵢ · mⱼ", f"products of {d} values", "L_q × L_m", "how much more of mⱼ would help"
    )
    yield WorkedStep(
        "dE/ds", "aᵢⱼ · (dE/daᵢⱼ − Σₖ aᵢₖ · dE/daᵢₖ)", "over the memory", "L_q × L_m", "back through the softmax"
    )
    yield WorkedStep("dE/dq", "dE/dqᵢ + Σⱼ dE/dsᵢⱼ · mⱼ", f"{d} values each", f"L_q × {d}", "asked, and handed on")
    yield WorkedStep(
        "dE/dm", "Σᵢ (aᵢⱼ · dE/dcᵢ + dE/dsᵢⱼ · qᵢ)", f"{d} values each", f"L_m × {d}", "as value and as key"
    )


@rules.rule(Residual)
def _residual(node: Residual, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    if node.shortcut.layers:
        yield WorkedStep("dy/dx", "dF/dx + d(shortcut)/dx", "both ways add up", str(input))
        return
    note = "however small dF/dx is, the gradient comes through undiminished (lecture 004)"
    yield WorkedStep("dy/dx", "dF/dx + 1", "y = F(x) + x", str(input), note)


@rules.rule(Auxiliary)
def _auxiliary(node: Auxiliary, input: Shape, output: Shape) -> Iterator[WorkedStep]:
    text = f"dE/dO + {node.weight:g} × d(head's E)/dx"
    yield WorkedStep(
        "dE/dx", "dE/dO + weight · d(head's E)/dx", text, str(input), "the head adds its gradient half-way"
    )
