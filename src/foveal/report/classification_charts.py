"""The charts of a classifier's report: confusions, scores by class, reliability, each with the numbers behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foveal.evaluation.intervals import wilson
from foveal.evaluation.results import Calibration, Evaluation
from foveal.figures import shorten
from foveal.printable import printable
from foveal.report.blocks import Plot
from foveal.report.colours import FIRST, FIRST_CELL, INK, LINE, MUTED, SECOND, SECOND_CELL

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CELLS = 26
"""Up to so many classes the confusion matrix prints its numbers; above, it is a picture."""
ROWS = 40
"""The chart a class shows at most so many, the weakest."""


def confusion(evaluation: Evaluation) -> Plot:
    """Rows true, columns predicted. What is right is drawn in one colour, what is wrong in the other."""
    names = [printable(name, lines=True) for name in evaluation.classes]
    counts = evaluation.confusion
    size = len(names)
    totals = [sum(row) for row in counts]
    worst = max((counts[i][j] for i in range(size) for j in range(size) if i != j), default=0) or 1

    def strength(i: int, j: int) -> float:
        return 0.14 + 0.5 * counts[i][j] / (totals[i] or 1) if i == j else 0.8 * math.sqrt(counts[i][j] / worst)

    def paint(figure: Figure) -> Mapping[str, str]:
        axes = figure.add_subplot()
        axes.grid(visible=False)
        axes.set(xlim=(-0.5, size - 0.5), ylim=(size - 0.5, -0.5), aspect="equal", xlabel="predicted", ylabel="true")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        if size > CELLS:
            _raster(axes, size, strength)
            return {}
        below = [shorten(name, 12) for name in names]
        axes.set_xticks(range(size), below)
        if max(map(len, below)) > 3:
            axes.set_xticks(range(size), below, rotation=40, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(size), [shorten(name, 14) for name in names])
        axes.tick_params(labelcolor=INK)
        return _cells(axes, names, counts, strength)

    most = evaluation.confused[0] if evaluation.confused else None
    described = f"Confusion matrix of {size} classes, {evaluation.correct} of {evaluation.count} on the diagonal." + (
        f" Most frequent: {most.count} times {names[most.true]} taken for {names[most.predicted]}." if most else ""
    )
    side = 4.4 if size <= 4 else 6.2 if size <= 12 else 7.4
    columns: tuple[str, ...] = ("true \\ predicted", *names, "sum")
    rows: list[tuple[object, ...]] = [(name, *row, sum(row)) for name, row in zip(names, counts, strict=True)]
    if size > CELLS:
        columns = ("true", "predicted", "samples", "share of the class")
        rows = [(names[c.true], names[c.predicted], c.count, c.share) for c in evaluation.confused]
    return Plot(
        "confusion",
        paint,
        "The deeper the colour, the more pictures.",
        described,
        columns,
        rows,
        (side, side * (0.94 if size <= CELLS else 0.9)),
        keys=(("right", "on the diagonal: named right."), ("wrong", "elsewhere: taken for another class.")),
        frame="scroll",
    )


def _cells(axes: Axes, names: Sequence[str], counts: Sequence[Sequence[int]], strength: Any) -> dict[str, str]:
    from matplotlib.patches import Rectangle

    titles = {}
    for i, row in enumerate(counts):
        for j, count in enumerate(row):
            alpha = strength(i, j)
            cell = Rectangle(
                (j - 0.47, i - 0.47), 0.94, 0.94, facecolor=FIRST_CELL if i == j else SECOND_CELL, alpha=alpha
            )
            cell.set_gid(f"cell-{i}-{j}")
            axes.add_patch(cell if alpha else Rectangle((j - 0.47, i - 0.47), 0.94, 0.94, facecolor=LINE, alpha=0.35))
            verdict = "named right" if i == j else f"taken for {names[j]}"
            titles[f"cell-{i}-{j}"] = f"{names[i]} {verdict}: {count:,} of {sum(row):,}"
            if count:
                weight = "bold" if i == j else "normal"
                small = 9 if len(counts) <= 12 else 6.5 if len(counts) <= 18 else 5
                axes.text(j, i, str(count), ha="center", va="center_baseline", color=INK, weight=weight, fontsize=small)
    return titles


def _raster(axes: Axes, size: int, strength: Any) -> None:
    """Too many classes for numbers: one transparent picture, whose two colours suit a light and a dark page."""
    import numpy as np

    picture = np.zeros((size, size, 4))
    for i in range(size):
        for j in range(size):
            picture[i, j] = (*((0.23, 0.48, 0.78) if i == j else (0.82, 0.41, 0.10)), strength(i, j))
    axes.imshow(picture, interpolation="none")


def classes(evaluation: Evaluation) -> Plot:
    """Precision and recall, a line a class: how far apart they lie says what kind of mistake is made. Its numbers are those
    of the table beside it."""
    count = len(evaluation.scores)
    shown = sorted(sorted(range(count), key=lambda i: (evaluation.scores[i].f1 or 0.0, i))[:ROWS])
    scores = [evaluation.scores[i] for i in shown]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for row, score in enumerate(scores):
            ends = [value for value in (score.precision, score.recall) if value is not None]
            axes.plot(ends, [row] * len(ends), color=MUTED, linewidth=1.2, alpha=0.6)
        looks = {"recall": (FIRST, "o", 8.0, "none"), "precision": (SECOND, "D", 4.5, "full")}
        for label, (colour, marker, size, fill) in looks.items():  # a ring and a diamond: both are seen where they meet
            values = [(getattr(s, label), row) for row, s in enumerate(scores) if getattr(s, label) is not None]
            x, y = [v for v, _ in values], [r for _, r in values]
            axes.plot(
                x, y, marker, color=colour, ms=size, fillstyle=fill, mew=1.8, label=label, clip_on=False, zorder=3
            )
        axes.set_yticks(range(len(scores)), [shorten(score.name) for score in scores])
        axes.tick_params(axis="y", length=0, labelcolor=INK)
        axes.set_ylim(len(scores) - 0.5, -0.5)
        both = [v for s in scores for v in (s.precision, s.recall) if v is not None]
        axes.set_xlim(max(0.0, math.floor(min(both, default=0.0) * 10 - 0.2) / 10), 1.0)
        axes.spines["left"].set_visible(False)
        axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0, handletextpad=0.2)

    lowest = min(scores, key=lambda s: s.f1 or 0.0)
    described = f"Precision and recall of {len(scores)} classes; the lowest F1 is {lowest.f1 or 0:.3f}, {lowest.name}."
    caption = (
        f"The {ROWS} weakest of {count} classes; the table has them all."
        if count > ROWS
        else "The same numbers: a class whose two marks lie apart is named too often or too rarely."
    )
    return Plot("classes-drawn", paint, caption, printable(described, lines=True), size=(4.8, 1.1 + 0.27 * len(scores)))


def reliability(calibration: Calibration, correct_level: float = 0.95) -> Plot:
    """Accuracy against confidence, bin by bin, with the interval of each; below, how many samples each bin holds."""
    bins = calibration.bins
    full = [b for b in bins if b.count and b.accuracy is not None and b.confidence is not None]

    def paint(figure: Figure) -> Mapping[str, str]:
        from matplotlib.ticker import MaxNLocator

        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.4, 1))
        upper.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 2)))
        titles = {}
        for place, each in enumerate(full):
            right = round((each.accuracy or 0) * each.count)
            interval = wilson(right, each.count, correct_level)
            upper.plot([each.confidence] * 2, [interval.low, interval.high], color=FIRST, linewidth=1.2, alpha=0.6)
            (point,) = upper.plot(each.confidence, each.accuracy, "o", color=FIRST, ms=5.5)
            point.set_gid(f"bin-{place}")
            titles[f"bin-{place}"] = f"{each.confidence:.3f} sure, {each.accuracy:.3f} right, {each.count:,} samples"
        upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="right")
        upper.text(0.01, 0.95, "too modest", color=MUTED, fontsize=8)
        upper.text(0.99, 0.03, "too sure", color=MUTED, fontsize=8, ha="right")
        lower.bar(
            [(b.low + b.high) / 2 for b in bins],
            [b.count for b in bins],
            width=[0.9 * (b.high - b.low) for b in bins],
            color=FIRST,
            alpha=0.75,
        )
        lower.set(xlabel="confidence (highest probability)", ylabel="samples")
        lower.yaxis.set_major_formatter("{x:,.0f}")
        lower.yaxis.set_major_locator(MaxNLocator(nbins=3, integer=True))
        for axes in (upper, lower):
            axes.grid(visible=False, axis="x")
        return titles

    described = (
        f"Reliability curve of {len(bins)} bins: {calibration.confidence:.3f} sure and {calibration.accuracy:.3f} right "
        f"on average, expected calibration error {calibration.error:.4f}."
    )
    caption = (
        f"{len(bins)} bins of equal width, as in Guo et al. (2017). On the dotted diagonal, probabilities mean "
        "what they say; lines are 95 % intervals, so a bin with few pictures may stray."
    )
    rows = [(f"{b.low:.3f} – {b.high:.3f}", b.count, b.confidence, b.accuracy) for b in bins]
    columns = ("confidence", "samples", "mean confidence", "accuracy")
    return Plot("reliability", paint, caption, described, columns, rows, (4.8, 4.2))
