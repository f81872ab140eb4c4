"""What the report on convolution shows: accuracy against each distortion, inputs that change, and the dense twins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foveal.report.blocks import Block, Lines, Pictures, Rows, Section, Series

TITLES = {"mlp": "MLP", "cnn": "CNN"}
WAYS = {
    "shifted": "Shifted along an axis, each picture its own way; what comes in is black.",
    "scaled": "Enlarged about the middle, or shrunk.",
    "turned": "Turned about the middle, each picture to its own side.",
    "distorted": "Elastically distorted; at 34, Simard's own figure, a pixel moves by about 1.4 pixels each way.",
}


def sections(facts: Mapping[str, Any], examples: Mapping[str, NDArray[np.uint8]], seed: int) -> list[Section]:
    """All sections; ``examples`` has one picture (1, height, width, 1 | 3) of each data set."""
    sizes, seeds = facts["parameters"], facts["seeds"]
    found = []
    for name, told in facts["data"].items():
        text = (
            f"Both networks learned from the same {told['learned_from']:,} pictures as they are, without augmentation, by the "
            f"same recipe: {sizes['mlp']:,} parameters against {sizes['cnn']:,}. Each curve is the mean of {seeds} networks on "
            f"{told['pictures']:,} test pictures; the band is the 95 % interval over other pictures and other networks."
        )
        blocks: list[Block] = [_curve(name, kind, told) for kind in WAYS]
        found.append(
            Section(f"Accuracy on {name}", text, [*blocks, _shown(name, examples[name], seed), _answers(name, told)])
        )
    found.append(
        Section(
            "Inputs that change",
            "To a fully connected network a picture is a list of inputs without neighbours, and a shift is a change of many of "
            "them at once (lecture 001: “154 input change from 2 shift left”).",
            [_inputs(facts), _inputs_table(facts)],
        )
    )
    found.append(Section(
        "The dense twin of each convolution",
        "The fully connected layer that would give as many values from as many has this many parameters. Sparse connections "
        "take most of them away, shared weights nearly all of the rest (lecture 001).",
        [_twins(facts)],
    ))  # fmt: skip
    return found


def _curve(name: str, kind: str, told: Mapping[str, Any]) -> Block:
    curve = told["curves"][kind]
    series = [
        Series(TITLES[net], curve["amounts"], curve[net]["accuracy"], curve[net]["low"], curve[net]["high"])
        for net in TITLES
    ]
    return Lines(f"{name}-{kind}", f"{kind}: {curve['unit']}", "test accuracy", series, WAYS[kind])


def _shown(name: str, picture: NDArray[np.uint8], seed: int) -> Block:
    """One test picture at some amounts of each kind."""
    from foveal.backends.torch import as_nchw
    from foveal.systems.classification.distortions import KINDS, draw
    from foveal.systems.image_tools import as_pixels

    draws = draw(1, picture.shape[1], picture.shape[2], seed)
    stack, labels = [], []
    for kind in KINDS:
        amounts = [kind.amounts[place] for place in np.linspace(0, len(kind.amounts) - 1, 5).round().astype(int)]
        for amount in amounts:
            stack.append(as_pixels(kind.apply(as_nchw(picture), amount, draws)[0].permute(1, 2, 0).numpy()))
            labels.append(f"{kind.name} {amount:g}")
    return Pictures(
        f"{name}-examples", np.stack(stack), labels, "One test picture, and what was made of it.", columns=10
    )


def _answers(name: str, told: Mapping[str, Any]) -> Block:
    rows = []
    for kind, curve in told["curves"].items():
        for place, amount in enumerate(curve["amounts"]):
            values = [curve[net][key][place] for key in ("accuracy", "changed") for net in TITLES]
            rows.append((kind, amount, *values[:2], values[1] - values[0], *values[2:]))
    columns = ("kind", "amount", "MLP right", "CNN right", "difference", "MLP: other answers", "CNN: other answers")
    return Rows(
        f"{name}-figures", columns, rows,
        "Accuracy, and the share of answers that differ from those for the same pictures as they are.",
    )  # fmt: skip


def _inputs(facts: Mapping[str, Any]) -> Block:
    series = []
    for name, told in facts["data"].items():
        far = [each["pixels"] for each in told["changed_inputs"]]
        series.append(Series(f"{name}: any change", far, [each["any"] for each in told["changed_inputs"]]))
        both = [each["brighter"] + each["darker"] for each in told["changed_inputs"]]
        series.append(Series(f"{name}: black and white", far, both))
    return Lines(
        "inputs", "pixels to the left", "inputs that change", series,
        f"Means over the test pictures, of {next(iter(facts['data'].values()))['inputs']} inputs.",
    )  # fmt: skip


def _inputs_table(facts: Mapping[str, Any]) -> Block:
    rows = [
        (name, each["pixels"], each["any"], each["any"] / told["inputs"], each["brighter"], each["darker"])
        for name, told in facts["data"].items()
        for each in told["changed_inputs"]
    ]
    columns = ("data", "pixels", "inputs that change", "share of all", "black to white", "white to black")
    return Rows("inputs-table", columns, rows, "Black and white are cut at half brightness.")


def _twins(facts: Mapping[str, Any]) -> Block:
    def text(shape: Any) -> str:
        return " × ".join(map(str, shape))

    rows = [
        (
            each["path"],
            f"{text(each['input_shape'])} → {text(each['output_shape'])}",
            each["convolution"]["parameters"],
            each["unshared"]["parameters"],
            each["dense"]["parameters"],
            each["ratio"],
        )
        for each in facts["twins"]
    ]
    columns = ("layer", "values", "convolution", "sparse, not shared", "dense", "dense / convolution")
    return Rows("twins", columns, rows, "Parameters. `foveal show lecture_cnn --why PATH` has the sums.")
