"""From the words to the result, for every system: plan, start, resume, test the learning rate, predict."""

from __future__ import annotations

import dataclasses
import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal.errors import CheckpointError, ConfigurationError, FileError, FovealError, TrainingError
from foveal.network import codec
from foveal.runs.answers import each, guarded
from foveal.runs.experiment import Asked, Experiment
from foveal.runs.method import Method
from foveal.runs.result import RunResult, conclude
from foveal.runs.run import Run
from foveal.runs.settings import chosen
from foveal.runs.system import System
from foveal.systems.registry import CLASSIFIER, USED_BY, known, system
from foveal.training.checkpoints import run_config
from foveal.training.checkpoints.run_folder import RunFolder
from foveal.training.config import EARLIER, TrainingConfig
from foveal.training.display import Silent

if TYPE_CHECKING:
    from foveal.data.dataset import DataSet, Split
    from foveal.network.tree import Sequential
    from foveal.training.display import Display
    from foveal.training.lr_finder import RangeTest


def plan(
    name: str,
    data: str | None = None,
    *,
    network: Sequential | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    label: str | int | None = None,
    config: TrainingConfig | None = None,
    changes: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
    notes: Sequence[str] = (),
) -> Experiment:
    """Choose a system, its data and how it is trained.

    Args:
        name: of the system; or what the system ``classifier`` is to train: a network of the zoo, a description file, or a
            model file, from whose weights training goes on.
        data: name or path; None takes the system's first.
        network: a tree for the classifier to train.
        size, channels: to bring pictures to.
        label: the label's column of a CSV file: its name, its number from 1, ``"first"`` or ``"last"``.
        config: how to train; None takes the recipe for these data.
        changes: fields that replace the recipe's.
        settings: values that replace the method's own; texts are read as what they replace.
        command: the command line, for the report.
        notes: for the report.

    Raises:
        UnknownName: no such system, network or setting.
        ConfigurationError: a value that a setting cannot have, or data of another kind.
        DataError, SourceError, ShapeError: what a classifier cannot be trained on or with.

    Example:
        >>> plan("vae", settings={"latent": "8"}).settings["latent"]
        8
        >>> experiment = plan("lecture_cnn", "digits", size=(28, 28), changes={"epochs": 3})
        >>> experiment.system.name, experiment.name, experiment.config.epochs, experiment.network.layers[-1].units
        ('classifier', 'lecture_cnn', 3, 10)
    """
    from foveal.data.loading import opening_of

    found, named = (system(name), {}) if known(name) else (system(CLASSIFIER), {"network": name})
    way = method(found)
    if way.plan is None:
        _check_data(found, data)
    opening = opening_of(data if data is not None else next(iter(found.data), None), size, channels, label)
    own = chosen(found.name, way.settings, {**named, **(settings or {})})
    asked = Asked(found, own, opening, network, config, changes or {}, command, notes)
    planned = asked.planned(way.recipe_for(opening["data"], own)) if way.plan is None else way.plan(asked)
    _check_used(found, planned.config)
    return planned


def _check_used(found: System, config: TrainingConfig) -> None:
    """What a system would never look at is refused, before anything is trained in vain."""
    for name, users in USED_BY.items():
        if (value := getattr(config, name)) and found.name not in users:
            raise ConfigurationError(
                f"{name} does nothing in {found.name}",
                where=f"TrainingConfig.{name}",
                given=str(value),
                expected=f"one of the systems that use it: {', '.join(users)}",
                fix=f"leave {name} out",
            )


def method(found: System) -> Method:
    """How a system is carried out; its module is read now."""
    module, _, name = found.method.partition(":")
    loaded = pkgutil.resolve_name(f"foveal.systems.{module}:{name or 'METHOD'}")
    assert isinstance(loaded, Method), f"{found.name}: {found.method} is not a method"
    return loaded


def _check_data(found: System, data: str | None) -> None:
    """A system of generated data takes these and no others; whether others fit a system is for its family to see."""
    from foveal.data.generated.registry import GENERATED

    asked = None if data is None else data.lower().replace("_", "-")
    if asked is None or asked in found.data:
        return
    made = [name for name in found.data if name in GENERATED]
    if asked in GENERATED or (made and len(made) == len(found.data)):
        raise ConfigurationError(
            f"{found.name} cannot learn from these data",
            where="DATA",
            given=str(data),
            expected=" or ".join(found.data) or "data of its own",
            fix=[f"{found.command} {name}" for name in found.data[:2]] or found.command,
        )


def start(
    experiment: Experiment, *, runs: str | Path = "runs", name: str | None = None, display: Display | None = None
) -> RunResult:
    """Carry a plan out in a fresh run folder.

    Raises:
        ConfigurationError: the folder's name is taken.
        TrainingError, Interrupted: see :func:`foveal.training.run`.
    """
    data = experiment.data_name if experiment.data is not None else Path(experiment.data_name).stem
    folder = RunFolder.fresh(runs, name, "-".join(part for part in (experiment.name, data) if part))
    folder.begin(experiment.to_json())
    try:
        return _carried_out(experiment, folder, display, resuming=False)
    except (TrainingError, CheckpointError, FileError):
        raise  # what was begun may go on
    except FovealError:
        folder.discard_untrained()  # a mistake that showed before anything was trained leaves no run behind
        raise


