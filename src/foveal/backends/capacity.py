"""What a network may take: its activations are estimated from its shapes, and compared with a limit, before it computes.

A few words describe a network of many gigabytes. Parameters are compared with the machine's memory when a module is built
(:func:`foveal.backends.memory.building`); what flows between layers is bounded here: for one sample where a network is built,
for a batch where it predicts, with gradients where it trains. The estimate (:mod:`foveal.arithmetic.memory`) leaves out what
libraries need besides, so the limit is well below what there is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from foveal.arithmetic.counts import counted, total
from foveal.arithmetic.memory import Memory, memory
from foveal.arithmetic.shapes import Traced, trace
from foveal.backends.memory import in_words, there_is
from foveal.errors import ConfigurationError, OutOfMemory

if TYPE_CHECKING:
    from foveal.network.node import Node
    from foveal.network.shape import Shape

MOST_ACTIVATIONS = 2 * 2**30
"""Bytes that a network holds at once while it computes, unless more is allowed; or half of the machine's, if that is less."""
SHARE_IN_TRAINING = 0.9
"""Of the machine's memory, what a training step may hold by estimate, unless more is allowed."""

_allowed: int | None = None
_SIZE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,3})?) ?([KMGT]?)i?B?", re.IGNORECASE)


def allow_memory(size: int | str | None) -> None:
    """Let networks take up to ``size`` while they compute, in place of the limit; None puts the limit back.

    Args:
        size: bytes, or a text such as ``"8GB"``, ``"500 MB"`` (units of 1024).

    Raises:
        ConfigurationError: it is not a size.

    Example:
        >>> allow_memory("8GB")
        >>> most() == 8 * 2**30
        True
        >>> allow_memory(None)
    """
    global _allowed
    read = _SIZE.fullmatch(size.strip()) if isinstance(size, str) else None
    number = float(read[1]) * 1024 ** " KMGT".index(read[2].upper() or " ") if read is not None else size
    if size is not None and (isinstance(number, str | bool) or not isinstance(number, int | float) or number < 1):
        raise ConfigurationError(
            "this is not a size of memory",
            where="--allow-memory",
            given=repr(size)[:80],
            expected="a number of bytes, kB, MB, GB or TB",
            fix="--allow-memory 8GB",
        )
    _allowed = None if size is None else int(float(number))  # type: ignore[arg-type]


def allowed() -> int | None:
    """What :func:`allow_memory` was told; None for the limit."""
    return _allowed


def most(training: bool = False) -> int:
    """Bytes that a network may hold at once while it computes."""
    if _allowed is not None:
        return _allowed
    machine = there_is()
    if training:
        return int(SHARE_IN_TRAINING * machine) if machine is not None else 2**63 - 1
    return min(MOST_ACTIVATIONS, machine // 2) if machine is not None else MOST_ACTIVATIONS


def needs(network: Node, input: Shape | Iterable[int | None] | int | str | None = None) -> Memory:
    """The memory of a network for one sample; its sizes are None where an axis is unknown."""
    return _needs(trace(network, input))


def _needs(traced: tuple[Traced, ...]) -> Memory:
    counts = counted(traced)
    heads = {step.path for step in traced if step.auxiliary}
    return memory(traced, total(own for path, own in counts.items() if path not in heads))


def check_one_sample(traced: tuple[Traced, ...], what: str) -> None:
    """Refuse a network of which a single sample takes more than is allowed.

    Raises:
        OutOfMemory: its activations at one time are above :func:`most`; the message names the largest layer.
    """
    found = _needs(traced)
    if found.running is None:
        return
    activations = found.running - found.weights
    if activations <= most():
        return
    largest = max(traced, key=lambda step: (step.output.size or 0) if step.output is not None else 0)
    raise OutOfMemory(
        "the network's activations take more memory than is allowed",
        where=f"{what}, {largest.path}" if largest.path else what,
        given=f"{in_words(activations)} at once for one sample; the largest output is {largest.output}",
        expected=f"at most {in_words(most())}, unless more is allowed",
        fix=[
            "a smaller input, or less padding and upsampling in this layer",
            f"--allow-memory {_rounded(activations)}, or foveal.allow_memory({_rounded(activations)!r}), if it is meant",
        ],
    )


def batch_that_fits(network: Node, shape: Shape, wanted: int) -> int:
    """How many samples may be computed at once: ``wanted``, or as many as the limit holds. What is computed is the same.

    Args:
        network: the tree.
        shape: of one sample.
        wanted: samples at once.

    Raises:
        OutOfMemory: a single sample takes more than is allowed.
    """
    traced = trace(network, shape)
    found = _needs(traced)
    each = 0 if found.running is None else found.running - found.weights
    if each * wanted <= most():
        return wanted
    check_one_sample(traced, getattr(network, "name", None) or "the network")
    return max(1, most() // each)


def check_training(network: Node, batch_size: int, where: str, available: int | None = None) -> None:
    """Refuse a training whose step cannot fit, before anything is trained.

    Args:
        network: the tree, with its input shape.
        batch_size: samples a step.
        where: what is trained, for the message.
        available: bytes of the device, where it is not the machine's memory.

    Raises:
        OutOfMemory: parameters with gradients and Adam's moments, and all activations of a batch, are more than there is.
    """
    found = needs(network)
    if found.training is None or found.activations is None:
        return
    limit = most(training=True) if available is None or _allowed is not None else int(SHARE_IN_TRAINING * available)
    fixed = found.training - found.activations
    if fixed + batch_size * found.activations <= limit:
        return
    fitting = (limit - fixed) // found.activations if limit > fixed else 0
    smaller = [f"batch_size={fitting} (--batch-size {fitting})"] if fitting >= 1 else ["a smaller network"]
    size = _rounded(fixed + batch_size * found.activations)
    raise OutOfMemory(
        "a training step takes more memory than there is",
        where=where,
        given=f"about {in_words(fixed + batch_size * found.activations)}: {in_words(fixed)} for parameters, gradients and "
        f"moments, {in_words(found.activations)} of activations for each of {batch_size:,} samples",
        expected=f"at most {in_words(limit)}",
        fix=[*smaller, f"--allow-memory {size}, if it is meant"],
    )


def check_node(where: str, size: int) -> None:
    """Refuse to compute a single node, in all its copies, that takes more memory than there is or is allowed.

    Args:
        where: the node's path.
        size: bytes of its parameters, all copies together.

    Raises:
        OutOfMemory: ``size`` is above the limit of training.
    """
    limit = most(training=True) if _allowed is not None else min(most(training=True), 2 * MOST_ACTIVATIONS)
    if size <= limit:
        return
    raise OutOfMemory(
        "the copies of this node's parameters take more memory than is allowed",
        where=where,
        given=f"about {in_words(size)}",
        expected=f"at most {in_words(limit)}, unless more is allowed",
        fix=["fewer units or filters in this layer", f"--allow-memory {_rounded(size)}, if it is meant"],
    )


def _rounded(size: int) -> str:
    """A size that is surely enough, as :func:`allow_memory` reads it."""
    unit, name = (2**30, "GB") if size >= 2**30 else (2**20, "MB")
    return f"{-(-size // unit)}{name}"
