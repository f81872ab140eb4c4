"""A method's own numbers and choices: with their bounds, chosen by name, shown as a table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from foveal.drawing.terminal import columns
from foveal.errors import ConfigurationError, UnknownName
from foveal.spelling import nearest

Value = int | float | str | bool
HEADER = ("--set", "default", "values", "what it is")


@dataclass(frozen=True)
class Setting:
    """A number or choice of a method's own, ``--set NAME=VALUE``.

    Attributes:
        name: as it is written on the command line.
        default: its kind (bool, int, float, str) is the setting's.
        help: one sentence.
        at_least, at_most: bounds of a number, which belong to it.
        above: a bound that the number stays above.
        choices: the only texts.
        text: what a free text has to be.
        zero: what 0 says, where it is allowed below ``at_least``.

    Raises:
        AssertionError: nothing says which values can be.

    Example:
        >>> Setting("hidden", 256, "hidden units", at_least=1).read("12", "rbm")
        12
        >>> Setting("limit", 0, "examples of each part", at_least=20, zero="all").bounds
        '0 for all, or 20 or more'
    """

    name: str
    default: Value
    help: str
    at_least: float | None = None
    at_most: float | None = None
    above: float | None = None
    choices: tuple[str, ...] = ()
    text: str = ""
    zero: str = ""

    def __post_init__(self) -> None:
        assert self.help, f"{self.name} has no help"
        if isinstance(self.default, str):
            assert bool(self.choices) != bool(self.text), f"{self.name}: choices, or what the text has to be"
        elif not isinstance(self.default, bool):
            assert self.at_least is not None or self.above is not None, f"{self.name} has no bound"

    @property
    def kind(self) -> str:
        """What a value has to be, in words."""
        if isinstance(self.default, bool):
            return "true or false"
        return {int: "a whole number", float: "a number", str: "a text"}[type(self.default)]

    @property
    def bounds(self) -> str:
        """Which values can be, in words."""
        if isinstance(self.default, bool):
            return self.kind
        if isinstance(self.default, str):
            return self.text or "one of " + ", ".join(self.choices)
        low = f"above {self.above:g}" if self.above is not None else f"{self.at_least:g}"
        if self.at_most is not None:
            told = f"{low}{',' if self.above is not None else ''} to {self.at_most:g}"
        else:
            told = low if self.above is not None else f"{low} or more"
        return f"0 for {self.zero}, or {told}" if self.zero else told

    @property
    def shown(self) -> str:
        """The default as the command line takes it."""
        return str(self.default).lower() if isinstance(self.default, bool) else str(self.default)

    def read(self, value: object, system: str) -> Value:
        """A value, or a text that stands for one, as this setting's kind and within its bounds.

        Raises:
            UnknownName: not one of the choices.
            ConfigurationError: another kind, or out of bounds; with a repair.
        """
        read = self._of_kind(value)
        if isinstance(read, str):
            if self.choices and read not in self.choices:
                raise UnknownName(
                    f"there is no such {self.name}",
                    where="--set",
                    given=f"{self.name}={read}",
                    expected=self.bounds,
                    fix=[f"--set {self.name}={each}" for each in nearest(read, self.choices) or self.choices[:2]],
                )
            return read
        if isinstance(read, bool) or (self.zero and read == 0):
            return read
        if (self.at_least is not None and read < self.at_least) or (self.above is not None and read <= self.above):
            least = self.default if self.at_least is None else f"{self.at_least:g}"
            raise self._refused(f"{self.name} is too small for {system}", read, least)
        if self.at_most is not None and read > self.at_most:
            raise self._refused(f"{self.name} is too large for {system}", read, f"{self.at_most:g}")
        return read

    def _of_kind(self, value: object) -> Value:
        if isinstance(self.default, bool):
            words = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
            if str(value).lower() in words:
                return words[str(value).lower()]
        elif isinstance(self.default, str):
            return str(value)
        else:
            try:
                number = float(value)  # type: ignore[arg-type]  # what is not a number raises
                if isinstance(self.default, float) and math.isfinite(number):
                    return number
                if number == int(number):
                    return int(number)
            except (TypeError, ValueError, OverflowError):
                pass
        raise self._refused(f"{self.name} cannot be {value!r}", value, self.shown, self.kind)

    def _refused(self, problem: str, given: object, fix: object, expected: str = "") -> ConfigurationError:
        return ConfigurationError(
            problem,
            where="--set",
            given=f"{self.name}={given}",
            expected=expected or self.bounds,
            fix=f"--set {self.name}={fix}",
        )


LIMIT = Setting("limit", 0, "use only so many examples of each part", at_least=20, zero="all")
"""Of every method that opens a data set; fewer leave nothing to validate or to compare."""


def chosen(system: str, settings: Sequence[Setting], given: Mapping[str, Any]) -> dict[str, Value]:
    """All settings of a system, those that are given read as what they replace.

    Args:
        system: its name, for messages.
        settings: those that it has.
        given: values, or texts that stand for them, by name.

    Raises:
        UnknownName: it has no such setting.
        ConfigurationError: a value of another kind, or out of bounds.

    Example:
        >>> chosen("rbm", [Setting("hidden", 256, "hidden units", at_least=1)], {"hidden": "0"})
        Traceback (most recent call last):
        ...
        foveal.errors.ConfigurationError: --set: hidden is too small for rbm
          given     hidden=0
          expected  1 or more
          to fix    --set hidden=1
    """
    known = {setting.name: setting for setting in settings}
    for name in given:
        if name not in known:
            raise UnknownName(
                f"{system} has no such setting",
                where="--set",
                given=str(name),
                expected=", ".join(f"{key}={each.default}" for key, each in known.items()) or "no settings at all",
                fix=[f"--set {near}={known[near].default}" for near in nearest(name, known, 2)] or None,
            )
    defaults: dict[str, Value] = {name: each.default for name, each in known.items()}
    return defaults | {name: known[name].read(value, system) for name, value in given.items()}


def rows(settings: Sequence[Setting]) -> list[tuple[str, str, str, str]]:
    """One row a setting, under ``HEADER``: name, default, the values that it can have, what it is."""
    return [(each.name, each.shown, each.bounds, each.help) for each in settings]


def table(settings: Sequence[Setting]) -> str:
    """The rows in columns, for a terminal.

    Example:
        >>> print(table([Setting("hidden", 256, "hidden units", at_least=1)]))
        --set   default  values     what it is
        hidden  256      1 or more  hidden units
    """
    return "\n".join(columns([HEADER, *rows(settings)]))


def markdown(settings: Sequence[Setting]) -> str:
    """The rows as a table of the documentation."""
    lines = [f"| {' | '.join(HEADER)} |".replace("--set", "`--set`"), "|---|---|---|---|"]
    for name, default, values, told in rows(settings):
        shown = f"`{default}`" if default.strip() else ""
        lines.append(f"| `{name}` | {shown} | {values} | {told} |")
    return "\n".join(lines)


def to_json(settings: Sequence[Setting]) -> list[dict[str, Any]]:
    """The settings as programs want them."""
    return [
        {
            "name": each.name,
            "default": each.default,
            "kind": each.kind,
            "at_least": each.at_least,
            "above": each.above,
            "at_most": each.at_most,
            "choices": list(each.choices),
            "values": each.bounds,
            "help": each.help,
        }
        for each in settings
    ]
