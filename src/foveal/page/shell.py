"""What every page has around its sections: head, bar, theme switch, footer; nothing from anywhere else."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files

from foveal.page.markup import Markup, tag

_ICON = Markup(
    '<svg viewBox="0 0 20 20" aria-hidden="true"><g fill="none" stroke="currentColor" stroke-width="1.8">'
    '<circle cx="10" cy="10" r="8.6"/><circle cx="10" cy="10" r="5" stroke-opacity="0.55"/></g>'
    '<circle cx="10" cy="10" r="2" fill="currentColor"/></svg>'
)


def anchor(name: str) -> str:
    """The id of the section that is called so.

    Example:
        >>> anchor("Error against code size")
        'error-against-code-size'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "section"


def page(title: str, style: Markup, headline: Markup, parts: Mapping[str, Markup]) -> str:
    """A whole page: ``parts`` are its sections by the names that the bar at the top shows, each with :func:`anchor` as id."""
    script = static("report.js")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", http_equiv="Content-Security-Policy", content=policy),
        tag("title", f"{title} · Foveal"),
        tag("link", rel="icon", href="data:,"),
        tag("style", style),
        tag("script", Markup(script)),
    )
    links = [tag("a", name, href=f"#{anchor(name)}") for name in parts]
    bar = tag(
        "header",
        tag(
            "div",
            tag("span", _ICON, "Foveal", class_="brand"),
            tag("nav", *links, aria_label="Sections"),
            tag("button", "Theme", type="button", id="theme", hidden=True),
            class_="wrap",
        ),
        class_="bar",
    )
    body = tag(
        "body",
        tag("a", "Skip to the report", href="#main", class_="skip"),
        bar,
        tag("main", headline, *parts.values(), id="main", class_="wrap"),
        tag(
            "footer",
            tag("div", "Written by Foveal. One file: it opens from disk and asks nobody for anything.", class_="wrap"),
        ),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def static(name: str) -> str:
    """The text of one of the files that go into every page."""
    return files("foveal.page").joinpath("static", name).read_text(encoding="utf-8")
