"""Two small data sets that are always there, because scikit-learn brings them: digits and iris."""

from __future__ import annotations

import numpy as np

from foveal.data.dataset import DataSet, Split
from foveal.data.splitting import split_validation

SEED = 20_250_216
"""Seed of the cut into training and test parts, which never changes."""


def digits() -> DataSet:
    """1,797 handwritten digits of 8 × 8 × 1 (Alpaydin, Kaynak 1998), as scikit-learn bundles them.

    The original values are 0 to 16; here they are 0 to 255 like everybody's (``round(v × 255 / 16)``). A fifth of each
    class is the test part, always the same.

    Example:
        >>> data = digits()
        >>> data.shape, len(data.train), len(data.test)
        ((8, 8, 1), 1438, 359)
    """
    from sklearn.datasets import load_digits

    values, labels = load_digits(return_X_y=True)
    images = np.rint(values.reshape(-1, 8, 8, 1) * (255.0 / 16.0)).astype(np.uint8)
    train, test = split_validation(Split(images, labels.astype(np.int64)), 0.2, seed=SEED)
    return DataSet("digits", tuple(str(digit) for digit in range(10)), train, test, "scikit-learn's load_digits")


def iris() -> DataSet:
    """Fisher's iris (1936): 150 flowers, four measurements in centimetres, three species; the table of lecture 000.

    A fifth of each class is the test part, always the same.

    Example:
        >>> data = iris()
        >>> data.classes, data.shape, len(data.train), len(data.test)
        (('setosa', 'versicolor', 'virginica'), (4,), 120, 30)
    """
    from sklearn.datasets import load_iris

    bunch = load_iris()
    table = Split(np.asarray(bunch.data, dtype=np.float32), np.asarray(bunch.target, dtype=np.int64))
    train, test = split_validation(table, 0.2, seed=SEED)
    return DataSet("iris", tuple(str(name) for name in bunch.target_names), train, test, "scikit-learn's load_iris")
