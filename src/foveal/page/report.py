"""A run's report as one HTML file: it opens from disk, needs no network, and stays under a megabyte."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from foveal.evaluation.report import ReportData
from foveal.files import write_text
from foveal.page import report_run as run
from foveal.page import report_sections as sections
from foveal.page import sprites
from foveal.page.markup import Markup, join, tag
from foveal.page.report_parts import tile_style

LIMIT = 1_000_000
"""Bytes; :func:`render` leaves pictures out before it exceeds this."""

_ICON = Markup(
    '<svg viewBox="0 0 20 20" aria-hidden="true"><g fill="none" stroke="currentColor" stroke-width="1.8">'
    '<circle cx="10" cy="10" r="8.6"/><circle cx="10" cy="10" r="5" stroke-opacity="0.55"/></g>'
    '<circle cx="10" cy="10" r="2" fill="currentColor"/></svg>'
)


def write(path: str | os.PathLike[str], data: ReportData) -> Path:
    """Writes the report to ``path``, and ``evaluation.json`` beside it, each atomically.

    Args:
        path: the HTML file, usually ``runs/NAME/report.html``.
        data: the run.

    Returns:
        The path of the HTML file.

    Raises:
        FileError: a file could not be written.
    """
    target = Path(path)
    write_text(target.with_name("evaluation.json"), _json(data.evaluation.to_json()))
    write_text(target, render(data))
    return target


def render(data: ReportData) -> str:
    """The report as HTML text, under :data:`LIMIT` bytes: without its pictures where it would not be."""
    html = _rendered(data)
    for lighter in ({"pictures": None}, {"filters": None}):
        if len(html.encode("utf-8")) >= LIMIT:
            note = "A part of this report was left out to keep the file small."
            data = replace(data, notes=[*(each for each in data.notes if each != note), note], **lighter)  # type: ignore[arg-type]
            html = _rendered(data)
    return html


def _rendered(data: ReportData) -> str:
    gallery = sprites.pictures(data.pictures) if data.pictures is not None and len(data.pictures) else None
    kernels = sprites.filters(data.filters[..., :64]) if data.filters is not None and data.filters.size else None
    parts = {
        "Curves": sections.curves(data),
        "Confusion": sections.confusions(data),
        "Classes": sections.classes(data),
        "Calibration": sections.calibration(data),
        "Mistakes": sections.mistakes(data, gallery),
        "Filters": run.filters(data, kernels),
        "Network": run.network(data),
        "Reproduce": run.reproduce(data),
    }
    shown = {name: part for name, part in parts.items() if part is not None}
    style = join(
        Markup(_static("report.css")),
        tile_style(gallery, "mistake") if gallery else None,
        tile_style(kernels, "kernel") if kernels else None,
    )
    return _page(data.title, style, sections.headline(data), shown)


def _page(title: str, style: Markup, headline: Markup, parts: dict[str, Markup]) -> str:
    script = _static("report.js")
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
    links = [tag("a", name, href=f"#{name.lower()}") for name in parts]
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


def _json(value: dict[str, Any]) -> str:
    """Indented, but each list of plain values on one line: a row of the confusion matrix is a row.

    No text can hold a line break as it is, so a ``[`` before one opens a list.
    """
    text = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    return re.sub(r"\[\n[^\[\]{}\"]*\]", lambda match: " ".join(match[0].split()), text) + "\n"


def _static(name: str) -> str:
    return files("foveal.page").joinpath("static", name).read_text(encoding="utf-8")
