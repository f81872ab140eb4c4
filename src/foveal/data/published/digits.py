"""Digits: 1,797 handwritten digits, 8 × 8, grey (Alpaydin, Kaynak 1998), as scikit-learn bundles them: always there."""

from __future__ import annotations

import numpy as np

from foveal.data.dataset import DataSet, Split
from foveal.data.published.catalogue import Arrays
from foveal.data.splitting import split_validation

CLASSES = tuple(str(digit) for digit in range(10))
SEED = 20_250_216
"""Seed of the cut into training and test parts, which never changes."""


def load_data() -> Arrays:
    """Digits in the form of Keras' data sets.

    The original values are 0 to 16; here they are 0 to 255 like everybody's (``round(v × 255 / 16)``). A fifth of each
    class is the test part, always the same.

    Returns:
        ``((train_images, train_labels), (test_images, test_labels))``, all ``uint8``: pictures (1438, 8, 8) and (359, 8, 8).

    Example:
        >>> (train_images, train_labels), (test_images, test_labels) = load_data()
        >>> train_images.shape, test_labels.shape
        ((1438, 8, 8), (359,))
    """
    data = load()
    assert data.test is not None
    train, test = ((part.images[..., 0], part.labels.astype(np.uint8)) for part in (data.train, data.test))
    return train, test


def load() -> DataSet:
    """Digits as a :class:`~foveal.data.dataset.DataSet`, pictures 8 × 8 × 1.

    Example:
        >>> load().shape
        (8, 8, 1)
    """
    from sklearn.datasets import load_digits

    values, labels = load_digits(return_X_y=True)
    images = np.rint(values.reshape(-1, 8, 8, 1) * (255.0 / 16.0)).astype(np.uint8)
    train, test = split_validation(Split(images, labels.astype(np.int64)), 0.2, seed=SEED)
    return DataSet("digits", CLASSES, train, test, "scikit-learn's load_digits")
