"""``foveal train [NET] [DATA]``: train, test once, write model and report."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal import systems
from foveal.cli.options import LABEL, AllowMemory, as_options, check_net, shapes_as_options
from foveal.cli.outputs import fresh
from foveal.errors import ConfigurationError, SourceError
from foveal.printable import counted, json_text, printable
from foveal.streams import say
from foveal.systems.registry import CLASSIFIER

if TYPE_CHECKING:
    from foveal.systems import Experiment, RunResult
    from foveal.training.config import TrainingConfig

_WHAT, _HOW, _WHERE = "What to train", "How to train (None: the network's recipe)", "Where and how it runs"

Net = Annotated[
    str | None,
    typer.Argument(help="Zoo name, system, description file or model file. [lecture_cnn]", show_default=False),
]
Data = Annotated[
    str | None, typer.Argument(help="Data set name, folder, IDX, CSV or npz file. [fashion-mnist]", show_default=False)
]


def _how(help: str, *names: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=_HOW, show_default=False)


def _where(help: str, *names: str) -> Any:
    return typer.Option(*names, help=help, rich_help_panel=_WHERE)


def command(
    net: Net = None,
    data: Data = None,
    size: Annotated[
        str | None, typer.Option(help="Bring pictures to HxW first.", rich_help_panel=_WHAT, metavar="HxW")
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(
            help=LABEL,
            rich_help_panel=_WHAT,
            metavar="COLUMN",
            show_default=False,
        ),
    ] = None,
    epochs: Annotated[int | None, _how("Passes over the training set.")] = None,
    batch_size: Annotated[int | None, _how("Pictures a step.")] = None,
    optimizer: Annotated[str | None, _how("sgd, momentum, nesterov, adagrad, rmsprop, adam, adamw.")] = None,
    lr: Annotated[float | None, _how("Learning rate, the highest of the schedule.")] = None,
    momentum: Annotated[float | None, _how("Of sgd and rmsprop.")] = None,
    weight_decay: Annotated[float | None, _how("Towards zero; spares biases and normalisations.")] = None,
    schedule: Annotated[str | None, _how("constant, step, exponential, cosine, one-cycle, triangular.")] = None,
    warmup: Annotated[float | None, _how("Epochs over which the rate rises first.")] = None,
    loss: Annotated[
        str | None, _how("cross_entropy, binary_cross_entropy, mse, mae, hinge, categorical_hinge.")
    ] = None,
    label_smoothing: Annotated[float | None, _how("Share of certainty given to all classes.")] = None,
    augment: Annotated[str | None, _how("Such as shift=2,flip,erase; '' for none.")] = None,
    mirror: Annotated[
        bool | None, _how("Use it on each picture and its mirror image, and average.", "--mirror/--no-mirror")
    ] = None,
    ema: Annotated[float | None, _how("Average the weights, with this decay.")] = None,
    clip_norm: Annotated[float | None, _how("Longest gradient.")] = None,
    early_stopping: Annotated[int | None, _how("Stop after so many epochs without improvement.")] = None,
    validation: Annotated[float | None, _how("Share of the training set put aside.")] = None,
    seed: Annotated[int | None, _how("Of weights, order, augmentation, dropout.")] = None,
    engine: Annotated[str | None, _where("auto or torch.")] = None,
    device: Annotated[str | None, _where("auto, cpu, cuda, cuda:N.")] = None,
    precision: Annotated[str | None, _where("auto, fp32, bf16.")] = None,
    settings: Annotated[
        list[str] | None, _how("A number of the method's own, such as latent=8; may be given again.", "--set")
    ] = None,
    name: Annotated[str | None, _where("Name of the run; a free one is found.")] = None,
    runs: Annotated[Path, _where("Folder of all runs.")] = Path("runs"),
    resume: Annotated[str | None, _where("Go on with a run: its folder or name.")] = None,
    allow_memory: AllowMemory = None,
    find_lr: Annotated[bool, _where("Only test which learning rates work, and draw it.", "--find-lr")] = False,
    json_lines: Annotated[bool, _where("One JSON object a line, for programs.", "--json")] = False,
    quiet: Annotated[bool, _where("Only the result.", "--quiet", "-q")] = False,
    help_settings: Annotated[
        bool, _how("Only list the settings of the system: defaults, values, what they are.", "--help-settings")
    ] = False,
) -> None:
    """Train a network or another system, test it once, and write a report.

    As it comes, the lecture's network learns Fashion-MNIST by a recipe of two epochs. `foveal show --list` names the
    networks, and the systems that are not plain classifiers: autoencoders, a GAN, a detector and others, which bring their
    data along.
    """
    changes = {
        field: value
        for field, value in {
            "epochs": epochs, "batch_size": batch_size, "optimizer": optimizer, "lr": lr, "momentum": momentum,
            "weight_decay": weight_decay, "schedule": schedule, "warmup": warmup, "loss": loss,
            "label_smoothing": label_smoothing, "augment": augment, "ema": ema, "clip_norm": clip_norm,
            "early_stopping": early_stopping, "validation": validation, "seed": seed, "engine": engine, "device": device,
            "precision": precision, "mirror": mirror,
        }.items()
        if value is not None
    }  # fmt: skip
    if help_settings:
        _list_settings(net, json_lines)
        return
    from foveal.training.checkpoints.run_folder import RunFolder
    from foveal.training.display import display_for

    if resume is None and not find_lr:
        RunFolder.check_place(runs, name)  # before data are read, fetched perhaps, and the header is told
    display = display_for(0 if quiet else "auto", json_lines=json_lines)
    if resume is not None:
        _refuse(
            [
                *changes,
                *(["label"] if label is not None else []),
                *(["NET"] if net else []),
                *(["--name"] if name else []),
                *(["--set"] if settings else []),
            ]
        )
        _tell(systems.resume(resume, runs=runs, display=display), json_lines)
        return
    experiment = _planned(net, data, size, label, changes, settings or [], json_lines)
    if find_lr:
        _find_rate(experiment, json_lines)
        return
    if not (json_lines or quiet):
        _announce(experiment)
    _tell(systems.start(experiment, runs=runs, name=name, display=display), json_lines)


def _planned(
    net: str | None,
    data: str | None,
    size: str | None,
    label: str | None,
    changes: dict[str, Any],
    settings: list[str],
    json_lines: bool,
) -> Experiment:
    """The plan; where no data were named and the system's first cannot be had, digits take their place, and it is said."""
    from foveal.data.resizing import NoPictures

    named = net or CLASSIFIER
    if not systems.known(named):
        check_net(named)
        _no_settings(named, settings)
    asked: dict[str, Any] = {
        "label": label,
        "changes": changes,
        "settings": _pairs(settings),
        "command": ["foveal", *sys.argv[1:]],
        "size": _size(size),
    }
    try:
        with as_options(), shapes_as_options("train", data):
            return systems.plan(named, data, **asked).opened(data is None)
    except NoPictures as error:
        if not systems.known(named):
            error.fix = (f"foveal train mlp {shlex.quote(str(data))}", "data of pictures")
        raise
    except SourceError as error:
        if data is not None:
            raise
        note = (
            "Fashion-MNIST could be neither found nor fetched, so this is scikit-learn's digits, enlarged to 28 × 28."
        )
        if not json_lines:
            say(f"{error}\n\n{note}\n", error=True)
        return systems.plan(named, "digits", **{**asked, "size": asked["size"] or (28, 28), "notes": [note]})


