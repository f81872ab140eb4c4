"""The headline of a training report and the sections on what was measured, in the order in which they are read."""

from __future__ import annotations

import numpy as np

from foveal.evaluation.results import Evaluation, RegressionEvaluation
from foveal.page.markup import Markup, join, tag
from foveal.page.parts import Shown, chart, duration, number, section, table, tile
from foveal.page.portable import portable
from foveal.page.sprites import Sheet
from foveal.report import classification_charts as charts
from foveal.report.classification import ReportData
from foveal.report.sentences import percent, sentences


def headline(data: ReportData) -> Markup:
    """Title, the figure that matters with its interval, what happened in plain words, and the facts of the run."""
    found = data.evaluation
    if isinstance(found, RegressionEvaluation):
        big, under = (
            join(number(found.mae)),
            join("mean absolute error on ", number(found.count), f" {data.split} samples"),
        )
    else:
        big = join(f"{100 * found.accuracy:.1f}", tag("small", "%"))
        low, high = (f"{100 * each:.1f}" for each in (found.interval.low, found.interval.high))
        under = join(
            tag("b", f"{data.split} accuracy"),
            tag("br"),
            f"{found.correct:,} of {found.count:,} {_things(data)}",
            tag("br"),
            f"{100 * found.interval.level:g} % interval {low} – {high} %",
        )
    notes = [tag("li", tag("b", "Note. "), portable(note)) for note in data.notes]
    heading = f"{data.network} on {data.data}"
    said = sentences(
        found,
        data.history,
        data.split,
        data.counts.get("validation", 0),
        _things(data),
        bool(data.config.get("label_smoothing")),
    )
    return tag(
        "div",
        tag("p", "Training report", f" · {data.title}" if data.title != heading else None, class_="eyebrow"),
        tag("h1", heading),
        tag("ul", *notes, class_="notes") if notes else None,
        tag(
            "div",
            tag("div", tag("p", big, class_="figure"), tag("p", under)),
            tag("div", *(tag("p", each) for each in said), class_="words"),
            class_="lead",
        ),
        _facts(data),
        class_="hero",
    )


def _things(data: ReportData) -> str:
    return "samples" if data.pictures is None and data.filters is None else "pictures"


def _facts(data: ReportData) -> Markup:
    epochs = data.epochs
    order = ["training", "train", "validation", "test"]
    known = sorted(data.counts, key=lambda split: order.index(split) if split in order else len(order))
    parts = [f"{data.counts[split]:,} {split}" for split in known if data.counts[split]]
    facts = [
        ("Time taken", duration(data.seconds), f"{epochs} epoch{'s' * (epochs != 1)}" if epochs else None),
        ("Network", data.network, f"{len(data.layers)} layers" if data.layers else None),
        ("Data", data.data, " · ".join(parts) or None),
    ]
    if data.layers or data.totals:
        facts += [
            ("Parameters", number(data.parameters), "trainable"),
            ("Work a picture", f"{_short(data.macs)} MACs", "multiply-accumulates, forward"),
        ]
    return tag(
        "dl",
        *(
            tag("div", tag("dt", name), tag("dd", value, tag("small", more) if more else None))
            for name, value, more in facts
        ),
        class_="facts",
    )


def _short(count: int) -> str:
    for size, unit in ((10**9, "G"), (10**6, "M"), (10**3, "k")):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)


def curves(data: ReportData) -> Markup | None:
    """Loss and accuracy, training and validation."""
    drawn = []
    for key, heading, best in (("accuracy", "Accuracy", max), ("loss", "Loss", min)):
        plotted = charts.curve(data.history, key, heading, data.steps)
        if plotted is None:
            continue
        held = [value for value in data.history.get(f"val_{key}", ()) if np.isfinite(value)]
        column = list(data.history.get(f"val_{key}", ()))
        caption = (
            f"Best on validation: {best(held):.4f} in epoch {column.index(best(held)) + 1}."
            if held
            else "There was no validation set."
        )
        drawn.append(chart(plotted, heading, caption))
    if not drawn:
        return None
    introduction = (
        "How the network did after each epoch, on the pictures it learned from and on those held back. "
        "Training values are measured while the weights still change, and with augmentation and dropout where they "
        "are used, so the validation curve may start above."
    )
    return section("curves", "Learning curves", introduction, tag("div", *drawn, class_="pair twins"))


