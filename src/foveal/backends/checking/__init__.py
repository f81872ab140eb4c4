"""Is this engine right? Every node of a network, forward and backward, against float64 and a second algorithm.

No engine is trusted here: oneDNN #6035 gave silently wrong gradients on common processors. :func:`check` computes each node
with the module that trains, on this machine, for these shapes, and compares its results and all its gradients with the same
operations in float64 and with formulas written out in elementary operations.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable

import torch

from foveal.arithmetic.counts import count
from foveal.backends import capacity
from foveal.backends.checking.examine import examine
from foveal.backends.checking.isolation import Isolated
from foveal.backends.checking.report import TOLERANCE, Checked, Report
from foveal.backends.checking.sites import Site, sites
from foveal.errors import ConfigurationError
from foveal.network import codec
from foveal.network.shape import Image, Shape, Tokens, Volume, as_shape
from foveal.network.tree import Parallel, Residual, Sequential

__all__ = ["TOLERANCE", "Checked", "Report", "check"]

_OPEN = {Image: 64, Volume: 16}  # taken for an axis of any size; 16 for sequences
LARGEST = 2**27
"""Values of a batch that one node may take in or give out: 1 GiB in float64."""
COPIES = 4
"""Of a node's parameters in float64: the module that trains, its twin, the second algorithm, and gradients."""


def check(
    network: Sequential,
    input: Shape | Iterable[int | None] | int | str | None = None,
    *,
    batch: int = 2,
    device: str = "cpu",
    seed: int = 0,
    tolerance: float = TOLERANCE,
    isolated: bool = True,
    time_limit: float = 120.0,
    progress: Callable[[int, int, Checked], None] | None = None,
) -> Report:
    """Check every node of a network on this machine.

    Inputs, weights and upstream gradients are random; nodes that are alike are computed once. Both memory layouts are
    tried, and normalisations in training and in evaluation.

    Args:
        network: the tree, or a model that holds one.
        input: the shape of one sample; None takes the network's own. Axes of any size get one.
        batch: samples in a batch, at least 2.
        device: "cpu", or "cuda" for a GPU; what is compared with is always computed on the CPU.
        seed: of everything random.
        tolerance: the largest relative error that counts as right.
        isolated: compute in processes of their own, so that a node that crashes or hangs is only named.
        time_limit: seconds that one node may take, where isolated.
        progress: called after each node with how many are done, how many there are, and what was found.

    Raises:
        ShapeError: the layers do not fit together.
        ConfigurationError: no such device, or a batch, tolerance or time limit that cannot be.
        OutOfMemory: a node's parameters take more memory, in all their copies, than is allowed (:func:`foveal.allow_memory`).

    Example:
        >>> from foveal.network.layers import Conv2D, Dense, Flatten
        >>> report = check(Sequential([Conv2D(4, 3), Flatten(), Dense(2)]), (6, 6, 1), isolated=False)
        >>> report.fine, [(node.path, node.verdict) for node in report.nodes]
        (True, [('conv2d_1', 'right'), ('flatten_1', 'right'), ('dense_1', 'right')])
    """
    network = getattr(network, "network", network)  # a Model, or a module, holds its tree
    _refuse(batch, device, tolerance, time_limit)
    asked = network.input_shape if input is None else as_shape(input)
    shape, assumed = (None, "") if asked is None else _closed(asked)
    found = sites(network, shape)  # type: ignore[arg-type]  # the trace refuses None in its own words
    assert shape is not None
    for site in found:
        _refuse_large(site, batch)
    first: dict[str, int] = {}
    for number, site in enumerate(found):
        first.setdefault(site.key, number)
    outline = {
        n: Checked(found[n].path, _outlined(found[n]), _inputs(found[n]), str(found[n].output), "")
        for n in first.values()
    }
    finished = 0

    def done(checked: Checked) -> None:
        nonlocal finished
        finished += 1
        if progress is not None:
            progress(finished, len(outline), checked)

    results: dict[int, Checked] = {}
    if isolated:
        task = {
            "parts": [(codec.to_dict(network), str(shape) if isinstance(shape, Tokens) else shape.axes, batch)],
            "device": device,
            "seed": seed,
            "tolerance": tolerance,
        }
        results = Isolated(task, outline, time_limit, done).run()
    else:
        for number in outline:
            results[number] = examine(found[number], batch=batch, device=device, seed=seed, tolerance=tolerance)
            done(results[number])
    nodes = []
    for number, site in enumerate(found):
        twin = first[site.key]
        nodes.append(results[number] if twin == number else results[twin].at(site.path, found[twin].path))
    return Report(
        network.name or "network", str(shape), assumed, batch, device, _engine(device), tolerance, tuple(nodes)
    )


def _outlined(site: Site) -> str:
    return site.node.kind if isinstance(site.node, Parallel | Residual) else repr(site.node)


def _inputs(site: Site) -> str:
    return ", ".join(map(str, site.inputs))


def _closed(shape: Shape) -> tuple[Shape, str]:
    """The shape with a size on every axis, and what was assumed."""
    if None not in shape.axes:
        return shape, ""
    size = _OPEN.get(type(shape), 16)
    closed = shape.resized([n or size for n in shape.spatial])
    return closed, f"the network takes any size ({shape}); checked at {closed}"


def _refuse(batch: int, device: str, tolerance: float, time_limit: float) -> None:
    if not isinstance(batch, int) or isinstance(batch, bool) or batch < 2:
        raise ConfigurationError(
            "a check needs at least two samples: normalisations have no variance over one",
            where="batch",
            given=str(batch),
            expected="a whole number of at least 2",
            fix="--batch 2",
        )
    for name, value in (("tolerance", tolerance), ("time-limit", time_limit)):
        if not (isinstance(value, int | float) and 0 < value < math.inf):
            raise ConfigurationError(
                f"the {name.replace('-', ' ')} must be positive",
                where=name,
                given=str(value),
                expected="a number above 0",
                fix=f"leave {name} out",
            )
    kind = device.partition(":")[0]
    known = (kind == "cpu" and device == "cpu") or kind == "cuda"
    if not known or (kind == "cuda" and not _there(device)):
        raise ConfigurationError(
            "there is no such device on this machine",
            where="device",
            given=device,
            expected=", ".join(["cpu", *(f"cuda:{n}" for n in range(torch.cuda.device_count()))]),
            fix="--device cpu",
        )


def _there(device: str) -> bool:
    if not torch.cuda.is_available():
        return False
    _, _, number = device.partition(":")
    return not number or (number.isdigit() and int(number) < torch.cuda.device_count())


def _refuse_large(site: Site, batch: int) -> None:
    largest = max((*site.inputs, site.output), key=lambda one: one.size or 0)
    if (largest.size or 0) * batch > LARGEST:
        raise ConfigurationError(
            "a batch of this node is too large to be checked",
            where=site.path,
            given=f"{batch} × {largest}: {(largest.size or 0) * batch:,} values",
            expected=f"at most {LARGEST:,} values",
            fix=["--batch 2" if batch > 2 else "--input with a smaller shape"],
        )
    if isinstance(site.node, Parallel | Residual):
        return
    parameters = count(site.node, site.inputs[0], site.output, site.path)
    capacity.check_node(site.path, COPIES * 8 * (parameters.parameters + parameters.fixed))


def _engine(device: str) -> str:
    if device.startswith("cuda"):
        return f"torch {torch.__version__}, {torch.cuda.get_device_name(device)}"
    threads = torch.get_num_threads()
    capability = torch.backends.cpu.get_cpu_capability()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"torch {torch.__version__}, {capability}, {threads} of {cores} threads"
