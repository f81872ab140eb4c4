"""A progress bar for what takes long, on a terminal only; a file or a pipe gets nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from foveal import streams


@contextlib.contextmanager
def progress(title: str, total: int | None, *, unit: str = "items") -> Iterator[Callable[[int], None]]:
    """Give a function that counts on; the bar goes to standard error and leaves no trace when it is done.

    Args:
        title: what is going on.
        total: how many there will be, where that is known.
        unit: ``bytes`` shows sizes and a rate, anything else counts.

    Example:
        >>> with progress("reading", 3) as advance:
        ...     advance(3)
    """
    import sys

    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda step: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    text, bar, left = TextColumn("{task.description}", markup=False), BarColumn(), TimeRemainingColumn()
    columns = (
        (text, bar, DownloadColumn(), TransferSpeedColumn(), left)
        if unit == "bytes"
        else (
            text,
            bar,
            MofNCompleteColumn(),
            left,
        )
    )
    with Progress(*columns, console=streams.console(error=True), transient=True) as display:
        task = display.add_task(title, total=total)
        yield lambda step: display.advance(task, step)
