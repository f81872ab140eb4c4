"""``foveal evaluate RUN [DATA]``: how good a trained network is, class by class."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal import files, streams, strictjson
from foveal.cli.options import LABEL, AllowMemory, Runs
from foveal.errors import ConfigurationError, DataError, FileError, FormatError
from foveal.printable import counted, json_text, printable
from foveal.streams import say

if TYPE_CHECKING:
    from foveal.data.dataset import DataSet, Split
    from foveal.evaluation.results import Evaluation
    from foveal.inference.trained_classifier import TrainedClassifier
    from foveal.network.shape import Shape
    from foveal.training.checkpoints.run_folder import RunFolder

_CONFUSED = 5


def command(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run folder, the name of a run, or a model file.", show_default=False)
    ],
    data: Annotated[
        str | None,
        typer.Argument(
            metavar="[DATA]",
            help="Data set name, folder, IDX, CSV or npz file. [the test set of the run's own data]",
            show_default=False,
        ),
    ] = None,
    split: Annotated[
        str, typer.Option(help="test, validation, training or all; auto takes the first that there is.")
    ] = "auto",
    label: Annotated[
        str | None, typer.Option(metavar="COLUMN", help=f"{LABEL} [as in training]", show_default=False)
    ] = None,
    runs: Runs = Path("runs"),
    allow_memory: AllowMemory = None,
    as_json: Annotated[bool, typer.Option("--json", help="The whole evaluation as JSON, for programs.")] = False,
) -> None:
    """Evaluate a trained network: accuracy with its interval, scores a class, confusions, calibration.

    Without DATA the network is measured on the test set of the data it was trained on. Choose between networks by their
    validation accuracy, and look at the test set at the end: how often a run's test set was used is noted in its folder.
    """
    from foveal.evaluation import as_distribution, evaluate
    from foveal.inference.label_matching import matched
    from foveal.inference.trained_classifier import check_classifies, load_classifier

    trained = load_classifier(run, runs)
    _check_system(trained, data)
    check_classifies(trained)
    chosen = _own(trained, split) if data is None else _other(trained, data, split, label)
    labels = matched(chosen.part.labels, chosen.classes, trained.classes, chosen.name)
    found = evaluate(as_distribution(trained.probabilities(chosen.part.images)), labels, trained.classes)
    used = _noted(trained, chosen, found) if chosen.own else None
    if as_json:
        told: dict[str, Any] = {
            "run": run,
            "model": str(trained.path),
            "data": chosen.name,
            "split": chosen.split,
            "times_used": used,
            "notes": list(chosen.notes),
        }
        say(json_text({**told, **found.to_json()}))
        return
    for note in chosen.notes:
        say(f"note: {printable(note)}")
    _print(trained, found, chosen.name, chosen.split)
    if used is not None and chosen.split == "test":
        often = f"{used} times" if used > 1 else "once"
        say(f"\nThe test set has now been used {often} for this run. Choose by validation, not by it.")


def _noted(trained: TrainedClassifier, chosen: _Chosen, found: Evaluation) -> int | None:
    """How often this part was used; where the folder may only be read, that it could not be noted is said."""
    from foveal.inference.label_matching import record

    if trained.folder is None:
        return None
    try:
        return record(trained.folder, chosen.name, chosen.split, found)
    except FileError as error:
        say(
            f"note: that the {chosen.split} set was used could not be noted in {error.where}: {error.given}", error=True
        )
        return None


def _check_system(trained: TrainedClassifier, data: str | None) -> None:
    """A system that is not a classifier has its own report; accuracy says nothing of it."""
    from foveal import modelfile, systems
    from foveal.systems.launch import method

    metadata = modelfile.read_header(trained.path).metadata
    name = metadata.get("system")
    if not isinstance(name, str):
        return
    result = trained.path.with_name("result.json")
    told = _result(result)
    classifies = bool(metadata.get("classes")) and len(trained.module.output_shape.axes) == 1
    alone = systems.known(name) and method(systems.system(name)).network is not None
    if classifies and (data is not None or "accuracy" in told or alone):
        return
    raise ConfigurationError(
        f"{name} is measured otherwise than by accuracy",
        where=str(trained.path),
        expected="a classifier",
        fix=[f"{result.with_name('report.html')} and {result} have what was measured"]
        if told
        else f"foveal train {name} measures it, and writes a report",
    )


def _result(path: Path) -> Mapping[str, Any]:
    """What a run's ``result.json`` says; nothing where it is not there or cannot be read."""
    try:
        told = strictjson.loads(files.read_regular(path, 256 * 2**20), str(path))
    except (FileError, FormatError):
        return {}
    return told if isinstance(told, dict) else {}


