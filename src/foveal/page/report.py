"""A classifier's report as version 0.1 was asked for it; new code says ``classified`` and :mod:`foveal.page.render`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal import files
from foveal.data.brief import shown_briefly
from foveal.evaluation.results import Evaluation, RegressionEvaluation
from foveal.page import render as page
from foveal.report import outline
from foveal.report.blocks import Measured, Report, RunFacts
from foveal.report.classification import classified, details

LIMIT = page.LIMIT


@shown_briefly
@dataclass(frozen=True)
class ReportData:
    """What happened in a run: the arguments of :func:`foveal.report.classification.classified` and of
    :class:`foveal.report.blocks.RunFacts` in one, with ``layers`` and ``totals`` as ``foveal show NET --json`` has them."""

    title: str
    network: str
    data: str
    history: Mapping[str, Sequence[float]]
    evaluation: Evaluation | RegressionEvaluation
    layers: Sequence[Mapping[str, Any]]
    config: Mapping[str, Any]
    environment: Mapping[str, Any]
    command: Sequence[str]
    seconds: float
    split: str = "test"
    pictures: NDArray[np.uint8] | None = None
    filters: NDArray[np.floating] | None = None
    filters_path: str = ""
    notes: Sequence[str] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    totals: Mapping[str, Any] = field(default_factory=dict)
    steps: Sequence[Mapping[str, float]] = ()

    @property
    def parameters(self) -> int:
        """Trainable parameters of the network."""
        return outline.total(self.layers, self.totals, "parameters")

    @property
    def macs(self) -> int:
        """Multiply-accumulates a picture."""
        return outline.total(self.layers, self.totals, "macs")

    @property
    def epochs(self) -> int:
        """How many epochs the history holds."""
        return max((len(column) for column in self.history.values()), default=0)


def write(path: str | os.PathLike[str], data: ReportData) -> Path:
    """Write the report to ``path``, and ``evaluation.json`` beside it, each atomically.

    Raises:
        FileError: a file could not be written.
    """
    report, about = _told(data)
    files.write_json(Path(path).with_name("evaluation.json"), report.to_json())
    return page.write(path, report, about)


def render(data: ReportData) -> str:
    """The report as HTML text."""
    return page.render(*_told(data))


def _told(data: ReportData) -> tuple[Report, RunFacts]:
    report = classified(
        data.evaluation,
        split=data.split,
        counts=data.counts,
        history=data.history,
        smoothed=bool(data.config.get("label_smoothing")),
        pictures=data.pictures,
        filters=data.filters,
        filters_path=data.filters_path,
        notes=data.notes,
    )
    known = {"layers": len(data.layers), "parameters": data.parameters, "macs": data.macs}
    report = replace(
        report,
        sections=[*report.sections, *([outline.layers(data.layers, data.totals)] if data.layers else [])],
        details=details(data.network, data.data, data.counts, known if data.layers or data.totals else None),
    )
    drawn = {key: column for key, column in data.history.items() if key.removeprefix("val_") in ("accuracy", "loss")}
    about = RunFacts(
        title=data.title,
        name=data.network,
        data=data.data,
        histories={"": Measured(drawn, data.steps)} if drawn else {},
        config=data.config,
        environment=data.environment,
        command=data.command,
        seconds=data.seconds,
    )
    return report, about