def confusions(data: ReportData) -> Markup | None:
    """The confusion matrix and the most confused pairs."""
    found = data.evaluation
    if not isinstance(found, Evaluation):
        return None
    caption = join(
        tag("span", class_="key right"),
        "on the diagonal: named right. ",
        tag("span", class_="key wrong"),
        "elsewhere: taken for another class. The deeper the colour, the more pictures.",
    )
    names = found.classes
    pairs = table(
        "confused",
        ("true", "taken for", "pictures", "of the class"),
        [(names[c.true], names[c.predicted], c.count, _part(c.share)) for c in found.confused],
        caption="The most confused pairs",
        texts=(0, 1),
    )
    matrix = chart(charts.confusion(found), None, caption, scroll=True, class_="card matrix")
    aside = tag("div", tag("h3", "Most confused"), pairs, class_="card") if found.confused else None
    return section(
        "confusion",
        "What is taken for what",
        "Each row is what the pictures show, each column what the network said.",
        tag("div", matrix, aside, class_="pair wide"),
    )


def _part(share: float, digits: int = 1) -> Shown:
    return Shown(percent(share, digits), share)


def classes(data: ReportData) -> Markup | None:
    """Precision, recall and F1 a class."""
    found = data.evaluation
    if not isinstance(found, Evaluation):
        return None
    drawn = charts.classes(found)
    listed = table(
        "classes-table",
        drawn.columns,
        [_rounded(row) for row in drawn.rows],
        caption="Precision, recall and F1 a class",
        footer=_rounded(
            ("mean / sum", found.macro_precision, found.macro_recall, found.macro_f1, found.count, found.count)
        ),
    )
    missing = " A dash stands where a quotient has no divisor." if any(None in row for row in drawn.rows) else ""
    return section(
        "classes",
        "Class by class",
        "Recall: of the pictures of a class, how many were found. Precision: of the pictures given a name, how many bear "
        f"it rightly. F1 is their harmonic mean.{missing}",
        tag(
            "div",
            tag("div", listed, class_="card"),
            tag("figure", drawn.svg, tag("figcaption", _shown(len(drawn.rows))), class_="card"),
            class_="pair",
        ),
    )


def _rounded(row: tuple[object, ...]) -> tuple[object, ...]:
    return tuple(Shown(f"{each:.3f}", each) if isinstance(each, float) else each for each in row)


def _shown(count: int) -> str:
    if count > charts.ROWS:
        return f"The {charts.ROWS} weakest of {count} classes; the table has them all."
    return "The same numbers: a class whose two marks lie apart is named too often or too rarely."


def calibration(data: ReportData) -> Markup | None:
    """The reliability curve, its errors and the proper scores."""
    found = data.evaluation
    if not isinstance(found, Evaluation):
        return None
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
            Shown(f"{found.negative_log_likelihood:.4f}", found.negative_log_likelihood),
            "nats a picture; lower is better",
        ),
        ("Brier score", Shown(f"{found.brier:.4f}", found.brier), "0 is perfect, 2 is sure and wrong"),
    ]
    listed = table("scores", ("", "value", "what it is"), rows, caption="Calibration in numbers", texts=(0, 2))
    caption = (
        f"{len(measured.bins)} bins of equal width, as in Guo et al. (2017). On the dotted diagonal, probabilities mean "
        "what they say; lines are 95 % intervals, so a bin with few pictures may stray."
    )
    return section(
        "calibration",
        "Can its probabilities be believed?",
        "When the network says 90 %, it should be right nine times in ten.",
        tag(
            "div",
            chart(charts.reliability(measured), None, caption),
            tag("div", listed, class_="card"),
            class_="pair",
        ),
    )


def mistakes(data: ReportData, sheet: Sheet | None) -> Markup | None:
    """The most confident wrong answers, with their pictures."""
    found = data.evaluation
    if not isinstance(found, Evaluation) or not found.mistakes or sheet is None or data.pictures is None:
        return None
    cards = []
    for place, each in enumerate(found.mistakes[: len(data.pictures)]):
        said, true = found.classes[each.predicted], found.classes[each.true]
        cards.append(
            tag(
                "li",
                tile(sheet, "mistake", place, f"{data.split} picture {each.index}: {true}, taken for {said}"),
                tag("p", tag("span", "“", tag("b", said), "”"), tag("span", _sure(each.probability)), class_="said"),
                tag("p", tag("span", "is ", tag("b", true)), tag("span", _sure(each.probability_of_true))),
                tag("p", f"no. {each.index}"),
            )
        )
    return section(
        "mistakes",
        "The worst mistakes",
        "Wrong answers that the network was surest of: first what it said and how sure it was, then what the label says "
        "and the probability that was left for it. Numbers count from 0. Some of these labels deserve a second look.",
        tag("ol", *cards, class_="gallery"),
    )


def _sure(probability: float) -> str:
    """A probability that is neither 0 nor 1 is not printed as one."""
    if 0.9995 <= probability < 1:
        return "> 99.9 %"
    return "< 0.1 %" if 0 < probability < 0.0005 else percent(probability)
