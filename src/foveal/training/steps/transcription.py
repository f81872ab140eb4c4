"""Learning to read: a line goes in, its text is known, and where each character stands is not.

Connectionist temporal classification (Graves, Fernández, Gomez, Schmidhuber 2006): the network gives at each step a
distribution over the characters and *blank*; the loss is −log of the sum, over every path that says the text, of the
product of its probabilities (equation 8). A dynamic programme sums them all (section 4.1).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from foveal.training.steps import Values
from foveal.training.steps.base import LossStep


class Transcription(LossStep):
    """One network and the loss of connectionist temporal classification.

    The batch is ``(inputs, texts, lengths)``: texts N × L class numbers, of which the first ``lengths`` count. The last
    class is *blank*. ``lines`` is the share of lines whose likeliest path says exactly the text.

    There is no :class:`~foveal.training.steps.Capturable` half: torch's loss reads the lengths on the host.

    Args:
        module: inputs (N, …) → logits N × K × T.
        config: optimizer, schedule, precision and the rest; its ``loss`` is not looked at.
        steps_per_epoch: for the schedule.
    """

    def _measured(self, batch: Any) -> Values:
        inputs, texts, lengths = batch
        with self._autocast():
            outputs = self.module(inputs)
        outputs = outputs.float()
        return {"loss": ctc(outputs, texts, lengths), "lines": exact(outputs.detach(), texts, lengths)}


def ctc(outputs: Tensor, texts: Tensor, lengths: Tensor) -> Tensor:
    """−log p(text | outputs) a character, averaged over the lines; the last class is blank.

    A line that no path can say (fewer steps than characters and repeats) adds nothing, as its loss would be infinite.

    Args:
        outputs: logits N × K × T.
        texts: N × L class numbers below K − 1.
        lengths: N, how many of each row count.

    Example:
        >>> logits = torch.log(torch.tensor([[[0.4, 0.4], [0.6, 0.6]]]))  # one line, two classes, two steps
        >>> loss = ctc(logits, torch.tensor([[0]]), torch.tensor([1]))
        >>> round(float(loss.neg().exp()), 2)  # paths 0 0, 0 –, – 0: 0.16 + 0.24 + 0.24
        0.64
    """
    logs = F.log_softmax(outputs.float(), dim=1).permute(2, 0, 1)
    steps = torch.full((len(texts),), outputs.shape[2], dtype=torch.long)
    return F.ctc_loss(logs, texts, steps, lengths, blank=outputs.shape[1] - 1, reduction="mean", zero_infinity=True)


def exact(outputs: Tensor, texts: Tensor, lengths: Tensor) -> Tensor:
    """The share of lines whose likeliest path says the text, without leaving the device; arguments as for :func:`ctc`.

    Example:
        >>> logits = torch.eye(3)[[0, 2, 0]].T[None]  # 0 – 0 says 00
        >>> exact(logits, torch.tensor([[0, 0], [0, 1]])[:1], torch.tensor([2])).item()
        1.0
    """
    blank = outputs.shape[1] - 1
    best = outputs.argmax(dim=1)
    before = F.pad(best[:, :-1], (1, 0), value=blank)
    fires = (best != blank) & (best != before)
    count = fires.sum(dim=1)
    place = (fires.cumsum(dim=1) - 1).clamp(0, texts.shape[1] - 1)
    given = texts.gather(1, place)
    return ((count == lengths) & ((given == best) | ~fires).all(dim=1)).float().mean()
