"""The filters that a first layer learned, as small pictures with their weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foveal.report.blocks import Pictures, Rows, Section

_SIGNED = np.array([[10, 47, 102], [68, 118, 180], [169, 169, 166], [232, 189, 98], [255, 243, 196]])
"""From −1 to +1, lighter all the way, so that it reads without colour too."""
_SHOWN = 64


def filters(weights: NDArray[np.floating], path: str = "") -> Section | None:
    """The section on the first convolution's weights (kh, kw, cin, cout); None where there are none.

    Args:
        weights: learned.
        path: that layer's node path.
    """
    kernel = np.asarray(weights, dtype=np.float64)
    if not kernel.size:
        return None
    height, width, inside, count = kernel.shape
    most = reach(kernel)
    each = [kernel[..., i] for i in range(count)]
    scale = (
        f"Each is a colour picture: black is −{most:.2g} and below, grey 0, white +{most:.2g} and above."
        if inside == 3
        else f"Dark blue is −{most:.2g} and below, grey 0, pale yellow +{most:.2g} and above."
        + (f" Shown is the mean over the {inside} input channels." if inside > 1 else "")
    )
    columns = ["filter", "least", "mean", "greatest", "norm"]
    rows: list[list[object]] = [
        [i, float(k.min()), float(k.mean()), float(k.max()), float(np.linalg.norm(k))] for i, k in enumerate(each)
    ]
    if kernel.size <= 2000:
        columns += [
            f"w[{r},{c}]" if inside == 1 else f"w[{r},{c},{d}]"
            for r in range(height)
            for c in range(width)
            for d in range(inside)
        ]
        rows = [row + [float(value) for value in k.ravel()] for row, k in zip(rows, each, strict=True)]
    shown = Pictures(
        "filters",
        coloured(kernel[..., :_SHOWN]),
        [str(i) for i in range(min(count, _SHOWN))],
        "",
        columns=0,
        descriptions=[f"filter {i}, weights from {k.min():.3f} to {k.max():.3f}" for i, k in enumerate(each[:_SHOWN])],
        numbers=Rows("weights", columns, rows, heading="Weights", label="Weights of the first layer's filters"),
    )
    where = f" of {path}" if path else ""
    text = f"The {count} filters{where}, {height} × {width} weights each. {scale}"
    return Section("What the first layer learned", text, [shown], "Filters")


def coloured(weights: NDArray[np.floating]) -> NDArray[np.uint8]:
    """The filters (kh, kw, cin, cout) as pictures (cout, kh, kw, 3).

    One input channel: −m is dark blue, 0 grey, +m pale yellow, with m of :func:`reach`. Three: each filter as a colour
    picture, −m black, 0 grey, +m white. Another number: the mean over the input channels, drawn as for one.

    Raises:
        ValueError: not four axes, or nothing in them.
    """
    kernel = np.asarray(weights, dtype=np.float64)
    if kernel.ndim != 4 or not kernel.size:
        raise ValueError(f"filters must be (kh, kw, cin, cout), not {kernel.shape}")
    most = reach(kernel)
    if kernel.shape[2] != 3:
        kernel = kernel.mean(axis=2, keepdims=True)
    signed = np.nan_to_num(np.clip(np.moveaxis(kernel, 3, 0) / most, -1, 1))
    if kernel.shape[2] == 3:
        levels = 255 * (signed + 1) / 2
    else:
        stops = np.linspace(-1, 1, len(_SIGNED))
        levels = np.stack([np.interp(signed[..., 0], stops, channel) for channel in _SIGNED.T], axis=-1)
    coloured: NDArray[np.uint8] = np.rint(levels).astype(np.uint8)
    return coloured


def reach(weights: NDArray[np.floating]) -> float:
    """Where the filters' colours end: the 98th percentile of the magnitudes drawn, so that one outlier dims nothing."""
    kernel = np.asarray(weights, dtype=np.float64)
    drawn = np.abs(kernel if kernel.shape[2] == 3 else kernel.mean(axis=2))
    drawn = drawn[np.isfinite(drawn)]
    return (float(np.quantile(drawn, 0.98)) or float(drawn.max()) or 1.0) if drawn.size else 1.0
