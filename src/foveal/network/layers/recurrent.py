"""Layers that go through a sequence step by step and carry a state, and layers that hold another layer.

A recurrent layer reads ``length`` steps of ``channels`` values. At step t it sees x_t and its own output h_(t−1) of the step
before; h_0 is 0. One set of weights serves all steps. ``·`` is the matrix product, ``∘`` the product value by value, σ the
logistic function. W are the weights of what comes in (``weight``), U those of the state (``recurrent_weight``).
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from foveal.network.activations import Regularizer, regularizer
from foveal.network.fields import Named, Refused, checked, flag, number, one_of, positive
from foveal.network.layers.convolution import activation_name, initializer_name
from foveal.network.node import Node

_share = number(0.0, below=1.0)


@dataclass(frozen=True, repr=False)
class SimpleRNN(Node):
    """h_t = activation(W · x_t + U · h_(t−1) + b): length × channels → units, or length × units.

    Elman 1990, "Finding Structure in Time"; lecture 002, "Recurrent Neural Networks". Parameters: (channels + units + 1) × units.

    Args:
        units: values of the state, and of what comes out.
        activation: of the state; None is linear.
        use_bias: whether each unit adds a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: of W, U and b.
        kernel_regularizer: a penalty on W, added to the loss.
        dropout: in training, this share of the input's channels is 0: the same ones at every step of a sample
            (Gal, Ghahramani 2016).
        recurrent_dropout: the same for the state that a step takes over from the one before.
        return_sequences: True gives the output of every step (length × units), False that of the last one (units).
        go_backwards: whether the last step is read first. The sequence that comes out is then in the order of reading, as in
            Keras: its first output belongs to the last step.

    Example:
        >>> SimpleRNN(64, return_sequences=True)
        SimpleRNN(units=64, return_sequences=True)
    """

    units: int = checked(positive)
    activation: Named = checked(activation_name, "tanh")
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    recurrent_initializer: str = checked(initializer_name, "orthogonal")
    bias_initializer: str = checked(initializer_name, "zeros")
    kernel_regularizer: Regularizer | None = checked(regularizer, None)
    dropout: float = checked(_share, 0.0)
    recurrent_dropout: float = checked(_share, 0.0)
    return_sequences: bool = checked(flag, False)
    go_backwards: bool = checked(flag, False)


@dataclass(frozen=True, repr=False)
class LSTM(Node):
    """Long short-term memory: a cell c that a step adds to and scales, instead of writing it anew.

    ::

        i = σ(W_i · x_t + U_i · h_(t−1) + b_i)       what is let in
        f = σ(W_f · x_t + U_f · h_(t−1) + b_f)       what is kept
        g = tanh(W_g · x_t + U_g · h_(t−1) + b_g)    what could be added
        o = σ(W_o · x_t + U_o · h_(t−1) + b_o)       what is shown
        c_t = f ∘ c_(t−1) + i ∘ g
        h_t = o ∘ tanh(c_t)

    Hochreiter, Schmidhuber 1997, "Long Short-Term Memory"; the gate f: Gers, Schmidhuber, Cummins 2000. Parameters:
    4 × (channels + units + 1) × units. The tensors hold the gates one after another, in the order i, f, g, o.

    Args:
        units: values of the state, and of what comes out.
        activation: in place of tanh, both times; None is linear.
        recurrent_activation: of the gates i, f and o.
        use_bias: whether each gate adds a bias.
        kernel_initializer, recurrent_initializer, bias_initializer: of W, U and b.
        unit_forget_bias: b_f begins at 1, so that at first the cell keeps what it has (Jozefowicz et al. 2015, section 3).
        kernel_regularizer, dropout, recurrent_dropout, return_sequences, go_backwards: as in :class:`SimpleRNN`.

    Example:
        >>> LSTM(64)
        LSTM(units=64)
    """

    units: int = checked(positive)
    activation: Named = checked(activation_name, "tanh")
    recurrent_activation: Named = checked(activation_name, "sigmoid")
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    recurrent_initializer: str = checked(initializer_name, "orthogonal")
    bias_initializer: str = checked(initializer_name, "zeros")
    unit_forget_bias: bool = checked(flag, True)
    kernel_regularizer: Regularizer | None = checked(regularizer, None)
    dropout: float = checked(_share, 0.0)
    recurrent_dropout: float = checked(_share, 0.0)
    return_sequences: bool = checked(flag, False)
    go_backwards: bool = checked(flag, False)


@dataclass(frozen=True, repr=False)
class GRU(Node):
    """Gated recurrent unit: a gate z that chooses, value by value, between the old state and a new one.

    ::

        r = σ(W_r · x_t + U_r · h_(t−1) + b_r)       how much of the old state the new one looks at
        z = σ(W_z · x_t + U_z · h_(t−1) + b_z)       how much of the old state stays
        n = tanh(W_n · x_t + b_n + r ∘ (U_n · h_(t−1) + d_n))
        h_t = z ∘ h_(t−1) + (1 − z) ∘ n

    Cho et al. 2014, "Learning Phrase Representations using RNN Encoder–Decoder". The tensors hold r, z, n one after another.

    Args:
        units: values of the state, and of what comes out.
        activation: in place of tanh; None is linear.
        recurrent_activation: of the gates r and z.
        use_bias: whether biases are added.
        kernel_initializer, recurrent_initializer, bias_initializer: of W, U and the biases.
        kernel_regularizer, dropout, recurrent_dropout, return_sequences, go_backwards: as in :class:`SimpleRNN`.
        reset_after: True multiplies by r after the matrix, as above and as fast kernels do; the state's side then has biases
            of its own, d (``recurrent_bias``): 3 × (channels + units + 2) × units parameters. False multiplies before,
            n = tanh(W_n · x_t + b_n + U_n · (r ∘ h_(t−1))), as the paper has it: 3 × (channels + units + 1) × units.

    Example:
        >>> GRU(64)
        GRU(units=64)
    """

    units: int = checked(positive)
    activation: Named = checked(activation_name, "tanh")
    recurrent_activation: Named = checked(activation_name, "sigmoid")
    use_bias: bool = checked(flag, True)
    kernel_initializer: str = checked(initializer_name, "glorot_uniform")
    recurrent_initializer: str = checked(initializer_name, "orthogonal")
    bias_initializer: str = checked(initializer_name, "zeros")
    kernel_regularizer: Regularizer | None = checked(regularizer, None)
    dropout: float = checked(_share, 0.0)
    recurrent_dropout: float = checked(_share, 0.0)
    return_sequences: bool = checked(flag, False)
    go_backwards: bool = checked(flag, False)
    reset_after: bool = checked(flag, True)


# Layers that hold a layer ---------------------------------------------------------------------------------------------


def _bare(layer: Node) -> Node:
    """The layer, if it leaves its name and its input shape to the layer that holds it."""
    if layer.name is not None or layer.input_shape is not None:
        bare = dataclasses.replace(layer, name=None, input_shape=None)
        raise Refused("a layer without a name or an input shape of its own: they belong outside", f"…={bare!r}")
    return layer


def _recurrent(value: Any) -> Node:
    if not isinstance(value, SimpleRNN | LSTM | GRU):
        raise Refused("a recurrent layer: SimpleRNN, LSTM or GRU", "…=layers.LSTM(64)")
    return _bare(value)


def _layer(value: Any) -> Node:
    if not isinstance(value, Node):
        hint = f"{value.__name__}(…): call it" if isinstance(value, type) else "…=layers.Dense(10)"
        raise Refused("a layer", hint)
    if isinstance(value, TimeDistributed) and isinstance(value.layer, TimeDistributed):
        raise Refused(
            "a layer on frames of frames at most: no shape has more axes", "…=layers.TimeDistributed(layers.Dense(10))"
        )
    if value.is_composition:
        raise Refused(
            f"one layer; {value.kind} is a composition", "one TimeDistributed for each of its layers, one after another"
        )
    return _bare(value)


@dataclass(frozen=True, repr=False)
class Bidirectional(Node):
    """Two copies of a recurrent layer, one reading forwards and one backwards, with weights of their own.

    Schuster, Paliwal 1997, "Bidirectional Recurrent Neural Networks". Parameters: 2 × those of the layer. With
    ``return_sequences``, the outputs of both that belong to the same step are merged.

    Args:
        layer: a SimpleRNN, LSTM or GRU, without a name.
        merge_mode: "concat" lays both outputs behind one another (2 × units), "sum", "mul" and "ave" give their sum, product
            and mean (units).

    Example:
        >>> Bidirectional(LSTM(32, return_sequences=True))
        Bidirectional(layer=LSTM(units=32, return_sequences=True))
    """

    layer: Any = checked(_recurrent)
    merge_mode: str = checked(one_of(("concat", "sum", "mul", "ave"), what="way to merge"), "concat")

    def held(self) -> tuple[tuple[str, Node], ...]:
        other = dataclasses.replace(self.layer, go_backwards=not self.layer.go_backwards)
        return ("forward_layer", self.layer), ("backward_layer", other)


@dataclass(frozen=True, repr=False)
class TimeDistributed(Node):
    """One layer on each step by itself: the first axis is time, and what is left of the shape is a frame.

    Frames of a sequence are vectors, frames of a film (depth × height × width × channels) pictures, frames of a picture its
    rows, as sequences. All frames share the layer's weights. Parameters: those of the layer.

    Args:
        layer: any layer, without a name.

    Example:
        >>> from foveal.network.layers import Conv2D
        >>> TimeDistributed(Conv2D(8, 3))
        TimeDistributed(layer=Conv2D(filters=8, kernel_size=(3, 3)))
    """

    layer: Any = checked(_layer)

    def held(self) -> tuple[tuple[str, Node], ...]:
        return (("layer", self.layer),)
