"""Data: found, fetched, read, checked, split, augmented and served in batches.

Batches and augmentation need torch and are imported by their own names; everything else here needs NumPy alone,
and Pillow or scikit-learn only when pictures or their bundled sets are asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from foveal.data.audit import Audit, audit
from foveal.data.dataset import DataSet, Split
from foveal.data.loading import NAMED, load
from foveal.data.published import digits, fashion_mnist, iris, mnist
from foveal.data.published.catalogue import DataWarning
from foveal.data.sources import images
from foveal.data.sources.arrays import from_arrays
from foveal.data.sources.csvfile import read_csv
from foveal.data.sources.folder import read_folder
from foveal.data.sources.idx import read_idx, write_idx
from foveal.data.sources.npz import read_npz
from foveal.data.splitting import split_validation

if TYPE_CHECKING:
    from foveal.data.generated import dates, digit_lines, logic, scenes, stdlib_text, stdlib_topics, waves

_GENERATED = ("dates", "digit_lines", "logic", "scenes", "stdlib_text", "stdlib_topics", "waves")

__all__ = [
    "NAMED",
    "Audit",
    "DataSet",
    "DataWarning",
    "Split",
    "audit",
    "dates",
    "digit_lines",
    "digits",
    "fashion_mnist",
    "from_arrays",
    "images",
    "iris",
    "load",
    "logic",
    "mnist",
    "read_csv",
    "read_folder",
    "read_idx",
    "read_npz",
    "scenes",
    "split_validation",
    "stdlib_text",
    "stdlib_topics",
    "waves",
    "write_idx",
]


def __getattr__(name: str) -> Any:
    """The sets that are made here are read when they are asked for."""
    if name in _GENERATED:
        return importlib.import_module(f"foveal.data.generated.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
