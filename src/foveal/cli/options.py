"""Options that several verbs share, and mistakes in what was asked for, in the words of the command line."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from foveal.errors import ConfigurationError, DescriptionError, ShapeError


def _allow(size: str | None) -> str | None:
    if size is not None:
        from foveal.backends.capacity import allow_memory

        allow_memory(size)
    return size


def _input(text: str | None) -> str | None:
    if text is not None:
        from foveal.network import as_shape

        try:
            as_shape(text)
        except DescriptionError as error:
            raise ConfigurationError(
                "this is not an input shape",
                where="--input",
                given=repr(text),
                expected="1 size (a vector), 2 (length × channels), 3 (height × width × channels), 4 (depth first), or tokens; "
                "each at least 1, or ?",
                fix=["--input 28x28x1, for a grey picture of 28 × 28 pixels", '--input "200 tokens"'],
            ) from error
    return text


Input = Annotated[str | None, typer.Option("--input", metavar="HxWxC", callback=_input, help="Another input shape.")]

_SHAPE = re.compile(r"input_shape=(?:\(([\d, ]+)\)|Tokens\((\d+)\)|(\d+))(.*)")
_OTHER = re.compile(r'(.*?)(?:zoo\.create\("(\w+)".*|foveal\.zoo\.(\w+)\b.*)')


@contextmanager
def shapes_as_options(verb: str, place: str | None) -> Iterator[None]:
    """What a network of the zoo says of its input, in the words of the command line instead of Python's.

    Args:
        verb: ``show``, ``check`` or ``train``.
        place: what is said behind a network's name: the data to train on, or the input shape that was asked for.
    """
    try:
        yield
    except (ShapeError, DescriptionError) as error:
        kind = isinstance(error, DescriptionError)  # another kind of input: no size of these data would help
        told = (_option(each, verb, place) for each in error.fix)
        error.fix = tuple(each for each in told if not (kind and verb == "train" and each.startswith("--size")))
        raise


def _option(fix: str, verb: str, place: str | None) -> str:
    if found := _SHAPE.fullmatch(fix):
        tuple_, tokens, number, rest = found.groups()
        sizes = [part.strip() for part in (tuple_ or number or "").split(",") if part.strip()]
        if verb == "train":
            return f"--size {sizes[0]}x{sizes[1]}{rest}" if len(sizes) == 3 else fix
        return f'--input "{tokens} tokens"{rest}' if tokens else f"--input {'x'.join(sizes)}{rest}"
    if found := _OTHER.fullmatch(fix):
        before, one, other = found.groups()
        behind = (
            "" if place is None else f" {shlex.quote(place)}" if verb == "train" else f" --input {shlex.quote(place)}"
        )
        return f"{before}foveal {verb} {one or other}{behind}"
    return fix


_FIELD, _ASSIGNED = "TrainingConfig.", re.compile(r"[a-z_]+=(.+)")


@contextmanager
def as_options() -> Iterator[None]:
    """Errors of a training configuration in the words of the command line: ``--batch-size 32`` for ``batch_size=32``."""
    try:
        yield
    except ConfigurationError as error:
        if not (error.where or "").startswith(_FIELD):
            raise
        field = str(error.where).removeprefix(_FIELD)
        option = f"--{field.replace('_', '-')}"
        mends = [found[1] if (found := _ASSIGNED.fullmatch(each)) else each for each in error.fix]
        raise ConfigurationError(
            error.problem.removeprefix(f"{field} "),
            where=option,
            given=error.given,
            expected=error.expected,
            fix=[
                f"leave {option} out" if each in ("None", f"leave {field} out") else f"{option} {each}"
                for each in mends
            ],
        ) from error


def check_net(net: str | None) -> None:
    """Refuse data, or a run, in the network's place, which comes first."""
    from foveal import zoo
    from foveal.data.generated.registry import GENERATED
    from foveal.data.loading import NAMED

    if net is None or net in zoo.names():
        return
    if net in GENERATED:
        fix = [f"foveal train {system}" for system in GENERATED[net].systems]
    elif Path(net, "config.json").is_file():
        fix = [f"foveal train --resume {net}"]
    elif net in NAMED or Path(net).is_dir():
        fix = [f"foveal train mlp {net}"]
    else:
        return
    raise ConfigurationError(
        "this is not a network, and the network comes first",
        where="NET",
        given=net,
        expected="a name of the zoo, a system, a description file or a model file",
        fix=fix,
    )


LABEL = "Label column of a CSV file: its name, its number from 1, first or last."
Runs = Annotated[Path, typer.Option(help="Folder of all runs.")]
AllowMemory = Annotated[
    str | None,
    typer.Option(
        "--allow-memory",
        metavar="SIZE",
        callback=_allow,
        help="Let the network take more memory than the limit (2 GB, half of the machine's): 8GB, say.",
        show_default=False,
    ),
]
