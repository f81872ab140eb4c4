"""How to train which network on what: configurations that were tried, with the time they take and what they reach.

A recipe belongs to a network's name and a data set's name; ``None`` stands for any. Times are for two CPU cores
(AMD EPYC, Zen 4); accuracies are on the test set, and the run's own figure will differ a little. Those of version 0.1.0 were
measured while Adam's epsilon of 10⁻⁷ stood beside the corrected root, where it weighs up to 30 times less in the first steps.
"""

from __future__ import annotations

from dataclasses import dataclass

from foveal.training.config import TrainingConfig


@dataclass(frozen=True)
class Recipe:
    """A configuration, what it costs and what it should give.

    Attributes:
        config: how to train.
        takes: how long, and on what, in words.
        reaches: what it should come to, in words; empty where that was not measured.
    """

    config: TrainingConfig
    takes: str = ""
    reaches: str = ""


LECTURE = Recipe(
    TrainingConfig(),
    takes="five epochs, about 14 s each on two CPU cores",
    reaches="test accuracy 0.901 on Fashion-MNIST (mean of three seeds)",
)
"""The lecture's own training: five epochs of Adam at its default rate, batches of 32."""

FAST = TrainingConfig(
    epochs=2, batch_size=32, schedule="triangular", peak_at=0.2, lr=4.5e-3, label_smoothing=0.1, validation=0.05
)
"""Chosen on 10,000 pictures put aside from the training set, three seeds each: 0.9086 at a rate of 4e-3 and 0.9088 at
5.5e-3, against 0.9068 at 3e-3 and 0.9034 at 2e-3. Batches of 64 at 5e-3 gave 0.9056 with straight lines and 0.9025 with
one-cycle's cosines; averaging the weights gave nothing in so short a run."""

RESIDUAL = TrainingConfig(
    epochs=18,
    batch_size=128,
    optimizer="nesterov",
    lr=0.1,
    weight_decay=5e-4,
    decoupled=False,
    optimizer_options={"decay_all": True},
    schedule="cosine",
    warmup=3.6,
    label_smoothing=0.1,
    augment="shift=2,flip",
    mirror=True,
    validation=0.05,
)
"""For the small residual networks: every parameter decays, through its gradient as in the papers, and the rate rises for a
fifth of the run."""

RECIPES: dict[tuple[str | None, str | None], Recipe] = {
    ("lecture_cnn", "fashion-mnist"): Recipe(
        FAST,
        takes="two epochs, about 12 s each on two CPU cores",
        reaches="test accuracy 0.902 (mean of five seeds)",
    ),
    ("lecture_cnn", None): Recipe(FAST, takes="two epochs"),
    ("fashion_resnet", "fashion-mnist"): Recipe(
        RESIDUAL,
        takes="18 epochs; with --precision bf16 30 s each on two CPU cores that multiply bfloat16",
        reaches="test accuracy 0.939 (one seed, with --precision bf16)",
    ),
    ("fashion_resnet_large", "fashion-mnist"): Recipe(
        RESIDUAL.replace(epochs=50, warmup=5.0, augment="shift=2,flip,erase=0.3", validation=0.02),
        takes="50 epochs; with --precision bf16 41 minutes on two CPU cores that multiply bfloat16",
        reaches="test accuracy 0.951 (one seed, with --precision bf16)",
    ),
    ("lenet5", "mnist"): Recipe(
        TrainingConfig(epochs=9, batch_size=64, schedule="one-cycle", lr=3e-3, augment="shift=1", validation=0.05),
        takes="nine epochs, about 5 s each on two CPU cores",
        reaches="test accuracy 0.993 (mean of three seeds)",
    ),
    ("mlp", "fashion-mnist"): Recipe(
        TrainingConfig(epochs=10, batch_size=128, schedule="one-cycle", lr=4e-3, label_smoothing=0.1, validation=0.05),
        takes="ten epochs, under a minute on one CPU core",
        reaches="test accuracy 0.892 (two seeds)",
    ),
    ("mlp", "iris"): Recipe(
        TrainingConfig(epochs=30, batch_size=16, schedule="one-cycle", lr=1e-2, label_smoothing=0.1, validation=0.2),
        takes="a few seconds",
        reaches="0.953 by five-fold cross-validation (three seeds)",
    ),
    (None, "iris"): Recipe(
        TrainingConfig(epochs=100, batch_size=16, schedule="one-cycle", lr=1e-2, validation=0.2),
        takes="a few seconds",
    ),
    (None, "digits"): Recipe(
        TrainingConfig(epochs=15, batch_size=32, schedule="one-cycle", lr=4e-3, validation=0.1),
        takes="a few seconds",
    ),
    (None, None): Recipe(
        TrainingConfig(epochs=5, batch_size=64, schedule="one-cycle", lr=3e-3, label_smoothing=0.1, validation=0.05),
        takes="five epochs",
    ),
}


def recipe_for(network: str | None, data: str | None) -> Recipe:
    """The recipe for a network and a data set, by their names: theirs, else the data set's, else the network's.

    Example:
        >>> recipe_for("lecture_cnn", "fashion-mnist").config.epochs
        2
        >>> recipe_for("a network of my own", "iris").config.batch_size
        16
    """
    for key in ((network, data), (None, data), (network, None)):
        if key in RECIPES:
            return RECIPES[key]
    return RECIPES[None, None]
