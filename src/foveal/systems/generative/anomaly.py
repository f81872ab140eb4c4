"""Anomaly detection: an autoencoder learns nine classes, and what it cannot give back is not one of them.

Lecture 001 names the task among the uses of networks. Each class in turn is left out of training; the error of a test image is
its score, and the ROC curve says how well the score tells the tenth class from the nine (Sakurada, Yairi 2014, "Anomaly
detection using autoencoders with nonlinear dimensionality reduction"). Beside it stand principal components, whose error is the
same score without a network, and scikit-learn's one-class support vector machine (Schölkopf et al. 2001).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.evaluation.intervals import bootstrap, mean_of
from foveal.report.blocks import Headline, Report
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.generative import anomaly_report as report
from foveal.systems.generative import encoder_decoder as shared
from foveal.systems.generative.anomaly_report import Scored
from foveal.systems.image_tools import as_values, said_of_images
from foveal.training.steps.reconstruction import Reconstruction

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.runs.run import Run

RECIPE = shared.RECIPE.replace(epochs=4)
SETTINGS = (
    Setting("code", 32, "numbers in the code, and principal components", at_least=1),
    Setting("machine", 3000, "images that the one-class support vector machine learns from", at_least=20),
    Setting("alarm", 0.05, "share of images of known classes that may be called anomalies", above=0.0, at_most=0.5),
    LIMIT,
)
SCORES = ("autoencoder", "principal components", "one-class SVM")
DRAWS = 200  # of the bootstrap
_CHOSEN = 64  # the images that the support vector machine sees do not depend on the run's seed


def run(run: Run) -> Report:
    """Leave each class out once: train on the others, score the whole test set in three ways.

    Raises:
        DataError: rows of a table.
    """
    own = shared.parts(run)
    tree = shared.described("autoencoder", own.data.shape, code=int(run.settings["code"]))
    facts: dict[str, Any] = {"classes": {}, "code": int(run.settings["code"]), "images": len(own.test)}
    shown: list[tuple[Scored, NDArray[np.uint8]]] = []
    for number, name in enumerate(own.data.classes):
        scored, module, known = left_out(run, own, tree, number)
        facts["classes"][name] = run.cached(f"measured-{number}", functools.partial(measured, scored, run.seed))
        shown.append((scored, report.examples(own.test.images, module, scored)))
        run.save_model(
            tree, module, "model" if number == 0 else f"without-{number}", classes=known, threshold=scored.threshold,
            training={"data": own.data.name, "config": run.config.to_json()},
        )  # fmt: skip
    facts["mean"] = {way: mean_of([each["auc"][way]["value"] for each in facts["classes"].values()]) for way in SCORES}
    found = facts["classes"]
    best, worst = (pick(found, key=lambda each: found[each]["auc"]["autoencoder"]["value"]) for pick in (max, min))
    return Report(
        headlines=[
            Headline("area under the ROC curve", facts["mean"]["autoencoder"]["mean"],
                     f"mean over {len(found)} classes left out in turn; principal components "
                     f"{facts['mean']['principal components']['mean']:.3f}, one-class SVM "
                     f"{facts['mean']['one-class SVM']['mean']:.3f}"),
            Headline("easiest to notice", best, f"area {found[best]['auc']['autoencoder']['value']:.3f}"),
            Headline("hardest to notice", worst, f"area {found[worst]['auc']['autoencoder']['value']:.3f}"),
            Headline("noticed at the threshold", float(np.mean([each["noticed"] for each in found.values()])),
                     f"of the left-out class, where {float(np.mean([each['alarms'] for each in found.values()])):.1%} of the "
                     "other test images are called anomalies", percent=True),
        ],
        sections=report.sections(facts, shown),
        networks={"autoencoder": tree},
        facts=facts,
        notes=own.data.notes,
    )  # fmt: skip


def left_out(run: Run, own: shared.Parts, tree: Any, number: int) -> tuple[Scored, Network, list[str]]:
    """The test images scored by what learned every class but one."""
    from sklearn.svm import OneClassSVM

    seen, checked = (part.take(np.flatnonzero(part.labels != number)) for part in (own.train, own.validation))
    parts = shared.Parts(own.data, seen, checked, own.test)
    module, _ = shared.trained(run, f"without-{number}", tree, parts, Reconstruction)
    values = as_values(own.test.images)
    components = shared.Components(seen)
    size = min(int(run.settings["code"]), components.most)
    some = np.random.default_rng(_CHOSEN).permutation(len(seen))[: int(run.settings["machine"])]
    machine = OneClassSVM(gamma="scale", nu=float(run.settings["alarm"]))
    machine.fit(components.projected(as_values(seen.images[some]), size))
    scores = {
        "autoencoder": errors(module.predict(own.test.images), values),
        "principal components": errors(components.back(values, size), values),
        "one-class SVM": -np.asarray(machine.decision_function(components.projected(values, size)), np.float64),
    }
    usual = errors(module.predict(checked.images), as_values(checked.images))
    threshold = float(np.quantile(usual, 1 - float(run.settings["alarm"])))
    classes = [name for place, name in enumerate(own.data.classes) if place != number]
    return Scored(own.data.classes[number], own.test.labels == number, scores, threshold), module, classes


def errors(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> NDArray[np.float64]:
    """The mean squared error of each image: (N, height, width, channels) twice → (N,).

    Example:
        >>> errors(np.zeros((2, 1, 2, 1)), np.array([[[[0.0], [1.0]]], [[[0.0], [0.0]]]])).tolist()
        [0.5, 0.0]
    """
    squares = (np.asarray(found, np.float64) - np.asarray(wanted, np.float64)) ** 2
    return np.asarray(squares.reshape(len(squares), -1).mean(1))


def measured(scored: Scored, seed: int) -> dict[str, Any]:
    """The area under each way's ROC curve with its interval over test images, and what the threshold notices."""
    told: dict[str, Any] = {"auc": {}}
    for way, score in scored.scores.items():
        area = functools.partial(area_under, scored.strange, np.unique(score, return_inverse=True)[1])
        interval = bootstrap(area, scored.strange, draws=DRAWS, seed=seed)
        value = area(np.ones(len(score), np.int64))
        told["auc"][way] = {"value": value, "low": interval.low, "high": interval.high}
    alarms = scored.scores["autoencoder"] > scored.threshold
    told["threshold"] = scored.threshold
    told["noticed"] = float(alarms[scored.strange].mean())
    told["alarms"] = float(alarms[~scored.strange].mean())
    return told


