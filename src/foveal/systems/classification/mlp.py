"""The multi-layer perceptron: a classifier like any other, and cross-validated where the data are few."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.errors import ConfigurationError
from foveal.evaluation.intervals import wilson
from foveal.network import Sequential
from foveal.network.layers import Normalization
from foveal.printable import counted
from foveal.report.blocks import Bars, Headline, Report, Rows, Section
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting, Value
from foveal.systems.classification.classifier import classify, reported
from foveal.training.config import TrainingConfig
from foveal.training.recipes import recipe_for

if TYPE_CHECKING:
    from foveal.data.dataset import DataSet, Split
    from foveal.runs.run import Run

RECIPE = recipe_for("mlp", "fashion-mnist").config
SETTINGS = (
    Setting("folds", 5, "folds of the cross-validation", at_least=2, zero="none"),
    Setting("fold_below", 2000, "no cross-validation where there are more examples than this", at_least=0),
    LIMIT,
)
BASELINES = ("logistic regression", "scikit-learn's MLP")


def recipe(data: str | None, settings: Mapping[str, Value]) -> TrainingConfig:
    """The recipe for these data: iris is trained otherwise than 60,000 pictures."""
    return RECIPE if data is None else recipe_for("mlp", data).config


def run(run: Run) -> Report:
    """Train on the training part, test once; train once more for each fold where the data are few.

    Raises:
        ConfigurationError: more folds than the smallest class has examples.
    """
    data = run.load()
    found = classify(run, network(run), data)
    folds = _folds(run, data)
    if not folds:
        return reported(run, found, data)
    told = _cross_validated(run, data, folds)
    report = reported(run, found, data, cross_validation=told)
    headlines, sections = [_headline(told), *report.headlines], [_section(told), *report.sections]
    return dataclasses.replace(report, headlines=headlines, sections=sections)


def network(run: Run) -> Sequential:
    """The network for the run's data; a table's columns are brought to mean 0 and variance 1 first."""
    data = run.load()
    return scaled(zoo.mlp(len(data.classes), data.shape), data.train)


def scaled(network: Sequential, part: Split) -> Sequential:
    """A network for a table, with each column brought to mean 0 and variance 1 of ``part`` first; for pictures, as it is.

    Example:
        >>> from foveal.data import load
        >>> tree = scaled(zoo.mlp(3, (4,)), load("iris").train)
        >>> [layer.name for layer in tree.layers]
        ['scale', 'hidden1', 'hidden2', 'output']
    """
    if part.images.ndim != 2:
        return network
    columns = part.images.astype(np.float64)
    variance = columns.var(0)
    mean = tuple(float(v) for v in columns.mean(0))
    spread = tuple(float(v) if v > 0 else 1.0 for v in variance)  # a column that never varies stays a constant
    return Sequential(
        [Normalization(mean, spread, name="scale"), *network.layers], input_shape=part.shape, name=network.name
    )


# Cross-validation -----------------------------------------------------------------------------------------------------


def _whole(data: DataSet) -> Split:
    """Both parts together: each example is tested once, by the fold that did not see it."""
    from foveal.data.dataset import Split

    if data.test is None:
        return data.train
    parts = (data.train, data.test)
    return Split(np.concatenate([p.images for p in parts]), np.concatenate([p.labels for p in parts]))


def _folds(run: Run, data: DataSet) -> int:
    folds, most = int(run.settings["folds"]), int(run.settings["fold_below"])
    whole = _whole(data)
    if folds == 0 or len(whole) > most:
        return 0
    smallest = int(whole.counts(len(data.classes)).min())
    if smallest < folds:
        raise ConfigurationError(
            "every fold needs an example of every class",
            where="--set",
            given=f"folds={folds}, {counted(smallest, 'example')} in the smallest class",
            expected=f"2 to {smallest} folds, or 0 for no cross-validation"
            if smallest >= 2
            else "0: no cross-validation",
            fix=["--set folds=0"] + ([f"--set folds={min(5, smallest)}"] if smallest >= 2 else []),
        )
    return folds


def cut(labels: NDArray[np.int64], folds: int, seed: int) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Stratified folds: (indices to learn from, indices to test) for each; every example is tested once.

    Example:
        >>> [test.tolist() for _, test in cut(np.array([0, 0, 1, 1]), 2, seed=0)]
        [[1, 2], [0, 3]]
    """
    from sklearn.model_selection import StratifiedKFold

    chosen = StratifiedKFold(folds, shuffle=True, random_state=seed % 2**32)
    return [(train, test) for train, test in chosen.split(np.zeros(len(labels)), labels)]


