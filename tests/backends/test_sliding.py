"""Convolutions and their adjoint: numbers and gradients in float32 against sums written out in float64.

What follows from a kernel of one place that is strided (oneDNN #6035) is what these look for; the wide search, in processes
that may die, is in ``tests/contracts``.
"""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import foveal
from foveal.backends.torch import build
from foveal.backends.torch_layers.sliding import convolve, transpose
from foveal.network import Sequential, layers

RANKS = {1: "a", 2: "ab", 3: "abc"}


def relative(given: Tensor, expected: np.ndarray) -> float:
    return float(np.abs(given.detach().double().numpy() - expected).max() / (np.abs(expected).max() + 1e-30))


@pytest.mark.parametrize("channels", [1, 3, 5, 6, 7, 9, 16, 17])
def test_the_weight_gradient_of_a_strided_1x1_convolution(channels: int) -> None:
    """The report's network: up to 20 times off."""
    module = build(Sequential([layers.Conv2D(16, 1, strides=2)]), (32, 32, channels)).train()
    draw = np.random.default_rng(channels)
    x, above = draw.normal(size=(8, 32, 32, channels)), draw.normal(size=(8, 16, 16, 16))
    module(torch.tensor(x, dtype=torch.float32).movedim(-1, 1)).backward(
        torch.tensor(above, dtype=torch.float32).movedim(-1, 1)
    )
    gradient = module.conv2d_1.weight.grad
    assert relative(gradient[:, :, 0, 0], np.einsum("nhwc,nhwf->fc", x[:, ::2, ::2], above)) < 1e-5


def reached(n: int, size: int, stride: int, cut: int) -> list[tuple[int, int]]:
    """(value, place) of what a kernel of one place stamps: value i on i · stride − cut."""
    return [(i, i * stride - cut) for i in range(n) if 0 <= i * stride - cut < size]


