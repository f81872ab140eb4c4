"""What the report on reading shows: lines with what was read above them, error rates, what is taken for what, the worst."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.generated.digit_lines import LETTERS, WrittenLines
from foveal.evaluation.intervals import wilson
from foveal.evaluation.transcription import edits, greedy
from foveal.report.blocks import Bars, Heat, Plot, Rows, Section, Series
from foveal.report.blocks import Lines as Curves
from foveal.report.colours import FIRST, LINE, MUTED, SECOND

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 10
WORST = 16
_SHORT = 4  # pairs listed


def sections(lines: WrittenLines, logs: NDArray[np.float64], read: Mapping[str, Any]) -> list[Section]:
    """The sections of the report.

    Args:
        lines: those that were read.
        logs: ln of the probabilities, N × T × characters, blank last.
        read: what :func:`foveal.systems.sequence.crnn.readings` found.
    """
    texts = read["texts"]
    distances = np.array([edits(a, b).distance for a, b in zip(texts, lines.texts, strict=True)])
    likely = np.array(read["likelihoods"])
    worst = np.lexsort((-likely, -distances))[:WORST]
    worst = worst[distances[worst] > 0]
    return [
        Section(
            "Reading",
            "Above each line stand the digits where the network fired: at most steps it says blank, and once for a digit that "
            "digit. The line's text was all it was told in training.",
            [lines_plot("readings", lines, logs, texts, list(range(min(SHOWN, len(lines)))),
                        "The first test lines, not chosen; what was read, and where. Wrong readings say what is right.")],
        ),
        Section(
            "Column by column",
            "The same with all probabilities: a row a digit and, lowest, blank; a step of the network is four columns of "
            "pixels. Blank between two like digits is what tells 11 from 1.",
            [_columns(lines, logs, index, name) for index, name in _two(lines, distances)],
        ),
        Section(
            "Error rate by length",
            "Changes needed for each digit there is, and the share of lines without a mistake. A longer line has more chances of "
            "one; the rate of each digit should not depend on it.",
            _by_length(read["by_length"]),
        ),
        Section(
            "What is taken for what",
            "Counts over all test lines, by the fewest changes that lead from what was read to what is right.",
            _confusions(read),
        ),
        Section(
            "Where it fires",
            "Steps at which a digit fired, measured from the digit's true middle: the network was never told where a digit "
            "stands. It decides when it has seen enough, and both directions of the LSTM have seen all.",
            [_offsets(np.array(read["offsets"]))],
        ),
        Section(
            "Worst lines",
            "Most changes needed first; of equals, the one that the network was surest of." if len(worst)
            else "Every test line was read rightly, so there is nothing to show but the first.",
            [lines_plot("worst", lines, logs, texts, worst.tolist() or [0],
                        "What was read, what is right, and where each digit fired.")],
        ),
    ]  # fmt: skip


def lines_plot(
    name: str, lines: WrittenLines, logs: NDArray[np.float64], texts: Sequence[str], chosen: Sequence[int], caption: str
) -> Plot:
    """Lines in two columns, each with the digits of its likeliest path above the columns where they fired."""
    height = -(-len(chosen) // 2)

    def paint(figure: Figure) -> None:
        grid = figure.subplots(height, 2, squeeze=False)
        for place, axes in enumerate(grid.flat):
            axes.set_axis_off()
            if place < len(chosen):
                index = chosen[place]
                _line(axes, lines.images[index, ..., 0], logs[index])
                right = texts[index] == lines.texts[index]
                said = f"read {texts[index] or 'nothing'}" + ("" if right else f", is {lines.texts[index]}")
                axes.set_title(said, fontsize=9, loc="left", color=MUTED if right else SECOND, pad=14)

    rows = [(lines.texts[i], texts[i], edits(texts[i], lines.texts[i]).distance) for i in chosen]
    told = "; ".join(f"{right} read as {said or 'nothing'}" for right, said, _ in rows)
    return Plot(name, paint, caption, told, ("right", "read", "changes"), rows, (7.2, 0.95 * height + 0.1))


def _line(axes: Axes, picture: NDArray[np.uint8], logs: NDArray[np.float64]) -> None:
    """A line, and above it what its likeliest path says, where."""
    height, width = picture.shape
    step = width / len(logs)
    axes.imshow(picture, cmap="gray", vmin=0, vmax=255, extent=(0, width, height, 0), interpolation="nearest")
    path = greedy(logs, logs.shape[1] - 1)
    for character, at in zip(path.text, path.steps, strict=True):
        x = (at + 0.5) * step
        axes.plot([x, x], [0, height], color=FIRST, linewidth=0.8, alpha=0.8)
        axes.text(x, -1.5, LETTERS[character], ha="center", va="bottom", fontsize=9, color=FIRST)
    axes.set_xlim(0, width)


def _two(lines: WrittenLines, distances: NDArray[Any]) -> list[tuple[int, str]]:
    """The first long line that was read rightly, and the first that was not."""
    long = np.array([len(text) >= 7 for text in lines.texts])
    right, wrong = np.flatnonzero((distances == 0) & long), np.flatnonzero(distances > 0)
    found = [(int(right[0]), "columns-right")] if len(right) else []
    found += [(int(wrong[0]), "columns-wrong")] if len(wrong) else []
    return found or [(0, "columns")]


def _columns(lines: WrittenLines, logs: NDArray[np.float64], index: int, name: str) -> Plot:
    """A line and, under it, the probability of each character at each step."""
    picture, own = lines.images[index, ..., 0], logs[index]
    shares = np.exp(own)
    width = picture.shape[1]
    names = [*LETTERS, "blank"]

    def paint(figure: Figure) -> None:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(1, 2.2))
        _line(above, picture, own)
        above.set_aspect("auto")
        above.set_axis_off()
        image = below.imshow(shares.T, aspect="auto", cmap="viridis", vmin=0, vmax=1, interpolation="nearest",
                             extent=(0, width, len(names) - 0.5, -0.5))  # fmt: skip
        below.set_yticks(range(len(names)), names)
        below.set_xlabel("column of the picture")
        below.grid(visible=False)
        for edge in range(1, len(names)):
            below.axhline(edge - 0.5, color=LINE, linewidth=0.3, alpha=0.4)
        figure.colorbar(image, ax=below, fraction=0.035, pad=0.02)

    path = greedy(own, len(LETTERS))
    said = "".join(LETTERS[k] for k in path.text)
    rows = [(LETTERS[k], at, round(p, 4)) for k, at, p in zip(path.text, path.steps, path.confidences, strict=True)]
    caption = f"{lines.texts[index]}, whose likeliest path says {said or 'nothing'}."
    return Plot(name, paint, caption, f"Probability of each digit at each step. {caption}",
                ("digit", "step", "probability"), rows, (7.2, 3.4))  # fmt: skip


def _by_length(found: Sequence[Mapping[str, Any]]) -> list[Curves]:
    lengths = [each["length"] for each in found]
    exact = [each["exact"] / each["count"] for each in found]
    sure = [wilson(each["exact"], each["count"]) for each in found]
    rate: Callable[[str], list[float]] = lambda key: [each[key] for each in found]  # noqa: E731
    return [
        Curves("rate-by-length", "digits in the line", "character error rate",
               [Series("error rate", lengths, rate("rate"), rate("low"), rate("high"))],
               f"Band: 95 % bootstrap interval over lines, {min(rate('count')):,} to {max(rate('count')):,} a length."),
        Curves("exact-by-length", "digits in the line", "share of lines read exactly",
               [Series("exact", lengths, exact, [each.low for each in sure], [each.high for each in sure])],
               "Band: Wilson's 95 % interval."),
    ]  # fmt: skip


def _confusions(read: Mapping[str, Any]) -> list[Heat | Rows]:
    taken, missing, added = (np.array(read[key]) for key in ("taken_for", "missing", "added"))
    pairs = sorted(((int(n), i, j) for (i, j), n in np.ndenumerate(taken) if n), reverse=True)
    kinds = [("one digit taken for another", int(taken.sum())), ("a digit overlooked", int(missing.sum())),
             ("a digit that is not there", int(added.sum()))]  # fmt: skip
    most = [f"{LETTERS[i]} as {LETTERS[j]} ({n} times)" for n, i, j in pairs[:_SHORT]]
    listed = f"Most often {', '.join(most)}." if most else "No digit was taken for another."
    return [
        Heat("taken-for", taken, list(LETTERS), list(LETTERS), f"Rows: the right digit; columns: what was read. {listed}"),
        Rows("mistakes-by-kind", ("mistake", "count"), kinds, "All changes of all test lines."),
        Rows("mistakes-by-digit", ("digit", "taken for another", "overlooked", "read where it is not"),
             [(LETTERS[k], int(taken[k].sum()), int(missing[k]), int(added[k])) for k in range(len(LETTERS))],
             "The same by digit."),
    ]  # fmt: skip


def _offsets(offsets: NDArray[np.float64]) -> Bars:
    edges = np.arange(-14.0, 15.0, 4.0)
    counts, _ = np.histogram(np.clip(offsets, edges[0], edges[-1]), edges)
    shares = counts / max(1, counts.sum())
    middles = [f"{(a + b) / 2:+.0f}".replace("-", "−").replace("+0", "0") for a, b in itertools.pairwise(edges)]
    mean = (
        f"Mean {offsets.mean():+.1f} columns, deviation {offsets.std():.1f}." if len(offsets) else "No line was exact."
    )
    return Bars("offsets", middles, {"share of digits": shares.tolist()},
                f"Columns to the right of the digit's middle, of exactly read lines. {mean}".replace("-", "−"),
                y_label="share of digits")  # fmt: skip
