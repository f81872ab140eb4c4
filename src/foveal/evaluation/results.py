"""What an evaluation found, as plain data: frozen dataclasses that go to JSON and come back equal.

Nothing here computes; :mod:`foveal.evaluation.metrics` fills these in, and the report, the terminal and a program that
reads ``evaluation.json`` all read the same values.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, cast

from foveal.data.brief import shown_briefly
from foveal.errors import FormatError

SCHEMA = 1


@dataclass(frozen=True)
class Interval:
    """A confidence interval ``low … high`` at ``level`` (0.95: it covers the truth in 95 of 100 samples)."""

    low: float
    high: float
    level: float = 0.95


@dataclass(frozen=True)
class TopK:
    """The share of samples whose true class is among the ``k`` most probable ones."""

    k: int
    accuracy: float


@dataclass(frozen=True)
class ClassScore:
    """One class. A quotient whose divisor is zero is ``None``, never a made-up 0 or 1.

    ``precision`` is ``None`` where the class was never predicted, ``recall`` where it never occurs, ``f1`` where both.
    ``support`` counts the samples of the class, ``predicted`` the samples that were taken for it.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int
    predicted: int


@dataclass(frozen=True)
class Confusion:
    """``count`` samples of class ``true`` (an index), ``share`` of that class, were taken for ``predicted``."""

    true: int
    predicted: int
    count: int
    share: float


@dataclass(frozen=True)
class Mistake:
    """One wrong answer: sample ``index`` is ``true``, but ``predicted`` got ``probability`` (``true`` got the last)."""

    index: int
    true: int
    predicted: int
    probability: float
    probability_of_true: float


@dataclass(frozen=True)
class ReliabilityBin:
    """Samples whose highest probability lies in ``low < p ≤ high``; the means are ``None`` where there are none."""

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Calibration:
    """How far probabilities can be taken at their word (Guo et al., "On Calibration of Modern Neural Networks", 2017).

    ``error`` is the expected calibration error, ``largest`` the maximum one, both over the equal-width ``bins``;
    ``confidence`` is the mean of the highest probabilities, ``accuracy`` the share of right answers.
    """

    error: float
    largest: float
    confidence: float
    accuracy: float
    bins: tuple[ReliabilityBin, ...]


@shown_briefly
@dataclass(frozen=True)
class Evaluation:
    """A classifier, measured on ``count`` samples.

    Attributes:
        classes: names, in the order of the network's outputs (K of them).
        count: the number of samples.
        correct: how many were named right.
        accuracy: ``correct / count``.
        interval: the Wilson interval of the accuracy.
        top_k: accuracies for growing k, the first with k = 1.
        scores: one a class.
        macro_precision, macro_recall, macro_f1: plain means over the classes where the value exists.
        confusion: K rows (true) of K counts (predicted); its sum is ``count``.
        confused: the pairs of classes confused most, the most frequent first.
        mistakes: the wrong answers that were most confident, the worst first.
        calibration: the reliability curve and its errors.
        negative_log_likelihood: mean of −ln p(true class), in nats.
        brier: mean over samples of Σ over classes of (p − y)², between 0 and 2 (Brier, 1950).
    """

    classes: tuple[str, ...]
    count: int
    correct: int
    accuracy: float
    interval: Interval
    top_k: tuple[TopK, ...]
    scores: tuple[ClassScore, ...]
    macro_precision: float | None
    macro_recall: float | None
    macro_f1: float | None
    confusion: tuple[tuple[int, ...], ...]
    confused: tuple[Confusion, ...]
    mistakes: tuple[Mistake, ...]
    calibration: Calibration
    negative_log_likelihood: float
    brier: float

    def to_json(self) -> dict[str, Any]:
        """The evaluation as values that :mod:`json` writes."""
        return {"schema": SCHEMA, "task": "classification", **_lists(asdict(self))}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Evaluation:
        """The inverse of :meth:`to_json`.

        Raises:
            FormatError: another schema or task, or a key that is missing.
        """
        _expect(data, "classification")
        try:
            calibration = data["calibration"]
            return cls(
                classes=tuple(data["classes"]),
                count=data["count"],
                correct=data["correct"],
                accuracy=data["accuracy"],
                interval=Interval(**data["interval"]),
                top_k=tuple(TopK(**each) for each in data["top_k"]),
                scores=tuple(ClassScore(**each) for each in data["scores"]),
                macro_precision=data["macro_precision"],
                macro_recall=data["macro_recall"],
                macro_f1=data["macro_f1"],
                confusion=tuple(tuple(row) for row in data["confusion"]),
                confused=tuple(Confusion(**each) for each in data["confused"]),
                mistakes=tuple(Mistake(**each) for each in data["mistakes"]),
                calibration=Calibration(
                    **{**calibration, "bins": tuple(ReliabilityBin(**each) for each in calibration["bins"])}
                ),
                negative_log_likelihood=data["negative_log_likelihood"],
                brier=data["brier"],
            )
        except (KeyError, TypeError) as problem:
            raise _damaged(problem) from None


@dataclass(frozen=True)
class RegressionEvaluation:
    """A regressor, measured on ``count`` samples: mean squared and mean absolute error, in the targets' units."""

    count: int
    mse: float
    mae: float

    def to_json(self) -> dict[str, Any]:
        """The evaluation as values that :mod:`json` writes."""
        return {"schema": SCHEMA, "task": "regression", **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> RegressionEvaluation:
        """The inverse of :meth:`to_json`; raises :class:`FormatError` as :meth:`Evaluation.from_json` does."""
        _expect(data, "regression")
        try:
            return cls(count=data["count"], mse=data["mse"], mae=data["mae"])
        except (KeyError, TypeError) as problem:
            raise _damaged(problem) from None


def from_json(data: Mapping[str, Any]) -> Evaluation | RegressionEvaluation:
    """Whichever kind of evaluation ``data`` holds."""
    return RegressionEvaluation.from_json(data) if data.get("task") == "regression" else Evaluation.from_json(data)


def _expect(data: Mapping[str, Any], task: str) -> None:
    given = (data.get("schema"), data.get("task"))
    if given != (SCHEMA, task):
        raise FormatError(
            "this is not an evaluation that can be read here",
            where="evaluation",
            given=f"schema {given[0]!r}, task {given[1]!r}",
            expected=f"schema {SCHEMA}, task {task!r}",
            fix="evaluate again with this version: foveal evaluate RUN",
        )


def _damaged(problem: Exception) -> FormatError:
    return FormatError(
        "the evaluation is incomplete",
        where="evaluation",
        given=f"{type(problem).__name__}: {problem}",
        fix="evaluate again: foveal evaluate RUN",
    )


def _lists(value: Any) -> dict[str, Any]:
    """``value`` with every tuple as a list, as JSON has it (so that what is written equals what is read)."""

    def plain(item: Any) -> Any:
        if isinstance(item, dict):
            return {key: plain(each) for key, each in item.items()}
        if isinstance(item, list | tuple):
            return [plain(each) for each in item]
        return item

    return cast(dict[str, Any], plain(value))
