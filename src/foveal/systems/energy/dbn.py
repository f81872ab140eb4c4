"""The deep belief network: machine by machine without answers, then the whole tree with a thousand of them.

Beside it go the same tree without pre-training and a multi-layer perceptron of the same shape with ReLU, each tuned alike.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.network.tree import Sequential as Tree
from foveal.report import classification
from foveal.report.blocks import Headline, Report
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.energy import shared as boltzmann
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import Split
    from foveal.runs.run import Run
    from foveal.training.history import History

RECIPE = TrainingConfig(
    epochs=8,
    batch_size=100,
    optimizer="momentum",
    lr=0.1,
    momentum=0.5,
    weight_decay=2e-4,
    decoupled=False,
    schedule="cosine",
    metrics=(),
)
"""Each machine. With 1,000 labels of Fashion-MNIST the fine-tuned network reaches 0.771 (mean of five draws; 0.752 without
pre-training, 0.758 for an MLP with ReLU), in about three minutes on one thread."""
SETTINGS = (
    Setting("hidden1", 500, "hidden units of the first machine", at_least=1),
    Setting("hidden2", 500, "hidden units of the second machine", at_least=1),
    Setting("hidden3", 0, "hidden units of a third machine; 0 leaves it out", at_least=0),
    Setting("gibbs_steps", 1, "k, steps of a chain a batch", at_least=1),
    Setting("threshold", 0.5, "brightness above which a pixel is on", at_least=0, at_most=1),
    Setting("labels", 1000, "labelled images of the fine-tuning", at_least=20),
    Setting("draws", 5, "draws of the labels and of first weights", at_least=1),
    Setting("tuning_epochs", 30, "passes over the labelled images", at_least=1),
    LIMIT,
)
RATES = (3e-4, 1e-3, 3e-3)
"""Learning rates of the fine-tuning that the validation part chooses among, for each network."""
TUNING = TrainingConfig(batch_size=32, optimizer="adam", schedule="cosine", validation=0.0)
TRAINED, FRESH, RELU = "pre-trained", "not pre-trained", "MLP, ReLU"


def run(run: Run) -> Report:
    """Train the machines from below, then compare three networks of one shape with few labels."""
    from foveal import zoo
    from foveal.evaluation import evaluate
    from foveal.evaluation.intervals import in_percent
    from foveal.inference.probabilities import class_probabilities
    from foveal.systems.energy import dbn_report

    data, train, validation, test = boltzmann.parts(run)
    threshold = float(run.settings["threshold"])
    hidden = [units for n in (1, 2, 3) if (units := int(run.settings[f"hidden{n}"])) > 0]
    tree = zoo.dbn(len(data.classes), data.shape, hidden=hidden, threshold=threshold)
    module = run.build(tree, data.shape)
    paths = [f"rbm{number}" for number in range(1, len(hidden) + 1)]
    histories = {path: learn(run, module, train, validation, path) for path in paths}
    module.to("cpu")
    trees = {TRAINED: tree, FRESH: fresh(tree), RELU: relu(tree, hidden)}
    labels = min(int(run.settings["labels"]), len(train) - 1)
    tuner = _Tuner(run, module, trees, train, validation, test, labels)
    rates = {name: run.cached(f"rate-{place}", functools.partial(tuner.rate, name))
             for place, name in enumerate(trees)}  # fmt: skip
    draws = [
        run.cached(f"draw-{number}", functools.partial(tuner.draw, number, {n: r["lr"] for n, r in rates.items()}))
        for number in range(max(1, int(run.settings["draws"])))
    ]
    layers = run.cached("layers", lambda: tuner.layers(paths))
    final = tuner.tuned(TRAINED, 0, rates[TRAINED]["lr"])
    answers = class_probabilities(final, test.images, from_logits=True)
    found = evaluate(answers, test.labels, data.classes, mistakes=36)
    run.save_model(
        tree, final, classes=list(data.classes),
        training={"data": data.name, "config": run.config.to_json(), "labels": labels,
                  "test": {"accuracy": found.accuracy}},
    )  # fmt: skip
    facts = compared(draws) | {"labels": labels, "rates": rates, "layers": layers, "draws": draws}
    facts["pseudo_likelihood"] = {path: h.history["val_pseudo_likelihood"][-1] for path, h in histories.items()}
    scores = facts["accuracy"]
    return Report(
        headlines=[
            Headline(
                f"accuracy with {labels:,} labels, pre-trained", scores[TRAINED]["mean"], percent=True,
                note=f"mean of {len(draws)} draw{'s' * (len(draws) > 1)} of the labels, 95 % interval "
                f"{in_percent(scores[TRAINED]['low'], scores[TRAINED]['high'])}",
            ),
            *(
                Headline(
                    name, scores[name]["mean"], percent=True,
                    note=f"pre-training gains {100 * gain['mean']:.1f} points, 95 % interval "
                    f"{in_percent(gain['low'], gain['high'])}",
                )
                for name, gain in facts["gain"].items()
            ),
        ],
        sections=[
            *dbn_report.sections(run, module, paths, histories, facts, data, test),
            *classification.sections(found, pictures=test.images[np.asarray([m.index for m in found.mistakes], dtype=np.int64)]),
        ],
        networks={"dbn": tree, "mlp": trees[RELU]},
        facts=facts,
        evaluation=found,
        notes=[
            f"A pixel counts as on where its brightness is above {100 * threshold:g} % of the most.",
            f"The machines learned from {len(train):,} pictures without labels; the fine-tuning saw {labels:,} of them with "
            f"labels, and its learning rate was chosen on the {len(validation):,} labelled pictures of the validation part.",
            *(f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in data.notes),
        ],
    )  # fmt: skip


def learn(run: Run, module: Network, train: Split, validation: Split, path: str) -> History:
    """One machine's training, on what the machines below make of the pictures: a stage of its own."""
    from foveal.training.steps.boltzmann import ContrastiveDivergence

    boltzmann.begin(module.node(path), boltzmann.visible(module, train.images, path))  # type: ignore[arg-type]
    step = functools.partial(
        ContrastiveDivergence,
        path=path,
        gibbs_steps=int(run.settings["gibbs_steps"]),
        watched=module.as_input(boltzmann.some(train, 2000)),
    )
    return run.train(
        path,
        module,
        step,
        run.batches(train, training=True),
        run.batches(validation, training=False, at_once=boltzmann.MEASURED),
    )


