"""A derivation as text: each result with its formula, the numbers put in, and the value."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from foveal.arithmetic.worked.steps import Derivation, WorkedStep
from foveal.drawing.terminal import emit, grouped

if TYPE_CHECKING:
    from rich.console import Console, RenderableType


def plain(derivation: Derivation) -> str:
    """The derivation without colours.

    Example:
        >>> from foveal.arithmetic.worked.derivation import derive
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Dense
        >>> print(plain(derive(Sequential([Dense(10, input_shape=784)]), "dense_1")).split("Connections")[0])
        dense_1   Dense   784 → 10
        <BLANKLINE>
        Output
          output  units
                  = 10
        <BLANKLINE>
        Parameters   (lecture 000, computation of number of parameters)
          parameters  (inputs + 1) · units
                      = (784 + 1) × 10
                      = 7,850
        <BLANKLINE>
        <BLANKLINE>
    """
    text = [heading(derivation)]
    for section in derivation.sections:
        text += ["", section.title + (f"   ({section.source})" if section.source else "")]
        width = max(len(step.quantity) for step in section.steps)
        for step in section.steps:
            first, *rest = lines(step)
            text.append(f"  {step.quantity:<{width}}  {first}")
            text += [f"  {'':<{width}}  {line}" for line in rest]
            if step.note:
                text.append(f"  {'':<{width}}  ({step.note})")
    return "\n".join([*text, ""])


def heading(derivation: Derivation) -> str:
    """The first line: path, kind, what flows in and out."""
    return f"{derivation.path or 'network'}   {derivation.kind}   {derivation.heading}"


def lines(step: WorkedStep) -> list[str]:
    """Formula, substitution and value, a line each; what would be said twice is said once."""
    value = grouped(step.value)
    found = [step.formula] if step.formula else []
    if step.substitution not in ("", "?", step.formula, value, str(step.value)):
        words = re.search(r"[a-z]{4,}", step.substitution)
        found.append(step.substitution if words else f"= {step.substitution}")
    found.append(f"= {value}" if found else value)
    return found


def pretty(derivation: Derivation, width: int) -> RenderableType:
    """The derivation for a terminal."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.rule import Rule
    from rich.table import Table
    from rich.text import Text

    top = Text.assemble(
        (derivation.path or "network", "bold"),
        ("   ", ""),
        (derivation.kind, "bright_blue"),
        ("   ", ""),
        derivation.heading,
    )
    parts: list[RenderableType] = [top]
    wide = max(len(step.quantity) for section in derivation.sections for step in section.steps)
    for section in derivation.sections:
        title = Text.assemble((section.title, "bold"), (f"  {section.source}" if section.source else "", "dim"))
        parts += [Text(), Rule(title, align="left", style="dim", characters="─")]
        grid = Table.grid(padding=(0, 3, 0, 0))
        grid.add_column(width=min(wide, max(12, width // 4)))
        grid.add_column(overflow="fold")
        for step in section.steps:
            body = Text()
            shown = lines(step)
            for place, line in enumerate(shown):
                last = place == len(shown) - 1
                body.append(
                    ("\n" if place else "") + line, "bold green" if last else "cyan" if place == 0 else "default"
                )
            if step.note:
                body.append(f"\n{step.note}", "dim italic")
            grid.add_row(Text(step.quantity, "default"), body)
        parts.append(grid)
    return Padding(Group(*parts), (1, 2))


def show(derivation: Derivation, console: Console | None = None) -> None:
    """Print a derivation."""
    emit(lambda: plain(derivation), lambda width: pretty(derivation, width), console)
