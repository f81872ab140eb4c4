"""The report as a reader's browser takes it: parsed, counted, and fed with hostile names."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.evaluation import as_probabilities, evaluate, evaluate_regression
from foveal.page import render, report
from foveal.page.report import ReportData
from foveal.report.blocks import Measured, RunFacts
from foveal.report.classification import classified

VOID = {"meta", "link", "br", "input", "img", "hr"}
COLUMNS = ("path", "kind", "output_shape", "parameters", "macs", "receptive_field")
LAYERS = [
    dict(zip(COLUMNS, row, strict=True))
    for row in (
        ("features/conv", "Conv2D", [26, 26, 8], 80, 48672, [3, 3]),
        ("flatten", "Flatten", [5408], 0, 0, [None, None]),
        ("logits", "Dense", [4], 21636, 21632, None),
    )
]


class Page(HTMLParser):
    """Elements with their attributes, checked to be closed in order; tables as lists of rows of texts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.tables: dict[str, list[list[str]]] = {}
        self.texts: list[str] = []
        self.open: list[str] = []
        self.table = ""
        self.feed(html)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "table":
            self.table = dict(attrs)["id"] or ""
            self.tables[self.table] = []
        elif tag == "tr":
            self.tables[self.table].append([])
        elif tag in ("td", "th"):
            self.tables[self.table][-1].append("")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> was never opened"
        assert self.open.pop() == tag, f"</{tag}> out of order"

    def handle_data(self, data: str) -> None:
        if "td" in self.open or "th" in self.open:
            self.tables[self.table][-1][-1] += data
        if not {"style", "script"} & set(self.open):
            self.texts.append(data)

    def attributes(self, name: str) -> list[str]:
        return [attributes[name] or "" for _, attributes in self.elements if name in attributes]

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.elements)


def data(classes: tuple[str, ...] = ("ant", "bee", "cow", "dog"), *, side: int = 28, channels: int = 1) -> ReportData:
    """A small run; the classes are what tests change."""
    draw = np.random.default_rng(5)
    labels = draw.integers(0, len(classes), 200)
    logits = draw.normal(size=(200, len(classes))) + 1.2 * np.eye(len(classes))[labels]
    found = evaluate(as_probabilities(logits), labels, classes, mistakes=8)
    return ReportData(
        title="first run",
        network="lecture_cnn",
        data="animals",
        history={"loss": [1.0, 0.5], "accuracy": [0.5, 0.8], "val_loss": [0.9, 0.6], "val_accuracy": [0.6, 0.7]},
        evaluation=found,
        layers=LAYERS,
        config={"epochs": 2, "optimizer": {"name": "adam", "lr": 0.001}, "augment": ["flip"], "runs": "/home/ann/runs"},
        environment={"python": "3.11.7", "seed": 1234567},
        command=["/home/ann/.venv/bin/foveal", "train", "/home/ann/nets/mine.json", "animals", "--seed", "1234567"],
        seconds=75.2,
        pictures=draw.integers(0, 256, (8, side, side, channels), dtype=np.uint8),
        filters=draw.normal(size=(3, 3, 1, 8)),
        filters_path="features/conv",
        counts={"train": 500, "validation": 100, "test": 200},
        steps=[{"epoch": 1, "step": 5, "loss": 2.0}, {"epoch": 1, "step": 10, "loss": 1.1}],
    )


def test_well_formed_self_contained_and_small() -> None:
    html = report.render(data())
    page = Page(html)
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    for address in [*page.attributes("href"), *page.attributes("src"), *page.attributes("xlink:href")]:
        assert address.startswith(("#", "data:"))
        assert not address.startswith("#") or address[1:] in ids, address
    assert {match.partition(")")[0][:5] for match in html.split("url(")[1:]} <= {"data:", *(f"#{i}"[:5] for i in ids)}
    assert set(re.findall(r"url\(#([^)]+)\)", html)) <= set(ids)
    assert "@import" not in html
    assert not {"iframe", "object", "embed", "form", "base"} & {name for name, _ in page.elements}
    assert len(html.encode()) < report.LIMIT
    assert page.count("svg") == 6  # five charts and the mark


def test_nothing_but_our_own_script_may_run() -> None:
    html = report.render(data())
    script = re.search(r"<script>(.*?)</script>", html, re.DOTALL)
    assert script
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    policy = next(a["content"] for name, a in Page(html).elements if name == "meta" and "http-equiv" in a)
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"


HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(2)>",
    "</style></svg><!-- $\\frac{1}{$ %s {0}",
    "日本語 \x00\x1b\ud800 ünï #010101; fill: red",
)


