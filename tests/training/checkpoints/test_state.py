"""A state comes back as it was, or is refused; a file changed anywhere is noticed."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from foveal.errors import CheckpointError
from foveal.training.checkpoints.state import read_state, write_state


def same(a: Any, b: Any) -> bool:
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.cpu(), b)
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return type(a) is type(b) and (a == b or (isinstance(a, float) and math.isnan(a) and math.isnan(b)))


DTYPES = [torch.float32, torch.float64, torch.bfloat16, torch.float16, torch.int64, torch.uint8, torch.bool]
tensors = st.builds(
    lambda shape, dtype: torch.arange(math.prod(shape)).reshape(shape).to(dtype),
    st.lists(st.integers(0, 3), max_size=4),
    st.sampled_from(DTYPES),
)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=True), st.text(max_size=5), tensors
)
keys = st.one_of(st.text(max_size=4), st.integers(0, 9), st.just("$tensor"))
states = st.dictionaries(
    keys,
    st.recursive(
        leaves, lambda s: st.one_of(st.lists(s, max_size=3), st.dictionaries(keys, s, max_size=3)), max_leaves=6
    ),
)


@given(states)
def test_every_state_comes_back(state: dict[Any, Any]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_state(Path(folder) / "state", state)
        assert same(state, read_state(Path(folder) / "state"))


def test_tuples_numpy_numbers_and_layouts(tmp_path: Path) -> None:
    weight = torch.arange(24.0).reshape(1, 2, 3, 4).to(memory_format=torch.channels_last)
    tied = torch.ones(3)
    write_state(
        tmp_path / "s",
        {"betas": (0.9, 0.999), "n": np.float64(0.1), "w": weight, "a": tied, "b": tied, "part": tied[1:]},
    )
    found = read_state(tmp_path / "s")
    assert found["betas"] == (0.9, 0.999)
    assert found["n"] == 0.1
    assert torch.equal(found["w"], weight)
    assert torch.equal(found["a"], found["b"])
    found["a"][0] = 5.0  # restored tensors are nobody else's memory
    assert found["b"][0] == 1.0


def test_what_cannot_be_kept_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="may not hold a set"):
        write_state(tmp_path / "s", {"x": {1, 2}})
    assert list(tmp_path.iterdir()) == []


def test_a_change_or_cut_anywhere_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "s"
    write_state(path, {"weights": torch.arange(64.0), "epoch": 3, "lr": 0.125})
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[at] ^= 0x01
        path.write_bytes(damaged)
        try:
            found = read_state(path)
        except CheckpointError:
            continue
        # a space in the header's padding, say, changes nothing that is read
        assert same(found, {"weights": torch.arange(64.0), "epoch": 3, "lr": 0.125}), at
    for length in (0, 1, 7, 8, 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError):
            read_state(path)


def test_other_files_are_no_checkpoints(tmp_path: Path) -> None:
    import safetensors.torch

    with pytest.raises(CheckpointError, match="no such checkpoint"):
        read_state(tmp_path / "nothing")
    torch.save({"a": 1}, tmp_path / "pickle")
    with pytest.raises(CheckpointError, match="damaged"):
        read_state(tmp_path / "pickle")
    safetensors.torch.save_file({"a": torch.ones(1)}, tmp_path / "model")
    with pytest.raises(CheckpointError, match="not a checkpoint of a run"):
        read_state(tmp_path / "model")
