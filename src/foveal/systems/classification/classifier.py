"""A plain classifier, ``foveal train NETWORK DATA``, and what every system that classifies shares: train, test once, keep."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal import zoo
from foveal.arithmetic.shapes import trace
from foveal.errors import UnknownName
from foveal.network import codec, tree
from foveal.network.ending import are_independent, check_ending, ends_in_probabilities
from foveal.printable import counted
from foveal.report.blocks import Report
from foveal.runs.experiment import Asked, Experiment
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting, Value
from foveal.systems.classification.fitted import fitted, replaced_input
from foveal.training.config import TrainingConfig
from foveal.training.recipes import recipe_for

if TYPE_CHECKING:
    from torch import Tensor

    from foveal.backends.torch import Network
    from foveal.data.dataset import DataSet, Split
    from foveal.evaluation.results import Evaluation
    from foveal.runs.run import Run
    from foveal.training.history import History

SETTINGS = (
    Setting(
        "network", "", "which network is trained",
        text="a name of the zoo, a description file or a model file; empty takes lecture_cnn, or mlp for a table",
    ),
    LIMIT,
)  # fmt: skip
MISTAKES = 36  # shown
MOST_SIDE = 64  # pixels to a side of a dense layer's filters that are drawn: more would be posters


# From the words to the plan -------------------------------------------------------------------------------------------


def recipe(data: str | None, settings: Mapping[str, Value]) -> TrainingConfig:
    """The recipe for a network of the zoo and data that have one, or the common one."""
    return recipe_for(str(settings["network"]) or "lecture_cnn", data or "fashion-mnist").config


def plan(asked: Asked) -> Experiment:
    """Open the data and the network, and choose how to train: mistakes show before there is a run folder.

    Raises:
        UnknownName: no such network or data.
        DataError: one class alone.
        ShapeError: the network and the data do not fit.
        ConfigurationError: a configuration that cannot work.
    """
    from foveal.data.dataset import check_classes
    from foveal.data.loading import opened
    from foveal.data.splitting import limited

    data = limited(opened(asked.opening), int(asked.settings["limit"]))
    check_classes(data)
    network: str | tree.Sequential = asked.network or str(asked.settings["network"])
    network = network or ("mlp" if data.is_table else "lecture_cnn")
    gaps = _gaps(data)
    found, name, state = _opened(network, data.shape, len(data.classes))
    described = fitted(found, name, data.shape, len(data.classes), gaps, learned=state is not None)
    learned = "" if state is None else f"training goes on from the weights of {network}"
    replaced = replaced_input(found, described) or learned
    planned = asked.planned(recipe_for(name, data.name).config)
    config = settled(planned.config, described, "from_logits" in planned.chosen)
    check_ending(config.loss, config.from_logits, described, trace(described)[0].output)
    notes = (*asked.notes, *([f"{gaps[0].upper()}{gaps[1:]}."] if gaps else []), *([replaced] if replaced else []))
    final = dataclasses.replace(
        planned, config=config, notes=notes, network=described, network_name=name, state=state, replaced=replaced,
        settings={**planned.settings, "network": str(planned.settings["network"]) or name}, data=data,
    )  # fmt: skip
    _check_batches(final)
    return final


def _check_batches(experiment: Experiment) -> None:
    """Batches of one before a batch normalisation teach nothing: said before there is a run."""
    from foveal.runs.run import Run
    from foveal.training.lone import refuse_batches_of_one

    run = Run.looked_at(experiment)
    train = run.parts()["training"]
    assert train is not None
    if min(len(train), experiment.config.batch_size) == 1:
        refuse_batches_of_one([run.build(_given(run), train.shape)], run.batches(train, training=True))


def settled(config: TrainingConfig, network: tree.Sequential, chosen: bool) -> TrainingConfig:
    """The configuration with ``from_logits`` as the network's last layer has it, unless somebody chose it."""
    if chosen or not config.from_logits or not config.loss.endswith("cross_entropy"):
        return config
    return config.replace(from_logits=not ends_in_probabilities(network))


def _gaps(data: DataSet) -> str:
    """Which class numbers occur, in words, where fewer than half of them do; "" otherwise."""
    found = np.unique(data.train.labels)
    if 2 * len(found) >= len(data.classes):
        return ""
    shown = ", ".join(map(str, found[:5])) + (", …" if len(found) > 5 else "")
    return f"the labels are {shown}: {len(data.classes) - len(found)} of {len(data.classes)} classes have no sample"