def test_hostile_names_are_only_text() -> None:
    run = replace(data(HOSTILE), title=HOSTILE[0], network=HOSTILE[1], data=HOSTILE[2], notes=HOSTILE, split="test")
    run = replace(
        run, config={HOSTILE[0]: HOSTILE[1]}, environment={HOSTILE[1]: HOSTILE[0]}, command=["foveal", *HOSTILE]
    )
    run = replace(run, layers=[{**LAYERS[0], "path": HOSTILE[0], "kind": HOSTILE[1]}], filters_path=HOSTILE[0])
    page = Page(report.render(run))
    safe = Page(report.render(data()))
    assert page.count("script") == safe.count("script") == 1
    assert page.count("img") == 0
    assert page.count("style") == 1
    assert not [key for _, attributes in page.elements for key in attributes if key.startswith("on")]
    assert "<script>alert(1)</script>" in page.texts  # shown, as text
    report.render(run).encode()  # no lone surrogates are left


def test_what_version_0_1_called_it_is_the_same_page() -> None:
    """``ReportData`` stays where the documentation had it; ``classified`` with the facts of the run says the same."""
    import foveal.evaluation

    assert foveal.evaluation.ReportData is ReportData
    old = replace(data(), layers=[], filters=None)
    new = classified(
        old.evaluation, name=old.network, data=old.data, counts=old.counts, history=old.history, pictures=old.pictures
    )
    about = RunFacts(
        old.title, old.network, old.data, "", {"": Measured(old.history, old.steps)}, old.config, old.environment, old.command,
        old.seconds,
    )  # fmt: skip
    assert render.render(new, about) == report.render(old)


def test_tables_add_up() -> None:
    run = data()
    tables = Page(report.render(run)).tables
    number = lambda text: int(text.replace(",", ""))  # noqa: E731
    layers = tables["table-layers"]
    for column, total in ((3, run.parameters), (4, run.macs)):
        assert sum(number(row[column]) for row in layers[1:-1]) == number(layers[-1][column]) == total
    confusion = tables["data-confusion"][1:]
    assert sum(number(row[-1]) for row in confusion) == run.evaluation.count
    assert all(sum(map(number, row[1:-1])) == number(row[-1]) for row in confusion)
    assert sum(number(confusion[i][i + 1]) for i in range(4)) == run.evaluation.correct
    classes = tables["table-classes"]
    assert sum(number(row[4]) for row in classes[1:-1]) == number(classes[-1][4]) == run.evaluation.count
    assert sum(number(row[1]) for row in tables["data-reliability"][1:]) == run.evaluation.count


def test_every_chart_has_its_table_and_every_picture_its_words() -> None:
    run = data()
    page = Page(report.render(run))
    assert {
        "data-loss",
        "data-accuracy",
        "data-confusion",
        "table-classes",
        "data-reliability",
        "table-weights",
    } <= set(page.tables)
    assert page.tables["data-loss"] == [
        ["epoch", "step by step", "training", "validation"],
        ["0.5", "2", "–", "–"],
        ["1", "1.1", "1", "0.9"],
        ["2", "–", "0.5", "0.6"],
    ]
    charts = [attributes for name, attributes in page.elements if name == "svg" and attributes.get("role") == "img"]
    assert len(charts) == 5
    assert all(len(chart["aria-label"] or "") > 20 for chart in charts)
    tiles = [
        attributes["aria-label"] or "" for _, attributes in page.elements if "tile" in (attributes.get("class") or "")
    ]
    assert len(tiles) == 8 + 8
    first = run.evaluation.mistakes[0]
    assert tiles[0] == f"test picture {first.index}: {run.evaluation.classes[first.true]}, " + (
        f"taken for {run.evaluation.classes[first.predicted]}"
    )


def test_what_is_copied_is_exact() -> None:
    """A cell shows a rounded value and carries the exact one, which the copy button takes; nothing where there is none."""
    run = data(("ant", "bee", "never there"))
    run = replace(
        run, evaluation=evaluate([[0.7, 0.3, 0.0], [0.6, 0.4, 0.0], [0.9, 0.1, 0.0]], [0, 1, 0], ["a", "b", "c"])
    )
    cells = re.findall(r"<td[^>]*data-v=\"([^\"]*)\"[^>]*>([^<]*)</td>", report.render(run))
    assert (repr(2 / 3), "0.667") in cells
    assert (repr(2 / 3), "66.67\N{NO-BREAK SPACE}%") in cells
    assert ("", "–") in cells


def test_each_tile_of_the_sheet_is_its_picture() -> None:
    run = data()
    html = report.render(run)
    address = re.search(r"\.sheet-mistakes\{background-image:url\(data:image/png;base64,([^)]+)\)", html)
    assert address
    sheet = np.asarray(Image.open(io.BytesIO(base64.b64decode(address[1]))))
    assert sheet.shape == (56, 168)  # six beside each other, two rows
    positions = [a["style"] for _, a in Page(html).elements if (a.get("class") or "").startswith("tile sheet-mistakes")]
    for place, style in enumerate(positions):
        across, down = (float(v) / 100 for v in re.findall(r"([\d.]+)%", style or ""))
        x, y = round(across * (168 - 28)), round(down * (56 - 28))
        assert np.array_equal(sheet[y : y + 28, x : x + 28], run.pictures[place, ..., 0])


