"""What a run tells, as data: figures, pictures, curves and tables. :mod:`foveal.page.render` makes a page of it.

Every method shows something else: reconstructions, an attention map, boxes, samples over time. So a report is a list of
sections, a section a list of blocks, and a block one of the few kinds here, each with a caption that says what is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.evaluation.results import Evaluation, RegressionEvaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from foveal.network.tree import Sequential

Value = float | int | str


@dataclass(frozen=True)
class Headline:
    """A figure that matters.

    Args:
        label: what it is: "mean IoU".
        value: the figure; numbers are shown rounded and kept exactly in ``evaluation.json``.
        note: what it was measured on, its interval, what stands beside it.
        percent: whether a share of one is shown as a percentage.
        digits: how many significant ones are shown, zeros too; 0 for four, without zeros at the end.

    Example:
        >>> Headline("character error rate", 0.0123, percent=True).text
        '1.23 %'
        >>> Headline("ELBO", -236.4171).text, Headline("accuracy", 0.61, percent=True, digits=3).text
        ('−236.4', '61.0 %')
    """

    label: str
    value: Value
    note: str = ""
    percent: bool = False
    digits: int = 0

    @property
    def text(self) -> str:
        """The value as people read it."""
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, int) and not self.percent:
            return f"{self.value:,}".replace("-", "−")
        if not math.isfinite(self.value):
            return "not finite"
        value = 100 * self.value if self.percent else self.value
        shown = f"{value:#.{self.digits}g}".rstrip(".") if self.digits else f"{value:.4g}"
        return f"{shown}{' %' * self.percent}".replace("-", "−")


@dataclass(frozen=True)
class Series:
    """One line of :class:`Lines`: ``y`` over ``x``, with the ends of an interval where there is one."""

    label: str
    x: Sequence[float]
    y: Sequence[float]
    low: Sequence[float] | None = None
    high: Sequence[float] | None = None


@shown_briefly
@dataclass(frozen=True)
class Lines:
    """Curves over one axis, with bands for intervals."""

    name: str
    x_label: str
    y_label: str
    series: Sequence[Series]
    caption: str
    log_x: bool = False
    log_y: bool = False


@shown_briefly
@dataclass(frozen=True)
class Scatter:
    """Points of a plane, coloured by class: ``points`` (N, 2), ``labels`` (N,) whole numbers, ``names`` of the classes."""

    name: str
    points: NDArray[np.floating]
    labels: NDArray[np.integer]
    names: Sequence[str]
    caption: str


@dataclass(frozen=True)
class Bars:
    """Bars side by side: one group a label, one bar a series."""

    name: str
    labels: Sequence[str]
    values: Mapping[str, Sequence[float]]
    caption: str
    y_label: str = ""


@shown_briefly
@dataclass(frozen=True)
class Heat:
    """A matrix as a picture: ``values`` (rows, columns), with names of both where they are given."""

    name: str
    values: NDArray[np.floating]
    rows: Sequence[str]
    columns: Sequence[str]
    caption: str


@dataclass(frozen=True)
class Cell:
    """A cell of a table that is shown in words of its own; its exact value is what is copied."""

    text: str
    value: float


@shown_briefly
@dataclass(frozen=True)
class Rows:
    """A table. Numbers are shown to four significant digits; copied, they are exact.

    Args:
        name: letters, digits, hyphens; of its own within the report.
        columns: their headings.
        rows: one value a column, a :class:`Cell` where it is shown in other words.
        caption: stands below the table.
        heading: stands above it.
        label: what the table is called where no caption says it.
        texts: the columns set flush left; None for those that hold longer texts.
        footer: a last row, of totals.
        code: whether the first column is set in a monospaced font.
    """

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str = ""
    heading: str = ""
    label: str = ""
    texts: Sequence[int] | None = None
    footer: Sequence[object] = ()
    code: bool = False


@shown_briefly
@dataclass(frozen=True)
class Pictures:
    """Small pictures.

    Args:
        name: letters, digits, hyphens; of its own within the report.
        stack: uint8 (M, h, w) or (M, h, w, 1 | 3).
        labels: one a picture, below it.
        caption: what is seen.
        columns: how many stand in a row; 0 for as many as fit.
        descriptions: what people who cannot see a picture are told; its label by default.
        numbers: those behind the pictures, a click away.
    """

    name: str
    stack: NDArray[np.uint8]
    labels: Sequence[str] | None
    caption: str
    columns: int = 10
    descriptions: Sequence[str] | None = None
    numbers: Rows | None = None


@dataclass(frozen=True)
class Answer:
    """What a network said of a picture, how sure it was; what is true, and the probability that was left for it."""

    number: int
    said: str
    sure: str
    true: str
    left: str
    description: str


@shown_briefly
@dataclass(frozen=True)
class Answers:
    """Pictures with the answers that a classifier gave: ``stack`` as :class:`Pictures` has it, one answer a picture."""

    name: str
    stack: NDArray[np.uint8]
    answers: Sequence[Answer]


@dataclass(frozen=True)
class Texts:
    """Samples of text, each with a label, set in a monospaced font."""

    name: str
    items: Sequence[tuple[str, str]]
    caption: str


@shown_briefly
@dataclass(frozen=True)
class Plot:
    """A drawing of its own kind.

    Args:
        name: letters, digits, hyphens; of its own within the report.
        paint: draws on a matplotlib figure in the colours of :mod:`foveal.report.colours`; may return hover titles by gid.
        caption: what is seen.
        description: the same for people who cannot see it.
        columns, rows: the numbers behind it, for the table.
        size: width and height in inches.
        heading: stands above it.
        keys: colours of the style sheet and what they stand for, before the caption.
        frame: ``large`` for one that takes more room, ``scroll`` where it may be wider than a telephone.
    """

    name: str
    paint: Callable[[Figure], Mapping[str, str] | None]
    caption: str
    description: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    size: tuple[float, float] = (6.0, 4.0)
    heading: str = ""
    keys: Sequence[tuple[str, str]] = ()
    frame: Literal["", "large", "scroll"] = ""


@dataclass(frozen=True)
class Paragraph:
    """A sentence or two between other blocks."""

    text: str


@dataclass(frozen=True)
class Command:
    """A command line to type again, as its arguments."""

    arguments: Sequence[str]


@dataclass(frozen=True)
class Settings:
    """Names and values; mappings inside are told as ``outer.inner``."""

    heading: str
    values: Mapping[str, Any]


Chart = Lines | Scatter | Bars | Heat | Plot
Single = Chart | Pictures | Answers | Rows | Texts | Paragraph | Command | Settings


@dataclass(frozen=True)
class Pair:
    """Two blocks side by side where there is room; ``wide``: the left one takes three fifths of it."""

    left: Single
    right: Single
    wide: bool = False


Block = Single | Pair


@dataclass(frozen=True)
class Section:
    """A part of the report: a heading, a sentence or two that say what to look at, and blocks.

    ``name`` is what the bar at the top calls it, the heading by default.
    """

    heading: str
    text: str
    blocks: Sequence[Block] = ()
    name: str = ""


@shown_briefly
@dataclass(frozen=True)
class Report:
    """All that a run tells of what it found out.

    Args:
        headlines: figures that matter, the result first.
        sections: what a person wants to see of this method.
        networks: trees whose layers the report lists, by name.
        facts: every figure exactly, as JSON: becomes ``evaluation.json``.
        evaluation: a classifier's, whose figures are part of ``evaluation.json``.
        notes: what a reader must know, each one sentence.
        split: what was measured: the test set, or what stood in for it.
        sentences: what happened, in plain words, the most important first.
        details: what stands beside the headlines and is not a result: the data, the size of the network.
        configured_loss: whether the loss is the one that the configuration names, and not one of the method's own.

    Example:
        >>> told = Report([Headline("accuracy", 0.9)], facts={"accuracy": 0.9})
        >>> told.headlines[0].text
        '0.9'
    """

    headlines: Sequence[Headline]
    sections: Sequence[Section] = ()
    networks: Mapping[str, Sequential] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | RegressionEvaluation | None = None
    notes: Sequence[str] = ()
    split: str = "test"
    sentences: Sequence[str] = ()
    details: Sequence[Headline] = ()
    configured_loss: bool = False

    def to_json(self) -> dict[str, Any]:
        """The content of ``evaluation.json``: the evaluation where there is one, and every fact."""
        return {**(self.evaluation.to_json() if self.evaluation is not None else {}), **self.facts}


class Numbers(Protocol):
    """What a report needs of a training's history: one value an epoch by name, and rows within the epochs."""

    @property
    def history(self) -> Mapping[str, Sequence[float]]: ...
    @property
    def steps(self) -> Sequence[Mapping[str, float]]: ...


@dataclass(frozen=True)
class Measured:
    """A history by hand: columns of equal length with the Keras names (``loss``, ``val_loss``), one value an epoch; rows
    within the epochs as ``{"epoch": 1, "loss": 2.1}`` in their order."""

    history: Mapping[str, Sequence[float]]
    steps: Sequence[Mapping[str, float]] = ()


@shown_briefly
@dataclass(frozen=True)
class RunFacts:
    """The run that a report is about.

    Attributes:
        title: the run's name.
        name: the network or the system, as people call it.
        data: what it was trained on; empty where it brings its own.
        source: the paper.
        histories: the numbers of all epochs by stage; "" is the run itself.
        config: the training configuration.
        environment: versions, processor, threads, seed.
        command: the command line as its arguments, ``("foveal", "train", "lecture_cnn", …)``.
        seconds: the time that training took.
    """

    title: str
    name: str
    data: str = ""
    source: str = ""
    histories: Mapping[str, Numbers] = field(default_factory=dict)
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    command: Sequence[str] = ()
    seconds: float = 0.0
