"""The model file: what it holds, who can read it, and everything that is refused before memory is taken."""

from __future__ import annotations

import json
import pickle
import resource
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from foveal import modelfile, zoo
from foveal.backends.torch import build
from foveal.errors import FileError, ModelFileError
from foveal.modelfile import ModelFileWarning
from foveal.network import Sequential, layers
from foveal.tensorheader import is_node_path

NETWORK = Sequential(
    [
        Sequential([layers.Conv2D(4, 3, name="conv1"), layers.BatchNormalization(name="bn")], name="features"),
        layers.Flatten(),
        layers.Dense(3, name="head"),
    ],
    input_shape=(5, 5, 1),
    name="small",
)
FACTS: dict[str, Any] = {"classes": ["a", "b", "ü"], "preprocessing": {"scale": 255}, "training": {"epochs": 2}}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return modelfile.save(tmp_path / "model.safetensors", NETWORK, build(NETWORK, seed=4).state_dict(), FACTS)


def parts(path: Path) -> tuple[dict[str, Any], bytes]:
    """The header's JSON and the bytes behind it."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    return json.loads(data[8 : 8 + length]), data[8 + length :]


def write(path: Path, header: dict[str, Any] | str, data: bytes) -> Path:
    text = (header if isinstance(header, str) else json.dumps(header)).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


def refusal(path: Path, read: Callable[[Path], object] = modelfile.load) -> str:
    with pytest.raises(ModelFileError) as caught:
        read(path)
    text = str(caught.value)
    assert str(path) in text
    assert "to fix" in text
    return text


# What is in it --------------------------------------------------------------------------------------------------------


def test_everything_comes_back(written: Path) -> None:
    network, state, metadata = loaded = modelfile.load(written)
    assert (network, metadata) == (NETWORK, FACTS)
    assert (loaded.classes, loaded.facts) == (("a", "b", "ü"), {"epochs": 2})
    expected = build(NETWORK, seed=4).state_dict()
    assert list(state) == list(expected)
    assert all(torch.equal(state[key], expected[key]) for key in expected)


def test_tensors_are_named_by_path_for_any_reader(written: Path) -> None:
    found = load_file(written)
    assert sorted(found) == sorted(
        ["features/conv1/weight", "features/conv1/bias", "features/bn/weight", "features/bn/bias",
         "features/bn/running_mean", "features/bn/running_var", "head/weight", "head/bias"]
    )  # fmt: skip
    assert torch.equal(found["features/conv1/weight"], build(NETWORK, seed=4).features.conv1.weight)
    with safe_open(written, "pt") as file:
        assert json.loads(file.metadata()["foveal"])["format"] == 1


def test_the_same_model_gives_the_same_file(written: Path, tmp_path: Path) -> None:
    again = modelfile.save(tmp_path / "again", NETWORK, build(NETWORK, seed=4).state_dict(), FACTS)
    assert again.read_bytes() == written.read_bytes()
    assert len(written.read_bytes()) % 4 == 0


def test_a_network_without_weights_is_a_file_too(tmp_path: Path) -> None:
    network = Sequential([layers.Flatten()], input_shape=(2, 2, 1))
    path = modelfile.save(tmp_path / "m.safetensors", network, {})
    assert modelfile.load(path) == (network, {}, {})


def test_numbers_that_json_cannot_hold_become_null(tmp_path: Path) -> None:
    state = build(NETWORK).state_dict()
    path = modelfile.save(tmp_path / "m", NETWORK, state, {"training": {"loss": [1.0, float("nan")], "shape": (2, 3)}})
    assert modelfile.load(path).facts == {"loss": [1.0, None], "shape": [2, 3]}


def test_the_header_is_read_without_torch_and_without_weights(written: Path) -> None:
    code = (
        "import sys; from foveal import modelfile; h = modelfile.read_header(sys.argv[1]);"
        "assert 'torch' not in sys.modules and 'numpy' not in sys.modules;"
        "print(h.network.name, h.metadata['training'], len(h.tensors), h.size)"
    )
    done = subprocess.run([sys.executable, "-c", code, str(written)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"small {{'epochs': 2}} 8 {written.stat().st_size}"


# What is refused when writing -----------------------------------------------------------------------------------------


def test_a_state_of_another_network_is_not_written(tmp_path: Path) -> None:
    state = build(NETWORK).state_dict()
    state["head.wait"] = state.pop("head.weight")
    with pytest.raises(ModelFileError, match="not those of the network") as caught:
        modelfile.save(tmp_path / "m", NETWORK, state)
    assert "1 missing: head/weight; 1 unknown: head/wait" in str(caught.value)
    assert not any(tmp_path.iterdir())


def test_objects_are_no_metadata(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="not plain data"):
        modelfile.save(tmp_path / "m", NETWORK, build(NETWORK).state_dict(), {"training": {"array": np.zeros(2)}})
    with pytest.raises(ModelFileError, match="not plain data"):
        modelfile.save(tmp_path / "m", NETWORK, build(NETWORK).state_dict(), {"training": {1: 2}})
    assert not any(tmp_path.iterdir())


def test_a_failed_write_leaves_the_file_before(written: Path) -> None:
    before = written.read_bytes()
    state = build(NETWORK, seed=9).state_dict()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(FileError):
            modelfile.save(written, NETWORK, state)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert written.read_bytes() == before
    assert list(written.parent.iterdir()) == [written]


# What is refused when reading -----------------------------------------------------------------------------------------


class Trap:
    """Runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a pickle was opened",))


