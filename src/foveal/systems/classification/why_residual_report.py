"""What the report on depth shows: errors, gradients layer by layer, and the "+1" with its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foveal.report.blocks import Lines, Rows, Section, Series

TITLES = {
    "plain": "plain",
    "residual": "residual",
    "plain-bn": "plain, batch normalisation",
    "residual-bn": "residual, batch normalisation",
}
NORMALIZED = {"plain": "without batch normalisation", "plain-bn": "with it"}
VANISHED = 1e-3  # of the shallow network's gradient, below which it is said to vanish


def sections(facts: Mapping[str, Any]) -> list[Section]:
    """All sections."""
    return [_errors(facts), _gradients(facts), _plus_one(facts)]


def verdict(facts: Mapping[str, Any]) -> str:
    """Whether the plain networks did what the lecture says, in a few words."""
    vanishes = facts["vanishing"]["plain"]["ratio"] < VANISHED
    degrades = facts["degradation"]["plain-bn"]["low"] > 0
    if vanishes and degrades:
        return "seen: both"
    return "seen: vanishing only" if vanishes else "seen: degradation only" if degrades else "not seen"


def _said(facts: Mapping[str, Any]) -> str:
    """What happened, for either claim and what the shortcuts changed."""
    deep, shallow = facts["depths"][-1], facts["depths"][0]
    fall = facts["vanishing"]
    plain, residual = fall["plain"]["ratio"], fall["residual"]["ratio"]
    first = (
        f"Vanishing gradient: at the first layer of the plain network the gradient of {deep} layers is {plain:.2g} of that of "
        f"{shallow} layers before training; with shortcuts it is {residual:.3g} times as large. "
    )
    first += "The lecture's claim holds here. " if plain < VANISHED else "It does not vanish here. "
    parts = []
    for kind in ("plain-bn", "residual-bn"):
        found, name = facts["degradation"][kind], TITLES[kind].split(",")[0]
        if found["best_depth"] == deep:
            parts.append(
                f"the {name} network does best on its training images at {deep} layers, the most that were tried"
            )
            continue
        grown = f"{100 * found['worse_by']:.1f} points ({100 * found['low']:.1f} to {100 * found['high']:.1f})"
        parts.append(
            f"the training error of the {name} network grows by {grown} from its best depth, {found['best_depth']}, to {deep}"
        )
    holds = facts["degradation"]["plain-bn"]["low"] > 0
    second = f"Degradation, with batch normalisation: {parts[0]}; {parts[1]}. "
    return (first + second + ("The lecture's claim holds here." if holds else "It is not seen here.")).replace("-", "−")


def _errors(facts: Mapping[str, Any]) -> Section:
    depths, networks = facts["depths"], facts["networks"]

    def lines(which: str, name: str, what: str) -> Lines:
        series = [Series(TITLES[k], depths, [networks[f"{k}-{d}"][which] for d in depths]) for k in TITLES]
        return Lines(name, "layers with weights", what, series, f"{what[0].upper()}{what[1:]} against depth.")

    rows = [
        (TITLES[each["kind"]], each["depth"], each["training_error"], each["test_error"]) for each in networks.values()
    ]
    count = facts["images"]
    return Section(
        "Error against depth",
        f"The plain network has exactly the weights of the residual one; all learned from the same {count['training']:,} images by "
        f"the same recipe. A deeper network that does worse on the images it learned from is not overfitting. {_said(facts)}",
        [
            lines("training_error", "training-error", "training error"),
            lines("test_error", "test-error", "test error"),
            Rows("errors", ("network", "layers", "training error", "test error"), rows,
                 f"Shares of {count['training']:,} training and {count['test']:,} test images that are named wrongly."),
        ],
    )  # fmt: skip


def _gradients(facts: Mapping[str, Any]) -> Section:
    deep, networks = facts["depths"][-1], facts["networks"]

    def lines(when: str, caption: str) -> Lines:
        series = []
        for kind in TITLES:
            norms = networks[f"{kind}-{deep}"][f"gradients_{when}"]
            series.append(Series(TITLES[kind], list(range(1, len(norms) + 1)), [max(norm, 1e-30) for norm in norms]))
        return Lines(f"gradients-{when}", "convolution, from the image on", "‖∂L/∂W‖", series, caption, log_y=True)

    rows = []
    for each in networks.values():
        before, after = each["gradients_before"], each["gradients_after"]
        rows.append((TITLES[each["kind"]], each["depth"], before[0], before[-1], after[0], after[-1]))
    columns = ("network", "layers", "first, before", "last, before", "first, after", "last, after")
    return Section(
        "Gradient layer by layer",
        "The gradient of the mean loss of one batch with respect to each convolution's kernel. It is computed from the end to the "
        "beginning: each plain layer multiplies it by its own weights, a shortcut hands it on as it is.",
        [
            lines("before", f"Networks of {deep} layers with their first weights."),
            lines("after", "The same networks after training."),
            Rows(
                "gradients", columns, rows, "‖∂L/∂W‖ of the first and the last convolution, before and after training."
            ),
        ],
    )


def _plus_one(facts: Mapping[str, Any]) -> Section:
    rows = []
    for unit in facts["units"]:
        sum_ = unit["arriving"] + unit["through_body"]
        place = f"row {unit['row']}, column {unit['column']}, map {unit['channel']}"
        rows.append((unit["block"], place, unit["arriving"], unit["through_body"], sum_, unit["total"]))
    first = facts["units"][-1]
    worked = (
        f"For {first['block']}: {first['arriving']:.6g} · 1 + {first['through_body']:.6g} = "
        f"{first['arriving'] + first['through_body']:.6g}; the whole network's backward pass gives {first['total']:.6g}."
    ).replace("-", "−")
    columns = ("block", "value of its input", "∂L/∂y · 1", "through F", "sum", "backward pass")
    return Section(
        "The “+1” worked",
        "A block gives y = F(x) + x, so ∂L/∂x = ∂L/∂y · (∂F/∂x + 1): what arrives at y reaches x undiminished, and what "
        f"the body adds comes on top. {worked}",
        [Rows("plus-one", columns, rows, "One test image, the deepest residual network without batch normalisation, after "
                                         "training; in each block the value with the largest ∂L/∂y, in double precision.")],
    )  # fmt: skip
