"""Learning to find things: at each point of a grid, whether a thing's middle is there, its box, and its class.

What a detector's map (N, 4 + 1 + classes, gh, gw) means. Point (i, j) of the grid stands for the pixel position
((i + ½) s, (j + ½) s), s = picture's height / gh.

- Channels 0 … 3: logarithms of the distances from there to the box's top, left, bottom and right, in units of s. So a
  box that comes out is never turned inside out.
- Channel 4: the logit of "the middle part of a thing is here".
- Channels 5 …: logits of the classes.

Which points learn which box (after FCOS, Tian et al. 2019, section 3.2 with centre sampling): a point is *positive* for a
box when it lies inside it and at most ``RADIUS`` grid steps from its middle, along both axes; of several boxes it learns the
smallest. A thing whose middle part holds no point of the grid gets the nearest one. All other points learn "nothing here".
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from foveal.training.config import TrainingConfig
from foveal.training.steps import Values
from foveal.training.steps.base import CapturableLossStep

RADIUS = 1.5
_LONGEST = 4.0  # e⁴ ≈ 55 grid steps: no distance is longer, so that no exponential overflows


class Assigned(NamedTuple):
    """What each point of the grid is to learn.

    Attributes:
        here: 0 or 1 (N, gh, gw): whether it is positive.
        boxes: (N, 4, gh, gw): top, left, bottom, right in pixels; 0 where it is not.
        labels: int64 (N, gh, gw); 0 where it is not.
    """

    here: Tensor
    boxes: Tensor
    labels: Tensor


class Detection(CapturableLossStep):
    """One network that gives a map of answers, held against boxes and labels.

    The batch is ``(pictures, masks, boxes, labels)``: boxes (N, K, 4) in pixels, labels (N, K) with -1 for none; the masks
    are not looked at. With P the number of positive points in the batch, the loss is

        1/P · (Σ over all points of focal(whether) + Σ over positives of (``box`` · (1 - GIoU) - log p(class))),

    focal(p) = -(1 - p)² log p of the right answer (Lin et al. 2017, Focal Loss, equation 4), GIoU = IoU - (hull - union)
    / hull (Rezatofighi et al. 2019).

    Args:
        module: pictures (N, C, h, w) → maps (N, 4 + 1 + classes, gh, gw).
        config: optimizer, schedule, precision, label_smoothing (of the classes).
        steps_per_epoch: for the schedule.
        box: what the boxes' part weighs.
    """

    def __init__(self, module: nn.Module, config: TrainingConfig, steps_per_epoch: int, *, box: float = 2.0) -> None:
        super().__init__(module, config, steps_per_epoch)
        self.box, self.smoothing = box, config.label_smoothing

    def _measured(self, batch: Any) -> Values:
        pictures, _, boxes, labels = batch
        with self._autocast():
            maps = self.module(pictures)
        maps = maps.float()
        step = pictures.shape[2] / maps.shape[2]
        target = assign(boxes, labels, (maps.shape[2], maps.shape[3]), step)
        positives = target.here.sum().clamp(min=1.0)
        whether = focal(maps[:, 4], target.here).sum() / positives
        overlap = giou(decoded(maps, step), target.boxes, 1)
        place = ((1 - overlap) * target.here).sum() / positives
        entropy = functional.cross_entropy(maps[:, 5:], target.labels, reduction="none", label_smoothing=self.smoothing)
        what = (entropy * target.here).sum() / positives
        with torch.no_grad():
            right = ((maps[:, 5:].argmax(1) == target.labels) * target.here).sum() / positives
        return {"loss": whether + self.box * place + what, "whether": whether, "place": place, "what": what,
                "accuracy": right}  # fmt: skip


def decoded(maps: Tensor, step: float) -> Tensor:
    """The boxes of a map: (N, 4 + …, gh, gw) → (N, 4, gh, gw), top, left, bottom, right in pixels.

    Example:
        >>> decoded(torch.zeros(1, 6, 2, 2), 4.0)[0, :, 0, 1].tolist()  # a step each way from (2, 6)
        [-2.0, 2.0, 6.0, 10.0]
    """
    distances = maps[:, :4].clamp(max=_LONGEST).exp() * step
    rows, columns = points(maps.shape[2], maps.shape[3], step, maps.device)
    top, left, bottom, right = distances.unbind(1)
    return torch.stack([rows - top, columns - left, rows + bottom, columns + right], 1)


def points(height: int, width: int, step: float, device: torch.device | str = "cpu") -> tuple[Tensor, Tensor]:
    """Rows (gh, 1) and columns (1, gw) of the grid's points, in pixels."""
    rows = (torch.arange(height, device=device, dtype=torch.float32) + 0.5) * step
    columns = (torch.arange(width, device=device, dtype=torch.float32) + 0.5) * step
    return rows[:, None], columns[None]


