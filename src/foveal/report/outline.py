"""What every report has, whatever was trained: its heading, its figures, curves, networks, and how to get it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from foveal.evaluation.terms import terms
from foveal.printable import counted
from foveal.report.blocks import Block, Command, Headline, Paragraph, Report, Rows, RunFacts, Section, Settings
from foveal.report.curves import curves
from foveal.report.sentences import duration

if TYPE_CHECKING:
    from foveal.network.tree import Sequential

DASH = "–"


def heading(about: RunFacts) -> str:
    """What was trained, and on what."""
    return f"{about.name} on {about.data}" if about.data else about.name


def figures(report: Report, about: RunFacts) -> list[Headline]:
    """What stands below the first headline: the others, the time that it took, and details."""
    epochs = sum(len(next(iter(each.history.values()), ())) for each in about.histories.values())
    stages = f", {len(about.histories)} trainings" if len(about.histories) > 1 else ""
    took = Headline("Time taken", duration(about.seconds), f"{counted(epochs, 'epoch')}{stages}" if epochs else "")
    return [*report.headlines[1:], took, *report.details]


def sections(report: Report, about: RunFacts) -> list[Section]:
    """All sections of a report in the order in which they are read."""
    drawn = curves(about.histories)
    parts = [*report.sections, *([drawn] if drawn else [])]
    for name, tree in report.networks.items():
        parts += [network(tree) if len(report.networks) == 1 else network(tree, name)]
    return [*parts, reproduce(report, about)]


def network(tree: Sequential, name: str = "") -> Section:
    """The table of a network's layers, with totals; ``name`` where there are several."""
    from foveal.arithmetic.summary import summarize

    told = summarize(tree).to_dict()
    return layers(told["layers"], told["totals"], name)


def layers(rows: Sequence[Mapping[str, Any]], totals: Mapping[str, Any] | None = None, name: str = "") -> Section:
    """The same from one mapping a layer, as ``foveal show NET --json`` has them.

    Args:
        rows: with ``path``, ``kind``, ``output_shape``, ``parameters``, ``macs`` and ``receptive_field``.
        totals: ``parameters`` and ``macs`` of the whole network, where they are not the sums over the layers.
        name: of the network, where there are several.
    """
    listed = [
        (
            str(layer.get("path", "")),
            str(layer.get("kind", "")),
            _shape(layer.get("output_shape")),
            int(layer.get("parameters") or 0),
            int(layer.get("macs") or 0),
            _shape(layer.get("receptive_field")),
        )
        for layer in rows
    ]
    table = Rows(
        f"layers-{name}" if name else "layers",
        ("layer", "kind", "output", "parameters", "MACs", "receptive field"),
        listed,
        label="The network's layers",
        texts=(0, 1),
        footer=("total", "", "", total(rows, totals, "parameters"), total(rows, totals, "macs"), ""),
        code=True,
    )
    text = (
        "Shapes are height × width × channels. MACs are the multiply-accumulates of one picture; the receptive field is "
        "the part of the input that one unit sees."
    )
    return Section(name or "The network", text, [table], name or "Network")


def total(rows: Sequence[Mapping[str, Any]], totals: Mapping[str, Any] | None, key: str) -> int:
    """``key`` of the whole network: as ``totals`` has it, else the sum over the layers."""
    given = (totals or {}).get(key)
    return int(given) if given is not None else sum(int(layer.get(key) or 0) for layer in rows)


def _shape(value: object) -> str:
    """A shape as the lectures write it; a single number as itself.

    Example:
        >>> _shape([26, 26, 32]), _shape([None, None]), _shape(10), _shape({"tokens": 25}), _shape(None)
        ('26 × 26 × 32', '– × –', '10', '25 tokens', '–')
    """
    if isinstance(value, Mapping):
        return " × ".join(f"{size:,} {what}" for what, size in value.items())
    sizes = value if isinstance(value, Sequence) and not isinstance(value, str) else [value]
    return " × ".join(DASH if each is None else f"{each:,}" for each in sizes) or DASH


def reproduce(report: Report, about: RunFacts) -> Section:
    """Command, configuration and environment."""
    once = (
        "The test pictures were used once, after training was over; nothing was chosen by them. "
        if report.split == "test"
        else f"There was no test set: the figures are of the {report.split} pictures, and so they flatter. "
    )
    text = (
        f"{once}On one machine and with the same versions, the same seed gives the same bits; elsewhere expect figures "
        "that differ a little, within the interval."
    )
    blocks: list[Block] = []
    if about.config.get("optimizer"):
        blocks.append(Paragraph(f"Trained with {terms(about.config, own=not report.configured_loss)}."))
    if about.command:
        blocks.append(Command(about.command))
    blocks += [
        Settings(name, values)
        for name, values in (("Configuration", about.config), ("Environment", about.environment))
        if values
    ]
    return Section("How to get this again", text, blocks, "Reproduce")
