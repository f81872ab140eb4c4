"""What happened, in a few plain sentences computed from the numbers: accuracy, confusions, overfitting, calibration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite, pi, sqrt

from foveal.evaluation.intervals import wilson
from foveal.evaluation.results import Calibration, ClassScore, Evaluation, RegressionEvaluation

NO_BREAK = "\N{NO-BREAK SPACE}"
FEW = 50
"""Fewer samples than this carry no verdict: one more or less right moves every share by over two points."""
FEW_MISTAKES = 10
"""Fewer mistakes than this say nothing of which classes are confused."""


def percent(share: float, digits: int = 1) -> str:
    """A share as people write it, with a space that no line breaks at.

    Example:
        >>> percent(0.90731).replace(NO_BREAK, " ")
        '90.7 %'
    """
    return f"{100 * share:.{digits}f}{NO_BREAK}%"


def duration(seconds: float) -> str:
    """A time as people say it.

    Example:
        >>> [duration(each) for each in (0.42, 48.2, 108, 5400)]
        ['0.4 s', '48 s', '1 min 48 s', '1 h 30 min']
    """
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, left = divmod(minutes, 60)
    return f"{hours} h {left} min" if hours else f"{minutes} min {rest} s"


def sentences(
    evaluation: Evaluation | RegressionEvaluation,
    history: Mapping[str, Sequence[float]],
    split: str = "test",
    held: int = 0,
    things: str = "pictures",
    smoothed: bool = False,
) -> tuple[str, ...]:
    """The findings, the most important first; each is one or two sentences of plain text.

    Args:
        evaluation: on the split that ``split`` names.
        history: Keras names; without ``val_loss`` nothing is said of overfitting.
        split: what it was measured on.
        held: how many validation samples there were, where known: a gap that so few can give by chance is none.
        things: what a sample is called, in the plural.
        smoothed: whether it was trained with smoothed labels, which ask for modest answers.
    """
    found = [_measured(evaluation, split, things)]
    if isinstance(evaluation, Evaluation):
        found += [_confused(evaluation, things)]
    found += [_fit(history, held, things)]
    if isinstance(evaluation, Evaluation):
        found += [_sure(evaluation.calibration, evaluation.count, smoothed, things)]
    return tuple(each for each in found if each)


def _measured(evaluation: Evaluation | RegressionEvaluation, split: str, things: str) -> str:
    if isinstance(evaluation, RegressionEvaluation):
        return (
            f"On {evaluation.count:,} {split} samples the predictions are off by {evaluation.mae:.4g} on average "
            f"(mean squared error {evaluation.mse:.4g})."
        )
    said = (
        f"The network named {evaluation.correct:,} of {evaluation.count:,} {split} {things} right: "
        f"{percent(evaluation.accuracy)}. On all {things} of this kind its accuracy lies between "
        f"{percent(evaluation.interval.low)} and {percent(evaluation.interval.high)}, as far as this sample can tell."
    )
    second = next((each for each in evaluation.top_k if each.k == 2), None)
    if second and second.accuracy < 1:
        said += f" The right name was among its first two for {percent(second.accuracy)} of the {things}."
    return said


def _confused(evaluation: Evaluation, things: str) -> str:
    wrong = evaluation.count - evaluation.correct
    if not wrong and evaluation.count < FEW:
        return f"It made no mistake, but {evaluation.count} {things} are few: even one that errs often may pass so short a test."
    if not wrong:
        return "It made no mistake at all, which on real data deserves a second look at the data."
    both: dict[tuple[int, int], int] = {}
    for i, row in enumerate(evaluation.confusion):
        for j, count in enumerate(row):
            if i != j:
                pair = (i, j) if len(row) == 2 else (min(i, j), max(i, j))
                both[pair] = both.get(pair, 0) + count
    (a, b), most = max(both.items(), key=lambda item: (item[1], -item[0][0], -item[0][1]))
    equal = sum(count == most for count in both.values())
    first, second = _named(evaluation.classes[a]), _named(evaluation.classes[b])
    if wrong == 1:
        return f"Its only mistake is between {first} and {second}."
    if len(evaluation.classes) == 2:
        return f"It takes {first} for {second} in {most:,} of its {wrong:,} mistakes ({percent(most / wrong, 0)})."
    if wrong < FEW_MISTAKES:
        return f"Its {wrong} mistakes are too few to say which classes it confuses." + _extremes(evaluation.scores)
    if equal > 1:
        return (
            f"No two classes are confused most: {equal:,} pairs share that place, with {most:,} mistakes each."
            + _extremes(evaluation.scores)
        )
    share = f"all its {wrong:,}" if most == wrong else f"{most:,} of its {wrong:,}"
    part = "" if most == wrong else f" ({percent(most / wrong, 0)})"
    said = f"It confuses {first} and {second} most: {share} mistakes{part} are between these two."
    return said + _extremes(evaluation.scores)


def _extremes(scores: Sequence[ClassScore]) -> str:
    """The classes recognised best and worst, where the intervals of their recalls lie apart; classes that share a place are
    counted and not picked by their names."""
    seen = [(score.recall, score) for score in scores if score.recall is not None and score.support]
    if len(seen) < 3:
        return ""
    low, high = min(share for share, _ in seen), max(share for share, _ in seen)
    worst, best = ([score for share, score in seen if share == end] for end in (low, high))
    upper = max(wilson(round(low * score.support), score.support).high for score in worst)
    lower = min(wilson(round(high * score.support), score.support).low for score in best)
    if upper >= lower:
        return ""

    def told(group: list[ClassScore]) -> tuple[str, str]:
        return (_named(group[0].name), "is") if len(group) == 1 else (f"{len(group):,} classes", "are")

    (first, verb), (last, _) = told(best), told(worst)
    return f" {first} {verb} recognised best ({percent(high)}), {last} worst ({percent(low)})."


def _fit(history: Mapping[str, Sequence[float]], count: int, things: str) -> str:
    train = [v for v in history.get("loss", ()) if isfinite(v)]
    held = [v for v in history.get("val_loss", ()) if isfinite(v)]
    if not train or not held:
        return ""
    if 0 < count < FEW:
        return f"{count} validation {things} are too few to tell whether it overfits."
    best = min(range(len(held)), key=held.__getitem__)
    gap = _gap(history)
    if best < len(held) - 1 and held[-1] > 1.02 * held[best] and train[-1] < train[min(best, len(train) - 1)]:
        return (
            f"It overfits from epoch {best + 1} on: the validation loss rose from {held[best]:.3f} to {held[-1]:.3f} "
            f"while the training loss kept falling, so what it still learned held for its training {things} only."
        )
    if gap is not None and gap > max(0.03, _chance(history, count)):
        return (
            f"It is {100 * gap:.1f} points more accurate on the {things} it learned from than on those held back: "
            "it overfits a little, and augmentation or dropout may help."
        )
    if best == len(held) - 1 and len(held) > 1:
        return (
            "It does not overfit noticeably, and the validation loss was still falling at the end: "
            "more epochs may help."
        )
    return "It does not overfit noticeably: training and validation stayed together."


def _gap(history: Mapping[str, Sequence[float]]) -> float | None:
    train, held = history.get("accuracy") or (), history.get("val_accuracy") or ()
    return float(train[-1] - held[-1]) if len(train) and len(held) else None


def _chance(history: Mapping[str, Sequence[float]], count: int) -> float:
    """Two standard errors of the validation accuracy."""
    share = min(1.0, max(0.0, history["val_accuracy"][-1]))
    return 2 * sqrt(share * (1 - share) / count) if count else 0.0


def _named(name: str) -> str:
    """A class in a sentence: numbers and the like in quotation marks."""
    return name if name[:1].isalpha() else f"“{name}”"


def _sure(calibration: Calibration, count: int, smoothed: bool, things: str) -> str:
    """Whether probabilities mean what they say, as far as the sample's own chance lets it be told."""
    both = f"on average it is {percent(calibration.confidence)} sure and {percent(calibration.accuracy)} right"
    if count < FEW:
        return f"{count} {things} are too few to say whether its probabilities can be believed: {both}."
    interval = wilson(round(calibration.accuracy * count), count)
    if calibration.confidence > max(interval.high, calibration.accuracy + 0.01):
        return f"It is too sure of itself: {both}."
    if calibration.confidence < min(interval.low, calibration.accuracy - 0.01):
        reason = ", because smoothed labels never ask it to be sure" if smoothed else ""
        return f"It is too modest{reason}: {both}."
    # The gap of a bin that is exactly right is half-normal, with the binomial's standard deviation.
    spreads = [sqrt(b.count * b.confidence * (1 - b.confidence)) for b in calibration.bins if b.count and b.confidence]
    if calibration.error > max(0.02, 2 * sqrt(2 / pi) * sum(spreads) / count):
        return f"Its probabilities are right on average but not bin by bin: {both}."
    width = 100 * (interval.high - interval.low) / 2
    if width > 3:
        return f"Nothing speaks against its probabilities, but {count:,} {things} tell it to {width:.0f} points only: {both}."
    return f"Its probabilities can be taken at their word: {both}."