def test_no_absolute_path_of_the_machine() -> None:
    html = report.render(replace(data(), notes=["read /home/ann/pictures/cats and no more"]))
    assert "ann" not in re.sub(r"base64,[^)]+", "", html).replace("channel", "")
    assert "foveal train mine.json animals --seed 1234567" in html
    assert "read …/cats and no more" in html
    assert "1,234,567" not in html  # a seed is not a quantity


def test_the_same_run_gives_the_same_bytes() -> None:
    assert report.render(data()) == report.render(data())


def test_large_pictures_and_many_classes_stay_under_the_limit() -> None:
    names = tuple(f"class number {i} with a long name" for i in range(300))
    run = data(names, side=224, channels=3)
    html = report.render(
        replace(run, layers=LAYERS * 200, filters=np.random.default_rng(0).normal(size=(7, 7, 3, 128)))
    )
    assert len(html.encode()) < report.LIMIT
    page = Page(html)
    assert len(page.tables["table-classes"]) == 302
    assert page.tables["data-confusion"][0] == ["true", "predicted", "samples", "share of the class"]


def test_over_the_limit_pictures_are_left_out_and_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    run = data()
    size = len(report.render(run).encode())
    monkeypatch.setattr(render, "LIMIT", size - 100)
    page = Page(report.render(run))
    assert "mistakes" not in page.attributes("id")
    assert "filters" in page.attributes("id")
    assert "A part of this report was left out to keep the file small." in page.texts


def test_a_run_without_test_set_validation_pictures_or_filters() -> None:
    run = replace(data(), split="validation", pictures=None, filters=None, layers=[], command=[], counts={}, config={})
    run = replace(run, history={"loss": [1.0]}, environment={}, steps=())
    html = report.render(run)
    page = Page(html)
    assert "validation accuracy" in page.texts
    assert "There was no test set" in html
    assert not {"mistakes", "filters", "network"} & set(page.attributes("id"))
    assert "data-loss" in page.tables
    assert "data-accuracy" not in page.tables


def test_regression_has_its_own_headline() -> None:
    run = replace(data(), evaluation=evaluate_regression([1.0, 2.0], [1.0, 2.5]), pictures=None)
    html = report.render(run)
    Page(html)
    assert "mean absolute error on 2 test samples" in html
    assert "confusion" not in Page(html).attributes("id")


def test_values_that_are_not_finite_do_not_break_it() -> None:
    run = replace(data(), history={"loss": [float("nan"), 1.0], "val_loss": [float("inf"), float("nan")]})
    run = replace(run, filters=np.full((3, 3, 1, 2), np.nan))
    Page(report.render(run))


def test_written_with_the_evaluation_beside_it(tmp_path: Path) -> None:
    run = data(("ant", "[ two   spaces ]", "cow", "dog"))
    assert report.write(tmp_path / "run" / "report.html", run) == tmp_path / "run" / "report.html"
    assert (tmp_path / "run" / "report.html").read_text(encoding="utf-8") == report.render(run)
    assert (
        type(run.evaluation).from_json(json.loads((tmp_path / "run" / "evaluation.json").read_text())) == run.evaluation
    )


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_texts_have_enough_contrast(theme: str) -> None:
    """WCAG 2.2, 1.4.3: 4.5 to 1 between text and what is behind it, also in the deepest cell of the matrix."""
    css = (files("foveal.page") / "static" / "report.css").read_text(encoding="utf-8")
    block = {"light": css, "dark": css[css.index('[data-theme="dark"]') :], "print": css[css.index("@media print") :]}[
        theme
    ]
    colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block[: block.index("}")] if theme != "print" else block))
    rgb = {name: np.array([int(value[i : i + 2], 16) for i in (1, 3, 5)]) / 255 for name, value in colours.items()}

    def light(colour: np.ndarray) -> float:
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return float(linear @ [0.2126, 0.7152, 0.0722])

    def contrast(a: np.ndarray, b: np.ndarray) -> float:
        low, high = sorted((light(a), light(b)))
        return (high + 0.05) / (low + 0.05)

    pairs = [(text, behind) for text in ("ink", "muted") for behind in ("bg", "card", "soft")]
    pairs += [("ink", "note"), ("one", "bg"), ("one", "card"), ("two", "card")]
    for text, behind in pairs:
        assert contrast(rgb[text], rgb[behind]) >= 4.5, (text, behind)
    for cell, alpha in (("cell-one", 0.64), ("cell-two", 0.8)):
        assert contrast(rgb["ink"], alpha * rgb[cell] + (1 - alpha) * rgb["card"]) >= 4.5, cell