def _list_settings(net: str | None, as_json: bool) -> None:
    from foveal.runs import settings
    from foveal.systems.launch import method

    found = systems.system(net if net and systems.known(net) else CLASSIFIER)
    own = method(found).settings
    if as_json:
        say(json_text({"system": found.name, "settings": settings.to_json(own)}))
        return
    say(f"{found.title}: {found.about}\n\n{settings.table(own)}\n\n{found.command} --set NAME=VALUE changes one.")


def _pairs(settings: list[str]) -> dict[str, str]:
    found = {}
    for text in settings:
        key, equals, value = text.partition("=")
        if not (equals and key):
            raise ConfigurationError(
                "this sets nothing", where="--set", given=repr(text), expected="NAME=VALUE", fix="--set latent=8, say"
            )
        found[key.strip()] = value.strip()
    return found


def _no_settings(net: str | None, settings: list[str] | None) -> None:
    if settings:
        raise ConfigurationError(
            "a plain classifier has no settings of its own",
            where="--set",
            given=", ".join(settings),
            expected=f"{net or 'lecture_cnn'} is trained as its recipe and the other options say",
            fix="leave --set out",
        )


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    parts = text.lower().replace("×", "x").split("x")
    if len(parts) > 2 or not all(part.strip().isdigit() and int(part) > 0 for part in parts):
        raise ConfigurationError(
            "this is not a size",
            where="--size",
            given=repr(text),
            expected="height and width in pixels",
            fix="--size 28x28",
        )
    return int(parts[0]), int(parts[-1])


