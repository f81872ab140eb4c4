"""Which pictures a trained network is measured on, and whether their classes are the network's."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from foveal import files
from foveal.errors import DataError
from foveal.evaluation.results import Evaluation
from foveal.printable import json_text
from foveal.training.checkpoints.run_folder import rows_of

RECORD = "evaluations.jsonl"


def matched(labels: NDArray[np.int64], theirs: Sequence[str], ours: Sequence[str], where: str) -> NDArray[np.int64]:
    """Labels that count the data's classes, as labels that count the network's.

    Names decide where the data have names; data with mere numbers are taken in their order.

    Args:
        labels: (N,), indices of ``theirs``.
        theirs: the data's classes.
        ours: the network's classes.
        where: the data's name, for the message.

    Raises:
        DataError: a class that the network does not know.

    Example:
        >>> matched(np.array([0, 1, 1]), ["dog", "cat"], ["cat", "dog", "owl"], "pets").tolist()
        [1, 0, 0]
    """
    numbers = [str(i) for i in range(len(theirs))]
    if list(theirs) == numbers and len(theirs) <= len(ours):
        return labels
    places = {name: i for i, name in enumerate(ours)}
    unknown = [name for i, name in enumerate(theirs) if name not in places and (labels == i).any()]
    if unknown:
        raise DataError(
            "the network does not know a class of these data",
            where=where,
            given=f"{', '.join(unknown[:5])}{', …' * (len(unknown) > 5)}",
            expected=f"classes of the network: {', '.join(list(ours)[:12])}{', …' * (len(ours) > 12)}",
            fix=["evaluate on data of the same classes", "rename the folders of the pictures"],
        )
    return np.array([places.get(name, -1) for name in theirs], dtype=np.int64)[labels]


def record(folder: Path, data: str, split: str, found: Evaluation) -> int:
    """Notes in the run's folder that ``split`` of ``data`` was used again, and tells how often it was, training included.

    A test set that is looked at often is no longer one: whoever chooses by it learns it by heart.

    Raises:
        FileError: the folder may only be read, the disk is full.
    """
    path = folder / RECORD
    row = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "data": data,
        "split": split,
        "count": found.count,
        "accuracy": found.accuracy,
    }
    text = json_text(row, ascii=False).encode("utf-8") + b"\n"
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NONBLOCK", 0), 0o666)
        with os.fdopen(descriptor, "r+b") as file:
            if file.seek(0, os.SEEK_END):
                file.seek(-1, os.SEEK_END)
                if file.read(1) != b"\n":  # a line that a full disk has torn: it must not tear this one too
                    text = b"\n" + text
            file.write(text)
    except OSError as error:
        raise files.explained(error, path) from error
    used = 1  # at the end of training
    for old in rows_of(path):
        used += old.get("data") == data and old.get("split") == split
    return used
