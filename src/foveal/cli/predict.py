"""``foveal predict RUN IMAGE...``: what a trained network says of pictures."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

import typer

from foveal import streams
from foveal.cli.options import AllowMemory, Runs
from foveal.errors import ConfigurationError
from foveal.printable import json_text, printable
from foveal.streams import say

if TYPE_CHECKING:
    from rich.console import Console

    from foveal.inference.image_predictions import Answer
    from foveal.systems import System

_FITS = ("crop", "pad", "stretch")
_BAR = 24


def command(
    run: Annotated[
        str, typer.Argument(metavar="RUN", help="A run folder, the name of a run, or a model file.", show_default=False)
    ],
    images: Annotated[
        list[str],
        typer.Argument(
            metavar="IMAGE...",
            help="Pictures, or folders of pictures; texts for a network of texts.",
            show_default=False,
        ),
    ],
    top: Annotated[int, typer.Option(min=1, help="How many classes to name.")] = 3,
    invert: Annotated[bool, typer.Option("--invert", help="Exchange light and dark first.")] = False,
    fit: Annotated[str, typer.Option(help="How another aspect is fitted: crop, pad or stretch.")] = "crop",
    runs: Runs = Path("runs"),
    allow_memory: AllowMemory = None,
    as_json: Annotated[bool, typer.Option("--json", help="The answers as JSON, for programs.")] = False,
) -> None:
    """Use a trained network: classify pictures, find objects, read digits, translate dates, go on with a text.

    What is printed follows from the system that was trained. Pictures may be PNG, JPEG, WebP, BMP, GIF or TIFF; colour,
    grey, palette, transparent, 16 bit. A picture that cannot be read is named and passed over; the exit status is then 1. A
    network knows its classes only: it names one of them for a picture of anything.
    """
    from foveal.inference.image_predictions import classify, listed
    from foveal.inference.opened_model import model_path
    from foveal.inference.trained_classifier import load_classifier

    path = model_path(Path(run), runs)
    system = _answering_system(path)
    if system is not None:
        from foveal.systems.launch import predict

        _tell_answers(predict(system, str(path), images), as_json)
        return
    if fit not in _FITS:
        raise ConfigurationError(
            "there is no such way to fit a picture",
            where="--fit",
            given=fit,
            expected=", ".join(_FITS),
            fix="--fit pad",
        )
    trained = load_classifier(run, runs)
    how = cast(Literal["crop", "pad", "stretch"], fit)
    answers = classify(trained, listed(images), top=top, invert=invert, fit=how)
    bad = 0
    if as_json:
        told = []
        for answer in answers:
            bad += answer.error is not None
            told.append(_plain(answer))
        found = {"run": run, "model": str(trained.path), "classes": list(trained.classes), "predictions": told}
        say(json_text(found))
    else:
        console = streams.console(highlight=False)
        for answer in answers:
            bad += answer.error is not None
            _print(console, answer)
        if bad:
            say(f"{bad} picture{'s' * (bad > 1)} could not be read.", error=True)
    if bad:
        raise typer.Exit(1)


def _answering_system(path: Path) -> System | None:
    """The system that the model was trained by, if it answers questions in a way of its own; None for a classifier."""
    from foveal import modelfile, systems

    name = modelfile.read_header(path).metadata.get("system")
    if not isinstance(name, str) or not systems.known(name):
        return None
    from foveal.systems.launch import method

    found = systems.system(name)
    return found if method(found).predict is not None else None


def _tell_answers(answers: Iterator[tuple[str, str]], as_json: bool) -> None:
    from foveal.runs.answers import Unanswered

    told: list[dict[str, str]] = []
    bad = 0
    for question, text in answers:
        failed = isinstance(text, Unanswered)
        bad += failed
        if as_json:
            told.append({"question": question, "error" if failed else "answer": text})
        else:
            say(text, error=failed)
    if as_json:
        say(json_text(told))
    elif bad:
        say(f"{bad} question{'s' * (bad > 1)} could not be answered.", error=True)
    if bad:
        raise typer.Exit(1)


def _plain(answer: Answer) -> dict[str, Any]:
    if answer.error is not None:
        return {"image": answer.path, "error": answer.error}
    best = [{"class": name, "probability": share} for name, share in answer.top]
    return {"image": answer.path, "top": best, "warnings": list(answer.warnings)}


def _print(console: Console, answer: Answer) -> None:
    from rich.markup import escape

    if answer.error is not None:
        sys.stdout.flush()
        say(answer.error + "\n", error=True)
        return
    console.print(f"[bold]{escape(printable(answer.path))}[/bold]", soft_wrap=True)
    top = [(printable(name), share) for name, share in answer.top]
    width = max(len(name) for name, _ in top)
    for place, (name, share) in enumerate(top):
        style = "bold" if place == 0 else "dim"
        console.print(
            f"  [{style}]{escape(name):<{width + len(escape(name)) - len(name)}}[/]  {100 * share:5.1f} %  "
            f"[cyan]{_bar(share, console.encoding)}[/]",
            soft_wrap=True,
        )
    for warning in answer.warnings:
        console.print(f"  [yellow]note:[/] {escape(printable(warning))}", soft_wrap=True)
    console.print()


def _bar(share: float, encoding: str) -> str:
    """A bar of eighths of a character; of # where the terminal has no such signs."""
    if not encoding.lower().startswith("utf"):
        return "#" * round(_BAR * share)
    full, rest = divmod(round(8 * _BAR * share), 8)
    return "█" * full + ("▏▎▍▌▋▊▉"[rest - 1] if rest else "")