def _refuse(given: list[str]) -> None:
    if given:
        raise ConfigurationError(
            "a resumed run goes on exactly as it was started",
            where="--resume",
            given="also " + ", ".join(given),
            fix=["leave these out", "start a new run without --resume"],
        )


def _terms(config: TrainingConfig, own: bool = False) -> str:
    from foveal.evaluation.terms import terms

    return terms(config.to_json(), own=own)


def _announce(experiment: Experiment) -> None:
    from foveal.runs.run import Run
    from foveal.training.recipes import recipe_for

    config, network, data = experiment.config, experiment.network, experiment.data
    if network is not None and data is not None:
        from foveal.arithmetic.summary import summarize

        say(f"{printable(experiment.name)}, {summarize(network).totals.parameters:,} parameters")
        told = {"training": "to train on", "validation": "to validate", "test": "to test"}
        parts = [f"{len(part):,} {told[name]}" for name, part in Run.looked_at(experiment).parts().items() if part]
        say(f"{printable(data.name)}: {', '.join(parts)}")
    else:
        say(f"{experiment.system.title}: {experiment.system.about}")
    rate = f"{config.schedule} rate {'up to ' if config.schedule != 'constant' else ''}{config.optimizer_spec().learning_rate:g}"
    own = ", ".join(f"{key}={value}" for key, value in experiment.settings.items()) if network is None else ""
    say(
        f"{counted(config.epochs, 'epoch')}, batches of {config.batch_size}, {config.optimizer}, {rate}, seed {config.seed}"
        + (f"; {own}" if own else "")
    )
    own_loss = "" if network is not None else "the method's own; "
    say(f"objective: {own_loss}{_terms(config, own=network is None)}")
    if network is None or data is None:
        return
    recipe = recipe_for(experiment.name, data.name)
    if config == recipe.config.replace(seed=config.seed, device=config.device, from_logits=config.from_logits):
        say(f"its recipe: {recipe.takes}" + (f"; reaches {recipe.reaches}" if recipe.reaches else ""))


def _tell(result: RunResult, json_lines: bool) -> None:
    from foveal.evaluation.results import Evaluation

    if json_lines:
        say(json_text({"event": "result", **result.to_json()}))
        return
    say("")
    measured = result.evaluation if isinstance(result.evaluation, Evaluation) else None
    if measured is not None:
        low, high = measured.interval.low, measured.interval.high
        say(
            f"{result.split.capitalize()} accuracy {measured.accuracy:.4f}, 95 % interval {low:.4f} to {high:.4f} "
            f"({counted(measured.count, 'sample')})"
        )
    for found in result.report.headlines:
        if measured is None or found.value != measured.accuracy:
            say(f"{found.label}: {found.text}" + (f"  ({found.note})" if found.note else ""))
    told = {_bare(each) for each in result.told}
    for note in result.report.notes:
        if _bare(note) not in told:
            say(f"note: {printable(note)}")
    say(f"Trained in {result.seconds:.0f} s.")
    if result.folder.model.is_file():
        say(f"  model   {result.folder.model}")
    say(f"  report  {result.folder.report}")


def _bare(note: str) -> str:
    """A note without what distinguishes a sentence of the report from a line of the terminal."""
    return note[:1].lower() + note[1:].rstrip(".")


def _find_rate(experiment: Experiment, json_lines: bool) -> None:
    from foveal.systems.launch import range_test
    from foveal.training.lr_finder import PLOT_TITLE

    found, notes = range_test(experiment)
    if not json_lines:
        for line in notes:
            say(f"note: {printable(line)}")
    path, note = fresh(f"lr-{experiment.name}-{experiment.data_name}", ".svg", PLOT_TITLE.encode())
    found.plot(path)
    if json_lines:
        told = {"suggestion": found.suggestion, "lowest": found.lowest, "rates": found.rates, "losses": found.losses}
        say(json_text({"event": "learning_rates", **told, "plot": str(path), "note": note, "notes": notes}))
        return
    say(f"{'rate':>10}  loss")
    for at in range(0, len(found.rates), max(1, len(found.rates) // 16)):
        bar = "█" * round(30 * min(1.5, found.losses[at] / found.losses[0]))
        say(f"{found.rates[at]:>10.2g}  {found.losses[at]:7.4f} {bar}")
    say(
        f"\nSuggested: --lr {found.suggestion:.2g} (the loss was lowest at {found.lowest:.2g})\n  plot    {printable(str(path))}"
    )
    if note:
        say(f"  note    {note}")
