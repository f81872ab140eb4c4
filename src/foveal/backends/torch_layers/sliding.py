"""The two operations that slide a learned kernel: every convolution of this backend goes through here.

PyTorch hands them to oneDNN on the CPU. Its 1 × 1 kernel with a stride above 1 computes a wrong weight gradient in
channels_last memory where the channels do not fill a vector register, writes past its buffer, and for some numbers never
returns (uxlfoundation/oneDNN #6035: 3, 5, 6, 7 channels and 4 with AVX2, more with AVX-512). The transposed convolution's
weight gradient is the same sum, and fails alike. So no kernel of one place is ever strided here, whatever the number of
channels: along an axis on which the kernel has one place, every s-th value is taken first, or spread afterwards. That is
exact, and less work.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch.nn.functional as F
from torch import Tensor

_CONVOLVE: dict[int, Callable[..., Tensor]] = {1: F.conv1d, 2: F.conv2d, 3: F.conv3d}
_TRANSPOSE: dict[int, Callable[..., Tensor]] = {1: F.conv_transpose1d, 2: F.conv_transpose2d, 3: F.conv_transpose3d}
_ALL = (slice(None), slice(None))  # every sample and channel


def convolve(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    strides: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    groups: int = 1,
) -> Tensor:
    """Σ kernel · x over each window, as ``F.conv1d``, ``conv2d`` and ``conv3d`` define it.

    Args:
        x: N × channels × spatial axes.
        weight: filters × channels / groups × kernel.
        bias: one a filter, or None.
        strides, padding, dilation: one number an axis; zeros are laid on both ends alike.
        groups: parts that channels and filters are cut into.

    Example:
        >>> import torch
        >>> x = torch.arange(6.0).reshape(1, 1, 6)
        >>> convolve(x, torch.ones(1, 1, 1), None, (2,), (1,), (1,)).tolist()
        [[[0.0, 1.0, 3.0, 5.0]]]
    """
    thin = _thin(weight, strides)
    if any(thin):
        rims = [p if one else 0 for p, one in zip(padding, thin, strict=True)]
        if any(rims):
            x = F.pad(x, [rim for p in reversed(rims) for rim in (p, p)])
        x = x[*_ALL, *(slice(None, None, s if one else 1) for s, one in zip(strides, thin, strict=True))]
        strides, padding = _where(thin, strides, 1), _where(thin, padding, 0)
    return _CONVOLVE[len(thin)](x, weight, bias, strides, padding, dilation, groups)


def transpose(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    strides: Sequence[int],
    padding: Sequence[int],
    extra: Sequence[int],
    groups: int,
    dilation: Sequence[int],
) -> Tensor:
    """The adjoint: each value stamps its kernel, as ``F.conv_transpose1d``, ``2d`` and ``3d`` define it.

    Args:
        x: N × channels × spatial axes.
        weight: channels × filters / groups × kernel.
        bias: one a filter, or None.
        strides, dilation: one number an axis.
        padding: what is cut from both ends of an axis.
        extra: what is added at the end of an axis.
        groups: parts that channels and filters are cut into.

    Example:
        >>> import torch
        >>> transpose(torch.ones(1, 1, 2), torch.ones(1, 1, 1), None, (3,), (0,), (2,), 1, (1,)).tolist()
        [[[1.0, 0.0, 0.0, 1.0, 0.0, 0.0]]]
    """
    thin = _thin(weight, strides)
    if not any(thin):
        return _TRANSPOSE[len(thin)](x, weight, bias, strides, padding, extra, groups, dilation)
    whole = (_where(thin, numbers, usual) for numbers, usual in ((strides, 1), (padding, 0), (extra, 0)))
    sums = _TRANSPOSE[len(thin)](x, weight, None, *whole, groups, dilation)
    none = [not one for one in thin]
    sums = _spread(sums, _where(none, strides, 1), _where(none, padding, 0), _where(none, extra, 0))
    if bias is None:
        return sums
    return sums + bias.to(sums.dtype).reshape(-1, *(1 for _ in thin))


def _thin(weight: Tensor, strides: Sequence[int]) -> list[bool]:
    """On which axes a kernel of one place is strided."""
    return [k == 1 and s > 1 for k, s in zip(weight.shape[2:], strides, strict=True)]


def _where(marked: Sequence[bool], numbers: Sequence[int], instead: int) -> tuple[int, ...]:
    """``numbers``, but ``instead`` where an axis is marked."""
    return tuple(instead if one else number for number, one in zip(numbers, marked, strict=True))


def _spread(x: Tensor, strides: Sequence[int], cuts: Sequence[int], extra: Sequence[int]) -> Tensor:
    """The values of each axis ``stride`` apart, zeros between; then cut at both ends and lengthened at the last."""
    target, source, sizes = [], [], []
    for n, s, cut, more in zip(x.shape[2:], strides, cuts, extra, strict=True):
        size = (n - 1) * s + 1 - 2 * cut + more
        first = -(-cut // s)  # the first value that is not cut away
        start = first * s - cut
        count = max(0, min(n - first, -(-(size - start) // s)))
        target.append(slice(start, start + count * s, s))
        source.append(slice(first, first + count))
        sizes.append(size)
    # laid out channels last, as every feature map here, also where there is one channel
    sheet = x.new_zeros((x.shape[0], *sizes, x.shape[1])).movedim(-1, 1)
    sheet[*_ALL, *target] = x[*_ALL, *source]
    return sheet
