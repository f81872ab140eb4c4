"""MNIST: 70,000 handwritten digits, 28 × 28, grey (LeCun, Bottou, Bengio, Haffner 1998).

The files are found or fetched as :mod:`foveal.data.published.obtain` says, and always compared with their sums.
"""

from __future__ import annotations

import os

from foveal.data.dataset import DataSet
from foveal.data.published.catalogue import Arrays, PublishedSet, files_of
from foveal.data.published.obtain import load_arrays, load_set, obtain

CLASSES = tuple(str(digit) for digit in range(10))

MNIST = PublishedSet(
    name="mnist",
    title="MNIST",
    classes=CLASSES,
    files=files_of(
        {
            "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        },
        {
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    addresses=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ),
    citation="LeCun, Bottou, Bengio, Haffner 1998, Gradient-Based Learning Applied to Document Recognition",
)


def load_data(folder: str | os.PathLike[str] | None = None) -> Arrays:
    """MNIST as Keras returns it.

    Args:
        folder: where to look first for the four files (``.gz`` or not). Then follow ``FOVEAL_DATA``, the user's cache
            and the official addresses.

    Returns:
        ``((train_images, train_labels), (test_images, test_labels))``, all ``uint8``: pictures (60000, 28, 28) and
        (10000, 28, 28), 0 black to 255 white; labels 0 to 9.

    Raises:
        SourceError: nowhere found, and it could not be fetched; the message says what to do.

    Example:
        >>> (train_images, train_labels), (test_images, test_labels) = load_data("folder")  # doctest: +SKIP
    """
    return load_arrays(obtain(MNIST, folder), MNIST)


def load(folder: str | os.PathLike[str] | None = None) -> DataSet:
    """MNIST as a :class:`~foveal.data.dataset.DataSet`, pictures 28 × 28 × 1."""
    return load_set(MNIST, folder)
