"""Metadata from elsewhere, one strict reader, and the sum of everything: a model file is right, or refused."""

from __future__ import annotations

import json
import os
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foveal import modelfile
from foveal.backends.torch import build
from foveal.errors import ModelFileError
from foveal.inference.trained_classifier import load_classifier
from foveal.network import Sequential, layers

NETWORK = Sequential(
    [layers.Conv2D(2, 3, name="conv"), layers.Flatten(), layers.Dense(3, name="head")], input_shape=(4, 4, 1)
)
FACTS: dict[str, Any] = {
    "classes": ["a", "b", "c"],
    "preprocessing": {"border_level": 3.0},
    "training": {"data": "digits", "config": {"from_logits": True, "mirror": False, "loss": "cross_entropy"}},
}


def written(path: Path, facts: dict[str, Any] | None = None) -> Path:
    return modelfile.save(path, NETWORK, build(NETWORK, seed=1).state_dict(), FACTS if facts is None else facts)


def with_text(path: Path, text: str, **sums: str) -> Path:
    """The model file with other text under its key, and no sum unless one is given."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header["__metadata__"] = {"foveal": text, **sums}
    new = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(new)) + new + data[8 + length :])
    return path


def text_of(path: Path) -> str:
    return str(modelfile.read_header(path).text)


def refusal(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        modelfile.load(path)
    assert caught.value.fix
    assert len(str(caught.value)) < 2_000
    return str(caught.value)


def refused(path: Path) -> str | None:
    """What is wrong with a file, if it is refused; any other error passes."""
    try:
        load_classifier(path)
    except ModelFileError as error:
        return str(error)
    return None


# The sum ----------------------------------------------------------------------------------------------------------------


def test_the_sum_is_of_text_and_tensors_as_the_page_says(tmp_path: Path) -> None:
    import hashlib

    path = written(tmp_path / "m.safetensors")
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    told = json.loads(data[8 : 8 + length])["__metadata__"]
    assert set(told) == {"foveal", "foveal.sha256"}
    expected = hashlib.sha256(told["foveal"].encode() + b"\n" + data[8 + length :]).hexdigest()
    assert told["foveal.sha256"] == expected == modelfile.read_header(path).sha256


def test_any_bit_that_turned_is_refused_or_harmless(tmp_path: Path) -> None:
    path = written(tmp_path / "m.safetensors")
    data, whole = path.read_bytes(), modelfile.load(path)
    refused = 0
    for place in range(3, len(data), 11):
        changed = bytearray(data)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            found = modelfile.load(path)
        except ModelFileError:
            refused += 1
            continue
        assert (found.network, found.metadata) == (whole.network, whole.metadata)  # the sum's own name was hit
        assert all(torch.equal(found.state[name], tensor) for name, tensor in whole.state.items())
    assert refused > 0.95 * len(data) // 11


def test_a_changed_weight_and_a_changed_activation_are_found(tmp_path: Path) -> None:
    path = written(tmp_path / "m.safetensors")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    assert "has changed since it was written" in refusal(path)
    other = written(tmp_path / "n.safetensors")
    sum_ = str(modelfile.read_header(other).sha256)
    text = text_of(other).replace('"border_level": 3.0', '"border_level": 4.0')
    assert "has changed since it was written" in refusal(with_text(other, text, **{"foveal.sha256": sum_}))
    assert "not a SHA-256" in refusal(with_text(other, text, **{"foveal.sha256": "none"}))


def test_weights_that_are_no_numbers_are_warned_of(tmp_path: Path) -> None:
    state = build(NETWORK, seed=1).state_dict()
    state["head.bias"][0] = float("nan")
    path = modelfile.save(tmp_path / "m.safetensors", NETWORK, state)
    with pytest.warns(modelfile.ModelFileWarning, match="head/bias"):
        modelfile.load(path)


# The text ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('"filters": 2', '"filters": 2, "filters": 2', "occurs twice"),
        ('"filters": 2', '"filters": NaN', "not a number"),
        ('"filters": 2', '"filters": ' + "9" * 5_000, "too long"),
        ('"filters": 2', '"filters": 1e999', "too large"),
        ('"classes"', '"deep": ' + "[" * 5_000 + "]" * 5_000 + ', "classes"', "nested too deeply"),
        ('"classes"', '"big": 9223372036854775808, "classes"', "too large"),
        ('"classes"', '"big": [[{"x": -9223372036854775809}]], "classes"', "too large"),
    ],
)
def test_the_text_is_read_strictly(tmp_path: Path, old: str, new: str, problem: str) -> None:
    path = written(tmp_path / "m.safetensors")
    text = text_of(path)
    assert old in text
    assert problem in refusal(with_text(path, text.replace(old, new, 1)))


ODD: list[Any] = [
    None,
    True,
    -1,
    2**62,
    1e300,
    "",
    "x",
    "a" * 20_000,
    [],
    [1],
    ["a", "b", "c", "d"],
    {},
    {"x": []},
    [[]],
    {"config": 1},
]
READ = [
    "classes",
    "preprocessing",
    "training",
    "system",
    "settings",
    "data",
    "threshold",
    "mirror",
    "vocabulary",
    "characters",
]


@pytest.mark.parametrize("key", [*READ, "training.config", "training.data", "preprocessing.border_level", "training.config.mirror",
                                 "training.config.from_logits", "training.config.loss"])  # fmt: skip
def test_odd_values_are_refused_or_do_no_harm(tmp_path: Path, key: str) -> None:
    path = written(tmp_path / "m.safetensors")
    whole = json.loads(text_of(path))
    for odd in ODD:
        changed = json.loads(json.dumps(whole))
        *above, last = key.split(".")
        holder = changed["metadata"]
        for part in above:
            holder = holder[part]
        holder[last] = odd
        with_text(path, json.dumps(changed))
        if (problem := refused(path)) is not None:
            assert any(word in problem for word in ("null", key.split(".")[0], "class names"))
            continue
        trained = load_classifier(path)
        chances = trained.probabilities(np.zeros((2, 4, 4, 1), np.uint8))
        assert np.isfinite(chances).all()


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*READ, "config", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(READ), PLAIN, max_size=4))
def test_no_metadata_is_anything_but_accepted_or_refused(tmp_path: Path, metadata: dict[str, Any]) -> None:
    path = written(tmp_path / "m.safetensors")
    with_text(path, json.dumps({**json.loads(text_of(path)), "metadata": metadata}))
    assert refused(path) != ""


def test_what_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    for facts in (
        {"classes": "abc"},
        {"training": {"config": 1}},
        {"seed": 2**64},
        {"preprocessing": {"border_level": 256}},
    ):
        with pytest.raises(ModelFileError):
            written(tmp_path / "m.safetensors", facts)
    assert not list(tmp_path.iterdir())


def test_names_that_are_not_utf8_are_written_as_data_sets_name_them(tmp_path: Path) -> None:
    """A header is UTF-8 that every reader of JSON takes; the class of such a folder has the same visible escapes."""
    name = os.fsdecode(b"caf\xe9")
    path = written(tmp_path / "m.safetensors", {"classes": [name, "b", "c"]})
    assert modelfile.load(path).classes == ("caf\\udce9", "b", "c")
    size = int.from_bytes(path.read_bytes()[:8], "little")
    path.read_bytes()[8 : 8 + size].decode("utf-8")
    assert b"\\\\udce9" in path.read_bytes()


@pytest.mark.skipif(os.name != "posix", reason="needs pipes")
def test_a_pipe_is_no_model_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.safetensors")
    for read in (modelfile.read_header, modelfile.load):
        with pytest.raises(ModelFileError, match="cannot be opened"):
            read(tmp_path / "pipe.safetensors")
