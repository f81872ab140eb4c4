"""What bears a name of Keras beside what Keras 3 computed: ``keras/record.py`` wrote it down. Keras is not a dependency."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import foveal
from foveal import callbacks, layers, losses, optimizers, regularizers
from foveal.backends.torch import build
from foveal.data.splitting import split_at
from foveal.errors import FovealError
from foveal.training.config import TrainingConfig
from foveal.training.loss import loss_function, measures
from foveal.training.optim.torch_optimizer import torch_optimizer

KERAS: dict[str, Any] = json.loads(
    Path(__file__).with_name("keras").joinpath("recorded.json").read_text(encoding="utf-8")
)


def named(case: dict[str, Any]) -> str:
    return " ".join(str(case.get(key)) for key in ("name", "kernel_size", "strides", "padding", "arguments", "scale")
                    if key in case)  # fmt: skip


def a(values: Any) -> Any:
    return np.asarray(values, dtype=np.float64)


@pytest.mark.parametrize("case", KERAS["optimizers"]["cases"], ids=named)
def test_optimizers(case: dict[str, Any]) -> None:
    """Weights and biases after every step, for gradients of about 1 and of about 1e-5."""
    module = nn.Linear(3, 4)
    kernel, bias = KERAS["optimizers"]["start"]
    module.weight.data = torch.tensor(kernel).T.contiguous()
    module.bias.data = torch.tensor(bias)
    optimizer = torch_optimizer(module, getattr(optimizers, case["name"])(**case["arguments"]))
    before = [a(kernel), a(bias)]
    for (g, h), wanted in zip(KERAS["optimizers"]["gradients"][case["scale"]], case["steps"], strict=True):
        module.weight.grad, module.bias.grad = torch.tensor(g).T.contiguous(), torch.tensor(h)
        optimizer.step()
        now = [module.weight.detach().numpy().T, module.bias.detach().numpy()]
        for ours, theirs, last in zip(now, wanted, before, strict=True):
            move = abs(a(theirs) - last).max()  # how far it went: small moves are held to as many digits as float32 has
            np.testing.assert_allclose(ours, a(theirs), rtol=0, atol=1e-3 * move + 5e-7)
        before = [a(each) for each in wanted]


@pytest.mark.parametrize("case", KERAS["losses"], ids=named)
def test_losses(case: dict[str, Any]) -> None:
    config = TrainingConfig().with_loss(getattr(losses, case["name"])(**case["arguments"]))
    outputs = torch.tensor(case["outputs"], dtype=torch.float32, requires_grad=True)
    targets = torch.tensor(case["targets"], dtype=torch.int64 if case["name"].startswith("Sparse") else torch.float32)
    loss = loss_function(config)(outputs, targets)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(case["loss"], rel=2e-6)
    assert outputs.grad is not None
    np.testing.assert_allclose(outputs.grad.numpy(), a(case["gradient"]), rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("case", KERAS["accuracies"], ids=named)
def test_what_accuracy_means(case: dict[str, Any]) -> None:
    outputs, targets = torch.tensor(case["outputs"]), torch.tensor(case["targets"])
    if targets.dtype == torch.int64 and targets.ndim == 2:
        targets = targets[:, 0]
    config = TrainingConfig(from_logits=False, metrics=("accuracy", "binary_accuracy")).with_loss(case["compiled"])
    for name, measure in measures(config).items():
        if name in case:
            assert float(measure(outputs, targets)) == pytest.approx(case[name])


@pytest.mark.parametrize(
    "case",
    [case for case in KERAS["saturated"] if not case["eager"]],
    ids=lambda case: f"{case['activation']}, {case['loss']}",
)
def test_a_saturated_end_still_learns(case: dict[str, Any]) -> None:
    """Behind a sigmoid or softmax of its own a cross-entropy is computed from the logits, as Keras on TensorFlow does.

    Where loss and activation do not belong together, Keras takes the one's logits for the other's: that is not followed.
    """
    if ("sigmoid" in case["activation"]) is not case["loss"].startswith("binary"):
        return
    net = layers.Sequential([layers.Dense(2, activation=case["activation"], use_bias=False, input_shape=(2,))])
    model = foveal.Model(net, seed=0)
    model.compile(optimizers.SGD(1.0), loss=case["loss"], metrics=[])
    weight = next(model.module.parameters())
    weight.data = torch.eye(2)
    x, y = np.asarray(case["x"], np.float32), np.asarray(case["y"])
    assert model.evaluate(x, y, verbose=0)[0] == pytest.approx(case["evaluate"], rel=1e-6)
    history = model.fit(x, y, batch_size=3, verbose=0).history
    assert history["loss"][0] == pytest.approx(case["fit"], rel=1e-6)
    np.testing.assert_allclose((torch.eye(2) - weight.detach()).T.numpy(), a(case["gradient"]), rtol=1e-5)


@pytest.mark.parametrize("kind", ["rows", "images"])
def test_batch_normalisation(kind: str) -> None:
    told = KERAS["normalizations"]["batch"][kind]
    x = torch.tensor(told["x"], dtype=torch.float32)
    x = x.movedim(-1, 1).contiguous() if x.dim() == 4 else x
    module = build(layers.Sequential([layers.BatchNormalization(momentum=0.9)]), np.shape(told["x"])[1:]).train()
    for _ in range(3):
        outputs = module(x)
    norm = next(m for m in module.modules() if hasattr(m, "running_var"))
    np.testing.assert_allclose(norm.running_mean.numpy(), told["mean"], rtol=1e-5)
    np.testing.assert_allclose(norm.running_var.numpy(), told["variance"], rtol=1e-5)
    for found, wanted in ((outputs, told["outputs"]), (module.eval()(x), told["evaluated"])):
        last = found.detach().movedim(1, -1) if x.dim() == 4 else found.detach()
        np.testing.assert_allclose(last.numpy(), a(wanted), rtol=1e-4, atol=1e-5)


def test_layer_normalisation() -> None:
    told = KERAS["normalizations"]["layer"]
    module = build(layers.Sequential([layers.LayerNormalization()]), (4,))
    np.testing.assert_allclose(module.predict(a(told["x"])), a(told["outputs"]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", KERAS["transposed"], ids=named)
def test_transposed_convolutions(case: dict[str, Any]) -> None:
    """Output sizes and values, with kernels below, at and above the stride."""
    arguments = {
        name: tuple(v) if isinstance(v := case[name], list) else v
        for name in ("kernel_size", "strides", "padding", "dilation_rate")
    }
    module = build(layers.Sequential([layers.Conv2DTranspose(2, **arguments)]), np.shape(case["x"])[1:])
    weight, bias = module.parameters()
    weight.data.copy_(torch.tensor(case["kernel"]).permute(3, 2, 0, 1))  # Keras: height, width, filters, channels
    bias.data.copy_(torch.tensor(case["bias"]))
    found = module.predict(a(case["x"]))
    assert list(found.shape[1:]) == case["shape"][1:] == list(module.output_shape.axes)
    if case["outputs"] is not None:
        np.testing.assert_allclose(found, a(case["outputs"]), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("case", KERAS["fans"], ids=named)
def test_what_initialisers_take_for_fans(case: dict[str, Any]) -> None:
    tensors = {"kernel": "weight", "depthwise_kernel": "depthwise", "pointwise_kernel": "pointwise"}
    for kernel, spreads in case["kernels"].items():
        for name, (largest, deviation) in spreads.items():
            layer = getattr(layers, case["name"])(**case["arguments"], kernel_initializer=name)
            module = build(layers.Sequential([layer]), tuple(case["shape"]))
            (values,) = (p.detach() for n, p in module.named_parameters() if n.split(".")[-1] == tensors[kernel])
            assert float(values.std(correction=0)) == pytest.approx(deviation, rel=0.05)
            if name == "glorot_uniform":
                assert float(values.abs().max()) == pytest.approx(largest, rel=0.02)


@pytest.mark.parametrize("case", KERAS["pooling"], ids=named)
def test_pooling(case: dict[str, Any]) -> None:
    layer = getattr(layers, case["name"])(case["pool_size"], case["strides"], case["padding"])
    module = build(layers.Sequential([layer]), np.shape(case["x"])[1:])
    np.testing.assert_allclose(module.predict(a(case["x"])), a(case["outputs"]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", [name for name in KERAS["activations"] if name != "x"])
def test_activations(name: str) -> None:
    x = a(KERAS["activations"]["x"])
    module = build(layers.Sequential([layers.Activation(name)]), x.shape[1:])
    np.testing.assert_allclose(module.predict(x), a(KERAS["activations"][name]), rtol=2e-5, atol=2e-6)


@pytest.mark.parametrize("case", KERAS["upsampling"], ids=str)
def test_upsampling(case: dict[str, Any]) -> None:
    layer = layers.UpSampling2D(case["size"], interpolation=case["interpolation"])
    module = build(layers.Sequential([layer]), np.shape(case["x"])[1:])
    np.testing.assert_allclose(module.predict(a(case["x"])), a(case["outputs"]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", KERAS["recurrent"], ids=named)
def test_recurrent_layers(case: dict[str, Any]) -> None:
    layer = getattr(layers, case["name"])(4, **case["arguments"])
    module = build(layers.Sequential([layer]), np.shape(case["x"])[1:])
    state = {name.split(".")[-1]: p for name, p in module.named_parameters()}
    kernel, recurrent, bias = (a(each) for each in case["weights"])
    gru, units = case["name"] == "GRU", 4
    order = [1, 0, 2] if gru else range(kernel.shape[1] // units)  # ours hold r, z, n; Keras' z, r, h

    def gates(values: Any) -> Any:
        return np.concatenate([np.split(values, values.shape[-1] // units, axis=-1)[i] for i in order], axis=-1)

    first = np.atleast_2d(a(case["first_bias"]))
    assert [float(p.detach().sum()) for n, p in sorted(state.items()) if n == "bias"] == [gates(first)[0].sum()]
    rows = np.atleast_2d(bias)
    given = {"weight": gates(kernel).T, "recurrent_weight": gates(recurrent).T, "bias": gates(rows)[0]}
    if len(rows) > 1:
        given["recurrent_bias"] = gates(rows)[1]
    assert state.keys() == given.keys()
    for name, values in given.items():
        state[name].data.copy_(torch.tensor(values))
    np.testing.assert_allclose(module.predict(a(case["x"])), a(case["outputs"]), rtol=1e-4, atol=1e-5)


def test_where_validation_split_cuts() -> None:
    for count, share, train in KERAS["splits"]:
        share = 1 / 3 if math.isclose(share, 1 / 3, rel_tol=1e-6) else share
        if train:
            assert split_at(count, share, "fit") == train, (count, share)
        else:
            with pytest.raises(FovealError):
                split_at(count, share, "fit")


class _Model:
    stop_training = False


@pytest.mark.parametrize("case", KERAS["stopping"], ids=named)
def test_when_early_stopping_stops(case: dict[str, Any]) -> None:
    callback, model, stopped = callbacks.EarlyStopping("val_loss", **case["arguments"]), _Model(), None
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(case["values"]):
        callback.on_epoch_end(epoch, {"val_loss": float(value)})
        if model.stop_training:
            stopped = epoch
            break
    assert stopped == case["stopped"]


# Defaults ------------------------------------------------------------------------------------------------------------

ROOMS: dict[str, Any] = {"layers": layers, "optimizers": optimizers, "losses": losses, "callbacks": callbacks,
                         "regularizers": regularizers}  # fmt: skip
OURS = {  # (room or name, argument): why the default is another; docs/porting.md says the same
    ("optimizers", "weight_decay"): "None there is 0 here",
    ("layers.Conv2DTranspose", "output_padding"): "None there is 0 here",
    ("layers.Convolution2DTranspose", "output_padding"): "None there is 0 here",
    ("layers.Normalization", "mean"): "None there is learned by adapt(); here the values are given",
    ("layers.Normalization", "variance"): "None there is learned by adapt(); here the values are given",
}


def shared() -> list[str]:
    return [name for name in KERAS["defaults"] if hasattr(ROOMS[name.split(".")[0]], name.split(".")[1])]


def test_enough_is_compared() -> None:
    assert len(shared()) > 40


@pytest.mark.parametrize("name", shared())
def test_defaults(name: str) -> None:
    room, kind = name.split(".")
    ours = getattr(ROOMS[room], kind)
    known = (
        {f.name: f.default for f in dataclasses.fields(ours)}
        if dataclasses.is_dataclass(ours)
        else {p: v.default for p, v in __import__("inspect").signature(ours).parameters.items()}
    )
    for argument, theirs in KERAS["defaults"][name].items():
        if argument in known and (room, argument) not in OURS and (name, argument) not in OURS:
            assert plain(known[argument]) == plain(theirs), argument


def plain(value: Any) -> Any:
    """Ways to write the same: (1, 1) and 1, None and "linear", two names of one initialiser."""
    if isinstance(value, list | tuple) and len(set(value)) == 1:
        return value[0]
    return {"linear": None, "uniform": "random_uniform"}.get(value, value) if isinstance(value, str) else value
