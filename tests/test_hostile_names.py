"""Names of other people go through every command and into every file, and none of them steers a terminal or breaks a file."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from foveal.cli.app import app
from foveal.errors import FovealError
from foveal.figures import shorten
from foveal.streams import say

CLASSES = (
    b"cat\x1b[31mred", b"[red]dog", "a\u202egnp.exe".encode(), b"new\nline", "\u200bzero".encode(), b"$x_1$", b"caf\xe9",
    b"<blink>&amp;", "\u061c\u2066iso".encode(), "\x9bC1".encode(), "猫".encode(), b"{evil}%s\\", b"\x07bell\x7f\r\t",
)  # fmt: skip
FORBIDDEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\u2028\u2029\ud800-\udfff]"
)
HOSTILE = "cat\x1b[2J<b>&\u202e\ufffe\x00\udcff$x^$\n_"
NET = {"foveal": 1, "input": [8, 8, 1], "layers": [{"kind": "Flatten"}, {"kind": "Dense", "units": len(CLASSES)}]}


def _folder(root: Path) -> str:
    """A folder of pictures, all of whose names are hostile; and a picture that cannot be read."""
    random = np.random.default_rng(0)
    data = os.fsdecode(os.fsencode(root) + b"/da\x1bta[bold]\xff")
    for place, name in enumerate(CLASSES):
        for part, count in (("train", 6), ("test", 2)):
            folder = Path(data, part, os.fsdecode(name))
            folder.mkdir(parents=True)
            for each in range(count):
                pixels = (random.random((8, 8)) * 60 + 15 * place).astype(np.uint8)
                Image.fromarray(pixels).save(folder / f"{each}.png")
    Path(data, "train", os.fsdecode(CLASSES[0]), os.fsdecode(b"bro\x1b[0mken\xe9\n.png")).write_bytes(b"no picture")
    return data


class _Commands:
    """Runs ``foveal`` in this process, and looks at every character that it prints."""

    def __init__(self, root: Path) -> None:
        self.root, self.data = root, _folder(root)

    def __call__(self, *words: str, fails: bool = False) -> str:
        out, error = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error), contextlib.chdir(self.root):
            try:
                status = app(list(words), standalone_mode=False) or 0
            except FovealError as problem:  # as main prints it
                say(str(problem), error=True)
                status = 2
        told = [stream.buffer.getvalue().decode("utf-8") for stream in (out, error)]  # type: ignore[attr-defined]
        assert bool(status) == fails, told
        assert not FORBIDDEN.findall("".join(told)), told
        return "".join(told)


@pytest.fixture(scope="module")
def foveal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[_Commands]:
    if sys.platform != "linux":
        pytest.skip("file names are bytes on Linux only")
    commands = _Commands(tmp_path_factory.mktemp("hostile"))
    (commands.root / "net.json").write_text(json.dumps(NET))
    commands("train", "net.json", commands.data, "--epochs", "1", "--name", "run", "--runs", "ru\x1bns\udcff")
    return commands


def _run(foveal: _Commands) -> Path:
    return foveal.root / "ru\x1bns\udcff" / "run"


def test_looking_at_the_data(foveal: _Commands) -> None:
    told = foveal("data", "show", foveal.data, "-o", "shee\x1bt\udcff.png")
    assert "[red]dog" in told
    assert "new\\nline" in told
    assert (foveal.root / "shee\x1bt\udcff.png").read_bytes().startswith(b"\x89PNG")
    names = [
        each["name"] for each in json.loads(foveal("data", "show", foveal.data, "-o", "s.png", "--json"))["classes"]
    ]
    assert {"new\nline", "a\u202egnp.exe", "猫", "cat\x1b[31mred"} <= set(names)  # JSON keeps the true value


def test_training_again_and_going_on(foveal: _Commands) -> None:
    for line in foveal("train", "net.json", foveal.data, "--epochs", "1", "--json").splitlines():
        assert json.loads(line)["event"]
    with contextlib.suppress(FileNotFoundError):
        (_run(foveal) / "report.html").unlink()
    foveal("train", "--resume", str(_run(foveal)))
    assert (_run(foveal) / "report.html").is_file()


def test_evaluation(foveal: _Commands) -> None:
    assert "[red]dog" in foveal("evaluate", str(_run(foveal)))
    told = json.loads(foveal("evaluate", str(_run(foveal)), foveal.data, "--json"))
    assert "new\nline" in told["classes"]


def test_prediction(foveal: _Commands) -> None:
    good = [str(Path(foveal.data, "test", os.fsdecode(name), "0.png")) for name in CLASSES]
    bad = str(Path(foveal.data, "train", os.fsdecode(CLASSES[0]), os.fsdecode(b"bro\x1b[0mken\xe9\n.png")))
    told = foveal("predict", str(_run(foveal)), good[0], bad, *good[1:], fails=True)
    assert told.count("%") >= len(good), "a bad picture hid the others"
    found = json.loads(foveal("predict", str(_run(foveal)), *good, "--json"))
    assert [each["image"] for each in found["predictions"]] == good


def test_mistakes(foveal: _Commands) -> None:
    evil = "no\x1b[2J\udcff\n\u202e"
    for words in (
        ("show", evil), ("show", f"{evil}.json"), ("show", "lenet5", "--why", evil), ("show", "lenet5", "--input", evil),
        ("evaluate", evil), ("train", "--resume", evil), ("train", evil), ("train", "net.json", evil),
        ("train", "net.json", foveal.data, "--name", evil), ("train", "net.json", foveal.data, "--augment", evil),
        ("data", "show", evil),
        ("data", "show", f"{evil}.png"), ("predict", str(_run(foveal)), f"{evil}.png"), ("train", "vae", "--set", evil),
    ):  # fmt: skip
        assert "\\x1b[2J" in foveal(*words, fails=True), words


def test_drawings_and_pictures(foveal: _Commands) -> None:
    foveal("show", "lenet5", "--svg", "dra\x1bwn\udcff.svg")
    foveal("data", "show", str(Path(foveal.data, "test", os.fsdecode(CLASSES[0]), "0.png")), "-o", "picture.png")
    foveal("show", str(_run(foveal) / "model.safetensors"))


def test_a_description_with_such_names(foveal: _Commands) -> None:
    (foveal.root / "evil.json").write_text(json.dumps({**NET, "name": "n\x1b[2J\u202e\ufffe<b>"}))
    assert "\\x1b[2J" in foveal("show", "evil.json", fails=True)


def test_a_drawing_is_xml_whatever_it_says() -> None:
    from foveal.drawing.svg import group, text

    drawn = f"<svg>{text(0, 0, HOSTILE, 'style')}{group('id', 'style', HOSTILE, '')}</svg>"
    assert not FORBIDDEN.search(drawn)
    assert "cat\\x1b[2J" in "".join(ElementTree.fromstring(drawn).itertext())


def test_a_chart_takes_every_name() -> None:
    from matplotlib.figure import Figure

    from foveal.page.figure import draw

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot(title=shorten(HOSTILE, 60))
        axes.bar([0, 1], [1, 2], label=shorten(HOSTILE, 60))
        axes.set_xticks([0, 1], [shorten(HOSTILE), shorten("$x_1^$")])
        axes.text(0, 0, HOSTILE.replace("\udcff", ""))
        axes.legend()

    drawn = draw("chart", (3, 2), paint, HOSTILE)
    assert not FORBIDDEN.search(drawn)
    ElementTree.fromstring(drawn)


def test_files_of_a_run_hold_names_that_any_program_reads(foveal: _Commands) -> None:
    folder = _run(foveal)
    for path in folder.rglob("*.json*"):
        text = path.read_bytes().decode("utf-8")
        assert not FORBIDDEN.search(text), path
        for part in text.splitlines() if path.suffix == ".jsonl" else [text]:
            json.loads(part)
    head = (folder / "model.safetensors").read_bytes()
    length = int.from_bytes(head[:8], "little")
    header = json.loads(head[8 : 8 + length])
    for value in header["__metadata__"].values():
        value.encode("utf-8")
    classes = json.loads(header["__metadata__"]["foveal"])["metadata"]["classes"]
    assert "a\u202egnp.exe" in classes


def test_the_report_shows_names_and_is_not_steered(foveal: _Commands) -> None:
    html = (_run(foveal) / "report.html").read_bytes().decode("utf-8")
    assert not FORBIDDEN.search(html.replace("\t", " "))
    tags: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attributes: tags.append(tag)  # type: ignore[method-assign,assignment]
    parser.feed(html)
    assert "blink" not in tags, "a class name became markup"
    for shown in ("&lt;blink&gt;&amp;amp;", "a\\u202egnp.exe", "[red]dog", "$x_1$", "猫"):
        assert shown in html, shown
