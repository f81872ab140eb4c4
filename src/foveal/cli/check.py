"""``foveal check``: whether this machine's engine computes a network right, node by node."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from foveal import streams
from foveal.cli.options import AllowMemory, Input

if TYPE_CHECKING:
    from rich.console import RenderableType

    from foveal.backends.checking import Checked, Report

_HEADER = ("Node", "Layer", "Output", "Largest error", "in", "Second algorithm", "Verdict")


def command(
    net: Annotated[str, typer.Argument(help="A zoo name, a .json or .yaml description, or a model file.")],
    input: Input = None,
    classes: Annotated[int | None, typer.Option(min=1, help="Another number of classes (zoo networks).")] = None,
    device: Annotated[str, typer.Option(help='What computes: "cpu", or "cuda" for a GPU.')] = "cpu",
    batch: Annotated[int, typer.Option(help="Samples in a batch.")] = 2,
    seed: Annotated[int, typer.Option(help="Of inputs, weights and upstream gradients.")] = 0,
    tolerance: Annotated[float, typer.Option(help="The largest relative error that counts as right.")] = 1e-4,
    time_limit: Annotated[float, typer.Option(metavar="SECONDS", help="How long one node may take.")] = 120.0,
    in_process: Annotated[
        bool, typer.Option("--in-process", help="No process of its own: a node that crashes ends the check.")
    ] = False,
    allow_memory: AllowMemory = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False,
) -> None:
    """Every node forward and backward on this machine, against float64 and a second algorithm; 1 where one is wrong."""
    from foveal.cli.show import read

    network = read(net, classes, input, "check")
    from foveal.backends.checking import check

    shown = sys.stderr is not None and sys.stderr.isatty()
    report = check(
        network,
        input,
        batch=batch,
        device=device,
        seed=seed,
        tolerance=tolerance,
        isolated=not in_process,
        time_limit=time_limit,
        progress=_progress if shown else None,
    )
    if shown:
        sys.stderr.write("\r\x1b[K")
    if json:
        from foveal.printable import json_text

        streams.say(json_text(report.to_dict(), indent=1))
    else:
        _show(report, net)
    if not report.fine:
        raise typer.Exit(1)


def _progress(done: int, of: int, checked: Checked) -> None:
    from foveal.printable import printable

    sys.stderr.write(f"\r\x1b[K{done}/{of} {printable(checked.path)}: {checked.verdict}")
    sys.stderr.flush()


def _cells(node: Checked) -> tuple[str, ...]:
    error = "–" if node.largest is None else f"{node.largest:.1e}"
    layer = node.layer.split("(")[0]
    return node.path, layer, node.output, error, node.worst, node.second, node.verdict


def _show(report: Report, title: str) -> None:
    from foveal.drawing.terminal import emit

    emit(lambda: _plain(report, title), lambda width: _pretty(report, title))


def _notes(report: Report) -> list[str]:
    """What stands below the table: assumptions, what went wrong, and the verdict."""
    notes = [f"note: {report.assumed}"] if report.assumed else []
    for node in report.nodes:
        if not node.fine:
            wrong = [f"{name} {error:.1e}" for name, error in node.errors.items() if not error <= report.tolerance]
            notes.append(f"{node.path}: {node.verdict}: {'; '.join(filter(None, [', '.join(wrong), node.note]))}")
            notes.append(f"  {node.layer} on {node.input}")
    bad = sum(not node.fine for node in report.nodes)
    largest = "nothing was computed" if report.largest is None else f"largest relative error {report.largest:.1e}"
    word = "node" if len(report.nodes) == 1 else "nodes"
    verdict = f"{bad} of {len(report.nodes)} {word} wrong" if bad else f"{len(report.nodes)} {word} right"
    return [*notes, f"{verdict}; {largest} (tolerance {report.tolerance:.0e})"]


def _head(report: Report, title: str) -> str:
    return f"{title}, input {report.input}, batch {report.batch}, on {report.device}: {report.engine}"


def _plain(report: Report, title: str) -> str:
    from foveal.drawing.terminal import columns

    lines = columns([_HEADER, *(_cells(node) for node in report.nodes)])
    return "\n".join([_head(report, title), "", *lines, "", *_notes(report)])


def _pretty(report: Report, title: str) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bold")
    for name in _HEADER:
        table.add_column(name, justify="right" if name == "Largest error" else "left")
    for node in report.nodes:
        cells = [Text(cell) for cell in _cells(node)]
        cells[-1].stylize("green" if node.fine else "bold red")
        table.add_row(*cells)
    last = Text(_notes(report)[-1], "green" if report.fine else "bold red")
    return Group(Text(_head(report, title), "bold"), "", table, "", *map(Text, _notes(report)[:-1]), last)
