"""How good a trained network is: accuracy and its interval, scores a class, confusions, calibration, worst mistakes."""

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
