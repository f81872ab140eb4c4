"""What a check found, as data: one :class:`Checked` a node, and all of them in a :class:`Report`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

TOLERANCE = 1e-4
"""The largest relative error that float32's rounding excuses: it reaches some 1e-6 in long sums; a wrong kernel gives 0.1."""

RIGHT, WRONG, CRASHED, SILENT, SKIPPED = "right", "wrong", "crashed", "no answer", "skipped"


@dataclass(frozen=True)
class Checked:
    """One node.

    Attributes:
        path: the node's path; several nodes that are alike are computed once, and each has its own entry.
        layer: the description.
        input, output: shapes, as text.
        verdict: "right", "wrong", "crashed" (its process died), "no answer" (within the time limit) or "skipped".
        errors: the largest relative error of each quantity ("output", "by input", "by weight", …): the greatest difference
            from float64 or from the second algorithm, as a share of the greatest value there; infinite where a value is no
            number.
        second: what the second algorithm was.
        note: what else there is to say.
    """

    path: str
    layer: str
    input: str
    output: str
    verdict: str
    errors: dict[str, float] = field(default_factory=dict)
    second: str = ""
    note: str = ""

    @property
    def largest(self) -> float | None:
        """The largest error of all quantities; None where nothing was computed."""
        return max(self.errors.values(), default=None)

    @property
    def worst(self) -> str:
        """The quantity that has it."""
        return max(self.errors, key=lambda name: self.errors[name], default="")

    @property
    def fine(self) -> bool:
        """Whether there is nothing to complain of."""
        return self.verdict in (RIGHT, SKIPPED)

    def at(self, path: str, alike: str) -> Checked:
        """The same for a node that is alike."""
        return replace(self, path=path, note="; ".join(filter(None, (self.note, f"as {alike}"))))


@dataclass(frozen=True)
class Report:
    """A whole network.

    Attributes:
        network: its name.
        input: the shape of one sample, as text.
        assumed: what was assumed about it, in a sentence; "" where nothing was.
        batch: samples in a batch.
        device: where the numbers under test were computed.
        engine: version, instruction set, threads, in words.
        tolerance: the largest relative error that counts as right.
        nodes: each node, in the order of the tree.
    """

    network: str
    input: str
    assumed: str
    batch: int
    device: str
    engine: str
    tolerance: float
    nodes: tuple[Checked, ...]

    @property
    def fine(self) -> bool:
        """Whether no node is wrong, crashed, or gave no answer."""
        return all(node.fine for node in self.nodes)

    @property
    def largest(self) -> float | None:
        """The largest error of all nodes."""
        return max((node.largest for node in self.nodes if node.largest is not None), default=None)

    def to_dict(self) -> dict[str, Any]:
        """For programs; errors that are not a number become null."""
        facts = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "nodes"}
        nodes = []
        for node in self.nodes:
            told = {name: getattr(node, name) for name in node.__dataclass_fields__ if name != "errors"}
            errors = {name: e if e < float("inf") else None for name, e in node.errors.items()}
            nodes.append({**told, "errors": errors})
        return {**facts, "right": self.fine, "nodes": nodes}
