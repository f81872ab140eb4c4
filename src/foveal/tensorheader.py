"""The head of a safetensors file, read with suspicion: eight bytes of length, then JSON.

Everything is checked before memory is taken for a tensor, and nothing here can run code: the header is JSON, and a pickle is
refused by name. The format is that of Hugging Face's safetensors; this reader refuses more than the library does (a key
twice, a name that is not a node path, numbers that do not add up to the file's size).
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, BinaryIO

from foveal import strictjson
from foveal.errors import ModelFileError

MOST_BYTES = 16 * 2**20  # of the header; the largest network of the zoo has 0.3 MB
MOST_AXES = 8
ITEM_SIZES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}

_PART = re.compile(r"(?!\.+\Z)[A-Za-z0-9_.-]{1,64}")  # reliability: no empty part, no "..", nothing that a shell reads
_FOREIGN = (
    (b"PK\x03\x04", "a zip archive, as PyTorch's .pt, Keras' .keras and NumPy's .npz are"),
    (b"\x89HDF", "an HDF5 file, as Keras' .h5 is"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"\x1f\x8b", "a gzip file"),
)


@dataclass(frozen=True)
class TensorEntry:
    """What the header says of one tensor.

    Attributes:
        name: node path and tensor, ``features/conv1/weight``.
        dtype: safetensors' name: "F32".
        shape: its sizes.
        begin, end: where its bytes lie, counted from the end of the header.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


@dataclass(frozen=True)
class Head:
    """A whole header.

    Attributes:
        tensors: in the order in which they lie in the file.
        metadata: names with texts.
        start: where the first tensor's bytes lie in the file.
    """

    tensors: tuple[TensorEntry, ...]
    metadata: dict[str, str]
    start: int


def read_head(file: BinaryIO, size: int, where: str) -> Head:
    """The header of an open file, checked against the file's size.

    Args:
        file: at its beginning.
        size: of the file, in bytes.
        where: the file's name, for messages.

    Raises:
        ModelFileError: anything that is not as it must be; the message says what.
    """
    first = file.read(9)
    length = struct.unpack("<Q", first[:8])[0] if len(first) == 9 else -1
    if length < 2 or 8 + length > size or first[8:] != b"{":
        raise _no_header(first, length, size, where)
    if length > MOST_BYTES:
        raise ModelFileError(
            "the header is too long",
            where=where,
            given=f"{length:,} bytes",
            expected=f"at most {MOST_BYTES:,} bytes: names and shapes, no data",
            fix="write the file anew",
        )
    text = b"{" + file.read(length - 1)
    if len(text) != length:
        raise _damaged("the file ends within its header", f"{len(text):,} of {length:,} bytes", where)
    found = _parse(text, where)
    metadata = found.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _damaged("the header's metadata are not texts", repr(metadata)[:80], where)
    entries = sorted((_entry(name, value, where) for name, value in found.items()), key=lambda e: (e.begin, e.end))
    _check_places(entries, size - 8 - length, where)
    return Head(tuple(entries), metadata, 8 + length)


def write_head(entries: Iterable[tuple[str, str, tuple[int, ...]]], metadata: dict[str, str]) -> bytes:
    """The header for tensors (name, dtype, shape) that will follow one another in this order.

    Example:
        >>> write_head([("conv/weight", "F32", (2, 3))], {})[8:]
        b'{"__metadata__":{},"conv/weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}   '
    """
    found: dict[str, Any] = {"__metadata__": metadata}
    place = 0
    for name, dtype, shape in entries:
        end = place + math.prod(shape) * ITEM_SIZES[dtype]
        found[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [place, end]}
        place = end
    text = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # so that the first tensor lies at a multiple of 8
    return struct.pack("<Q", len(text)) + text


def is_node_path(name: str) -> bool:
    """Whether a name can be a node path with a tensor's name behind it.

    Example:
        >>> is_node_path("features/conv1/weight"), is_node_path("../../etc/x"), is_node_path("")
        (True, False, False)
    """
    return all(_PART.fullmatch(part) for part in name.split("/"))


