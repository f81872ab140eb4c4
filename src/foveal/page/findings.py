"""A system's report as one HTML file: headline, what it found, curves, networks, and how to get it again."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from foveal.files import write_text
from foveal.page import report_run as run
from foveal.page import report_sections as sections
from foveal.page import sprites
from foveal.page.blocks import HALF, block
from foveal.page.markup import Markup, join, tag
from foveal.page.parts import chart, duration, section, tile_style
from foveal.page.portable import portable
from foveal.page.report import LIMIT
from foveal.page.shell import anchor, page, static
from foveal.report import classification_charts as charts
from foveal.report.blocks import Pictures, Report
from foveal.report.classification import ReportData

if TYPE_CHECKING:
    from foveal.network.tree import Sequential

_CURVES = 6  # charts of a run at most; the numbers of all lie in metrics.jsonl


class Numbers(Protocol):
    """What a page needs of the history of a stage."""

    @property
    def history(self) -> dict[str, list[float]]: ...
    @property
    def steps(self) -> list[dict[str, float]]: ...
    @property
    def rates(self) -> list[float]: ...


@dataclass(frozen=True)
class Told:
    """A run of a system, ready to be shown.

    Attributes:
        title: the run's name.
        name: the system, as people call it.
        source: the paper.
        data: what it was trained on; empty where it brings its own.
        findings: what it found.
        histories: by stage; "" is the run itself.
        config, environment, command, seconds: as :class:`~foveal.report.classification.ReportData` has them.
    """

    title: str
    name: str
    source: str
    data: str
    findings: Report
    histories: Mapping[str, Numbers]
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    command: Sequence[str]
    seconds: float


def write(path: str | os.PathLike[str], told: Told) -> Path:
    """Write the report, atomically.

    Raises:
        FileError: it could not be written.
    """
    write_text(path, render(told))
    return Path(path)


def render(told: Told) -> str:
    """The report as HTML text, under a megabyte: pictures get smaller until it is."""
    sheets = sum(isinstance(each, Pictures) for part in told.findings.sections for each in part.blocks)
    sheets += told.findings.pictures is not None
    for whole in (600_000, 300_000, 120_000, 30_000):
        html = _rendered(told, min(sprites.BUDGET, whole // max(1, sheets)))
        if len(html.encode("utf-8")) < LIMIT:
            break
    return html


def _rendered(told: Told, budget: int) -> str:
    styles: list[Markup | None] = [Markup(static("report.css"))]
    parts: dict[str, Markup | None] = {}
    for found in told.findings.sections:
        drawn = [block(each, budget) for each in found.blocks]
        styles += [style for _, style in drawn]
        halves = [isinstance(each, HALF) for each in found.blocks]
        laid = _in_pairs([each for each, _ in drawn], halves)
        parts[found.heading] = section(anchor(found.heading), found.heading, found.text, *laid)
    data = _classifier(told)
    if data is not None:
        gallery = None
        if data.pictures is not None and len(data.pictures):
            gallery = sprites.pictures(data.pictures, budget=budget)
            styles.append(tile_style(gallery, "mistake"))
        parts |= {
            "Confusion": sections.confusions(data),
            "Classes": sections.classes(data),
            "Calibration": sections.calibration(data),
            "Mistakes": sections.mistakes(data, gallery),
        }
    parts["Curves"] = _curves(told)
    for name, tree in told.findings.networks.items():
        parts[name if len(told.findings.networks) > 1 else "Network"] = _network(name, tree, told)
    parts["Reproduce"] = run.reproduce(_data(told, (), {}), own=True)
    shown = {name: part for name, part in parts.items() if part is not None}
    return page(told.title, join(*styles), _headline(told), shown)


def _in_pairs(blocks: Sequence[Markup], halves: Sequence[bool]) -> list[Markup]:
    """Small charts that follow one another stand side by side."""
    laid: list[Markup] = []
    place = 0
    while place < len(blocks):
        if all(halves[place : place + 2]) and place + 1 < len(blocks):
            laid.append(tag("div", *blocks[place : place + 2], class_="pair twins blocks"))
            place += 2
        else:
            laid.append(blocks[place])
            place += 1
    return laid


def _headline(told: Told) -> Markup:
    found = told.findings
    first, *others = found.headlines
    heading = f"{told.name} on {told.data}" if told.data else told.name
    notes = [tag("li", tag("b", "Note. "), portable(note)) for note in found.notes]
    facts = [
        tag("div", tag("dt", each.label), tag("dd", each.text, tag("small", each.note) if each.note else None))
        for each in others
    ]
    epochs = sum(len(next(iter(each.history.values()), ())) for each in told.histories.values())
    stages = f", {len(told.histories)} trainings" if len(told.histories) > 1 else ""
    took = tag("small", f"{epochs:,} epoch{'s' * (epochs != 1)}{stages}") if epochs else None
    facts.append(tag("div", tag("dt", "Time taken"), tag("dd", duration(told.seconds), took)))
    return tag(
        "div",
        tag("p", "Report", f" · {told.title}", class_="eyebrow"),
        tag("h1", portable(heading)),
        tag("ul", *notes, class_="notes") if notes else None,
        tag(
            "div",
            tag("div", tag("p", first.text, class_="figure"), tag("p", tag("b", first.label))),
            tag(
                "div", tag("p", first.note) if first.note else None, tag("p", f"Source: {told.source}"), class_="words"
            ),
            class_="lead",
        ),
        tag("dl", *facts, class_="facts"),
        class_="hero",
    )


def _curves(told: Told) -> Markup | None:
    drawn = []
    for stage, numbers in told.histories.items():
        for key in [name for name in numbers.history if not name.startswith("val_")]:
            named = key.replace("_", " ")
            name = f"{stage.replace('-', ' ')}: {named}" if stage else named
            own = anchor(name)  # ids of charts are unique in a page
            values, held = numbers.history[key], numbers.history.get(f"val_{key}", [])
            steps = [{own: row[key], "epoch": row["epoch"]} for row in numbers.steps if key in row]
            plotted = charts.curve({own: values, f"val_{own}": held}, own, name, steps)
            if plotted is None or len(values) < 2:
                continue
            last = f"Last: {values[-1]:.4g}" + (f", validation {held[-1]:.4g}." if held else ".")
            drawn.append(chart(plotted, name[:1].upper() + name[1:], last))
    if not drawn:
        return None
    more = f" {len(drawn) - _CURVES} further curves are in the run's folder." if len(drawn) > _CURVES else ""
    text = f"What was measured after each epoch, on the examples learned from and, where there are any, on those held back.{more}"
    return section("curves", "Learning curves", text, tag("div", *drawn[:_CURVES], class_="pair twins"))


def _network(name: str, tree: Sequential, told: Told) -> Markup | None:
    from foveal.arithmetic.summary import summarize

    summary = summarize(tree).to_dict()
    totals = {key: int(summary["totals"][key] or 0) for key in ("parameters", "macs")}
    made = run.network(_data(told, summary["layers"], totals))
    if made is None or len(told.findings.networks) == 1:
        return made
    renamed = made.replace('id="network"', f'id="{anchor(name)}"').replace("network-heading", f"{anchor(name)}-heading")
    renamed = renamed.replace('"layers"', f'"layers-{anchor(name)}"').replace(
        ">The network<", f">{name.replace('<', '')}<"
    )
    return Markup(renamed)


def _classifier(told: Told) -> ReportData | None:
    return None if told.findings.evaluation is None else _data(told, (), {})


def _data(told: Told, layers: Sequence[Mapping[str, Any]], totals: Mapping[str, int]) -> ReportData:
    """What the sections that a classifier's report has too want to be given."""
    return ReportData(
        title=told.title,
        network=told.name,
        data=told.data,
        history=told.histories[""].history if "" in told.histories else {},
        evaluation=told.findings.evaluation,  # type: ignore[arg-type]  # only read by sections that are left out without it
        layers=layers,
        config=told.config,
        environment=told.environment,
        command=told.command,
        seconds=told.seconds,
        split=told.findings.split,
        pictures=told.findings.pictures,
        totals=totals,
    )
