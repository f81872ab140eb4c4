"""The model file: one ``.safetensors`` with the network, its weights, and what is needed to use them.

Tensors are named by node path (``features/conv1/weight``). The header's metadata holds one JSON text: the network's
description, class names, preprocessing and facts of the training. Any safetensors reader can open it; nothing is ever
unpickled; every name, dtype and shape is compared with the description before memory is taken. ``docs/model-file.md`` has
the whole form.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from foveal import modelmetadata, strictjson, tensorheader
from foveal.errors import FileError, FovealError, ModelFileError
from foveal.files import atomic_writer, open_regular
from foveal.network import codec
from foveal.network.tree import Sequential
from foveal.printable import well_formed
from foveal.tensorheader import TensorEntry

if TYPE_CHECKING:
    from torch import Tensor

__all__ = [
    "Header",
    "Loaded",
    "ModelFileWarning",
    "load",
    "read_header",
    "save",
]

FORMAT = 1
KEY = "foveal"  # of the header's metadata: the description and everything beside it
SUM = "foveal.sha256"  # of the header's metadata: of that text and all tensors

_MOST_NAMED = 5  # tensors named in a message


class ModelFileWarning(UserWarning):
    """Something in a model file that is allowed and seldom meant, such as a weight that is not a number."""


@dataclass(frozen=True)
class Header:
    """What a model file says of itself, read without touching the weights.

    Attributes:
        network: the description.
        metadata: what was saved beside it: ``classes``, ``preprocessing``, ``training``, and what else there is.
        tensors: name, dtype, shape and place of every tensor.
        size: of the file, in bytes.
        sha256: of the description, the metadata and all tensors as they were written; :func:`load` compares it. None in a
            file of version 0.1, which has none.
    """

    network: Sequential
    metadata: dict[str, Any]
    tensors: tuple[TensorEntry, ...]
    size: int
    sha256: str | None
    text: str = field(repr=False, default="")


class Loaded(NamedTuple):
    """What a model file held: unpacks into network, state and metadata."""

    network: Sequential
    state: dict[str, Tensor]  # under the names of ``state_dict()``
    metadata: dict[str, Any]

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; empty where none were saved."""
        return tuple(self.metadata.get("classes", ()))

    @property
    def facts(self) -> dict[str, Any]:
        """What is known of the training: ``metadata["training"]``."""
        return dict(self.metadata.get("training", {}))


def save(
    path: str | os.PathLike[str],
    network: Sequential,
    state: Mapping[str, Tensor],
    metadata: Mapping[str, Any] | None = None,
) -> Path:
    """Write a model file, whole or not at all.

    Args:
        path: where to; what is there stays until the new file is complete.
        network: the description.
        state: the module's ``state_dict()``.
        metadata: plain data (JSON): ``classes`` (a list of names), ``preprocessing``, ``training``. Numbers that are not
            finite become null.

    Returns:
        the path.

    Raises:
        ModelFileError: the state is not that of the network, or the metadata are not plain data.
        FileError: the disk is full, the folder may not be written.

    Example:
        >>> import tempfile
        >>> from foveal.backends.torch import build
        >>> from foveal.network.layers import Dense
        >>> network = Sequential([Dense(3, name="dense")], input_shape=4)
        >>> place = f"{tempfile.mkdtemp()}/small.safetensors"
        >>> path = save(place, network, build(network).state_dict(), {"classes": ["a", "b", "c"]})
        >>> [(entry.name, entry.shape) for entry in read_header(path).tensors]
        [('dense/weight', (3, 4)), ('dense/bias', (3,))]
    """
    where = str(path)
    found = {name.replace(".", "/"): tensor.detach() for name, tensor in state.items()}
    expected = _expected(network, where)
    dtypes = {dtype: name for name, dtype in _dtypes().items()}
    _compare(expected, {name: (dtypes.get(t.dtype, str(t.dtype)), tuple(t.shape)) for name, t in found.items()}, where)
    text = _text(network, metadata or {}, where)

    def pieces() -> Iterator[memoryview]:
        for name, (_, shape) in expected.items():
            if math.prod(shape):
                yield _bytes(found[name].to("cpu").contiguous())

    whole = _sum_of(text)
    for piece in pieces():
        whole.update(piece)
    head = tensorheader.write_head(
        ((name, dtype, shape) for name, (dtype, shape) in expected.items()),
        {KEY: text, SUM: whole.hexdigest()},
    )
    with atomic_writer(path) as file:
        file.write(head)
        for piece in pieces():
            file.write(piece)
    return Path(path)


