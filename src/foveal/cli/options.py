"""Options that several verbs share."""

from __future__ import annotations

from typing import Annotated

import typer


def _allow(size: str | None) -> str | None:
    if size is not None:
        from foveal.backends.capacity import allow_memory

        allow_memory(size)
    return size


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