def fresh(tree: Tree) -> Tree:
    """The same tree with weights that suit backpropagation from the start (Glorot, Bengio 2010), not a machine's small ones."""
    from foveal.network.layers import RBM

    layers = [
        dataclasses.replace(layer, kernel_initializer="glorot_uniform") if isinstance(layer, RBM) else layer
        for layer in tree.layers
    ]
    return dataclasses.replace(tree, layers=tuple(layers))


def relu(tree: Tree, hidden: Sequence[int]) -> Tree:
    """A multi-layer perceptron of the same shape, with ReLU, on the same binary pixels."""
    from foveal.network.layers import RBM, Dense

    units = iter(range(1, len(hidden) + 1))
    layers = [
        Dense(layer.units, activation="relu", name=f"hidden{next(units)}") if isinstance(layer, RBM) else layer
        for layer in tree.layers
    ]
    return dataclasses.replace(tree, layers=tuple(layers), name="mlp")


def compared(draws: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Mean accuracies over the draws of the labels, and what pre-training gains on the same labels, with 95 % intervals.

    Example:
        >>> found = compared([{"pre-trained": 0.8, "MLP, ReLU": 0.7}, {"pre-trained": 0.9, "MLP, ReLU": 0.8}])
        >>> round(found["gain"]["MLP, ReLU"]["mean"], 3), round(found["accuracy"]["pre-trained"]["mean"], 3)
        (0.1, 0.85)
    """
    from foveal.evaluation.intervals import mean_of

    others = [name for name in draws[0] if name != TRAINED]
    return {
        "accuracy": {name: mean_of([draw[name] for draw in draws]) for name in draws[0]},
        "gain": {name: mean_of([draw[TRAINED] - draw[name] for draw in draws]) for name in others},
    }


class _Tuner:
    """The part with labels: the three networks, the same labels for each."""

    def __init__(
        self, run: Run, module: Network, trees: dict[str, Tree], train: Split, validation: Split, test: Split,
        labels: int,
    ) -> None:  # fmt: skip
        self.run, self.trees, self.labels = run, trees, labels
        self.train, self.validation, self.test = train, validation, test
        self.module = module
        self.learned = {name: tensor.clone() for name, tensor in module.state_dict().items() if name.startswith("rbm")}

    def labelled(self, number: int) -> Split:
        """The labelled pictures of a draw: each class in its share."""
        from foveal.data.splitting import stratified

        return self.train.take(stratified(self.train.labels, self.labels, self.run.seed + 1000 * number))

    def tuned(self, name: str, number: int, lr: float) -> Network:
        """The network after backpropagation through all of it, on the labels of a draw."""
        from foveal.training import runner
        from foveal.training.batching import training_batches

        seed = self.run.seed + 1000 * number
        module = self.run.build(self.trees[name], seed=seed)
        if name == TRAINED:
            module.load_state_dict({**module.state_dict(), **self.learned})
        config = TUNING.replace(
            epochs=int(self.run.settings["tuning_epochs"]), lr=lr, seed=seed, device=self.run.config.device
        )
        runner.run(module, training_batches(self.labelled(number), config), None, config)
        return module.to("cpu")

    def accuracy(self, module: Network, split: Split) -> float:
        return float((module.predict(split.images).argmax(1) == split.labels).mean())

    def rate(self, name: str) -> dict[str, Any]:
        """The learning rate by which a network does best on the validation part, with the labels of the first draw."""
        self.run.notify(f"{name}: learning rate of the fine-tuning")
        scores = [self.accuracy(self.tuned(name, 0, lr), self.validation) for lr in RATES]
        best = int(np.argmax(scores))
        return {"lr": RATES[best], "validation": {str(lr): score for lr, score in zip(RATES, scores, strict=True)}}

    def draw(self, number: int, rates: dict[str, float]) -> dict[str, float]:
        """Test accuracies with one draw of the labels and of first weights."""
        self.run.notify(f"fine-tuning, draw {number + 1}")
        return {name: self.accuracy(self.tuned(name, number, rates[name]), self.test) for name in self.trees}

    def layers(self, paths: Sequence[str]) -> list[dict[str, Any]]:
        """A linear classifier on pixels, and on each layer before any fine-tuning, with the labels of the first draw."""
        from foveal.evaluation.intervals import wilson

        self.run.notify("linear classifiers, layer by layer")
        chosen = self.labelled(0)
        told = []
        for place in range(len(paths) + 1):
            path = paths[place] if place < len(paths) else "output"
            values = [
                boltzmann.visible(self.module, part.images, path).numpy()
                for part in (chosen, self.validation, self.test)
            ]
            found, strength, score = boltzmann.linear_classifier(
                (values[0], chosen.labels), (values[1], self.validation.labels)
            )
            right = int((found.predict(values[2]) == self.test.labels).sum())
            interval = wilson(right, len(self.test))
            told.append({
                "layer": "pixels" if place == 0 else paths[place - 1], "values": values[0].shape[1], "C": strength,
                "validation": score, "accuracy": right / len(self.test), "low": interval.low, "high": interval.high,
            })  # fmt: skip
        return told


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        data="digits",
        changes={"epochs": 1, "batch_size": 60},
        settings={"hidden1": 8, "hidden2": 6, "labels": 40, "draws": 2, "tuning_epochs": 1, "limit": 130},
    ),
)
