"""What the 1-D convolution's report shows: accuracy against noise, kernels and the frequencies they pass, responses over time."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.report.blocks import Bars, Block, Heat, Lines, Plot, Rows, Section, Series

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from foveal.backends.torch import Network
    from foveal.data.generated.waves import Signals, Waves

TITLES = {"conv1d": "1-D convolution", "mlp": "MLP of equal size"}
FREQUENCIES = 33  # of a kernel's response, from 0 to half a cycle a sample


def sections(
    waves: Waves, facts: Mapping[str, Any], answers: Mapping[str, NDArray[np.int64]], module: Network
) -> list[Section]:
    """All sections, for the figures of ``facts`` and the first convolutional network."""
    weight: Any = module.node("conv1").weight
    kernels = weight.detach().float().cpu().numpy()[:, 0]
    return [
        Section(
            "Accuracy against noise",
            "The same signals for both networks, whose parameters are as many. The convolution looks for a shape wherever "
            "in time it lies; the MLP has to learn each shape at every place.",
            [_curves(facts), _classes(waves, answers), _table(facts)],
        ),
        Section(
            "Moved in time",
            f"Each test signal is turned round by {facts['shifted']['conv1d']['samples']} samples, its end put before its "
            "beginning: the same sounds, at another time.",
            [_moved(facts)],
        ),
        Section(
            "Filters",
            "The first layer's kernels as they were learned, and which frequencies each lets pass.",
            [_kernels(kernels), _passed(kernels)],
        ),
        Section(
            "Responses over time",
            "One example of each class, with a little noise: the signal, what the first layer's kernels answer, and the last "
            "layer's. A row is a feature map, time runs to the right. The mean of each last row is what decides.",
            [_responses(waves, module)],
        ),
    ]


def _curves(facts: Mapping[str, Any]) -> Block:
    levels, classes = facts["levels"], 6
    series = []
    for kind, found in facts["accuracy"].items():
        each = found["by_noise"]
        series.append(Series(TITLES[kind], levels, *([at[key] for at in each] for key in ("mean", "low", "high"))))
    caption = (
        f"Mean of {facts['seeds']} networks of each kind, with the 95 % interval of so many signals "
        f"({facts['accuracy']['conv1d']['by_noise'][0]['count']} a level). By chance it would be 1 / {classes}."
    )
    return Lines("noise", "noise: its deviation, the signal's being 1", "test accuracy", series, caption)


def _table(facts: Mapping[str, Any]) -> Block:
    found = facts["accuracy"]
    rows = []
    for place, level in enumerate(facts["levels"]):
        own, other = (found[kind]["by_noise"][place]["mean"] for kind in ("conv1d", "mlp"))
        decibels = "no noise" if level == 0 else f"{0.0 - 20 * math.log10(level):+.1f} dB".replace("-", "−")
        rows.append((level, decibels, own, other, own - other))
    names = ("noise", "signal to noise", TITLES["conv1d"], TITLES["mlp"], "difference")
    sizes = facts["parameters"]
    return Rows(
        "levels",
        names,
        rows,
        f"{sizes['conv1d']:,} parameters against {sizes['mlp']:,}, {facts['seeds']} networks each.",
    )


def _classes(waves: Waves, answers: Mapping[str, NDArray[np.int64]]) -> Block:
    labels = waves.test.labels
    values = {
        TITLES[kind]: [float((given[labels == c] == c).mean()) for c in range(len(waves.classes))]
        for kind, given in answers.items()
    }
    return Bars(
        "by-class", list(waves.classes), values, "Share of each class named right, all levels of noise together, by the "
        "first network of each kind.", y_label="recall",
    )  # fmt: skip


def _moved(facts: Mapping[str, Any]) -> Block:
    labels = [f"noise {level:g}" for level in facts["levels"]]
    values = {TITLES[kind]: each["by_noise"] for kind, each in facts["shifted"].items()}
    whole = ", ".join(
        f"{100 * each['changed']:.1f} % of the {TITLES[kind]}'s" for kind, each in facts["shifted"].items()
    )
    caption = f"Share of answers that change, mean of all networks. Over all signals: {whole}."
    return Bars("moved", labels, values, caption, y_label="answers that change")


def _kernels(kernels: NDArray[np.floating]) -> Block:
    across = math.ceil(math.sqrt(len(kernels)))

    def paint(figure: Figure) -> None:
        from foveal.report.colours import FIRST, LINE

        top = float(np.abs(kernels).max())
        for index, kernel in enumerate(kernels):
            axes = figure.add_subplot(-(-len(kernels) // across), across, index + 1)
            axes.axhline(0, color=LINE, linewidth=0.8)
            axes.plot(kernel, color=FIRST, marker="o", ms=2.5, linewidth=1.3)
            axes.set(ylim=(-1.1 * top, 1.1 * top), xticks=[], yticks=[])
            axes.set_title(str(index + 1), fontsize=7, pad=1)
            axes.grid(visible=False)

    rows = [(index + 1, *map(float, kernel)) for index, kernel in enumerate(kernels)]
    columns = ("kernel", *(str(t) for t in range(kernels.shape[1])))
    caption = f"The {len(kernels)} kernels of the first layer, {kernels.shape[1]} samples each, on one scale."
    return Plot("kernels", paint, caption, caption, columns, rows, size=(5.2, 4.4))


def _passed(kernels: NDArray[np.floating]) -> Block:
    response = gain(kernels)
    order = np.argsort(response.argmax(1), kind="stable")
    columns = [f"{f:.2f}" if place % 8 == 0 else "" for place, f in enumerate(np.linspace(0, 0.5, FREQUENCIES))]
    return Heat(
        "gain", response[order], [str(i + 1) for i in order], columns,
        "How strongly each kernel answers to a sine, over cycles a sample, ordered by where it answers most. The slowest "
        "waves here have 1/64 of a cycle a sample, the fastest 1/16; square waves and pulses reach far beyond.",
    )  # fmt: skip


def gain(kernels: NDArray[np.floating], count: int = FREQUENCIES) -> NDArray[np.float64]:
    """|Σ_t k(t) e^(−2πi f t)| of each kernel for frequencies f from 0 to ½ cycle a sample.

    Example:
        >>> gain(np.array([[0.5, 0.5], [0.5, -0.5]]), 3).round(3).tolist()  # a mean, and a difference
        [[1.0, 0.707, 0.0], [0.0, 0.707, 1.0]]
    """
    f = np.linspace(0, 0.5, count)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(kernels.shape[1]), f))
    return np.asarray(np.abs(kernels @ waves), dtype=np.float64)


def _responses(waves: Waves, module: Network) -> Block:
    import torch

    from foveal.backends.torch import layer_outputs

    chosen = _examples(waves.test, len(waves.classes), waves.levels)
    part = waves.test.take(chosen)
    with torch.inference_mode():
        found = layer_outputs(module, module.as_input(part.values), ["conv1", "conv3"])
    first, last = (found[name].float().cpu().numpy() for name in ("conv1", "conv3"))

    def paint(figure: Figure) -> None:
        from foveal.report.colours import FIRST, MUTED

        cells: Any = figure.subplots(3, len(chosen), height_ratios=(1, 1.1, 1.4), squeeze=False)
        for place in range(len(chosen)):
            signal, maps, top = cells[:, place]
            signal.plot(part.values[place, :, 0], color=MUTED, linewidth=0.7)
            signal.plot(part.clean[place, :, 0], color=FIRST, linewidth=1.2)
            signal.set_title(waves.classes[int(part.labels[place])], fontsize=8)
            for axes, values in ((maps, first[place]), (top, last[place])):
                axes.imshow(values, aspect="auto", cmap="viridis", interpolation="nearest")
            for axes in (signal, maps, top):
                axes.set(xticks=[], yticks=[])
                axes.grid(visible=False)
        for row, text in enumerate(("signal", "first layer", "last layer")):
            cells[row, 0].set_ylabel(text)

    caption = (
        f"Signals (blue: without noise), {first.shape[1]} feature maps of the first layer and {last.shape[1]} of the last; "
        "bright is strong, each panel on its own scale."
    )
    return Plot("responses", paint, caption, caption, size=(9.0, 5.0))


def _examples(part: Signals, classes: int, levels: Sequence[float]) -> list[int]:
    """One signal of each class, at the lowest level of noise that is above none where there is one."""
    wanted = min([level for level in levels if level > 0], default=min(levels))
    found = []
    for label in range(classes):
        own = np.flatnonzero(part.labels == label)
        near = own[np.isclose(part.noise[own], wanted)]
        found += [int(i) for i in (near if len(near) else own)[:1]]
    return found