def area_under(strange: NDArray[np.bool_], ranks: NDArray[np.int64], times: NDArray[np.int64]) -> float:
    """The area under the ROC curve of images that count several times: the share of pairs in the right order, ties by half.

    Args:
        strange: (N,) which images are to be found.
        ranks: (N,) places of their scores among the different ones: sorted once, however often images are drawn.
        times: (N,) how often each counts.

    Example:
        >>> area_under(np.array([False, False, True]), np.array([0, 1, 1]), np.array([1, 1, 1]))
        0.75
    """
    found, other = (np.bincount(ranks, times * part, minlength=int(ranks.max()) + 1) for part in (strange, ~strange))
    below = np.cumsum(other) - other
    return float((found * (below + other / 2)).sum() / (found.sum() * other.sum()))


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """For each image its error beside the threshold.

    Args:
        model: the model file.
        questions: paths of images, or folders of them.
    """
    from foveal.inference.opened_model import open_model

    opened = open_model(model)
    threshold = float(opened.metadata["threshold"])

    def say(image: NDArray[np.uint8]) -> str:
        error = float(errors(opened.module.predict(image), as_values(image))[0])
        verdict = "an anomaly" if error > threshold else "nothing strange"
        return f"{verdict}, error {error:.4g}, threshold {threshold:.4g}"

    yield from said_of_images(opened.module, questions, say)


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(data="digits", changes=shared.SMALL, settings={"code": 3, "machine": 40, "limit": 120}),
    predict,
)
