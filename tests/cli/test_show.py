"""``foveal show`` as a user types it."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from foveal import systems, zoo
from foveal.cli import show
from foveal.errors import ConfigurationError, DescriptionError, FovealError, ShapeError, UnknownName
from foveal.network import Sequential, codec, layers

app = typer.Typer()
app.command()(show.command)


def run(*arguments: str) -> str:
    """What is printed; an error of ours is raised as it is."""
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def run_json(*arguments: str) -> Any:
    return json.loads(run(*arguments, "--json"))


def test_a_zoo_network() -> None:
    text = run("lecture_cnn")
    assert "conv2d_2" in text
    assert "93,322" in text
    assert "2,794,240" in text


def test_json_has_the_promised_form() -> None:
    found = run_json("vgg16")
    assert list(found)[:3] == ["network", "input", "layers"]
    assert found["network"] == "vgg16"
    assert found["input"] == [224, 224, 3]
    assert (found["totals"]["parameters"], found["totals"]["macs"]) == (138_357_544, 15_470_264_320)
    pooled = [layer for layer in found["layers"] if layer["kind"] == "MaxPooling2D"][-1]
    assert (pooled["receptive_field"], pooled["stride"], pooled["output_shape"]) == ([212, 212], [32, 32], [7, 7, 512])


def test_another_input_and_number_of_classes() -> None:
    found = run_json("resnet18", "--input", "32x32x3", "--classes", "10")
    assert found["input"] == [32, 32, 3]
    assert found["layers"][-1]["output_shape"] == [10]


@pytest.mark.parametrize("suffix", [".json", ".yaml"])
def test_a_description_file(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"mine{suffix}"
    path.write_text(codec.text_for(zoo.lenet5(), suffix), encoding="utf-8")
    found = run_json(str(path))
    assert (found["network"], found["totals"]["parameters"]) == ("mine", 61_706)
    assert run_json(str(path), "--input", "30x30x1")["input"] == [30, 30, 1]


def test_a_model_file_is_read_without_its_weights(tmp_path: Path) -> None:
    from foveal import modelfile
    from foveal.backends.torch import build

    network = Sequential([layers.Dense(3, name="dense")], input_shape=4)
    path = tmp_path / "small.safetensors"
    modelfile.save(path, network, build(network).state_dict(), {"classes": ["a", "b", "c"]})
    assert run_json(str(path))["totals"]["parameters"] == 15


def test_why() -> None:
    text = run("lecture_cnn", "--why", "conv2d_2")
    assert "= (3 × 3 × 32 + 1) × 64" in text
    assert "F turned by 180° ∗ dE/dO, full" in text
    found = run_json("lecture_cnn", "--why", "conv2d_2")
    assert found["sections"][0]["title"] == "Output"
    with pytest.raises(UnknownName):
        run("lecture_cnn", "--why", "conv9")


def test_dense_against_convolution() -> None:
    assert "16,959,488" in run("lecture_cnn", "--dense", "conv2d_1")
    assert run_json("lecture_cnn", "--dense", "conv2d_1")["dense"]["weights"] == 16_959_488
    with pytest.raises(DescriptionError):
        run("lecture_cnn", "--dense", "flatten_1")


def test_two_networks() -> None:
    text = run("lenet5", "lecture_cnn")
    assert "× 1.51" in text
    found = run_json("lenet5", "lecture_cnn")
    assert [network["network"] for network in found["networks"]] == ["lenet5", "lecture_cnn"]


def test_a_drawing(tmp_path: Path) -> None:
    path = tmp_path / "network.svg"
    assert f"Drawn into {path}" in run("googlenet", "--svg", str(path))
    assert 'id="inception_4e/3x3"' in path.read_text(encoding="utf-8")


def test_depth_folds_blocks() -> None:
    lines = run("resnet18", "--depth", "1").splitlines()
    assert not any("block1" in line for line in lines)
    assert any(line.startswith("layer4") and "8,393,728" in line for line in lines)


def test_the_list() -> None:
    text = run("--list")
    found = run_json("--list")
    assert [each["kind"] for each in found] == ["network"] * len(zoo.entries()) + ["system"] * len(systems.SYSTEMS)
    for entry in found:
        assert entry["name"] in text
        wanted = {"paper", "year", "parameters"} if entry["kind"] == "network" else {"source", "lecture", "command"}
        assert wanted <= entry.keys()


def test_a_network_that_breaks_is_shown_up_to_there_and_explained(tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    network = Sequential([layers.Conv2D(8, 3), layers.MaxPooling2D(40), layers.Flatten()], input_shape=(28, 28, 1))
    path.write_text(codec.to_json(network))
    svg = tmp_path / "broken.svg"
    result = CliRunner().invoke(app, [str(path), "--svg", str(svg)])
    assert isinstance(result.exception, ShapeError)
    assert "conv2d_1" in result.output
    assert "✗ does not fit" in result.output
    assert "✗" in svg.read_text(encoding="utf-8")
    process = subprocess.run(
        [sys.executable, "-m", "foveal.cli.app", "show", str(path)], capture_output=True, text=True, check=False
    )
    assert process.returncode == 2
    assert "✗ does not fit" in process.stdout
    assert "max_pooling2d_1: the window is larger than its input" in process.stderr
    assert "to fix" in process.stderr
    as_json = json.loads(CliRunner().invoke(app, [str(path), "--json"]).output)
    assert "the window is larger than its input" in as_json["error"]


def test_a_small_picture_for_a_large_network_is_explained() -> None:
    with pytest.raises(ShapeError) as caught:
        run("vgg16", "--input", "16x16x3")
    assert "the window is larger than its input" in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "kind", "words"),
    [
        ((), ConfigurationError, "no network was named"),
        (("resnet51",), UnknownName, "resnet50"),
        (("nothing.json",), FovealError, "the description cannot be read"),
        (("nothing.safetensors",), FovealError, "nothing.safetensors"),
        (("x.json", "--classes", "3"), ConfigurationError, "--classes is for networks of the zoo"),
        (("lenet5", "--input", "28by28"), ConfigurationError, "--input 28x28x1"),
        (("lenet5", "--input", "28x0x1"), ConfigurationError, "--input: this is not an input shape"),
    ],
)
def test_mistakes(arguments: tuple[str, ...], kind: type[FovealError], words: str) -> None:
    with pytest.raises(kind) as caught:
        run(*arguments)
    assert words in str(caught.value)
    assert caught.value.fix


@pytest.mark.parametrize(
    ("name", "shape"),
    [("lenet5", "784"), ("resnet18", "28x28"), ("conv1d", "28x28x1"), ("rnn", "3"), ("text_cnn", "50"), ("seq2seq", "5"),
     ("dcgan", "28x28x1")],
)  # fmt: skip
def test_another_kind_of_input_is_mended_by_what_is_offered(name: str, shape: str) -> None:
    with pytest.raises(DescriptionError) as caught:
        run(name, "--input", shape)
    assert caught.value.fix
    for fix in caught.value.fix:
        words = shlex.split(fix.removesuffix(", say"))
        run(*(words[2:] if words[0] == "foveal" else [name, *words]))


def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "network.txt"
    path.write_text("x")
    with pytest.raises(UnknownName) as caught:
        run(str(path))
    assert "no known suffix" in str(caught.value)


def test_nothing_heavy_is_imported() -> None:
    """The half second of `foveal show` rests on this."""
    code = (
        "import sys; from foveal.cli import show; from typer.testing import CliRunner; import typer; a = typer.Typer();"
        "a.command()(show.command); r = CliRunner().invoke(a, ['vgg16']); assert r.exit_code == 0, r.output;"
        "print(sorted({'torch', 'numpy', 'matplotlib', 'sklearn', 'PIL', 'yaml', 'rich.table'} & set(sys.modules)))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "[]"


def test_a_run_folder_stands_for_its_model_and_a_pickle_is_never_opened(tmp_path: Path) -> None:
    import foveal
    from foveal.cli.show import read as _read
    from foveal.errors import UnknownName

    network = foveal.zoo.tiny("lenet5")
    foveal.Model(network, seed=0).save(tmp_path / "model.safetensors")
    assert _read(str(tmp_path), None, None) == network
    (tmp_path / "weights.pt").write_bytes(b"\x80\x04")
    with pytest.raises(UnknownName, match="no known suffix") as caught:
        _read(str(tmp_path / "weights.pt"), None, None)
    assert "never opened" in str(caught.value)
