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
from foveal.network.layers import Flatten
from foveal.network.tree import children
from foveal.report.blocks import Findings, Headline
from foveal.systems.classification.classifier import classify
from foveal.systems.embedding.features import beneath, features, first_dense
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.network.tree import Sequential
    from foveal.runs.run import Session

RECIPE = TrainingConfig(epochs=4, batch_size=64, schedule="one-cycle", lr=3e-3, validation=0.1)
"""Of the source. At 100 labels of Fashion-MNIST's second half: frozen 0.897, fine-tuned 0.893, from scratch 0.877, a linear
classifier on pixels 0.867 (means of five draws), in two to three minutes on one thread."""
SETTINGS = {
    "network": "lecture_cnn",
    "width": 0.5,
    "cut": "",
    "labels": 1000,
    "draws": 5,
    "updates": 300,
    "limit": 0,
}
QUICK: dict[str, Any] = {
    "config": {"epochs": 1},
    "settings": {"width": 0.125, "labels": 10, "draws": 2, "updates": 3, "limit": 240},
    "data": "digits",
    "size": (28, 28),
}
COUNTS = (10, 30, 100, 300, 1000)
FROZEN, TUNED, SCRATCH, PIXELS = "frozen", "fine-tuned", "from scratch", "pixels, linear"
RATES = {TUNED: (3e-4, 1e-3, 3e-3, 1e-2), SCRATCH: (3e-4, 1e-3, 3e-3, 1e-2)}
"""Learning rates that the validation part chooses among, for each number of labels."""
STRENGTHS = (0.01, 0.1, 1.0, 10.0)
WIDEST = 4096  # values of a layer from which a linear classifier still learns in seconds
ASKED = 100  # labels at which the comparison is a headline


