"""``foveal``: the verbs, and how errors leave.

An error that a user can mend is printed as text, exit status 2. Ctrl-C ends with one line, status 130.
"""

from __future__ import annotations

import os
import sys
import warnings

import typer

from foveal import __version__
from foveal.cli import data, evaluate, predict, show, train
from foveal.errors import FovealError

app = typer.Typer(
    name="foveal",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Convolutional networks you can see through: describe, check by hand, train, look inside, ship.",
)
app.command("show", help="Shapes, parameters, MACs and receptive fields of a network, each with its sum.")(show.command)
app.command("train", help="Train a network or another system, test it once, and write a report.")(train.command)
app.command("evaluate", help="Evaluate a trained model on a test set.")(evaluate.command)
app.command("predict", help="Use what was trained: classify, find, read, translate, go on with a text.")(
    predict.command
)
app.add_typer(data.app, name="data", help="Look at data: samples, counts, pictures as tensors.")


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"foveal {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Options that stand before the verb."""


def _one_line(message: Warning | str, *place: object, **more: object) -> str:
    """A warning as a person should read it: what it says, not where in our source it was said."""
    return f"note: {message}\n"


def main() -> None:
    """The entry point of the ``foveal`` command."""
    warnings.formatwarning = _one_line
    try:
        app()
    except FovealError as error:
        sys.stdout.flush()
        typer.secho(str(error), err=True, fg="red" if sys.stderr.isatty() else None)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        typer.echo("\nStopped.", err=True)
        raise SystemExit(130) from None
    except BrokenPipeError:  # `foveal show resnet152 | head`: the reader has what it wanted
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


if __name__ == "__main__":
    main()
