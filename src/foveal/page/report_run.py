"""The sections on the run itself: learned filters, the network's layers, and how to get the same again."""

from __future__ import annotations

import numpy as np

from foveal.evaluation.terms import terms
from foveal.page.markup import Markup, join, tag
from foveal.page.parts import DASH, copier, section, settings, shape, table, tile
from foveal.page.portable import command
from foveal.page.sprites import Sheet, reach
from foveal.report.classification import ReportData


def filters(data: ReportData, sheet: Sheet | None) -> Markup | None:
    """The first convolution's learned weights as small pictures."""
    if data.filters is None or sheet is None:
        return None
    kernel = np.asarray(data.filters, dtype=np.float64)
    height, width, inside, count = kernel.shape
    most = reach(kernel)
    each = [kernel[..., i] for i in range(count)]
    items = [
        tag(
            "li",
            tile(sheet, "kernel", i, f"filter {i}, weights from {each[i].min():.3f} to {each[i].max():.3f}"),
            str(i),
        )
        for i in range(min(count, sheet.columns * sheet.rows))
    ]
    scale = (
        f"Each is a colour picture: black is −{most:.2g} and below, grey 0, white +{most:.2g} and above."
        if inside == 3
        else f"Dark blue is −{most:.2g} and below, grey 0, pale yellow +{most:.2g} and above."
        + (f" Shown is the mean over the {inside} input channels." if inside > 1 else "")
    )
    flat = height * width * inside
    columns = ["filter", "least", "mean", "greatest", "norm"]
    rows: list[list[object]] = [
        [i, float(k.min()), float(k.mean()), float(k.max()), float(np.linalg.norm(k))] for i, k in enumerate(each)
    ]
    if flat * count <= 2000:
        columns += [
            f"w[{r},{c}]" if inside == 1 else f"w[{r},{c},{d}]"
            for r in range(height)
            for c in range(width)
            for d in range(inside)
        ]
        rows = [row + [float(value) for value in k.ravel()] for row, k in zip(rows, each, strict=True)]
    where = f" of {data.filters_path}" if data.filters_path else ""
    return section(
        "filters",
        "What the first layer learned",
        f"The {count} filters{where}, {height} × {width} weights each. {scale}",
        tag("ol", *items, class_="kernels"),
        tag(
            "details",
            tag("summary", "Weights as a table"),
            table("weights", columns, rows, caption="Weights of the first layer's filters"),
        ),
    )


def network(data: ReportData) -> Markup | None:
    """The table of layers, with totals."""
    if not data.layers:
        return None
    rows = [
        (
            tag("span", str(layer.get("path", "")), class_="mono"),
            str(layer.get("kind", "")),
            shape(layer.get("output_shape")),
            int(layer.get("parameters") or 0),
            int(layer.get("macs") or 0),
            shape(layer["receptive_field"]) if layer.get("receptive_field") else DASH,
        )
        for layer in data.layers
    ]
    return section(
        "network",
        "The network",
        "Shapes are height × width × channels. MACs are the multiply-accumulates of one picture; the receptive field is "
        "the part of the input that one unit sees.",
        tag(
            "div",
            table(
                "layers",
                ("layer", "kind", "output", "parameters", "MACs", "receptive field"),
                rows,
                caption="The network's layers",
                texts=(0, 1),
                footer=("total", "", "", data.parameters, data.macs, ""),
            ),
            class_="card",
        ),
    )


def reproduce(data: ReportData, *, own: bool = False) -> Markup:
    """Command, configuration and environment; ``own`` where the method has a loss that the configuration does not name."""
    typed = command(data.command)
    once = (
        "The test pictures were used once, after training was over; nothing was chosen by them. "
        if data.split == "test"
        else f"There was no test set: the figures are of the {data.split} pictures, and so they flatter. "
    )
    return section(
        "reproduce",
        "How to get this again",
        f"{once}On one machine and with the same versions, the same seed gives the same bits; elsewhere expect figures "
        "that differ a little, within the interval.",
        tag("p", f"Trained with {terms(data.config, own=own)}.") if data.config.get("optimizer") else None,
        join(tag("pre", tag("code", typed, id="command")), copier("command", "Copy command")) if typed else None,
        tag("div", tag("h3", "Configuration"), settings(data.config), class_="card") if data.config else None,
        tag("div", tag("h3", "Environment"), settings(data.environment), class_="card") if data.environment else None,
    )
