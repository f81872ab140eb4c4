"""The pieces that sections are made of: tables with their copy button, charts, galleries, lists of facts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from foveal.page.markup import Content, Markup, join, tag
from foveal.page.portable import portable
from foveal.page.sprites import Sheet
from foveal.report.classification_charts import Chart

DASH = "–"


@dataclass(frozen=True)
class Shown:
    """A cell that is shown in words of its own; its exact value is what is copied."""

    text: str
    value: float


def number(value: object, digits: int = 4) -> str:
    """A value as a cell shows it: whole numbers with separators, others to ``digits`` significant digits.

    Example:
        >>> [number(each) for each in (93322, 0.90731, None, float("nan"), "relu", True)]
        ['93,322', '0.9073', '–', '–', 'relu', 'true']
    """
    if value is None:
        return DASH
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:.{digits}g}" if math.isfinite(value) else DASH if math.isnan(value) else f"{value:g}"
    return str(value)


def duration(seconds: float) -> str:
    """A time as people say it.

    Example:
        >>> [duration(each) for each in (0.42, 48.2, 108, 5400)]
        ['0.4 s', '48 s', '1 min 48 s', '1 h 30 min']
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"


def shape(value: object) -> str:
    """A shape as the lectures write it, ``26 × 26 × 32``; a single number as itself."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return " × ".join(number(each) for each in value) or DASH
    return number(value)


def section(identity: str, heading: str, introduction: str | None, *content: Markup | None) -> Markup:
    """A part of the page that the bar at the top leads to."""
    return tag(
        "section",
        tag("h2", heading, id=f"{identity}-heading"),
        tag("p", introduction) if introduction else None,
        *content,
        id=identity,
        aria_labelledby=f"{identity}-heading",
    )


def table(
    identity: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    caption: str,
    texts: Sequence[int] = (0,),
    footer: Sequence[object] = (),
) -> Markup:
    """A table with a copy button. ``texts`` are the columns set flush left; the first one heads its row."""

    def cell(place: int, value: object) -> Markup:
        kind = "text name" if place == 0 else "text" if place in texts else None
        plain = value.value if isinstance(value, Shown) else value
        exact = "" if plain is None else repr(plain) if type(plain) in (int, float) else None
        shown = value if isinstance(value, Markup) else value.text if isinstance(value, Shown) else number(value)
        if place == 0:
            return tag("th", shown, scope="row", class_=kind, data_v=exact)
        return tag("td", shown, class_=kind, data_v=exact)

    head = [tag("th", name, scope="col", class_="text" if i in texts else None) for i, name in enumerate(columns)]
    body = [tag("tr", *(cell(i, value) for i, value in enumerate(row))) for row in rows]
    foot = tag("tfoot", tag("tr", *(cell(i, value) for i, value in enumerate(footer)))) if footer else None
    return join(
        tag(
            "div",
            tag(
                "table",
                tag("caption", caption, class_="hidden"),
                tag("thead", tag("tr", *head)),
                tag("tbody", *body),
                foot,
                id=identity,
            ),
            class_="scroll tall" if len(body) > 30 else "scroll",
            tabindex="0",
            role="region",
            aria_label=caption,
        ),
        copier(identity, "Copy as CSV"),
    )


def copier(identity: str, label: str) -> Markup:
    """A button that copies the element ``identity``; the script unhides it."""
    return tag("p", tag("button", label, type="button", data_copy=identity, hidden=True), class_="tools")


def chart(drawn: Chart, heading: str | None, caption: Content, *, scroll: bool = False, class_: str = "card") -> Markup:
    """A chart as a figure, its numbers a click away."""
    named = heading or str(drawn.name)
    return tag(
        "figure",
        tag("h3", heading) if heading else None,
        tag("div", drawn.svg, class_="scroll", tabindex="0", role="group", aria_label=named) if scroll else drawn.svg,
        tag("figcaption", caption),
        tag(
            "details",
            tag("summary", "Data as a table"),
            table(f"data-{drawn.name}", drawn.columns, drawn.rows, caption=f"Data of the chart: {named}"),
        ),
        class_=class_,
    )


def tile(sheet: Sheet, group: str, index: int, alternative: str) -> Markup:
    """One picture of a sheet; the sheet itself is in the style :func:`tile_style` gives the group."""
    return tag(
        "span",
        role="img",
        aria_label=alternative,
        title=alternative,
        class_=f"tile {group}" + (" pixels" if max(sheet.width, sheet.height) <= 64 else ""),
        style=f"background-position:{sheet.position(index)}",
    )


def tile_style(sheet: Sheet, group: str) -> Markup:
    """The one rule that holds the sheet's bytes."""
    return Markup(
        f".{group}{{background-image:url({sheet.address});aspect-ratio:{sheet.width}/{sheet.height};"
        f"background-size:{100 * sheet.columns}% {100 * sheet.rows}%}}"
    )


def settings(values: Mapping[str, object]) -> Markup:
    """A flat list of names and values; nested mappings become ``outer.inner``."""
    pairs = [tag("div", tag("dt", key), tag("dd", value)) for key, value in _flat(values)]
    return tag("dl", *pairs, class_="settings")


def _flat(values: Mapping[str, object], before: str = "") -> Iterable[tuple[str, str]]:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{before}{key}.")
        elif isinstance(value, list | tuple):
            yield f"{before}{key}", ", ".join(portable(number(each, 6)) for each in value) or DASH
        else:
            plain = str(value) if type(value) is int else number(value, 6)  # a seed is no quantity
            yield f"{before}{key}", portable(plain) or DASH
