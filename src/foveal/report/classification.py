"""A classifier's report as blocks: the accuracy with its interval, plain sentences, confusions, classes, calibration, mistakes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from foveal.evaluation.results import Evaluation, RegressionEvaluation
from foveal.printable import counted
from foveal.report import classification_charts as charts
from foveal.report.blocks import Answer, Answers, Cell, Headline, Pair, Report, Rows, Section
from foveal.report.filters import filters as learned
from foveal.report.sentences import percent, sentences

if TYPE_CHECKING:
    from foveal.network.tree import Sequential


def classified(
    evaluation: Evaluation | RegressionEvaluation,
    *,
    split: str = "test",
    network: Sequential | None = None,
    name: str = "",
    data: str = "",
    counts: Mapping[str, int] | None = None,
    history: Mapping[str, Sequence[float]] | None = None,
    smoothed: bool = False,
    pictures: NDArray[np.uint8] | None = None,
    filters: NDArray[np.floating] | None = None,
    filters_path: str = "",
    notes: Sequence[str] = (),
) -> Report:
    """The report of a classifier, or of a regressor, whoever trained it; what is not given is left out.

    Args:
        evaluation: what was measured, on the split that ``split`` names.
        split: ``test``, or ``validation`` or ``training`` where there is no better one.
        network: the tree, whose layers are listed.
        name, data: of the network and of the data set.
        counts: samples by split: ``training``, ``validation``, ``test``.
        history: columns with the Keras names, one value an epoch; without ``val_loss`` nothing is said of overfitting.
        smoothed: whether it was trained with smoothed labels, which ask for modest answers.
        pictures: (M, h, w) or (M, h, w, 1 | 3) uint8, those of the first M of ``evaluation.mistakes``.
        filters: (kh, kw, cin, cout), the first convolution's learned weights; ``filters_path`` is its node path.
        notes: whatever a reader must know, each one sentence.

    Example:
        >>> from foveal.evaluation import evaluate
        >>> told = classified(evaluate([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]], [0, 1, 1], ["cat", "dog"]))
        >>> told.headlines[0].text, [part.name for part in told.sections]
        ('66.7 %', ['Confusion', 'Classes', 'Calibration'])
    """
    things = "samples" if pictures is None and filters is None else "pictures"
    held = (counts or {}).get("validation", 0)
    shown = sections(evaluation, split, pictures) if isinstance(evaluation, Evaluation) else []
    kernels = None if filters is None else learned(filters, filters_path)
    return Report(
        headlines=[_headline(evaluation, split, things)],
        sections=[*shown, *([kernels] if kernels else [])],
        networks={} if network is None else {name or "network": network},
        evaluation=evaluation,
        notes=notes,
        split=split,
        sentences=sentences(evaluation, history or {}, split, held, things, smoothed),
        details=details(name, data, counts or {}, None if network is None else _sizes(network)),
        configured_loss=True,
    )


def sections(evaluation: Evaluation, split: str = "test", pictures: NDArray[np.uint8] | None = None) -> list[Section]:
    """What is shown of every classifier: confusions, classes, calibration, and the worst mistakes where there are pictures."""
    shown = [_confusions(evaluation), _classes(evaluation), _calibration(evaluation)]
    if pictures is not None and len(pictures) and evaluation.mistakes:
        shown.append(_mistakes(evaluation, split, pictures))
    return shown


def _headline(evaluation: Evaluation | RegressionEvaluation, split: str, things: str) -> Headline:
    if isinstance(evaluation, RegressionEvaluation):
        return Headline(f"mean absolute error on {evaluation.count:,} {split} samples", evaluation.mae)
    low, high = (f"{100 * each:.1f}" for each in (evaluation.interval.low, evaluation.interval.high))
    note = (
        f"{evaluation.correct:,} of {evaluation.count:,} {things}, "
        f"{100 * evaluation.interval.level:g} % interval {low} – {high} %"
    )
    digits = 4 if 0.9995 <= evaluation.accuracy < 1 else 3  # what is not all is not shown as 100 %
    return Headline(f"{split} accuracy", evaluation.accuracy, note, percent=True, digits=digits)


def details(name: str, data: str, counts: Mapping[str, int], sizes: Mapping[str, int] | None = None) -> list[Headline]:
    """Network and data with their sizes: ``counts`` of samples by split; ``layers``, ``parameters`` and ``macs``."""
    order = ["training", "train", "validation", "test"]
    known = sorted(counts, key=lambda split: order.index(split) if split in order else len(order))
    parts = " · ".join(f"{counts[split]:,} {split}" for split in known if counts[split])
    layers = counted(sizes["layers"], "layer") if sizes and sizes["layers"] else ""
    told = [Headline("Network", name, layers), Headline("Data", data, parts)]
    if sizes:
        told.append(Headline("Parameters", sizes["parameters"], "trainable"))
        told.append(Headline("Work a picture", f"{_short(sizes['macs'])} MACs", "multiply-accumulates, forward"))
    return [each for each in told if each.value != ""]


def _sizes(network: Sequential) -> dict[str, int]:
    from foveal.arithmetic.summary import summarize

    told = summarize(network).to_dict()
    return {"layers": len(told["layers"]), **{key: int(told["totals"][key] or 0) for key in ("parameters", "macs")}}


def _confusions(found: Evaluation) -> Section:
    """The confusion matrix and the most confused pairs."""
    names = found.classes
    matrix = charts.confusion(found)
    pairs = Rows(
        "confused",
        ("true", "taken for", "pictures", "of the class"),
        [(names[c.true], names[c.predicted], c.count, _part(c.share)) for c in found.confused],
        heading="Most confused",
        label="The most confused pairs",
        texts=(0, 1),
    )
    text = "Each row is what the pictures show, each column what the network said."
    blocks = [Pair(matrix, pairs, wide=True) if found.confused else matrix]
    return Section("What is taken for what", text, blocks, "Confusion")


def _part(share: float, digits: int = 1) -> Cell:
    return Cell(percent(share, digits), share)


def _classes(found: Evaluation) -> Section:
    """Precision, recall and F1 by class."""
    rows = [(s.name, s.precision, s.recall, s.f1, s.support, s.predicted) for s in found.scores]
    listed = Rows(
        "classes",
        ("class", "precision", "recall", "F1", "samples", "predicted"),
        [_rounded(row) for row in rows],
        label="Precision, recall and F1 a class",
        texts=(0,),
        footer=_rounded(
            ("mean / sum", found.macro_precision, found.macro_recall, found.macro_f1, found.count, found.count)
        ),
    )
    missing = " A dash stands where a quotient has no divisor." if any(None in row for row in rows) else ""
    text = (
        "Recall: of the pictures of a class, how many were found. Precision: of the pictures given a name, how many bear "
        f"it rightly. F1 is their harmonic mean.{missing}"
    )
    return Section("Class by class", text, [Pair(listed, charts.classes(found))], "Classes")


def _rounded(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(Cell(f"{each:.3f}", each) if isinstance(each, float) else each for each in row)


def _calibration(found: Evaluation) -> Section:
    """The reliability curve, its errors and the proper scores."""
    measured = found.calibration
    top = [(f"right within the first {each.k}", _part(each.accuracy, 2), "") for each in found.top_k if each.k > 1]
    rows = [
        ("mean confidence", _part(measured.confidence, 2), "the highest probability, on average"),
        ("accuracy", _part(measured.accuracy, 2), "the highest probability is the right one's"),
        *top,
        ("expected calibration error", _part(measured.error, 2), "mean gap between the two, bin by bin"),
        ("largest calibration error", _part(measured.largest, 2), "the widest gap of a bin"),
        (
            "negative log-likelihood",
            Cell(f"{found.negative_log_likelihood:.4f}", found.negative_log_likelihood),
            "nats a picture; lower is better",
        ),
        ("Brier score", Cell(f"{found.brier:.4f}", found.brier), "0 is perfect, 2 is sure and wrong"),
    ]
    listed = Rows("scores", ("", "value", "what it is"), rows, label="Calibration in numbers", texts=(0, 2))
    text = "When the network says 90 %, it should be right nine times in ten."
    blocks = [Pair(charts.reliability(measured), listed)]
    return Section("Can its probabilities be believed?", text, blocks, "Calibration")


def _mistakes(found: Evaluation, split: str, pictures: NDArray[np.uint8]) -> Section:
    """The most confident wrong answers, with their pictures."""
    answers = []
    for each in found.mistakes[: len(pictures)]:
        said, true = found.classes[each.predicted], found.classes[each.true]
        answers.append(
            Answer(
                each.index, said, _sure(each.probability), true, _sure(each.probability_of_true),
                f"{split} picture {each.index}: {true}, taken for {said}",
            )
        )  # fmt: skip
    text = (
        "Wrong answers that the network was surest of: first what it said and how sure it was, then what the label says "
        "and the probability that was left for it. Numbers count from 0. Some of these labels deserve a second look."
    )
    return Section("The worst mistakes", text, [Answers("mistakes", pictures, answers)], "Mistakes")


def _sure(probability: float) -> str:
    """A probability that is neither 0 nor 1 is not printed as one."""
    if 0.9995 <= probability < 1:
        return "> 99.9 %"
    return "< 0.1 %" if 0 < probability < 0.0005 else percent(probability)


def _short(count: int) -> str:
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)
