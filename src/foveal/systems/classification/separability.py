"""Whether a line (a plane, a hyperplane) separates two classes: the widest margin, or the proof that there is none.

Both are one question. Write every example as x̃ = (x, 1) and turn the sign of those of class 0. The vector of the convex hull
of these that is nearest to the origin is the direction of the widest margin through the origin, and its length γ is that margin.
Where the hull holds the origin itself, γ is 0: then some weighted mean of class 1 is the very same point as one of class 0, and
no line can have a point on both of its sides (the two ends of linear programming's theorem of the alternative; Gordan 1873).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from foveal.data.brief import shown_briefly
from foveal.errors import DataError

_ZERO = 1e-9  # a margin below this share of the radius is rounding


@shown_briefly
@dataclass(frozen=True, eq=False)
class Separation:
    """Two classes, held against each other.

    Attributes:
        margin: γ, the widest margin of a hyperplane through the origin of x̃ = (x, 1); 0 where none separates.
        radius: R, the longest x̃.
        normal: (n + 1,) the direction of the widest margin, of length 1, the bias last; None where none separates.
        weights: (N,) how much each example counts in the nearest point of the hull; they sum to 1.
        common: (n,) a point that is a weighted mean of both classes; None where they can be separated.
    """

    margin: float
    radius: float
    normal: NDArray[np.float64] | None
    weights: NDArray[np.float64]
    common: NDArray[np.float64] | None

    @property
    def separable(self) -> bool:
        """Whether a hyperplane separates the two."""
        return self.normal is not None

    @property
    def bound(self) -> float | None:
        """(R / γ)²: the most corrections that the perceptron rule can make from zero weights (Novikoff 1962)."""
        return (self.radius / self.margin) ** 2 if self.separable else None


def separation(points: ArrayLike, answers: ArrayLike) -> Separation:
    """Look for a hyperplane between the examples of class 0 and those of class 1.

    The nearest point of the hull is found by non-negative least squares (Lawson, Hanson 1974, Solving Least Squares Problems,
    chapter 23): min ‖A α‖² + (1 − Σα)² over α ≥ 0 has its solution in the right direction.

    Args:
        points: (N, n) examples.
        answers: (N,) 0 or 1.

    Raises:
        DataError: shapes that do not fit, answers other than 0 and 1, or one class only.

    Example:
        >>> points = [(0, 0), (0, 1), (1, 0), (1, 1)]
        >>> both = separation(points, [0, 0, 0, 1])
        >>> both.separable, round(both.bound)
        (True, 51)
        >>> either = separation(points, [0, 1, 1, 0])
        >>> either.separable, either.common.round(6).tolist()  # half (0, 0) and half (1, 1) is half (0, 1) and half (1, 0)
        (False, [0.5, 0.5])
    """
    from scipy.optimize import nnls

    x, t = np.asarray(points, dtype=np.float64), np.asarray(answers)
    if x.ndim != 2 or t.shape != (len(x),) or set(np.unique(t).tolist()) != {0, 1}:
        raise DataError(
            "a separation needs examples of two classes",
            where="separation",
            given=f"points of shape {x.shape}, answers of shape {t.shape} with the values {np.unique(t).tolist()[:5]}",
            expected="points (N, n), answers (N,) of 0 and 1, each at least once",
        )
    extended = np.column_stack([x, np.ones(len(x))])
    radius = float(np.sqrt((extended**2).sum(1).max()))
    signed = extended * np.where(t == 1, 1.0, -1.0)[:, None] / radius
    system = np.vstack([signed.T, np.ones(len(x))])
    wanted = np.zeros(len(system))
    wanted[-1] = 1.0
    alpha, _ = nnls(system, wanted, maxiter=100 * len(x))
    alpha = alpha / alpha.sum()
    nearest = alpha @ signed
    length = float(np.linalg.norm(nearest))
    if length > _ZERO:
        return Separation(length * radius, radius, nearest / length, alpha, None)
    positive = alpha[t == 1]
    return Separation(0.0, radius, None, alpha, positive @ x[t == 1] / positive.sum())
