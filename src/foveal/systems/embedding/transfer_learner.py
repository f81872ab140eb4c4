"""Learning a task with few labels: from frozen features, by tuning, from scratch, from pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.network.layers import Flatten
from foveal.network.tree import children
from foveal.systems.embedding.features import beneath, features, first_dense
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.network.tree import Sequential
    from foveal.runs.run import Run


FROZEN, TUNED, SCRATCH, PIXELS = "frozen", "fine-tuned", "from scratch", "pixels, linear"
COUNTS = (10, 30, 100, 300, 1000)
RATES = {TUNED: (3e-4, 1e-3, 3e-3, 1e-2), SCRATCH: (3e-4, 1e-3, 3e-3, 1e-2)}
"""Learning rates that the validation part chooses among, for each number of labels."""

STRENGTHS = (0.01, 0.1, 1.0, 10.0)
WIDEST = 4096  # values of a layer from which a linear classifier still learns in seconds


def network(run: Run, data: DataSet) -> Sequential:
    """The tree for the classes and pictures of a data set."""
    from foveal import zoo

    name, width = str(run.settings["network"]), float(run.settings["width"])
    return zoo.create(name, len(data.classes), data.shape, **({} if width == 1 else {"width": width}))


class Learner:
    """The second half of the classes, learned in four ways from draws of labelled pictures."""

    def __init__(
        self, run: Run, source: Network, tree: Sequential, train: Split, validation: Split, test: Split
    ) -> None:
        self.run, self.source, self.tree = run, source.to("cpu"), tree
        self.train, self.validation, self.test = train, validation, test
        self.cut = str(run.settings["cut"]) or first_dense(tree)
        self.inside = {name: features(source, part.images, self.cut) for name, part in self.parts()}
        self.pixels = {name: _flat(part) for name, part in self.parts()}

    def parts(self) -> list[tuple[str, Split]]:
        return [("train", self.train), ("validation", self.validation), ("test", self.test)]

    def counts(self) -> list[int]:
        """Numbers of labels: those of the table that leave a label a class, up to the setting and to what there is."""
        classes = len(np.unique(self.train.labels))
        most = min(int(self.run.settings["labels"]), len(self.train) - 1)
        return sorted({n for n in COUNTS if classes <= n <= most} | {max(most, classes)})

    def chosen(self, count: int, draw: int) -> np.ndarray[Any, np.dtype[np.int64]]:
        """Which training pictures have labels in a draw: each class in its share."""
        from foveal.data.splitting import stratified

        return stratified(self.train.labels, count, self.run.seed + 1000 * draw)

    def network(self, way: str, count: int, draw: int, lr: float) -> Network:
        """All layers learn: from the source's weights below a fresh head, or from fresh ones everywhere."""
        from foveal.backends.torch import build
        from foveal.training import runner
        from foveal.training.batching import training_batches

        config, seed = self.run.config, self.run.seed + 1000 * draw
        module = build(self.tree, seed=seed)
        if way == TUNED:
            learned = self.source.state_dict()
            below = {name: learned[name] for name in beneath(self.tree, self.cut, learned)}
            module.load_state_dict({**module.state_dict(), **below})
        labelled = self.train.take(self.chosen(count, draw))
        batch = min(32, count)
        steps = -(-count // batch)
        tuning = TrainingConfig(
            epochs=max(1, round(int(self.run.settings["updates"]) / steps)), batch_size=batch, lr=lr, seed=seed,
            schedule="cosine", augment=config.augment, device=config.device, precision=config.precision,
        )  # fmt: skip
        runner.run(module, training_batches(labelled, tuning), None, tuning)
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
        self.run.notify(f"{count:,} labels: choosing rates and regularisation")
        told = {}
        for way in (FROZEN, TUNED, SCRATCH, PIXELS):
            options = RATES.get(way, STRENGTHS)
            scores = [self.accuracy(way, count, 0, option, "validation") for option in options]
            best = options[int(np.argmax(scores))]
            told[way] = {"best": best, "validation": {str(o): s for o, s in zip(options, scores, strict=True)}}
        return told

    def scores(self, count: int, draw: int, choices: dict[str, Any]) -> dict[str, float]:
        """Test accuracy of each way with a draw of the labels."""
        self.run.notify(f"{count:,} labels, draw {draw + 1}")
        return {way: self.accuracy(way, count, draw, each["best"], "test") for way, each in choices.items()}

    def depth(self, count: int, draws: int) -> list[dict[str, Any]]:
        """Frozen layers of growing number: a linear classifier on what each layer of the source network is given."""
        from sklearn.linear_model import LogisticRegression

        from foveal.arithmetic.shapes import trace
        from foveal.evaluation.intervals import student

        self.run.notify("how far up the features are general")
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
                learned = features(self.source, labelled.images, path)
                fitted = {
                    strength: LogisticRegression(C=strength, max_iter=1000).fit(learned, labelled.labels)
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
