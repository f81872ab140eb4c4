"""``foveal check``: right engines pass, broken ones are named, and what crashes or hangs takes nothing along.

An engine is broken by a ``sitecustomize`` that every Python process of the command imports first.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import foveal
from foveal.backends.checking import check, plain
from foveal.backends.checking.sites import sites
from foveal.backends.torch_layers import convolution
from foveal.cli.app import main
from foveal.errors import ConfigurationError, FovealError, OutOfMemory, ShapeError
from foveal.network import Auxiliary, Parallel, Residual, Sequential, layers, walk
from foveal.network.layers import LAYERS
from foveal.network.shape import Image, Tokens, as_shape
from tests.contracts.instances import INSTANCES, Instance, label

NET = Sequential(
    [
        layers.Conv2D(4, 3, activation="relu", name="first"),
        layers.Conv2D(5, 3, name="second"),
        layers.Flatten(name="flat"),
        layers.Dense(3, name="last"),
    ],
    input_shape=(8, 8, 2),
)
BREAK = """
import os, sys, time
if "worker" in " ".join(sys.orig_argv):
    import torch
    import torch.nn.functional as F
    plain = F.conv2d
    def conv2d(x, w, *more):
        if w.dtype == torch.float32 and len(w) == 5:
            {what}
        return plain(x, w, *more)
    F.conv2d = conv2d
"""


def command(*words: str, broken: str | None = None, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, with convolutions of five filters broken in its workers."""
    paths = [str(Path(foveal.__file__).parents[1])]
    if broken is not None:
        assert folder is not None
        (folder / "sitecustomize.py").write_text(BREAK.format(what=broken), encoding="utf-8")
        paths.insert(0, str(folder))
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "foveal", "check", *words],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1"},
    )


def described(folder: Path) -> str:
    from foveal.network import codec

    path = folder / "net.json"
    path.write_text(codec.to_json(NET), encoding="utf-8")
    return str(path)


def test_every_layer_has_a_second_algorithm() -> None:
    assert {kind.__name__ for kind in plain.rules.rules} == set(LAYERS)
    assert set(plain.METHODS) == set(plain.rules.rules)


@pytest.mark.parametrize("instance", INSTANCES, ids=label)
def test_every_layer_is_right(instance: Instance) -> None:
    layer, shape = instance
    (node,) = check(Sequential([layer], input_shape=shape), isolated=False).nodes
    assert node.verdict == "right", node.errors
    assert max(node.errors.values()) < 2e-5
    assert {"output"} <= node.errors.keys()
    assert ("by input" in node.errors) is not isinstance(shape, Tokens)


def test_where_branches_meet() -> None:
    conv = layers.Conv2D(3, 3, padding="same")
    network = Sequential(
        [
            Residual([conv, layers.BatchNormalization()], [layers.Conv2D(3, 1)], name="block"),
            Residual([conv], name="plain"),
            Parallel([[conv], []], name="wide"),
            Parallel([[conv], [layers.Conv2D(3, 1)]], merge="add", name="sum"),
            Auxiliary([layers.GlobalAveragePooling2D()], name="side"),
            layers.GlobalAveragePooling2D(name="end"),
        ],
        input_shape=(6, 6, 3),
    )
    report = check(network, isolated=False)
    assert report.fine
    paths = [node.path for node in report.nodes]
    composed = {path for path, node in walk(network) if isinstance(node, Sequential | Auxiliary)}
    assert sorted(paths) == sorted(path for path, _ in walk(network) if path not in composed)
    assert len(set(paths)) == len(paths)
    (twin,) = [node for node in report.nodes if node.path == "plain/body/conv2d_1"]
    assert twin.note == "as block/body/conv2d_1"
    met = {site.path: site.inputs for site in sites(network, as_shape((6, 6, 3)))}
    assert met["plain"] == (Image(6, 6, 3), Image(6, 6, 3))
    assert met["wide"] == (Image(6, 6, 3), Image(6, 6, 3))


def test_a_wrong_weight_gradient_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """As oneDNN #6035 was: forward right, one gradient wrong, nobody told."""

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(context, weight):
            return weight.clone()

        @staticmethod
        def backward(context, above):
            return above * 1.01 if above.dtype == torch.float32 else above

    right = convolution.convolve
    monkeypatch.setattr(convolution, "convolve", lambda x, w, *more: right(x, Wrong.apply(w), *more))
    report = check(NET, isolated=False)
    assert not report.fine
    assert [node.path for node in report.nodes if not node.fine] == ["first", "second"]
    node = report.nodes[0]
    assert node.worst == "by weight"
    assert node.largest == pytest.approx(0.01, rel=1e-3)
    assert node.errors["output"] < 1e-5


