"""YAML 1.2 as plain data, by the rules of its core schema (YAML 1.2.2, section 10.3.2).

YAML 1.1 surprises: ``1e-3`` is a text, ``1:30`` is 90, ``010`` is 8, ``no`` is false. Version 1.2 reads numbers as JSON does, so
that a JSON file is a YAML file and says the same. The grammar comes from libyaml through PyYAML; what a scalar means is
said here. What data do not need is refused: anchors and aliases (a short text could become a huge network), tags, merge keys,
several documents, keys that are not text or occur twice.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from foveal.errors import FormatError
from foveal.strictjson import DEEPEST, MOST_DIGITS

if TYPE_CHECKING:
    import yaml

MOST_VALUES = 200_000
"""Texts, numbers, lists and mappings in one file: several times what the largest description has."""

_NULL = re.compile(r"null|Null|NULL|~|")
_BOOL = re.compile(r"(true|True|TRUE)|false|False|FALSE")
_WHOLE = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEXADECIMAL = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def scalar(text: str) -> Any:
    """What a plain scalar means: null, a truth value, a number, or the text itself.

    Raises:
        OverflowError: a float beyond 1.7e308, or a whole number of more than 400 digits.

    Example:
        >>> [scalar(text) for text in ("1e-3", "010", "0o10", "0x1F", "1:30", "no", "~", "1_000", "2024-01-01", ".5")]
        [0.001, 10, 8, 31, '1:30', 'no', None, '1_000', '2024-01-01', 0.5]
    """
    first = text[:1]
    if not text or first not in "+-.0123456789":  # most are names
        if _NULL.fullmatch(text):
            return None
        truth = _BOOL.fullmatch(text)
        return text if truth is None else truth[1] is not None
    if len(text) > MOST_DIGITS:
        if _FLOAT.fullmatch(text):
            raise OverflowError(f"{text[:20]}…, {len(text):,} characters")
        return text
    if _WHOLE.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text):
        return int(text[2:], 8)
    if _HEXADECIMAL.fullmatch(text):
        return int(text, 16)
    if _FLOAT.fullmatch(text):
        value = float(text)
        if not math.isfinite(value):
            raise OverflowError(text)
        return value
    if _NOT_FINITE.fullmatch(text):
        return math.nan if "n" in text.lower().replace("inf", "") else -math.inf if first == "-" else math.inf
    return text


def loads(text: str, where: str, deepest: int = DEEPEST) -> Any:
    """The value of a YAML 1.2 text of one document; an empty one is None.

    Args:
        text: the whole text.
        where: its file, for messages.
        deepest: levels of lists and mappings that are accepted.

    Raises:
        FormatError: no YAML; an anchor, alias, tag, merge key or second document; a key twice, or one that is not a text; a
            number that is not finite; too deep or too long.

    Example:
        >>> loads("epsilon: 1e-05\\nkernel: [3, 3]\\nnote: 1:30", "net.yaml")
        {'epsilon': 1e-05, 'kernel': [3, 3], 'note': '1:30'}
        >>> loads("units: 1\\nunits: 2", "net.yaml")
        Traceback (most recent call last):
            ...
        foveal.errors.FormatError: net.yaml, line 2: the key 'units' occurs twice
          given     'units', twice in one mapping
          expected  each key once
          to fix    take one out
    """
    import yaml  # the one library here, and only for YAML

    loader = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
    try:
        return _Reader(where, deepest).value(iter(yaml.parse(text, Loader=loader)))
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise FormatError(
            "this is not YAML",
            where=where + place,
            given=str(getattr(error, "problem", None) or getattr(error, "reason", None) or error),
            expected="YAML",
            fix="look at the indentation near there",
        ) from None


def dumps(value: Any) -> str:
    """Plain data as YAML 1.2 text, for people to edit; texts that would be read as something else are quoted.

    Example:
        >>> print(dumps({"name": "1e5", "rate": 1e-05, "input": [28, 28, 1]}), end="")
        name: '1e5'
        rate: 1.0e-05
        input: [28, 28, 1]
    """
    import yaml

    class Writer(yaml.SafeDumper):
        """PyYAML's, which quotes what YAML 1.1 would misread, and what 1.2 would."""

        def ignore_aliases(self, data: Any) -> bool:
            return True

    def text(writer: yaml.SafeDumper, data: str) -> yaml.ScalarNode:
        quoted = len(data) > MOST_DIGITS or not isinstance(scalar(data), str)
        return writer.represent_scalar("tag:yaml.org,2002:str", data, style="'" if quoted else None)

    Writer.add_representer(str, text)
    return yaml.dump(value, Dumper=Writer, sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


class _Reader:
    """From events to lists and mappings, without recursion: what is open lies on a stack."""

    def __init__(self, where: str, deepest: int) -> None:
        self.where = where
        self.deepest = deepest
        self.line = 0

    def value(self, events: Iterator[yaml.Event]) -> Any:
        import yaml

        missing = object()
        found: Any = missing
        open_: list[list[Any] | dict[str, Any]] = []
        keys: list[Any] = []  # for each open mapping the key that waits for its value, or `missing`; None for lists
        for count, event in enumerate(events):
            self.line = event.start_mark.line + 1 if event.start_mark is not None else self.line
            if count > MOST_VALUES:
                raise self.refused("the file is too long for a description", f"more than {MOST_VALUES:,} values",
                                   f"at most {MOST_VALUES:,} values", "a description holds no weights")  # fmt: skip
            if isinstance(event, yaml.DocumentStartEvent) and found is not missing:
                raise self.refused("there is more than one document", "a second `---`", "one network in a file",
                                   "a file for each")  # fmt: skip
            made: Any
            if isinstance(event, yaml.ScalarEvent):
                self.plain_node(event)
                made = self.scalar(event)
            elif isinstance(event, yaml.AliasEvent):
                raise self.anchors("an alias")
            elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
                self.plain_node(event)
                made = [] if isinstance(event, yaml.SequenceStartEvent) else {}
            elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
                open_.pop()
                keys.pop()
                continue
            else:  # the ends of the stream and of the document
                continue
            if not open_:
                found = made
            elif isinstance(inside := open_[-1], list):
                inside.append(made)
            elif keys[-1] is missing:
                keys[-1] = self.key(made, inside, event)
            else:
                inside[keys[-1]] = made
                keys[-1] = missing
            if isinstance(made, list | dict):
                if len(open_) >= self.deepest:
                    raise self.refused("this is nested too deeply", "lists in lists, or mappings",
                                       f"at most {self.deepest} levels", "flatten it")  # fmt: skip
                open_.append(made)
                keys.append(missing if isinstance(made, dict) else None)
        return None if found is missing else found

    def scalar(self, event: yaml.ScalarEvent) -> Any:
        text: str = event.value
        if event.style:  # quoted, or a block: a text, whatever it looks like
            return text
        try:
            made = scalar(text)
        except OverflowError as error:
            raise self.refused("this number is too large", str(error), "at most 1.7e308", "a smaller number") from None
        if isinstance(made, float) and not math.isfinite(made):
            raise self.refused("this is not a number", text, "a finite number", "0.0")
        return made

    def key(self, made: Any, mapping: dict[str, Any], event: yaml.Event) -> str:
        if not isinstance(made, str):  # `1x1: []` is a text, `3: []` a number: as a name it is a text again
            if isinstance(made, list | dict):
                raise self.refused("a key is not a text", "a list or a mapping", "a text", "quote it")
            made = event.value  # type: ignore[attr-defined]  # a scalar, then
        if made == "<<" and not getattr(event, "style", None):
            raise self.refused("merge keys are refused", "<<", "plain values", "write the values out")
        if made in mapping:
            shown = repr(made[:80])
            raise self.refused(f"the key {shown} occurs twice", f"{shown}, twice in one mapping", "each key once",
                               "take one out")  # fmt: skip
        return str(made)

    def plain_node(self, event: yaml.NodeEvent) -> None:
        """Neither anchors nor tags, but for the ones that say what is so anyway."""
        if event.anchor is not None:
            raise self.anchors("an anchor")
        if (tag := getattr(event, "tag", None)) is not None:
            raise self.refused("tags are refused: a description is plain data", str(tag)[:80], "plain values",
                               "take the tag out")  # fmt: skip

    def anchors(self, given: str) -> FormatError:
        return self.refused("anchors and aliases are refused: a short text could become a huge network",
                            given, "plain values", "write the layer out")  # fmt: skip

    def refused(self, problem: str, given: str, expected: str, fix: str) -> FormatError:
        return FormatError(problem, where=f"{self.where}, line {self.line}", given=given, expected=expected, fix=fix)
