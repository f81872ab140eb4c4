"""HTML that cannot be broken by what is put into it: every string is escaped unless it is :class:`Markup`."""

from __future__ import annotations

from html import escape

from foveal.printable import printable as visible

_VOID = frozenset({"br", "hr", "img", "input", "link", "meta", "col"})


class Markup(str):
    """A string that is HTML already. Only :func:`tag`, :func:`join` and files of this package make one."""

    __slots__ = ()


Content = str | int | float | None
"""What may stand inside an element; ``None`` is nothing."""


def text(content: Content) -> Markup:
    """``content`` as HTML: markup as it is, anything else escaped.

    Example:
        >>> text("a < b & c")
        'a &lt; b &amp; c'
    """
    if content is None:
        return Markup("")
    return content if isinstance(content, Markup) else Markup(escape(printable(str(content)), quote=True))


def join(*contents: Content) -> Markup:
    """The contents one after the other, each escaped unless it is markup."""
    return Markup("".join(text(each) for each in contents))


def tag(name: str, /, *contents: Content, **attributes: str | int | float | bool | None) -> Markup:
    """An element. Attributes: ``class_`` is ``class``, ``aria_label`` is ``aria-label``; ``None`` and ``False`` vanish.

    Example:
        >>> tag("p", "1 < 2, ", tag("b", "yes"), class_="sum", hidden=True)
        '<p class="sum" hidden>1 &lt; 2, <b>yes</b></p>'
    """
    parts = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        label = key.rstrip("_").replace("_", "-")
        parts.append(label if value is True else f'{label}="{text(str(value))}"')
    opening = f"<{' '.join(parts)}>"
    return Markup(opening if name in _VOID else f"{opening}{join(*contents)}</{name}>")


def printable(raw: str) -> str:
    r"""``raw`` with the characters that no page may hold, or that turn its text around, as visible escapes.

    Tabs and line feeds stay: samples of text are set with them.

    Example:
        >>> printable("a\tb\x1b[0m\ufffe")
        'a\tb\\x1b[0m\\ufffe'
    """
    return "\t".join(visible(part, lines=True) for part in raw.split("\t"))