@pytest.mark.parametrize("protocol", [1, 2, 4, 5])
def test_pickles_are_refused_by_name(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "trap.safetensors"
    path.write_bytes(pickle.dumps({"weights": [Trap()] * 3}, protocol))
    text = refusal(path)
    assert (
        "this is a pickle: opening one can run any code, so it is refused" in text
        if protocol > 1
        else "not a model file"
    )


@pytest.mark.parametrize("new", [True, False])
def test_pytorchs_own_files_are_refused_by_name(tmp_path: Path, new: bool) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"weight": torch.zeros(3)}, path, _use_new_zipfile_serialization=new)
    assert ("a zip archive, as PyTorch's .pt" in refusal(path)) is new
    assert "refused" in refusal(path)


def test_archives_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    assert "archives may hold pickles, so they are refused" in refusal(path)
    (tmp_path / "old.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    assert "an HDF5 file, as Keras' .h5 is" in refusal(tmp_path / "old.h5")


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 40, 500, -1])
def test_a_file_cut_short_is_refused(written: Path, size: int) -> None:
    written.write_bytes(written.read_bytes()[:size])
    text = refusal(written)
    assert any(said in text for said in ("not a model file", "ends within its header", "the file is cut short"))


def test_bytes_behind_the_last_tensor_are_refused(written: Path) -> None:
    written.write_bytes(written.read_bytes() + b"\0")
    assert "there are bytes behind the last tensor" in refusal(written)


def test_a_header_that_is_too_long_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "long"
    with path.open("wb") as file:  # a sparse file: nothing is written
        file.write(struct.pack("<Q", 2**30) + b"{")
        file.truncate(2**31)
    assert "the header is too long" in refusal(path)
    path.write_bytes(struct.pack("<Q", 2**63) + b"{}")
    assert "the file ends within its header" in refusal(path)


@pytest.mark.parametrize(
    "name", ["../../etc/x", "/etc/passwd", "a//b", "..", "a/./b", "", "a b", "ü", "a\\b", "a" * 65]
)
def test_names_that_are_no_node_path_are_refused(written: Path, name: str) -> None:
    header, data = parts(written)
    header[name] = header.pop("head/bias")
    text = refusal(write(written, header, data))
    assert "a tensor's name is not a node path" in text
    assert not is_node_path(name)


def test_the_library_would_have_taken_such_a_name(tmp_path: Path) -> None:
    """Why we look ourselves: safetensors itself reads and writes it."""
    path = tmp_path / "x.safetensors"
    save_file({"../../etc/x": torch.zeros(2)}, path)
    assert list(load_file(path)) == ["../../etc/x"]
    assert "not a node path" in refusal(path)


def test_a_key_twice_is_refused(written: Path) -> None:
    header, data = parts(written)
    text = json.dumps(header)
    twice = text[:-1] + ', "head/bias": ' + json.dumps(header["head/bias"]) + "}"
    assert "the key 'head/bias' occurs twice in the header" in refusal(write(written, twice, data))
    inside = text.replace('"dtype": "F32"', '"dtype": "F32", "dtype": "F32"', 1)
    assert "the key 'dtype' occurs twice in the header" in refusal(write(written, inside, data))


