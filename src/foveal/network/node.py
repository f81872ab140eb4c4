"""The base of everything in a network's tree."""

from __future__ import annotations

import contextlib
import functools
import re
from dataclasses import KW_ONLY, dataclass
from typing import Any

from foveal.keywords import Told
from foveal.network import fields
from foveal.network.fields import Refused, checked
from foveal.network.shape import Shape, as_shape

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def node_name(value: Any) -> str | None:
    """The check for a node's name: it becomes part of paths, tensor names, file names and page addresses.

    A dot is refused, so that ``block1/conv2`` and PyTorch's ``block1.conv2`` translate into each other without loss.
    """
    if value is None:
        return None
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        repaired = re.sub(r"[^A-Za-z0-9_-]+", "_", str(value))[:64].strip("_") or "conv1"
        raise Refused("1 to 64 letters (A–Z, a–z), digits, _ or -", f'…="{repaired}"')
    return value


def _input_shape(value: Any) -> Shape | None:
    return None if value is None else as_shape(value)


@dataclass(frozen=True, repr=False)
class Node(metaclass=Told):
    """A layer, or a composition of layers. Frozen: a changed network is a new tree.

    Attributes:
        name: the node's part of its path; None lets the parent number it (``conv2d_1``).
        input_shape: on a network's first layer only: the shape of one sample, as Keras has it. The network takes it over.
    """

    # Without annotation, so that they are not fields.
    takes_tokens = False  # whether whole numbers may come in
    is_composition = False  # whether its parts are nodes with paths of their own
    family = "other"  # what it is painted as: "convolution", "pooling" or "dense"
    rank = 0  # how many axes its input has beside the channels; 0 where it takes any

    _: KW_ONLY
    name: str | None = checked(node_name, None)
    input_shape: Any = checked(_input_shape, None)  # whatever as_shape reads goes in; a Shape or None is held

    def __post_init__(self) -> None:
        fields.apply(self)
        self.validate()

    def validate(self) -> None:
        """What one field's check cannot see: arguments that contradict each other. Raises DescriptionError."""

    def held(self) -> tuple[tuple[str, Node], ...]:
        """Layers within a layer (a wrapper's), by the names that their tensors stand under; a composition's parts are no
        such, they have paths of their own."""
        return ()

    @property
    def window(self) -> tuple[int, ...] | None:
        """The size of the window that the layer slides over its input, one number an axis; None where it slides none."""
        return None

    @property
    def steps(self) -> tuple[int, ...]:
        """How far the window moves on each axis, as it is in force."""
        return ()

    @property
    def kind(self) -> str:
        """The name of the layer's class: ``Conv2D``."""
        return type(self).__name__

    def __repr__(self) -> str:
        """Only what differs from the defaults: a description that can be read back."""
        shown = []
        for name, default in _defaults(type(self)).items():
            value = getattr(self, name)
            if default is not value and value != default:
                shown.append(f"{name}={value!r}")
        return f"{self.kind}({', '.join(shown)})"


_DEFAULTS: dict[type[Any], dict[str, Any]] = {}


def _defaults(kind: type[Any]) -> dict[str, Any]:
    """The defaults in their normal form, so that ``(1, 1)`` is seen to be the default ``1``; made once a kind."""
    if kind in _DEFAULTS:
        return _DEFAULTS[kind]
    found = _DEFAULTS[kind] = {}
    for name, spec in kind.__dataclass_fields__.items():
        check = spec.metadata.get("check")
        found[name] = spec.default
        with contextlib.suppress(Exception):  # a default that is not a value: the argument has to be given
            found[name] = check(spec.default) if check else spec.default
    return found


@functools.lru_cache(maxsize=256)
def snake_case(kind: str) -> str:
    """``MaxPooling2D`` → ``max_pooling2d``, as Keras names layers."""
    spaced = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", kind)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower()


def public_fields(node: Node) -> dict[str, Any]:
    """The fields of a node that differ from their defaults, without its name and input shape."""
    found = {}
    for name, default in _defaults(type(node)).items():
        value = getattr(node, name)
        if name not in ("name", "input_shape") and default is not value and value != default:
            found[name] = value
    return found
