"""Sums worked on given numbers: a small image under a kernel, a pooling window, a small network; each product is listed.

What the lectures do by hand, forward and backward. Plain lists of numbers in and out; every result knows the terms it is the
sum of. Sources: lectures 000, 001, 004 (correlation, pooling), 002 (the small network), 003 (both gradients); Zhang 2016.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from foveal.arithmetic.window import output_size
from foveal.errors import ShapeError

Matrix = Sequence[Sequence[float]]
Place = tuple[int, int]


@dataclass(frozen=True)
class Term:
    """One product: ``left`` (at row, column of the image) × ``right`` (at row, column of the kernel)."""

    left: float
    right: float
    at: Place
    kernel_at: Place

    @property
    def value(self) -> float:
        """The product."""
        return self.left * self.right


@dataclass(frozen=True)
class Sum:
    """A sum of products and a bias, and what a function makes of it.

    Attributes:
        terms: every product, in reading order, zeros too.
        bias: added at the end.
        function: an activation applied to the sum: its name, "" for none.
        value: the result.
    """

    terms: tuple[Term, ...]
    bias: float
    function: str
    value: float

    @property
    def sum(self) -> float:
        """Before the function."""
        return _added([term.value for term in self.terms]) + self.bias

    def __str__(self) -> str:
        text = " + ".join(f"{_number(t.left)} × {_number(t.right)}" for t in self.terms)
        text += f" + {_number(self.bias)}" if self.bias else ""
        total = _number(self.sum)
        return (
            f"{self.function}({text}) = {self.function}({total}) = {_number(self.value)}"
            if self.function
            else f"{text} = {total}"
        )


@dataclass(frozen=True)
class Map:
    """A map of results, each with its sum."""

    sums: tuple[tuple[Sum, ...], ...]

    @property
    def values(self) -> list[list[float]]:
        """The results alone, row by row."""
        return [[one.value for one in row] for row in self.sums]


def _added(values: Sequence[float]) -> float:
    """Exact for whole numbers, correctly rounded for others."""
    return sum(values) if all(isinstance(v, int) for v in values) else math.fsum(values)


def _number(value: float) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return f"({text.replace('-', '−')})" if text.startswith("-") else text


def _size(matrix: Matrix, what: str) -> Place:
    rows, columns = len(matrix), len(matrix[0]) if matrix else 0
    if not rows or not columns or any(len(row) != columns for row in matrix):
        raise ShapeError(
            f"the {what} is not a rectangle of numbers",
            where=what,
            given=f"{rows} rows of {', '.join(str(len(row)) for row in matrix) or 'no'} numbers",
            expected="rows of equally many numbers, at least one",
            fix="[[1, 0], [0, 1]]",
        )
    return rows, columns


def correlate(image: Matrix, kernel: Matrix, *, stride: int = 1, padding: int = 0, bias: float = 0) -> Map:
    """What a convolution layer does: the kernel slides over the image as it is, not turned.

    Args:
        image: height × width numbers.
        kernel: kernel height × width numbers.
        stride: places that the window moves, both ways.
        padding: zeros around the image.
        bias: added to each sum.

    Raises:
        ShapeError: no rectangle, or a kernel larger than the padded image.

    Example:
        >>> edge = correlate([[10, 10, 0], [10, 10, 0]], [[1, -1]])
        >>> edge.values
        [[0, 10], [0, 10]]
        >>> print(edge.sums[0][1])
        10 × 1 + 0 × (−1) = 10
    """
    (rows, columns), (k_rows, k_columns) = _size(image, "image"), _size(kernel, "kernel")
    high, wide = (output_size(n, k, stride, padding, padding) for n, k in ((rows, k_rows), (columns, k_columns)))
    if high < 1 or wide < 1:
        raise ShapeError(
            "the kernel is larger than the image",
            where="kernel",
            given=f"image {rows} × {columns}, padding {padding}, kernel {k_rows} × {k_columns}",
            expected=f"a kernel of at most {rows + 2 * padding} × {columns + 2 * padding}",
            fix="a smaller kernel, or more padding",
        )

    def at(row: int, column: int) -> float:
        inside = 0 <= row < rows and 0 <= column < columns
        return image[row][column] if inside else 0

    def summed(i: int, j: int) -> Sum:
        terms = []
        for m in range(k_rows):
            for n in range(k_columns):
                row, column = i * stride + m - padding, j * stride + n - padding
                terms.append(Term(at(row, column), kernel[m][n], (row, column), (m, n)))
        return Sum(tuple(terms), bias, "", _added([term.value for term in terms]) + bias)

    return Map(tuple(tuple(summed(i, j) for j in range(wide)) for i in range(high)))


def turned(kernel: Matrix) -> list[list[float]]:
    """The kernel turned by 180°: rows and columns from the end.

    Example:
        >>> turned([[1, 2], [3, 4]])
        [[4, 3], [2, 1]]
    """
    return [list(reversed(row)) for row in reversed(kernel)]


def convolve(image: Matrix, kernel: Matrix, *, full: bool = False) -> Map:
    """Convolution as mathematics has it: S(i, j) = Σ I(i − m, j − n) K(m, n), the kernel turned by 180°.

    Args:
        full: wherever image and kernel overlap at all, height + k − 1 rows; else only where the kernel lies inside.

    Example:
        >>> convolve([[1, 2, 3]], [[1, 10]], full=True).values
        [[1, 12, 23, 30]]
    """
    k_rows, k_columns = _size(kernel, "kernel")
    if full:
        image = _framed(image, k_rows - 1, k_columns - 1)
    return correlate(image, turned(kernel))


def _framed(image: Matrix, rows: int, columns: int) -> list[list[float]]:
    wide = _size(image, "image")[1] + 2 * columns
    side: list[float] = [0] * columns
    rim: list[list[float]] = [[0] * wide for _ in range(rows)]
    return [*rim, *([*side, *row, *side] for row in image), *rim]


# Pooling --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pooled:
    """A window summarised.

    Attributes:
        values: what the window holds, in reading order.
        at: where in the image the window begins.
        winner: the place in the image that decided (maximum, minimum); None where all do.
        value: the result.
    """

    values: tuple[float, ...]
    at: Place
    winner: Place | None
    value: float


POOLINGS = ("max", "min", "average", "l2", "distance")


def pool(image: Matrix, kind: str, size: int = 2, stride: int | None = None) -> tuple[tuple[Pooled, ...], ...]:
    """A pooling worked window by window.

    Args:
        image: height × width numbers.
        kind: "max", "min", "average", "l2" (√ Σ x²), "distance" (weights 1 / (1 + distance from the middle)).
        size: height and width of the window.
        stride: places that it moves; None is its size.

    Raises:
        ShapeError: an unknown kind, or a window larger than the image.

    Example:
        >>> [[window.value for window in row] for row in pool([[1, 3, 2, 4], [5, 6, 8, 7]], "max")]
        [[6, 8]]
    """
    rows, columns = _size(image, "image")
    step = stride or size
    high, wide = output_size(rows, size, step), output_size(columns, size, step)
    if kind not in POOLINGS or high < 1 or wide < 1:
        raise ShapeError(
            "this pooling cannot be worked",
            where="pool",
            given=f"{kind!r}, window {size} × {size}, image {rows} × {columns}",
            expected=f"one of {', '.join(POOLINGS)}, and a window that fits",
            fix='pool(image, "max", 2)',
        )
    return tuple(tuple(_pooled(image, kind, size, i * step, j * step) for j in range(wide)) for i in range(high))


def _pooled(image: Matrix, kind: str, size: int, top: int, left: int) -> Pooled:
    places = [(top + m, left + n) for m in range(size) for n in range(size)]
    values = tuple(image[row][column] for row, column in places)
    if kind in ("max", "min"):
        best = max(values) if kind == "max" else min(values)
        return Pooled(values, (top, left), places[values.index(best)], best)
    if kind == "l2":
        return Pooled(values, (top, left), None, math.sqrt(_added([v * v for v in values])))
    weights = [1.0] * len(values)
    if kind == "distance":
        middle = (size - 1) / 2
        weights = [1 / (1 + math.hypot(row - top - middle, column - left - middle)) for row, column in places]
    mean = math.fsum(w * v for w, v in zip(weights, values, strict=True)) / math.fsum(weights)
    return Pooled(values, (top, left), None, mean)


# A small network ------------------------------------------------------------------------------------------------------

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "linear": lambda x: x,
    "step": lambda x: 1.0 if x > 0 else 0.0,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "relu": lambda x: max(0.0, x),
}


def dense(
    inputs: Sequence[float],
    weights: Matrix,
    *,
    biases: Sequence[float] | None = None,
    activation: str = "linear",
) -> tuple[Sum, ...]:
    """A dense layer: one row of weights a unit, each unit f(Σ w · x + b).

    Example:
        >>> (unit,) = dense([2, 3], [[10, 1]])
        >>> print(unit)
        2 × 10 + 3 × 1 = 23
    """
    function = FUNCTIONS[activation]
    found = []
    for unit, row in enumerate(weights):
        if len(row) != len(inputs):
            raise ShapeError(
                "a unit needs as many weights as there are inputs",
                where=f"unit {unit}",
                given=f"{len(inputs)} inputs, {len(row)} weights",
                expected=f"{len(inputs)} weights",
                fix="one weight an input",
            )
        terms = tuple(Term(x, w, (0, i), (unit, i)) for i, (x, w) in enumerate(zip(inputs, row, strict=True)))
        bias = biases[unit] if biases is not None else 0
        total = _added([term.value for term in terms]) + bias
        found.append(Sum(terms, bias, "" if activation == "linear" else activation, function(total)))
    return tuple(found)


def mlp(
    inputs: Sequence[float], layers: Sequence[Matrix], *, activation: str = "sigmoid"
) -> tuple[tuple[Sum, ...], ...]:
    """A network of dense layers without biases, as in lecture 002, "Inference": every layer's sums.

    Example:
        >>> hidden, output = mlp([0.5, 0.9, -0.3], [[[1, -2, 2], [2, 1, -4], [1, -1, 0]], [[-3, 1, -3], [0, 1, 2]]])
        >>> [round(unit.value, 2) for unit in hidden], [round(unit.value, 2) for unit in output]
        ([0.13, 0.96, 0.4], [0.35, 0.85])
    """
    found = []
    values: Sequence[float] = inputs
    for weights in layers:
        units = dense(values, weights, activation=activation)
        found.append(units)
        values = [unit.value for unit in units]
    return tuple(found)


# Backward -------------------------------------------------------------------------------------------------------------


def correlate_backward(image: Matrix, kernel: Matrix, gradient: Matrix) -> tuple[Map, Map]:
    """Both gradients of a convolution layer at stride 1 (lecture 003, "Training the Convolution Layer").

    Args:
        image: X.
        kernel: F.
        gradient: dE/dO, of the size that :func:`correlate` gives.

    Returns:
        dE/dF = X slid under dE/dO, and dE/dX = F turned by 180°, over dE/dO wherever they overlap; with all products.

    Example:
        >>> by_kernel, by_image = correlate_backward([[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[1, 2], [3, 4]], [[1, 0], [0, 1]])
        >>> by_kernel.values
        [[6, 8], [12, 14]]
        >>> by_image.values
        [[1, 2, 0], [3, 5, 2], [0, 3, 4]]
    """
    given, (rows, columns), (k_rows, k_columns) = (
        _size(gradient, "gradient"),
        _size(image, "image"),
        _size(kernel, "kernel"),
    )
    expected = (rows - k_rows + 1, columns - k_columns + 1)
    if given != expected:
        raise ShapeError(
            "the gradient does not have the output's size",
            where="gradient",
            given=f"{given[0]} × {given[1]}",
            expected=f"{expected[0]} × {expected[1]}: {rows} − {k_rows} + 1 and {columns} − {k_columns} + 1",
            fix="one gradient for each value that comes out",
        )
    return correlate(image, gradient), convolve(gradient, kernel, full=True)


def max_pool_backward(image: Matrix, gradient: Matrix, size: int = 2, stride: int | None = None) -> list[list[float]]:
    """dE/dX of a maximum pooling: each window hands its whole gradient to its winner (lecture 003).

    Example:
        >>> max_pool_backward([[1, 3], [4, 2]], [[7]])
        [[0, 0], [7, 0]]
    """
    rows, columns = _size(image, "image")
    found: list[list[float]] = [[0] * columns for _ in range(rows)]
    for row, slopes in zip(pool(image, "max", size, stride), gradient, strict=True):
        for window, slope in zip(row, slopes, strict=True):
            assert window.winner is not None
            found[window.winner[0]][window.winner[1]] += slope
    return found
