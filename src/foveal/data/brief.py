"""Short texts for objects that hold much: what a notebook shows of them fits a few lines, whatever their size."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

MOST = 6
"""Members of a tuple or mapping that are shown."""
_LONGEST = 60


_Kind = TypeVar("_Kind", bound=type)


def shown_briefly(kind: _Kind) -> _Kind:
    """A dataclass whose ``repr`` tells arrays by type and shape, long texts and tuples by beginning and count.

    Example:
        >>> import numpy as np
        >>> @shown_briefly
        ... @dataclasses.dataclass(frozen=True)
        ... class Pair:
        ...     pictures: object
        ...     names: tuple[str, ...]
        >>> Pair(np.zeros((2, 28, 28)), tuple("abcdefghij"))
        Pair(pictures=float64 2 × 28 × 28, names=('a', 'b', 'c', 'd', 'e', 'f', … 10 in all))
    """
    kind.__repr__ = _repr  # type: ignore[method-assign, assignment]
    return kind


def _repr(self: Any) -> str:
    shown = (f"{each.name}={brief(getattr(self, each.name))}" for each in dataclasses.fields(self) if each.repr)
    return f"{type(self).__name__}({', '.join(shown)})"


def brief(value: Any, depth: int = 0) -> str:
    """At most about a line for any value."""
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        kind = str(value.dtype).removeprefix("torch.")
        return f"{kind} {' × '.join(f'{n:,}' for n in value.shape) or 'number'}"
    if isinstance(value, bytes | bytearray) and len(value) > _LONGEST:
        return f"{len(value):,} bytes"
    if isinstance(value, tuple | list) and type(value) in (tuple, list):
        if depth > 1:
            return f"{len(value):,} of them"
        inside = [brief(each, depth + 1) for each in value[:MOST]]
        inside += [f"… {len(value):,} in all"] if len(value) > MOST else []
        if isinstance(value, list):
            return f"[{', '.join(inside)}]"
        return f"({', '.join(inside)}{',' if len(value) == 1 else ''})"
    if type(value) is dict:
        if depth > 1:
            return f"{len(value):,} of them"
        pairs = [f"{brief(k, depth + 1)}: {brief(v, depth + 1)}" for k, v in list(value.items())[:MOST]]
        pairs += [f"… {len(value):,} in all"] if len(value) > MOST else []
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, str):
        return repr(value) if len(value) <= _LONGEST else f"{value[:_LONGEST]!r} … {len(value):,} characters"
    text = repr(value)
    longest = 2 * _LONGEST if depth else 10 * _LONGEST
    return text if len(text) <= longest else f"{text[:longest]} …"
