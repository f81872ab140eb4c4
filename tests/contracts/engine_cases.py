"""Sliding kernels of every size that a small network has: the cases in which an engine is most often wrong.

Kernels of an engine differ by channels (whether they fill a vector register), strides, kernels, groups and batch, and a fault
may lie in one of a thousand combinations. Each family here goes through channels 1–17 × strides 1–3 × kernels 1–5; what is
left (batch 1–33, filters, groups, dilation, padding, odd sizes) is drawn.
"""

from __future__ import annotations

import itertools
import random
from typing import Any

from foveal.network import layers
from foveal.network.node import Node

Case = tuple[Node, tuple[int, ...], int]
BATCHES = (1, 2, 3, 4, 5, 7, 8, 16, 17, 31, 32, 33)
FILTERS = (1, 2, 3, 5, 7, 8, 9, 15, 16, 17, 24, 33)
FAMILIES = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "Pooling2D")


def cases(family: str, batches: int | None = None) -> list[Case]:
    """Combinations of channels, stride and kernel.

    Args:
        family: one of FAMILIES.
        batches: every combination with so many batch sizes; None takes one batch size, all kernels of one place, which have
            been wrong before, and a third of the others, so that each number, and each pair of numbers, has its turn.

    Example:
        >>> len(cases("Conv2D")), len(cases("Conv2D", 12))
        (119, 3060)
    """
    draw = random.Random(family)
    return [
        _case(family, draw, channels, stride, kernel, batch)
        for channels, stride, kernel in itertools.product(range(1, 18), (1, 2, 3), (1, 2, 3, 4, 5))
        if batches is not None or kernel == 1 or (channels + stride + kernel) % 3 == 0
        for batch in draw.sample(BATCHES, batches or 1)
    ]


def _case(family: str, draw: random.Random, channels: int, stride: int, kernel: int, batch: int) -> Case:
    rank = 1 if "1D" in family else 3 if "3D" in family else 2
    thin = kernel == 1 and stride > 1  # what has been wrong before, on whole multiples of the stride
    even = thin or draw.random() < 0.7  # all axes alike, as most networks have them
    kernels = tuple(kernel if even or axis == 0 else draw.randint(1, 3) for axis in range(rank))
    if rank == 3 and kernel > 3:
        kernels = (kernel, 1, 2)
    strides = tuple(stride if even or axis == 0 else draw.randint(1, 3) for axis in range(rank))
    dilation = draw.randint(2, 3) if max(strides) == 1 and draw.random() < 0.3 else 1
    most = 8 if rank < 3 else 2
    sizes = tuple(
        # multiples of the stride as often as odd sizes: faults have depended on it
        s * draw.choice((most // 2, most)) if (thin or draw.random() < 0.6) and s * (most // 2) > dilation * (k - 1)
        else dilation * (k - 1) + draw.randint(1, most)
        for k, s in zip(kernels, strides, strict=True)
    )  # fmt: skip
    shape, padding = (*sizes, channels), "same" if thin else draw.choice(("valid", "valid", "same", 1))
    same: dict[str, Any] = {"strides": strides, "padding": padding}
    if family == "Pooling2D":  # the pooling that is a convolution
        same["padding"] = "same" if padding == 1 else padding
        return layers.DistanceWeightedPooling2D(kernels, **same), shape, batch
    same |= {"use_bias": draw.random() < 0.7}
    if family == "DepthwiseConv2D":
        return layers.DepthwiseConv2D(kernels, depth_multiplier=draw.randint(1, 3), **same), shape, batch
    filters = draw.choice(FILTERS)
    if family == "SeparableConv2D":
        return layers.SeparableConv2D(filters, kernels, **same), shape, batch
    groups = draw.choice([g for g in range(1, channels + 1) if channels % g == 0]) if draw.random() < 0.3 else 1
    same |= {"groups": groups, "dilation_rate": dilation}
    filters = filters if groups == 1 else groups * draw.randint(1, 3)
    if family == "Conv2DTranspose":
        sizes = tuple(draw.choice((1, 2, 5, 8, 11)) for _ in sizes)
        if (
            padding == 1
            and min(n * s + dilation * (k - 1) - s for n, s, k in zip(sizes, strides, kernels, strict=True)) < 2
        ):
            same["padding"] = "valid"
        if same["padding"] != "same" and draw.random() < 0.6:
            same["output_padding"] = tuple(draw.randint(0, s - 1) for s in strides)
        return layers.Conv2DTranspose(filters, kernels, **same), (*sizes, channels), batch
    kind = {1: layers.Conv1D, 2: layers.Conv2D, 3: layers.Conv3D}[rank]
    return kind(filters, kernels, **same), shape, batch  # type: ignore[call-arg]
