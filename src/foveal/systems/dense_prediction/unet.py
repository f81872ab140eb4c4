"""Segmentation: the class of every pixel of composed scenes, by a U-Net."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.report.blocks import Headline, Heat, Pictures, Plot, Report, Rows, Section
from foveal.runs.method import Method, Quick
from foveal.runs.settings import Setting
from foveal.systems.dense_prediction import scenes
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from foveal.backends.torch import Network
    from foveal.data.generated.scenes import Scenes
    from foveal.evaluation.segmentation import Segmented
    from foveal.runs.run import Run

RECIPE = TrainingConfig(
    epochs=9, batch_size=16, lr=3e-3, schedule="one-cycle", peak_at=0.2, validation=0.03, metrics=(),
)  # fmt: skip
"""After 200,000 single things, 72,000 scenes, each seen once: 8 min 5 s of two cores with bfloat16 products (AMD
EPYC, Zen 4). Mean IoU of eleven classes on 2,000 test scenes: 0.740, and 0.748 on one core (seed 0). Chosen
on validation scenes: four levels and five epochs had a mean Dice of 0.764 there, this has 0.803, and the rise goes on."""
NAMES = {"batch_size": 64, "lr": 4e-3, "label_smoothing": 0.1, "metrics": ("accuracy",)}
"""How the way down learns names first, where that differs from the recipe."""
SETTINGS = (
    *scenes.SETTINGS,
    Setting(
        "pieces",
        50_000,
        "single things an epoch, from which the names are learned first; 0 leaves that out",
        at_least=0,
    ),
    Setting("piece_epochs", 4, "epochs of them", at_least=0),
    Setting("dice", 0.3, "what the Dice loss weighs beside the cross-entropy", at_least=0, at_most=1),
    Setting("width", 1.0, "factor on the feature maps", above=0),
    Setting("levels", 5, "levels of the network; the scene is halved one time fewer", at_least=2, at_most=5),
)
SHOWN = 8


def run(run: Run) -> Report:
    """Train on scenes that are new in every epoch, and measure once on test scenes.

    Raises:
        DataError, ConfigurationError, UnknownName: see :func:`foveal.systems.dense_prediction.scenes.material`.
        ShapeError: a size that cannot be halved four times.
    """
    from foveal.evaluation.segmentation import segmented
    from foveal.network import codec
    from foveal.training.steps.segmentation import Segmentation

    found = scenes.material(run)
    test = found.test
    width, levels = float(run.settings["width"]), int(run.settings["levels"])
    tree = zoo.unet(len(test.names), test.images.shape[1:], width, levels)
    module = run.build(tree)
    fingerprint = {**found.fingerprint, "network": codec.to_dict(tree)}
    if int(run.settings["pieces"]) and int(run.settings["piece_epochs"]):
        _learn_names(run, module, found, fingerprint)
    step = functools.partial(Segmentation, dice=float(run.settings["dice"]))
    run.train("", module, step, found.train, found.validation, fingerprint=fingerprint)
    predicted = masks_of(module, test.images)
    result = segmented(test.masks, predicted, test.names)
    run.save_model(
        tree, module, classes=list(test.classes), training={"data": found.source, "config": run.config.to_json()}
    )
    return _findings(result, test, predicted, tree, found.source)


def _learn_names(run: Run, module: Network, found: scenes.Material, fingerprint: dict[str, Any]) -> None:
    """The way down learns the classes of single things, on small scenes with one each."""
    from foveal.systems.dense_prediction.encoder_pretraining import EncoderClassifier, SingleThings

    changes = {**NAMES, "epochs": int(run.settings["piece_epochs"])}
    config = run.config.replace(**changes)
    train, held = found.single(int(run.settings["pieces"]), config.batch_size, 2 ** (int(run.settings["levels"]) - 1))
    run.train(
        "names", EncoderClassifier(module, len(found.test.classes), run.seed), None, SingleThings(train),
        None if held is None else SingleThings(held), config=config, fingerprint=fingerprint,
    )  # fmt: skip


def masks_of(module: Network, images: NDArray[np.uint8], batch_size: int = 100) -> NDArray[np.uint8]:
    """The likeliest class of each pixel, uint8 (N, h, w), 0 for ground; computed in float32."""
    import torch

    from foveal.backends.torch import evaluating

    with evaluating(module), torch.inference_mode():
        parts = [
            module(module.as_input(images[at : at + batch_size])).argmax(1).to(torch.uint8).cpu().numpy()
            for at in range(0, len(images), batch_size)
        ]
    return np.concatenate(parts)


def _findings(result: Segmented, test: Scenes, predicted: NDArray[np.uint8], tree: Any, source: str) -> Report:
    interval = result.interval()
    worst = np.argsort(result.each, kind="stable")[:SHOWN]
    facts = {
        "mean_iou": result.mean_iou,
        "mean_iou_interval": [interval.low, interval.high],
        "mean_iou_without_ground": result.mean_iou_things,
        "pixel_accuracy": result.accuracy,
        "thing_iou": result.thing_iou,
        "mean_iou_if_named_right": result.mean_iou_named,
        "iou": dict(zip(result.names, result.iou, strict=True)),
        "precision": dict(zip(result.names, result.precision, strict=True)),
        "recall": dict(zip(result.names, result.recall, strict=True)),
        "pixels": result.pixels,
        "scenes": len(test),
        "source": source,
    }
    return Report(
        headlines=[
            Headline("mean IoU", result.mean_iou,
                     note=f"{len(result.names)} classes, ground counted; 95 % interval {interval.low:.3f} … {interval.high:.3f}"),
            Headline("mean IoU without ground", result.mean_iou_things, note=f"{len(result.names) - 1} classes of things"),
            Headline("mean IoU with every name right", result.mean_iou_named,
                     note="pixels of a thing that were given to another thing's class counted as their own: outlines alone"),
            Headline("pixel accuracy", result.accuracy, percent=True, note=f"{len(test):,} test scenes"),
        ],
        sections=[
            Section("Overlays", "Each column is a test scene, not chosen: the picture, the true masks, the predicted ones. The "
                    "colours of the classes are those of the bars below.",
                    [_overlays("overlays", test, predicted, np.arange(min(SHOWN, len(test))), result)]),
            Section("IoU of each class", "Common pixels over the pixels of either, all test scenes together. Outlines cost all "
                    "classes a little; what costs the rest is a thing taken for a similar one.",
                    [_bars(result), _table(result)]),
            Section("What is taken for what", "A row is a true class, a column what its pixels were taken for; a row adds up to 1.",
                    [Heat("confusion", result.pixels / np.maximum(result.pixels.sum(1, keepdims=True), 1), result.names,
                          result.names, "Share of each class's true pixels.")]),
            Section("Worst cases", "The test scenes with the lowest mean IoU of their own, worst first: mostly a single thing "
                    "whose name is wrong, or one that hides in its ground.",
                    [_overlays("worst", test, predicted, worst, result)]),
        ],
        networks={"unet": tree},
        facts=facts,
        notes=[f"Scenes are composed of {source}; test scenes of its test pictures, which no training scene shows."],
    )  # fmt: skip


def _overlays(
    name: str, test: Scenes, predicted: NDArray[np.uint8], chosen: NDArray[np.integer[Any]], result: Segmented
) -> Pictures:
    classes = len(test.classes)
    images = test.images[chosen]
    rows = [
        scenes.coloured(images),
        scenes.overlay(images, test.masks[chosen], classes),
        scenes.overlay(images, predicted[chosen], classes),
    ]
    each = result.each[chosen]
    labels = [
        "picture",
        *[""] * (len(chosen) - 1),
        "truth",
        *[""] * (len(chosen) - 1),
        *[f"IoU {one:.2f}" for one in each],
    ]
    return Pictures(name, np.concatenate(rows), labels, "Above the picture, in the middle the truth, below the prediction "
                    "with the mean IoU of that scene alone.", columns=len(chosen))  # fmt: skip


def _bars(result: Segmented) -> Plot:
    colours = np.concatenate([[[128, 128, 128]], scenes.palette(len(result.names) - 1)]) / 255
    values = np.nan_to_num(result.iou)

    def paint(figure: Figure) -> Mapping[str, str] | None:
        axes = figure.add_subplot()
        places = np.arange(len(values))
        axes.barh(places, values, color=[tuple(each) for each in colours])
        axes.set_yticks(places, result.names)
        axes.invert_yaxis()
        axes.set_xlim(0, 1)
        axes.set_xlabel("intersection over union")
        axes.grid(visible=False, axis="y")
        return None

    return Plot("iou", paint, "A class's bar has the colour that its things have in the overlays.",
                f"Bars of IoU by class, from {values.min():.2f} to {values.max():.2f}.",
                ("class", "IoU"), list(zip(result.names, map(float, values), strict=True)), (6.4, 4.2))  # fmt: skip


def _table(result: Segmented) -> Rows:
    rows = zip(result.names, result.iou, result.precision, result.recall, result.pixels.sum(1), strict=True)
    return Rows("classes", ("class", "IoU", "precision", "recall", "true pixels"),
                [(name, *map(float, (i, p, r)), int(n)) for name, i, p, r, n in rows],
                "Precision: of the pixels given to the class, the share that belongs to it. Recall: of its pixels, the share "
                "found.")  # fmt: skip


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """For each picture the share of its pixels that each class has, and an overlay drawn beside it, ``NAME-mask.png``."""
    return scenes.answers(model, questions, "mask", _look)


def _look(module: Network, picture: NDArray[np.uint8], names: Sequence[str]) -> tuple[str, NDArray[np.uint8]]:
    mask = masks_of(module, picture[None])
    shares = np.bincount(mask.ravel(), minlength=len(names) + 1) / mask.size
    order = [label for label in np.argsort(-shares) if shares[label] > 0]
    text = ", ".join(f"{['ground', *names][label]} {shares[label]:.1%}" for label in order)
    both = np.concatenate([scenes.coloured(picture[None]), scenes.overlay(picture[None], mask, len(names))], 2)[0]
    return text, both.repeat(4, 0).repeat(4, 1)


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        changes={"epochs": 1, "batch_size": 4},
        settings={
            "source": "digits",
            "scenes": 24,
            "test_scenes": 10,
            "size": 32,
            "width": 0.25,
            "pieces": 100,
            "piece_epochs": 1,
        },
    ),
    predict,
)
