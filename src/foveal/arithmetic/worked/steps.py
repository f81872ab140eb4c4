"""What a worked sum is made of: steps (formula, the numbers put in, value) in sections; the frame of the rules that make them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from foveal.network.interpreter import Interpreter
from foveal.network.shape import Shape

Value = int | float | str | None


@dataclass(frozen=True)
class WorkedStep:
    """One result.

    Attributes:
        quantity: what is computed: "output height".
        formula: in letters: "⌊(n + before + after − k) / s⌋ + 1".
        substitution: the same with the numbers: "⌊(28 + 0 + 0 − 3) / 1⌋ + 1".
        value: what comes out; None where a size is not known.
        note: what there is to say about it.
    """

    quantity: str
    formula: str
    substitution: str
    value: Value
    note: str = ""


@dataclass(frozen=True)
class WorkedSection:
    """The steps of one subject, and where their formulas come from."""

    title: str
    steps: tuple[WorkedStep, ...]
    source: str = ""


@dataclass(frozen=True)
class Derivation:
    """Everything about one node.

    Attributes:
        path, kind: the node.
        heading: what flows in and out.
        sections: output, parameters, connections, MACs, receptive field, memory, backward pass.
    """

    path: str
    kind: str
    heading: str
    sections: tuple[WorkedSection, ...]

    def section(self, title: str) -> WorkedSection:
        """The section of that title."""
        return next(section for section in self.sections if section.title == title)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for JSON."""
        return asdict(self)


OUTPUT, PARAMETERS, CONNECTIONS, MACS = "Output", "Parameters", "Connections", "Multiply-accumulates"

DerivationRule = Callable[..., Iterable[WorkedSection]]
rules: Interpreter[DerivationRule] = Interpreter("worked arithmetic")


def product(*factors: int | None) -> str:
    """The factors as text: ``26 × 26 × 32``."""
    return " × ".join("?" if n is None else str(n) for n in factors)


def axis_names(shape: Shape) -> tuple[str, ...]:
    """What the spatial axes of a shape are called."""
    return {0: (), 1: ("length",), 2: ("height", "width"), 3: ("depth", "height", "width")}[len(shape.spatial)]


def each_axis(shape: Shape, steps: Callable[[int, str], Sequence[WorkedStep]]) -> tuple[WorkedStep, ...]:
    """Steps axis by axis; axes whose sums are alike share one: "height and width"."""
    names = axis_names(shape)
    groups: list[tuple[list[str], Sequence[WorkedStep]]] = []
    for axis in range(len(names)):
        made = steps(axis, "")
        for group in groups:
            if list(group[1]) == list(made):
                group[0].append(names[axis])
                break
        else:
            groups.append(([names[axis]], made))
    found: list[WorkedStep] = []
    for group_names, made in groups:
        label = " and ".join([", ".join(group_names[:-1]), group_names[-1]] if len(group_names) > 1 else group_names)
        found += [
            WorkedStep(f"{step.quantity} {label}".strip(), step.formula, step.substitution, step.value, step.note)
            for step in made
        ]
    return tuple(found)
