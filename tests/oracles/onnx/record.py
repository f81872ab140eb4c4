"""Writes down ONNX's reference cases of the layers there are, for tests/oracles/test_onnx.py to compare with.

    python3 -m venv onnx-venv && onnx-venv/bin/pip install onnx numpy
    onnx-venv/bin/python tests/oracles/onnx/record.py [--most NUMBERS] [--to FILE]

ONNX is not a dependency of the project. Recorded are nodes, inputs and outputs as ``onnx.backend.test.case.node`` has them, and
the version that gave them; cases of more than ``--most`` numbers are left out and named.
"""

from __future__ import annotations

import argparse
import json
import math
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx.backend.test.case.node import collect_testcases

KINDS = (
    "AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "Elu", "GRU", "Gelu", "Gemm", "GlobalAveragePool",
    "GlobalMaxPool", "GroupNormalization", "InstanceNormalization", "LRN", "LSTM", "LayerNormalization", "LogSoftmax",
    "LpPool", "MaxPool", "Mish", "RNN", "Relu", "Selu", "Sigmoid", "Softmax", "Softplus", "Softsign", "Swish", "Tanh",
    "Upsample",
)  # fmt: skip


def plain(array: Any) -> Any:
    """Nested lists of numbers that float32 can tell apart."""
    values = np.asarray(array)
    if values.dtype.kind != "f":
        return values.tolist()
    return _rounded(values.astype(np.float64).tolist())


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(each) for each in value]
    return float(f"{value:.9g}") if math.isfinite(value) else str(value)


def attribute(found: Any) -> Any:
    """An attribute of a node as JSON holds it."""
    value = onnx.helper.get_attribute_value(found)
    return (
        value.decode()
        if isinstance(value, bytes)
        else plain(np.float64(f"{value:.7g}"))
        if isinstance(value, float)
        else value
    )


def main() -> None:
    """Record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, default=700)
    parser.add_argument("--to", type=Path, default=Path(__file__).with_name("recorded.json"))
    chosen = parser.parse_args()
    warnings.simplefilter("ignore")
    cases, large = [], []
    for case in sorted(collect_testcases(None), key=lambda case: case.name):
        nodes = case.model.graph.node
        if len(nodes) != 1 or nodes[0].op_type not in KINDS:
            continue
        inputs, outputs = ([np.asarray(each) for each in part] for part in case.data_sets[0])
        name = case.name.removeprefix("test_")
        if sum(each.size for each in (*inputs, *outputs)) > chosen.most:
            large.append(name)
            continue
        cases.append({
            "name": name,
            "kind": nodes[0].op_type,
            "attributes": {each.name: attribute(each) for each in nodes[0].attribute},
            "inputs": [plain(each) for each in inputs],
            "outputs": {key: plain(each) for key, each in zip(filter(None, nodes[0].output), outputs, strict=True)},
        })  # fmt: skip
    told = {"onnx": onnx.__version__, "left out for their size": large, "cases": cases}
    chosen.to.write_text(
        json.dumps(told, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n", encoding="ascii"
    )


if __name__ == "__main__":
    main()