@given(st.data(), st.integers(1, 3))
def test_a_kernel_of_one_place(data: st.DataObject, rank: int) -> None:
    """Both operations by their definition, forward and gradients, on any stride and padding."""
    draw = np.random.default_rng(data.draw(st.integers(0, 99)))
    numbers = lambda low, high: tuple(data.draw(st.integers(low, high)) for _ in range(rank))  # noqa: E731
    strides, pads, sizes = numbers(1, 4), numbers(0, 2), numbers(1, 6)
    groups = data.draw(st.integers(1, 3))
    c, f = groups * data.draw(st.integers(1, 4)), groups * data.draw(st.integers(1, 3))
    x, bias = draw.normal(size=(2, c, *sizes)), draw.normal(size=f)
    # convolution: output place i reads i · stride − padding
    kernel = draw.normal(size=(f, c // groups))
    full = np.zeros((f, c))
    for row in range(f):
        part = row // (f // groups)
        full[row, part * (c // groups) : (part + 1) * (c // groups)] = kernel[row]
    outs = tuple((n + 2 * p - 1) // s + 1 for n, p, s in zip(sizes, pads, strides, strict=True))
    expected = np.zeros((2, f, *outs)) + bias.reshape(-1, *[1] * rank)
    above = draw.normal(size=expected.shape)
    by_x, by_kernel = np.zeros_like(x), np.zeros((f, c))
    for place in np.ndindex(*outs):
        source = tuple(i * s - p for i, s, p in zip(place, strides, pads, strict=True))
        if all(0 <= i < n for i, n in zip(source, sizes, strict=True)):
            here, up = x[(..., *source)], above[(..., *place)]
            expected[(..., *place)] += here @ full.T
            by_x[(..., *source)] += up @ full
            by_kernel += up.T @ here
    given = [
        torch.tensor(a, dtype=torch.float32).requires_grad_()
        for a in (x, kernel.reshape(*kernel.shape, *[1] * rank), bias)
    ]
    out = convolve(given[0], given[1], given[2], strides, pads, (1,) * rank, groups)
    out.backward(torch.tensor(above, dtype=torch.float32))
    grouped = np.stack(
        [by_kernel[r, (k := r // (f // groups)) * (c // groups) : (k + 1) * (c // groups)] for r in range(f)]
    )
    assert out.shape == expected.shape
    assert relative(out, expected) < 1e-5
    assert float(np.abs(given[0].grad.double().numpy() - by_x).max()) < 1e-4
    assert float(np.abs(given[1].grad.double().numpy().reshape(grouped.shape) - grouped).max()) < 1e-3
    assert float(np.abs(given[2].grad.double().numpy() - above.sum((0, *range(2, 2 + rank)))).max()) < 1e-3
    # the adjoint: value i stamps place i · stride − cut
    extra = tuple(data.draw(st.integers(0, s - 1)) for s in strides)
    grown = tuple((n - 1) * s + 1 - 2 * p + e for n, s, p, e in zip(sizes, strides, pads, extra, strict=True))
    if min(grown) < 1:
        return
    kernel = draw.normal(size=(c, f // groups))
    full = np.zeros((c, f))
    for row in range(c):
        part = row // (c // groups)
        full[row, part * (f // groups) : (part + 1) * (f // groups)] = kernel[row]
    expected = np.zeros((2, f, *grown)) + bias.reshape(-1, *[1] * rank)
    above = draw.normal(size=expected.shape)
    by_x, by_kernel = np.zeros_like(x), np.zeros((c, f))
    pairs = [reached(n, size, s, p) for n, size, s, p in zip(sizes, grown, strides, pads, strict=True)]
    for source in np.ndindex(*sizes):
        places = [dict(axis).get(i) for axis, i in zip(pairs, source, strict=True)]
        if None not in places:
            here, up = x[(..., *source)], above[(..., *places)]
            expected[(..., *places)] += here @ full
            by_x[(..., *source)] += up @ full.T
            by_kernel += here.T @ up
    given = [
        torch.tensor(a, dtype=torch.float32).requires_grad_()
        for a in (x, kernel.reshape(*kernel.shape, *[1] * rank), bias)
    ]
    out = transpose(given[0], given[1], given[2], strides, pads, extra, groups, (1,) * rank)
    out.backward(torch.tensor(above, dtype=torch.float32))
    grouped = np.stack(
        [by_kernel[r, (k := r // (c // groups)) * (f // groups) : (k + 1) * (f // groups)] for r in range(c)]
    )
    assert out.shape == expected.shape
    assert relative(out, expected) < 1e-5
    assert float(np.abs(given[0].grad.double().numpy() - by_x).max()) < 1e-4
    assert float(np.abs(given[1].grad.double().numpy().reshape(grouped.shape) - grouped).max()) < 1e-3


def test_what_is_spread_lies_channels_last() -> None:
    x = torch.ones(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    out = transpose(x, torch.ones(3, 5, 1, 1), None, (2, 2), (0, 0), (1, 1), 1, (1, 1))
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_half_precision_stays() -> None:
    with torch.autocast("cpu", torch.bfloat16):
        out = transpose(
            torch.ones(2, 3, 4, 4), torch.ones(3, 5, 1, 1), torch.ones(5), (2, 2), (0, 0), (1, 1), 1, (1, 1)
        )
    assert out.dtype == torch.bfloat16


def test_no_other_file_convolves() -> None:
    """One home: whoever slides a kernel past it meets the faults again."""
    source = Path(foveal.__file__).parent
    wrong = []
    for path in source.rglob("*.py"):
        if path.name != "sliding.py":
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr.startswith("conv") and node.attr[-1] == "d":
                    owner = ast.unparse(node.value)
                    if owner in ("F", "torch", "nn.functional", "torch.nn.functional"):
                        wrong.append(f"{path.name}:{node.lineno} {owner}.{node.attr}")
    assert not wrong