def resume(place: RunFolder | str | Path, *, runs: str | Path = "runs", display: Display | None = None) -> RunResult:
    """Go on with a run that was stopped or killed, to the same bits as if it had not been.

    Args:
        place: its folder or name.
        runs: the folder of all runs.
        display: what is shown meanwhile; nothing by default.

    Raises:
        CheckpointError: there is no run, or it cannot go on to the same result (its data have changed, say).
        Interrupted: Ctrl-C or SIGTERM, wherever it is.
    """
    folder = place if isinstance(place, RunFolder) else RunFolder.existing(place, runs)
    with folder.going_on():
        return _carried_out(reopened(folder), folder, display, resuming=True)


def reopened(folder: RunFolder) -> Experiment:
    """The plan of a run folder, from its ``config.json``; version 0.1 named no system where a plain classifier was trained.

    Raises:
        CheckpointError: the file is damaged, or of a system that this version does not have.
    """

    def read(told: Mapping[str, Any]) -> Experiment:
        found = system(told.get("system", CLASSIFIER))
        network, name = None, ""
        if method(found).plan is not None:
            network, name = codec.from_dict(told["network"]["description"]), told["network"]["name"]
            if not isinstance(name, str):
                raise ValueError("network.name is not a text")
        opening = run_config.opening(told)
        if opening["data"] is None and network is not None:
            raise ValueError("data.opening.data names no data")
        own = chosen(found.name, method(found).settings, told.get("settings", {"network": name} if name else {}))
        return Experiment(
            found,
            TrainingConfig.from_json({**EARLIER, **told["training"]}),
            own,
            opening,
            run_config.texts(told["command"], "command"),
            run_config.texts(told.get("notes", []), "notes"),
            # a classifier's was settled by its plan, before there was a folder
            ("from_logits",) if network is not None else tuple(run_config.texts(told.get("chosen", []), "chosen")),
            network,
            name,
        )

    return run_config.understood(folder.config, folder.read_config(), read)


def data_of(folder: RunFolder, data: DataSet | None = None) -> tuple[DataSet, dict[str, Split | None]]:
    """The data of a run, opened again where none are given, and in the parts that they had in training."""
    experiment = dataclasses.replace(reopened(folder), data=data)
    run = Run.looked_at(experiment, folder)
    return run.load(), run.parts()


def range_test(experiment: Experiment, steps: int = 200) -> tuple[RangeTest, list[str]]:
    """The learning-rate range test of the classifier that an experiment trains; nothing is written.

    Returns:
        the test, and what is to be known of data and network.

    Raises:
        ConfigurationError: the system trains something else, or several networks.
    """
    from foveal.systems.classification.classifier import settled
    from foveal.training.allocator import keep_pages
    from foveal.training.lr_finder import find_learning_rate

    network = method(experiment.system).network
    if network is None:
        raise ConfigurationError(
            "the range test is for classifiers",
            where="--find-lr",
            given=experiment.system.name,
            fix=["--lr and a short run: --epochs 1", "foveal train lecture_cnn --find-lr"],
        )
    keep_pages()
    run = Run.looked_at(experiment)
    tree = network(run)
    config = settled(experiment.config, tree, "from_logits" in experiment.chosen)
    data, parts = run.load(), run.parts()
    training = parts["training"]
    assert training is not None
    found = find_learning_rate(run.build(tree, data.shape), run.batches(training, training=True), config, steps=steps)
    return found, [*data.remarks(), *([experiment.replaced] if experiment.replaced else [])]


def _carried_out(experiment: Experiment, folder: RunFolder, display: Display | None, *, resuming: bool) -> RunResult:
    from foveal.training.allocator import keep_pages, out_of_memory_explained

    keep_pages()
    with folder.going_on(), folder.locked(), display or Silent() as shown:
        run = Run(experiment, folder, display=shown, resuming=resuming)
        with out_of_memory_explained(experiment.config.batch_size):
            report = method(experiment.system).run(run)
        return conclude(run, report)


def train(
    name: str,
    data: str | None = None,
    *,
    seed: int | None = None,
    epochs: int | None = None,
    changes: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    runs: str | Path = "runs",
    run_name: str | None = None,
    display: Display | None = None,
) -> RunResult:
    """Train a system from Python, as ``foveal train NAME`` does.

    Args:
        name: of the system: ``foveal.systems.names()``.
        data: name or path; None takes the system's first.
        seed, epochs: the two changes that are wanted most.
        changes: other fields of :class:`~foveal.training.TrainingConfig` that replace the recipe's.
        settings: the method's own numbers that are to be others.
        size, channels: to bring pictures to.
        runs: the folder of all runs.
        run_name: of this run; a free one is found.
        display: what is shown meanwhile; nothing by default.

    Raises:
        UnknownName, ConfigurationError: a name or value that cannot be.
        DataError, SourceError: data that cannot be read or found.
    """
    own = {key: value for key, value in (("seed", seed), ("epochs", epochs)) if value is not None}
    planned = plan(name, data, size=size, channels=channels, changes={**own, **(changes or {})}, settings=settings)
    return start(planned, runs=runs, name=run_name, display=display)


def predict(found: System, model: str, questions: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What a system's model makes of questions: every question with its answer.

    Args:
        found: the system, one whose method predicts in a way of its own.
        model: a model file that names this system. It may come from elsewhere, and be another's.
        questions: what ``foveal predict`` was given.

    Raises:
        ModelFileError: the file cannot be read, or its network or metadata are not those of such a system.
    """
    ask = method(found).predict
    assert ask is not None, f"{found.name} answers no questions"
    return each(guarded(found, ask), model, questions)
