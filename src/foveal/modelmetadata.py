"""What may stand in a model file's metadata: one table, and one check for whoever writes and whoever reads.

A model file may come from anywhere. Its metadata are plain data, and no value in them is a reason to open a path, to take much
memory, or to fail somewhere deep in a calculation: each key that is read anywhere has its kind and range here, whole numbers fit
into 64 bits, and keys that nobody knows may hold any plain data.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from foveal.errors import ModelFileError

MOST_NAMES = 2_000_000  # of a vocabulary
MOST_CLASSES = 100_000
LONGEST = 10_000  # characters of a name
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")

Check = Callable[[Any], bool]


def check(metadata: Mapping[str, Any], where: str) -> None:
    """Refuse metadata in which a known key is not of its kind, or a whole number is beyond 64 bits.

    Raises:
        ModelFileError: the first such key, with what it holds and what it should.

    Example:
        >>> check({"classes": ["cat", "dog"], "mine": {"anything": [1, 2.5]}}, "pets.safetensors")
        >>> check({"preprocessing": {"border_level": 1e9}}, "pets.safetensors")
        Traceback (most recent call last):
            ...
        foveal.errors.ModelFileError: pets.safetensors: the metadata's preprocessing.border_level is not what it must be
          given     1000000000.0
          expected  a number from 0 to 255, or null
          to fix    fetch or write the file again
    """
    for path, (right, expected) in _KEYS.items():
        holder: Any = metadata
        *above, last = path.split(".")
        for part in above:
            holder = holder.get(part) if isinstance(holder, Mapping) else None
        if isinstance(holder, Mapping) and last in holder and not right(holder[last]):
            if path in _PROBLEMS:
                raise _wrong(_PROBLEMS[path], holder[last], expected, where)
            raise _wrong(f"the metadata's {path} is not what it must be", holder[last], expected, where)
    _check_numbers(metadata, where)


def _check_numbers(metadata: Mapping[str, Any], where: str) -> None:
    level: list[Any] = [metadata]
    while level:
        inner: list[Any] = []
        for each in level:
            for value in each.values() if isinstance(each, Mapping) else each:
                if isinstance(value, Mapping | list | tuple):
                    inner.append(value)
                elif type(value) is int and not -(2**63) <= value < 2**63:
                    raise _wrong("a whole number in the metadata is too large", value, "at most 2⁶³ − 1", where)
        level = inner


def _wrong(problem: str, value: Any, expected: str, where: str) -> ModelFileError:
    given = (
        f"a whole number of {value.bit_length()} bits" if type(value) is int and value >= 2**64 else repr(value)[:80]
    )
    return ModelFileError(problem, where=where, given=given, expected=expected, fix="fetch or write the file again")


def _text(most: int = LONGEST) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= most


def _texts(most: int) -> Check:
    return lambda value: (
        isinstance(value, list | tuple)
        and len(value) <= most
        and all(isinstance(each, str) and len(each) <= LONGEST for each in value)
    )


def _number(least: float, most: float) -> Check:
    return lambda value: isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _or_null(right: Check) -> Check:
    return lambda value: value is None or right(value)


def _mapping(value: Any) -> bool:
    return isinstance(value, Mapping)


def _truth(value: Any) -> bool:
    return isinstance(value, bool)


def _settings(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(each, bool | int | float) or _text()(each) for each in value.values()
    )


_PROBLEMS = {
    "classes": "the class names are not list of texts",
    "training": "the facts of the training are not mapping",
}
_KEYS: dict[str, tuple[Check, str]] = {
    "classes": (_texts(MOST_CLASSES), f"at most {MOST_CLASSES:,} names"),
    "vocabulary": (_texts(MOST_NAMES), f"a list of at most {MOST_NAMES:,} texts"),
    "characters": (_texts(MOST_NAMES), "a list of texts"),
    "system": (lambda value: isinstance(value, str) and bool(_NAME.fullmatch(value)), "the name of a system"),
    "settings": (_settings, "a mapping of names to numbers, texts, true and false"),
    "data": (_or_null(_text()), "the name of the data, or null"),
    "threshold": (_number(0, 1e30), "a number, 0 or more"),
    "mirror": (_truth, "true or false"),
    "preprocessing": (_mapping, "a mapping"),
    "preprocessing.border_level": (_or_null(_number(0, 255)), "a number from 0 to 255, or null"),
    "training": (_mapping, "a mapping"),
    "training.data": (_or_null(_text()), "the name of the data, or null"),
    "training.config": (_mapping, "a mapping"),
    "training.config.from_logits": (_truth, "true or false"),
    "training.config.mirror": (_truth, "true or false"),
    "training.config.loss": (_text(), "the name of a loss"),
}