@pytest.fixture
def no_memory(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on a tensor that takes memory is a failure of the test."""
    empty = torch.empty

    def refuse(*shape: Any, **options: Any) -> torch.Tensor:
        assert str(options.get("device")) == "meta", f"memory was taken for {shape}"
        return empty(*shape, **options)

    monkeypatch.setattr(torch, "empty", refuse)


@pytest.mark.usefixtures("no_memory")
def test_a_small_file_that_declares_terabytes_costs_nothing(written: Path) -> None:
    """Refused by the sums, by the file's size or by the description."""
    header, _ = parts(written)
    declared = {"dtype": "F32", "shape": [1_000_000, 1_000_000], "data_offsets": [0, 4_000_000_000_000]}
    path = write(written, {"__metadata__": header["__metadata__"], "head/weight": declared}, b"\0" * 16)
    assert path.stat().st_size < 1570
    assert "the file is cut short" in refusal(path)
    declared["data_offsets"] = [0, 16]
    assert "the bytes of head/weight are not what its shape needs" in refusal(
        write(written, {"__metadata__": header["__metadata__"], "head/weight": declared}, b"\0" * 16)
    )
    with pytest.raises(AssertionError, match="memory was taken"):  # the guard of this test works
        torch.empty(3)


@pytest.mark.usefixtures("no_memory")
def test_a_description_of_terabytes_costs_nothing(written: Path) -> None:
    """The description itself may ask for anything: it is outlined without memory, and the tensors are not there."""
    header, data = parts(written)
    held = json.loads(header["__metadata__"]["foveal"])
    held["network"] = {"foveal": 1, "input": [1_000_000], "layers": [{"kind": "Dense", "units": 1_000_000}]}
    header["__metadata__"]["foveal"] = json.dumps(held)
    assert "the tensors are not those of the network" in refusal(write(written, header, data))
    held["network"]["layers"] = [{"kind": "Dense", "units": 2**62}]
    header["__metadata__"]["foveal"] = json.dumps(held)
    assert "the file's network cannot be built" in refusal(write(written, header, data))
    held["network"]["layers"] = [{"kind": "Dense", "units": 10**30}]
    header["__metadata__"]["foveal"] = json.dumps(held)
    assert "the file's network is refused" in refusal(write(written, header, data))


@pytest.mark.usefixtures("no_memory")
@pytest.mark.parametrize(
    "hostile",
    [
        {"kind": "Conv2D", "filters": 10**15, "kernel_size": 1, "groups": 7},
        {"kind": "Conv2D", "filters": 7 * 10**15, "kernel_size": 1, "groups": 7},
        {"kind": "Residual", "body": [{"kind": "Conv2D", "filters": 2, "kernel_size": 10**11}]},
        {"kind": "DistanceWeightedPooling2D", "pool_size": 10**6},
        {"kind": "AdaptiveMaxPooling2D", "output_size": 10**12},
    ],
    ids=lambda hostile: hostile["kind"],
)
def test_a_description_that_asks_for_long_work_gets_none(written: Path, hostile: dict[str, Any]) -> None:
    header, data = parts(written)
    network = {"input": [10**12, 10**12, 10**15], "layers": [hostile]}
    refusal(write(written, described(header, network=network), data))


def shifted(header: dict[str, Any], name: str, by: int) -> None:
    header[name]["data_offsets"] = [place + by for place in header[name]["data_offsets"]]


def test_holes_and_overlaps_are_refused(written: Path) -> None:
    header, data = parts(written)
    shifted(header, "head/bias", 4)
    assert "head/bias has a hole before it" in refusal(write(written, header, data + b"\0" * 4))
    shifted(header, "head/bias", -8)
    assert "head/bias overlaps the tensor before it" in refusal(write(written, header, data))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"shape": [4, 1, 9]}, "a tensor is not as the network describes it"),
        ({"dtype": "I32"}, "a tensor is not as the network describes it"),
        ({"dtype": "F31"}, "the dtype of features/conv1/weight is not known"),
        ({"dtype": ["F32"]}, "the dtype of features/conv1/weight is not known"),
        ({"shape": [36.0]}, "the sizes of features/conv1/weight are not sizes"),
        ({"shape": [True, 36]}, "the sizes of features/conv1/weight are not sizes"),
        ({"shape": [-1, -36]}, "the sizes of features/conv1/weight are not sizes"),
        ({"shape": [1] * 9}, "the sizes of features/conv1/weight are not sizes"),
        ({"shape": 36}, "the sizes of features/conv1/weight are not sizes"),
        ({"data_offsets": [0]}, "the sizes of features/conv1/weight are not sizes"),
        ({"more": 1}, "the header's entry for features/conv1/weight is not dtype, shape and data_offsets"),
    ],
)
def test_a_wrong_entry_is_refused(written: Path, change: dict[str, Any], said: str) -> None:
    header, data = parts(written)
    header["features/conv1/weight"].update(change)
    assert said in refusal(write(written, header, data))


