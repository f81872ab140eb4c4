"""Every worked number of the lectures comes out, entry by entry; what a lecture has wrong is in docs/errata.md."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import yaml

from foveal.arithmetic import window
from foveal.arithmetic.comparison import dense_twin
from foveal.arithmetic.counts import count
from foveal.arithmetic.geometry import Window, windows
from foveal.arithmetic.shapes import trace
from foveal.arithmetic.summary import Row, Summary, summarize
from foveal.arithmetic.worked import numeric
from foveal.arithmetic.worked.derivation import derive
from foveal.arithmetic.worked.layers import window_steps
from foveal.network import Image, Residual, Sequential, Vector, layers

REPOSITORY = Path(__file__).resolve().parents[2]
FACTS = yaml.safe_load((REPOSITORY.parent / "shared" / "facts" / "lectures.yaml").read_text(encoding="utf-8"))
ENTRIES: dict[str, dict[str, Any]] = {
    entry["id"]: {"section": section, **entry}
    for section, entries in FACTS.items()
    if isinstance(entries, list)
    for entry in entries
}


def _layer(spec: dict[str, Any]) -> Any:
    kind, padding = spec["layer"], spec.get("padding", "valid")
    pool = {"max_pool": layers.MaxPooling2D, "pool": layers.MaxPooling2D, "average_pool": layers.AveragePooling2D}
    if kind == "conv":
        return layers.Conv2D(spec["filters"], spec["kernel"], strides=spec.get("stride", 1), padding=padding)
    if kind in pool:
        return pool[kind](spec["kernel"], strides=spec["stride"], padding=padding)
    return layers.Flatten() if kind == "flatten" else layers.Dense(spec["units"])


def _network(entry: dict[str, Any]) -> tuple[Sequential, list[int]]:
    """The network of an entry, and the place of each of its layers; the lectures leave Flatten unsaid."""
    made: list[Any] = []
    places = []
    for spec in entry["layers"]:
        if spec["layer"] == "dense" and not (made and isinstance(made[-1], layers.Dense | layers.Flatten)):
            made.append(layers.Flatten())
        places.append(len(made))
        made.append(_layer(spec))
    return Sequential(made, input_shape=entry["input"]), places


def _shapes(entry: dict[str, Any]) -> None:
    network, places = _network(entry)
    numbers = summarize(network)
    for spec, place in zip(entry["layers"], places, strict=True):
        _one_layer(spec, numbers.rows[place])
    _totals(entry, numbers)


def _one_layer(spec: dict[str, Any], row: Row) -> None:
    assert row.output is not None
    found = {
        "output": list(row.output.axes),
        "parameters": row.counts.parameters,
        "parameters_per_filter": row.counts.parameters / spec.get("filters", 1),
        "activations": row.counts.activations,
        "weights": row.counts.weights,
        "biases": row.counts.biases,
    }
    for name, value in found.items():
        assert name not in spec or spec[name] == value, (row.path, name)


def _totals(entry: dict[str, Any], numbers: Summary) -> None:
    if "total_parameters" in entry:
        assert numbers.totals.parameters == entry["total_parameters"]
    if "convolutional_base_parameters" in entry:
        base = [row for row in numbers.layers if not row.kind.startswith("Dense")]
        assert sum(row.counts.parameters for row in base) == entry["convolutional_base_parameters"]


def _padding_13_6_5(entry: dict[str, Any]) -> None:
    n, k, s = entry["input_width"], entry["kernel"], entry["stride"]
    assert window.output_size(n, k, s) == entry["valid_output"]
    zeros = entry["same_zeros"]
    steps = window_steps(n, Window(k, s, zeros["left"], zeros["right"]), same=True)
    assert [step.value for step in steps] == [3, zeros["left"], zeros["right"], entry["same_output"]]
    layer = layers.Conv1D(1, k, strides=s, padding="same")
    (row,) = summarize(Sequential([layer]), (n, 1)).rows
    assert row.output is not None
    assert (row.output.axes[0], row.padding_text) == (entry["same_output"], "1/2")


def _stacked(entry: dict[str, Any]) -> None:
    for many, seen in ((2, entry["receptive_field"]), (4, 9)):
        numbers = summarize(Sequential([layers.Conv2D(1, 3) for _ in range(many)]), (32, 32, 1))
        assert numbers.rows[-1].receptive_field == (seen, seen)


def _against_dense(entry: dict[str, Any]) -> None:
    identity = entry["id"]
    if "dense_inputs" in entry:
        n, units = entry["dense_inputs"], entry["dense_units"]
        assert count(layers.Dense(units), Vector(n), Vector(units)).parameters == entry["parameters"]
    elif "filters" in entry:
        k, c, f = entry["kernel"], entry["channels"], entry["filters"]
        layer = layers.Conv2D(f, k, use_bias=entry.get("bias", True))
        assert count(layer, Image(9, 9, c), Image(9 - k + 1, 9 - k + 1, f)).parameters == entry["parameters"]
        if identity == "L001-conv-156":  # three channels, as the example's image has
            assert count(layer, Image(32, 32, 3), Image(28, 28, f)).parameters == 456
    elif "product" in entry:
        twin = dense_twin(layers.Conv2D(6, 5), Image(32, 32, 3), Image(28, 28, 6))
        assert twin.dense.weights == entry["value"] == math.prod(map(int, entry["product"].split("*")))
    else:
        network = Sequential([layers.Dense(entry["hidden"]), layers.Dense(entry["outputs"])])
        parameters = summarize(network, entry["inputs"]).totals.parameters
        if "parameters" in entry:
            assert parameters == entry["parameters"]
        else:
            assert parameters == pytest.approx(float(entry["approximately"]), rel=0.01)


def _by_hand(entry: dict[str, Any]) -> None:
    operation = entry["operation"]
    if operation == "mlp":
        _small_network(entry)
        return
    source = ENTRIES[entry["same_image_and_kernel_as"]] if "same_image_and_kernel_as" in entry else entry
    if operation == "correlate":
        found = numeric.correlate(source["image"], source["kernel"], stride=entry.get("stride", 1))
        values = found.values
        for row in found.sums:  # each value is the sum of its products, and every product is there
            for one in row:
                assert len(one.terms) == len(source["kernel"]) * len(source["kernel"][0])
                assert sum(term.left * term.right for term in one.terms) == one.value
    else:
        kind = operation.removesuffix("_pool")
        windows_ = numeric.pool(source["image"], kind, entry["kernel"], entry["stride"])
        values = [[one.value for one in row] for row in windows_]
    if "result" in entry:
        assert values == entry["result"]
    else:
        at = entry["result_at"]
        assert values[at["row"]][at["column"]] == at["value"]


def _small_network(entry: dict[str, Any]) -> None:
    hidden, output = numeric.mlp(
        entry["input"], [entry["hidden_weights"], entry["output_weights"]], activation=entry["activation"]
    )
    digits = entry["decimals"]
    assert [round(unit.value, digits) for unit in hidden] == entry["hidden"]
    assert [round(unit.value, digits) for unit in output] == entry["output"]
    values = [unit.value for unit in output]
    assert values.index(max(values)) == entry["predicted"]


def _backpropagation(entry: dict[str, Any]) -> None:
    steps = {
        "L003-conv": (layers.Conv2D(1, 2), ["X ⋆ dE/dO, valid", "F turned by 180° ∗ dE/dO, full"]),
        "L003-max-pool": (layers.MaxPooling2D(2), ["at the place of its largest value; 0 elsewhere"]),
        "L004-residual": (Residual([layers.Conv2D(1, 3, padding="same")]), ["dF/dx + 1"]),
    }
    node, expected = steps[entry["id"]]
    why = derive(Sequential([node], input_shape=(4, 4, 1)), next(p for p in _paths(node)))
    formulas = " | ".join(step.formula for step in why.section("Backward").steps)
    for text in expected:
        assert text in formulas
    # and on numbers, against what the lecture writes out: dE/dF₁₁ = Σ dE/dO · x over the windows
    x, f, g = [[1, 2, 3], [4, 5, 6], [7, 8, 9]], [[2, 3], [5, 7]], [[1, 10], [100, 1000]]
    by_kernel, by_image = numeric.correlate_backward(x, f, g)
    assert by_kernel.values[0][0] == 1 * 1 + 10 * 2 + 100 * 4 + 1000 * 5
    assert by_image.values[1][1] == 1 * 7 + 10 * 5 + 100 * 3 + 1000 * 2
    assert numeric.max_pool_backward([[1, 3], [4, 2]], [[9]]) == [[0, 0], [9, 0]]


def _paths(node: Any) -> list[str]:
    return [step.path for step in trace(Sequential([node], input_shape=(4, 4, 1))) if step.node is node]


def _definitions(entry: dict[str, Any]) -> None:
    if entry["id"] == "L003-convolution":
        image, kernel = [[1, 2, 0], [3, 5, 1], [2, 7, 4]], [[1, 2], [3, 4]]
        found = numeric.convolve(image, kernel, full=True).values
        for i in range(4):
            for j in range(4):
                as_ours = sum(
                    image[i - m][j - n] * kernel[m][n]
                    for m in range(2)
                    for n in range(2)
                    if 0 <= i - m < 3 and 0 <= j - n < 3
                )
                as_printed = sum(
                    image[m][n] * kernel[i - m][j - n]
                    for m in range(3)
                    for n in range(3)
                    if 0 <= i - m < 2 and 0 <= j - n < 2
                )
                assert found[i][j] == as_ours == as_printed
    elif entry["id"] == "L003-pooling-kinds":
        named = {
            "max": "MaxPooling2D",
            "average": "AveragePooling2D",
            "L2": "L2Pooling2D",
            "distance": "DistanceWeighted",
        }
        for words in entry["kinds"]:
            (kind,) = [layer for key, layer in named.items() if key in words.replace("average weighted by", "")]
            assert any(name.startswith(kind) for name in layers.LAYERS)
        values = [[0, 0, 0], [0, 9, 0], [0, 0, 0]]
        assert numeric.pool(values, "l2", 3)[0][0].value == 9
        assert numeric.pool(values, "distance", 3)[0][0].value > numeric.pool(values, "average", 3)[0][0].value == 1
    else:  # P = (F − 1) / 2
        for f in (1, 3, 5, 7, 11):
            assert window.same_padding(28, f) == ((f - 1) // 2,) * 2


def _training(entry: dict[str, Any]) -> None:
    """What can be checked without training: the network is that of the summary, and the steps an epoch are the log's 1875."""
    network, _ = _network(ENTRIES[entry["network"]])
    assert summarize(network).totals.parameters == 93322
    assert math.ceil(60_000 / entry["batch_size"]) == 1875
    assert 1875 * entry["milliseconds_a_step"] / 1000 == pytest.approx(entry["seconds_an_epoch"], abs=0.5)


