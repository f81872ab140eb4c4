"""Every kind of block becomes HTML that is whole, escaped and small."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import get_args
from xml.etree import ElementTree

import numpy as np
import pytest

from foveal.network import Sequential
from foveal.network.layers import Dense, Flatten
from foveal.page import blocks as page_blocks
from foveal.page import render as page
from foveal.page.render import LIMIT
from foveal.page.shell import environment
from foveal.report.blocks import (
    Answer,
    Answers,
    Bars,
    Cell,
    Chart,
    Command,
    Headline,
    Heat,
    Lines,
    Pair,
    Paragraph,
    Pictures,
    Plot,
    Report,
    Rows,
    RunFacts,
    Scatter,
    Section,
    Series,
    Settings,
    Single,
    Texts,
)  # fmt: skip
from foveal.training.history import History

RANDOM = np.random.default_rng(0)
NASTY = '<script>alert("1")</script> & $x$'


def _paint(figure):
    figure.add_subplot().plot([0, 1], [1, 0])


BLOCKS = [
    Lines("lines", "lag", "loss", [Series(NASTY, [1, 2], [3, 4], [2, 3], [4, 5]), Series("b", [1, 2], [1, 1])], NASTY),
    Lines("log", "n", "error", [Series("a", [1, 10, 100], [1, 0.1, 0.01])], "falls", log_x=True, log_y=True),
    Scatter("map", RANDOM.normal(size=(700, 2)), RANDOM.integers(0, 3, 700), ["a", NASTY, "c"], "a map"),
    Bars("bars", ["a", NASTY], {"one": [1.0, 2.0], "two": [np.float32(2), 1]}, "bars"),
    Heat("heat", RANDOM.random((3, 40)), ["a", "b", " "], [NASTY] * 40, "heat"),
    Heat("one", np.ones((1, 1)), [], [], "one cell"),
    Pictures("grey", RANDOM.integers(0, 256, (7, 8, 8), np.uint8), [NASTY] * 7, "grey", columns=3),
    Pictures("colour", RANDOM.integers(0, 256, (2, 40, 60, 3), np.uint8), None, "colour"),
    Pictures("none", np.zeros((0, 8, 8), np.uint8), None, "nothing"),
    Rows("rows", ["name", "value"], [[NASTY, np.float64(0.125)], ["b", 3]], "a table"),
    Texts("texts", [("T = 0.5", "def f():\n    return '<b>'"), ("", NASTY)], "texts"),
    Plot("plot", _paint, "a plot", "two points"),
    Plot("plot-rows", _paint, "a plot", "two points", ["x", "y"], [[0, np.int64(1)]]),
]
UNNAMED = [
    Answers("answers", RANDOM.integers(0, 256, (1, 8, 8), np.uint8), [Answer(3, NASTY, "9 %", NASTY, "1 %", NASTY)]),
    Paragraph(NASTY),
    Command(["foveal", "train", NASTY]),
    Settings(NASTY, {NASTY: {NASTY: [NASTY]}}),
    Pair(Rows("left", [NASTY], [[Cell(NASTY, 0.5)]], heading=NASTY), Paragraph(NASTY), wide=True),
]


def told(blocks, **more) -> tuple[Report, RunFacts]:
    history = History({"loss": [2.0, 1.0], "val_loss": [2.1, 1.2], "d_loss": [1.0, 1.0]}, [0, 1], [], [0.1, 0.1])
    network = Sequential([Flatten(), Dense(3)], input_shape=(4, 4, 1))
    found = Report(
        [Headline(NASTY, 0.5, NASTY, percent=True), Headline("second", -3)],
        [Section("What was seen", "Look here & there.", blocks)],
        {"one": network, "two": network},
        {"a": 1},
        notes=[NASTY],
        **more,
    )
    return found, RunFacts("run-1", "A system", "data", "Somebody 1998", {"": history, "stage": history}, {"epochs": 2},
                           {"python": "3"}, ["foveal", "train", "vae"], 12.0)  # fmt: skip


def render(told: tuple[Report, RunFacts]) -> str:
    return page.render(*told)


def whole(html: str) -> ElementTree.Element:
    """The page as a tree: fails where an element is not closed."""
    body = html[html.index("<body") : html.index("</html>")]
    body = re.sub(r"\s(hidden|open)(?=[\s>])", r' \1=""', body)
    return ElementTree.fromstring(re.sub(r"<(input|link|meta|br|hr|img)\b([^>]*)>", r"<\1\2/>", body))


@pytest.mark.parametrize("found", BLOCKS, ids=lambda found: found.name)
def test_a_block_is_whole_and_escaped(found):
    html = render(told([found]))
    tree = whole(html)
    assert "<script>alert" not in html
    assert found.caption.split("<")[0] in "".join(tree.itertext())


@pytest.mark.parametrize("found", UNNAMED, ids=lambda found: type(found).__name__)
def test_a_block_without_a_caption_is_whole_and_escaped(found):
    html = render(told([found]))
    whole(html)
    assert "<script>alert" not in html
    assert html.count("&lt;script&gt;alert") > render(told([Paragraph("")])).count("&lt;script&gt;alert")


def test_every_kind_of_block_has_its_macro_and_is_drawn_here():
    """A chart is made a drawing first, so one macro serves all of them."""
    macros = set(environment().get_template("blocks.html").module.__dict__)
    assert {kind.__name__.lower() for kind in get_args(Single) if kind not in get_args(Chart)} | {"plot"} <= macros
    assert {type(each) for each in (*BLOCKS, *UNNAMED)} == {*get_args(Single), Pair}


def test_where_numbers_stand_for_others_the_cell_says_so_and_copies_the_exact_one():
    html = render(told([Rows("cells", ["name", "share"], [["a", Cell("66.7 %", 2 / 3)]])]))
    assert f'data-v="{2 / 3!r}">66.7 %</td>' in html


def test_small_charts_that_follow_one_another_share_a_row_and_a_pair_is_one():
    line = Lines("one", "x", "y", [Series("a", [1, 2], [3, 4])], "one")
    table = Rows("rows", ["x"], [[1]], "rows")
    (part,) = page_blocks.laid_out([Section("s", "", [line, line, table, line, Pair(line, table)])])
    rows = part.rows
    assert [(row.kind, len(row.blocks)) for row in rows] == [("pair twins blocks", 2), ("", 1), ("", 1), ("pair", 2)]


def test_blocks_and_sections_of_one_name_have_ids_of_their_own():
    line = Lines("loss", "x", "y", [Series("a", [1, 2], [3, 4])], "a line called as a curve is")
    dark, light = (Pictures("seen", np.full((1, 4, 4), level, np.uint8), None, "seen") for level in (0, 200))
    found, about = told([line, line, dark, light])
    found = replace(
        found, sections=[*found.sections, Section("Curves", "Called as a section that every report has.", [line])]
    )
    html = page.render(found, about)
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert {"data-loss", "data-loss-2", "data-loss-3", "data-loss-4", "curves", "curves-2"} <= set(ids)
    assert len(ids) == len(set(ids))
    sheets = re.findall(r"\.(sheet-seen[-\d]*)\{background-image:url\(([^)]+)\)", html)
    assert [name for name, _ in sheets] == ["sheet-seen", "sheet-seen-2"]
    assert sheets[0][1] != sheets[1][1], "each has its own picture"


def test_all_blocks_together_have_ids_of_their_own_and_stay_small():
    html = render(told(BLOCKS))
    ids = re.findall(r'\bid="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert len(html.encode()) < LIMIT
    text = "".join(whole(html).itertext())
    assert "50 %" in text
    assert "−3" in text
    assert "Stage: d loss" in text
    assert "51" in text, "the layers' parameters are listed"


def test_many_large_pictures_are_made_small_enough():
    noise = RANDOM.integers(0, 256, (40, 96, 96, 3), np.uint8)  # noise does not compress
    html = render(told([Pictures(f"noise-{i}", noise, None, "noise") for i in range(6)]))
    assert len(html.encode()) < LIMIT
    assert html.count("data:image/png") >= 6


def test_the_bar_leads_to_every_section():
    tree = whole(render(told(BLOCKS[:2])))
    ids = {each.get("id") for each in tree.iter()}
    links = [each.get("href")[1:] for each in tree.iter("a") if (each.get("href") or "").startswith("#")]
    assert len(links) > 4
    assert set(links) <= ids


def test_a_picture_has_its_own_pixels():
    import base64
    import io

    from PIL import Image

    stack = np.zeros((2, 4, 4), np.uint8)
    stack[1] = 200
    html = render(told([Pictures("two", stack, ["dark", "light"], "two", columns=2)]))
    data = re.search(r"\.sheet-two\{background-image:url\(data:image/png;base64,([^)]+)\)", html)[1]
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
    assert sheet.shape == (4, 8)
    assert (sheet[:, :4] == 0).all()
    assert (sheet[:, 4:] == 200).all()
