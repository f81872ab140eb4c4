"""The table: columns that fit, sums that hold, and a golden text.

After a change that is meant, regenerate the golden files: ``FOVEAL_REGENERATE=1 pytest tests/drawing``.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from foveal import zoo
from foveal.arithmetic.summary import summarize
from foveal.arithmetic.worked.derivation import derive
from foveal.drawing import listing, pair, table, worked
from foveal.network import Auxiliary, Parallel, Residual, Sequential, layers

GOLDEN = Path(__file__).parent / "golden"
ALL = zoo.names()


def golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("FOVEAL_REGENERATE"):
        path.write_text(text + "\n", encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text + "\n", f"{path.name} differs; FOVEAL_REGENERATE=1 if that is meant"


def small() -> Sequential:
    return Sequential(
        [
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu", name="stem"),
            Parallel(
                {"1x1": [layers.Conv2D(4, 1)], "pool": [layers.MaxPooling2D(3, strides=1, padding="same")]}, name="mix"
            ),
            Auxiliary([layers.Flatten(), layers.Dense(3)], name="aux"),
            Sequential([Residual([layers.Conv2D(12, 3, padding="same"), layers.BatchNormalization()])], name="stage"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(3),
        ],
        input_shape=(28, 28, 1),
        name="small",
    )


def on_terminal(drawn: object, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(drawn)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_golden_tables() -> None:
    golden("lecture_cnn", table.plain(summarize(zoo.lecture_cnn())))
    golden("lenet5_1998", table.plain(summarize(zoo.create("lenet5_1998"))))
    golden("small", table.plain(summarize(small())))
    golden("small_folded", table.plain(summarize(small()), depth=1))


def test_golden_sums() -> None:
    golden("why_conv2d_2", worked.plain(derive(zoo.lecture_cnn(), "conv2d_2")))
    golden("why_block", worked.plain(derive(small(), "mix")))


def test_golden_pair() -> None:
    golden("pair", pair.plain(summarize(zoo.lenet5(), name="lenet5"), summarize(zoo.lecture_cnn(), name="lecture_cnn")))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("depth", [None, 1, 2])
def test_printed_columns_add_up_to_the_printed_total(name: str, depth: int | None) -> None:
    lines = table.layout(summarize(zoo.create(name)), depth)
    for column in ("Parameters", "MACs"):
        numbers = [
            int(line.cells[column].replace(",", "") or 0) for line in lines if line.look not in ("head", "total")
        ]
        assert f"{sum(numbers):,}" == lines[-1].cells[column]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 160])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    numbers = summarize(zoo.create("resnet18"))
    for line in on_terminal(table.pretty(numbers, width), width).splitlines():
        assert len(line.rstrip()) <= width
    text = on_terminal(table.pretty(summarize(zoo.lecture_cnn()), width), width)
    assert "93,322" in text
    assert "conv2d_3" in text


def test_columns_leave_in_the_order_of_their_worth() -> None:
    lines = table.layout(summarize(zoo.lecture_cnn()))
    gone = []
    before = table.fitting(lines, 1000)
    for width in range(130, 30, -1):
        now = table.fitting(lines, width)
        gone += [title for title in before if title not in now]
        before = now
    assert gone[:3] == ["Details", "Step", "Padding"]
    assert before == ["Layer", "Output", "Parameters"]


def test_the_tree_and_lone_layers() -> None:
    names = [line.tree + line.cells["Layer"] for line in table.layout(summarize(small()))]
    assert names == [
        "input",
        "stem",
        "mix",
        "├ 1x1/conv2d_1",
        "└ pool/max_pooling2d_1",
        "aux",
        "└ head",
        "  ├ flatten_1",
        "  └ dense_1",
        "stage",
        "└ residual_1",
        "  └ body",
        "    ├ conv2d_1",
        "    └ batch_normalization_1",
        "global_average_pooling2d_1",
        "dense_1",
        "total",
    ]


def test_a_broken_network_shows_where() -> None:
    numbers = summarize(Sequential([layers.Conv2D(8, 3), layers.MaxPooling2D(40)], input_shape=(28, 28, 1)))
    assert "max_pooling2d_1  MaxPooling2D  40 × 40" in table.plain(numbers)
    assert "✗ does not fit" in table.plain(numbers)
    assert "✗ does not fit" in on_terminal(table.pretty(numbers, 120), 120)


@pytest.mark.parametrize(
    ("n", "text"),
    [(0, "0"), (999, "999"), (1000, "1 k"), (93322, "93.3 k"), (999_600, "1 M"), (999_499, "999 k"), (10**12, "1 T")],
)
def test_short_numbers(n: int, text: str) -> None:
    assert table.short(n) == text


def test_sizes() -> None:
    assert [table.size_of(n) for n in (None, 12, 2048, 5 * 2**20, 3 * 2**30)] == [
        "?",
        "12 bytes",
        "2.0 KiB",
        "5.0 MiB",
        "3.0 GiB",
    ]


def test_pair_on_a_terminal() -> None:
    a, b = summarize(zoo.lenet5(), name="lenet5"), summarize(zoo.lecture_cnn(), name="lecture_cnn")
    assert "max_pooling2d_1" in on_terminal(pair.pretty(a, b, 150), 150)
    narrow = on_terminal(pair.pretty(a, b, 60), 60)
    assert "characters are needed" in narrow
    assert "93,322" in narrow


def test_listing() -> None:
    text = listing.plain(zoo.entries())
    for entry in zoo.entries():
        assert any(
            line.startswith(entry.name)
            and str(entry.year) in line
            and f"{entry.parameters:,}" in line
            and entry.paper in line
            for line in text.splitlines()
        )
    shown = on_terminal(listing.pretty(zoo.entries(), 90), 90)
    assert all(entry.name in shown for entry in zoo.entries())


def test_sums_on_a_terminal() -> None:
    text = on_terminal(worked.pretty(derive(zoo.lecture_cnn(), "conv2d_2"), 60), 60)
    assert "= (3 × 3 × 32 + 1) × 64" in text
    assert "18,496" in text
    assert all(len(line.rstrip()) <= 60 for line in text.splitlines())