def _parse(text: bytes, where: str) -> dict[str, Any]:
    """The header's JSON, read strictly: a key that occurs twice, at any depth, could be two files for two readers."""
    try:
        found = strictjson.loads(text, where, error=ModelFileError, fix="fetch or write the file again")
    except ModelFileError as error:
        error.problem = error.problem.replace("occurs twice", "occurs twice in the header")
        raise
    assert isinstance(found, dict)  # it begins with a brace
    return found


def _entry(name: str, value: Any, where: str) -> TensorEntry:
    if not is_node_path(name):
        raise ModelFileError(
            "a tensor's name is not a node path",
            where=where,
            given=repr(name[:100]),
            expected="parts of 1 to 64 letters, digits, _ . or -, joined by /, none of them dots alone",
            fix="a file that Foveal did not write: rename its tensors, or do not trust it",
        )
    if not isinstance(value, dict) or value.keys() != {"dtype", "shape", "data_offsets"}:
        raise _damaged(f"the header's entry for {name} is not dtype, shape and data_offsets", repr(value)[:80], where)
    dtype, shape, offsets = value["dtype"], value["shape"], value["data_offsets"]
    if not isinstance(dtype, str) or dtype not in ITEM_SIZES:
        raise _damaged(f"the dtype of {name} is not known", repr(dtype)[:80], where, ", ".join(ITEM_SIZES))
    if not _sizes(shape) or len(shape) > MOST_AXES or not _sizes(offsets) or len(offsets) != 2:
        raise _damaged(f"the sizes of {name} are not sizes", f"shape {shape!r}, bytes {offsets!r}"[:120], where)
    begin, end = offsets
    needed = math.prod(shape) * ITEM_SIZES[dtype]
    if end - begin != needed:
        raise _damaged(
            f"the bytes of {name} are not what its shape needs",
            f"shape {shape} of {dtype}: {needed:,} bytes, but {end - begin:,} are set aside",
            where,
        )
    return TensorEntry(name, dtype, tuple(shape), begin, end)


def _sizes(values: Any) -> bool:
    return isinstance(values, list) and all(type(n) is int and 0 <= n < 2**62 for n in values)


def _check_places(entries: list[TensorEntry], room: int, where: str) -> None:
    """The tensors must fill what follows the header: no hole, no overlap, nothing missing, nothing behind."""
    place = 0
    for entry in entries:
        if entry.begin != place:
            kind = "overlaps the tensor before it" if entry.begin < place else "has a hole before it"
            raise _damaged(f"{entry.name} {kind}", f"it begins at byte {entry.begin:,}, expected at {place:,}", where)
        place = entry.end
    if place != room:
        given = f"the header declares {place:,} bytes of tensors, the file holds {room:,}"
        raise _damaged(
            "the file is cut short" if room < place else "there are bytes behind the last tensor", given, where
        )


def _damaged(problem: str, given: str, where: str, expected: str = "a file as Foveal writes it") -> ModelFileError:
    return ModelFileError(problem, where=where, given=given, expected=expected, fix="fetch or write the file again")


def _no_header(first: bytes, length: int, size: int, where: str) -> ModelFileError:
    """What the file seems to be, when it does not begin as it must."""
    expected = "a .safetensors file, which holds numbers and nothing that runs"
    convert = "where you trust it: safetensors.torch.save_file(torch.load(…, weights_only=True), …)"
    if first[:1] == b"\x80" and first[1:2] in b"\x01\x02\x03\x04\x05":
        return ModelFileError(
            "this is a pickle: opening one can run any code, so it is refused",
            where=where,
            given="a file that begins as Python's pickles do",
            expected=expected,
            fix=convert,
        )
    for magic, kind in _FOREIGN:
        if first.startswith(magic):
            return ModelFileError(
                "this is not a model file; archives may hold pickles, so they are refused",
                where=where,
                given=kind,
                expected=expected,
                fix=convert,
            )
    if len(first) == 9 and first[8:] == b"{" and length > 0:
        return _damaged("the file ends within its header", f"{length:,} bytes announced, {size - 8:,} there", where)
    return ModelFileError(
        "this is not a model file",
        where=where,
        given=f"{size:,} bytes that begin with {first.hex(' ') or 'nothing'}",
        expected=expected,
        fix="Model.save(PATH) writes one",
    )
