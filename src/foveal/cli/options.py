"""Options that several verbs share, and mistakes in what was asked for, in the words of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from foveal.errors import ConfigurationError


def _allow(size: str | None) -> str | None:
    if size is not None:
        from foveal.backends.capacity import allow_memory

        allow_memory(size)
    return size


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
        mends = [found[1] if (found := _ASSIGNED.fullmatch(each)) else each for each in error.mend]
        raise ConfigurationError(
            error.problem.removeprefix(f"{field} "),
            where=option,
            given=error.given,
            expected=error.expected,
            mend=[f"leave {option} out" if each == "None" else f"{option} {each}" for each in mends],
        ) from error


def check_net(net: str | None) -> None:
    """Refuse data, or a run, in the network's place, which comes first."""
    from foveal import zoo
    from foveal.data.generated.registry import GENERATED
    from foveal.data.loading import NAMED

    if net is None or net in zoo.names():
        return
    if net in GENERATED:
        mend = [f"foveal train {system}" for system in GENERATED[net].systems]
    elif Path(net, "config.json").is_file():
        mend = [f"foveal train --resume {net}"]
    elif net in NAMED or Path(net).is_dir():
        mend = [f"foveal train mlp {net}"]
    else:
        return
    raise ConfigurationError(
        "this is no network, and the network comes first",
        where="NET",
        given=net,
        expected="a name of the zoo, a system, a description file or a model file",
        mend=mend,
    )


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
