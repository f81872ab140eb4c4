"""JSON as it was meant: one value a key, finite numbers, a bounded depth. Every reader of JSON here goes through this.

Python's own reader takes the last of two equal keys, NaN and Infinity, ``1e999`` as infinity, and raises three kinds of error
for what it cannot read. A file from elsewhere may hold any of these.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from foveal.errors import FormatError, FovealError

DEEPEST = 256  # levels of lists and mappings; readers that walk the value by recursion stay far from Python's limit
MOST_DIGITS = 400  # of a whole number; the largest float has 309
NOT_JSON = "this is not JSON"
"""The problem of a text that breaks the grammar; a reader of YAML may still make something of it."""

_SHOWN = 80  # characters of the text in a message


def loads(
    text: str | bytes,
    where: str,
    *,
    error: type[FovealError] = FormatError,
    fix: str | None = None,
    deepest: int = DEEPEST,
    finite: bool = True,
) -> Any:
    """The value of a JSON text.

    Args:
        text: the whole text; bytes are UTF-8.
        where: its file, for messages.
        error: the kind of error to raise.
        fix: how to fix a file that is refused, where the caller knows; the place is named otherwise.
        deepest: levels of lists and mappings that are accepted.
        finite: whether NaN and Infinity are refused; a run's own state may hold them ("the best loss so far").

    Raises:
        FovealError: of the kind ``error``: no JSON, a key twice, a number that is not finite or of more than 400 digits, too
            deep, no Unicode.

    Example:
        >>> loads('{"epochs": 5, "rates": [0.1, 1e-3]}', "config.json")
        {'epochs': 5, 'rates': [0.1, 0.001]}
        >>> loads('{"epochs": 5, "epochs": 6}', "config.json")
        Traceback (most recent call last):
            ...
        foveal.errors.FormatError: config.json: the key 'epochs' occurs twice
          given     'epochs', twice in one mapping
          expected  each key once
          to fix    take one out
    """

    def refused(problem: str, given: str, expected: str, repair: str, at: str = "") -> FovealError:
        return error(problem, where=where + at, given=given, expected=expected, fix=fix or repair)

    def pairs_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            seen: set[str] = set()
            twin = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            shown = repr(twin[:_SHOWN])
            raise refused(
                f"the key {shown} occurs twice", f"{shown}, twice in one mapping", "each key once", "take one out"
            )
        return found

    def constant(name: str) -> Any:
        if not finite:
            return float(name)
        raise refused("this is not a number", name, "a finite number", "0.0")

    def decimal(digits: str) -> float:
        value = float(digits)
        if not math.isfinite(value):
            raise refused("this number is too large", digits[:_SHOWN], "at most 1.7e308", "a smaller number")
        return value

    def whole(digits: str) -> int:
        if len(digits) > MOST_DIGITS:
            raise refused(
                "this number is too long",
                f"{digits[:20]}…, {len(digits):,} digits",
                f"at most {MOST_DIGITS} digits",
                "a smaller number",
            )
        return int(digits)

    too_deep: Callable[[], FovealError] = lambda: refused(  # noqa: E731 (raised in two places)
        "this is nested too deeply", "lists in lists, or mappings", f"at most {deepest} levels", "flatten it"
    )
    try:
        decoded = text.decode("utf-8") if isinstance(text, bytes) else text
        found = json.loads(
            decoded, object_pairs_hook=pairs_once, parse_constant=constant, parse_float=decimal, parse_int=whole
        )
    except UnicodeDecodeError as problem:
        raise refused(
            "this is not UTF-8", f"byte {problem.start:,}: {problem.reason}", "JSON in UTF-8", "save it as UTF-8"
        ) from None
    except json.JSONDecodeError as problem:
        raise refused(
            NOT_JSON,
            problem.msg if decoded.strip() else "nothing",
            "JSON",
            "a comma or a bracket near there",
            f", line {problem.lineno}, column {problem.colno}",
        ) from None
    except RecursionError:
        raise too_deep() from None
    _bounded(found, deepest, too_deep)
    return found


def _bounded(value: Any, deepest: int, too_deep: Callable[[], FovealError]) -> None:
    """Go down level by level, without recursion, and refuse what goes on below the deepest."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(deepest):
        if not level:
            return
        level = [
            inner
            for each in level
            for inner in (each.values() if isinstance(each, dict) else each)
            if isinstance(inner, dict | list)
        ]
    if level:
        raise too_deep()
