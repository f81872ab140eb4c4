"""What the report on anomalies shows: areas by class, curves, errors of known and strange images, and images themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.report.blocks import Bars, Lines, Pictures, Rows, Section, Series
from foveal.systems.image_tools import as_pixels

if TYPE_CHECKING:
    from foveal.backends.torch import Network

SHOWN = 5
GRID = np.linspace(0, 1, 101)  # false alarms at which curves are drawn


@dataclass(frozen=True)
class Scored:
    """The test images with one class left out of training.

    Attributes:
        name: the class's.
        strange: (N,) whether each test image is of that class.
        scores: (N,) by each way; larger is stranger.
        threshold: of the autoencoder's error, which the allowed share of known validation images exceeds.
    """

    name: str
    strange: NDArray[np.bool_]
    scores: dict[str, NDArray[np.float64]]
    threshold: float


def examples(images: NDArray[np.uint8], module: Network, scored: Scored) -> NDArray[np.uint8]:
    """Images of the left-out class that raise the largest errors and the smallest, each above what came back of it.

    Returns:
        uint8 (4 · SHOWN or fewer, height, width, channels): strangest, their reconstructions, least strange, theirs.
    """
    places = np.flatnonzero(scored.strange)
    order = places[np.argsort(-scored.scores["autoencoder"][places], kind="stable")]
    rows = []
    for chosen in (order[:SHOWN], order[::-1][:SHOWN]):
        rows += [images[chosen], as_pixels(module.predict(images[chosen]))]
    return np.concatenate(rows)


def sections(facts: Mapping[str, Any], shown: Sequence[tuple[Scored, NDArray[np.uint8]]]) -> list[Section]:
    """All sections."""
    return [_areas(facts), _curves(facts, [scored for scored, _ in shown]), *_images(facts, shown)]


def _areas(facts: Mapping[str, Any]) -> Section:
    found = facts["classes"]
    ways = list(facts["mean"])
    rows = [
        (
            name,
            *(each["auc"][way]["value"] for way in ways),
            f"{each['auc'][ways[0]]['low']:.3f} to {each['auc'][ways[0]]['high']:.3f}",
            each["noticed"],
            each["alarms"],
        )
        for name, each in found.items()
    ]
    rows.append(("mean", *(facts["mean"][way]["mean"] for way in ways), "", *(
        float(np.mean([each[key] for each in found.values()])) for key in ("noticed", "alarms"))))  # fmt: skip
    columns = ("left out", *ways, "autoencoder, 95 %", "noticed", "false alarms")
    below = [name for name, each in found.items() if each["auc"][ways[0]]["value"] < 0.5]
    text = (
        "Each class was left out of training once. The area under the ROC curve is the chance that an image of that class has a "
        "larger score than one of the others: 0.5 is guessing. All three ways have as many numbers an image as the code."
    )
    if below:
        text += (
            f" Below 0.5 stand {', '.join(below)}: such images are so simple that a network which never saw them gives them back "
            "better than those it knows. An error is a measure of difficulty first, of strangeness second."
        )
    return Section(
        "Which class is noticed",
        text,
        [
            Bars("areas", list(found), {way: [each["auc"][way]["value"] for each in found.values()] for way in ways},
                 "Area under the ROC curve on the test set.", "area"),
            Rows("areas-table", columns, rows, "“Noticed” and “false alarms” at the threshold that was set on validation images."),
        ],
    )  # fmt: skip


def _curves(facts: Mapping[str, Any], scored: Sequence[Scored]) -> Section:
    from sklearn.metrics import roc_curve

    areas = [facts["classes"][each.name]["auc"]["autoencoder"]["value"] for each in scored]
    series = []
    for place in dict.fromkeys((int(np.argmax(areas)), int(np.argmin(areas)))):
        each = scored[place]
        for way, score in each.scores.items():
            false, true, _ = roc_curve(each.strange, score)
            series.append(Series(f"{each.name}, {way}", GRID.tolist(), np.interp(GRID, false, true).tolist()))
    return Section(
        "ROC curves",
        "Of the class that is noticed best and the one that is noticed worst: how many of it are found, against how many of the "
        "others are called strange.",
        [Lines("roc", "false alarms", "found", series, "Each threshold is a point; the diagonal is guessing.")],
    )


def _images(facts: Mapping[str, Any], shown: Sequence[tuple[Scored, NDArray[np.uint8]]]) -> list[Section]:
    blocks: list[Pictures] = []
    for scored, stack in shown:
        columns = len(stack) // 4
        labels = []
        for row in ("largest error", "came back", "smallest error", "came back"):
            labels += [row] + [""] * (columns - 1)
        area = facts["classes"][scored.name]["auc"]["autoencoder"]["value"]
        caption = f"{scored.name}, never seen in training; area {area:.3f}."
        blocks.append(Pictures(f"left-out-{len(blocks)}", stack, labels, caption, columns=columns))
    return [
        Section(
            "What comes back of what was never seen",
            "For each left-out class its test images with the largest and the smallest errors, and what the network made of them "
            "out of the classes that it knows.",
            blocks,
        )
    ]
