"""Recurrent layers in PyTorch, and layers that hold another layer.

Where the functions are those of PyTorch's own kernels (tanh or ReLU for the simple one, tanh and σ with gates), the whole
sequence goes through the kernel in one call, several times as fast as step by step. The kernels want two biases; where Keras
has one, the second is a tensor of zeros that is not a parameter and in no file. Everything else (other functions, dropout of the
state, a reset before the product) goes step by step, with the same tensors.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from foveal.arithmetic.counts import GATES
from foveal.backends.torch_layers.activations import PURE
from foveal.backends.torch_layers.context import BuildContext, rules
from foveal.network import layers as kinds
from foveal.network.shape import as_shape


class Recurrent(nn.Module):
    """SimpleRNN, LSTM and GRU: N × channels × length → N × units, or N × units × length.

    Attributes:
        weight: W, (gates · units) × channels; gates in the order of the layer's description.
        recurrent_weight: U, (gates · units) × units.
        bias: b, one a gate and unit, or None.
        recurrent_bias: d, where the layer has a second bias (a GRU that resets after the product), or None.
        carries: whether a sequence begins with the states that the one before it ended with (Keras: ``stateful``).
        carried: those states, each N × units, cut off from the gradient; None begins with zeros.
    """

    carries = False
    carried: list[Tensor] | None = None

    bias: nn.Parameter | None
    recurrent_bias: nn.Parameter | None
    no_bias: Tensor

    def __init__(
        self, layer: kinds.LSTM, context: BuildContext, kernel: Callable[..., Any] | None, states: int
    ) -> None:
        super().__init__()
        n, units = context.input.channels, layer.units
        sums = GATES[type(layer)] * units
        twice = layer.use_bias and getattr(layer, "reset_after", False)

        def bias() -> nn.Parameter:
            return context.parameter(layer.bias_initializer, (sums,), n, sums)

        self.weight = context.parameter(layer.kernel_initializer, (sums, n), n, sums)
        self.recurrent_weight = context.parameter(layer.recurrent_initializer, (sums, units), units, sums)
        self.register_parameter("bias", bias() if layer.use_bias else None)
        self.register_parameter("recurrent_bias", bias() if twice else None)
        self.register_buffer("no_bias", torch.zeros(sums, device=self.weight.device), persistent=False)
        self.kernel = None if layer.recurrent_dropout else kernel
        self.units, self.states = units, states
        self.dropout, self.recurrent_dropout = layer.dropout, layer.recurrent_dropout
        self.backwards, self.sequences = layer.go_backwards, layer.return_sequences
        self.activation = PURE[layer.activation]
        self.gate = PURE[getattr(layer, "recurrent_activation", "linear")]
        self.label = repr(layer)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.movedim(1, -1)  # N × length × channels
        if self.backwards:
            steps = steps.flip(1)
        if self.training and self.dropout:
            steps = steps * _kept(steps[:, :1], self.dropout)
        if self.kernel is not None:
            return self._result(self._whole(self.kernel, steps))
        return self._result(self._by_steps(steps))

    def _whole(self, kernel: Callable[..., Any], steps: Tensor) -> Tensor:
        first = [state.unsqueeze(0) for state in self._first(steps)]
        biases = [self.no_bias if bias is None else bias for bias in (self.bias, self.recurrent_bias)]
        weights = [self.weight, self.recurrent_weight, *biases]
        state = first[0] if self.states == 1 else tuple(first)
        out: Tensor
        out, *last = kernel(steps, state, weights, True, 1, 0.0, self.training, False, True)
        self._keep([each[0] for each in last])
        return out

    def _first(self, steps: Tensor) -> list[Tensor]:
        if self.carries and self.carried is not None:
            return self.carried
        return [steps.new_zeros(len(steps), self.units) for _ in range(self.states)]

    def _keep(self, last: list[Tensor]) -> None:
        if self.carries:
            self.carried = [each.detach() for each in last]

    def _by_steps(self, steps: Tensor) -> Tensor:
        states = self._first(steps)
        kept = _kept(states[0], self.recurrent_dropout) if self.training and self.recurrent_dropout else None
        found = []
        for sums in F.linear(steps, self.weight, self.bias).unbind(1):
            states = self.step(sums, states if kept is None else [states[0] * kept, *states[1:]], states[0])
            found.append(states[0])
        self._keep(states)
        return torch.stack(found, 1)

    def step(self, sums: Tensor, states: list[Tensor], before: Tensor) -> list[Tensor]:
        """One step.

        Args:
            sums: W · x + b.
            states: h, dropped in part, and where there is a cell c.
            before: h as it was.
        """
        raise NotImplementedError

    def _result(self, out: Tensor) -> Tensor:
        return out.movedim(-1, 1) if self.sequences else out[:, -1]

    def extra_repr(self) -> str:
        return self.label


def _kept(like: Tensor, rate: float) -> Tensor:
    """A factor for each value: 0 for a share ``rate`` of them, 1 / (1 − rate) for the others."""
    return F.dropout(torch.ones_like(like), rate)


class SimpleRNN(Recurrent):
    """h = activation(W · x + U · h + b)."""

    def step(self, sums: Tensor, states: list[Tensor], before: Tensor) -> list[Tensor]:
        return [self.activation(sums + F.linear(states[0], self.recurrent_weight))]


class LSTM(Recurrent):
    """Gates i, f, g, o; a cell beside the state."""

    def step(self, sums: Tensor, states: list[Tensor], before: Tensor) -> list[Tensor]:
        i, f, g, o = (sums + F.linear(states[0], self.recurrent_weight)).chunk(4, 1)
        cell = self.gate(f) * states[1] + self.gate(i) * self.activation(g)
        return [self.gate(o) * self.activation(cell), cell]


class GRU(Recurrent):
    """Gates r, z, and the new state n; the reset after the product or before it."""

    def __init__(self, layer: kinds.GRU, context: BuildContext, kernel: Callable[..., Any] | None) -> None:
        super().__init__(layer, context, kernel, 1)  # type: ignore[arg-type]
        self.after = layer.reset_after

    def step(self, sums: Tensor, states: list[Tensor], before: Tensor) -> list[Tensor]:
        (h,), gates = states, 2 * self.units
        r, z, n = sums.chunk(3, 1)
        if self.after:
            by_r, by_z, by_n = F.linear(h, self.recurrent_weight, self.recurrent_bias).chunk(3, 1)
            new = self.activation(n + self.gate(r + by_r) * by_n)
        else:
            by_r, by_z = F.linear(h, self.recurrent_weight[:gates]).chunk(2, 1)
            new = self.activation(n + F.linear(self.gate(r + by_r) * h, self.recurrent_weight[gates:]))
        z = self.gate(z + by_z)
        return [z * before + (1 - z) * new]


# Layers that hold a layer ---------------------------------------------------------------------------------------------

_MERGES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "concat": lambda a, b: torch.cat([a, b], 1),
    "sum": torch.add,
    "mul": torch.mul,
    "ave": lambda a, b: (a + b) / 2,
}


class Bidirectional(nn.Module):
    """Two recurrent layers, ``forward_layer`` and ``backward_layer``, merged step by step."""

    def __init__(self, layer: kinds.Bidirectional, context: BuildContext) -> None:
        super().__init__()
        one = BuildContext(
            context.path,
            context.input,
            context.output.resized(context.output.spatial, layer.layer.units),
            context.generator,
        )
        for name, part in layer.held():
            self._modules[name] = rules.for_node(part, context.path)(part, one)
        self.merge, self.sequences = _MERGES[layer.merge_mode], layer.layer.return_sequences

    def forward(self, x: Tensor) -> Tensor:
        there, back = (part(x) for part in self._modules.values())  # type: ignore[misc]
        return self.merge(there, back.flip(-1) if self.sequences else back)


class TimeDistributed(nn.Module):
    """One layer on each step: steps join the batch, and part from it again."""

    def __init__(self, layer: kinds.TimeDistributed, context: BuildContext) -> None:
        super().__init__()
        inside = BuildContext(
            context.path, as_shape(context.input.axes[1:]), as_shape(context.output.axes[1:]), context.generator
        )
        self.layer = rules.for_node(layer.layer, context.path)(layer.layer, inside)

    def forward(self, x: Tensor) -> Tensor:
        steps = x.movedim(2, 1)  # N × steps × channels × …
        made: Tensor = self.layer(steps.flatten(0, 1))
        return made.reshape(*steps.shape[:2], *made.shape[1:]).movedim(1, 2)


_RNN = {"tanh": torch._VF.rnn_tanh, "relu": torch._VF.rnn_relu}


@rules.rule(kinds.SimpleRNN)
def _simple(layer: kinds.SimpleRNN, context: BuildContext) -> nn.Module:
    return SimpleRNN(layer, context, _RNN.get(layer.activation), 1)  # type: ignore[arg-type]


def _usual(layer: kinds.LSTM | kinds.GRU) -> bool:
    return (layer.activation, layer.recurrent_activation) == ("tanh", "sigmoid")


@rules.rule(kinds.LSTM)
def _lstm(layer: kinds.LSTM, context: BuildContext) -> nn.Module:
    module = LSTM(layer, context, torch._VF.lstm if _usual(layer) else None, 2)
    if layer.unit_forget_bias and module.bias is not None and context.generator is not None:
        with torch.no_grad():
            module.bias[layer.units : 2 * layer.units] = 1.0
    return module


@rules.rule(kinds.GRU)
def _gru(layer: kinds.GRU, context: BuildContext) -> nn.Module:
    fast = _usual(layer) and layer.reset_after
    return GRU(layer, context, torch._VF.gru if fast else None)


# A module that takes a layer and its place is the rule of its kind itself.
rules.rule(kinds.Bidirectional)(Bidirectional)
rules.rule(kinds.TimeDistributed)(TimeDistributed)
