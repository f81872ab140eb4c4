"""A classifier as the judge of pictures that a network made up: does it recognise them, and as what?

A share of confident answers says nothing by itself, so it stands beside the same share on real pictures; and a generator
that makes one thing only (mode collapse) shows in the classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.report.blocks import Bars, Rows
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet
    from foveal.runs.run import Run

CONFIDENT = 0.9
RECIPE = TrainingConfig(epochs=4, batch_size=64, lr=5e-3, schedule="one-cycle")
"""0.9085 on Fashion-MNIST's test set with seed 0, in 33 seconds on one thread."""


@dataclass(frozen=True)
class ClassifierScore:
    """What the judge says of a set of pictures.

    Attributes:
        confident: the share with a class of probability 0.9 or more.
        shares: of all pictures, the share assigned to each class.
        confident_shares: of the confident answers, the share of each class; all 0 where there is none.
    """

    confident: float
    shares: tuple[float, ...]
    confident_shares: tuple[float, ...]

    @property
    def present(self) -> int:
        """Classes that at least one picture was assigned to with confidence."""
        return sum(share > 0 for share in self.confident_shares)

    @property
    def largest(self) -> float:
        """The largest share of one class, over all pictures or over the confident answers, whichever is larger."""
        return max(*self.shares, *self.confident_shares)

    def to_json(self) -> dict[str, Any]:
        """All of it, for ``evaluation.json``."""
        return {
            "confident": self.confident,
            "classes_present": self.present,
            "largest_share": self.largest,
            "shares": list(self.shares),
            "confident_shares": list(self.confident_shares),
        }


@dataclass(frozen=True)
class SampleClassifier:
    """A trained classifier.

    Attributes:
        module: in evaluation mode.
        classes: names.
        accuracy: on the test set.
        real: its opinion of the real test pictures.
    """

    module: Network
    classes: tuple[str, ...]
    accuracy: float
    real: ClassifierScore

    def probabilities(self, pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(N, classes) for uint8 pictures N × height × width × channels."""
        from foveal.inference.probabilities import class_probabilities

        return class_probabilities(self.module, pictures, from_logits=True)

    def opinion(self, pictures: NDArray[np.uint8]) -> ClassifierScore:
        """What it says of them."""
        return opinion(self.probabilities(pictures))

    def words(self, pictures: NDArray[np.uint8]) -> list[str]:
        """A label a picture: the class, and a question mark where the judge is not confident."""
        answers = self.probabilities(pictures)
        return [self.classes[row.argmax()] + ("" if row.max() >= CONFIDENT else "?") for row in answers]

    def blocks(self, made: ClassifierScore, what: str) -> list[Bars | Rows]:
        """Bars and a table: the classes of made pictures beside those of real ones."""
        confident = f"The judge was right on {self.accuracy:.1%} of the test pictures."
        bars = Bars(
            "judged",
            list(self.classes),
            {f"{what}, confident": made.confident_shares, "real, confident": self.real.confident_shares},
            f"Share of each class among the pictures with a class of probability {CONFIDENT} or more. {confident}",
            y_label="share",
        )
        rows: Sequence[Sequence[object]] = [
            (name, made.shares[i], made.confident_shares[i], self.real.shares[i], self.real.confident_shares[i])
            for i, name in enumerate(self.classes)
        ]
        whole = ("with confidence, of all", "", made.confident, "", self.real.confident)
        columns = ("class", what, f"{what}, confident", "real", "real, confident")
        return [bars, Rows("judged-classes", columns, [*rows, whole], "Shares of the classes that the judge assigned.")]


def opinion(probabilities: NDArray[np.floating]) -> ClassifierScore:
    """The opinion that (N, classes) probabilities are.

    Example:
        >>> found = opinion(np.array([[0.95, 0.05], [0.6, 0.4], [0.02, 0.98], [0.01, 0.99]]))
        >>> found.confident, found.shares, found.confident_shares[0], found.present
        (0.75, (0.5, 0.5), 0.3333333333333333, 2)
    """
    count, classes = probabilities.shape
    best = probabilities.argmax(1)
    sure = probabilities.max(1) >= CONFIDENT
    confident = np.bincount(best[sure], minlength=classes)
    return ClassifierScore(
        float(sure.mean()),
        tuple((np.bincount(best, minlength=classes) / count).tolist()),
        tuple((confident / max(1, confident.sum())).tolist()),
    )


def trained(run: Run, data: DataSet) -> SampleClassifier:
    """Train a judge as a stage of its own, ``judge``; ``settings["judge_epochs"]`` says how long.

    It is the lecture's network, or an MLP for pictures below 18 × 18, which that cannot take.
    """
    from foveal.systems.classification.classifier import classify

    small = min(data.shape[:2]) < 18
    tree = (zoo.mlp if small else zoo.lecture_cnn)(classes=len(data.classes), input_shape=data.shape)
    config = RECIPE.replace(
        epochs=int(run.settings.get("judge_epochs", RECIPE.epochs)),
        seed=run.seed,
        device=run.config.device,
    )
    found = classify(run, tree, data, stage="judge", config=config, keep="judge")
    judge = SampleClassifier(
        found.module, data.classes, float(found.evaluation.accuracy), opinion(np.eye(len(data.classes)))
    )
    return SampleClassifier(judge.module, judge.classes, judge.accuracy, judge.opinion(found.measured.images))