CHECKS = {
    "shapes_and_parameters": _shapes,
    "dense_versus_convolution": _against_dense,
    "computed_by_hand": _by_hand,
    "backpropagation": _backpropagation,
    "definitions": _definitions,
    "training": _training,
}
SPECIAL = {"L004-padding-13-6-5": _padding_13_6_5, "L004-stacked-kernels": _stacked}


def test_no_entry_is_left_out() -> None:
    assert {entry["section"] for entry in ENTRIES.values()} == set(CHECKS)
    assert len(ENTRIES) == sum(len(entries) for entries in FACTS.values() if isinstance(entries, list))


@pytest.mark.parametrize("identity", ENTRIES)
def test_the_lectures_number_comes_out(identity: str) -> None:
    entry = ENTRIES[identity]
    SPECIAL.get(identity, CHECKS[entry["section"]])(entry)


def test_alexnets_first_layer_reads_55_only_without_same_padding() -> None:
    """The erratum's two ways to 55."""
    for size, padding in ((227, "valid"), (224, 2)):
        layer = layers.Conv2D(96, 11, strides=4, padding=padding)
        (row,) = summarize(Sequential([layer]), (size, size, 3)).rows
        assert row.output == Image(55, 55, 96)
    slid = windows(layers.Conv2D(96, 11, strides=4, padding="same"), Image(224, 224, 3))
    assert slid is not None
    assert (slid[0].before, slid[0].after, slid[0].places(224)) == (3, 4, 56)


