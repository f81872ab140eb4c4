"""What a system found, as data: figures, pictures, curves and tables. :mod:`foveal.page.findings` makes a page of it.

Every method shows something else: reconstructions, an attention map, boxes, samples over time. So a report is a list of
sections, a section a list of blocks, and a block one of the few kinds here, each with a caption that says what is seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.brief import shown_briefly
from foveal.evaluation.results import Evaluation

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from foveal.network.tree import Sequential

Value = float | int | str


@dataclass(frozen=True)
class Headline:
    """A figure that matters.

    Args:
        label: what it is: "mean IoU".
        value: the figure; numbers are shown to four significant digits and kept exactly in ``evaluation.json``.
        note: what it was measured on, its interval, what stands beside it.
        percent: whether a share of one is shown as a percentage.

    Example:
        >>> Headline("character error rate", 0.0123, percent=True).text
        '1.23 %'
        >>> Headline("ELBO", -236.4171).text
        '−236.4'
    """

    label: str
    value: Value
    note: str = ""
    percent: bool = False

    @property
    def text(self) -> str:
        """The value as people read it."""
        if isinstance(self.value, str):
            return self.value
        if self.percent:
            return f"{100 * self.value:.4g} %".replace("-", "−")
        if isinstance(self.value, int):
            return f"{self.value:,}".replace("-", "−")
        return f"{self.value:.4g}".replace("-", "−") if math.isfinite(self.value) else "not finite"


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


@shown_briefly
@dataclass(frozen=True)
class Pictures:
    """Small pictures in rows of ``columns``: ``stack`` uint8 (M, h, w) or (M, h, w, 1 | 3), ``labels`` one a picture."""

    name: str
    stack: NDArray[np.uint8]
    labels: Sequence[str] | None
    caption: str
    columns: int = 10


@dataclass(frozen=True)
class Rows:
    """A table. Numbers are shown to four significant digits; copied, they are exact."""

    name: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    caption: str


@dataclass(frozen=True)
class Texts:
    """Samples of text, each with a label, set in a monospaced font."""

    name: str
    items: Sequence[tuple[str, str]]
    caption: str


@dataclass(frozen=True)
class Plot:
    """A drawing of its own kind.

    Args:
        name: letters, digits, hyphens.
        paint: draws on a matplotlib figure in the colours of :mod:`foveal.page.figure`; may return hover titles by gid.
        caption: what is seen.
        description: the same for people who cannot see it.
        columns, rows: the numbers behind it, for the table.
        size: width and height in inches.
    """

    name: str
    paint: Callable[[Figure], Mapping[str, str] | None]
    caption: str
    description: str
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[object]] = ()
    size: tuple[float, float] = (6.0, 4.0)


Block = Lines | Scatter | Bars | Heat | Pictures | Rows | Texts | Plot


@dataclass(frozen=True)
class Section:
    """A part of the report: a heading, a sentence or two that say what to look at, and blocks."""

    heading: str
    text: str
    blocks: Sequence[Block] = ()


@shown_briefly
@dataclass(frozen=True)
class Report:
    """All that a system found out.

    Args:
        headlines: figures that matter, the result first.
        sections: what a person wants to see of this method.
        networks: trees whose layers the report lists, by name.
        facts: every figure exactly, as JSON: becomes ``evaluation.json``.
        evaluation: a classifier's, whose usual sections (confusion, mistakes, calibration) are then added.
        pictures: uint8, those of ``evaluation.mistakes`` in their order.
        notes: what a reader must know, each one sentence.
        split: what was measured: the test set, or what stood in for it.

    Example:
        >>> found = Report([Headline("accuracy", 0.9)], facts={"accuracy": 0.9})
        >>> found.headlines[0].text
        '0.9'
    """

    headlines: Sequence[Headline]
    sections: Sequence[Section] = ()
    networks: Mapping[str, Sequential] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    evaluation: Evaluation | None = None
    pictures: NDArray[np.uint8] | None = None
    notes: Sequence[str] = ()
    split: str = "test"
