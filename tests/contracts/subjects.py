"""What goes through the contract suite: one tree a layer instance, and one a network of the zoo."""

from __future__ import annotations

from functools import cache

from foveal import zoo
from foveal.network import Sequential
from tests.contracts.instances import INSTANCES, label

_SINGLE = {label(instance): instance for instance in INSTANCES}
SUBJECTS = (*_SINGLE, *(f"zoo:{name}" for name in zoo.names()))


@cache
def subject(name: str) -> Sequential:
    """The tree of a subject: a layer alone, or the tiny variant of a network."""
    if name.startswith("zoo:"):
        return zoo.tiny(name.removeprefix("zoo:"))
    layer, shape = _SINGLE[name]
    return Sequential([layer], input_shape=shape)