def open_network(
    network: str | tree.Sequential, shape: Sequence[int], classes: int, gaps: str = ""
) -> tuple[tree.Sequential, str, Mapping[str, Tensor] | None]:
    """A network for data of a shape and a number of classes.

    Returns:
        the tree, its name, and the weights of a model file (None otherwise).

    Raises:
        UnknownName: neither a network of the zoo nor a file.
        ShapeError: the network and the data do not fit, or a model file's weights were learned on another input shape.
    """
    found, name, state = _opened(network, shape, classes)
    return fitted(found, name, shape, classes, gaps, learned=state is not None), name, state


def _opened(
    network: str | tree.Sequential, shape: Sequence[int], classes: int
) -> tuple[tree.Sequential, str, Mapping[str, Tensor] | None]:
    state: Mapping[str, Tensor] | None = None
    if not isinstance(network, str):
        found, name = network, network.name or "network"
    elif Path(network).suffix in (".json", ".yaml", ".yml"):
        if not Path(network).is_file():
            raise UnknownName("there is no such description file", where="NET", given=network)
        found = codec.read(network)
        name = found.name or Path(network).stem
    elif Path(network).suffix == ".safetensors":
        from foveal import modelfile

        found, state, _ = modelfile.load(network)
        name = found.name or Path(network).stem
    else:
        entry = zoo.entry(network)
        found, name = zoo.create(network, classes=classes, input_shape=tuple(shape)), entry.name
    return found, name, state


# Training -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Classified:
    """A classifier that was trained and tested.

    Attributes:
        network: the tree.
        module: in evaluation mode.
        config: how it was trained.
        history: the numbers of all epochs.
        evaluation: on ``measured``.
        measured: the part that was measured; ``split`` is its name.
        counts: samples by part.
        pictures: those of the worst mistakes, in their order; None for a table.
    """

    network: tree.Sequential
    module: Network
    config: TrainingConfig
    history: History
    evaluation: Evaluation
    measured: Split
    split: str
    counts: Mapping[str, int]
    pictures: NDArray[np.uint8] | None


def classify(
    run: Run,
    network: tree.Sequential,
    data: DataSet,
    *,
    stage: str = "",
    config: TrainingConfig | None = None,
    keep: str = "model",
) -> Classified:
    """Train ``network`` on a data set as one stage, test it once, and keep the model file.

    Args:
        run: the run.
        network: a tree that gives one value a class.
        data: pictures or a table, with labels.
        stage: see :meth:`Run.train`.
        config: the run's own by default.
        keep: name of the model file; "" keeps none.

    Raises:
        DataError: one class alone.
        TrainingError, Interrupted: as :meth:`Run.train`.
    """
    from foveal.data.dataset import check_classes
    from foveal.data.fingerprint import part_sum
    from foveal.evaluation import as_distribution, evaluate
    from foveal.inference.probabilities import class_probabilities

    check_classes(data)
    chosen = settled(config or run.config, network, "from_logits" in run.experiment.chosen)
    described = network if network is run.experiment.network else network.with_input(data.shape)
    train, validation = run.split(data.train, chosen)
    module = run.build(described, data.shape, seed=chosen.seed)
    batches = run.batches(train, training=True, config=chosen)
    held = None if validation is None else run.batches(validation, training=False, config=chosen, network=described)
    text = json.dumps(codec.to_dict(described), sort_keys=True).encode()
    history = run.train(
        stage, module, None, batches, held, config=chosen,
        fingerprint={"network": hashlib.sha256(text).hexdigest(), "data": part_sum(data.train)},
    )  # fmt: skip
    parts = {"test": data.test, "validation": validation, "training": train}
    split, measured = next((name, part) for name, part in parts.items() if part is not None)
    answers = class_probabilities(
        module, measured.images, from_logits=chosen.from_logits, mirror=chosen.mirror,
        independent=are_independent(described, chosen.loss),
    )  # fmt: skip
    found = evaluate(as_distribution(answers), measured.labels, data.classes, mistakes=MISTAKES)
    if keep:
        told: dict[str, Any] = {"classes": list(data.classes)}
        told["training"] = {
            "data": data.name, "epochs": len(history.epoch), "config": chosen.to_json(),
            split: {"accuracy": found.accuracy, "count": found.count},
        }  # fmt: skip
        if not data.is_table:
            from foveal.data.sources.images import border_level

            # Of all pictures that were given to learn from, not of those that the seed left after the validation part: at
            # prediction it says whether a stranger's picture is light on dark or dark on light as these data are, which is
            # a property of the data. Nothing is measured by it, so the validation part does not leak.
            told["preprocessing"] = {"border_level": border_level(data.train.images)}
        run.save_model(described, module, keep, **told)
    worst = np.asarray([mistake.index for mistake in found.mistakes], dtype=np.int64)
    counts = {name: len(part) for name, part in parts.items() if part is not None}
    pictures = None if measured.images.ndim == 2 else measured.images[worst]
    return Classified(described, module, chosen, history, found, measured, split, counts, pictures)