def assign(boxes: Tensor, labels: Tensor, grid: tuple[int, int], step: float) -> Assigned:
    """What each point of the grid is to learn; see the head of this file.

    Args:
        boxes: (N, K, 4), top, left, bottom, right in pixels.
        labels: (N, K), -1 for none.
        grid: its height and width.
        step: pixels from one point to the next.

    Example:
        >>> found = assign(torch.tensor([[[0.0, 0.0, 8.0, 8.0]]]), torch.tensor([[3]]), (4, 4), 4.0)
        >>> found.here[0].tolist()[:3], found.labels[0, 1, 1].item()
        ([[1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], 3)
    """
    rows, columns = points(*grid, step, boxes.device)
    top, left, bottom, right = (side[..., None, None] for side in boxes.unbind(-1))  # (N, K, 1, 1)
    down, aside = rows - (top + bottom) / 2, columns - (left + right) / 2
    inside = (rows > top) & (rows < bottom) & (columns > left) & (columns < right)
    near = inside & (down.abs() <= RADIUS * step) & (aside.abs() <= RADIUS * step)
    apart = (down**2 + aside**2).flatten(2)
    nearest = functional.one_hot(apart.argmin(2), apart.shape[2]).view_as(near).bool()
    near = (near | (nearest & ~near.flatten(2).any(2)[..., None, None])) & (labels >= 0)[..., None, None]
    area = ((bottom - top) * (right - left)).expand_as(near)
    smallest = torch.where(near, area, torch.inf).argmin(1, keepdim=True)  # (N, 1, gh, gw)
    here = near.any(1)
    chosen = torch.gather(labels[..., None, None].expand_as(near), 1, smallest)[:, 0]
    sides = [torch.gather(side.expand_as(near), 1, smallest)[:, 0] for side in (top, left, bottom, right)]
    return Assigned(here.float(), torch.stack(sides, 1) * here[:, None], torch.where(here, chosen, 0))


def focal(logits: Tensor, truth: Tensor, gamma: float = 2.0) -> Tensor:
    """-(1 - p)^gamma log p of the right answer, place by place; truth is 0 or 1.

    Example:
        >>> round(focal(torch.tensor(0.0), torch.tensor(1.0)).item(), 4)  # ¼ log 2
        0.1733
    """
    entropy = functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    return entropy * (1 - torch.exp(-entropy)) ** gamma


def giou(first: Tensor, second: Tensor, axis: int = -1) -> Tensor:
    """Generalised intersection over union of boxes (Rezatofighi et al. 2019), from -1 to 1.

    Args:
        first, second: shapes that agree, with top, left, bottom, right along ``axis``.

    Example:
        >>> a, b = torch.tensor([0.0, 0.0, 2.0, 2.0]), torch.tensor([0.0, 1.0, 2.0, 3.0])
        >>> round(giou(a, a).item(), 4), round(giou(a, b).item(), 4), round(giou(a, b + 4).item(), 4)
        (1.0, 0.3333, -0.8095)
    """
    top, left, bottom, right = first.unbind(axis)
    top2, left2, bottom2, right2 = second.unbind(axis)
    height = (torch.minimum(bottom, bottom2) - torch.maximum(top, top2)).clamp(min=0)
    wide = (torch.minimum(right, right2) - torch.maximum(left, left2)).clamp(min=0)
    both = height * wide
    either = (bottom - top) * (right - left) + (bottom2 - top2) * (right2 - left2) - both
    tall = torch.maximum(bottom, bottom2) - torch.minimum(top, top2)
    broad = torch.maximum(right, right2) - torch.minimum(left, left2)
    hull = (tall * broad).clamp(min=1e-6)
    return both / either.clamp(min=1e-6) - (hull - either) / hull
