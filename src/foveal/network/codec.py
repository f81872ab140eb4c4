"""Networks to and from JSON and YAML.

A description file is data: layers come from a closed registry, arguments go through the layers' own checks, and nothing in
it can name code, a file or an address. YAML is YAML 1.2 (:mod:`foveal.network.yaml12`): every JSON description is one, and
says the same. The form::

    foveal: 1                       # the schema's version
    name: lecture_cnn
    input: [28, 28, 1]              # height, width, channels; for whole numbers `200 tokens` or `{tokens: 200}`
    layers:
      - {kind: Conv2D, filters: 32, kernel_size: 3, activation: relu}
      - Conv2D: {filters: 32, kernel_size: 3, activation: relu}       # the same, shorter
      - Flatten                                                       # a layer without arguments
      - kind: Residual
        body: [{kind: Conv2D, filters: 32, kernel_size: 3, padding: same}]
"""

from __future__ import annotations

import dataclasses
import json
import os
from pathlib import Path
from typing import Any

from foveal import strictjson
from foveal.errors import DescriptionError, FileError, FormatError
from foveal.files import open_regular
from foveal.network import yaml12
from foveal.network.activations import Regularizer
from foveal.network.aliases import LAYER_ALIASES, layer_repairs
from foveal.network.fields import shown
from foveal.network.layers import LAYERS
from foveal.network.node import Node, public_fields
from foveal.network.shape import Shape, Tokens
from foveal.network.tree import COMPOSITIONS, Parallel, Sequential
from foveal.spelling import nearest

SCHEMA = 1
MOST_BYTES = 4 * 2**20
"""Bytes of a description file: forty times that of DenseNet-201."""
MOST_NODES = 6_000
"""Layers and compositions: ResNet-1202, the deepest network of the literature, has about 4,300."""
DEEPEST = 64
"""Compositions in one another."""

REGISTRY: dict[str, type[Node]] = {**LAYERS, **COMPOSITIONS}


def to_dict(network: Sequential) -> dict[str, Any]:
    """The description as plain dicts, lists, strings and numbers; only what differs from the defaults.

    Example:
        >>> from foveal.network.layers import Dense
        >>> to_dict(Sequential([Dense(10)], input_shape=784, name="linear"))
        {'foveal': 1, 'name': 'linear', 'input': [784], 'layers': [{'kind': 'Dense', 'units': 10}]}
    """
    found: dict[str, Any] = {"foveal": SCHEMA}
    if network.name is not None:
        found["name"] = network.name
    shape = network.input_shape
    if isinstance(shape, Shape):
        found["input"] = shape_out(shape)
    found["layers"] = [_node_out(layer) for layer in network.layers]
    return found


def to_json(network: Sequential, indent: int | None = None) -> str:
    """The description as JSON text; the same tree gives the same text."""
    return json.dumps(to_dict(network), indent=indent, ensure_ascii=False)


def to_yaml(network: Sequential) -> str:
    """The description as YAML text, for people to edit."""
    return yaml12.dumps(to_dict(network))


def from_dict(data: Any, source: str = "network") -> Sequential:
    """The tree of a description.

    Args:
        data: what :func:`to_dict` gives. Text from a file must come through :func:`foveal.strictjson.loads` or
            :func:`foveal.network.yaml12.loads` (as :func:`from_json`, :func:`from_yaml` and :func:`read` do it): keys that
            occur twice are gone in a mapping that Python's own reader made.
        source: the file's name, for messages.

    Raises:
        FormatError: unknown schema, unknown kind, unknown or missing argument; the message gives the place.
        DescriptionError: an argument that a layer refuses.
    """
    if not isinstance(data, dict):
        raise FormatError(
            "a network is a mapping",
            where=source,
            given=type(data).__name__,
            expected="foveal, input and layers",
            fix='{"foveal": 1, "input": [28, 28, 1], "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 10}]}',
        )
    version = data.get("foveal", SCHEMA)
    if type(version) is not int or version != SCHEMA:
        raise FormatError(
            "this version of the schema is not known",
            where=source,
            given=f"foveal: {shown(version)}",
            expected=f"foveal: {SCHEMA}",
            fix="write it with this version of Foveal, or update Foveal",
        )
    _refuse_unknown(set(data) - {"foveal", "name", "input", "layers"}, ("foveal", "name", "input", "layers"), source)
    if not isinstance(data.get("layers"), list):
        raise FormatError(
            "the layers are missing",
            where=source,
            given=f"layers: {shown(data.get('layers'))}",
            expected="a list of layers",
            fix="layers: [{kind: Flatten}, {kind: Dense, units: 10}]",
        )
    budget = [MOST_NODES]
    layers = [_node_in(entry, f"{source}: layers[{i}]", 1, budget) for i, entry in enumerate(data["layers"])]
    given = data.get("input")
    arguments = {"layers": layers, "input_shape": _shape_in(given, source), "name": data.get("name")}
    network: Sequential = _made(Sequential, arguments, source)
    return network


