"""Fisher's iris (1936): 150 flowers, four measurements in centimetres, three species; the table of lecture 000."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foveal.data.dataset import DataSet, Split
from foveal.data.splitting import split_validation

CLASSES = ("setosa", "versicolor", "virginica")
FEATURES = ("sepal length", "sepal width", "petal length", "petal width")
SEED = 20_250_216
"""Seed of the cut into training and test parts, which never changes."""

Table = tuple[NDArray[np.float32], NDArray[np.uint8]]


def load_data() -> tuple[Table, Table]:
    """Iris in the form of Keras' data sets, as scikit-learn bundles it; a fifth of each class is the test part.

    Returns:
        ``((train_rows, train_labels), (test_rows, test_labels))``: rows ``float32`` (120, 4) and (30, 4) in centimetres,
        in the order of ``FEATURES``; labels ``uint8``, 0 to 2, whose names are ``CLASSES``.

    Example:
        >>> (train_rows, train_labels), (test_rows, test_labels) = load_data()
        >>> train_rows.shape, test_labels.shape
        ((120, 4), (30,))
    """
    data = load()
    assert data.test is not None
    train, test = ((part.images, part.labels.astype(np.uint8)) for part in (data.train, data.test))
    return train, test


def load() -> DataSet:
    """Iris as a :class:`~foveal.data.dataset.DataSet`: a table, 4 features a row.

    Example:
        >>> load().classes
        ('setosa', 'versicolor', 'virginica')
    """
    from sklearn.datasets import load_iris

    bunch = load_iris()
    table = Split(np.asarray(bunch.data, dtype=np.float32), np.asarray(bunch.target, dtype=np.int64))
    train, test = split_validation(table, 0.2, seed=SEED)
    return DataSet("iris", CLASSES, train, test, "scikit-learn's load_iris")
