"""ONNX's reference cases, as far as layers say the same: ``onnx/record.py`` wrote them down. ONNX is not a dependency.

Pictures are channels first there and channels last here; a case that no layer can say is named, with what it would take.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from foveal import layers
from foveal.backends.torch import build

CASES: dict[str, dict[str, Any]] = {}
for _case in json.loads(Path(__file__).with_name("onnx").joinpath("recorded.json").read_text("ascii"))["cases"]:
    CASES[_case["name"]] = {**_case, "final": _case["outputs"].get("Y_h"), "outputs": [*_case["outputs"].values()]}


class NotSaid(Exception):
    """No layer says this; the text is what it would take."""


@dataclass
class Said:
    """A case in our layers: what they are, what goes in, what is to come out, and the tensors by the end of their names."""

    layers: list[Any]
    x: Any
    wanted: Any
    tensors: dict[str, Any]


def last(x: Any) -> Any:
    """Channels last."""
    return np.moveaxis(np.asarray(x, np.float32), 1, -1)


def pairs(case: dict[str, Any], rank: int) -> tuple[tuple[int, int], ...] | str:
    """The zeros before and after on each axis."""
    attributes = case["attributes"]
    pads = attributes.get("pads", [0] * 2 * rank)
    if (auto := attributes.get("auto_pad", "NOTSET")) == "NOTSET":
        return tuple(zip(pads[:rank], pads[rank:], strict=True))
    if auto == "SAME_UPPER":
        return "same"
    if auto != "SAME_LOWER":
        raise NotSaid(auto)
    kernel, strides = attributes["kernel_shape"], attributes.get("strides", [1] * rank)
    found = []
    for size, k, s in zip(np.shape(case["inputs"][0])[2:], kernel, strides, strict=True):
        total = max(0, (-(-size // s) - 1) * s + k - size)
        found.append((total - total // 2, total // 2))
    return tuple(found)


def convolution(case: dict[str, Any]) -> Said:
    """Conv: kernels are filters × channels × window, as torch holds them too."""
    x, kernel, *bias = (np.asarray(each, np.float32) for each in case["inputs"])
    rank, attributes = x.ndim - 2, case["attributes"]
    layer = getattr(layers, f"Conv{rank}D")(
        len(kernel), kernel.shape[2:], attributes.get("strides", [1] * rank), pairs(case, rank),
        dilation_rate=attributes.get("dilations", [1] * rank), groups=attributes.get("group", 1), use_bias=bool(bias),
    )  # fmt: skip
    return Said([layer], last(x), last(case["outputs"][0]), {"weight": kernel} | ({"bias": bias[0]} if bias else {}))


def transposed(case: dict[str, Any]) -> Said:
    """ConvTranspose: of pictures, and of sequences as pictures of one row."""
    x, kernel = (np.asarray(each, np.float32) for each in case["inputs"])
    wanted = np.asarray(case["outputs"][0], np.float32)
    if x.ndim == 5:
        raise NotSaid("Conv3DTranspose")
    if x.ndim == 3:
        x, kernel, wanted = (each[:, :, None] for each in (x, kernel, wanted))
    attributes = case["attributes"]
    strides, groups = attributes.get("strides", [1, 1]), attributes.get("group", 1)
    cut, extra = pairs(case, 2), attributes.get("output_padding", [0, 0])
    if "output_shape" in attributes:  # what is missing of it is added at the end
        least = [(n - 1) * s + k for n, s, k in zip(x.shape[2:], strides, kernel.shape[2:], strict=True)]
        extra = [max(0, n - m) for n, m in zip(attributes["output_shape"], least, strict=True)]
    layer = layers.Conv2DTranspose(
        kernel.shape[1] * groups, kernel.shape[2:], strides, cut, extra,
        dilation_rate=attributes.get("dilations", [1, 1]), groups=groups, use_bias=False,
    )  # fmt: skip
    return Said([layer], last(x), last(wanted), {"weight": kernel})


def pooling(case: dict[str, Any]) -> Said:
    """MaxPool, AveragePool, LpPool."""
    x, attributes = np.asarray(case["inputs"][0], np.float32), case["attributes"]
    rank = x.ndim - 2
    window, strides = attributes["kernel_shape"], attributes.get("strides", [1] * rank)
    if set(attributes.get("dilations", [1])) != {1}:
        raise NotSaid("a dilated pooling")
    zeros, before = pairs(case, rank), []
    if attributes.get("ceil_mode") and any((n - k) % s for n, k, s in zip(x.shape[2:], window, strides, strict=True)):
        raise NotSaid("a last window that reaches beyond the end")
    if case["kind"] == "LpPool" and attributes.get("p", 2) != 2:
        raise NotSaid("another norm than the Euclidean")
    if attributes.get("count_include_pad") and zeros != ((0, 0),) * rank:
        before, zeros = [layers.ZeroPadding2D(zeros)], "valid"
    kind = {"MaxPool": "MaxPooling", "AveragePool": "AveragePooling", "LpPool": "L2Pooling"}[case["kind"]]
    layer = getattr(layers, f"{kind}{rank}D")(window, strides, zeros)
    return Said([*before, layer], last(x), last(case["outputs"][0]), {})


def everywhere(case: dict[str, Any]) -> Said:
    """GlobalAveragePool, GlobalMaxPool."""
    kind = "GlobalAveragePooling2D" if case["kind"] == "GlobalAveragePool" else "GlobalMaxPooling2D"
    return Said([getattr(layers, kind)()], last(case["inputs"][0]), np.squeeze(case["outputs"][0], (2, 3)), {})


def layer_normalisation(case: dict[str, Any]) -> Said:
    """The last axis, which is the channels here."""
    x, scale, shift = (np.asarray(each, np.float32) for each in case["inputs"])
    if case["attributes"].get("axis", -1) not in (-1, x.ndim - 1):
        raise NotSaid("a normalisation over several axes")
    layer = layers.LayerNormalization(epsilon=case["attributes"].get("epsilon", 1e-5))
    return Said([layer], x, np.asarray(case["outputs"][0]), {"weight": scale, "bias": shift})


def response(case: dict[str, Any]) -> Said:
    """LRN, whose alpha is divided by the size."""
    told = {"alpha": 1e-4, "beta": 0.75, "bias": 1.0, **case["attributes"]}
    layer = layers.LocalResponseNormalization(told["size"], told["alpha"] / told["size"], told["beta"], told["bias"])
    return Said([layer], last(case["inputs"][0]), last(case["outputs"][0]), {})


def dense(case: dict[str, Any]) -> Said:
    """Gemm with the bias of a layer."""
    if case["attributes"] or len(case["inputs"]) < 3 or np.shape(case["inputs"][2])[:-1] != (1,):
        raise NotSaid("a product that is not a layer's")
    x, kernel, bias = (np.asarray(each, np.float32) for each in case["inputs"])
    return Said(
        [layers.Dense(kernel.shape[1])], x, np.asarray(case["outputs"][0]), {"weight": kernel.T, "bias": bias[0]}
    )


def elementwise(case: dict[str, Any]) -> Said:
    """Functions of single values, and softmax over the last axis."""
    attributes, kind = dict(case["attributes"]), case["kind"]
    x = np.asarray(case["inputs"][0], np.float32)
    if kind in ("Softmax", "LogSoftmax"):
        if attributes.pop("axis", -1) not in (-1, x.ndim - 1):
            raise NotSaid("softmax over another axis than the channels")
    elif kind == "Swish" and attributes.pop("alpha", 1.0) != 1.0:
        raise NotSaid("another slope")
    if attributes:
        raise NotSaid("parameters of an activation")
    name = {"Swish": "silu", "LogSoftmax": "log_softmax"}.get(kind, kind.lower())
    x, wanted = (each[None] if each.ndim == 1 else each for each in (x, np.asarray(case["outputs"][0])))
    return Said([layers.Activation(name)], x, wanted, {})


def enlarged(case: dict[str, Any]) -> Said:
    """Upsample by whole factors."""
    *one, rows, columns = case["inputs"][1]
    assert one == [1.0, 1.0]
    return Said([layers.UpSampling2D((int(rows), int(columns)))], last(case["inputs"][0]), last(case["outputs"][0]), {})


GATES = {
    "RNN": [0],
    "LSTM": [0, 2, 3, 1],
    "GRU": [1, 0, 2],
}  # theirs i, o, f, c and z, r, h; ours i, f, g, o and r, z, n


def recurrent(case: dict[str, Any]) -> Said:
    """RNN, LSTM, GRU, their final states; both directions too."""
    x, kernel, states, *more = (np.asarray(each, np.float32) for each in case["inputs"])
    attributes, kind = case["attributes"], case["kind"]
    if len(more) > 1:
        raise NotSaid("peepholes, or a first state")
    units, way = attributes["hidden_size"], attributes.get("direction", "forward")
    x = x if attributes.get("layout") else np.swapaxes(x, 0, 1)

    def gates(values: Any) -> Any:
        return np.concatenate([np.split(values, len(GATES[kind]))[i] for i in GATES[kind]])

    tensors = {}
    for number in range(len(kernel)):
        prefix = "" if len(kernel) == 1 else ("forward_layer.", "backward_layer.")[number]
        both = np.split(more[0][number], 2) if more else [np.zeros(len(kernel[0]), np.float32)] * 2
        tensors[f"{prefix}weight"] = gates(kernel[number])
        tensors[f"{prefix}recurrent_weight"] = gates(states[number])
        tensors[f"{prefix}bias"] = gates(both[0] + both[1])
    options = {"reset_after": bool(attributes.get("linear_before_reset"))} if kind == "GRU" else {}
    layer = getattr(layers, "SimpleRNN" if kind == "RNN" else kind)(units, go_backwards=way == "reverse", **options)
    wanted = np.asarray(case["final"])  # direction × batch × units; batch first where the layout says so
    wanted = wanted if attributes.get("layout") else np.swapaxes(wanted, 0, 1)
    return Said(
        [layers.Bidirectional(layer) if way == "bidirectional" else layer], x, wanted.reshape(len(x), -1), tensors
    )


def missing(case: dict[str, Any]) -> Said:
    """Kinds that have no layer."""
    raise NotSaid(f"a layer of this kind: {case['kind']}")


SAYING: dict[str, Callable[[dict[str, Any]], Said]] = {
    "Conv": convolution, "ConvTranspose": transposed, "MaxPool": pooling, "AveragePool": pooling, "LpPool": pooling,
    "GlobalAveragePool": everywhere, "GlobalMaxPool": everywhere, "LayerNormalization": layer_normalisation,
    "LRN": response, "Gemm": dense, "Upsample": enlarged, "RNN": recurrent, "LSTM": recurrent, "GRU": recurrent,
    "GroupNormalization": missing, "InstanceNormalization": missing,
}  # fmt: skip


def compared(case: dict[str, Any]) -> None:
    """Assert that a case comes out."""
    said = SAYING.get(case["kind"], elementwise)(case)
    shape = said.x.shape[1:]
    module = build(layers.Sequential(said.layers, input_shape=shape), shape)
    state = dict(module.named_parameters())
    assert len(state) == len(said.tensors)
    for name, values in said.tensors.items():
        (place,) = (each for each in state if f".{each}".endswith(f".{name}"))
        assert tuple(state[place].shape) == values.shape
        state[place].data.copy_(torch.tensor(values))
    found = module.predict(said.x)
    assert found.shape == said.wanted.shape
    np.testing.assert_allclose(found, said.wanted.astype(np.float64), rtol=1e-4, atol=1e-5)


def not_said(case: dict[str, Any]) -> str:
    """Why no layer says a case; empty where one does."""
    try:
        SAYING.get(case["kind"], elementwise)(case)
    except NotSaid as reason:
        return str(reason)
    return ""


OTHERS = [name for name, case in CASES.items() if case["kind"] != "BatchNormalization"]


@pytest.mark.parametrize("name", [name for name in OTHERS if not not_said(CASES[name])])
def test_a_case(name: str) -> None:
    compared(CASES[name])


def test_what_no_layer_says_is_known() -> None:
    """A case must not fall out of the comparison unseen."""
    assert Counter(reason for name in OTHERS if (reason := not_said(CASES[name]))) == {
        "Conv3DTranspose": 1,
        "a dilated pooling": 6,
        "a last window that reaches beyond the end": 4,
        "a layer of this kind: GroupNormalization": 2,
        "a layer of this kind: InstanceNormalization": 2,
        "a normalisation over several axes": 12,
        "a product that is not a layer's": 9,
        "another norm than the Euclidean": 1,
        "parameters of an activation": 6,
        "peepholes, or a first state": 1,
        "softmax over another axis than the channels": 4,
    }


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case["kind"] == "BatchNormalization"])
def test_batch_normalisation(name: str) -> None:
    """Training mode too, whose running variance is the biased one."""
    case = CASES[name]
    x, scale, shift, mean, variance = (np.asarray(each, np.float32) for each in case["inputs"])
    attributes = {"epsilon": 1e-5, "momentum": 0.9, **case["attributes"]}
    layer = layers.BatchNormalization(epsilon=attributes["epsilon"], momentum=attributes["momentum"])
    module = build(layers.Sequential([layer]), last(x).shape[1:]).train(bool(attributes.get("training_mode")))
    (norm,) = (each for each in module.modules() if hasattr(each, "running_var"))
    for place, values in (
        (norm.weight, scale),
        (norm.bias, shift),
        (norm.running_mean, mean),
        (norm.running_var, variance),
    ):
        place.data.copy_(torch.tensor(values))
    with torch.no_grad():
        found = module(torch.tensor(x)).numpy()
    wanted = [np.asarray(each) for each in case["outputs"]]
    for ours, theirs in zip((found, norm.running_mean.numpy(), norm.running_var.numpy()), wanted, strict=False):
        np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-5)
    assert len(wanted) == (3 if attributes.get("training_mode") else 1)
