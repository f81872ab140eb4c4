"""Fashion-MNIST: 70,000 pictures of clothes, 28 × 28, grey, ten classes (Xiao, Rasul, Vollgraf 2017).

The files are found or fetched as :mod:`foveal.data.published.obtain` says, and always compared with the published sums.
"""

from __future__ import annotations

import os

from foveal.data.dataset import DataSet
from foveal.data.published.catalogue import Arrays, PublishedSet, files_of
from foveal.data.published.obtain import load_arrays, load_set, obtain

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

FASHION_MNIST = PublishedSet(
    name="fashion-mnist",
    title="Fashion-MNIST",
    classes=CLASSES,
    files=files_of(
        {
            "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        },
        {
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
    addresses=(
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://github.com/zalandoresearch/fashion-mnist/raw/master/data/fashion/",
    ),
    folders=("/usr/share/datasets/fashion-mnist",),
    package="dataset-fashion-mnist",
    citation="Xiao, Rasul, Vollgraf 2017, Fashion-MNIST: a Novel Image Dataset for Benchmarking Machine Learning Algorithms",
)


def load_data(folder: str | os.PathLike[str] | None = None) -> Arrays:
    """Fashion-MNIST as Keras returns it.

    Args:
        folder: where to look first for the four files (``.gz`` or not). Then follow ``FOVEAL_DATA``, the user's cache,
            ``/usr/share/datasets/fashion-mnist``, the official addresses and Debian's package.

    Returns:
        ``((train_images, train_labels), (test_images, test_labels))``, all ``uint8``: pictures (60000, 28, 28) and
        (10000, 28, 28), 0 black to 255 white; labels 0 to 9, whose names are ``CLASSES``.

    Raises:
        SourceError: nowhere found, and it could not be fetched; the message says what to do.

    Example:
        >>> (train_images, train_labels), (test_images, test_labels) = load_data()  # doctest: +SKIP
    """
    return load_arrays(obtain(FASHION_MNIST, folder), FASHION_MNIST)


def load(folder: str | os.PathLike[str] | None = None) -> DataSet:
    """Fashion-MNIST as a :class:`~foveal.data.dataset.DataSet`, pictures 28 × 28 × 1."""
    return load_set(FASHION_MNIST, folder)
