"""A system from the command to the report: choose, train, conclude; the command line and scripts share it."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foveal import files
from foveal.errors import (
    CheckpointError,
    ConfigurationError,
    FileError,
    FovealError,
    TrainingError,
)
from foveal.evaluation.results import Evaluation
from foveal.report.blocks import Report
from foveal.runs.answers import each, guarded
from foveal.runs.method import Method
from foveal.runs.run import Session, plain
from foveal.runs.settings import Value
from foveal.runs.settings import chosen as settings_of
from foveal.runs.system import System
from foveal.systems.registry import USED_BY, system
from foveal.training.checkpoints import run_config
from foveal.training.checkpoints.run_folder import RunFolder
from foveal.training.config import EARLIER, TrainingConfig
from foveal.training.history import History

if TYPE_CHECKING:
    from foveal.data.dataset import DataSet, Split
    from foveal.training.display import Display

SCHEMA = 1


@dataclass(frozen=True)
class Plan:
    """A system that is ready to be carried out; all that ``config.json`` tells.

    Attributes:
        system: which one.
        config: how to train.
        settings: the method's own numbers.
        opening: data name or path, and size and channels where they were changed.
        command: the command line that says the same.
    """

    system: System
    config: TrainingConfig
    settings: Mapping[str, Value]
    opening: Mapping[str, Any]
    command: Sequence[str] = ()


@dataclass(frozen=True)
class SystemOutcome:
    """A finished run of a system.

    Attributes:
        folder: where everything lies.
        findings: what was found; ``findings.facts`` has every figure.
        histories: the numbers of all epochs, by stage; "" is the run itself.
        seconds: of training, all stages and sessions together.
        told: the notes that the display was given while the run went.
    """

    folder: RunFolder
    findings: Report
    histories: Mapping[str, History]
    seconds: float
    told: frozenset[str] = frozenset()

    def to_json(self) -> dict[str, Any]:
        """The headlines, the paths and every fact."""
        told: dict[str, Any] = {
            "run": str(self.folder.path),
            "report": str(self.folder.report),
            "split": self.findings.split,
            "headlines": [
                {"label": each.label, "value": each.value, "text": each.text, "note": each.note}
                for each in self.findings.headlines
            ],
            "facts": self.findings.facts,
            "seconds": self.seconds,
        }
        if self.folder.model.is_file():
            told["model"] = str(self.folder.model)
        if isinstance(self.findings.evaluation, Evaluation):
            interval = self.findings.evaluation.interval
            told |= {
                "accuracy": self.findings.evaluation.accuracy,
                "count": self.findings.evaluation.count,
                "interval": [interval.low, interval.high],
            }
        return dict(plain(told))


def plan(
    name: str,
    data: str | None = None,
    *,
    size: tuple[int, int] | None = None,
    channels: int | None = None,
    label: str | int | None = None,
    config: TrainingConfig | None = None,
    changes: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    command: Sequence[str] = (),
) -> Plan:
    """Choose a system, its data and how it is trained.

    Args:
        name: of the system.
        data: name or path; None takes the system's first.
        size, channels: to bring pictures to.
        label: the label's column of a CSV file.
        config: how to train; None takes the system's recipe.
        changes: fields that replace the recipe's.
        settings: values that replace the method's own; texts are read as what they replace.
        command: the command line, for the report.

    Raises:
        UnknownName: no such system or setting.
        ConfigurationError: a value that a setting cannot have, or data of another kind.

    Example:
        >>> plan("vae", settings={"latent": "8"}).settings["latent"]
        8
    """
    from foveal.data.loading import opening_of

    found = system(name)
    _check_data(found, data)
    opening = opening_of(data if data is not None else next(iter(found.data), None), size, channels, label)
    way = method(found)
    own = settings_of(found.name, way.settings, settings or {})
    chosen = (config or way.recipe_for(opening["data"], own)).replace(**(changes or {}))
    _check_used(found, chosen)
    if chosen.augment:
        from foveal.data.augmentation.pipeline import parse

        parse(chosen.augment)  # some systems need it late: a mistake shows now
    return Plan(found, chosen, own, opening, tuple(command))


def _check_used(found: System, chosen: TrainingConfig) -> None:
    """What a system would never look at is refused, before anything is trained in vain."""
    for name, users in USED_BY.items():
        if (value := getattr(chosen, name)) and found.name not in users:
            raise ConfigurationError(
                f"{name} does nothing in {found.name}",
                where=f"TrainingConfig.{name}",
                given=str(value),
                expected=f"one of the systems that use it: {', '.join(users)}; or a plain classifier",
                mend=f"leave {name} out",
            )


def method(found: System) -> Method:
    """How a system is carried out; its module is read now."""
    module, _, name = found.method.partition(":")
    loaded = pkgutil.resolve_name(f"foveal.systems.{module}:{name or 'METHOD'}")
    assert isinstance(loaded, Method), f"{found.name}: {found.method} is no method"
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
            mend=[f"{found.command} {name}" for name in found.data[:2]] or found.command,
        )


def start(
    planned: Plan, *, runs: str | Path = "runs", name: str | None = None, display: Display | None = None
) -> SystemOutcome:
    """Carry a system out in a fresh run folder.

    Raises:
        ConfigurationError: the folder's name is taken.
        TrainingError, Interrupted: see :func:`foveal.training.run`.
    """
    data = Path(str(planned.opening["data"])).stem if planned.opening["data"] else ""
    folder = RunFolder.fresh(runs, name, "-".join(part for part in (planned.system.name, data) if part))
    folder.begin(description(planned))
    try:
        return _carry_out(planned, folder, display, resuming=False)
    except (TrainingError, CheckpointError, FileError):
        raise  # what was begun may go on
    except FovealError:
        folder.discard_untrained()  # a mistake that showed before anything was trained leaves no run behind
        raise


def resume(folder: RunFolder, *, display: Display | None = None) -> SystemOutcome:
    """Go on with a run that was stopped or killed, to the same bits as if it had not been."""
    return _carry_out(reopened(folder), folder, display, resuming=True)


def is_system(folder: RunFolder) -> bool:
    """Whether the run in a folder is one of a system."""
    return "system" in folder.read_config()


def reopened(folder: RunFolder) -> Plan:
    """The plan of a run folder, from its ``config.json``.

    Raises:
        CheckpointError: the file is damaged, or of a system that this version does not have.
    """

    def read(told: Mapping[str, Any]) -> Plan:
        found = system(told["system"])
        config = TrainingConfig.from_json({**EARLIER, **told["training"]})
        command = run_config.texts(told["command"], "command")
        own = settings_of(found.name, method(found).settings, told["settings"])
        return Plan(found, config, own, run_config.opening(told), command)

    return run_config.understood(folder.config, folder.read_config(), read)


def data_of(folder: RunFolder, data: DataSet | None = None) -> tuple[DataSet, Split, Split | None]:
    """The data of a run, opened again where none are given, and its training part without and its validation part."""
    from foveal.training.display import Silent

    told = reopened(folder)
    session = Session(
        told.system, told.config, told.settings, folder, opening=told.opening, display=Silent(), resuming=True
    )
    found = data if data is not None else session.load()
    return found, *session.split(found.train)


def description(planned: Plan) -> dict[str, Any]:
    """The content of ``config.json``."""
    from foveal.outcome import environment

    return {
        "schema": SCHEMA,
        "system": planned.system.name,
        "settings": dict(planned.settings),
        "data": {"opening": dict(planned.opening)},
        "training": planned.config.to_json(),
        "command": list(planned.command),
        "environment": environment(planned.config),
    }


def _carry_out(planned: Plan, folder: RunFolder, display: Display | None, *, resuming: bool) -> SystemOutcome:
    from foveal.training.allocator import keep_pages, out_of_memory_explained
    from foveal.training.display import Silent

    keep_pages()
    with folder.going_on(), folder.locked(), display or Silent() as shown:
        session = Session(
            planned.system, planned.config, planned.settings, folder, opening=planned.opening, display=shown,
            resuming=resuming,
        )  # fmt: skip
        with out_of_memory_explained(planned.config.batch_size):
            findings = method(planned.system).run(session)
        return conclude(planned, session, findings)


def conclude(planned: Plan, session: Session, findings: Report) -> SystemOutcome:
    """Write ``evaluation.json``, ``result.json`` (the headlines) and the report."""
    from foveal.outcome import environment
    from foveal.page import render
    from foveal.report.blocks import RunFacts

    outcome = SystemOutcome(session.folder, findings, session.histories, session.folder.seconds(), session.told)
    files.write_json(session.folder.path / "evaluation.json", plain(findings.to_json()))
    files.write_json(session.folder.path / "result.json", outcome.to_json())
    about = RunFacts(
        title=session.folder.path.name,
        name=planned.system.title,
        data=str(planned.opening["data"] or ""),
        source=planned.system.source,
        histories=session.histories,
        config={**planned.config.to_json(), "settings": dict(planned.settings)},
        environment=environment(planned.config),
        command=planned.command,
        seconds=outcome.seconds,
    )
    render.write(session.folder.report, findings, about)
    return outcome


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
) -> SystemOutcome:
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
