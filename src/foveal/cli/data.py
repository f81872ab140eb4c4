"""``foveal data``: look at a data set, or at one picture as the numbers that a network receives."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from foveal import streams
from foveal.cli.options import LABEL
from foveal.cli.outputs import named_or_fresh
from foveal.errors import ConfigurationError, ImageError
from foveal.printable import json_text, printable
from foveal.streams import say

if TYPE_CHECKING:
    from foveal.data.audit import Audit
    from foveal.data.dataset import DataSet

app = typer.Typer(no_args_is_help=True, help="Look at data: samples, counts, pictures as tensors.")

_DEFAULT_SIZE = (10, 10)


@app.command("show")
def show(
    data: Annotated[
        str,
        typer.Argument(
            metavar="DATA|IMAGE", help="A data set's name, a folder, an IDX, CSV or .npz file; or a picture."
        ),
    ],
    resize: Annotated[
        str | None,
        typer.Option("--resize", metavar="HxW", help="Bring pictures to this size first (a picture: 10x10)."),
    ] = None,
    grey: Annotated[bool, typer.Option("--grey", help="One channel instead of three.")] = False,
    label: Annotated[
        str | None,
        typer.Option("--label", metavar="COLUMN", help=LABEL),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="PNG", help="Where to draw; ./NAME.png where not said.")
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, max=40, help="Pictures of each class.")] = 12,
    seed: Annotated[int, typer.Option("--seed", help="Which samples are chosen.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON, for programs.")] = False,
) -> None:
    """Draw samples with their counts, or print and draw one picture as the tensor that a network sees."""
    from foveal.data.sources.images import SUFFIXES

    size = _size(resize) if resize else None
    path = Path(data)
    known = data.lower().replace("_", "-")
    from foveal.data.generated.registry import GENERATED

    if known in GENERATED and not path.exists():
        _show_generated(known, out, samples, seed, as_json)
    elif path.suffix.lower() in SUFFIXES and not path.is_dir():
        _show_picture(path, size, grey, out, as_json)
    else:
        _show_data(data, size, grey, label, out, samples, seed, as_json)


@app.command("list")
def list_names(
    as_json: Annotated[bool, typer.Option("--json", help="The answer as JSON, for programs.")] = False,
) -> None:
    """List the data sets that are known by name, and where each one is."""
    from foveal.data.generated.registry import GENERATED
    from foveal.data.loading import NAMED

    rows = [{"name": known.name, "about": known.about, "where": _whereabouts(known.name)} for known in NAMED.values()]
    rows += [
        {"name": made.name, "about": made.about, "where": "made here, for foveal train " + ", ".join(made.systems)}
        for made in GENERATED.values()
    ]
    if as_json:
        _json(rows)
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("name", "what it is", "where it is"):
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(row["name"], row["about"], row["where"])
    streams.console().print(table)
    say("\nA folder with a subfolder of pictures for each class, a CSV (a label and then the pixels of one picture")
    say("in each line), an .npz and an IDX file are data sets too: foveal data show PATH")


def _show_data(
    name: str,
    size: tuple[int, int] | None,
    grey: bool,
    label: str | None,
    out: Path | None,
    samples: int,
    seed: int,
    as_json: bool,
) -> None:
    import warnings

    from foveal.data import audit, load
    from foveal.data.contact_sheet import draw_samples
    from foveal.data.published.catalogue import DataWarning

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", DataWarning)
        data = load(name, size=size, channels=1 if grey else None, label=label)
    notes = [str(each.message) for each in caught if issubclass(each.category, DataWarning)] + list(data.notes)
    found = audit(data)
    target: Path | None = None
    if not data.is_table:
        target, said = _target(out, data.name or "data")
        notes += said
        note = draw_samples(data, target, columns=samples, seed=seed)
        notes += [note] if note else []
    if as_json:
        _json(_data_json(data, found, notes, target))
        return
    _print_data(data, found, notes)
    if target is not None:
        say(f"\nsamples drawn in {printable(str(target))}")


def _show_generated(name: str, out: Path | None, samples: int, seed: int, as_json: bool) -> None:
    from foveal.data.generated.registry import GENERATED, draw

    known = GENERATED[name]
    look = known.look(samples, seed)
    target: Path | None = None
    notes: list[str] = []
    if look.pictures is not None or look.signals is not None:
        target, notes = _target(out, name)
        draw(look, target)
    if as_json:
        texts = [list(pair) for pair in look.texts]
        drawing = str(target) if target else None
        _json({"name": name, "about": known.about, "examples": texts, "drawing": drawing, "notes": notes})
        return
    say(f"{name}: {known.about}\n")
    for first, second in look.texts:
        say(f"{first}\n    → {second}" if second else first)
    say(f"\nlearned by: foveal train {' or '.join(known.systems)}")
    if target is not None:
        say("\n".join([*notes, f"examples drawn in {printable(str(target))}"]))


def _print_data(data: DataSet, found: Audit, notes: list[str]) -> None:
    from rich.markup import escape
    from rich.table import Table

    console = streams.console(highlight=False)
    shape = " × ".join(str(n) for n in data.shape)
    what = f"rows of {shape} numbers" if data.is_table else f"pictures of {shape} (height × width × channels)"
    console.print(f"[bold]{escape(printable(data.name))}[/bold]: {what}")
    console.print(f"from {escape(printable(data.source))}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, header_style="bold", show_footer=True, footer_style="bold")
    table.add_column("label", "", justify="right")
    table.add_column("class", "total")
    for title, split in data.parts():
        table.add_column(title, f"{len(split):,}", justify="right")
    for index, name in enumerate(data.classes):
        counts = [found.train_counts[index]] + ([found.test_counts[index]] if found.test_counts else [])
        table.add_row(str(index), escape(printable(name)), *(f"{count:,}" for count in counts))
    console.print()
    console.print(table)
    lines = notes + found.findings()
    if data.problems:
        folders = any(": the folder " in problem for problem in data.problems)
        lines.append(
            f"{len(data.problems):,} picture{'s' * (len(data.problems) > 1)}{' and folders' if folders else ''} could not be read:"
        )
        lines += [f"  {problem}" for problem in data.problems[:10]]
        if len(data.problems) > 10:
            lines.append(f"  … and {len(data.problems) - 10:,} more (--json lists all)")
    if lines:
        console.print()
    for line in lines:
        console.print(escape(printable(line)), soft_wrap=True)


def _data_json(data: DataSet, found: Audit, notes: list[str], target: Path | None) -> dict[str, Any]:
    test = found.test_counts or (None,) * len(data.classes)
    return {
        "name": data.name,
        "source": data.source,
        "shape": list(data.shape),
        "training": len(data.train),
        "test": len(data.test) if data.test is not None else None,
        "classes": [
            {"label": index, "name": name, "training": found.train_counts[index], "test": test[index]}
            for index, name in enumerate(data.classes)
        ],
        "copies": len(found.repeated),
        "test_pictures_in_training": len(found.leaked),
        "contradictions": len(found.contradictions),
        "findings": found.findings(),
        "notes": notes,
        "problems": list(data.problems),
        "drawing": str(target) if target else None,
    }


def _show_picture(path: Path, size: tuple[int, int] | None, grey: bool, out: Path | None, as_json: bool) -> None:
    from foveal.data.contact_sheet import channels, draw_tensor
    from foveal.data.sources import images

    if not path.exists():
        raise ImageError("there is no such picture", where=str(path))
    head = images.probe(path)
    if size is None and max(head.height, head.width) > 28:
        size = _DEFAULT_SIZE
    picture = images.read(path, size, channels=1 if grey else None, fit="stretch")
    height, width, depth = picture.shape
    target, notes = _target(out, f"{path.stem}-{height}x{width}")
    draw_tensor(picture, target, title=path.name)
    if as_json:
        matrices = [{"name": each.name, "values": each.values.tolist()} for each in channels(picture)]
        shape = [height, width, depth]
        _json(
            {
                "image": str(path),
                "original": [head.height, head.width],
                "shape": shape,
                "channels": matrices,
                "drawing": str(target),
                "notes": notes,
            }
        )
        return
    say(
        f"{printable(path.name)}: {head.height} × {head.width} pixels, shown as a tensor of {height} × {width} × {depth}"
    )
    say("(height × width × channels), values 0 (dark) to 255 (light); a network receives each divided by 255")
    for number, channel in enumerate(channels(picture), start=1):
        say(f"\nchannel {number} of {depth}: {channel.name}\n")
        say(channel.text())
    say("\n".join(["", *notes, f"drawn in {printable(str(target))}"]))


def _size(text: str) -> tuple[int, int]:
    parts = text.lower().replace("×", "x").split("x")
    numbers = [int(part) for part in parts if part.strip().isdecimal()]
    if len(numbers) != len(parts) or len(parts) not in (1, 2) or not all(1 <= n <= 4096 for n in numbers):
        raise ConfigurationError(
            "a size is a height and a width",
            where="--resize",
            given=repr(text),
            expected="HxW, each from 1 to 4096",
            fix=["--resize 10x10", "--resize 28"],
        )
    return numbers[0], numbers[-1]


def _target(out: Path | None, name: str) -> tuple[Path, list[str]]:
    from foveal.data.contact_sheet import MARK

    notes: list[str] = []
    return named_or_fresh(out, name, ".png", MARK.encode(), notes.append), notes


def _whereabouts(name: str) -> str:
    from foveal.data.published import fashion_mnist, mnist
    from foveal.data.published.catalogue import cache_folder, local_places, present

    known = {"fashion-mnist": fashion_mnist.FASHION_MNIST, "mnist": mnist.MNIST}.get(name)
    if known is None:
        return "comes with scikit-learn" if name in ("digits", "iris") else "made here, for foveal train perceptron"
    for place in local_places(known, None, cache_folder(name)):
        if folder := present(known, place):
            return str(folder)
    return "not here; fetched when it is first used"


def _json(value: object) -> None:
    say(json_text(value, indent=2))
