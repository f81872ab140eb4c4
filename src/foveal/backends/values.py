"""Whatever people hold numbers in, as a tensor: the one door through which arrays come in.

Converted without a word is what means the same: another byte order or width, read-only memory, negative strides, lists,
data frames, tensors of any device or with a gradient. What cannot mean one thing (texts, complex numbers, masked values,
records, dates) is refused in one sentence.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor

from foveal.data.batches.in_memory import shared
from foveal.errors import DataError, first_line

_REFUSED = {
    "c": ("these are complex numbers", "real numbers", ["np.abs({x})", "np.stack([{x}.real, {x}.imag], axis=-1), as two channels"]),
    "V": ("these are records of several fields", "an array of plain numbers", ["one field of it: {x}[NAME]"]),
    "M": ("these are dates", "numbers", ["({x} - {x}.min()) / np.timedelta64(1, 'D'), days since the first"]),
    "m": ("these are spans of time", "numbers", ["{x} / np.timedelta64(1, 's'), in seconds"]),
}  # fmt: skip


def as_tensor(values: Any, where: str, what: str = "the array") -> Tensor:
    """Numbers as a tensor on the CPU, of their own type where torch has it (uint8, int64, float32, bool, …).

    Args:
        values: an array of any numeric type and layout, a tensor, nested lists, or anything that numpy takes for an array.
        where: the network's name, for messages.
        what: what the values are, for messages.

    Returns:
        a tensor that may share the array's memory. long double becomes float64, float16 and bfloat16 float32, unsigned
        integers of more than 8 bits int64.

    Raises:
        DataError: no numbers, complex or masked ones, records, rows of unequal length.

    Example:
        >>> as_tensor(np.array([1, 2], ">i4"), "net").dtype, as_tensor([0.5, 1], "net").tolist()
        (torch.int32, [0.5, 1.0])
    """
    if isinstance(values, Tensor):
        return _own(values, where, what)
    return shared(_numbers(_array(values, where, what), where, what))


def _own(tensor: Tensor, where: str, what: str) -> Tensor:
    if tensor.is_complex():
        raise _refused("c", str(tensor.dtype), where, what)
    if not tensor.is_nested and (tensor.layout is not torch.strided or tensor.is_quantized):
        tensor = tensor.dequantize() if tensor.is_quantized else tensor.to_dense()
    if tensor.is_meta or tensor.is_nested:
        raise DataError(
            "this tensor holds no array of numbers",
            where=where,
            given=f"{what}: a tensor on the device meta" if tensor.is_meta else f"{what}: a nested tensor",
            expected="samples of one shape, with values",
        )
    tensor = tensor.detach().cpu()
    if tensor.dtype in (torch.uint16, torch.uint32):
        return tensor.long()
    if tensor.dtype == torch.uint64:
        return as_tensor(tensor.numpy(), where, what)
    small = tensor.is_floating_point() and tensor.dtype not in (torch.float32, torch.float64)
    return tensor.float() if small else tensor


def _array(values: Any, where: str, what: str) -> np.ndarray[Any, Any]:
    """The values as numpy sees them; refused where it sees nothing, or only after guessing."""
    if isinstance(values, np.ma.MaskedArray):
        if np.ma.is_masked(values):
            raise DataError(
                "some values are masked",
                where=where,
                given=f"{what}: {int(np.ma.getmaskarray(values).sum()):,} of {values.size:,} values have no number",
                expected="a number everywhere",
                fix=[f"{_name(what)}.filled(0), if a gap means 0", "leave out the samples that have gaps"],
            )
        values = values.data
    if isinstance(values, (list, tuple)) and values and all(isinstance(value, Tensor) for value in values):
        values = [_own(value, where, what).numpy() for value in values]
    if callable(getattr(values, "toarray", None)) and not hasattr(values, "__array__"):
        values = values.toarray()  # a sparse matrix of scipy
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # deprecated guesses of numpy are refusals here
            array = np.asarray(values)
        if array.dtype == object and not array.ndim:
            raise TypeError("nothing that has samples")
        if array.dtype == object:
            array = np.asarray([np.asarray(row).tolist() for row in array])
    except Exception as error:
        raise DataError(
            "this is not an array of numbers",
            where=where,
            given=f"{what}: {type(values).__name__}; {first_line(error)}",
            expected="an array whose rows all have one shape",
            fix="bring all samples to one size, then np.stack(samples)",
        ) from error
    return array


def _numbers(array: np.ndarray[Any, Any], where: str, what: str) -> np.ndarray[Any, Any]:
    """The same numbers in a type that torch has too."""
    kind = array.dtype.kind
    if kind in _REFUSED:
        raise _refused(kind, str(array.dtype), where, what)
    if kind not in "fiub":
        word = str(array.flat[0])[:30] if array.size else ""
        raise DataError(
            "the array holds no numbers",
            where=where,
            given=f"{what}: an array of {array.dtype}" + (f", the first {word!r}" if word else ""),
            expected="uint8 pixels, floats, or class numbers",
            fix=f'{_name(what)}.astype("float32")' if _written_numbers(array) else None,
        )
    if kind == "f" and array.dtype.itemsize not in (4, 8):
        with np.errstate(
            over="ignore"
        ):  # a long double may be larger than any float64: infinite, which is refused in a sentence
            return array.astype(np.float32 if array.dtype.itemsize == 2 else np.float64)
    if kind == "u" and array.dtype.itemsize > 1:
        if array.dtype.itemsize == 8 and array.size and int(array.max()) > np.iinfo(np.int64).max:
            return array.astype(np.float64)
        return array.astype(np.int64)
    return array


def _written_numbers(texts: np.ndarray[Any, Any]) -> bool:
    """Whether texts are numbers, every one of them."""
    try:
        texts.astype(np.float32)
    except (TypeError, ValueError):
        return False
    return texts.dtype.kind in "US" and texts.size > 0


def _name(what: str) -> str:
    """What an array is called in a repair."""
    return what if what.isidentifier() else "x"


def refuse_not_finite(tensor: Tensor, where: str, what: str = "x") -> None:
    """Refuse NaN and infinite values before anything is learned from them.

    Raises:
        DataError: how many there are, and where the first one is.
    """
    if not tensor.is_floating_point() or bool(torch.isfinite(tensor).all()):
        return
    bad = ~torch.isfinite(tensor)
    first = tuple(int(n) for n in bad.nonzero()[0])
    rest = f".all(axis={tuple(range(1, tensor.dim()))})" if tensor.dim() > 1 else ""
    raise DataError(
        "some values are not finite numbers",
        where=where,
        given=f"{what}: {int(bad.sum()):,} of {tensor.numel():,} values, the first ({float(tensor[first])}) at {list(first)}",
        expected="finite numbers that float32 can hold",
        fix=f"leave those samples out: keep = np.isfinite({_name(what)}){rest}",
    )


def _refused(kind: str, dtype: str, where: str, what: str) -> DataError:
    problem, expected, fix = _REFUSED[kind]
    return DataError(problem, where=where, given=f"{what}: an array of {dtype}", expected=expected,
                     fix=[text.replace("{x}", _name(what)) for text in fix])  # fmt: skip
