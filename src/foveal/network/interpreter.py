"""The frame of every interpreter: a table from layer kinds to rules, closed by a contract test.

An interpreter is one file that reads as the theory of its subject. It makes one :class:`Interpreter`, and writes one rule a
layer kind. A layer without a rule is an error that names both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from foveal.errors import RuleMissing
from foveal.network.node import Node

Rule = TypeVar("Rule", bound=Callable[..., object])


class Interpreter(Generic[Rule]):
    """Rules of one subject, by the exact kind of the node.

    Args:
        subject: what the interpreter computes, for messages: "output shape".

    Example:
        >>> from foveal.network.layers import Dense, Flatten
        >>> weights: Interpreter = Interpreter("number of weights")
        >>> @weights.rule(Dense)
        ... def _(layer, n):
        ...     return n * layer.units
        >>> weights.for_node(Dense(10))(Dense(10), 64)
        640
        >>> weights.for_node(Flatten(), "features/flatten_1")
        Traceback (most recent call last):
        ...
        foveal.errors.RuleMissing: features/flatten_1: there is no rule for the number of weights of Flatten
          expected  one rule a layer kind in every interpreter
          to fix    add a rule for Flatten: CONTRIBUTING.md, "Add a layer"
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self.rules: dict[type[Node], Rule] = {}

    def rule(self, *kinds: type[Node]) -> Callable[[Rule], Rule]:
        """Make the decorated function the rule of these kinds."""

        def register(function: Rule) -> Rule:
            for kind in kinds:
                assert kind not in self.rules, f"two rules for the {self.subject} of {kind.__name__}"
                self.rules[kind] = function
            return function

        return register

    def for_node(self, node: Node, path: str = "") -> Rule:
        """The rule for ``node``.

        Raises:
            RuleMissing: the kind has none.
        """
        try:
            return self.rules[type(node)]
        except KeyError:
            raise RuleMissing(
                f"there is no rule for the {self.subject} of {node.kind}",
                where=path or node.name,
                expected="one rule a layer kind in every interpreter",
                fix=f'add a rule for {node.kind}: CONTRIBUTING.md, "Add a layer"',
            ) from None