def test_values_that_are_no_numbers_are_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    right = convolution.convolve
    monkeypatch.setattr(convolution, "convolve", lambda *all: right(*all) / 0)
    report = check(NET, isolated=False)
    assert [node.verdict for node in report.nodes] == ["wrong", "wrong", "right", "right"]
    assert json.loads(json.dumps(report.to_dict(), allow_nan=False))["nodes"][0]["errors"]["output"] is None


def test_the_command(tmp_path: Path) -> None:
    said = command(described(tmp_path), "--json")
    assert said.returncode == 0, said.stderr
    told = json.loads(said.stdout)
    assert told["right"] is True
    assert [node["path"] for node in told["nodes"]] == ["first", "second", "flat", "last"]
    assert said.stderr == ""


@pytest.mark.parametrize(
    ("broken", "verdict"),
    [("return plain(x, w, *more) * 1.01", "wrong"), ("os.abort()", "crashed"), ("time.sleep(900)", "no answer")],
)
def test_a_broken_engine_is_named(tmp_path: Path, broken: str, verdict: str) -> None:
    said = command(described(tmp_path), "--time-limit", "10", broken=broken, folder=tmp_path)
    assert said.returncode == 1, said.stderr
    assert f"second: {verdict}" in said.stdout
    assert "1 of 4 nodes wrong" in said.stdout
    for path in ("first", "flat", "last"):
        (line,) = [line for line in said.stdout.splitlines() if line.startswith(path)]
        assert line.endswith("right")


def test_a_node_that_damages_a_later_one_is_found(tmp_path: Path) -> None:
    """The second convolution leaves the process to die in the next layer, as a write past a buffer does."""
    late = "import atexit; atexit.register(os.abort)"
    said = command(described(tmp_path), broken=late, folder=tmp_path)
    assert said.returncode == 1, said.stderr
    assert "second: crashed" in said.stdout
    assert "1 of 4 nodes wrong" in said.stdout


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["no_such_net"], "no_such_net"),
        (["lenet5", "--input", "3x3x1x1x1"], "not an input shape"),
        (["lenet5", "--device", "cuda:99"], "no such device"),
        (["lenet5", "--batch", "1"], "at least two samples"),
        (["lenet5", "--tolerance", "nan"], "tolerance must be positive"),
        (["lenet5", "--allow-memory", "much"], "not a size of memory"),
    ],
)
def test_mistakes_of_users(words: list[str], problem: str, monkeypatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["foveal", "check", *words])
    with pytest.raises(SystemExit) as left:
        main()
    assert left.value.code == 2
    assert problem in capsys.readouterr().err


def test_refusals() -> None:
    with pytest.raises(ConfigurationError, match="too large to be checked"):
        check(Sequential([layers.Flatten()], input_shape=(4096, 4096, 9)))
    with pytest.raises(ShapeError):
        check(Sequential([layers.Conv2D(1, 9)], input_shape=(4, 4, 1)))
    with pytest.raises(FovealError, match="no input shape"):
        check(Sequential([layers.Flatten()]))


def test_open_axes_are_closed_and_said() -> None:
    network = Sequential([layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()], input_shape=(None, None, 1))
    report = check(network, isolated=False)
    assert report.input == "64 × 64 × 1"
    assert "takes any size" in report.assumed
    assert check(network, "9x9x1", isolated=False).assumed == ""


def test_a_node_of_gigabytes_is_refused_before_it_is_made() -> None:
    wide = Sequential([layers.Dense(60_000), layers.Dense(60_000)], input_shape=4)
    with pytest.raises(OutOfMemory, match="dense_2: the copies of this node's parameters") as refused:
        check(wide)
    size = re.search(r"--allow-memory (\S+),", str(refused.value))
    assert size is not None  # the repair lets just this through
    small = Sequential([layers.Dense(20, input_shape=40)])
    foveal.allow_memory("20kB")
    try:
        with pytest.raises(OutOfMemory):
            check(small)
        foveal.allow_memory("27kB")
        assert check(small, isolated=False).fine
    finally:
        foveal.allow_memory(None)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="looks into /proc")
def test_a_check_that_is_killed_leaves_no_worker_behind(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        BREAK.format(what=f"open({str(tmp_path / 'worker')!r}, 'w').write(f'{{os.getpid()}} '); time.sleep(600)")
    )
    paths = [str(tmp_path), str(Path(foveal.__file__).parents[1])]
    process = subprocess.Popen(
        [sys.executable, "-m", "foveal", "check", described(tmp_path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": "1"},
    )
    number = ""
    while not number.endswith(" "):
        assert process.poll() is None
        number = (tmp_path / "worker").read_text() if (tmp_path / "worker").exists() else ""
        time.sleep(0.05)
    process.kill()
    process.wait()
    worker = Path("/proc", number.strip(), "stat")
    for _ in range(600):
        if not worker.exists() or worker.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.05)
    os.kill(int(number), 9)
    raise AssertionError("the worker lives on")
