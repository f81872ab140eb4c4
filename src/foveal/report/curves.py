"""The learning curves of a run: each metric after each epoch, training and validation in one chart."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from foveal.report.blocks import Numbers, Plot, Section
from foveal.report.colours import FIRST, SECOND

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 6
"""Charts of a run; the numbers of all lie in ``metrics.jsonl``."""


def curves(histories: Mapping[str, Numbers]) -> Section | None:
    """The section on what was measured after each epoch; None where nothing was.

    Args:
        histories: by stage; "" is the run itself.
    """
    drawn = []
    for stage, numbers in histories.items():
        keys = [key for key in numbers.history if not key.startswith("val_")]
        for key in sorted(keys, key=lambda key: key != "accuracy"):  # what matters most comes first
            metric = key.replace("_", " ")
            drawn += _curve(numbers, key, f"{stage.replace('-', ' ')}: {metric}" if stage else metric)
    if not drawn:
        return None
    text = (
        "What was measured after each epoch, on the examples learned from and, where there are any, on those held back."
    )
    if any(key.startswith("val_") and column for each in histories.values() for key, column in each.history.items()):
        text += (
            " Training values are measured while the weights still change, and with augmentation and dropout where they are "
            "used, so the validation curve may start above."
        )
    if len(drawn) > MOST:
        text += f" {len(drawn) - MOST} further curves are in the run's folder."
    return Section("Learning curves", text, drawn[:MOST], "Curves")


def _curve(numbers: Numbers, key: str, label: str) -> list[Plot]:
    """``key`` and ``val_key`` over the epochs, as the lecture plots them; nothing where the history is empty."""
    columns = {
        name: [float(value) for value in numbers.history[column]]
        for name, column in (("training", key), ("validation", f"val_{key}"))
        if numbers.history.get(column)
    }
    if not columns:
        return []
    epochs = max(len(column) for column in columns.values())
    within = _within(numbers.steps, key) if epochs <= 30 else []

    def paint(figure: Figure) -> None:
        from matplotlib.ticker import MaxNLocator

        axes = figure.add_subplot()
        looks = {"training": (FIRST, "-", "o"), "validation": (SECOND, (0, (5, 2)), "s")}
        marks = 5.0 if epochs <= 30 else 0.0
        if within:
            axes.plot(*zip(*within, strict=True), color=FIRST, linewidth=1, alpha=0.45, label="training, step by step")
        for name, values in columns.items():
            colour, dashes, marker = looks[name]
            axes.plot(
                range(1, len(values) + 1), values, color=colour, linestyle=dashes, marker=marker, ms=marks, label=name
            )
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        start = 0.0 if within else 1.0
        width = epochs - start or 1.0
        axes.set_xlim(start - 0.03 * width, epochs + 0.03 * width)
        axes.grid(visible=False, axis="x")
        axes.legend(
            loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, handlelength=2.4, columnspacing=1.2
        )

    ends = "; ".join(f"{name} from {values[0]:.4g} to {values[-1]:.4g}" for name, values in columns.items())
    exact: dict[float, list[object]] = {x: [x, value] for x, value in within}
    for epoch in range(epochs):
        row = exact.setdefault(float(epoch + 1), [epoch + 1, *[None] * bool(within)])
        row += [values[epoch] if epoch < len(values) else None for values in columns.values()]
    names = ("epoch", *["step by step"] * bool(within), *columns)
    title = label[:1].upper() + label[1:]
    return [
        Plot(
            label,
            paint,
            _caption(key, columns),
            f"{title} over {epochs} epoch{'s' * (epochs > 1)}: {ends}.",
            names,
            [(*exact[x], *[None] * (len(names) - len(exact[x]))) for x in sorted(exact)],
            (4.8, 3.0),
            title,
        )
    ]


def _caption(key: str, columns: Mapping[str, Sequence[float]]) -> str:
    """Where the curves end, and the best validation value of those of which it is known what is better.

    Example:
        >>> _caption("loss", {"training": [1.0, 0.5], "validation": [0.8, 0.9]})
        'Last: 0.5, validation 0.9. Best on validation: 0.8 in epoch 1.'
    """
    held = columns.get("validation", ())
    ends = [f"{'validation ' * (name == 'validation')}{values[-1]:.4g}" for name, values in columns.items()]
    said = f"Last: {', '.join(ends)}."
    better: Callable[..., float] | None = max if key.endswith("accuracy") else min if key.endswith("loss") else None
    finite = [value for value in held if math.isfinite(value)]
    if better and len(finite) > 1:
        best = better(finite)
        said += f" Best on validation: {best:.4g} in epoch {list(held).index(best) + 1}."
    return said


def _within(steps: Sequence[Mapping[str, float]], key: str) -> list[tuple[float, float]]:
    """Rows within the epochs as points: the rows of epoch 3 lie evenly between 2 and 3, the last one at 3.

    Example:
        >>> _within([{"epoch": 1, "loss": 2.0}, {"epoch": 1, "loss": 1.0}, {"epoch": 2, "loss": 0.5}], "loss")
        [(0.5, 2.0), (1.0, 1.0), (2.0, 0.5)]
    """
    epochs: dict[int, list[float]] = {}
    for row in steps:
        if key in row:
            epochs.setdefault(int(row["epoch"]), []).append(float(row[key]))
    return [
        (epoch - 1 + (place + 1) / len(values), value)
        for epoch, values in sorted(epochs.items())
        for place, value in enumerate(values)
    ]
