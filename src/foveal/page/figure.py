"""A matplotlib figure as a small inline SVG that follows the page: its colours, its font, light and dark."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from markupsafe import Markup

from foveal.figures import lettering
from foveal.printable import printable
from foveal.report.colours import FIRST, FIRST_CELL, INK, LINE, MUTED, PAPER, SECOND, SECOND_CELL

if TYPE_CHECKING:
    from matplotlib.figure import Figure


_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", PAPER: "card", FIRST: "one", SECOND: "two"}
_VARIABLES |= {FIRST_CELL: "cell-one", SECOND_CELL: "cell-two"}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, selectable, in the page's font
    "svg.hashsalt": "foveal",  # the same data, the same bytes
    "axes.unicode_minus": True,
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "lines.linewidth": 1.8,
    "lines.markersize": 5,
    "figure.facecolor": "none",
    "savefig.facecolor": "none",
    "savefig.edgecolor": "none",
}


def draw(
    name: str, size: tuple[float, float], paint: Callable[[Figure], Mapping[str, str] | None], description: str
) -> Markup:
    """Lets ``paint`` draw on a new figure, and returns it as an ``<svg>`` element.

    Args:
        name: makes the ids unique within the page; letters, digits and hyphens.
        size: width and height in inches; 1 inch is 72 units of the SVG, which is stretched to the width it is given.
        paint: draws with the stand-in colours of :mod:`foveal.report.colours`; may return hover titles by ``gid`` of its artists.
        description: what a person who cannot see the chart is told.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with lettering(), matplotlib.rc_context(_STYLE):  # letters that are missing here the reader's own font has
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        titles = paint(figure) or {}
        written = io.StringIO()
        figure.savefig(written, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return _inline(written.getvalue(), name, titles, description)


def _inline(svg: str, name: str, titles: Mapping[str, str], description: str) -> Markup:
    svg = printable(svg, lines=True)  # control characters in a label would make it no XML
    root = ElementTree.fromstring(re.sub(r"<!DOCTYPE.*?>", "", svg, count=1, flags=re.DOTALL))
    root.attrib = {"viewBox": root.attrib["viewBox"], "role": "img", "aria-label": printable(description, lines=True)}
    used = {reference for element in root.iter() for reference in _references(element)}
    for parent in root.iter():
        for child in list(parent):
            if child.tag.endswith(("}style", "}metadata")):
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        element.text, element.tail = element.text if (element.text or "").strip() else None, None
        identity = element.attrib.pop("id", None)
        if identity is not None and identity in titles:
            title = ElementTree.Element("title")
            title.text = printable(titles[identity], lines=True)
            element.insert(0, title)
        if identity in used:  # what nobody refers to needs no id
            element.set("id", f"{name}-{identity}")
        for key, value in list(element.attrib.items()):
            del element.attrib[key]
            element.set(key.rpartition("}")[2], _attribute(key.rpartition("}")[2], value, name))
    _drop_empty(root)
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _references(element: ElementTree.Element) -> list[str]:
    values = element.attrib.items()
    return [v[1:] for k, v in values if k.endswith("href") and v.startswith("#")] + [
        match for _, v in values for match in re.findall(r"url\(#([^)]+)\)", v)
    ]


def _attribute(key: str, value: str, name: str) -> str:
    if key == "href" and value.startswith("#"):
        return f"#{name}-{value[1:]}"
    if key == "clip-path":
        return value.replace("url(#", f"url(#{name}-")
    if key == "style":
        return _themed(value)
    if key in ("d", "x", "y", "width", "height", "transform", "points"):
        return re.sub(r"\s+", " ", re.sub(r"(\.\d\d)\d+", r"\1", value)).strip()
    return value


def _themed(style: str) -> str:
    """Colours become the page's variables, fonts the page's font; everything else stays."""
    kept = []
    for declaration in style.split(";"):
        key, _, value = (part.strip() for part in declaration.partition(":"))
        if key == "font":  # matplotlib before 3.10 writes the shorthand
            size = re.search(r"[\d.]+px", value)
            kept.append(f"font-size:{size.group() if size else '9px'}")
        elif key and key != "font-family":
            kept.append(f"{key}:{f'var(--{_VARIABLES[value]})' if value in _VARIABLES else value}")
    return ";".join(kept)


def _drop_empty(element: ElementTree.Element) -> None:
    """Groups that only carried an id go, and groups in groups become one."""
    for child in list(element):
        _drop_empty(child)
        if child.tag in ("g", "defs") and not child.attrib and not len(child):
            element.remove(child)
    for place, child in reversed(list(enumerate(element))):
        if child.tag == "g" and not child.attrib and all(each.tag != "title" for each in child):
            element[place : place + 1] = list(child)