@dataclass(frozen=True)
class _Chosen:
    """What is measured: a part of data, and what is to be known of it."""

    name: str
    classes: tuple[str, ...]
    split: str
    part: Split
    own: bool
    notes: tuple[str, ...] = ()


def _own(trained: TrainedClassifier, split: str) -> _Chosen:
    """A part of the data that the run names; the validation part is the one put aside in training."""
    from foveal.backends.capacity import most
    from foveal.data import NAMED, load

    if trained.folder is not None:
        from foveal.data.fingerprint import differences
        from foveal.training.checkpoints.run_folder import RunFolder

        folder = RunFolder(trained.folder)
        data, parts = _parts(folder, None)
        chosen, part = _part(data.name, parts, split)
        changed = differences(data, _fingerprint(folder))
        told = [changed["test"]] if chosen == "test" and "test" in changed else []
        if chosen != "test" and "training" in changed:
            told = [
                f"{changed['training']}: the {chosen} part may hold what the network was trained on, and the reverse"
            ]
        return _Chosen(data.name, data.classes, chosen, part, True, (*told, *_unread(data)))
    named = trained.facts.get("data") or ""
    if named not in NAMED:  # a file from elsewhere opens no path, whatever it says
        raise DataError(
            "the model file does not say where its data are: it names no known data set, and paths in it are not followed",
            where=str(trained.path),
            given=f"data {named!r}" if named else "no data named",
            expected=f"one of {', '.join(NAMED)}; or DATA on the command line",
            fix=[f"foveal evaluate {shlex.quote(str(trained.path))} DATA"],
        )
    data = load(named, size=trained.size, channels=trained.channels if trained.size else None, most=most())
    return _Chosen(data.name, data.classes, *_part(data.name, {"test": data.test}, split), True, _unread(data))


def _parts(folder: RunFolder, data: DataSet | None) -> tuple[DataSet, dict[str, Split | None]]:
    """The data of a run, opened again where none are given, in the parts that they had in training."""
    from foveal.systems.launch import data_of

    data, parts = data_of(folder, data)
    return data, {name: parts[name] for name in ("test", "validation", "training")}


def _fingerprint(folder: RunFolder) -> Mapping[str, Any]:
    """Sums over the data of a run in training; empty where it does not tell, as in version 0.1."""
    before = _entry(_entry(folder.read_config(), "data"), "fingerprint")  # where the data were opened before the run
    return before or _entry(_result(folder.path / "result.json"), "fingerprint")


def _entry(told: Any, name: str) -> dict[str, Any]:
    """An object inside an object of JSON; empty where there is none."""
    found = told.get(name) if isinstance(told, dict) else None
    return found if isinstance(found, dict) else {}


def _unread(data: DataSet) -> tuple[str, ...]:
    return tuple(line for line in data.remarks() if line not in data.notes)


