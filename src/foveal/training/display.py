"""What a person sees while a run goes: a live bar in a terminal, plain lines in a log, JSON lines for programs.

Each is a listener of :mod:`foveal.training.events`.
"""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, TextIO

from foveal import streams
from foveal.printable import counted, json_text
from foveal.streams import say
from foveal.training import events
from foveal.training.events import Event

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class Display(Protocol):
    """A listener that may hold the terminal while it is open."""

    def __call__(self, event: Event) -> None: ...

    def __enter__(self) -> Display: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Silent:
    """Shows nothing."""

    def __call__(self, event: Event) -> None:
        """Nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put away."""


def _going_on(event: events.Started) -> str:
    if event.epoch >= event.epochs:
        return f"Trained already ({counted(event.epochs, 'epoch')})."
    return f"Going on after step {event.step:,} of epoch {event.epoch + 1}."


class JsonLines(Silent):
    """Every event as one JSON object a line.

    Args:
        out: where to; standard output if None.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out

    def __call__(self, event: Event) -> None:
        say(json_text(events.as_json(event)), file=self.out, flush=True)


class PlainLines(Silent):
    """One line an epoch, as Keras writes with ``verbose=2``; good for logs and files.

    Args:
        out: where to; standard output if None.
    """

    def __init__(self, out: TextIO | None = None) -> None:
        self.out = out

    def __call__(self, event: Event) -> None:
        text = self._text(event)
        if text:
            say(text, file=self.out, flush=True)

    @staticmethod
    def _text(event: Event) -> str:
        if isinstance(event, events.Message):
            return f"note: {event.text}"
        if isinstance(event, events.Stage):
            return f"{event.text} …"
        if isinstance(event, events.Started) and (event.epoch or event.step):
            return _going_on(event)
        if isinstance(event, events.EpochDone):
            values = " - ".join(f"{name}: {value:.4f}" for name, value in event.values.items())
            pace = f"{event.seconds:.1f} s - {event.examples_per_second:,.0f}/s"
            return f"Epoch {event.epoch}/{event.epochs} - {event.done or event.steps}/{event.steps} - {pace} - {values}"
        if isinstance(event, events.Finished) and event.stopped_early:
            return f"Stopped early after epoch {event.epochs}."
        return ""


class LiveBar(Silent):
    """A bar for the epoch at hand, and above it a table that grows by a row an epoch.

    Args:
        console: rich's console; the standard one if None.
        unit: what is counted a second.
    """

    def __init__(self, console: Console | None = None, unit: str = "pictures") -> None:
        self.console = console or streams.console()
        self.unit = unit
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._columns: list[str] = []

    def __enter__(self) -> LiveBar:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.table import Column

        def whole() -> Column:  # the bar alone gives way where the terminal is narrow
            return Column(no_wrap=True, min_width=1)

        self._progress = Progress(
            TextColumn("[bold]epoch {task.fields[epoch]}/{task.fields[epochs]}", table_column=whole()),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            MofNCompleteColumn(table_column=whole()),
            TextColumn("{task.fields[values]}", table_column=whole()),
            TextColumn("[cyan]{task.fields[pace]}", table_column=whole()),
            TimeRemainingColumn(compact=True, table_column=whole()),
            TextColumn("[dim]left", table_column=whole()),
            console=self.console,
            transient=True,
            expand=True,
        )
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = self._task = None

    def __call__(self, event: Event) -> None:
        from rich.markup import escape

        if isinstance(event, events.EpochStarted):
            self._begin(event)
        elif isinstance(event, events.StepDone) and self._progress is not None and self._task is not None:
            values = "  ".join(f"{escape(name)} [bold]{value:.3f}[/]" for name, value in event.values.items())
            pace = f"{event.examples_per_second:,.0f} {self.unit}/s"
            self._progress.update(self._task, completed=event.step, values=values, pace=pace)
        elif isinstance(event, events.EpochDone):
            self._row(event)
        elif isinstance(event, events.Message):
            self.console.print(f"[yellow]note[/]: {escape(event.text)}", highlight=False)
        elif isinstance(event, events.Stage):
            self.console.print(f"[bold]{escape(event.text)}[/] …", highlight=False)
        elif isinstance(event, events.Started) and (event.epoch or event.step):
            self.console.print(_going_on(event), highlight=False)
        elif isinstance(event, events.Finished) and event.stopped_early:
            self.console.print(f"Stopped early after epoch {event.epochs}.", highlight=False)

    def _begin(self, event: events.EpochStarted) -> None:
        if self._progress is None:
            return
        if self._task is not None:
            self._progress.remove_task(self._task)
        self._task = self._progress.add_task(
            "", total=event.steps, epoch=event.epoch, epochs=event.epochs, values="", pace=""
        )

    def _row(self, event: events.EpochDone) -> None:
        from rich.markup import escape

        if not self._columns:
            self._columns = list(event.values)
            heads = escape("".join(f"{name:>{_width(name)}}" for name in self._columns))
            self.console.print(f"[dim]{'epoch':>7}{heads}{'time':>12}{self.unit + '/s':>12}[/]", highlight=False)
        numbers = "".join(
            f"{event.values[name]:>{_width(name)}.4f}" if name in event.values else " " * _width(name)
            for name in self._columns
        )
        pace = f"{_seconds(event.seconds):>12}{event.examples_per_second:>12,.0f}"
        self.console.print(f"{event.epoch:>7}[bold]{numbers}[/]{pace}", highlight=False)


def display_for(verbose: int | str = "auto", *, json_lines: bool = False, unit: str = "pictures") -> Display:
    """The display that fits: Keras's ``verbose`` (0 silent, 1 live, 2 lines, "auto"), and whether this is a terminal.

    Example:
        >>> type(display_for(2)).__name__, type(display_for(0)).__name__
        ('PlainLines', 'Silent')
    """
    if json_lines:
        return JsonLines()
    if verbose == 0:
        return Silent()
    if verbose == 2 or sys.stdout is None or not sys.stdout.isatty():
        return PlainLines()
    return LiveBar(unit=unit)


def _width(name: str) -> int:
    return max(len(name), 6) + 2


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 100 else f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
