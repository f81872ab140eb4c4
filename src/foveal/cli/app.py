"""``foveal``: the verbs, and how errors leave.

An error that a user can mend is printed as text, exit status 2; so is standard output that takes no more. Ctrl-C ends with
one line, status 130; a reader that went away (``| head``) with status 141 and none.
"""

from __future__ import annotations

import sys
import warnings

import typer

from foveal import __version__, streams
from foveal.cli import data, evaluate, predict, show, train
from foveal.errors import FovealError
from foveal.printable import printable

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
        streams.say(f"foveal {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Options that stand before the verb."""


def _one_line(message: Warning | str, *place: object, **more: object) -> str:
    """A warning as a person should read it: what it says, not where in our source it was said."""
    return f"note: {printable(str(message), lines=True)}\n"


def main() -> None:
    """The entry point of the ``foveal`` command."""
    warnings.formatwarning = _one_line
    try:
        streams.set_up()
        status = _carried_out()
        sys.stdout.flush()  # Python's own flush at the end would forget that it failed
    except streams.OutputError as error:
        raise SystemExit(_without_output(error)) from None
    raise SystemExit(status)


def _carried_out() -> int | str | None:
    """Run the verb; the exit status. An error that a user can mend is text."""
    try:
        app()
    except SystemExit as end:
        return end.code
    except streams.OutputError:
        raise
    except FovealError as error:
        sys.stdout.flush()
        _complain(str(error))
        return 2
    except KeyboardInterrupt:
        streams.say("\nStopped.", error=True)
        return 130
    return 0


def _without_output(error: streams.OutputError) -> int:
    """The exit status where standard output takes no more. A reader that went away has what it wanted, as in ``| head``:
    then the status alone says that there was more, the one that shells give a program which a closed pipe ended."""
    if error.reader_gone and not error.mend:
        return 128 + 13
    _complain(str(error))
    return 2


def _complain(text: str) -> None:
    if not sys.stderr.isatty():
        streams.say(text, error=True)
        return
    from rich.text import Text

    streams.console(error=True).print(Text(text, "red"), soft_wrap=True)


if __name__ == "__main__":
    main()
