"""Values as a page shows them: the cells of tables, and settings as a flat list."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from foveal.page.portable import portable
from foveal.report.blocks import Cell, Rows

DASH = "–"


def number(value: object, digits: int = 4) -> str:
    """A value as a cell shows it: whole numbers with separators, others to ``digits`` significant digits.

    Example:
        >>> [number(each) for each in (93322, 0.90731, None, float("nan"), "relu", True)]
        ['93,322', '0.9073', '–', '–', 'relu', 'true']
    """
    plain = _plain(value)
    if isinstance(plain, Cell):
        return plain.text
    if plain is None:
        return DASH
    if isinstance(plain, bool):
        return str(plain).lower()
    if isinstance(plain, int):
        return f"{plain:,}"
    if isinstance(plain, float):
        return f"{plain:.{digits}g}" if math.isfinite(plain) else DASH if math.isnan(plain) else f"{plain:g}"
    return str(plain)


def exact(value: object) -> str | None:
    """What is copied for a cell; None where that is what it shows.

    Example:
        >>> exact(2 / 3), exact(Cell("66.7 %", 2 / 3)), exact(None), exact("relu")
        ('0.6666666666666666', '0.6666666666666666', '', None)
    """
    plain = _plain(value.value if isinstance(value, Cell) else value)
    return "" if plain is None else repr(plain) if type(plain) in (int, float) else None


def _plain(value: object) -> Any:
    """NumPy's numbers as Python's."""
    return value.item() if isinstance(value, np.generic) else value


def flush_left(table: Rows) -> tuple[int, ...]:
    """The columns that are set flush left: those named, else the first and those with longer texts."""
    if table.texts is not None:
        return tuple(table.texts)
    long = [
        any(isinstance(row[i], str) and len(str(row[i])) > 12 for row in table.rows) for i in range(len(table.columns))
    ]
    return (0, *(i for i, each in enumerate(long) if each and i))


def flat(values: Mapping[str, object], before: str = "") -> Iterable[tuple[str, str]]:
    """Names and values; nested mappings become ``outer.inner``."""
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat(value, f"{before}{key}.")
        elif isinstance(value, list | tuple):
            yield f"{before}{key}", ", ".join(portable(number(each, 6)) for each in value) or DASH
        else:
            plain = str(value) if type(value) is int else number(value, 6)  # a seed is not a quantity
            yield f"{before}{key}", portable(plain) or DASH
