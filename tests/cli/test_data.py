"""``foveal data``: what is printed, what is drawn, and what programs get."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from foveal.cli.data import app
from foveal.data import Split
from foveal.data.contact_sheet import MOST_CLASSES, channels, draw_samples, draw_tensor
from foveal.data.dataset import DataSet
from foveal.data.generated.registry import GENERATED
from foveal.data.progress import progress
from foveal.data.published import digits
from foveal.errors import ConfigurationError, DataError, FovealError


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


def photograph(path: Path) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    Image.fromarray(values).save(path)
    return values


def test_a_data_set_is_drawn_and_counted() -> None:
    text = run("show", "digits")
    lines = [line.split() for line in text.splitlines()]
    assert ["label", "class", "training", "test"] in lines
    assert ["3", "3", "146", "37"] in lines
    assert ["total", "1,438", "359"] in lines
    assert text.splitlines()[-1] == "samples drawn in digits.png"
    with Image.open("digits.png") as sheet:
        assert sheet.width > 800


def test_a_data_set_for_programs(tmp_path: Path) -> None:
    answer = json.loads(run("show", "digits", "--json", "--resize", "10x12", "--out", "sub/a.png", "--samples", "3"))
    assert answer["shape"] == [10, 12, 1]
    assert (answer["training"], answer["test"]) == (1438, 359)
    assert sum(each["training"] for each in answer["classes"]) == 1438
    assert sum(each["test"] for each in answer["classes"]) == 359
    assert answer["drawing"] == "sub/a.png"
    assert (tmp_path / "sub/a.png").stat().st_size > 1000


def test_a_table_is_counted_and_not_drawn(tmp_path: Path) -> None:
    text = run("show", "iris")
    assert "rows of 4 numbers" in text
    assert list(tmp_path.iterdir()) == []
    assert json.loads(run("show", "iris", "--json"))["drawing"] is None


def test_unreadable_pictures_are_listed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / "d" / name).mkdir(parents=True)
        Image.new("L", (8, 8), ord(name)).save(tmp_path / "d" / name / "1.png")
    for number in range(12):
        (tmp_path / "d" / "a" / f"bad{number:02}.png").write_bytes(b"no")
    text = run("show", "d")
    assert "12 pictures could not be read:" in text
    assert "a/bad00.png: this is not a picture" in text
    assert "… and 2 more (--json lists all)" in text
    assert len(json.loads(run("show", "d", "--json"))["problems"]) == 12


def test_a_picture_is_printed_as_the_tensor_that_a_network_sees(tmp_path: Path) -> None:
    values = photograph(tmp_path / "p.png")
    text = run("show", "p.png", "--resize", "40x50")
    assert "p.png: 40 × 50 pixels, shown as a tensor of 40 × 50 × 3" in text
    blocks = text.split("\nchannel ")[1:]
    assert [block.splitlines()[0] for block in blocks] == ["1 of 3: red", "2 of 3: green", "3 of 3: blue"]
    for index, block in enumerate(blocks):
        rows = [line.split() for line in block.splitlines()[2:42]]
        np.testing.assert_array_equal(np.array(rows, dtype=int), values[..., index])
        assert len({len(line) for line in block.splitlines()[2:42]}) == 1, "the columns are not aligned"
    assert text.splitlines()[-1] == "drawn in p-40x50.png"


def test_a_large_picture_becomes_ten_by_ten_like_the_lectures(tmp_path: Path) -> None:
    values = photograph(tmp_path / "p.png")
    answer = json.loads(run("show", "p.png", "--json"))
    assert (answer["original"], answer["shape"]) == ([40, 50], [10, 10, 3])
    got = np.array([each["values"] for each in answer["channels"]])
    expected = values.reshape(10, 4, 10, 5, 3).mean((1, 3)).transpose(2, 0, 1)
    assert np.abs(got - expected).mean() < 12  # bicubic weighs the neighbourhood a little further than the plain mean
    with Image.open("p-10x10.png") as drawing:
        assert drawing.width > 600


def test_grey(tmp_path: Path) -> None:
    photograph(tmp_path / "p.png")
    assert "channel 1 of 1: grey" in run("show", "p.png", "--grey", "--resize", "5")
    assert Path("p-5x5.png").exists()


@pytest.mark.parametrize("text", ["10y10", "0x5", "10x", "5x5x5", "-3", "9999x1", "1.5"])
def test_a_size_that_is_none(text: str) -> None:
    with pytest.raises(ConfigurationError, match="a size is a height and a width"):
        run("show", "digits", f"--resize={text}")


@pytest.mark.parametrize("name", ["none.png", "none.csv", "nobody"])
def test_what_is_not_there(name: str) -> None:
    with pytest.raises(FovealError, match=r"there is no such|no data set"):
        run("show", name)


def test_the_list(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEAL_DATA", str(shared / "data/mnist"))
    rows = {row["name"]: row for row in json.loads(run("list", "--json"))}
    assert list(rows)[:7] == ["fashion-mnist", "mnist", "digits", "iris", "and", "or", "xor"]
    assert set(GENERATED) == set(list(rows)[7:])
    assert rows["mnist"]["where"] == str(shared / "data/mnist")
    assert rows["iris"]["where"] == "comes with scikit-learn"
    assert "fashion-mnist" in run("list")


def test_the_sheet_shows_the_pictures_of_their_class(tmp_path: Path) -> None:
    images = np.zeros((40, 10, 10, 3), np.uint8)
    labels = np.arange(40) % 2
    images[labels == 0] = (250, 0, 0)
    images[labels == 1] = (0, 0, 250)
    draw_samples(DataSet("d", ("red", "blue"), Split(images, labels), None, "x"), tmp_path / "s.png", columns=4)
    with Image.open(tmp_path / "s.png") as sheet:
        pixels = np.asarray(sheet.convert("RGB")).astype(int)
    red = (pixels == (250, 0, 0)).all(-1)
    blue = (pixels == (0, 0, 250)).all(-1)
    assert red.sum() > 5000
    assert blue.sum() > 5000
    assert np.flatnonzero(red.any(1)).max() < np.flatnonzero(blue.any(1)).min()


def test_a_sheet_of_many_classes_says_what_it_leaves_out(tmp_path: Path) -> None:
    count = MOST_CLASSES + 3
    split = Split(np.zeros((count, 4, 4, 1), np.uint8), np.arange(count))
    data = DataSet("d", tuple(map(str, range(count))), split, None, "x")
    assert draw_samples(data, tmp_path / "s.png") == "the sheet shows the first 24 of 27 classes"


def test_a_table_has_no_sheet(tmp_path: Path) -> None:
    data = DataSet("t", ("a",), Split(np.zeros((1, 3), np.float32), np.zeros(1, int)), None, "x")
    with pytest.raises(DataError, match="no pictures to draw"):
        draw_samples(data, tmp_path / "s.png")


def test_the_sheet_is_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        draw_samples(digits.load(), tmp_path / name, columns=3, seed=seed)
    same, again, other = ((tmp_path / name).read_bytes() for name in "abc")
    assert same == again
    assert same != other


@pytest.mark.parametrize("shape", [(3, 4, 1), (3, 4, 3), (60, 40, 3), (2, 2, 4)])
def test_every_tensor_is_drawn(shape: tuple[int, int, int], tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    draw_tensor(picture[..., :3] if shape[-1] == 4 else picture, tmp_path / "t.png", title="t")
    with Image.open(tmp_path / "t.png") as drawing:
        assert min(drawing.size) > 200
    assert len(channels(picture)) == shape[-1]


def test_no_progress_bar_off_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    with progress("something", 3, unit="bytes") as advance:
        advance(3)
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")


def test_a_progress_bar_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for unit in ("bytes", "items"):
        with progress("fetching Some-Set", 3, unit=unit) as advance:
            advance(3)
    assert "fetching Some-Set" in capsys.readouterr().err


def test_a_file_of_somebody_elses_is_left_alone() -> None:
    Path("digits.png").write_bytes(b"my own picture")
    text = run("show", "digits", "--samples", "1")
    assert text.splitlines()[-1] == "samples drawn in digits-2.png"
    assert "digits.png is there already and is no such drawing: it was left as it is" in text
    assert Path("digits.png").read_bytes() == b"my own picture"
    before = Path("digits-2.png").read_bytes()
    assert (
        run("show", "digits", "--samples", "2").splitlines()[-1] == "samples drawn in digits-2.png"
    )  # its own is renewed
    assert Path("digits-2.png").read_bytes() != before
    assert sorted(path.name for path in Path().iterdir()) == ["digits-2.png", "digits.png"]


@pytest.mark.parametrize("there", ["folder", "link to nowhere", "pipe", "empty"])
def test_whatever_stands_there_is_left_alone(there: str) -> None:
    import os

    place = Path("waves.png")
    {"folder": place.mkdir, "link to nowhere": lambda: place.symlink_to("nowhere"), "empty": place.touch,
     "pipe": lambda: os.mkfifo(place)}[there]()  # fmt: skip
    assert run("show", "waves", "--samples", "1").splitlines()[-1] == "examples drawn in waves-2.png"
    assert not Path("nowhere").exists()


def test_a_picture_is_not_drawn_over_the_picture() -> None:
    photograph(Path("a-10x10.png"))
    mine = Path("a-10x10.png").read_bytes()
    photograph(Path("a.png"))
    answer = json.loads(run("show", "a.png", "--json"))
    assert answer["drawing"] == "a-10x10-2.png"
    assert answer["notes"]
    assert Path("a-10x10.png").read_bytes() == mine
    run("show", "a.png", "--out", "a-10x10.png")  # said on purpose
    assert Path("a-10x10.png").read_bytes() != mine


def test_the_drawing_is_a_png() -> None:
    with pytest.raises(ConfigurationError, match="the drawing is a PNG file") as error:
        run("show", "digits", "--out", "sheet.jpg")
    assert error.value.fix == ("--out sheet.png",)
    assert run("show", "digits", "--samples", "1", "--out", "sheet").splitlines()[-1] == "samples drawn in sheet.png"
    assert (
        run("show", "digits", "--samples", "1", "--out", "/dev/null").splitlines()[-1] == "samples drawn in /dev/null"
    )
    assert not Path("/dev/null.png").exists()


def test_names_that_a_drawing_cannot_hold(tmp_path: Path) -> None:
    pictures = np.zeros((4, 6, 6, 1), np.uint8)
    names = ("$\\frac{1$", "two\nlines \x1b[2J", "漢字 \u202e abc", "x" * 5000)
    data = DataSet("$a_$\ud800", names, Split(pictures, np.arange(4)), None, "memory")
    draw_samples(data, tmp_path / "a.png", columns=2)
    with Image.open(tmp_path / "a.png") as sheet:
        assert max(sheet.size) < 3000
    draw_tensor(pictures[0], tmp_path / "b.png", title="$\\frac{1$\n")


@pytest.mark.parametrize("shape", [(1, 3000, 1), (3000, 1, 3), (600, 500, 4), (8, 8, 2), (8, 8, 5)])
def test_a_sheet_of_odd_shapes_stays_small(shape: tuple[int, int, int], tmp_path: Path) -> None:
    data = DataSet("odd", ("a", "b"), Split(np.full((2, *shape), 90, np.uint8), np.array([0, 1])), None, "memory")
    note = draw_samples(data, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as sheet:
        assert max(sheet.size) < 6000
    assert (note is not None) == (shape[2] not in (1, 3))


def test_one_class_can_be_looked_at(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", images=np.zeros((5, 8, 8), np.uint8), labels=np.zeros(5, int))
    assert "all of the training part is of one class: no classifier can learn from it" in run("show", "one.npz")


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_turned_picture_is_shown_upright_whatever_its_kind(orientation: int) -> None:
    values = np.random.default_rng(0).integers(0, 256, (5, 9, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    for kind in ("png", "tiff"):
        Image.fromarray(values).save(f"a.{kind}", exif=exif)
    answers = [json.loads(run("show", f"a.{kind}", "--json")) for kind in ("png", "tiff")]
    assert answers[0]["shape"] == answers[1]["shape"] == ([5, 9, 3] if orientation < 5 else [9, 5, 3])
    assert answers[0]["original"] == answers[1]["original"]
    assert answers[0]["channels"] == answers[1]["channels"]
