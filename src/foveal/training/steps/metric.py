"""Learning a distance: pictures of one class are to lie close together, pictures of different classes far apart.

Three losses on unit vectors f, all built from the pairs within a batch; d² = ‖f_i − f_j‖² = 2 − 2 f_i · f_j:

- :func:`semi_hard` (Schroff, Kalenichenko, Philbin 2015, "FaceNet", section 3.2): each pair of a class beside the nearest
  stranger that is farther than the partner.
- :func:`batch_hard` (Hermans, Beyer, Leibe 2017, "In Defense of the Triplet Loss", equation 5): each picture with its
  farthest partner and its nearest stranger.
- :func:`contrastive` (Khosla et al. 2020, "Supervised Contrastive Learning", equation 2): each picture is to tell its
  partners from all others of the batch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from foveal.errors import UnknownName
from foveal.training.config import TrainingConfig
from foveal.training.steps import Values
from foveal.training.steps.base import CapturableLossStep

PairLoss = Callable[[Tensor, Tensor], Tensor]
_FAR = 1e9


class Metric(CapturableLossStep):
    """One network that gives unit vectors, and a loss on the pairs of a batch.

    The batch is ``(inputs, labels)`` with several pictures of each label. ``nearest`` is the share of pictures whose nearest
    neighbour in the batch has their label.

    Args:
        module: inputs (N, …) → unit vectors (N, K).
        config: optimizer, schedule, precision and the rest; its ``loss`` is not looked at.
        steps_per_epoch: for the schedule.
        loss: (vectors, labels) → a loss; see :func:`pair_loss`.
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int, loss: PairLoss) -> None:
        super().__init__(module, config, steps_per_epoch)
        self.loss = loss

    def _measured(self, batch: Any) -> Values:
        inputs, labels = batch
        with self._autocast():
            vectors = self.module(inputs)
        vectors = vectors.float()
        return {"loss": self.loss(vectors, labels), "nearest": nearest(vectors.detach(), labels)}


def pair_loss(name: str, *, margin: float = 0.2, temperature: float = 0.1) -> PairLoss:
    """The loss called ``name``: semi-hard, batch-hard or contrastive.

    Args:
        margin: of the two triplet losses, in squared distance (at most 4 between unit vectors).
        temperature: of the contrastive loss.

    Raises:
        UnknownName: no such loss.
    """
    known: dict[str, PairLoss] = {
        "semi-hard": lambda vectors, labels: semi_hard(vectors, labels, margin),
        "batch-hard": lambda vectors, labels: batch_hard(vectors, labels, margin),
        "contrastive": lambda vectors, labels: contrastive(vectors, labels, temperature),
    }
    if name not in known:
        raise UnknownName(
            "there is no such loss on pairs",
            where="loss",
            given=repr(name),
            expected=", ".join(known),
            fix=list(known),
        )
    return known[name]


def squared_distances(vectors: Tensor) -> Tensor:
    """‖f_i − f_j‖² between unit vectors, N × N.

    Example:
        >>> squared_distances(torch.tensor([[1.0, 0.0], [0.0, 1.0]])).tolist()
        [[0.0, 2.0], [2.0, 0.0]]
    """
    return (2 - 2 * vectors @ vectors.T).clamp(min=0)


def semi_hard(vectors: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """The mean over all pairs (anchor a, partner p) of max(0, d²(a, p) − d²(a, n) + margin).

    n is the nearest stranger that is farther from the anchor than the partner; where there is none, the farthest stranger:
    the hardest ones pull a network into a single point (Schroff et al. 2015, section 3.2).

    Example:
        >>> vectors = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])  # squared distances 0.8, 2.0 and 0.4
        >>> round(semi_hard(vectors, torch.tensor([0, 0, 1])).item(), 4)  # max(0, 0.8 − 2 + 0.2), max(0, 0.8 − 0.4 + 0.2)
        0.3
    """
    distances = squared_distances(vectors)
    partner, stranger = _kinds(labels)
    farther = stranger[:, None, :] & (distances[:, None, :] > distances[:, :, None])  # anchor × partner × stranger
    beyond = distances[:, None, :].masked_fill(~farther, _FAR).amin(2)
    farthest = distances.masked_fill(~stranger, -_FAR).amax(1, keepdim=True)
    chosen = torch.where(farther.any(2), beyond, farthest)
    losses = (distances - chosen + margin).clamp(min=0) * partner
    return losses.sum() / partner.sum().clamp(min=1)


def batch_hard(vectors: Tensor, labels: Tensor, margin: float = 0.2) -> Tensor:
    """The mean over all anchors of max(0, margin + d²(farthest partner) − d²(nearest stranger)).

    Hermans et al. take d; its gradient is infinite where two pictures coincide, so d² is taken here, as in FaceNet.

    Example:
        >>> vectors = torch.tensor([[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]])
        >>> round(batch_hard(vectors, torch.tensor([0, 0, 1])).item(), 4)  # 0 and 0.6; the third has no partner
        0.3
    """
    distances = squared_distances(vectors)
    partner, stranger = _kinds(labels)
    far = distances.masked_fill(~partner, -_FAR).amax(1)
    near = distances.masked_fill(~stranger, _FAR).amin(1)
    counts = partner.any(1) & stranger.any(1)
    losses = torch.where(counts, (far - near + margin).clamp(min=0), 0.0)
    return losses.sum() / counts.sum().clamp(min=1)


def contrastive(vectors: Tensor, labels: Tensor, temperature: float = 0.1) -> Tensor:
    """The mean over anchors i of −1/|P(i)| Σ_p log( exp(f_i·f_p / τ) / Σ_(a ≠ i) exp(f_i·f_a / τ) ).

    Example:
        >>> vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]])
        >>> round(contrastive(vectors, torch.tensor([0, 0, 1]), temperature=1.0).item(), 4)  # −log(e / (e + 1/e))
        0.1269
    """
    likeness = vectors @ vectors.T / temperature
    itself = torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    logs = likeness - likeness.masked_fill(itself, -_FAR).logsumexp(1, keepdim=True)
    partner, _ = _kinds(labels)
    counts = partner.sum(1)
    losses = -(logs * partner).sum(1) / counts.clamp(min=1)
    return losses.sum() / (counts > 0).sum().clamp(min=1)


def nearest(vectors: Tensor, labels: Tensor) -> Tensor:
    """The share of vectors whose nearest neighbour in the batch has their label.

    Example:
        >>> nearest(torch.eye(2)[[0, 0, 1, 1]], torch.tensor([0, 0, 1, 0])).item()
        0.5
    """
    likeness = vectors @ vectors.T
    likeness.fill_diagonal_(-_FAR)
    return (labels[likeness.argmax(1)] == labels).float().mean()


def _kinds(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which pairs are of one class (but not of one picture), and which of two, N × N each."""
    same = labels[:, None] == labels[None, :]
    return same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device), ~same
