"""Many small pictures in one PNG, as a report shows them."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LARGEST = 96
"""Pictures are shrunk to this side, in pixels."""
BUDGET = 330_000
"""A sheet of pictures has at most so many bytes; shrunk further until it has."""


@dataclass(frozen=True)
class Sheet:
    """A PNG as a ``data:`` address, its tiles in ``columns`` × ``rows``, each ``width`` × ``height`` pixels."""

    address: str
    columns: int
    rows: int
    width: int
    height: int

    def position(self, index: int) -> str:
        """The CSS ``background-position`` of a tile, in per cent as CSS means it."""
        row, column = divmod(index, self.columns)
        return f"{_share(column, self.columns)}% {_share(row, self.rows)}%"


def _share(place: int, count: int) -> str:
    return f"{100 * place / (count - 1):.6g}" if count > 1 else "0"


def pictures(stack: NDArray[np.uint8], columns: int = 6, budget: int = BUDGET) -> Sheet:
    """A sheet of (M, h, w), (M, h, w, 1) or (M, h, w, 3) uint8 pictures, of at most about ``budget`` bytes.

    Raises:
        ValueError: another shape or type, or none at all.
    """
    array = np.asarray(stack)
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or not len(array) or array.shape[3] not in (1, 3) or array.dtype != np.uint8:
        raise ValueError(f"pictures must be uint8 (M, h, w), (M, h, w, 1 | 3), not {array.dtype} {array.shape}")
    most = LARGEST
    while True:
        small = _shrunk(array, most)
        png = _png(_tiled(small, columns))
        if len(png) <= budget or most <= 24:
            return _sheet(png, len(array), columns, small)
        most = most * 3 // 4


def _sheet(png: bytes, count: int, columns: int, tiles: NDArray[np.uint8]) -> Sheet:
    across = min(columns, count)
    address = "data:image/png;base64," + base64.b64encode(png).decode("ascii")
    return Sheet(address, across, -(-count // across), tiles.shape[2], tiles.shape[1])


def _tiled(tiles: NDArray[np.uint8], columns: int) -> NDArray[np.uint8]:
    count, height, width, channels = tiles.shape
    across = min(columns, count)
    down = -(-count // across)
    full = np.zeros((down * across, height, width, channels), dtype=np.uint8)
    full[:count] = tiles
    grid = full.reshape(down, across, height, width, channels).transpose(0, 2, 1, 3, 4)
    return grid.reshape(down * height, across * width, channels)


def _shrunk(array: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """``array`` with no side above ``most``, in proportion."""
    from PIL import Image

    height, width = array.shape[1:3]
    scale = most / max(height, width)
    if scale >= 1:
        return array
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    kept = [
        np.asarray(
            Image.fromarray(each.squeeze(-1) if each.shape[2] == 1 else each).resize(size, Image.Resampling.LANCZOS)
        )
        for each in array
    ]
    return np.stack(kept).reshape(len(array), size[1], size[0], array.shape[3])


def _png(picture: NDArray[np.uint8]) -> bytes:
    from PIL import Image

    written = io.BytesIO()
    Image.fromarray(picture.squeeze(-1) if picture.shape[2] == 1 else picture).save(
        written, format="PNG", optimize=True
    )
    return written.getvalue()