def test_the_message_names_the_tensor_and_both_shapes(written: Path) -> None:
    header, data = parts(written)
    header["head/weight"]["shape"] = [36, 3]
    assert refusal(write(written, header, data)) == (
        f"{written}, head/weight: a tensor is not as the network describes it\n"
        "  given     F32, 36 × 3\n"
        "  expected  F32, 3 × 36\n"
        "  to fix    save the weights with the network that they belong to"
    )


def test_missing_and_unknown_tensors_are_named(written: Path) -> None:
    header, data = parts(written)
    header["tail/bias"] = header.pop("head/bias")
    assert "1 missing: head/bias; 1 unknown: tail/bias" in refusal(write(written, header, data))


def described(header: dict[str, Any], **changes: Any) -> dict[str, Any]:
    held = json.loads(header["__metadata__"]["foveal"])
    return {**header, "__metadata__": {"foveal": json.dumps({**held, **changes})}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "this version of the model file is not known"),
        ({"format": True}, "this version of the model file is not known"),
        ({"metadata": []}, "the description is not format, network and metadata"),
        ({"metadata": {"classes": "abc"}}, "the class names are not list of texts"),
        ({"metadata": {"training": []}}, "the facts of the training are not mapping"),
        ({"network": {"layers": [{"kind": "os.system", "command": "x"}]}}, "there is no layer of kind 'os.system'"),
        ({"network": {"layers": [{"kind": "Dense", "units": 3, "module": "os"}]}}, "there is no argument 'module'"),
        ({"network": {"layers": [{"kind": "Dense", "units": -3}]}}, "units cannot be -3"),
        ({"network": {"layers": [{"kind": "Flatten"}]}}, "the file's network cannot be built"),  # no input shape
    ],
)
def test_a_wrong_description_is_refused(written: Path, changes: dict[str, Any], said: str) -> None:
    header, data = parts(written)
    assert said in refusal(write(written, described(header, **changes), data))


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    save_file(build(NETWORK).state_dict(), tmp_path / "weights.safetensors")
    assert "the file holds weights, but no network" in refusal(tmp_path / "weights.safetensors")


@pytest.mark.parametrize(
    "text",
    ["{" + "[" * 100_000, '{"a": NaN', '{"a": 1}}', '{"__metadata__": {"a": 1}}', "{\xff", '{"a":' + "9" * 5000 + "}"],
)
def test_a_header_that_is_no_json_is_refused(tmp_path: Path, text: str) -> None:
    refusal(write(tmp_path / "x", text, b""))


def test_a_missing_file_is_explained(tmp_path: Path) -> None:
    assert "the model file cannot be opened" in refusal(tmp_path / "none")
    assert "the model file cannot be opened" in refusal(tmp_path)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers_are_warned_of(tmp_path: Path, value: float) -> None:
    state = build(NETWORK).state_dict()
    state["head.bias"][1] = value
    path = modelfile.save(tmp_path / "m", NETWORK, state)
    with pytest.warns(ModelFileWarning, match="1 of 8 tensors hold values that are not finite numbers: head/bias"):
        found = modelfile.load(path).state["head.bias"]
    assert torch.equal(found.isfinite(), torch.tensor([True, False, True]))


@given(data=st.data())
def test_no_damage_passes_unnoticed_or_raises_anything_else(data: st.DataObject, tmp_path_factory: Any) -> None:
    """Any byte of the header changed: an error of ours, or a file that is still whole."""
    folder = tmp_path_factory.getbasetemp()
    path = modelfile.save(folder / "fuzzed.safetensors", NETWORK, build(NETWORK).state_dict(), FACTS)
    content = bytearray(path.read_bytes())
    (length,) = struct.unpack("<Q", content[:8])
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, 8 + length - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    try:
        network, state, _ = modelfile.load(path)
    except ModelFileError:
        return
    build(network).load_state_dict(state)


def test_the_largest_network_is_outlined_quickly_enough_to_be_asked(tmp_path: Path) -> None:
    """A full-size network's file: every tensor of densenet121 by its path."""
    network = zoo.create("densenet121", classes=2)
    path = modelfile.save(tmp_path / "d.safetensors", network, build(network, device="cpu").state_dict())
    assert len(modelfile.read_header(path).tensors) == len(modelfile.load(path).state)