def _other(trained: TrainedClassifier, place: str, split: str, label: str | None) -> _Chosen:
    """A part of other data, brought to the size and channels that the network takes."""
    from foveal.backends.capacity import most
    from foveal.data import load
    from foveal.data.fingerprint import fingerprint
    from foveal.data.resizing import NoPictures
    from foveal.training.checkpoints.run_folder import RunFolder

    shape = trained.module.input_shape
    folder = None if trained.folder is None else RunFolder(trained.folder)
    if label is None and folder is not None and place.lower().removesuffix(".gz").endswith((".csv", ".tsv")):
        label = _entry(_entry(folder.read_config(), "data"), "opening").get("label")
    channels = trained.channels if len(shape.axes) == 3 else None
    try:
        data = load(place, size=trained.size, channels=channels, label=label, most=most())
    except NoPictures as error:
        raise _other_kind(place, str(error.given), shape) from error
    if len(data.shape) != len(shape.axes) or (data.is_table and data.shape != shape.axes):
        raise _other_kind(place, f"rows of {data.shape[0]} numbers" if data.is_table else "pictures", shape)
    known = {} if folder is None else _fingerprint(folder)
    if folder is not None and known and fingerprint(data) == known:
        chosen, part = _part(place, _parts(folder, data)[1], split)
        note = "these are the data that the network was trained on, in the parts of the training"
        return _Chosen(data.name, data.classes, chosen, part, True, (note, *_unread(data)))
    parts = {"all": data.train} if data.test is None else {"test": data.test, "training": data.train}
    own = not known and data.name == trained.facts.get("data")
    return _Chosen(data.name, data.classes, *_part(place, parts, split), own, tuple(data.remarks()))


def _other_kind(place: str, given: str, shape: Shape) -> DataError:
    return DataError(
        "the network takes another kind of data",
        where=place,
        given=given,
        expected=f"rows of {shape.axes[0]} numbers"
        if len(shape.axes) == 1
        else f"pictures of {shape}"
        if len(shape.axes) == 3
        else f"{shape}",
    )


def _part(where: str, parts: Mapping[str, Split | None], split: str) -> tuple[str, Split]:
    there = {name: part for name, part in parts.items() if part is not None}
    if split == "auto" and there:
        return next(iter(there.items()))
    if split in there:
        return split, there[split]
    raise DataError(
        "there is no such part of the data",
        where=where,
        given=f"--split {split}",
        expected=", ".join(["auto", *there]),
        fix=[f"--split {name}" for name in there] or "give DATA that has one",
    )


def _print(trained: TrainedClassifier, found: Evaluation, data: str, split: str) -> None:
    from rich.markup import escape
    from rich.table import Table

    from foveal.report.sentences import FEW

    console = streams.console(highlight=False)
    low, high, level = found.interval.low, found.interval.high, found.interval.level
    console.print(
        f"[bold]{escape(printable(trained.name))}[/bold] on {escape(printable(data))}, {split}: {counted(found.count, 'sample')}\n"
    )
    console.print(
        f"accuracy  [bold]{found.accuracy:.4f}[/bold]   {100 * level:g} % interval {low:.4f} – {high:.4f}, "
        f"{found.correct:,} right"
    )
    for each in found.top_k[1:]:
        console.print(f"top {each.k}     {each.accuracy:.4f}")
    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True, footer_style="bold")
    means = (found.macro_precision, found.macro_recall, found.macro_f1)
    table.add_column("class", "mean / sum", overflow="fold")
    for title, mean in zip(("precision", "recall", "F1"), means, strict=True):
        table.add_column(title, _share(mean), justify="right")
    table.add_column("samples", f"{found.count:,}", justify="right")
    for score in found.scores:
        values = (_share(score.precision), _share(score.recall), _share(score.f1))
        table.add_row(escape(printable(score.name)), *values, f"{score.support:,}")
    console.print()
    console.print(table)
    if found.confused:
        console.print("\n[bold]taken for another[/bold]")
    for pair in found.confused[:_CONFUSED]:
        names = f"{escape(printable(found.classes[pair.true]))} → {escape(printable(found.classes[pair.predicted]))}"
        console.print(f"{pair.count:6,}  {names}  ({100 * pair.share:.1f} % of the class)")
    calibration = found.calibration
    console.print(
        f"\ncalibration error {calibration.error:.4f} ({len(calibration.bins)} equal bins): "
        f"{calibration.confidence:.4f} sure, {calibration.accuracy:.4f} right on average\n"
        f"negative log-likelihood {found.negative_log_likelihood:.4f}, Brier score {found.brier:.4f}"
    )
    if found.count < FEW:
        console.print(f"{counted(found.count, 'sample')}: too few to judge calibration, or one class against another")


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"
