"""What the report of transfer learning shows: accuracy against labels, what was gained, and what the frozen network sees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal.evaluation.intervals import ends
from foveal.report.blocks import Lines, Pictures, Rows, Scatter, Section, Series

if TYPE_CHECKING:
    from foveal.data.dataset import DataSet
    from foveal.systems.embedding.transfer_learner import Learner

MAPPED, SHOWN = 1200, 8


def sections(learner: Learner, facts: Mapping[str, Any], source: DataSet, target: DataSet) -> list[Section]:
    """All of them, in the order of the report."""
    return [_curves(facts), _depth(facts), _sides(source, target), _seen(learner, target)]


def _curves(facts: Mapping[str, Any]) -> Section:
    told = facts["labels"]
    counts = [int(n) for n in told]
    draws = len(next(iter(facts["draws"].values())))
    ways = list(next(iter(told.values()))["accuracy"])

    def series(what: str, names: list[str]) -> list[Series]:
        values = {name: [told[str(n)][what][name] for n in counts] for name in names}
        several = draws > 1
        return [
            Series(name, counts, [v["mean"] for v in each], [v["low"] for v in each] if several else None,
                   [v["high"] for v in each] if several else None)
            for name, each in values.items()
        ]  # fmt: skip

    def cell(value: Mapping[str, float]) -> str:
        half = f" ± {50 * (value['high'] - value['low']):.1f}" if draws > 1 else ""
        return f"{100 * value['mean']:.1f}{half}"

    rows = [(n, *(cell(told[str(n)]["accuracy"][way]) for way in ways)) for n in counts]
    gained = list(told[str(counts[0])]["gain"])
    return Section(
        "Accuracy against labels",
        f"The classes {', '.join(facts['target']['classes'])}, learned from few labelled pictures. Frozen: only the new head "
        "learns. Fine-tuned: everything learns, from the source's weights. From scratch: everything learns, from fresh weights.",
        [
            Lines("accuracy", "labelled pictures, all classes together", "test accuracy", series("accuracy", ways),
                  f"Means of {draws} draws of the labels; bands are Student's 95 % intervals over the draws.", log_x=True),
            Lines("gain", "labelled pictures", "gain over learning from scratch", series("gain", gained),
                  "Differences on the same labels; above zero is better than from scratch.", log_x=True),
            Rows("accuracy-table", ("labels", *ways), rows, "Test accuracy in percent, ± half the 95 % interval."),
        ],
    )  # fmt: skip


def _depth(facts: Mapping[str, Any]) -> Section:
    labels, layers = facts["depth"]["labels"], facts["depth"]["layers"]
    rows = [
        (row["input of"], row["values"], row["accuracy"], ends(row["low"], row["high"]), row["C"]) for row in layers
    ]
    return Section(
        "How far up the features are general",
        "Lower layers serve any classes, higher ones those that they were made for (Yosinski et al. 2014). The frozen network is "
        "cut before each of its layers, and a linear classifier learns from what would go in.",
        [
            Rows("depth", ("cut before", "values", "test accuracy", "95 % interval", "C"), rows,
                 f"{labels:,} labels, means over the draws. The run's own cut is before {facts['cut']}.")
        ],
    )  # fmt: skip


def _sides(source: DataSet, target: DataSet) -> Section:
    blocks = []
    for name, side, told in (
        ("source", source, "The network was trained on these"),
        ("target", target, "Learned afterwards"),
    ):
        index = np.concatenate([np.flatnonzero(side.train.labels == c)[:SHOWN] for c in range(len(side.classes))])
        labels = [side.classes[i] for i in side.train.labels[index]]
        most = min(SHOWN, int(side.train.counts(len(side.classes)).min()))
        blocks.append(
            Pictures(
                name, side.train.images[index], labels, f"{told}: {', '.join(side.classes)}.", columns=max(most, 1)
            )
        )
    return Section(
        "The two halves",
        f"{len(source.train):,} labelled pictures of the first half were used for the source; of the second half, as many as the "
        "curves say.",
        blocks,
    )


def _seen(learner: Learner, target: DataSet) -> Section:
    from sklearn.decomposition import PCA

    shown = np.linspace(0, len(learner.test) - 1, min(MAPPED, len(learner.test))).astype(int)
    labels = learner.test.labels[shown]
    blocks = []
    for name, values, told in (
        ("features", learner.inside["test"], "features of the frozen network, which has never seen these classes"),
        ("pixels", learner.pixels["test"], "pixels"),
    ):
        points = PCA(2, svd_solver="full").fit_transform(values[shown].astype(np.float64))
        blocks.append(
            Scatter(
                f"map-{name}",
                points,
                labels,
                target.classes,
                f"Test pictures in the first two principal components of their {told}.",
            )
        )
    return Section(
        "What the frozen network sees",
        "Classes it was never shown, in what it computes before its head and in the pixels.",
        blocks,
    )
