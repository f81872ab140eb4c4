"""Networks to and from JSON and YAML.

A description file is data: layers come from a closed registry, arguments go through the layers' own checks, and nothing in
it can name code, a file or an address. The form::

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
import difflib
import json
from pathlib import Path
from typing import Any

from foveal.errors import DescriptionError, FormatError
from foveal.network.activations import Regularizer
from foveal.network.layers import LAYERS
from foveal.network.node import Node, public_fields
from foveal.network.shape import Shape, Tokens
from foveal.network.tree import COMPOSITIONS, Parallel, Sequential

SCHEMA = 1
MOST_BYTES = 16 * 2**20
MOST_NODES = 100_000
DEEPEST = 64

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
    import yaml  # the one library here, and only for YAML

    return yaml.safe_dump(to_dict(network), sort_keys=False, allow_unicode=True, width=110, default_flow_style=None)


def from_dict(data: Any, source: str = "network") -> Sequential:
    """The tree of a description.

    Args:
        data: what :func:`to_dict` gives, or JSON and YAML parse to.
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
            mend='{"foveal": 1, "input": [28, 28, 1], "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": 10}]}',
        )
    version = data.get("foveal", SCHEMA)
    if version != SCHEMA or isinstance(version, bool):
        raise FormatError(
            "this version of the schema is not known",
            where=source,
            given=f"foveal: {version!r}",
            expected=f"foveal: {SCHEMA}",
            mend="write it with this version of Foveal, or update Foveal",
        )
    _refuse_unknown(set(data) - {"foveal", "name", "input", "layers"}, ("foveal", "name", "input", "layers"), source)
    if not isinstance(data.get("layers"), list):
        raise FormatError(
            "the layers are missing",
            where=source,
            given=f"layers: {data.get('layers')!r}",
            expected="a list of layers",
            mend="layers: [{kind: Flatten}, {kind: Dense, units: 10}]",
        )
    budget = [MOST_NODES]
    layers = [_node_in(entry, f"{source}: layers[{i}]", 1, budget) for i, entry in enumerate(data["layers"])]
    given = data.get("input")
    arguments = {"layers": layers, "input_shape": _shape_in(given, source), "name": data.get("name")}
    network: Sequential = _made(Sequential, arguments, source)
    return network


def from_json(text: str, source: str = "network") -> Sequential:
    """The tree of a JSON description; keys that occur twice, NaN and Infinity are refused."""
    return from_dict(_parse_json(text, source), source)


def from_yaml(text: str, source: str = "network") -> Sequential:
    """The tree of a YAML description; tags, anchors and keys that occur twice are refused."""
    return from_dict(_parse_yaml(text, source), source)


def read(path: str | Path) -> Sequential:
    """The tree of a description file, JSON or YAML by its suffix (.json, .yaml, .yml)."""
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise FormatError(
                "the file is too large for a description",
                where=str(path),
                given=f"{path.stat().st_size:,} bytes",
                expected=f"at most {MOST_BYTES:,} bytes",
                mend="a description holds no weights; a model file is a .safetensors",
            )
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FormatError(
            "the description cannot be read",
            where=str(path),
            given=str(error),
            expected="a UTF-8 text file, .json or .yaml",
            mend="check the path",
        ) from None
    return (from_yaml if path.suffix.lower() in (".yaml", ".yml") else from_json)(text, str(path))


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
        "this is no input shape",
        where=where,
        given=f"input: {value!r}",
        expected="a list of sizes, channels last",
        mend="input: [28, 28, 1]",
    )


def _node_in(entry: Any, where: str, depth: int, budget: list[int]) -> Node:
    budget[0] -= 1
    if depth > DEEPEST or budget[0] < 0:
        raise FormatError(
            "the description is nested too deeply" if depth > DEEPEST else "the description has too many layers",
            where=where,
            expected=f"at most {DEEPEST} levels and {MOST_NODES:,} layers",
            mend="split the network",
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
            "this is no layer",
            where=where,
            given=repr(entry)[:80],
            expected="a mapping with a kind",
            mend='{"kind": "Conv2D", "filters": 32, "kernel_size": 3}',
        )
    kind = REGISTRY.get(entry["kind"])
    if kind is None:
        near = difflib.get_close_matches(entry["kind"], REGISTRY, 3, 0.5)
        raise FormatError(
            f"there is no layer of kind {entry['kind']!r}",
            where=where,
            given=f"kind: {entry['kind']!r}",
            expected="a kind of the registry, which is closed: " + ", ".join(sorted(REGISTRY)),
            mend=[f"kind: {name}" for name in near] or "kind: Conv2D",
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
        "these are no layers", where=where, given=repr(value)[:80], expected="a list of layers", mend=f"{name}: []"
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
            mend=[f"{name}: …" for name in required],
        ) from None
    except DescriptionError as error:
        error.where = f"{where}: {error.where}"
        raise


def _refuse_unknown(unknown: set[Any], allowed: tuple[str, ...], where: str) -> None:
    if unknown:
        first = sorted(map(str, unknown))[0]
        near = difflib.get_close_matches(first, allowed, 2, 0.5)
        raise FormatError(
            f"there is no argument {first!r}",
            where=where,
            given=first,
            expected=", ".join(allowed),
            mend=near or f"take {first!r} out",
        )


def _parse_json(text: str, source: str) -> Any:
    def no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in pairs:
            if key in found:
                raise _twice(key, source)
            found[key] = value
        return found

    def refuse(constant: str) -> Any:
        raise FormatError("this is no number", where=source, given=constant, expected="a finite number", mend="0.0")

    try:
        return json.loads(text, object_pairs_hook=no_twins, parse_constant=refuse)
    except json.JSONDecodeError as error:
        raise FormatError(
            "this is not JSON",
            where=f"{source}, line {error.lineno}, column {error.colno}",
            given=error.msg,
            expected="JSON",
            mend="a comma or a bracket near there; `.yaml` files may leave out the quotes",
        ) from None
    except RecursionError:
        raise FormatError(
            "the description is nested too deeply",
            where=source,
            expected=f"at most {DEEPEST} levels",
            mend="flatten it",
        ) from None


def _twice(key: str, source: str) -> FormatError:
    return FormatError(
        f"the key {key!r} occurs twice",
        where=source,
        given=f"{key!r}, twice in one mapping",
        expected="each key once",
        mend="take one out",
    )


def _parse_yaml(text: str, source: str) -> Any:
    import yaml

    class Strict(yaml.SafeLoader):
        """Plain data only: no anchors (they multiply), no keys twice."""

        def compose_node(self, parent: Any, index: Any) -> Any:
            if self.check_event(yaml.AliasEvent):
                raise FormatError(
                    "anchors and aliases are refused: a short text could become a huge network",
                    where=source,
                    given=f"an alias, line {self.line + 1}",
                    expected="plain values",
                    mend="write the layer out",
                )
            return super().compose_node(parent, index)

        def construct_mapping(self, node: Any, deep: bool = False) -> Any:
            keys = [self.construct_object(key, deep=True) for key, _ in node.value]
            for key in keys:
                if keys.count(key) > 1:
                    raise _twice(str(key), source)
            return super().construct_mapping(node, deep)

    try:
        return yaml.load(text, Loader=Strict)  # a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise FormatError(
            "this is not YAML",
            where=source + place,
            given=str(getattr(error, "problem", error)),
            expected="YAML",
            mend="look at the indentation near there",
        ) from None
    except RecursionError:
        raise FormatError(
            "the description is nested too deeply",
            where=source,
            expected=f"at most {DEEPEST} levels",
            mend="flatten it",
        ) from None
