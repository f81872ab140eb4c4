"""What the perceptron's report shows: points and lines, corrections beside their bound, the proof, and the MLP's regions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from foveal.data.generated import logic
from foveal.report.blocks import Block, Lines, Plot, Rows, Section, Series, Texts

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from foveal.systems.classification.perceptron_problem import Problem, Solved
    from foveal.systems.classification.separability import Separation


def drawn(found: Solved) -> Block:
    """The points and the line."""
    problem, (w1, w2, b) = found.problem, found.line
    low, high = _frame(problem)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        _tint(axes, low, high, lambda x, y: w1 * x + w2 * y + b > 0)
        _line(axes, found.line, low, high)
        _points(axes, problem)

    formula = f"net = {w1:.4g} x₁ + {w2:.4g} x₂ + {b:.4g}".replace("+ -", "− ").replace("-", "−")
    left, count = found.left[-1], len(problem.answers)
    verdict = "No example is wrong." if not left else f"{left} of {count} examples are wrong, and some always will be."
    if len(problem.unseen_answers):
        verdict += f" Of {len(problem.unseen_answers)} unseen ones (crosses), {found.unseen_wrong} are."
    caption = f"{problem.title}: {formula}, after {found.corrections} corrections. {verdict}"
    rows = [
        (*map(float, point), problem.classes[int(answer)], w1 * float(point[0]) + w2 * float(point[1]) + b)
        for point, answer in zip(problem.points, problem.answers, strict=True)
    ]
    return Plot(
        f"line-{_plain(problem.name)}", paint, caption, caption, (*problem.axes, "class", "net"), rows, size=(4.8, 3.8)
    )


def _regions(found: Solved) -> Block:
    """What the MLP says of every place of the plane."""
    problem, module = found.problem, found.mlp
    low, high = _frame(problem)

    def answers(x: NDArray[np.float64], y: NDArray[np.float64]) -> Any:
        grid = np.stack([x.ravel(), y.ravel()], 1).astype(np.float32)
        return module.predict(grid, 4096)[:, 0].reshape(x.shape) > 0.5

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        _tint(axes, low, high, answers)
        hidden = module.node("hidden")
        for weight, bias in zip(hidden.weight.tolist(), hidden.bias.tolist(), strict=True):
            _line(axes, (*weight, bias), low, high, thin=True)
        _points(axes, problem)

    p = [float(v) for v in module.predict(problem.points)[:, 0]]
    caption = (
        f"{problem.title} by an MLP of {len(module.node('hidden').bias)} tanh units: {found.mlp_wrong} of "
        f"{len(p)} examples wrong. Each hidden unit has a line of its own (thin); the output mixes their sides."
    )
    rows = [
        (*map(float, point), problem.classes[int(answer)], value)
        for point, answer, value in zip(problem.points, problem.answers, p, strict=True)
    ]
    return Plot(
        f"mlp-{_plain(problem.name)}", paint, caption, caption, (*problem.axes, "class", "probability of 1"), rows,
        size=(4.8, 3.8),
    )  # fmt: skip


def _frame(problem: Problem) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    everything = np.concatenate([problem.points, problem.unseen]).astype(np.float64)
    low, high = everything.min(0), everything.max(0)
    spare = 0.25 * np.maximum(high - low, 1e-6)
    return low - spare, high + spare


def _tint(axes: Axes, low: Any, high: Any, inside: Any) -> None:
    from foveal.report.colours import FIRST

    x, y = np.meshgrid(np.linspace(low[0], high[0], 121), np.linspace(low[1], high[1], 121))
    level = np.asarray(inside(x, y), dtype=float)
    if level.min() < level.max():
        axes.contourf(x, y, level, levels=[0.5, 1.5], colors=[FIRST], alpha=0.16)
    elif level.max() > 0:
        axes.set_facecolor((0.5, 0.6, 0.8, 0.16))
    axes.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))


def _line(axes: Axes, line: Sequence[float], low: Any, high: Any, *, thin: bool = False) -> None:
    """The part of w₁x + w₂y + b = 0 inside the frame."""
    from foveal.report.colours import INK, MUTED

    w1, w2, b = line
    ends = [(x, -(w1 * x + b) / w2) for x in (low[0], high[0])] if abs(w2) > 1e-12 else []
    ends += [(-(w2 * y + b) / w1, y) for y in (low[1], high[1])] if abs(w1) > 1e-12 else []
    room = 1e-9 * (1 + np.abs(high - low))
    inside = sorted(end for end in ends if (np.array(end) >= low - room).all() and (np.array(end) <= high + room).all())
    if len(inside) >= 2:
        look: dict[str, Any] = {"color": INK, "linewidth": 1.6}
        if thin:
            look = {"color": MUTED, "linewidth": 0.9, "linestyle": (0, (4, 2))}
        axes.plot(*zip(inside[0], inside[-1], strict=True), **look)


def _points(axes: Axes, problem: Problem) -> None:
    from foveal.report.colours import FIRST, SECOND

    looks = ((SECOND, "s", "none", 0), (FIRST, "o", "full", 1))
    for colour, marker, fill, answer in looks:
        shown = problem.points[problem.answers == answer]
        label = problem.classes[answer] if problem.name not in logic.TABLES else f"answer {answer}"
        size = 9 if len(problem.points) < 10 else 4.5
        axes.plot(shown[:, 0], shown[:, 1], marker, color=colour, fillstyle=fill, ms=size, mew=1.5, ls="", label=label)
        held = problem.unseen[problem.unseen_answers == answer]
        if len(held):
            axes.plot(held[:, 0], held[:, 1], "x", color=colour, ms=4.5, ls="")
    axes.set(xlabel=problem.axes[0], ylabel=problem.axes[1])
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=2, borderaxespad=0, handletextpad=0.2)


def curves(found: Sequence[Solved]) -> Block:
    series = [
        Series(each.problem.title, list(range(1, len(each.wrong) + 1)), [float(n) for n in each.wrong])
        for each in found
    ]
    caption = "Corrections in each epoch. A line that has reached 0 stays there; XOR's never does."
    if all(each.separation.separable for each in found):
        caption = "Corrections in each epoch. A line that has reached 0 stays there."
    return Lines("corrections", "epoch", "wrong answers, each corrected", series, caption)


def table(found: Sequence[Solved]) -> Block:
    rows = []
    for each in found:
        held = each.separation
        bound = "none: γ = 0" if held.bound is None else round(held.bound, 1)
        rows.append(
            (
                each.problem.title,
                len(each.problem.answers),
                held.radius,
                held.margin,
                bound,
                each.corrections,
                each.left[-1],
            )
        )
    return Rows(
        "bounds",
        ("problem", "examples", "R", "γ", "(R / γ)²", "corrections made", "errors left"),
        rows,
        "R is the length of the longest example and γ the widest margin, both with a constant 1 as third input. The bound holds "
        "for every order of the examples; what is needed is usually far less.",
    )


def impossible(mixed: Sequence[Solved]) -> Section:
    blocks: list[Block] = []
    items = []
    for each in mixed:
        problem, held = each.problem, each.separation
        assert held.common is not None
        if problem.name == "xor":
            items.append((
                "Why no line separates XOR",
                "(0, 0) → 0:        b ≤ 0\n(0, 1) → 1:   w₂ + b > 0\n(1, 0) → 1:   w₁ + b > 0\n(1, 1) → 0:   w₁ + w₂ + b ≤ 0\n\n"
                "second + third:   w₁ + w₂ + 2b > 0\nfirst + fourth:   w₁ + w₂ + 2b ≤ 0       a contradiction",
            ))  # fmt: skip
        items.append((f"The same as geometry: one point of {problem.title} is on both sides", _mixture(problem, held)))
        blocks.append(_regions(each))
    return Section(
        "What no line can do",
        "A weighted mean of points of one side of a line lies on that side. Here one and the same point is a mean of "
        "both classes, so that no line has them on different sides, and the rule never ends (Minsky, Papert 1969). An MLP has "
        "a line for each hidden unit, learned by gradient descent, and joins their sides.",
        [*blocks, Texts("proof", items, "Each class's weights sum to 1.")],
    )


def _mixture(problem: Problem, held: Separation) -> str:
    """The common point as a mean of each class."""
    assert held.common is not None
    lines = []
    for answer in (1, 0):
        own = problem.answers == answer
        shares = held.weights[own] / held.weights[own].sum()
        parts = [
            f"{share:.4g} · ({point[0]:.4g}, {point[1]:.4g})"
            for share, point in zip(shares, problem.points[own], strict=True)
            if share > 1e-9
        ]
        lines.append(
            f"({held.common[0]:.4g}, {held.common[1]:.4g}) = " + " + ".join(parts) + f"   all of class {answer}"
        )
    return "\n".join(lines)


def _plain(name: str) -> str:
    return "".join(c if c.isascii() and c.isalnum() else "-" for c in name) or "data"
