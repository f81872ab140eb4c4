"""The operations of augmentation: each picture a little changed each time, on whole batches at once.

A batch is N × C × H × W, ``uint8`` from 0 to 255 or floats from 0 to 1. Shifts, flips, crops and erasing only move or
blank pixels and work on either; rotation, brightness and contrast need fractions, and
:class:`foveal.data.augmentation.pipeline.Augmentation` converts ``uint8`` to ``float32`` (÷ 255) before the first of them. No
picture is ever touched by Python on its own, and every random number comes from the ``torch.Generator`` that the caller gives (of
the batch's device), so the same state gives the same bits. Memory stays ``channels_last``.

Sources: shifts and flips as in lecture 004 on AlexNet (Krizhevsky, Sutskever, Hinton 2012, section 4.1), crops after
padding as He, Zhang, Ren, Sun 2015, section 4.2, erasing as Zhong et al. 2017, mixup as Zhang et al. 2017.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from foveal.errors import ConfigurationError


class Operation(Protocol):
    """One change: a batch in, a batch out, of the same size unless it says otherwise."""

    needs_float: ClassVar[bool]

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor: ...


def _check(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high or math.isnan(value):
        raise ConfigurationError(
            f"{name} is out of range", where="augment", given=f"{value:g}", expected=f"{low:g} to {high:g}"
        )


def _uniform(x: Tensor, generator: torch.Generator, low: float, high: float) -> Tensor:
    """One number a picture, shaped to meet N × C × H × W."""
    values = torch.rand(len(x), 1, 1, 1, generator=generator, device=x.device)
    return values * (high - low) + low


def _windows(x: Tensor, padded: Tensor, height: int, width: int, generator: torch.Generator) -> Tensor:
    """A random window of ``height`` × ``width`` of each picture of ``padded`` (N × H × W × C), as N × C × h × w."""
    rows, columns = padded.shape[1] - height + 1, padded.shape[2] - width + 1
    every = padded.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)
    top = torch.randint(rows, (len(x),), generator=generator, device=x.device)
    left = torch.randint(columns, (len(x),), generator=generator, device=x.device)
    return every[torch.arange(len(x), device=x.device), top, left].permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Shift:
    """Move each picture by −pixels … +pixels along both axes; what comes in from outside is 0 (black).

    Args:
        pixels: the farthest shift, 1 or more.
    """

    pixels: int = 2
    needs_float: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check("shift", self.pixels, 1, 4096)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return _windows(x, _padded(x, self.pixels), x.shape[2], x.shape[3], generator)


@dataclass(frozen=True)
class Crop:
    """Mirror ``padding`` pixels around each picture and cut a random window of the old size, or of ``size``, out.

    Args:
        padding: pixels added on each side, 0 or more; smaller than the picture.
        size: (height, width) of the window; the picture's own where None. The batch then has this size.
    """

    padding: int = 4
    size: tuple[int, int] | None = None
    needs_float: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check("crop", self.padding, 0, 4096)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        height, width = self.size or (x.shape[2], x.shape[3])
        if (
            self.padding >= min(x.shape[2], x.shape[3])
            or height > x.shape[2] + 2 * self.padding
            or (width > x.shape[3] + 2 * self.padding)
        ):
            raise ConfigurationError(
                "the crop does not fit the pictures",
                where="augment",
                given=f"padding {self.padding}, window {height} × {width}, pictures {x.shape[2]} × {x.shape[3]}",
                expected="a padding smaller than the picture, and a window no larger than the padded picture",
            )
        padded = x.permute(0, 2, 3, 1)
        if self.padding:
            rows = _mirrored(x.shape[2], self.padding, x.device)
            columns = _mirrored(x.shape[3], self.padding, x.device)
            padded = padded.index_select(1, rows).index_select(2, columns)
        return _windows(x, padded, height, width, generator)


@dataclass(frozen=True)
class Flip:
    """Mirror left and right with the given probability.

    Args:
        probability: 0 to 1.
    """

    probability: float = 0.5
    needs_float: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check("flip", self.probability, 0, 1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return torch.where(_uniform(x, generator, 0.0, 1.0) < self.probability, x.flip(3), x)


@dataclass(frozen=True)
class Rotate:
    """Turn each picture about its middle by −degrees … +degrees, bilinear; corners that come in are 0.

    Args:
        degrees: the largest angle, up to 180.
    """

    degrees: float = 10.0
    needs_float: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check("rotate", self.degrees, 0, 180)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        if not len(x):
            return x
        limit = math.radians(self.degrees)
        angle = _uniform(x, generator, -limit, limit).reshape(-1)
        cos, sin, zero = torch.cos(angle), torch.sin(angle), torch.zeros_like(angle)
        height, width = x.shape[2], x.shape[3]
        # grid_sample measures both axes from −1 to 1; a turn of a picture that is not square has to undo that.
        matrix = torch.stack([cos, -sin * (height / width), zero, sin * (width / height), cos, zero], dim=1).reshape(
            -1, 2, 3
        )
        grid = torch.nn.functional.affine_grid(matrix.to(x.dtype), list(x.shape), align_corners=False)
        turned = torch.nn.functional.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        return turned.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class Brightness:
    """Add one number between −amount and +amount to all of a picture, and keep it within 0 … 1.

    Args:
        amount: share of the full range, 0 to 1.
    """

    amount: float = 0.2
    needs_float: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check("brightness", self.amount, 0, 1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        return (x + _uniform(x, generator, -self.amount, self.amount).to(x.dtype)).clamp_(0.0, 1.0)


@dataclass(frozen=True)
class Contrast:
    """Stretch each picture's values about their mean by a factor of 1 − amount … 1 + amount, within 0 … 1.

    Args:
        amount: 0 to 1.
    """

    amount: float = 0.2
    needs_float: ClassVar[bool] = True

    def __post_init__(self) -> None:
        _check("contrast", self.amount, 0, 1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        mean = x.mean(dim=(1, 2, 3), keepdim=True)
        factor = _uniform(x, generator, 1.0 - self.amount, 1.0 + self.amount).to(x.dtype)
        return torch.lerp(mean, x, factor).clamp_(0.0, 1.0)


@dataclass(frozen=True)
class Erase:
    """Blank a random rectangle of a picture, with the given probability.

    Args:
        probability: 0 to 1.
        area: smallest and largest share of the picture that is blanked.
        aspect: height over width of the rectangle, between 1/aspect and aspect.
        fill: what it is filled with, 0 to 1 of the full range.
    """

    probability: float = 0.5
    area: tuple[float, float] = (0.02, 0.33)
    aspect: float = 3.3
    fill: float = 0.0
    needs_float: ClassVar[bool] = False

    def __post_init__(self) -> None:
        _check("erase", self.probability, 0, 1)
        _check("erase's smallest area", self.area[0], 0, 1)
        _check("erase's largest area", self.area[1], self.area[0], 1)
        _check("erase's aspect", self.aspect, 1, 100)
        _check("erase's fill", self.fill, 0, 1)

    def __call__(self, x: Tensor, generator: torch.Generator) -> Tensor:
        height, width = x.shape[2], x.shape[3]
        draw = torch.rand(5, len(x), 1, generator=generator, device=x.device)
        area = (self.area[0] + draw[0] * (self.area[1] - self.area[0])) * (height * width)
        aspect = torch.exp((2.0 * draw[1] - 1.0) * math.log(self.aspect))
        tall = (area * aspect).sqrt().round().clamp(1, height)
        wide = (area / aspect).sqrt().round().clamp(1, width)
        rows = torch.arange(height, device=x.device)
        columns = torch.arange(width, device=x.device)
        top, left = (draw[2] * (height - tall + 1)).floor(), (draw[3] * (width - wide + 1)).floor()
        down = (rows >= top) & (rows < top + tall) & (draw[4] < self.probability)
        across = (columns >= left) & (columns < left + wide)
        hole = (down[:, :, None] & across[:, None, :])[:, None]
        # torch.where keeps channels_last memory, masked_fill does not
        return torch.where(hole, self.fill if x.is_floating_point() else round(self.fill * 255), x)


@dataclass(frozen=True)
class Mixup:
    """Mix each picture with another one of its batch: λ of its own, 1 − λ of the other, λ from Beta(alpha, alpha).

    The loss is then λ times the loss for the own label and 1 − λ times that for the other's; a batch with mixup is
    ``(x, y, y2, lam)``. Batches are shuffled, so its neighbour in the
    batch is as good a partner as any.

    Args:
        alpha: above 0; 0.2 mixes little, 1 evenly.
    """

    alpha: float = 0.2

    def __post_init__(self) -> None:
        _check("mixup", self.alpha, 0.01, 100)

    def draw(self, count: int, generator: torch.Generator, device: torch.device) -> Tensor:
        """``count`` values of λ: uniform random numbers sent through the quantile function of Beta(alpha, alpha)."""
        table = _beta_quantiles(self.alpha).to(device)
        place = torch.rand(count, generator=generator, device=device) * (len(table) - 1)
        below = place.long().clamp(max=len(table) - 2)
        return torch.lerp(table[below], table[below + 1], place - below)

    def __call__(self, x: Tensor, y: Tensor, lam: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        return torch.lerp(x.roll(1, 0), x, lam.to(x.dtype)), y, y.roll(1, 0), lam


def _padded(x: Tensor, pixels: int) -> Tensor:
    """The batch as N × H × W × C with a ring of zeros."""
    n, c, h, w = x.shape
    padded = x.new_zeros((n, h + 2 * pixels, w + 2 * pixels, c))
    padded[:, pixels : pixels + h, pixels : pixels + w] = x.permute(0, 2, 3, 1)
    return padded


def _mirrored(length: int, padding: int, device: torch.device) -> Tensor:
    """Indices 0 … length − 1 continued on both sides as in a mirror, the border pixel not repeated."""
    index = torch.arange(-padding, length + padding, device=device).abs()
    return torch.where(index >= length, 2 * (length - 1) - index, index)


@lru_cache(maxsize=8)
def _beta_quantiles(alpha: float) -> Tensor:
    from scipy.special import betaincinv

    steps = torch.linspace(0.0, 1.0, 4097, dtype=torch.float64)
    return torch.from_numpy(betaincinv(alpha, alpha, steps.numpy())).float().clamp(0.0, 1.0)
