"""How good a trained network is: accuracy and its interval, scores a class, confusions, calibration, worst mistakes."""

from __future__ import annotations

import importlib
from typing import Any

from foveal.evaluation.metrics import as_distribution, as_probabilities, evaluate, evaluate_regression
from foveal.evaluation.results import Evaluation, RegressionEvaluation, from_json

__all__ = [
    "Evaluation",
    "RegressionEvaluation",
    "as_distribution",
    "as_probabilities",
    "evaluate",
    "evaluate_regression",
    "from_json",
]


def __getattr__(name: str) -> Any:
    if name == "ReportData":  # was here in version 0.1; by name only, as this room knows of no page
        return importlib.import_module("foveal.page.report").ReportData
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
