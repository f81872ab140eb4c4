"""The whole state of a run as one checked file: tensors in safetensors, the rest as JSON beside them, never a pickle.

A state is a tree of dicts, lists, tuples, numbers, texts, booleans, None and tensors. Each tensor leaves a reference in
the JSON; dicts with other than text keys and tuples leave a marked form, so that what is read equals what was written.
A SHA-256 over the JSON and every tensor tells a damaged file from a good one.
"""

from __future__ import annotations

import errno
import hashlib
import json
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from foveal import files, strictjson
from foveal.errors import CheckpointError, FileError, described

FORMAT = "foveal-state-1"
_KEY = "checkpoint"
_MARKS = ("$tensor", "$tuple", "$items")


def write_state(path: Path, state: dict[str, Any]) -> None:
    """Write a state atomically and durably.

    Raises:
        FileError: the file could not be written; a previous one of this name is untouched.
    """
    tensors: dict[str, Tensor] = {}
    text = json.dumps(_packed(state, tensors), separators=(",", ":"))
    whole = json.dumps({"format": FORMAT, "sha256": _digest(text, tensors), "state": text})
    files.write_bytes(path, safetensors.torch.save(tensors, {_KEY: whole}))  # one key: equal states are equal files


def read_state(path: Path) -> dict[str, Any]:
    """Read a state and check every byte of it. Tensors come on the CPU, contiguous.

    Raises:
        CheckpointError: not there, not such a file, cut off, or changed since it was written.
    """
    try:
        # Opened here, because a pipe would be waited at for ever, and because safetensors takes names in UTF-8 only.
        with files.open_regular(path) as opened, safetensors.safe_open(_in_utf8(path, opened), framework="pt") as file:
            whole = strictjson.loads((file.metadata() or {}).get(_KEY, "{}"), str(path), error=CheckpointError)
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (not a dict)
    except (CheckpointError, FileError) as error:
        missing = isinstance(error, FileError) and error.errno == errno.ENOENT
        raise CheckpointError(
            "there is no such checkpoint" if missing else "this checkpoint is damaged",
            where=str(path),
            given=None if missing else error.given or error.problem,
        ) from error
    except (OSError, safetensors.SafetensorError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise CheckpointError("this checkpoint is damaged", where=str(path), given=str(error)) from error
    if not isinstance(whole, dict) or whole.get("format") != FORMAT:
        raise CheckpointError("this file is not a checkpoint of a run", where=str(path), expected=f"format {FORMAT!r}")
    if whole.get("sha256") != _digest(str(whole.get("state")), tensors):
        raise CheckpointError(
            "this checkpoint is damaged", where=str(path), given="its SHA-256 is not that of what it holds"
        )
    try:
        state = _unpacked(strictjson.loads(whole["state"], str(path), error=CheckpointError, finite=False), tensors)
    except (KeyError, TypeError, ValueError) as error:
        given = error.problem if isinstance(error, CheckpointError) else described(error)
        raise CheckpointError("this checkpoint is damaged", where=str(path), given=given) from error
    if not isinstance(state, dict):
        raise CheckpointError("this file is not a checkpoint of a run", where=str(path), given="no mapping")
    return state


def _in_utf8(path: Path, opened: BinaryIO) -> str:
    try:
        return str(path).encode("utf-8").decode()
    except UnicodeEncodeError:
        return f"/dev/fd/{opened.fileno()}"


def _packed(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, Tensor):
        name = f"{len(tensors):06d}"
        tensors[name] = value.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        return {"$tensor": name}
    if isinstance(value, dict):
        if all(isinstance(key, str) and key not in _MARKS for key in value):
            return {key: _packed(item, tensors) for key, item in value.items()}
        return {"$items": [[_packed(key, tensors), _packed(item, tensors)] for key, item in value.items()]}
    if isinstance(value, tuple):
        return {"$tuple": [_packed(item, tensors) for item in value]}
    if isinstance(value, list):
        return [_packed(item, tensors) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"a state may not hold a {type(value).__name__}: use tensors, numbers, texts, lists and dicts")


def _unpacked(value: Any, tensors: dict[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "$tensor" in value:
        return tensors[value["$tensor"]]
    if "$tuple" in value:
        return tuple(_unpacked(item, tensors) for item in value["$tuple"])
    if "$items" in value:
        return {_unpacked(key, tensors): _unpacked(item, tensors) for key, item in value["$items"]}
    return {key: _unpacked(item, tensors) for key, item in value.items()}


def _digest(text: str, tensors: dict[str, Tensor]) -> str:
    digest = hashlib.sha256(text.encode("utf-8"))
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"|{name} {tensor.dtype} {tuple(tensor.shape)}|".encode())
        if tensor.numel():
            digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()