def read_header(path: str | os.PathLike[str]) -> Header:
    """The description, metadata and table of tensors of a model file. Loads no torch, and no weight.

    Raises:
        ModelFileError: the file is refused; the message says why.
    """
    with _opened(path) as file:
        return _header(file, str(path))


def load(path: str | os.PathLike[str]) -> Loaded:
    """The network, its tensors under the names of ``state_dict()``, and the metadata.

    Raises:
        ModelFileError: the file is refused: a pickle, a damaged header, tensors that are not those of the description, a bit
            that is not as it was written.

    Warns:
        ModelFileWarning: a weight is not a finite number.
    """
    import torch

    where = str(path)
    with _opened(path) as file:
        header = _header(file, where)
        found = {entry.name: (entry.dtype, entry.shape) for entry in header.tensors}
        _compare(_expected(header.network, where), found, where)
        dtypes, state, strange, whole = _dtypes(), {}, [], _sum_of(header.text)
        for entry in header.tensors:  # in the order of the file: one pass, no seeking
            tensor = torch.empty(entry.shape, dtype=dtypes[entry.dtype])
            if tensor.numel():
                _fill(file, _bytes(tensor), entry.name, where)
                whole.update(_bytes(tensor))
            if tensor.is_floating_point() and not bool(tensor.isfinite().all()):
                strange.append(entry.name)
            state[entry.name.replace("/", ".")] = tensor
    if header.sha256 is not None and header.sha256 != whole.hexdigest():
        raise ModelFileError(
            "the file has changed since it was written: what it holds may be wrong anywhere",
            where=where,
            given=f"SHA-256 {whole.hexdigest()[:16]}… of description and tensors",
            expected=f"{header.sha256[:16]}…, as the file itself says",
            fix="fetch or write the file again",
        )
    if strange:
        warnings.warn(
            f"{where}: {len(strange)} of {len(state)} tensors hold values that are not finite numbers: {_list(strange)}. "
            "A network computes nothing sensible with them; the training has probably diverged",
            ModelFileWarning,
            stacklevel=2,
        )
    return Loaded(header.network, state, header.metadata)


# Reading --------------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _opened(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    try:
        with open_regular(path) as file:
            yield file
    except FileError as error:
        raise ModelFileError(
            "the model file cannot be opened",
            where=str(path),
            given=error.given or error.problem,
            expected="a .safetensors file",
            fix="check the path",
        ) from None
    except OSError as error:  # while it was read
        raise ModelFileError(
            "the model file cannot be read",
            where=str(path),
            given=error.strerror or str(error),
            fix="fetch the file again",
        ) from None


def _header(file: BinaryIO, where: str) -> Header:
    size = os.fstat(file.fileno()).st_size
    head = tensorheader.read_head(file, size, where)
    if KEY not in head.metadata:
        raise ModelFileError(
            "the file holds weights, but no network",
            where=where,
            given=f"metadata: {', '.join(head.metadata) or 'none'}",
            expected=f"the key {KEY!r} with the network's description",
            fix="build the network with Foveal, load the weights into its module, and save the model",
        )
    text, said = head.metadata[KEY], head.metadata.get(SUM)
    if said is not None and not re.fullmatch("[0-9a-f]{64}", said):
        raise _wrong("the file's own sum is not a SHA-256", repr(said)[:80], where)
    found = strictjson.loads(text, where, error=ModelFileError, fix="fetch or write the file again")
    if not isinstance(found, dict) or not isinstance(found.get("metadata"), dict):
        raise _wrong("the description is not format, network and metadata", str(found)[:80], where)
    if type(found.get("format")) is not int or found["format"] != FORMAT:
        raise ModelFileError(
            "this version of the model file is not known",
            where=where,
            given=f"format {found.get('format')!r}",
            expected=f"format {FORMAT}",
            fix="save it with this version of Foveal, or update Foveal",
        )
    try:
        network = codec.from_dict(found.get("network"), where)
    except FovealError as error:
        raise ModelFileError(
            f"the file's network is refused: {error.problem}",
            where=error.where,
            given=error.given,
            expected=error.expected,
            fix=error.fix,
        ) from error
    modelmetadata.check(found["metadata"], where)
    return Header(network, found["metadata"], head.tensors, size, said, text)


