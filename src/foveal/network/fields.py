"""What may stand in a layer's argument, said once: each field of a layer names one of these checks.

A check takes what the user wrote and returns its normal form (``3`` becomes ``(3, 3)``), or raises
:class:`~foveal.errors.DescriptionError` with the argument's name and a repair.
"""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Sequence as Seq
from dataclasses import MISSING, field
from typing import TYPE_CHECKING, Any

from foveal.errors import DescriptionError
from foveal.spelling import nearest

LARGEST = 2**63 - 1
"""The largest whole number in a description, and the largest side of a shape: what every library counts with."""
ONE_OF_THESE = "one of these names"

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
    """Raised by a check: what was expected, and a repair. The layer adds its name and the argument's.

    Args:
        expected: in words.
        fix: repairs.
        example: whether the repairs are but examples, and the argument's default, if there is one, says more.
    """

    def __init__(self, expected: str, fix: str | Seq[str], example: bool = False) -> None:
        self.expected = expected
        self.fix = fix
        self.example = example
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
                f"{name} cannot be {shown(value)}",
                where=type(node).__name__ + (f" {shown(own)}" if isinstance(own, str) else ""),
                given=f"{name}={shown(value)}",
                expected=refusal.expected,
                fix=[text.replace("…=", f"{name}=") for text in _repairs(node, spec, value, refusal)],
            ) from None


def _repairs(node: Any, spec: Any, value: Any, refusal: Refused) -> Seq[str]:
    """The check's repairs, or those of an argument that was meant for another place, or that may simply be left out."""
    fields = node.__dataclass_fields__
    if (
        isinstance(value, str)
        and "activation" in fields
        and spec.name in ("strides", "dilation_rate", "padding", "use_bias")
    ):
        try:
            return [f"activation={fields['activation'].metadata['check'](value)!r}, by its name"]
        except Refused:
            pass
    keras = "padding" in fields and spec.name == "dilation_rate"  # whose fifth argument is data_format
    if keras and (value is None or value in ("channels_last", "channels_first")):
        return ["leave data_format out (channels are last), and name what follows: dilation_rate=1, say"]
    if spec.default is not MISSING and (value is None or refusal.example):
        return [f"leave {spec.name} out" if spec.default is None else f"…={spec.default!r}, the default"]
    return _several(refusal.fix)


def _several(texts: str | Seq[str]) -> Seq[str]:
    return (texts,) if isinstance(texts, str) else texts


_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxdict, _REPR.maxlist, _REPR.maxtuple, _REPR.maxset = 4, 6, 12, 12, 6
_REPR.maxstring, _REPR.maxlong, _REPR.maxother = 100, 60, 120


def shown(value: Any) -> str:
    """A value as it was written, for messages: whole where it is short, its ends where it is long.

    Example:
        >>> shown((28, 28, 1)), shown([7] * 1_000_000), len(shown("x" * 1_000_000)) <= 100
        ('(28, 28, 1)', '[7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, ...]', True)
    """
    if isinstance(value, int) and abs(value) > 10**60:  # Python refuses to print more than 4,300 digits
        return f"a number of more than {60 if abs(value) < 10**400 else 400} digits"
    return _REPR.repr(value)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def whole(value: Any, low: int) -> bool:
    """Whether this is a whole number, at least ``low`` and at most :data:`LARGEST`; a truth value is none."""
    return _is_int(value) and low <= value <= LARGEST


def positive(value: Any) -> int:
    """A whole number of at least 1."""
    if not whole(value, 1):
        raise Refused(_at_least(1, value), "…=32, say")
    return int(value)


def divisor(value: Any) -> int:
    """A whole number of at least 1 that has to divide another: 1 always does."""
    if not whole(value, 1):
        raise Refused(_at_least(1, value), "…=1")
    return int(value)


def _at_least(low: int, value: Any) -> str:
    above = _is_int(value) and value > LARGEST
    return f"a whole number of at least {low}" + (f" and at most {LARGEST:,}" if above else "")


def flag(value: Any) -> bool:
    """True or False, and nothing that merely looks like it."""
    if not isinstance(value, bool):
        raise Refused("True or False", ["…=True", "…=False"])
    return value


_LARGEST_FLOAT = sys.float_info.max


def number(low: float = -math.inf, high: float = math.inf, *, below: float = math.inf) -> Check:
    """A finite number with ``low`` ≤ value ≤ ``high``, and value < ``below``."""
    top = f"below {below:g}" if below < math.inf else f"at most {high:g}" if high < math.inf else ""
    bottom = f"at least {low:g}" if low > -math.inf else ""
    said = "a finite number" + ("" if not (top or bottom) else ", " + " and ".join(t for t in (bottom, top) if t))

    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= _LARGEST_FLOAT:
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
        if len(values) != count or not all(whole(n, low) for n in values):
            many = "1 whole number" if count == 1 else f"1 whole number or {count} of them (an axis each)"
            raise Refused(f"{many}, at least {low}", ["…=3", f"…=({example})"] if low == 1 else f"…={low}", True)
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
            if all(len(s) == 2 and all(whole(n, 0) for n in s) for s in sides):
                return sides
        raise Refused(expected, ['…="same"', f"…=({pairs})"])

    return check


def one_of(
    names: Iterable[str],
    *,
    none: str | None = None,
    what: str = "name",
    aliases: Mapping[str, str] | None = None,
    others: Collection[str] = (),
    repairs: Mapping[str, Seq[str]] | None = None,
) -> Check:
    """One of a closed set of names (any case); ``None`` stands for ``none`` where that is given.

    Args:
        names: the set.
        none: what None means.
        what: what is named, for messages.
        aliases: further names that mean exactly the same; the first set's name is held.
        others: names that mean something else, and are not misspellings.
        repairs: what to say to names of others, whose case, ``-`` and ``_`` do not count.
    """
    allowed = tuple(names)
    same = aliases or {}

    def check(value: Any) -> str:
        if value is None and none is not None:
            return none
        plain = value.lower() if isinstance(value, str) else ""
        plain = same.get(plain, plain)
        if plain in allowed:
            return plain
        said = (repairs or {}).get(plain.replace("_", "").replace("-", ""))
        near = dict.fromkeys(same.get(name, name) for name in nearest(value, (*allowed, *same), 3, others))
        raise Refused(f"one {what} of: {', '.join(allowed)}", said or [f'…="{name}"' for name in near] or ONE_OF_THESE)

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