def _cross_validated(run: Run, data: DataSet, folds: int) -> dict[str, Any]:
    import dataclasses

    whole = _whole(data)
    parts = cut(whole.labels, folds, run.seed)
    config = run.config.replace(validation=0.0, early_stopping=None)
    own = []
    for number, (train, test) in enumerate(parts, start=1):
        learned = whole.take(train)
        one = dataclasses.replace(data, train=learned, test=whole.take(test))
        network = scaled(zoo.mlp(len(data.classes), data.shape), learned)
        own.append(classify(run, network, one, stage=f"fold{number}", config=config, keep="").evaluation.correct)
    run.notify("the same folds for scikit-learn")
    others = run.cached("baselines", lambda: _baselines(whole, parts, run.seed))
    sizes = [len(test) for _, test in parts]
    return {
        "folds": folds,
        "examples": len(whole),
        "sizes": sizes,
        "accuracy": {name: _score(right, sizes) for name, right in {"mlp": own, **others}.items()},
    }


def _score(right: list[int], sizes: list[int]) -> dict[str, Any]:
    """Mean over the folds, their spread, and the interval of all answers together."""
    shares = [r / n for r, n in zip(right, sizes, strict=True)]
    interval = wilson(sum(right), sum(sizes))
    spread = float(np.std(shares, ddof=1))
    return {
        "mean": float(np.mean(shares)), "deviation": spread, "folds": shares, "correct": sum(right),
        "interval": [interval.low, interval.high],
    }  # fmt: skip


def _baselines(
    whole: Split, parts: list[tuple[NDArray[np.int64], NDArray[np.int64]]], seed: int
) -> dict[str, list[int]]:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    table = whole.images.ndim == 2
    x = whole.images.reshape(len(whole), -1).astype(np.float64) / (1.0 if table else 255.0)
    models: dict[str, Callable[[], Any]] = {
        BASELINES[0]: lambda: LogisticRegression(max_iter=2000),
        BASELINES[1]: lambda: MLPClassifier((128, 64), max_iter=300, random_state=seed % 2**32),
    }
    found: dict[str, list[int]] = {name: [] for name in models}
    for train, test in parts:
        for name, make in models.items():
            model = make_pipeline(StandardScaler(), make()) if table else make()
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)  # what it comes to in its steps is what is compared
                _fit(model, x[train], whole.labels[train])
            found[name].append(int((model.predict(x[test]) == whole.labels[test]).sum()))
    return found


def _fit(model: Any, x: NDArray[np.float64], y: NDArray[np.int64]) -> None:
    """Fit a model of scikit-learn, whose MLP makes a warning of Ctrl-C and returns as if it had learned."""
    import warnings

    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="Training interrupted by user")
        try:
            model.fit(x, y)
        except UserWarning as swallowed:
            if isinstance(swallowed.__context__, KeyboardInterrupt):
                raise swallowed.__context__ from None
            raise


def _headline(told: dict[str, Any]) -> Headline:
    own = told["accuracy"]["mlp"]
    low, high = own["interval"]
    return Headline(
        f"accuracy by {told['folds']}-fold cross-validation",
        own["mean"],
        f"{own['correct']} of {told['examples']} examples, 95 % interval {low:.3f} to {high:.3f}; "
        f"deviation between the folds {own['deviation']:.3f}",
    )


def _section(told: dict[str, Any]) -> Section:
    names = list(told["accuracy"])
    folds = [f"fold {n}" for n in range(1, told["folds"] + 1)]
    rows = [
        (name, score["mean"], score["deviation"], score["correct"], *score["interval"])
        for name, score in told["accuracy"].items()
    ]
    return Section(
        "Cross-validation",
        f"All {told['examples']} examples are cut into {told['folds']} folds with equal shares of the classes. Each fold is "
        "tested once, by a network that learned from the others and was scaled by them alone; nothing is chosen on the way.",
        [
            Rows(
                "folds", ("model", "mean accuracy", "deviation", "right", "95 % from", "to"), rows,
                "The same folds for all. The interval is Wilson's, of all answers together.",
            ),
            Bars("by-fold", folds, {name: told["accuracy"][name]["folds"] for name in names},
                 "Accuracy of each fold.", y_label="accuracy"),
        ],
    )  # fmt: skip


METHOD = Method(recipe, SETTINGS, run, Quick(data="iris", settings={"folds": 2, "limit": 40}), network=network)