def from_json(text: str | bytes, source: str = "network") -> Sequential:
    """The tree of a JSON description.

    Raises:
        FormatError: see :func:`foveal.strictjson.loads` and :func:`from_dict`.
        DescriptionError: an argument that a layer refuses.
    """
    return from_dict(strictjson.loads(text, source), source)


def from_yaml(text: str, source: str = "network") -> Sequential:
    """The tree of a YAML 1.2 description; a JSON text is one, and reads as :func:`from_json` does.

    Raises:
        FormatError: see :func:`foveal.network.yaml12.loads` and :func:`from_dict`.
        DescriptionError: an argument that a layer refuses.

    Example:
        >>> from_yaml("{input: [8, 8, 1], layers: [{BatchNormalization: {epsilon: 1e-3}}, Flatten]}").layers
        (BatchNormalization(), Flatten())
    """
    if text.lstrip().startswith("{"):  # JSON, or YAML's own flow style
        try:
            return from_json(text, source)
        except FormatError as error:
            if error.problem != strictjson.NOT_JSON:
                raise
    return from_dict(yaml12.loads(text, source), source)


def read(path: str | Path) -> Sequential:
    """The tree of a description file, JSON or YAML by its suffix (.json, .yaml, .yml), in UTF-8.

    Raises:
        FormatError: no regular file, too large, not UTF-8, or no description; see :func:`from_json` and :func:`from_yaml`.
        DescriptionError: an argument that a layer refuses.
    """
    where = os.fsdecode(path)
    try:
        with open_regular(path) as file:
            data = file.read(MOST_BYTES + 1)
        if len(data) > MOST_BYTES:
            raise FormatError(
                "the file is too large for a description",
                where=where,
                given=f"{max(os.stat(path).st_size, len(data)):,} bytes",
                expected=f"at most {MOST_BYTES:,} bytes",
                fix="a description holds no weights; a model file is a .safetensors",
            )
        text = data.decode("utf-8-sig")  # editors on Windows put a mark before the first character
    except (OSError, UnicodeDecodeError) as error:
        ours = isinstance(error, FileError)
        raise FormatError(
            "the description cannot be read",
            where=where,
            given=f"{error.problem}: {error.given}" if ours and isinstance(error, FileError) else str(error),
            expected="a UTF-8 text file, .json or .yaml",
            fix="save it as UTF-8" if isinstance(error, UnicodeDecodeError) else "check the path",
        ) from None
    return (from_yaml if Path(path).suffix.lower() in (".yaml", ".yml") else from_json)(text, where)


def text_for(network: Sequential, suffix: str) -> str:
    """The description in the form that a file's suffix asks for."""
    return to_yaml(network) if suffix.lower() in (".yaml", ".yml") else to_json(network, indent=1) + "\n"


# Out ------------------------------------------------------------------------------------------------------------------


def _node_out(node: Node) -> Any:
    found: dict[str, Any] = {"kind": node.kind}
    if node.name is not None:
        found["name"] = node.name
    if node.input_shape is not None:
        found["input"] = shape_out(node.input_shape)
    for name, value in public_fields(node).items():
        found[name] = _value_out(value)
    return found


def _value_out(value: Any) -> Any:
    if isinstance(value, Regularizer):
        return {name: getattr(value, name) for name in ("l1", "l2") if getattr(value, name)}
    if isinstance(value, Sequential) and value.name is None and value.input_shape is None:
        return [_node_out(layer) for layer in value.layers]
    if isinstance(value, Node):
        return _node_out(value)
    if isinstance(value, tuple):
        return [_value_out(entry) for entry in value]
    return value


def shape_out(shape: Shape) -> Any:
    """A shape as JSON has it: a list of sizes, channels last, or ``{"tokens": length}``."""
    return {"tokens": shape.length} if isinstance(shape, Tokens) else list(shape.axes)


# In -------------------------------------------------------------------------------------------------------------------


