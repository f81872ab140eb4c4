"""Plain classifiers for tests: the system ``classifier`` with a network by name or as a tree."""

from __future__ import annotations

from typing import Any

from foveal import systems
from foveal.network.tree import Sequential


def prepare(network: str | Sequential, data: str, **options: Any) -> systems.Experiment:
    """The plan of a plain classifier; "mlp" by name alone would be the system that cross-validates."""
    if isinstance(network, Sequential):
        return systems.plan("classifier", data, network=network, **options)
    return systems.plan("classifier", data, settings={"network": network}, **options)
