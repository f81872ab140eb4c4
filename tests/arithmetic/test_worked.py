"""Worked sums against NumPy, and worked gradients against differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foveal.arithmetic.worked import numeric
from foveal.errors import ShapeError

numbers = st.integers(-9, 9)


def matrices(rows: tuple[int, int], columns: tuple[int, int]) -> st.SearchStrategy[list[list[int]]]:
    return st.integers(*columns).flatmap(
        lambda n: st.lists(st.lists(numbers, min_size=n, max_size=n), min_size=rows[0], max_size=rows[1])
    )


@given(matrices((3, 6), (3, 6)), matrices((1, 3), (1, 3)), st.integers(1, 3), st.integers(0, 2), numbers)
def test_correlation_against_windows_of_numpy(
    image: list[list[int]], kernel: list[list[int]], s: int, p: int, b: int
) -> None:
    padded = np.pad(np.array(image), p)
    k = np.array(kernel)
    views = np.lib.stride_tricks.sliding_window_view(padded, k.shape)[::s, ::s]
    expected = np.einsum("ijmn,mn->ij", views, k) + b
    found = numeric.correlate(image, kernel, stride=s, padding=p, bias=b)
    assert found.values == expected.tolist()
    for row in found.sums:
        for one in row:
            assert one.sum == one.value == sum(t.value for t in one.terms) + b
            assert [t.kernel_at for t in one.terms] == [(m, n) for m in range(k.shape[0]) for n in range(k.shape[1])]
            assert all(padded[t.at[0] + p, t.at[1] + p] == t.left for t in one.terms)


@given(matrices((2, 5), (2, 5)), matrices((1, 2), (1, 2)))
def test_convolution_is_polynomial_multiplication(image: list[list[int]], kernel: list[list[int]]) -> None:
    """Full convolution, row against row by numpy.convolve."""
    a, b = np.array(image), np.array(kernel)
    expected = np.zeros((a.shape[0] + b.shape[0] - 1, a.shape[1] + b.shape[1] - 1), int)
    for i, row in enumerate(a):
        for m, other in enumerate(b):
            expected[i + m] += np.convolve(row, other)
    assert numeric.convolve(image, kernel, full=True).values == expected.tolist()


@given(matrices((3, 5), (3, 5)), matrices((1, 3), (1, 3)), st.data())
def test_both_gradients_against_differences(
    image: list[list[int]], kernel: list[list[int]], data: st.DataObject
) -> None:
    """The error is linear in image and in kernel, so a difference of one step is exact."""
    out = numeric.correlate(image, kernel).values
    slopes = [[data.draw(numbers) for _ in row] for row in out]
    by_kernel, by_image = numeric.correlate_backward(image, kernel, slopes)

    def error(x: list[list[int]], f: list[list[int]]) -> float:
        values = numeric.correlate(x, f).values
        return sum(v * g for row, grad in zip(values, slopes, strict=True) for v, g in zip(row, grad, strict=True))

    base = error(image, kernel)
    for matrix, gradient, which in ((kernel, by_kernel.values, 1), (image, by_image.values, 0)):
        for i in range(len(matrix)):
            for j in range(len(matrix[0])):
                moved = [list(row) for row in matrix]
                moved[i][j] += 1
                changed = error(moved, kernel) if which == 0 else error(image, moved)
                assert gradient[i][j] == changed - base


@given(matrices((4, 6), (4, 6)), st.integers(1, 3), st.integers(1, 3), st.sampled_from(numeric.POOLINGS))
def test_pooling_against_numpy(image: list[list[int]], size: int, stride: int, kind: str) -> None:
    views = np.lib.stride_tricks.sliding_window_view(np.array(image, float), (size, size))[::stride, ::stride]
    middle = (size - 1) / 2
    offsets = np.arange(size) - middle
    weights = 1 / (1 + np.hypot(offsets[:, None], offsets[None, :]))
    expected = {
        "max": views.max((-1, -2)),
        "min": views.min((-1, -2)),
        "average": views.mean((-1, -2)),
        "l2": np.sqrt((views**2).sum((-1, -2))),
        "distance": (views * weights).sum((-1, -2)) / weights.sum(),
    }[kind]
    found = numeric.pool(image, kind, size, stride)
    assert np.allclose([[one.value for one in row] for row in found], expected)
    for row in found:
        for one in row:
            if one.winner is not None:
                assert image[one.winner[0]][one.winner[1]] == one.value


def test_the_winner_takes_all_the_first_at_a_tie_and_overlaps_add() -> None:
    image = [[5, 5, 1], [0, 5, 2]]
    assert numeric.max_pool_backward(image, [[10, 100]], size=2, stride=1) == [[10, 100, 0], [0, 0, 0]]
    assert numeric.max_pool_backward([[1, 9, 1]], [[1, 2]], size=1, stride=2) == [[1, 0, 2]]


def test_a_sum_reads_as_it_is_worked() -> None:
    (unit,) = numeric.dense([1, -2], [[3, 0.5]], biases=[4], activation="relu")
    assert str(unit) == "relu(1 × 3 + (−2) × 0.5 + 4) = relu(6) = 6"
    assert numeric.dense([0.5], [[-1.0]], activation="step")[0].value == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: numeric.correlate([[1, 2], [3]], [[1]]), "the image is not a rectangle of numbers"),
        (lambda: numeric.correlate([[1]], [[1, 1]]), "the kernel is larger than the image"),
        (lambda: numeric.pool([[1]], "max", 2), "this pooling cannot be worked"),
        (lambda: numeric.pool([[1]], "median", 1), "this pooling cannot be worked"),
        (lambda: numeric.dense([1, 2], [[1]]), "a unit needs as many weights as there are inputs"),
        (lambda: numeric.correlate_backward([[1, 2]], [[1]], [[1]]), "the gradient does not have the output's size"),
    ],
)
def test_mistakes_are_explained(call: object, words: str) -> None:
    with pytest.raises(ShapeError) as caught:
        call()  # type: ignore[operator]
    assert words in str(caught.value)
    assert caught.value.fix
    assert caught.value.given
