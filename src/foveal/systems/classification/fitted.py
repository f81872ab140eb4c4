"""A described network on the shape of a data set: what gives way, and what is refused."""

from __future__ import annotations

from collections.abc import Sequence

from foveal.arithmetic.shapes import trace
from foveal.arithmetic.summary import summarize
from foveal.errors import ShapeError
from foveal.network import tree


def fitted(
    network: tree.Sequential, name: str, shape: Sequence[int], classes: int, gaps: str, *, learned: bool
) -> tree.Sequential:
    """The network on the data's shape.

    Args:
        network, name: the description, and what it is called.
        shape, classes: the data's.
        gaps: which class numbers occur, where most of them do not; "" otherwise.
        learned: the network has weights that were learned on its own input shape.

    Raises:
        ShapeError: the layers do not fit, the outputs are not one a class, or learned weights belong to another shape.
    """
    before, network = network, network.with_input(tuple(shape))
    if learned and _other_input(before, network):
        wanted = before.input_shape
        sizes: tuple[int | None, ...] = () if wanted is None else wanted.axes
        raise ShapeError(
            "the network was trained on another input shape",
            where=name,
            given=f"data of {' × '.join(map(str, shape))}",
            expected=f"{wanted}, as its weights were learned",
            fix=f"--size {sizes[0]}x{sizes[1]}"
            if len(sizes) == len(shape) == 3 and sizes[2] == shape[2] and None not in sizes
            else "its description in a file of its own: the weights are learned anew",
        )
    given = next(step.output for step in trace(network) if step.path == "")
    outputs = () if given is None else given.axes
    if outputs not in ((classes,), (1,)) or (outputs == (1,) and classes > 2):
        raise ShapeError(
            "the network does not give one value a class",
            where=name,
            given=f"output {given}, {classes} classes" + (f"; {gaps}" if gaps else ""),
            expected=f"an output of {classes} values",
            fix=["y = np.unique(y, return_inverse=True)[1] numbers the classes without gaps"] * bool(gaps)
            + [f"Dense({classes}) as the last layer"],
        )
    return network


def _other_input(before: tree.Sequential, after: tree.Sequential) -> bool:
    """Whether the description said another input shape than the data have; unknown sizes say nothing."""
    said, taken = before.input_shape, after.input_shape
    if said is None or taken is None:
        return False
    return len(said.axes) != len(taken.axes) or any(
        n not in (None, m) for n, m in zip(said.axes, taken.axes, strict=True)
    )


def replaced_input(before: tree.Sequential, after: tree.Sequential) -> str:
    """One sentence where the data's shape took the place of the description's input; else nothing."""
    if not _other_input(before, after):
        return ""
    tables = [summarize(network) for network in (before, after)]
    fitting = [table for table in tables if table.error is None]  # the description's own input need not fit its layers
    counts = [f"{table.totals.parameters:,}" for table in fitting]
    became = f": {counts[0]} parameters become {counts[1]}" if len(counts) == 2 and counts[0] != counts[1] else ""
    return f"the description's input, {before.input_shape}, gives way to the data's, {after.input_shape}{became}"
