"""Transfer learning: what was learned on one half of the classes, used for the other half with few labels.

A network learns the first half of a data set's classes. Its head, the dense layers at its end, is replaced by one for the
second half, and learns from 10, 30, 100, 300 or 1,000 labelled pictures: alone, the layers below frozen; or together with
them, fine-tuned. Beside it go the same network from scratch, and a linear classifier on pixels.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.errors import DataError
from foveal.report import classification
from foveal.report.blocks import Headline, Report
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.classification.classifier import classify
from foveal.systems.embedding.transfer_learner import FROZEN, PIXELS, SCRATCH, TUNED, Learner, network
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.data.dataset import DataSet, Split
    from foveal.runs.run import Run

RECIPE = TrainingConfig(epochs=4, batch_size=64, schedule="one-cycle", lr=3e-3, validation=0.1)
"""Of the source. At 100 labels of Fashion-MNIST's second half: frozen 0.897, fine-tuned 0.893, from scratch 0.877, a linear
classifier on pixels 0.867 (means of five draws), in two to three minutes on one thread."""
SETTINGS = (
    Setting(
        "network",
        "lecture_cnn",
        "which network is trained on the source",
        text="a classifier of the zoo that ends in a dense layer",
    ),
    Setting("width", 0.5, "factor on its feature maps", above=0),
    Setting("cut", "", "the first layer that is replaced", text="path of a layer; empty takes the first dense layer"),
    Setting("labels", 1000, "the most labelled images; 10, 30, 100 and 300 come before", at_least=10),
    Setting("draws", 5, "draws of the labels", at_least=1),
    Setting("updates", 300, "updates of the fine-tuning and from scratch, at least one epoch", at_least=1),
    LIMIT,
)
ASKED = 100  # labels at which the comparison is a headline


def run(run: Run) -> Report:
    """Learn the first half of the classes, then the second in four ways, with growing numbers of labels."""
    from foveal.data.splitting import with_test
    from foveal.evaluation import evaluate
    from foveal.evaluation.intervals import in_percent
    from foveal.inference.probabilities import class_probabilities
    from foveal.systems.embedding import transfer_report

    source, target = halves(with_test(run.pictures(), seed=run.seed))
    learned = classify(run, network(run, source), source, keep="source")
    train, validation = run.split(target.train)
    assert target.test is not None
    test = target.test
    learner = Learner(run, learned.module, network(run, target), train, validation or train, test)
    counts = learner.counts()
    choices = {n: run.cached(f"chosen-{n}", functools.partial(learner.choose, n)) for n in counts}
    draws = max(1, int(run.settings["draws"]))
    scores = {
        n: [run.cached(f"labels-{n}-draw-{d}", functools.partial(learner.scores, n, d, choices[n])) for d in range(draws)]
        for n in counts
    }  # fmt: skip
    final = learner.network(TUNED, counts[-1], 0, choices[counts[-1]][TUNED]["best"])
    answers = class_probabilities(final, test.images, from_logits=True)
    found = evaluate(answers, test.labels, target.classes, mistakes=36)
    run.save_model(
        learner.tree, final, classes=list(target.classes),
        training={"data": target.name, "config": run.config.to_json(), "labels": counts[-1],
                  "test": {"accuracy": found.accuracy}},
    )  # fmt: skip
    told = {str(n): summed(rows) for n, rows in scores.items()}
    asked = min(counts, key=lambda n: abs(n - ASKED))
    depth = run.cached("depth", lambda: learner.depth(asked, draws))
    facts = {
        "source": {"classes": list(source.classes), "accuracy": learned.evaluation.accuracy},
        "target": {"classes": list(target.classes)},
        "labels": told,
        "draws": {str(n): rows for n, rows in scores.items()},
        "chosen": {str(n): each for n, each in choices.items()},
        "cut": learner.cut,
        "depth": {"labels": asked, "layers": depth},
        "pictures": {"source": len(source.train), "validation": len(validation or train), "test": len(test)},
    }
    at, best = told[str(asked)], max((FROZEN, TUNED), key=lambda name: told[str(asked)]["accuracy"][name]["mean"])
    gain = at["gain"][best]
    return Report(
        headlines=[
            Headline(
                f"gain over learning from scratch, {asked:,} labels", gain["mean"], percent=True,
                note=f"{best}, mean of {draws} draw{'s' * (draws > 1)}, 95 % interval {in_percent(gain['low'], gain['high'])}",
            ),
            *(Headline(name, at["accuracy"][name]["mean"], percent=True, note=f"{asked:,} labels, test accuracy")
              for name in (FROZEN, TUNED, SCRATCH, PIXELS)),
            Headline("source accuracy", learned.evaluation.accuracy, percent=True, note=", ".join(source.classes)),
        ],
        sections=[
            *transfer_report.sections(learner, facts, source, target),
            *classification.sections(found, pictures=test.images[np.asarray([m.index for m in found.mistakes], dtype=np.int64)]),
        ],
        networks={"network": learner.tree},
        facts=facts,
        evaluation=found,
        notes=[
            f"Learning rates and regularisation were chosen on {len(validation or train):,} labelled pictures put aside from the "
            "training part, for each way and number of labels, with the first draw.",
            f"The confusion matrix below is that of the fine-tuned network with {counts[-1]:,} labels.",
            *(f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in source.notes),
        ],
    )  # fmt: skip


def halves(data: DataSet) -> tuple[DataSet, DataSet]:
    """The first half of the classes as one data set, the others as another, each numbered from 0.

    Raises:
        DataError: fewer than four classes.

    Example:
        >>> from foveal.data import load
        >>> [part.classes for part in halves(load("digits"))]
        [('0', '1', '2', '3', '4'), ('5', '6', '7', '8', '9')]
    """
    middle = len(data.classes) // 2
    if middle < 2:
        raise DataError(
            "each half needs two classes",
            where=data.name,
            given=f"{len(data.classes)} classes",
            expected="four or more",
        )

    def half(name: str, first: int, end: int) -> DataSet:
        def own(split: Split) -> Split:
            kept = split.take(np.flatnonzero((split.labels >= first) & (split.labels < end)))
            return dataclasses.replace(kept, labels=kept.labels - first)

        test = None if data.test is None else own(data.test)
        classes = data.classes[first:end]
        return dataclasses.replace(data, name=f"{data.name}, {name}", classes=classes, train=own(data.train), test=test)

    return half("first half", 0, middle), half("second half", middle, len(data.classes))


def summed(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Mean accuracy of each way over the draws, and each way's gain over learning from scratch on the same labels.

    Example:
        >>> told = summed([{"frozen": 0.8, "from scratch": 0.6}, {"frozen": 0.9, "from scratch": 0.6}])
        >>> round(told["gain"]["frozen"]["mean"], 3)
        0.25
    """
    from foveal.evaluation.intervals import mean_of

    return {
        "accuracy": {name: mean_of([row[name] for row in rows]) for name in rows[0]},
        "gain": {name: mean_of([row[name] - row[SCRATCH] for row in rows]) for name in rows[0] if name != SCRATCH},
    }


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        data="digits", size=(28, 28), settings={"width": 0.125, "labels": 10, "draws": 2, "updates": 3, "limit": 240}
    ),
)
