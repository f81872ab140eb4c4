"""Markup, drawings, sheets of pictures and portable texts, each on its own."""

from __future__ import annotations

import base64
import io
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from PIL import Image

from foveal.page import figure as drawing
from foveal.page import sprites
from foveal.page.portable import command, portable
from foveal.page.shell import environment
from foveal.printable import printable
from foveal.report.colours import FIRST, INK
from foveal.report.filters import coloured

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@given(raw=st.text())
def test_any_text_survives_as_text(raw: str) -> None:
    """Parsed again, an element holds exactly what was put in, with control characters as visible escapes."""
    made = environment().from_string('<p title="{{ raw }}">{{ raw }}</p>').render(raw=raw)
    element = ElementTree.fromstring(made)
    clean = "".join(c if c == "\t" else printable(c, lines=True) for c in raw)
    assert (element.text or "") == clean
    assert unescape(environment().from_string("{{ raw }}").render(raw=raw)) == clean
    assert not element.findall("*")


def test_markup_is_not_escaped_twice() -> None:
    inner = environment().from_string("<b>{{ '<' }}</b>").render()
    made = environment().from_string("<p>{{ inner }}</p><i>{{ nothing }}</i>")
    assert made.render(inner=Markup(inner), nothing=None) == "<p><b>&lt;</b></p><i></i>"
    assert made.render(inner=inner, nothing=None) == "<p>&lt;b&gt;&amp;lt;&lt;/b&gt;</p><i></i>"


def drawn(label: str) -> str:
    def paint(figure: Figure) -> dict[str, str]:
        axes = figure.add_subplot()
        (line,) = axes.plot([0, 1], [0, 1], color=FIRST, marker="o")
        line.set_gid("the-line")
        axes.set_xlabel(label, color=INK)
        return {"the-line": "hover <me>"}

    return drawing.draw("trial", (2, 2), paint, "a <line>")


def test_a_drawing_follows_the_page() -> None:
    svg = drawn("x")
    root = ElementTree.fromstring(svg)
    assert root.attrib == {"viewBox": "0 0 144 144", "role": "img", "aria-label": "a <line>"}
    styles = [e.get("style", "") for e in root.iter()]
    assert any("stroke:var(--one)" in style for style in styles)
    assert any("fill:var(--ink)" in style for style in styles)
    assert not any(stand_in in svg for stand_in in ("#010101", "#020202", "#030303", "#050505"))
    assert "font-family" not in svg
    assert "http" not in svg
    assert not root.findall(".//style") + root.findall(".//metadata")
    ids = [e.get("id") for e in root.iter() if e.get("id")]
    assert all((name or "").startswith("trial-") for name in ids)
    assert {e.get("href") for e in root.iter("use")} <= {f"#{name}" for name in ids}
    assert [e.text for e in root.iter("title")] == ["hover <me>"]


def test_labels_are_neither_mathematics_nor_colours() -> None:
    label = "$x_1$ #010101; <b>"
    texts = [e.text for e in ElementTree.fromstring(drawn(label)).iter("text")]
    assert label in texts


@given(count=st.integers(1, 20), height=st.integers(1, 9), width=st.integers(1, 9), channels=st.sampled_from([1, 3]))
def test_a_sheet_holds_each_picture_where_it_says(count: int, height: int, width: int, channels: int) -> None:
    stack = np.random.default_rng(count).integers(0, 256, (count, height, width, channels), dtype=np.uint8)
    sheet = sprites.pictures(stack, columns=6)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet.address.partition(",")[2]))))
    pixels = pixels.reshape(*pixels.shape[:2], channels)
    assert pixels.shape == (sheet.rows * height, sheet.columns * width, channels)
    for place in range(count):
        across, down = (float(v.rstrip("%")) / 100 for v in sheet.position(place).split())
        x, y = round(across * (sheet.columns - 1)) * width, round(down * (sheet.rows - 1)) * height
        assert np.array_equal(pixels[y : y + height, x : x + width], stack[place])


def test_large_pictures_are_shrunk_to_the_budget() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (24, 200, 100, 3), dtype=np.uint8)
    sheet = sprites.pictures(noise)
    assert len(base64.b64decode(sheet.address.partition(",")[2])) <= sprites.BUDGET
    assert sheet.height == pytest.approx(2 * sheet.width, abs=1)


@pytest.mark.parametrize("bad", [np.zeros((2, 4, 4, 2), np.uint8), np.zeros((2, 4, 4)), np.zeros((0, 4, 4), np.uint8)])
def test_what_is_no_picture_is_refused(bad: np.ndarray) -> None:
    with pytest.raises(ValueError, match="pictures must be uint8"):
        sprites.pictures(bad)


def test_filters_grow_lighter_with_their_weight() -> None:
    weights = np.linspace(-1, 1, 9).reshape(1, 9, 1, 1)
    sheet = sprites.pictures(coloured(weights), columns=8)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet.address.partition(",")[2])))).astype(float)[0]
    lightness = pixels @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(lightness) > 0).all()
    assert np.ptp(pixels[4]) < 12  # zero is grey


def test_colour_filters_are_colour_pictures() -> None:
    weights = np.zeros((2, 2, 3, 5))
    weights[0, 0, 0, 1] = 1.0
    sheet = sprites.pictures(coloured(weights), columns=5)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet.address.partition(",")[2]))))
    assert pixels.shape == (2, 10, 3)
    assert pixels[0, 2].tolist() == [255, 128, 128]
    assert pixels[1, 2].tolist() == [128, 128, 128]


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/srv/work/runs/first", "runs/first"),
        ("/srv/workshop/x", "…/x"),
        ("/home/ann lee/pictures/cats.npz", "…/cats.npz"),
        ("C:\\Users\\ann\\cats.npz", "…/cats.npz"),
        ("found in /usr/share/data/fashion, as packaged", "found in …/fashion, as packaged"),
        ("~/pictures/cats", "…/cats"),
        ("1/2 and N/A, train/test, a / b", "1/2 and N/A, train/test, a / b"),
        ("see arXiv:1706.04599, 3 × 3", "see arXiv:1706.04599, 3 × 3"),
        (0.001, "0.001"),
    ],
)
def test_paths_are_made_portable(raw: object, expected: str) -> None:
    assert portable(raw, here=Path("/srv/work")) == expected


def test_a_command_can_be_typed_again() -> None:
    given = ["/opt/bin/foveal", "train", "/srv/work/net.json", "--name=a b", "--data=/mnt/x/cats", "--lr", "1e-3"]
    assert command(given, here=Path("/srv/work")) == "foveal train net.json '--name=a b' --data=cats --lr 1e-3"
    assert command(["/x/foveal/__main__.py", "train"]) == "foveal train"
    assert command([]) == ""
