"""The charts of a report that are told as data, as drawings: lines, points, bars and matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.figures import shorten
from foveal.report.blocks import Bars, Chart, Heat, Lines, Plot, Scatter
from foveal.report.colours import FIRST, SECOND

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PALETTE = (FIRST, SECOND, "#2a9d6f", "#a05fc4", "#c29a1c", "#cf4d62", "#5b8f9e", "#8f7040", "#7d7d7d", "#d873b8")
"""Colours of series and classes: the page's own two first, then some that read by day and by night."""
DASHES = ("-", (0, (5, 2)), (0, (1.5, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (3, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
POINTS = ("#2f74c0", "#d0682a", *PALETTE[2:])  # for points drawn as a picture, which no style sheet reaches
_DRAWN = 3000  # points of a map that are drawn; more would only cover one another


def plot(chart: Chart) -> Plot:
    """The chart as a drawing, with the numbers behind it."""
    if isinstance(chart, Lines):
        return _lines(chart)
    if isinstance(chart, Scatter):
        return _scatter(chart)
    if isinstance(chart, Bars):
        return _bars(chart)
    return _heat(chart) if isinstance(chart, Heat) else chart


def _lines(found: Lines) -> Plot:
    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for index, series in enumerate(found.series):
            look: dict[str, Any] = {"color": PALETTE[index % len(PALETTE)], "linestyle": DASHES[index % len(DASHES)]}
            mark = MARKERS[index % len(MARKERS)] if len(series.x) <= 30 else ""
            axes.plot(series.x, series.y, marker=mark, label=shorten(series.label, 34), **look)
            if series.low is not None and series.high is not None:
                axes.fill_between(series.x, series.low, series.high, color=look["color"], alpha=0.15, linewidth=0)
        axes.set_xlabel(found.x_label)
        axes.set_ylabel(found.y_label)
        if found.log_x:
            axes.set_xscale("log")
            _plain_powers(axes.xaxis)
        if found.log_y:
            axes.set_yscale("log")
            _plain_powers(axes.yaxis)
        if len(found.series) > 1:
            _legend(axes, len(found.series))

    rows: list[tuple[object, ...]] = []
    for series in found.series:
        low = series.low if series.low is not None else [None] * len(series.x)
        high = series.high if series.high is not None else [None] * len(series.x)
        rows += [(series.label, *each) for each in zip(series.x, series.y, low, high, strict=True)]
    described = f"{found.y_label} over {found.x_label}. {found.caption}"
    columns = ("series", found.x_label, found.y_label, "low", "high")
    return Plot(found.name, paint, found.caption, described, columns, rows, (6.4, 3.9))


def _legend(axes: Any, count: int) -> None:
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=min(count, 3),
        borderaxespad=0,
        handlelength=2.4,
        columnspacing=1.2,
    )


def _plain_powers(axis: Any) -> None:
    """Numbers at the powers of ten, and no mathematical mark-up: text stays text here."""
    axis.set_major_formatter(lambda value, place: f"{value:g}".replace("-", "−"))
    axis.set_minor_formatter(lambda value, place: "")


def _scatter(found: Scatter) -> Plot:
    points, labels = np.asarray(found.points, float), np.asarray(found.labels)
    shown = np.linspace(0, len(points) - 1, min(len(points), _DRAWN)).astype(int)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for index, name in enumerate(found.names):
            own = shown[labels[shown] == index]
            axes.scatter(
                points[own, 0], points[own, 1], s=7, alpha=0.75, linewidths=0, color=POINTS[index % len(POINTS)],
                marker=MARKERS[index % len(MARKERS)], label=shorten(name, 18), rasterized=len(shown) > 600,
            )  # fmt: skip
        axes.grid(visible=False)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=2, handletextpad=0.2)

    rows = [(found.names[int(labels[i])], float(points[i, 0]), float(points[i, 1])) for i in shown[:200]]
    return Plot(found.name, paint, found.caption, found.caption, ("class", "x", "y"), rows, (7.2, 4.8), frame="large")


def _bars(found: Bars) -> Plot:
    count = len(found.values)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        places = np.arange(len(found.labels))
        for index, (name, values) in enumerate(found.values.items()):
            axes.bar(
                places + (index - (count - 1) / 2) * 0.8 / count, [float(v) for v in values], 0.8 / count,
                color=PALETTE[index % len(PALETTE)], label=shorten(name, 24),
            )  # fmt: skip
        long = max((len(each) for each in found.labels), default=0) * len(found.labels) > 70
        axes.set_xticks(places, [shorten(each, 14) for each in found.labels], rotation=45 if long else 0,
                        ha="right" if long else "center")  # fmt: skip
        axes.set_ylabel(found.y_label)
        axes.grid(visible=False, axis="x")
        if count > 1:
            _legend(axes, count)

    rows = [(name, *(values[i] for values in found.values.values())) for i, name in enumerate(found.labels)]
    return Plot(found.name, paint, found.caption, found.caption, ("", *found.values), rows, (6.4, 3.6))


def _heat(found: Heat) -> Plot:
    values = np.asarray(found.values, float)
    height, width = values.shape

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        image = axes.imshow(values, aspect="auto" if max(height, width) > 3 * min(height, width) else "equal",
                            cmap="viridis", interpolation="nearest")  # fmt: skip
        axes.grid(visible=False)
        for names, axis in ((found.columns, axes.xaxis), (found.rows, axes.yaxis)):
            if names and len(names) <= 48:
                axis.set_ticks(range(len(names)), [shorten(each, 18) if each.strip() else "·" for each in names])
        if all(len(each) <= 3 for each in (*found.rows, *found.columns)):
            axes.tick_params(labelsize=10.5 if max(height, width) <= 30 else 9)
        elif found.columns and max(len(each) for each in found.columns) > 3:
            axes.tick_params(axis="x", rotation=60)
        bar = figure.colorbar(image, ax=axes, fraction=0.035, pad=0.02)
        bar.outline.set_visible(False)

    across = 5.6 if max(height, width) <= 40 else 7.2
    size = (across, min(6.0, max(1.9, across * height / width * 0.85 + 0.9)))
    rows = [(found.rows[i] if i < len(found.rows) else i, *row.tolist()) for i, row in enumerate(values[:60, :60])]
    columns = ("", *(found.columns[j] if j < len(found.columns) else str(j) for j in range(min(width, 60))))
    return Plot(found.name, paint, found.caption, found.caption, columns, rows, size, frame="large")