@pytest.mark.parametrize("name", FACTS["image_kernels"])
def test_image_kernels_do_what_they_are_for(name: str) -> None:
    """On a flat picture, detectors give 0 and blur and sharpen give the picture; lines answer along themselves."""
    given = FACTS["image_kernels"][name]
    if isinstance(given, str):
        side = 3 if name == "blur" else 7
        middle = side // 2
        value = {
            "blur": lambda i, j: 1 / 9,
            "vertical_line_004": lambda i, j: int(j == middle),
            "horizontal_line_004": lambda i, j: int(i == middle),
        }[name]
        given = [[value(i, j) for j in range(side)] for i in range(side)]
    size = len(given) + 2
    flat = numeric.correlate([[10] * size for _ in range(size)], given).values[0][0]
    if name in ("blur", "sharpen"):
        assert flat == pytest.approx(10)
    elif name.endswith("line_004"):
        along = [[int((j if "vertical" in name else i) == size // 2) for j in range(size)] for i in range(size)]
        answer = numeric.correlate(along, given).values
        assert answer[1][1] == 7
        assert answer[0][0] == 0
    else:
        assert flat == 0


ERRATA = [identity for identity, entry in ENTRIES.items() if "erratum" in entry]


@pytest.mark.parametrize("identity", ERRATA)
def test_where_a_lecture_is_wrong_the_documentation_says_so(identity: str) -> None:
    assert identity in (REPOSITORY / "docs" / "errata.md").read_text(encoding="utf-8")
