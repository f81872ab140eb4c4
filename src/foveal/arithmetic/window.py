"""The sliding window: the one home of its integer formulas, for one axis at a time.

n is the size of the input, k the kernel, s the stride, d the dilation; all in pixels (or samples). Sources: Dumoulin,
Visin 2016, "A guide to convolution arithmetic for deep learning"; lectures 000, 001 and 004.
"""

from __future__ import annotations

import math


def extent(k: int, d: int = 1) -> int:
    """What a dilated kernel spans: d (k − 1) + 1.

    Example:
        >>> extent(3, 2)
        5
    """
    return d * (k - 1) + 1


def ceil_div(a: int, b: int) -> int:
    """⌈a / b⌉ in whole numbers."""
    return -(-a // b)


def output_size(n: int, k: int, s: int = 1, before: int = 0, after: int = 0, d: int = 1) -> int:
    """⌊(n + before + after − extent) / s⌋ + 1 places of the window; 0 or less where it fits nowhere.

    Example:
        >>> output_size(28, 5, 1, 2, 2), output_size(224, 11, 4, 2, 2)
        (28, 55)
        >>> output_size(2, 3)
        0
    """
    room = n + before + after - extent(k, d)
    return room // s + 1 if room >= 0 else 0


def same_padding(n: int, k: int, s: int = 1, d: int = 1) -> tuple[int, int]:
    """The zeros (before, after) that give ⌈n / s⌉ outputs: as even as possible, the odd one after.

    Example:
        >>> same_padding(13, 6, 5)  # lecture 004, figure 13-7
        (1, 2)
    """
    total = max(0, (ceil_div(n, s) - 1) * s + extent(k, d) - n)
    return total // 2, total - total // 2


def ignored(n: int, k: int, s: int = 1, before: int = 0, after: int = 0, d: int = 1) -> int:
    """How many values at the end no window reaches, because flooring drops what does not fill one.

    Example:
        >>> ignored(11, 2, 2)
        1
    """
    places = output_size(n, k, s, before, after, d)
    if places == 0:
        return n
    return max(0, n - ((places - 1) * s + extent(k, d) - before))


def transposed_size(n: int, k: int, s: int = 1, before: int = 0, after: int = 0, d: int = 1, extra: int = 0) -> int:
    """(n − 1) s + extent − before − after + extra: the input size of the convolution whose adjoint this is.

    Example:
        >>> transposed_size(14, 3, 2, 0, 1)
        28
    """
    return (n - 1) * s + extent(k, d) - before - after + extra


def transposed_valid(k: int, s: int, d: int = 1) -> int:
    """Rows added at the end by "valid": those of the last stride that the kernel does not reach, so that none is lost.

    With them a convolution of the same kernel and stride gives back n windows of what n × stride values held, as in Keras.

    Example:
        >>> transposed_valid(2, 3), transposed_valid(3, 2)
        (1, 0)
    """
    return max(0, s - extent(k, d))


def transposed_same(k: int, s: int, d: int = 1) -> tuple[int, int, int]:
    """(before, after, extra) that make a transposed convolution give exactly n × s values.

    Where the kernel spans more than the stride, the surplus is cut, the odd one at the end; where it spans less, rows that
    no input reaches are added.

    Example:
        >>> transposed_same(3, 2), transposed_same(2, 3)
        ((0, 1, 0), (0, 0, 1))
    """
    surplus = extent(k, d) - s
    if surplus < 0:
        return 0, 0, -surplus
    return surplus // 2, surplus - surplus // 2, 0


def share_total(n: int, m: int) -> int:
    """What the m windows of an adaptive pooling over n values take in together: Σ ⌈(i + 1) n / m⌉ − ⌊i n / m⌋ = n + m − gcd(n, m).

    Example:
        >>> share_total(10, 4), sum(ceil_div((i + 1) * 10, 4) - i * 10 // 4 for i in range(4))
        (12, 12)
    """
    return n + m - math.gcd(n, m)


def largest_share(n: int, m: int) -> int:
    """The largest of those windows: ⌊n / m⌋, and 1 or 2 more where m does not divide n.

    With r = n mod m, the i-th begins i · n mod m after a whole place, a multiple of g = gcd(n, m) up to m − g.

    Example:
        >>> largest_share(10, 4), largest_share(12, 4), largest_share(6, 4)
        (3, 3, 2)
    """
    rest, g = n % m, math.gcd(n, m)
    return n // m + (0 if not rest else 1 if rest <= g else 2)