def run(run: Run) -> Report:
    """Train the network, test it once, keep it."""
    network, data = run.experiment.network, run.load()
    assert network is not None
    if run.experiment.replaced:
        run.note(run.experiment.replaced)
    return reported(run, classify(run, network, data), data)


def reported(run: Run, found: Classified, data: DataSet, **facts: Any) -> Report:
    """The report of a run that trained one classifier: accuracy, plain sentences, confusions, filters, curves."""
    from foveal.report.classification import classified

    kernels, path = first_filters(found.network, found.module)
    report = classified(
        found.evaluation,
        split=found.split,
        network=found.network,
        name=run.experiment.name,
        data=data.name,
        counts=found.counts,
        history=found.history.history,
        smoothed=bool(found.config.label_smoothing),
        pictures=found.pictures,
        filters=kernels,
        filters_path=path,
        notes=_notes(run, found, data),
    )
    return dataclasses.replace(report, facts={**found.evaluation.to_json(), "split": found.split, **facts})


def _notes(run: Run, found: Classified, data: DataSet) -> list[str]:
    notes = [*run.experiment.notes, *data.notes]
    if data.problems:
        count, first = len(data.problems), data.problems[0]
        notes.append(f"{counted(count, 'file')} could not be read{', among them' if count > 1 else ''}: {first}")
    if found.config.mirror:
        notes.append("Each answer is the mean of those for the picture and for its mirror image.")
    if found.split != "test":
        notes.append(f"There is no test set: what is shown was measured on the {found.split} set.")
    if found.history.stopped_early:
        notes.append(f"Training stopped early, after {len(found.history.epoch)} of {found.config.epochs} epochs.")
    return notes


def first_filters(network: tree.Sequential, module: Network) -> tuple[NDArray[np.floating] | None, str]:
    """What the first layer with weights looks for, as (height, width, in, out), and its path; None and "" where there is nothing
    to see.

    A convolution's kernels; or the weights of a dense layer that every pixel of a picture comes to, laid out as the picture.
    """
    from foveal.network.layers import Conv2D, Dense, Dropout, Flatten, Normalization

    axes = module.input_shape.axes
    pixels = len(axes) == 3 and all(0 < (n or 0) <= MOST_SIDE for n in axes)
    for path, node in tree.walk(network):
        if isinstance(node, Conv2D) and hasattr(module.node(path), "weight"):
            return _weight(module, path).transpose(2, 3, 1, 0), path
        if isinstance(node, Dense) and pixels:
            shape = tuple(int(n or 0) for n in axes)
            return _weight(module, path).reshape(-1, *shape).transpose(1, 2, 3, 0), path
        pixels = pixels and isinstance(node, tree.Sequential | Flatten | Dropout | Normalization)
    return None, ""


def _weight(module: Network, path: str) -> NDArray[np.floating]:
    weight: Any = module.node(path).weight
    kernels: NDArray[np.floating] = weight.detach().float().cpu().numpy()
    return kernels


def _given(run: Run) -> tree.Sequential:
    network = run.experiment.network
    assert network is not None, "the plan of a classifier has its network"
    return network


METHOD = Method(
    recipe, SETTINGS, run, Quick(data="iris", settings={"network": "mlp", "limit": 60}), plan=plan, network=_given
)
