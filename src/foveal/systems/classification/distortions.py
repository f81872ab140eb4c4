"""Pictures shifted, scaled, turned and elastically distorted by a stated amount: one function a kind, the same for all networks.

Which way a picture is shifted or turned, and along which field it is distorted, is drawn once for each picture: a larger amount
goes further the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

SIGMA = 4.0
"""Of the Gaussian that smooths a field of displacements, in pixels: Simard, Steinkraus, Platt 2003, section 2."""


@dataclass(frozen=True, eq=False)
class Draws:
    """What is drawn once for each picture.

    Attributes:
        ways: (N, 2) unit steps down and right: (±1, 0) or (0, ±1).
        signs: (N,) −1 or 1: the side to which a picture is turned.
        fields: (N, 2, height, width) displacements down and right of Simard's α = 1.
    """

    ways: NDArray[np.int64]
    signs: NDArray[np.int64]
    fields: NDArray[np.float32]

    def take(self, cut: slice) -> Draws:
        """Those of some of the pictures."""
        return Draws(self.ways[cut], self.signs[cut], self.fields[cut])


def draw(count: int, height: int, width: int, seed: int) -> Draws:
    """Draw for ``count`` pictures; the same seed gives the same bits.

    A field is uniform in ±1 at each pixel, smoothed by a Gaussian of :data:`SIGMA` pixels (beyond the edge there is 0).

    Example:
        >>> draws = draw(3, 28, 28, seed=0)
        >>> draws.ways.shape, sorted(set(map(abs, draws.signs.tolist()))), draws.fields.shape
        ((3, 2), [1], (3, 2, 28, 28))
    """
    from scipy.ndimage import gaussian_filter

    random = np.random.default_rng([seed, 2003])
    ways = np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])[random.integers(0, 4, count)]
    signs = 2 * random.integers(0, 2, count) - 1
    fields = random.uniform(-1, 1, (count, 2, height, width)).astype(np.float32)
    smooth = gaussian_filter(fields, (0, 0, SIGMA, SIGMA), mode="constant")
    return Draws(ways, signs, np.ascontiguousarray(smooth, dtype=np.float32))


def shift(x: Tensor, pixels: float, draws: Draws) -> Tensor:
    """Move each picture by whole pixels its own way; what comes in is 0.

    Args:
        x: N × C × height × width.
        pixels: how far, rounded.
        draws: of these pictures.

    Example:
        >>> draws = Draws(np.array([(0, 1)]), np.array([1]), np.zeros((1, 2, 1, 3), np.float32))
        >>> shift(torch.tensor([[[[1.0, 2.0, 3.0]]]]), 1, draws).tolist()
        [[[[0.0, 1.0, 2.0]]]]
    """
    far = round(pixels)
    height, width = x.shape[2:]
    if far == 0:
        return x.clone()
    ways = torch.from_numpy(draws.ways)
    rows = torch.arange(height)[None, :] - far * ways[:, :1]  # where each row comes from
    columns = torch.arange(width)[None, :] - far * ways[:, 1:]
    inside = ((rows >= 0) & (rows < height))[:, None, :, None] & ((columns >= 0) & (columns < width))[:, None, None, :]
    picture = torch.arange(len(x))[:, None, None]
    moved = x[picture, :, rows.clamp(0, height - 1)[:, :, None], columns.clamp(0, width - 1)[:, None, :]]
    return moved.permute(0, 3, 1, 2) * inside


def scale(x: Tensor, factor: float, draws: Draws) -> Tensor:
    """Enlarge each picture about its middle (shrink it below 1), bilinear; what comes in is 0."""
    down, right = _middle(x)
    return _sampled(x, down / factor, right / factor)


def turn(x: Tensor, degrees: float, draws: Draws) -> Tensor:
    """Turn each picture about its middle to its own side, bilinear; corners that come in are 0."""
    angle = torch.from_numpy(draws.signs).to(x.dtype)[:, None, None] * np.deg2rad(degrees)
    down, right = _middle(x)
    cos, sin = torch.cos(angle), torch.sin(angle)
    return _sampled(x, cos * down - sin * right, sin * down + cos * right)


def elastic(x: Tensor, alpha: float, draws: Draws) -> Tensor:
    """Displace each pixel along a smooth random field, as handwriting varies (Simard, Steinkraus, Platt 2003).

    ``alpha`` times a field of σ = 4 moves a pixel by about 0.04 · alpha pixels each way (root of the mean square).
    """
    fields = torch.from_numpy(draws.fields).to(x.dtype) * alpha
    down, right = _middle(x)
    return _sampled(x, down + fields[:, 0], right + fields[:, 1])


@dataclass(frozen=True)
class Kind:
    """One kind of distortion, and the amounts at which it is measured.

    Attributes:
        name: its name.
        unit: what an amount is, for an axis.
        apply: (pictures N × C × H × W, amount, draws) → pictures.
        amounts: in their order; ``none`` is the one that changes nothing.
    """

    name: str
    unit: str
    apply: Callable[[Tensor, float, Draws], Tensor]
    amounts: tuple[float, ...]
    none: float


KINDS = (
    Kind("shifted", "pixels", shift, (0, 1, 2, 3, 4, 5, 6, 7, 8), 0),
    Kind("scaled", "factor", scale, (0.6, 0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.3, 1.4), 1.0),
    Kind("turned", "degrees", turn, (0, 5, 10, 15, 20, 25, 30, 35, 40, 45), 0),
    Kind("distorted", "Simard's α at σ = 4 pixels", elastic, (0, 10, 20, 34, 50, 70, 90), 0),
)


def _middle(x: Tensor) -> tuple[Tensor, Tensor]:
    """Each pixel's place down and right of the middle, (1, height, 1) and (1, 1, width)."""
    height, width = x.shape[2:]
    down = torch.arange(height, dtype=x.dtype) - (height - 1) / 2
    right = torch.arange(width, dtype=x.dtype) - (width - 1) / 2
    return down[None, :, None], right[None, None, :]


def _sampled(x: Tensor, down: Tensor, right: Tensor) -> Tensor:
    """The pictures at places down and right of their middle, in pixels; bilinear, 0 outside."""
    count, _, height, width = x.shape
    grid = torch.stack(
        [(2 * right / width).expand(count, height, width), (2 * down / height).expand(count, height, width)], dim=-1
    )
    return torch.nn.functional.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
