"""The templates and what goes into every page: styles, script, and the escaping of every text."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from foveal.page import parts
from foveal.page.portable import command, portable
from foveal.printable import printable


@functools.cache
def environment() -> Environment:
    """Where the templates come from. All that they print is escaped, and has its control characters made visible."""
    made = Environment(
        loader=PackageLoader("foveal.page"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        finalize=_visible,
    )
    made.filters |= {
        "anchor": anchor,
        "command": command,
        "exact": parts.exact,
        "flat": parts.flat,
        "flush_left": parts.flush_left,
        "kind": lambda block: type(block).__name__.lower(),
        "number": parts.number,
        "portable": portable,
    }
    return made


def page(**content: Any) -> str:
    """A whole page from ``page.html``, with its styles and the one script that may run."""
    script = _static("report.js")
    digest = f"sha256-{base64.b64encode(hashlib.sha256(script.encode('utf-8')).digest()).decode('ascii')}"
    template = environment().get_template("page.html")
    return template.render(style=Markup(_static("report.css")), script=Markup(script), digest=digest, **content)


def anchor(name: str) -> str:
    """The id of what is called so.

    Example:
        >>> anchor("Error against code size")
        'error-against-code-size'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "section"


def _visible(value: Any) -> Any:
    """Texts with the characters that no page may hold, or that turn its text around, as visible escapes; tabs and line
    feeds stay, as samples of text are set with them."""
    if value is None or hasattr(value, "__html__"):
        return value if value is not None else ""
    return "\t".join(printable(part, lines=True) for part in str(value).split("\t"))


@functools.cache
def _static(name: str) -> str:
    return files("foveal.page").joinpath("static", name).read_text(encoding="utf-8")
