"""What goes through the contract suite: one tree a layer instance, and one a network of the zoo."""

from __future__ import annotations

from functools import cache

from foveal import zoo
from foveal.network import Parallel, Sequential, Tokens, layers
from tests.contracts.instances import INSTANCES, label

_SINGLE = {label(instance): instance for instance in INSTANCES}
_COMPOSED = {
    "attention": Sequential(
        [
            Parallel(
                {
                    "queries": [layers.Cropping1D((0, 5)), layers.Embedding(6, 4)],
                    "memory": [layers.Cropping1D((3, 0)), layers.Embedding(6, 3), layers.Conv1D(4, 2)],
                },
                merge="attention",
            )
        ],
        input_shape=Tokens(8),
    )
}
SUBJECTS = (*_SINGLE, *_COMPOSED, *(f"zoo:{name}" for name in zoo.names()))


@cache
def subject(name: str) -> Sequential:
    """The tree of a subject: a layer alone, or the tiny variant of a network."""
    if name.startswith("zoo:"):
        return zoo.tiny(name.removeprefix("zoo:"))
    if name in _COMPOSED:
        return _COMPOSED[name]
    layer, shape = _SINGLE[name]
    return Sequential([layer], input_shape=shape)
