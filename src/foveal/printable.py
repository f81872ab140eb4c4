"""Text of other people's, made safe to print: what would steer a terminal or turn a line around becomes visible.

Names of classes, files, layers and runs come from outside. Printed raw, an escape sequence can clear the screen or set the
window's title, and a right-to-left mark shows ``exe.gnp`` as ``png.exe`` (Boucher, Anderson 2021, *Trojan Source*). Every
text that Foveal prints and did not write itself goes through :func:`printable`.
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from typing import Any

_JOINERS = "\u200c\u200d"  # Persian, Indic scripts and emoji are written with them; they move nothing
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
LONGEST = 2_000
"""Characters of one text that a message shows; more helps nobody, and a hostile file may hold megabytes."""


def printable(text: str, *, lines: bool = False) -> str:
    r"""``text`` with control, format and bidi characters, line separators and lone surrogates as visible escapes.

    Args:
        text: any text.
        lines: line feeds are meant, and stay.

    Example:
        >>> printable("cat\x1b[2J"), printable("a\u202eb"), printable("two\nlines"), printable("Käse 猫")
        ('cat\\x1b[2J', 'a\\u202eb', 'two\\nlines', 'Käse 猫')
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if lines and c == "\n" else _visible(c) for c in text)


@functools.lru_cache(maxsize=4096)
def _visible(c: str) -> str:
    steers = (
        unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") or c in "\ufffe\uffff"
    )  # the last two no XML holds
    if not steers or c in _JOINERS:
        return c
    if c in _SHORT:
        return _SHORT[c]
    number = ord(c)
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def well_formed(text: str) -> str:
    r"""``text`` with lone surrogates, the bytes of a file name that is not UTF-8, as visible escapes; all else stays.

    Names become parts of model files, pages and JSON for other programs, which hold Unicode only. What opens a file keeps
    its true name.

    Example:
        >>> well_formed("caf\udce9"), well_formed("Käse\x1b")
        ('caf\\udce9', 'Käse\x1b')
    """
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def bounded(text: str, longest: int = LONGEST) -> str:
    """``text``, or its beginning and end with what was left out between them in words.

    Example:
        >>> bounded("x" * 5_000, 40)
        'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx … (4,960 characters left out) … xxxxxxxxxx'
    """
    if len(text) <= longest:
        return text
    tail = longest // 4
    return f"{text[: longest - tail]} … ({len(text) - longest:,} characters left out) … {text[len(text) - tail :]}"


def counted(count: int, one: str, several: str | None = None) -> str:
    """A number of things in words: ``several`` is the plural where that is not ``one`` with an s.

    Example:
        >>> counted(1, "file"), counted(1200, "file"), counted(2, "class", "classes")
        ('1 file', '1,200 files', '2 classes')
    """
    return f"{count:,} {one if count == 1 else several or one + 's'}"


def json_text(value: Any, *, ascii: bool = True, indent: int | None = None, nan: bool = True) -> str:
    r"""``value`` as JSON that keeps every text exactly, and that a terminal may show.

    Args:
        value: what :mod:`json` takes.
        ascii: for programs that read a pipe of whatever encoding; False leaves letters as they are, for files in UTF-8,
            and escapes only what :func:`printable` would.
        indent: as :func:`json.dumps` has it.
        nan: False refuses numbers that are not finite, which standard JSON has not.

    Example:
        >>> print(json_text(["Käse", "a\u202eb\x7f"]), json_text(["Käse", "a\u202eb\udcff"], ascii=False))
        ["K\u00e4se", "a\u202eb\u007f"] ["Käse", "a\u202eb\udcff"]
    """
    text = json.dumps(value, ensure_ascii=ascii, indent=indent, allow_nan=nan)
    if ascii:
        return text.replace("\x7f", "\\u007f")
    return "".join(map(_escaped, text)) if _UNUSUAL.search(text) else text


_UNUSUAL = re.compile(r"[^\n -~\xa1-\xac\xae-\u02ff]")


@functools.lru_cache(maxsize=4096)
def _escaped(c: str) -> str:
    if c == "\n" or _visible(c) == c:
        return c
    units = c.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))
