"""What may stand in a layer's argument, said once: each field of a layer names one of these checks.

A check takes what the user wrote and returns its normal form (``3`` becomes ``(3, 3)``), or raises
:class:`~foveal.errors.DescriptionError` with the argument's name and a repair.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable
from collections.abc import Sequence as Seq
from dataclasses import MISSING, field
from typing import TYPE_CHECKING, Any

from foveal.errors import DescriptionError

Check = Callable[[Any], Any]
Pads = tuple[tuple[int, int], ...]

if TYPE_CHECKING:

    class Axes:
        """For type checkers: an int or a sequence is accepted, a tuple with one entry an axis is held."""

        def __get__(self, owner: object, kind: type) -> tuple[int, ...]: ...
        def __set__(self, owner: object, value: int | Seq[int] | None) -> None: ...

    class Padding:
        """For type checkers: "valid", "same", or numbers; held as a string or as (before, after) an axis."""

        def __get__(self, owner: object, kind: type) -> str | Pads: ...
        def __set__(self, owner: object, value: str | int | Seq[int] | Seq[Seq[int]]) -> None: ...

    class Named:
        """For type checkers: a name or None is accepted, a name is held."""

        def __get__(self, owner: object, kind: type) -> str: ...
        def __set__(self, owner: object, value: str | None) -> None: ...
else:
    Axes = tuple
    Padding = object
    Named = str


class Refused(Exception):
    """Raised by a check: what was expected, and a repair. The layer adds its name and the argument's."""

    def __init__(self, expected: str, mend: str | Seq[str]) -> None:
        self.expected = expected
        self.mend = mend
        super().__init__(expected)


def checked(check: Check, default: Any = MISSING) -> Any:
    """A dataclass field whose value goes through ``check``."""
    if default is MISSING:
        return field(metadata={"check": check})
    return field(default=default, metadata={"check": check})


def apply(node: Any) -> None:
    """Run every field's check on ``node`` (a frozen dataclass), and put the normal forms in place."""
    for name, spec in node.__dataclass_fields__.items():
        check = spec.metadata.get("check")
        if check is None:
            continue
        value = getattr(node, name)
        try:
            object.__setattr__(node, name, check(value))
        except Refused as refusal:
            own = getattr(node, "name", None)
            raise DescriptionError(
                f"{name} cannot be {value!r}",
                where=type(node).__name__ + (f" {own!r}" if isinstance(own, str) else ""),
                given=f"{name}={value!r}",
                expected=refusal.expected,
                mend=[text.replace("…=", f"{name}=") for text in _several(refusal.mend)],
            ) from None


def _several(texts: str | Seq[str]) -> Seq[str]:
    return (texts,) if isinstance(texts, str) else texts


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def positive(value: Any) -> int:
    """A whole number of at least 1."""
    if not _is_int(value) or value < 1:
        raise Refused("a whole number of at least 1", "…=32, say")
    return int(value)


def divisor(value: Any) -> int:
    """A whole number of at least 1 that has to divide another: 1 always does."""
    if not _is_int(value) or value < 1:
        raise Refused("a whole number of at least 1", "…=1")
    return int(value)


def flag(value: Any) -> bool:
    """True or False, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise Refused("True or False", ["…=True", "…=False"])
    return value


def number(low: float = -math.inf, high: float = math.inf, *, below: float = math.inf) -> Check:
    """A finite number with ``low`` ≤ value ≤ ``high``, and value < ``below``."""
    top = f"below {below:g}" if below < math.inf else f"at most {high:g}" if high < math.inf else ""
    bottom = f"at least {low:g}" if low > -math.inf else ""
    said = "a finite number" + ("" if not (top or bottom) else ", " + " and ".join(t for t in (bottom, top) if t))

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise Refused(said, "give a number")
        if not low <= value <= high or value >= below:
            raise Refused(
                said,
                f"…={max(low, 0.0) if low > -math.inf else 0.0:g} is the nearest end of the range"
                if value < low
                else f"…={min(high, below) / 2:g}, say",
            )
        return float(value)

    return check


def axes(count: int, *, low: int = 1, optional: bool = False) -> Check:
    """One whole number, or one for each of ``count`` axes; the normal form is a tuple of ``count``."""
    example = ", ".join(["3"] * count) + ("," if count == 1 else "")

    def check(value: Any) -> tuple[int, ...] | None:
        if value is None and optional:
            return None
        values = (value,) * count if _is_int(value) else tuple(value) if isinstance(value, list | tuple) else ()
        if len(values) != count or not all(_is_int(n) and n >= low for n in values):
            many = "1 whole number" if count == 1 else f"1 whole number or {count} of them (an axis each)"
            raise Refused(f"{many}, at least {low}", ["…=3", f"…=({example})"] if low == 1 else f"…={low}")
        return values

    return check


def padding(count: int) -> Check:
    """ "valid", "same", a number for all sides, one an axis, or (before, after) an axis."""
    pairs = ", ".join(["(1, 1)"] * count) + ("," if count == 1 else "")
    expected = f'"valid", "same", a number, {count} numbers (an axis each), or (before, after) for each axis'

    def check(value: Any) -> str | Pads:
        if isinstance(value, str):
            if value.lower() in ("valid", "same"):
                return value.lower()
            raise Refused(expected, ['…="same" keeps the size at stride 1', '…="valid" adds no zeros'])
        if _is_int(value):
            value = ((value, value),) * count
        if isinstance(value, list | tuple) and len(value) == count:
            sides = tuple((n, n) if _is_int(n) else tuple(n) if isinstance(n, list | tuple) else () for n in value)
            if all(len(s) == 2 and all(_is_int(n) and n >= 0 for n in s) for s in sides):
                return sides
        raise Refused(expected, ['…="same"', f"…=({pairs})"])

    return check


def one_of(names: Iterable[str], *, none: str | None = None, what: str = "name") -> Check:
    """One of a closed set of names (any case); ``None`` stands for ``none`` where that is given."""
    allowed = tuple(names)

    def check(value: Any) -> str:
        if value is None and none is not None:
            return none
        if isinstance(value, str) and value.lower() in allowed:
            return value.lower()
        near = difflib.get_close_matches(str(value).lower(), allowed, 2, 0.5)
        raise Refused(f"one {what} of: {', '.join(allowed)}", [f'…="{name}"' for name in near] or f'…="{allowed[0]}"')

    return check


def tuple_of(check: Check) -> Check:
    """A list or tuple whose every entry passes ``check``; held as a tuple."""

    def check_all(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list | tuple):
            raise Refused("a list", "…=[…]")
        return tuple(check(entry) for entry in value)

    return check_all


def optional(check: Check) -> Check:
    """``None``, or what ``check`` accepts."""
    return lambda value: None if value is None else check(value)
