"""Recognition by embedding: the same or not, for classes that were never seen. How faces are recognised.

A classifier knows the classes it was trained on. A network that recognises faces has to answer for people it never saw, so it
learns a distance: trained on some classes, measured on others (Schroff, Kalenichenko, Philbin 2015).
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.errors import ConfigurationError, DataError, ImageError
from foveal.evaluation.similarity import unit_rows
from foveal.printable import printable
from foveal.report.blocks import Headline, Report
from foveal.runs.answers import Answer, Unanswered
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.embedding.embedder_measures import (
    DRAWS,
    LOOKED_AT,
    embedded,
    looked_at,
    measured,
    rates,
    without,
)
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.network.tree import Sequential
    from foveal.runs.run import Run

RECIPE = TrainingConfig(
    epochs=1, batch_size=140, optimizer="adam", lr=2e-3, schedule="one-cycle", metrics=(), validation=0.0,
    augment="shift=2,flip", mirror=True,
)  # fmt: skip
"""AUC on Fashion-MNIST's dress, sandal and bag, never trained on: 0.906, 0.904 and 0.907 (seeds 0 to 2); raw pixels have 0.772.
Under two minutes on one busy thread."""
SETTINGS = (
    Setting(
        "held_out",
        "3,5,8",
        "classes never trained on: Fashion-MNIST's dress, sandal, bag",
        text="numbers or names of classes with commas between",
    ),
    Setting(
        "also_held_out",
        "0,4,7",
        "a second training holds these out instead: T-shirt, coat, sneaker",
        text="numbers or names of classes; empty for none",
    ),
    Setting(
        "validation_classes",
        "2,9",
        "held out of a first training, to choose the threshold on: pullover, ankle boot",
        text="numbers or names of classes with commas between",
    ),
    Setting(
        "loss",
        "semi-hard",
        "which loss of pairs or triplets is trained",
        choices=("semi-hard", "batch-hard", "contrastive"),
    ),
    Setting("margin", 0.2, "of the two triplet losses, in squared distance", at_least=0),
    Setting("temperature", 0.3, "τ of the contrastive loss", above=0),
    Setting("classes", 0, "classes in a batch; 0 for all", at_least=0),
    Setting("each", 20, "images of each class in a batch", at_least=2),
    Setting("dimensions", 128, "numbers that an image is described by", at_least=1),
    Setting("classifier", True, "measure an ordinary classifier's features beside"),
    Setting("width", 1.0, "factor on the feature maps", above=0),
    LIMIT,
)


def run(run: Run) -> Report:
    """Choose a threshold on validation classes, train with the held-out classes left out, and verify pairs of those.

    Raises:
        ConfigurationError: classes that are not there or held out twice, an unknown loss, too few pictures a class.
        DataError: rows of a table, or data without a test part.
    """
    from foveal.systems.embedding import embedder_report as report

    data = run.pictures()
    held, other, choosing = (
        classes_of(data, str(run.settings[name]), name) for name in ("held_out", "also_held_out", "validation_classes")
    )
    _check(data, held, other, choosing)
    rehearsal = _rehearsed(run, data, held, choosing)
    tree, module = _trained(run, data, "", held)
    part = looked_at(data.test or data.train, held)
    vectors = embedded(module, part.images, run.config.mirror)
    found = {"embedder": measured(vectors, part.labels, held, run.seed, DRAWS)}
    if run.settings["classifier"]:
        run.notify("an ordinary classifier's features, to compare")
        found["classifier's features"] = measured(_features(run, data, held, part), part.labels, held, run.seed)
    found["raw pixels"] = measured(unit_rows(part.images), part.labels, held, run.seed, DRAWS)
    second = _second(run, data, other) if len(other) else None
    own = found["embedder"]
    accepted = rates(vectors, part.labels, held, rehearsal["threshold"])
    run.save_model(
        tree,
        module,
        classes=list(data.classes),
        threshold=rehearsal["threshold"],
        mirror=run.config.mirror,
        training={
            "data": data.name, "held_out": [data.classes[k] for k in held], "test": {"auc": own.among.auc},
        },
    )  # fmt: skip
    names = ", ".join(data.classes[k] for k in held)
    facts = {
        "held_out": [data.classes[k] for k in held],
        "test": {name: each.to_json() for name, each in found.items()},
        "also_held_out": [data.classes[k] for k in other],
        "also": second,
        "rehearsal": rehearsal,
        "at_threshold": accepted,
        "test_pictures": len(part),
    }
    raw = found["raw pixels"]
    return Report(
        headlines=[
            Headline("AUC on classes never seen", own.among.auc, note=f"{own.among.pairs:,} pairs of test pictures of {names}; "
                     f"95 % interval {own.among.low:.4f} to {own.among.high:.4f} over pictures, not over classes"),
            Headline("raw pixels", raw.among.auc, note="AUC of the same pairs, without any training"),
            Headline("AUC against all classes", own.against.auc, note=f"a picture never seen beside one of any of the "
                     f"{len(data.classes)} classes; raw pixels {raw.against.auc:.4f}"),
            *([Headline("other classes held out", second["embedder"]["among"]["auc"],
                        note=f"AUC of {', '.join(data.classes[k] for k in other)}, trained anew without them; raw pixels "
                        f"{second['raw pixels']['among']['auc']:.4f}")] if second else []),
            Headline("recall@1", own.recall, percent=True, note="the nearest of all test pictures is of the same class, which "
                     f"was never seen; raw pixels {raw.recall:.1%}"),
        ],
        sections=report.sections(data, part, vectors, held, found, second, other, rehearsal, accepted),
        networks={"embedder": tree},
        facts=facts,
        notes=["The interval draws pictures anew, within the same held-out classes. Which classes are held out matters more: "
               "see the second set, and the table of pairs of classes."],
    )  # fmt: skip


def classes_of(data: DataSet, text: str, setting: str) -> NDArray[np.int64]:
    """The numbers of the classes that a setting names, by number or by name, in the data's order.

    Raises:
        ConfigurationError: a class that the data do not have.
    """
    found = set()
    lower = [name.lower() for name in data.classes]
    for word in (part.strip() for part in text.split(",")):
        if word.isdigit() and int(word) < len(lower):
            found.add(int(word))
        elif word.lower() in lower:
            found.add(lower.index(word.lower()))
        elif word:
            raise ConfigurationError(
                "the data have no such class",
                where=f"--set {setting}",
                given=repr(word),
                expected=f"0 to {len(lower) - 1}, or of {', '.join(data.classes[:12])}",
                fix=f"--set {setting}={','.join(map(str, range(min(3, len(lower)))))}",
            )
    return np.array(sorted(found), np.int64)


def _check(data: DataSet, held: NDArray[np.int64], other: NDArray[np.int64], choosing: NDArray[np.int64]) -> None:
    every = len(data.classes)
    wrong = None
    if not 2 <= len(held) <= every - 2:
        wrong = "held_out names 2 classes or more, and leaves 2 or more to learn from"
    elif len(other) and not 2 <= len(other) <= every - 2:
        wrong = "also_held_out names no class, or 2 or more, and leaves 2 or more to learn from"
    elif not len(choosing) or set(choosing) & set(held) or every - len(held) - len(choosing) < 2:
        wrong = "validation_classes names classes that are not held out, and leaves 2 or more to learn from"
    if wrong:
        raise ConfigurationError(
            "these classes cannot be held out",
            where="--set",
            given=f"held_out={_text(held)}, also_held_out={_text(other)}, validation_classes={_text(choosing)}; "
            f"{every} classes",
            expected=wrong,
            fix="--set held_out=3,5,8 --set also_held_out=0,4,7 --set validation_classes=2,9, for data of ten classes",
        )


def _text(classes: NDArray[np.int64]) -> str:
    return ",".join(map(str, classes.tolist())) or "none"


def _trained(
    run: Run, data: DataSet, stage: str, held: NDArray[np.int64], config: TrainingConfig | None = None
) -> tuple[Sequential, Network]:
    """An embedder that never saw the held-out classes."""
    from foveal.data.batches.balanced import BalancedBatches
    from foveal.network import codec
    from foveal.training.batching import augmentation
    from foveal.training.steps.metric import Metric, pair_loss

    told = run.settings
    loss = pair_loss(str(told["loss"]), margin=float(told["margin"]), temperature=float(told["temperature"]))
    tree = zoo.embedder(int(told["dimensions"]), data.shape, width=float(told["width"]))
    module = run.build(tree)
    chosen = config or run.config
    batches = BalancedBatches(
        without(data.train, held), int(told["classes"]), int(told["each"]), seed=run.seed, device=run.device,
        augment=augmentation(chosen.augment),
    )  # fmt: skip
    fingerprint = {"network": codec.to_dict(tree), "held_out": held.tolist()}
    run.train(stage, module, functools.partial(Metric, loss=loss), batches, config=chosen, fingerprint=fingerprint)
    return tree, module


def _rehearsed(run: Run, data: DataSet, held: NDArray[np.int64], choosing: NDArray[np.int64]) -> dict[str, Any]:
    """Train without the validation classes too, and see at which distance they are told from all others.

    The threshold is for classes never seen, so it is chosen on classes that this network never saw; the held-out classes have
    no part in it.
    """
    from foveal.evaluation.verification import pairs_of, verify

    _, module = _trained(run, data, "rehearsal", np.union1d(held, choosing))

    def chosen() -> dict[str, Any]:
        part = without(data.train, held)
        rows = np.random.default_rng([run.seed, 12]).permutation(len(part))[:LOOKED_AT]
        some = part.take(np.sort(rows))
        found = verify(pairs_of(embedded(module, some.images, run.config.mirror), some.labels, choosing))
        return {
            "validation_classes": [data.classes[k] for k in choosing],
            "threshold": found.threshold, "auc": found.auc, "equal_error": found.equal_error, "pairs": found.pairs,
        }  # fmt: skip

    told: dict[str, Any] = run.cached("threshold", chosen)
    return told


def _features(run: Run, data: DataSet, held: NDArray[np.int64], part: Split) -> NDArray[np.floating]:
    """What an ordinary classifier of the same classes has before its last layer, brought to length 1."""
    import torch

    from foveal.backends.torch import layer_outputs
    from foveal.network import Sequential as Chain
    from foveal.network import codec
    from foveal.network.layers import Dense

    learn = without(data.train, held)
    seen, labels = np.unique(learn.labels, return_inverse=True)
    trunk = zoo.embedder(1, data.shape, width=float(run.settings["width"])).layers[:-2]
    tree = Chain([*trunk, Dense(len(seen), name="classes")], input_shape=data.shape, name="classifier")
    module = run.build(tree)
    batches = run.batches(type(learn)(learn.images, labels.astype(np.int64)), training=True)
    fingerprint = {"network": codec.to_dict(tree), "held_out": held.tolist()}
    run.train("classifier", module, None, batches, fingerprint=fingerprint)
    last = trunk[-1].name
    assert last is not None
    with torch.inference_mode():
        rows = [
            layer_outputs(module, module.as_input(part.images[start : start + 500]), [last])[last].float().cpu().numpy()
            for start in range(0, len(part), 500)
        ]
    return unit_rows(np.concatenate(rows))


def _second(run: Run, data: DataSet, other: NDArray[np.int64]) -> dict[str, Any]:
    """The same training with other classes held out, and the same figures."""
    _, module = _trained(run, data, "other-classes", other)
    part = looked_at(data.test or data.train, other)
    found = {"embedder": embedded(module, part.images, run.config.mirror), "raw pixels": unit_rows(part.images)}
    return {name: measured(each, part.labels, other, run.seed, DRAWS).to_json() for name, each in found.items()}


def predict(model: str, questions: Sequence[str]) -> Iterator[str]:
    """Whether pictures are of the same class: the squared distance of every pair, and what the threshold says.

    Args:
        model: a model file of this system.
        questions: two files of pictures or more.

    Raises:
        DataError: fewer than two pictures.
        ModelFileError: the model cannot be read.
    """
    from foveal.evaluation.verification import squared_distances
    from foveal.inference.opened_model import open_model

    if len(questions) < 2:
        raise DataError(
            "two pictures are compared", where="embedder", given=f"{len(questions)} picture", fix="name two or more"
        )
    opened = open_model(model)
    module, told = opened.module, opened.metadata
    paths, pictures = [], []
    for path in questions:
        try:
            pictures.append(as_trained(path, module.input_shape.axes))
            paths.append(path)
        except ImageError as error:
            yield Unanswered(str(error), path)
    if len(paths) < 2:
        return
    vectors = embedded(module, np.stack(pictures), bool(told.get("mirror")))
    distances, threshold = squared_distances(vectors, vectors), float(told["threshold"])
    for i, j in itertools.combinations(range(len(paths)), 2):
        said = "the same" if distances[i, j] <= threshold else "different"
        both = f"{paths[i]} and {paths[j]}"
        text = f"{printable(both)}: {said} (squared distance {distances[i, j]:.3f}, threshold {threshold:.3f})"
        yield Answer(text, both)


def as_trained(path: str, shape: Sequence[int | None]) -> NDArray[np.uint8]:
    """A picture as the network knows them: light on dark, fitted into height × width with dark beside it."""
    from PIL import Image

    from foveal.data.sources.images import border_level, read, resize

    height, width, channels = (int(n or 28) for n in shape)
    pixels = read(path, channels=channels)
    if border_level(pixels) > 127:
        pixels = np.invert(pixels)
    picture = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    return np.asarray(resize(picture, (height, width), "pad", 0)).reshape(height, width, channels)


METHOD = Method(
    RECIPE,
    SETTINGS,
    run,
    Quick(
        data="digits",
        changes={"epochs": 1, "batch_size": 32},
        settings={"limit": 200, "each": 4, "dimensions": 4, "width": 0.125},
    ),
    predict,
)
