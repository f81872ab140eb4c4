"""The drawing: well-formed, every node under its path, nothing outside the frame, nothing over each other."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator

import pytest

from foveal import zoo
from foveal.arithmetic.summary import Summary, summarize
from foveal.drawing.diagram import draw
from foveal.drawing.folding import Run, runs, signature
from foveal.network import Parallel, Residual, Sequential, layers

SVG = "{http://www.w3.org/2000/svg}"
NAMES = zoo.names()
Box = tuple[str, float, float, float, float]


def parsed(drawing: str) -> ElementTree.Element:
    return ElementTree.fromstring(drawing)


def boxes(element: ElementTree.Element, x: float = 0, y: float = 0, identity: str = "") -> Iterator[Box]:
    """Every node's own rectangle in the drawing's coordinates: (path, left, top, right, bottom)."""
    moved = re.fullmatch(r"translate\(([-\d.]+) ([-\d.]+)\)", element.get("transform", ""))
    if moved:
        x, y = x + float(moved[1]), y + float(moved[2])
    for child in element:
        if child.tag == f"{SVG}rect" and identity:
            left, top = x + float(child.get("x", 0)), y + float(child.get("y", 0))
            yield identity, left, top, left + float(child.get("width", 0)), top + float(child.get("height", 0))
        if child.tag == f"{SVG}g":
            yield from boxes(child, x, y, child.get("id", ""))


@pytest.mark.parametrize("name", NAMES)
def test_every_path_is_there_unless_its_block_is_folded(name: str) -> None:
    numbers = summarize(zoo.create(name), name=name)
    whole, folded = parsed(draw(numbers, fold=False)), parsed(draw(numbers))
    paths = [element.get("id") for element in whole.iter(f"{SVG}g") if element.get("id")]
    empty = {
        row.path
        for row in numbers.rows
        if row.kind == "Sequential" and numbers.row(row.path) and _empty(numbers, row.path)
    }
    assert sorted(paths) == sorted({row.path for row in numbers.rows} - empty)
    assert len(paths) == len(set(paths))
    few = {element.get("id") for element in folded.iter(f"{SVG}g") if element.get("id")}
    assert few <= set(paths)
    for row in numbers.rows:
        if row.depth <= 1 and row.path not in empty and not row.layer:
            assert row.path in few


def _empty(numbers: Summary, path: str) -> bool:
    return not any(row.path.startswith(f"{path}/") for row in numbers.rows)


@pytest.mark.parametrize("name", ["lecture_cnn", "googlenet", "resnet50", "densenet121", "vgg16"])
def test_nothing_leaves_the_frame_and_layers_do_not_overlap(name: str) -> None:
    numbers = summarize(zoo.create(name), name=name)
    root = parsed(draw(numbers))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    layer_paths = {row.path for row in numbers.layers}
    found = list(boxes(root))
    for path, left, top, right, bottom in found:
        assert left >= 0, path
        assert top >= 0, path
        assert right <= width, path
        assert bottom <= height, path
    own = [box for box in found if box[0] in layer_paths]
    for place, (path, left, top, right, bottom) in enumerate(own):
        for other, left2, top2, right2, bottom2 in own[place + 1 :]:
            apart = right <= left2 or right2 <= left or bottom <= top2 + 0.1 or bottom2 <= top + 0.1
            assert apart, (path, other)


def test_blocks_that_repeat_are_drawn_once() -> None:
    assert len(draw(summarize(zoo.create("densenet201")))) < 200_000
    root = parsed(draw(summarize(zoo.create("resnet152"))))
    assert float(root.get("height", 0)) < 8_000
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "34 more like block2" in texts
    tips = [element.text for element in root.iter(f"{SVG}title")]
    assert any(tip and tip.startswith("layer3/block20: Residual") for tip in tips)


def test_the_drawing_can_be_read_aloud() -> None:
    root = parsed(draw(summarize(zoo.lecture_cnn(), name="lecture_cnn")))
    assert root.get("role") == "img"
    assert root.find(f"{SVG}title").text == "lecture_cnn"  # type: ignore[union-attr]
    assert "93,322 parameters" in (root.find(f"{SVG}desc").text or "")  # type: ignore[union-attr]
    texts = [element.text for element in root.iter(f"{SVG}text")]
    for expected in ("Conv2D 3 × 3 · 64", "26 × 26 × 32", "input 28 × 28 × 1", "output 10", "18,496"):
        assert expected in texts
    tips = [element.text or "" for element in root.iter(f"{SVG}title")]
    assert any("conv2d_2: Conv2D" in tip and "sees 8, step 2" in tip for tip in tips)


def test_light_and_dark() -> None:
    drawing = draw(summarize(zoo.lecture_cnn()))
    assert "prefers-color-scheme:dark" in drawing
    colours = re.findall(r'(?:fill|stroke)="#', drawing)
    assert not colours, "colours come from the style alone"
    assert "<script" not in drawing
    assert "http" not in drawing.replace("http://www.w3.org/2000/svg", "")


def test_a_broken_network_is_drawn_up_to_the_break() -> None:
    network = Sequential(
        [layers.Conv2D(8, 3), Residual([layers.Conv2D(4, 3, padding="same")], name="block"), layers.Dense(3)],
        input_shape=(28, 28, 1),
    )
    drawing = draw(summarize(network, name="<odd> & name"))
    root = parsed(drawing)
    texts = [element.text for element in root.iter(f"{SVG}text")]
    assert "✗" in texts
    assert "26 × 26 × 4" in texts
    assert "26 × 26 × 8 around" in texts
    assert 'id="dense_1"' not in drawing
    assert "It breaks: block: shapes that differ cannot be added" in (root.find(f"{SVG}desc").text or "")  # type: ignore[union-attr]
    first = parsed(draw(summarize(Sequential([layers.Conv2D(8, 99)], input_shape=(9, 9, 1)))))
    assert "✗ Conv2D 99 × 99 · 8" in [element.text for element in first.iter(f"{SVG}text")]


def test_runs_of_alike_blocks() -> None:
    def block(filters: int, name: str) -> Residual:
        return Residual([layers.Conv2D(filters, 3, padding="same", name=name)])

    relu = layers.Activation("relu")
    nodes = [block(8, "a"), relu, block(8, "b"), relu, block(8, "c"), relu, block(9, "a"), relu]
    assert runs(nodes) == [Run(0, 2, 3), Run(6, 1, 1), Run(7, 1, 1)]
    assert signature(nodes[0]) == signature(nodes[2]) != signature(nodes[6])
    assert runs([relu, relu, relu, relu]) == [Run(i, 1, 1) for i in range(4)], "layers alone are drawn, each"
    assert runs([block(8, "a"), block(8, "b")]) == [Run(0, 1, 1), Run(1, 1, 1)], "two are drawn, each"


def test_a_branch_that_hands_its_input_on_is_an_arc() -> None:
    dense = Parallel([[], [layers.Conv2D(4, 3, padding="same")]], name="dense")
    drawing = draw(summarize(Sequential([dense], input_shape=(9, 9, 2))))
    assert 'class="arc"' in drawing
    assert "concat · 6" in drawing