def _sum_of(text: str) -> hashlib._Hash:
    """A SHA-256 that has seen the description and the metadata; the tensors' bytes follow, in the order of the file."""
    return hashlib.sha256(text.encode() + b"\n", usedforsecurity=False)


def _fill(file: BinaryIO, memory: memoryview, name: str, where: str) -> None:
    """Read until ``memory`` is full."""
    done = 0
    while done < len(memory):
        count = file.readinto(memory[done:])  # type: ignore[attr-defined]
        if not count:
            raise _wrong(f"the file ended within {name}", f"{done:,} of {len(memory):,} bytes", where)
        done += count


def _bytes(tensor: Tensor) -> memoryview:
    """A contiguous tensor's memory, not copied."""
    import torch

    return memoryview(tensor.view(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]


def _wrong(problem: str, given: str, where: str) -> ModelFileError:
    return ModelFileError(
        problem, where=where, given=given, expected="a file as Foveal writes it", fix="fetch or write the file again"
    )


# What must be there ---------------------------------------------------------------------------------------------------


def _expected(network: Sequential, where: str) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Name, dtype and shape of every tensor that the description asks for, from an outline that takes no memory."""
    from foveal.backends.torch import build

    try:
        outline = build(network, device="meta")
    except (FovealError, OverflowError, RuntimeError, TypeError) as error:  # PyTorch raises any of these beyond 2⁶³
        raise ModelFileError(
            "the file's network cannot be built",
            where=where,
            given=error.problem if isinstance(error, FovealError) else str(error).split("\n")[0][:120],
            expected="layers that fit together, with an input shape",
            fix="`foveal show` on the description explains it",
        ) from error
    names = {dtype: name for name, dtype in _dtypes().items()}
    return {
        name.replace(".", "/"): (names[tensor.dtype], tuple(tensor.shape))
        for name, tensor in outline.state_dict().items()
    }


def _compare(
    expected: Mapping[str, tuple[str, tuple[int, ...]]], found: Mapping[str, tuple[str, tuple[int, ...]]], where: str
) -> None:
    """Refuse any difference, the first kind first: missing, unknown, another dtype, another shape."""
    missing = [name for name in expected if name not in found]
    unknown = [name for name in found if name not in expected]
    if missing or unknown:
        raise ModelFileError(
            "the tensors are not those of the network",
            where=where,
            given="; ".join(
                f"{len(names)} {what}: {_list(names)}"
                for what, names in (("missing", missing), ("unknown", unknown))
                if names
            ),
            expected=f"{len(expected)} tensors, named by node path",
            fix="save the weights with the network that they belong to",
        )
    for name, (dtype, shape) in expected.items():
        if found[name] != (dtype, shape):
            raise ModelFileError(
                "a tensor is not as the network describes it",
                where=f"{where}, {name}",
                given=f"{found[name][0]}, {_sizes(found[name][1])}",
                expected=f"{dtype}, {_sizes(shape)}",
                fix="save the weights with the network that they belong to",
            )


def _sizes(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) or "a single number"


def _list(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMED
    return ", ".join(name[:100] for name in names[:_MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")


def _dtypes() -> dict[str, Any]:
    import torch

    return {
        "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64,
        "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    }  # fmt: skip


# Writing --------------------------------------------------------------------------------------------------------------


def _text(network: Sequential, metadata: Mapping[str, Any], where: str) -> str:
    found = {"format": FORMAT, "network": codec.to_dict(network), "metadata": metadata}
    try:
        text = json.dumps(_finite(found), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(
            "the metadata are not plain data",
            where=where,
            given=str(error),
            expected="dicts with text keys, lists, texts, numbers, true, false and null",
            fix="convert arrays with .tolist(), and leave objects out",
        ) from None
    modelmetadata.check(json.loads(text)["metadata"], where)
    return text


def _finite(value: Any) -> Any:
    """The same with null for numbers that JSON cannot hold, escapes for lone surrogates, and lists for tuples."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError(f"a key is not a text: {next(key for key in value if not isinstance(key, str))!r}")
        return {well_formed(key): _finite(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(entry) for entry in value]
    return well_formed(value) if isinstance(value, str) else value
