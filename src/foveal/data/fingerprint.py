"""Whether data are those that a network was trained on: SHA-256 sums over what was read, not over where it lay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from foveal.data.dataset import DataSet, Split


def fingerprint(data: DataSet) -> dict[str, str]:
    """The sum of each part, ``training`` and ``test``: pictures and labels, in their order.

    Example:
        >>> from foveal.data import from_arrays
        >>> first, second = (from_arrays(np.zeros((2, 4, 4)), labels) for labels in ([0, 1], [1, 0]))
        >>> fingerprint(first)["training"][:8], fingerprint(first) == fingerprint(second)
        ('47ebc1df', False)
    """
    return {title: part_sum(split) for title, split in data.parts()}


def part_sum(split: Split) -> str:
    """SHA-256 over the pictures and labels of one part."""
    found = hashlib.sha256(np.ascontiguousarray(split.images).data)
    found.update(np.ascontiguousarray(split.labels).data)
    return found.hexdigest()


def differences(data: DataSet, then: Mapping[str, Any]) -> dict[str, str]:
    """What is no longer as it was in training, one sentence a part; ``then`` is the fingerprint of that time.

    Nothing is said of parts that ``then`` does not tell of, as in runs of version 0.1.
    """
    now = fingerprint(data)
    told = {}
    for part in ("training", "test"):
        if then.get(part) is None or then.get(part) == now.get(part):
            continue
        told[part] = (
            f"the {part} part is not the one of the training any more"
            if part in now
            else (f"there was a {part} part in training, and there is none now")
        )
    return told