def carry_out(session: Session) -> Findings:
    """Learn the first half of the classes, then the second in four ways, with growing numbers of labels."""
    from foveal.data.splitting import with_test
    from foveal.evaluation import evaluate
    from foveal.evaluation.intervals import in_percent
    from foveal.evaluation.probabilities import class_probabilities
    from foveal.systems.embedding import transfer_report

    source, target = halves(with_test(session.pictures(), seed=session.seed))
    learnt = classify(session, network(session, source), source, keep="source")
    train, validation = session.split(target.train)
    assert target.test is not None
    test = target.test
    learner = _Learner(session, learnt.module, network(session, target), train, validation or train, test)
    counts = learner.counts()
    choices = {n: session.remember(f"chosen-{n}", functools.partial(learner.choose, n)) for n in counts}
    draws = max(1, int(session.settings["draws"]))
    scores = {
        n: [session.remember(f"labels-{n}-draw-{d}", functools.partial(learner.scores, n, d, choices[n])) for d in range(draws)]
        for n in counts
    }  # fmt: skip
    final = learner.network(TUNED, counts[-1], 0, choices[counts[-1]][TUNED]["best"])
    answers = class_probabilities(final, test.images, from_logits=True)
    found = evaluate(answers, test.labels, target.classes, mistakes=36)
    session.keep(
        learner.tree, final, classes=list(target.classes),
        training={"data": target.name, "config": session.config.to_json(), "labels": counts[-1],
                  "test": {"accuracy": found.accuracy}},
    )  # fmt: skip
    told = {str(n): summed(rows) for n, rows in scores.items()}
    asked = min(counts, key=lambda n: abs(n - ASKED))
    depth = session.remember("depth", lambda: learner.depth(asked, draws))
    facts = {
        "source": {"classes": list(source.classes), "accuracy": learnt.evaluation.accuracy},
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
    return Findings(
        headlines=[
            Headline(
                f"gain over learning from scratch, {asked:,} labels", gain["mean"], percent=True,
                note=f"{best}, mean of {draws} draw{'s' * (draws > 1)}, 95 % interval {in_percent(gain['low'], gain['high'])}",
            ),
            *(Headline(name, at["accuracy"][name]["mean"], percent=True, note=f"{asked:,} labels, test accuracy")
              for name in (FROZEN, TUNED, SCRATCH, PIXELS)),
            Headline("source accuracy", learnt.evaluation.accuracy, percent=True, note=", ".join(source.classes)),
        ],
        sections=transfer_report.sections(learner, facts, source, target),
        networks={"network": learner.tree},
        facts=facts,
        evaluation=found,
        pictures=test.images[np.asarray([m.index for m in found.mistakes], dtype=np.int64)],
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


def network(session: Session, data: DataSet) -> Sequential:
    """The tree for the classes and pictures of a data set."""
    from foveal import zoo

    name, width = str(session.settings["network"]), float(session.settings["width"])
    return zoo.create(name, len(data.classes), data.shape, **({} if width == 1 else {"width": width}))


def summed(rows: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Mean accuracy of each way over the draws, and each way's gain over learning from scratch on the same labels.

    Example:
        >>> told = summed([{"frozen": 0.8, "from scratch": 0.6}, {"frozen": 0.9, "from scratch": 0.6}])
        >>> round(told["gain"]["frozen"]["mean"], 3)
        0.25
    """
    from foveal.evaluation.intervals import student

    def told(values: Sequence[float]) -> dict[str, float]:
        interval = student(values)
        return {"mean": float(np.mean(values)), "low": interval.low, "high": interval.high}

    return {
        "accuracy": {name: told([row[name] for row in rows]) for name in rows[0]},
        "gain": {name: told([row[name] - row[SCRATCH] for row in rows]) for name in rows[0] if name != SCRATCH},
    }


class _Learner:
    """The second half of the classes, learnt in four ways from draws of labelled pictures."""

    def __init__(
        self, session: Session, source: Network, tree: Sequential, train: Split, validation: Split, test: Split
    ) -> None:
        self.session, self.source, self.tree = session, source.to("cpu"), tree
        self.train, self.validation, self.test = train, validation, test
        self.cut = str(session.settings["cut"]) or first_dense(tree)
        self.inside = {name: features(source, part.images, self.cut) for name, part in self.parts()}
        self.pixels = {name: _flat(part) for name, part in self.parts()}

    def parts(self) -> list[tuple[str, Split]]:
        return [("train", self.train), ("validation", self.validation), ("test", self.test)]

    def counts(self) -> list[int]:
        """Numbers of labels: those of the table that leave a label a class, up to the setting and to what there is."""
        classes = len(np.unique(self.train.labels))
        most = min(int(self.session.settings["labels"]), len(self.train) - 1)
        return sorted({n for n in COUNTS if classes <= n <= most} | {max(most, classes)})

    def chosen(self, count: int, draw: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Which training pictures have labels in a draw: each class in its share."""
        from foveal.data.splitting import stratified

        return stratified(self.train.labels, count, self.session.seed + 1000 * draw)

    def network(self, way: str, count: int, draw: int, lr: float) -> Network:
        """All layers learn: from the source's weights below a fresh head, or from fresh ones everywhere."""
        from foveal.backends.torch import build
        from foveal.data.batches.in_memory import ResidentBatches
        from foveal.training.runner import run

        config, seed = self.session.config, self.session.seed + 1000 * draw
        module = build(self.tree, seed=seed)
        if way == TUNED:
            learnt = self.source.state_dict()
            below = {name: learnt[name] for name in beneath(self.tree, self.cut, learnt)}
            module.load_state_dict({**module.state_dict(), **below})
        labelled = self.train.take(self.chosen(count, draw))
        batch = min(32, count)
        steps = -(-count // batch)
        tuning = TrainingConfig(
            epochs=max(1, round(int(self.session.settings["updates"]) / steps)), batch_size=batch, lr=lr, seed=seed,
            schedule="cosine", augment=config.augment, device=config.device, precision=config.precision,
        )  # fmt: skip
        run(module, ResidentBatches(labelled, batch, seed=seed), None, tuning)
        return module.to("cpu")

    def linear(self, way: str, count: int, draw: int, strength: float) -> Any:
        """A linear classifier: on the frozen network's features, or on pixels."""
        from sklearn.linear_model import LogisticRegression

        index = self.chosen(count, draw)
        values = self._values(way)["train"][index]
        return LogisticRegression(C=strength, max_iter=1000).fit(values, self.train.labels[index])

    def accuracy(self, way: str, count: int, draw: int, choice: float, part: str) -> float:
        """Of one way with one choice of its rate or regularisation, on "validation" or "test"."""
        split = dict(self.parts())[part]
        if way in (TUNED, SCRATCH):
            module = self.network(way, count, draw, choice)
            return float((module.predict(split.images).argmax(1) == split.labels).mean())
        return float(self.linear(way, count, draw, choice).score(self._values(way)[part], split.labels))

    def choose(self, count: int) -> dict[str, Any]:
        """For each way what does best on the validation part, with the first draw."""
        self.session.say(f"{count:,} labels: choosing rates and regularisation")
        told = {}
        for way in (FROZEN, TUNED, SCRATCH, PIXELS):
            options = RATES.get(way, STRENGTHS)
            scores = [self.accuracy(way, count, 0, option, "validation") for option in options]
            best = options[int(np.argmax(scores))]
            told[way] = {"best": best, "validation": {str(o): s for o, s in zip(options, scores, strict=True)}}
        return told

    def scores(self, count: int, draw: int, choices: dict[str, Any]) -> dict[str, float]:
        """Test accuracy of each way with a draw of the labels."""
        self.session.say(f"{count:,} labels, draw {draw + 1}")
        return {way: self.accuracy(way, count, draw, each["best"], "test") for way, each in choices.items()}

    def depth(self, count: int, draws: int) -> list[dict[str, Any]]:
        """Frozen layers of growing number: a linear classifier on what each layer of the source network is given."""
        from sklearn.linear_model import LogisticRegression

        from foveal.arithmetic.shapes import trace
        from foveal.evaluation.intervals import student

        self.session.say("how far up the features are general")
        inputs = {step.path: step.input for step in trace(self.source.network)}
        told = []
        for path, node in children(self.source.network):
            values = int(np.prod([n or 1 for n in inputs[path].axes]))
            if values > WIDEST or isinstance(node, Flatten):  # flattening changes no value
                continue
            seen = {name: features(self.source, part.images, path) for name, part in self.parts() if name != "train"}
            best, rights = STRENGTHS[0], []
            for draw in range(draws):
                labelled = self.train.take(self.chosen(count, draw))
                learnt = features(self.source, labelled.images, path)
                fitted = {
                    strength: LogisticRegression(C=strength, max_iter=1000).fit(learnt, labelled.labels)
                    for strength in (STRENGTHS if draw == 0 else (best,))
                }
                if draw == 0:
                    known = self.validation.labels
                    best = max(fitted, key=lambda each: fitted[each].score(seen["validation"], known))
                rights.append(float(fitted[best].score(seen["test"], self.test.labels)))
            interval = student(rights)
            told.append({
                "input of": path, "values": values, "C": best, "accuracy": float(np.mean(rights)),
                "low": interval.low, "high": interval.high,
            })  # fmt: skip
        return told

    def _values(self, way: str) -> dict[str, np.ndarray[Any, Any]]:
        return self.inside if way == FROZEN else self.pixels


def _flat(split: Split) -> np.ndarray[Any, np.dtype[np.float32]]:
    return split.images.reshape(len(split), -1).astype(np.float32) / np.float32(255)
