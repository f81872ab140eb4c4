"""A trained network that predicts the next symbol, put to use: bits of texts, continuing a text, looking at its cells.

Weights of such a network do not depend on a length, so the same ones serve windows of any number of symbols; the recurrent
layers carry their states from one window to the next. A text always begins with the mark, from states of zero.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.special import softmax
from torch import Tensor, nn

from foveal.backends.torch import Network, build
from foveal.backends.torch_layers.recurrent import Recurrent
from foveal.network.shape import Tokens

Indices = NDArray[np.int64]
Floats = NDArray[np.float64]
MARK = 0
WINDOW = 256
"""Symbols that are computed at once where a whole text is known."""


class Writer:
    """A network of tokens → logits for the next token, at every step.

    Args:
        module: built for any length; it is not changed.

    Example:
        >>> from foveal import zoo
        >>> writer = Writer(build(zoo.char_lstm(classes=5, width=1 / 16)))
        >>> writer.bits([np.array([2, 3, 4])])[0].shape  # three symbols and the mark that ends them
        (4,)
    """

    def __init__(self, module: Network) -> None:
        self.source = module
        self._built: dict[int, Network] = {}

    def at(self, length: int) -> Network:
        """The same weights, for windows of ``length``, states carried along."""
        if length not in self._built:
            made = build(self.source.network.with_input(Tokens(length)))
            made.load_state_dict(self.source.state_dict())
            for part in _recurrent(made):
                part.carries = True
            self._built[length] = made.eval()
        return self._built[length]

    @torch.inference_mode()
    def bits(self, texts: Sequence[Indices], batch_size: int = 32) -> list[Floats]:
        """For each text, −log₂ of the probability of each of its symbols and of the mark that ends it.

        Args:
            texts: rows of indices without marks.
            batch_size: texts that are read side by side.
        """
        found: list[Floats] = [np.empty(0)] * len(texts)
        module = self.at(WINDOW)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for first in range(0, len(order), batch_size):
            chosen = order[first : first + batch_size]
            rows = [np.concatenate([[MARK], texts[i], [MARK]]) for i in chosen]
            longest = -(-max(len(row) - 1 for row in rows) // WINDOW) * WINDOW
            padded = torch.zeros(len(rows), longest + 1, dtype=torch.int64)
            for at, row in enumerate(rows):
                padded[at, : len(row)] = torch.from_numpy(row)
            _forget(module)
            parts = []
            for start in range(0, longest, WINDOW):
                logits = module(padded[:, start : start + WINDOW])
                assert isinstance(logits, Tensor)
                wanted = padded[:, start + 1 : start + WINDOW + 1]
                parts.append(F.cross_entropy(logits, wanted, reduction="none"))
            nats = torch.cat(parts, 1).double().numpy()
            for at, i in enumerate(chosen):
                found[i] = nats[at, : len(texts[i]) + 1] / np.log(2.0)
        _forget(module)
        return found

    @torch.inference_mode()
    def write(
        self, prompt: Sequence[int], count: int, temperature: float, random: np.random.Generator, samples: int = 1
    ) -> list[list[int]]:
        """Continue a text, one symbol after another, each drawn from softmax(logits / temperature).

        Args:
            prompt: indices that stand at the beginning; nothing begins a new text.
            count: symbols at most.
            temperature: 1 draws as the network says, less prefers what is likely, 0 always takes the likeliest.
            random: where chances are drawn from.
            samples: how many continuations.

        Returns:
            for each sample what follows the prompt, up to the mark that ends it, which is left out.
        """
        module = self.at(1)
        _forget(module)
        logits = torch.zeros(0)
        for symbol in (MARK, *prompt):
            logits = self._one(module, torch.full((samples, 1), int(symbol)))
        written: list[list[int]] = [[] for _ in range(samples)]
        open_ones = np.ones(samples, bool)
        for _ in range(count):
            symbols = _drawn(logits.double().numpy(), temperature, random)
            open_ones &= symbols != MARK
            if not open_ones.any():
                break
            for row in np.flatnonzero(open_ones):
                written[row].append(int(symbols[row]))
            logits = self._one(module, torch.from_numpy(symbols)[:, None])
        _forget(module)
        return written

    @torch.inference_mode()
    def cells(self, texts: Sequence[Indices], layer: str) -> list[Floats]:
        """For each text, tanh of an LSTM's cells after the mark and after each symbol: (len(text) + 1, units).

        Raises:
            UnknownName: no such layer.
        """
        module = self.at(1)
        part: Any = module.node(layer)
        longest = max(len(text) for text in texts)
        padded = torch.zeros(len(texts), longest + 1, dtype=torch.int64)
        for at, text in enumerate(texts):
            padded[at, 1 : len(text) + 1] = torch.from_numpy(text)
        _forget(module)
        held = []
        for step in range(longest + 1):
            self._one(module, padded[:, step : step + 1])
            held.append(part.carried[1].tanh().double().numpy())
        _forget(module)
        rows = np.stack(held, 1)
        return [rows[at, : len(text) + 1] for at, text in enumerate(texts)]

    @staticmethod
    def _one(module: Network, symbols: Tensor) -> Tensor:
        logits = module(symbols)
        assert isinstance(logits, Tensor)
        return logits[:, :, 0]


def _drawn(logits: Floats, temperature: float, random: np.random.Generator) -> Indices:
    """One symbol a row, by the inverse of the cumulative chances."""
    if temperature <= 0:
        return np.asarray(logits.argmax(1))
    reached = np.cumsum(softmax((logits - logits.max(1, keepdims=True)) / temperature, axis=1), 1)
    points = random.random((len(logits), 1)) * reached[:, -1:]
    return np.asarray((reached <= points).sum(1).clip(max=logits.shape[1] - 1), dtype=np.int64)


def _recurrent(module: nn.Module) -> list[Recurrent]:
    return [part for part in module.modules() if isinstance(part, Recurrent)]


def _forget(module: nn.Module) -> None:
    for part in _recurrent(module):
        part.carried = None
