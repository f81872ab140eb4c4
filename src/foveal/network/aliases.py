"""What other libraries call the same things, and what they have that is not here.

An alias means exactly the same: whoever writes it gets what they had. Anything else gets a sentence, never a name that merely
looks alike.
"""

from __future__ import annotations

from foveal.spelling import nearest

ACTIVATION_ALIASES = {
    "swish": "silu",  # Ramachandran et al. 2017 with β = 1; Keras and TensorFlow have both names
    "identity": "linear",  # torch.nn.Identity
}
"""Keras 3's other names, and PyTorch's, for functions of :data:`foveal.network.activations.ACTIVATIONS`."""

OTHER_ACTIVATIONS = frozenset((
    "celu", "glu", "hard_swish", "hard_silu", "hard_tanh", "hard_shrink", "soft_shrink", "tanh_shrink", "threshold",
    "log_sigmoid", "sparsemax", "sparse_plus", "sparse_sigmoid", "squareplus", "prelu", "rrelu", "crelu", "softmin",
    "quick_gelu", "gelu_tanh", "gelu_new", "geglu", "swiglu", "reglu", "snake", "sin", "cos", "lisht", "relu2", "aria",
))  # fmt: skip
"""Functions of other libraries that are not here: names, not misspellings of ours."""

ACTIVATION_REPAIRS = {
    "leakyrelu": (
        '…="leaky_relu": its slope is 0.2',
        "a layer of its own after this one: Activation(\"leaky_relu\", negative_slope=0.3) is Keras' LeakyReLU, 0.01 PyTorch's",
    ),
}
"""What to say where the same name has another number elsewhere."""
ACTIVATION_REPAIRS["lrelu"] = ACTIVATION_REPAIRS["leakyrelu"]

INITIALIZER_ALIASES = {
    "xavier_uniform": "glorot_uniform",  # the same author, by first name
    "kaiming_uniform": "he_uniform",
    "uniform": "random_uniform",  # these four are Keras 3's own second names
    "normal": "random_normal",
    "zero": "zeros",
    "one": "ones",
}
"""PyTorch's xavier_normal and kaiming_normal are not cut at two deviations as Keras' and ours are: no aliases."""

LAYER_ALIASES = {
    **{f"{kind}Pool{rank}D": f"{whole}Pooling{rank}D" for rank in (1, 2, 3)
       for kind, whole in (("Max", "Max"), ("Avg", "Average"), ("GlobalMax", "GlobalMax"), ("GlobalAvg", "GlobalAverage"))},
    **{f"Convolution{rank}D": f"Conv{rank}D" for rank in (1, 2, 3)},
    "Convolution2DTranspose": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
    "DepthwiseConvolution2D": "DepthwiseConv2D",
}  # fmt: skip
"""Keras' second names of layers, with the same arguments."""

LAYER_REPAIRS = {
    **{name: f"Activation with activation: {function}" for name, function in {
        "ReLU": "relu", "ReLU6": "relu6", "ELU": "elu", "SELU": "selu", "GELU": "gelu", "SiLU": "silu", "Mish": "mish",
        "Sigmoid": "sigmoid", "Tanh": "tanh", "Softmax": "softmax", "LogSoftmax": "log_softmax", "Softplus": "softplus",
        "Softsign": "softsign", "Hardsigmoid": "hard_sigmoid",
    }.items()},
    "LeakyReLU": "Activation with activation: leaky_relu and negative_slope: 0.3 (Keras' slope; PyTorch's is 0.01)",
    "Linear": "Dense: units is PyTorch's out_features; what comes in is computed",
    "BatchNorm1d": "BatchNormalization: its momentum is 1 − PyTorch's",
    "BatchNorm2d": "BatchNormalization: its momentum is 1 − PyTorch's",
    "BatchNorm3d": "BatchNormalization: its momentum is 1 − PyTorch's",
    "Concatenate": "Parallel with its branches, and merge: concat",
    "Add": "Parallel with its branches, and merge: add; or Residual",
    "Input": "input: [28, 28, 1] beside the layers, not among them",
    "InputLayer": "input: [28, 28, 1] beside the layers, not among them",
    "Identity": "Activation with activation: linear; or nothing",
}  # fmt: skip
"""Layers of Keras and PyTorch that have another form here."""


def layer_repairs(kind: str, known: list[str]) -> list[str]:
    """What to write in place of a kind of layer that there is not; empty where nothing means the same.

    Numbers in a name are meant: UpSampling1D is not a misspelling of UpSampling2D.

    Example:
        >>> layer_repairs("MaxPool2d", ["MaxPooling2D"]), layer_repairs("UpSampling1D", ["UpSampling2D"])
        (['MaxPooling2D'], [])
    """
    if kind in LAYER_REPAIRS:
        return [LAYER_REPAIRS[kind]]
    near = [name for name in nearest(kind, [*known, *LAYER_ALIASES], 6) if _digits(name) == _digits(kind)]
    return list(dict.fromkeys(LAYER_ALIASES.get(name, name) for name in near))[:3]


def _digits(name: str) -> str:
    return "".join(c for c in name if c.isdigit())
