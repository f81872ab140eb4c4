"""``foveal``: the verbs, and how errors leave.

An error that a user can fix is printed as text, exit status 2; so is standard output that takes no more. Ctrl-C ends with
one line, status 130, SIGTERM with one and 143; a reader that went away (``| head``) with status 141 and none.
"""

from __future__ import annotations

import signal
import sys
import warnings
from typing import Any

import typer
import typer.core

from foveal import __version__, streams
from foveal.backends.memory import asked_for, is_out_of_memory
from foveal.cli import check, data, evaluate, predict, show, train
from foveal.errors import FovealError
from foveal.printable import printable
from foveal.training.interruption import stopping


class _Verbs(typer.core.TyperGroup):
    """The verbs, each of which Ctrl-C and SIGTERM end with one line: Typer itself would end without a word."""

    def invoke(self, ctx: Any) -> Any:
        try:
            with stopping(""):
                return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            text = str(stop) or "stopped"
            streams.say(
                f"\n{text[0].upper()}{text[1:]}" if sys.stderr.isatty() else f"{text[0].upper()}{text[1:]}", error=True
            )
            raise typer.Exit(128 + getattr(stop, "signal", signal.SIGINT)) from None


app = typer.Typer(
    name="foveal",
    cls=_Verbs,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Convolutional networks you can see through: describe, check by hand, train, look inside, ship.",
)
app.command("show", help="Shapes, parameters, MACs and receptive fields of a network, each with its sum.")(show.command)
app.command("check", help="Every node forward and backward on this machine, against float64 and a second algorithm.")(
    check.command
)
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
    """Run the verb; the exit status. An error that a user can fix is text."""
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
    except KeyboardInterrupt:  # before the verb began, or after its end
        streams.say("Stopped", error=True)
        return 130
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        sys.stdout.flush()
        _complain(f"The memory does not suffice: {asked_for(error)}. Nothing that was there before is changed.")
        return 2
    except OSError as error:  # a disk that fails where nobody expects it: what is written is whole or is not there
        sys.stdout.flush()
        place = f"{error.filename}: " if error.filename else ""
        _complain(f"{place}{error.strerror or error}. Nothing that was there before is changed.")
        return 2
    return 0


def _without_output(error: streams.OutputError) -> int:
    """The exit status where standard output takes no more. A reader that went away has what it wanted, as in ``| head``:
    then the status alone says that there was more, the one that shells give a program which a closed pipe ended."""
    if error.reader_gone and not error.fix:
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
