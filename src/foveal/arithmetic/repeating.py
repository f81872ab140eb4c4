"""Patterns that repeat after many units: layers that spread their input, or share it out. Listed while short, else by formula."""

from __future__ import annotations

import functools
import math
from fractions import Fraction

from foveal.arithmetic.pattern import MOST_OF_A_LAYER, Bounds, Span, WorkedStep, shortest
from foveal.arithmetic.window import ceil_div, largest_share


@functools.lru_cache(maxsize=1024)
def stamps(cut: int, k: int, s: int, d: int) -> WorkedStep:
    """Transposed convolution: y holds the stamp of input x at offset m where x · s − cut + d · m = y, for some m of 0 … k − 1.

    So d · m and y + cut are equal modulo s: with g = gcd(d, s) only every g-th y has a stamp, and its m are s / g apart.
    """

    def span(y: int) -> Span | None:
        g = math.gcd(d, s)
        if (y + cut) % g:
            return None
        apart = s // g
        first = (y + cut) // g * pow(d // g, -1, apart) % apart if apart > 1 else 0
        if first >= k:
            return None
        last = first + (k - 1 - first) // apart * apart
        return (y + cut - d * last) // s, (y + cut - d * first) // s

    if s <= MOST_OF_A_LAYER:
        return shortest(tuple(map(span, range(s))), 1, d // math.gcd(d, s))

    def together(first: int, last: int) -> Span | None:
        """The inputs whose stamps reach these outputs."""
        low, high = ceil_div(first + cut - d * (k - 1), s), (last + cut) // s
        return (low, high) if low <= high else None

    low, high = Fraction(cut - d * (k - 1), s), Fraction(cut, s)
    if d == 1:  # offsets 0 … k − 1 reach ⌈k / s⌉ inputs at most, and unit s − cut … does
        return Bounds(Fraction(1, s), low, high, max(1, ceil_div(k, s)), True, span(0), together)
    return Bounds(Fraction(1, s), low, high, math.floor(high - low) + 1, False, span(0), together, d)


@functools.lru_cache(maxsize=1024)
def repeated(f: int, nearest: bool) -> WorkedStep:
    """Upsampling. Nearest: output y repeats input ⌊y / f⌋. Bilinear: it lies between the two centres around (y + 1/2) / f − 1/2."""

    def low(y: int) -> int:
        return y // f if nearest else (2 * y + 1 - f) // (2 * f)

    def high(y: int) -> int:
        return y // f if nearest else ceil_div(2 * y + 1 - f, 2 * f)

    if f <= MOST_OF_A_LAYER:
        return shortest(tuple((low(y), high(y)) for y in range(f)), 1)
    stride, half = Fraction(1, f), Fraction(1 - f, 2 * f)
    lowest = -Fraction(f - 1, f) if nearest else half - Fraction(2 * f - 1, 2 * f)
    highest = Fraction(0) if nearest else half + Fraction(2 * f - 1, 2 * f)
    reached = 1 if nearest else 2
    return Bounds(
        stride, lowest, highest, reached, True, (low(0), high(0)), lambda first, last: (low(first), high(last))
    )


@functools.lru_cache(maxsize=1024)
def shares(n: int, m: int) -> WorkedStep:
    """Adaptive pooling: window i of m reaches from ⌊i · n / m⌋ to ⌈(i + 1) · n / m⌉ − 1."""

    def together(first: int, last: int) -> Span:
        return first * n // m, ceil_div((last + 1) * n, m) - 1

    if m <= MOST_OF_A_LAYER or n % m == 0:
        return shortest(tuple(together(i, i) for i in range(m if n % m else 1)), n if n % m else n // m)
    stride = Fraction(n, m)
    return Bounds(stride, -Fraction(m - 1, m), stride, largest_share(n, m), True, together(0, 0), together)