def _shape_in(value: Any, where: str) -> Any:
    if isinstance(value, dict) and set(value) == {"tokens"}:
        return _made(Tokens, {"length": value["tokens"]}, where)
    if value is None or isinstance(value, list | int | str):
        return value
    raise FormatError(
        "this is not an input shape",
        where=where,
        given=f"input: {shown(value)}",
        expected="a list of sizes, channels last",
        fix="input: [28, 28, 1]",
    )


def _node_in(entry: Any, where: str, depth: int, budget: list[int]) -> Node:
    budget[0] -= 1
    if depth > DEEPEST or budget[0] < 0:
        raise FormatError(
            "the description is nested too deeply" if depth > DEEPEST else "the description has too many layers",
            where=where,
            expected=f"at most {DEEPEST} levels and {MOST_NODES:,} layers",
            fix="split the network",
        )
    if isinstance(entry, list):
        return Sequential([_node_in(part, f"{where}[{i}]", depth + 1, budget) for i, part in enumerate(entry)])
    if isinstance(entry, str):
        entry = {"kind": entry}
    if isinstance(entry, dict) and "kind" not in entry and len(entry) == 1:
        (kind, arguments), *_ = entry.items()
        if arguments is None or isinstance(arguments, dict):
            entry = {"kind": kind, **(arguments or {})}
    if not isinstance(entry, dict) or not isinstance(entry.get("kind"), str):
        raise FormatError(
            "this is not a layer",
            where=where,
            given=shown(entry),
            expected="a mapping with a kind",
            fix='{"kind": "Conv2D", "filters": 32, "kernel_size": 3}',
        )
    kind_name: str = entry["kind"]
    kind = REGISTRY.get(LAYER_ALIASES.get(kind_name, kind_name))
    if kind is None:
        raise FormatError(
            f"there is no layer of kind {shown(kind_name)}",
            where=where,
            given=f"kind: {shown(kind_name)}",
            expected="a kind of the registry, which is closed: " + ", ".join(sorted(REGISTRY)),
            fix=[f"kind: {said}" for said in layer_repairs(kind_name, list(REGISTRY))] or "one of these kinds",
        )
    arguments = {key: value for key, value in entry.items() if key != "kind"}
    if "input" in arguments:
        arguments["input_shape"] = _shape_in(arguments.pop("input"), where)
    allowed = [name for name in kind.__dataclass_fields__ if name != "input_shape"]
    _refuse_unknown(set(arguments) - {*allowed, "input_shape"}, tuple(allowed), f"{where} ({kind.__name__})")
    for name in arguments.keys() & {"layers", "branches", "body", "shortcut", "head", "layer"}:
        arguments[name] = _parts_in(kind, name, arguments[name], f"{where} ({kind.__name__}).{name}", depth, budget)
    node: Node = _made(kind, arguments, f"{where} ({kind.__name__})")
    return node


def _parts_in(kind: type[Node], name: str, value: Any, where: str, depth: int, budget: list[int]) -> Any:
    if kind is Parallel and isinstance(value, dict):
        return {key: _node_in(part, f"{where}.{key}", depth + 1, budget) for key, part in value.items()}
    if name == "layer":  # a wrapper's
        return _node_in(value, where, depth + 1, budget)
    if isinstance(value, list):
        return [_node_in(part, f"{where}[{i}]", depth + 1, budget) for i, part in enumerate(value)]
    if name in ("body", "shortcut", "head") and isinstance(value, dict):
        return _node_in(value, where, depth + 1, budget)
    raise FormatError(
        "these are not layers", where=where, given=shown(value), expected="a list of layers", fix=f"{name}: []"
    )


def _made(kind: Any, arguments: dict[str, Any], where: str) -> Any:
    """Construct, and let a refusal say where in the file it happened."""
    try:
        return kind(**arguments)
    except TypeError:
        required = [
            name
            for name, spec in kind.__dataclass_fields__.items()
            if spec.default is dataclasses.MISSING and name not in arguments and spec.init
        ]
        raise FormatError(
            "an argument is missing",
            where=where,
            given=", ".join(arguments) or "no arguments",
            expected=", ".join(required),
            fix=[f"{name}: …" for name in required],
        ) from None
    except DescriptionError as error:
        error.where = f"{where}: {error.where}"
        raise


def _refuse_unknown(unknown: set[Any], allowed: tuple[str, ...], where: str) -> None:
    if unknown:
        first = sorted(map(str, unknown))[0]
        raise FormatError(
            f"there is no argument {shown(first)}",
            where=where,
            given=shown(first),
            expected=", ".join(allowed),
            fix=nearest(first, allowed, 2) or "take it out",
        )
