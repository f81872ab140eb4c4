"""Data: found, fetched, read, checked, split, augmented and served in batches.

``augment`` and ``resident`` need torch and are imported by their own names; everything else here needs NumPy alone,
and Pillow or scikit-learn only when pictures or their bundled sets are asked for.
"""

from __future__ import annotations

from foveal.data import digits, fashion_mnist, images, iris, mnist
from foveal.data.arrays import from_arrays
from foveal.data.audit import Audit, audit
from foveal.data.csvfile import read_csv
from foveal.data.dataset import DataSet, Split
from foveal.data.folder import read_folder
from foveal.data.idx import read_idx, write_idx
from foveal.data.loading import NAMED, load
from foveal.data.npz import read_npz
from foveal.data.published import DataWarning
from foveal.data.splitting import split_validation

__all__ = [
    "NAMED",
    "Audit",
    "DataSet",
    "DataWarning",
    "Split",
    "audit",
    "digits",
    "fashion_mnist",
    "from_arrays",
    "images",
    "iris",
    "load",
    "mnist",
    "read_csv",
    "read_folder",
    "read_idx",
    "read_npz",
    "split_validation",
    "write_idx",
]
