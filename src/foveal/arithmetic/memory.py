"""Memory: bytes of a network's numbers at float32, for one sample.

- **Running**: all weights, and the activations that must be there at the same time. A layer needs its input and its output;
  a branch also holds the input that the others wait for, and the outputs that wait for the merge.
- **Training** (with Adam): each parameter with its gradient and two moments; the input and every activation, since the
  backward pass needs them. What a library needs besides (workspaces, the allocator's reserve) is not in it.

For a batch of N, activations are needed N times, weights once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foveal.arithmetic.counts import Counts
from foveal.arithmetic.shapes import Traced
from foveal.network.tree import Auxiliary, Parallel, Residual, Sequential, children

BYTES = 4
COPIES = 4
"""Adam keeps four numbers a parameter: the weight, its gradient, the mean gradient, the mean square."""


@dataclass(frozen=True)
class Memory:
    """Bytes at float32 and batch 1; None where an axis is unknown.

    Attributes:
        weights: all stored numbers, trained or not.
        activations: the input and everything that comes out of a layer.
        running: weights, and the most activations that are needed at once.
        training: with gradients, Adam's moments and all activations.
    """

    weights: int
    activations: int | None
    running: int | None
    training: int | None


def memory(traced: Sequence[Traced], counts: Counts) -> Memory:
    """The memory of a whole network.

    Args:
        traced: what :func:`foveal.arithmetic.shapes.trace` gives.
        counts: the network's total (running leaves side heads out, so the total should too).

    Example:
        >>> from foveal.arithmetic.counts import count
        >>> from foveal.arithmetic.shapes import trace
        >>> from foveal.network import Sequential
        >>> from foveal.network.layers import Dense
        >>> steps = trace(Sequential([Dense(10, input_shape=784)]))
        >>> memory(steps, count(steps[1].node, steps[1].input, steps[1].output))
        Memory(weights=31400, activations=3176, running=34576, training=128776)
    """
    weights = BYTES * (counts.parameters + counts.fixed)
    size = traced[0].input.size
    if size is None or counts.activations is None:
        return Memory(weights, None, None, None)
    activations = BYTES * (size + counts.activations)
    training = BYTES * (COPIES * counts.parameters + counts.fixed) + activations
    peak = BYTES * _peak("", {t.path: t for t in traced})
    return Memory(weights, activations, weights + peak, training)


def _peak(path: str, traced: Mapping[str, Traced], keep: bool = False) -> int:
    """The most values that are there at once while ``path`` runs, its input and its output among them.

    Args:
        keep: whether somebody else still needs the input, so that it stays after its first reader.
    """
    at = traced[path]
    size_in, size_out = at.input.size or 0, (at.output.size or 0) if at.output else 0
    parts = [f"{path}/{name}" if path else name for name, _ in children(at.node)]
    if isinstance(at.node, Auxiliary):  # not there when the network runs
        return size_in
    if isinstance(at.node, Sequential):
        later = size_in if keep else 0
        peaks = [_peak(part, traced, keep) if i == 0 else _peak(part, traced) + later for i, part in enumerate(parts)]
        return max(peaks, default=size_in)
    if not parts:
        return size_in + size_out
    handed_on = len(parts) == 1 and isinstance(at.node, Residual)  # a branch without layers is the input itself
    handed_on = handed_on or any(not any(True for _ in children(traced[part].node)) for part in parts)
    most = held = 0
    for place, part in enumerate(parts):
        needed = keep or handed_on or place < len(parts) - 1
        most = max(most, held + _peak(part, traced, needed))
        end = traced[part]
        if end.output is not None and any(True for _ in children(end.node)):
            held += end.output.size or 0
    if isinstance(at.node, Parallel) and at.node.merge == "attention":  # the weights, which are not part of the output
        queries, memory = (traced[part].output for part in parts)
        if queries is not None and memory is not None:
            held += (queries.spatial[0] or 0) * (memory.spatial[0] or 0)
    return max(most, held + size_out + (size_in if keep or handed_on else 0))
