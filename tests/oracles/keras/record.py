"""Writes down what Keras 3 computes, for tests/oracles/test_keras.py to compare with. Keras is not a dependency of the project.

    python3 -m venv keras-venv && keras-venv/bin/pip install keras tensorflow-cpu
    keras-venv/bin/python tests/oracles/keras/record.py

It writes recorded.json beside itself: inputs, outputs, and the versions that gave them.
"""

from __future__ import annotations

import inspect
import json
import math
import os
from pathlib import Path
from typing import Any

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
import tensorflow as tf

DRAW = np.random.default_rng(0)


def plain(value: Any) -> Any:
    """Arrays as lists of numbers that float32 can tell apart."""
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float | np.floating):
        return float(f"{float(value):.9g}") if math.isfinite(value) else str(value)
    if isinstance(value, np.integer):
        return int(value)
    if hasattr(value, "numpy"):
        return plain(value.numpy())
    return plain(value.tolist()) if isinstance(value, np.ndarray) else value


# Optimizers ----------------------------------------------------------------------------------------------------------

STEPS = 6
OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.8, "nesterov": True}),
    ("SGD", {"learning_rate": 0.1, "weight_decay": 0.05}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.05}),
    ("Adagrad", {}),
    ("Adagrad", {"learning_rate": 0.1, "initial_accumulator_value": 0.0, "epsilon": 1e-3}),
    ("Adagrad", {"learning_rate": 0.1, "weight_decay": 0.1}),
    ("RMSprop", {}),
    ("RMSprop", {"learning_rate": 0.01, "epsilon": 1e-3}),
    ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "momentum": 0.5}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True, "epsilon": 1e-4}),
    ("RMSprop", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("Adam", {}),
    ("Adam", {"learning_rate": 0.01, "epsilon": 1e-3}),
    ("Adam", {"learning_rate": 0.01, "beta_1": 0.7, "beta_2": 0.9, "epsilon": 1e-4}),
    ("Adam", {"learning_rate": 0.01, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1, "epsilon": 1e-5}),
]


def optimizers() -> dict[str, Any]:
    """The weights after each step, for gradients of about 1 and of about 1e-5, where the place of epsilon matters."""
    start = [DRAW.normal(size=(3, 4)), DRAW.normal(size=4)]
    cases, all_gradients = [], {}
    for scale in (1.0, 1e-5):
        gradients = [(scale * DRAW.normal(size=(3, 4)), scale * DRAW.normal(size=4)) for _ in range(STEPS)]
        all_gradients[str(scale)] = gradients
        for name, arguments in OPTIMIZERS:
            variables = [keras.Variable(values.astype("float32")) for values in start]
            optimizer = getattr(keras.optimizers, name)(**arguments)
            optimizer.build(variables)
            steps = []
            for pair in gradients:
                optimizer.apply([tf.constant(g.astype("float32")) for g in pair], variables)
                steps.append([v.numpy() for v in variables])
            cases.append({"name": name, "arguments": arguments, "scale": str(scale), "steps": steps})
    return {"start": start, "gradients": all_gradients, "cases": cases}


# Losses and metrics --------------------------------------------------------------------------------------------------


def losses() -> list[dict[str, Any]]:
    found = []

    def note(name: str, outputs: Any, targets: Any, **arguments: Any) -> None:
        x = tf.Variable(np.asarray(outputs, "float32"))
        with tf.GradientTape() as tape:
            loss = getattr(keras.losses, name)(**arguments)(np.asarray(targets), x)
        found.append({"name": name, "arguments": arguments, "outputs": np.asarray(outputs), "targets": np.asarray(targets),
                      "loss": loss, "gradient": tape.gradient(loss, x)})  # fmt: skip

    scores, one = DRAW.normal(size=(6, 4)) * 2, DRAW.normal(size=(6, 1)) * 2
    labels, two = DRAW.integers(0, 4, 6), np.array([0.0, 1, 1, 0, 1, 0])[:, None]
    rows, soft = np.eye(4)[labels], DRAW.dirichlet(np.ones(4), 6)
    several = (DRAW.random((6, 4)) > 0.5).astype("float64")
    softmax, sigmoid = np.exp(scores) / np.exp(scores).sum(1, keepdims=True), 1 / (1 + np.exp(-scores))
    for name in ("Hinge", "CategoricalHinge"):
        note(name, scores, rows)
        note(name, one, two)
    note("Hinge", scores, 2 * rows - 1)
    note("Hinge", scores, several)
    note("Hinge", one, 2 * two - 1)
    for name in ("MeanSquaredError", "MeanAbsoluteError"):
        note(name, scores, soft)
        note(name, one, two)
        note(name, one, two[:, 0])
    for s in (0.0, 0.1):
        note("CategoricalCrossentropy", softmax, rows, label_smoothing=s)
        note("CategoricalCrossentropy", softmax, soft, label_smoothing=s)
        note("CategoricalCrossentropy", scores, rows, from_logits=True, label_smoothing=s)
        note("CategoricalCrossentropy", scores, soft, from_logits=True, label_smoothing=s)
        note("BinaryCrossentropy", sigmoid, several, label_smoothing=s)
        note("BinaryCrossentropy", scores, several, from_logits=True, label_smoothing=s)
        note("BinaryCrossentropy", sigmoid[:, :1], two, label_smoothing=s)
        note("BinaryCrossentropy", one, two, from_logits=True, label_smoothing=s)
    note("CategoricalCrossentropy", sigmoid, rows)
    note("SparseCategoricalCrossentropy", softmax, labels)
    note("SparseCategoricalCrossentropy", sigmoid, labels)
    note("SparseCategoricalCrossentropy", scores, labels, from_logits=True)
    certain = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    note("SparseCategoricalCrossentropy", certain, np.array([0, 0, 1]))
    note("CategoricalCrossentropy", certain, np.array([[1.0, 0], [1, 0], [0, 1]]))
    note("BinaryCrossentropy", certain, np.array([[1.0, 0], [1, 0], [0, 1]]))
    return found


def accuracies() -> list[dict[str, Any]]:
    """What "accuracy" comes to, by the shapes of targets and outputs."""
    found = []
    outputs = DRAW.random((20, 4))
    labels = DRAW.integers(0, 4, 20)
    cases = {
        "class numbers": (outputs, labels, "sparse_categorical_crossentropy"),
        "a column of class numbers": (outputs, labels[:, None], "sparse_categorical_crossentropy"),
        "one-hot, categorical": (outputs, np.eye(4)[labels], "categorical_crossentropy"),
        "one-hot, binary": (outputs, np.eye(4)[labels], "binary_crossentropy"),
        "several labels, binary": (outputs, (DRAW.random((20, 4)) > 0.4).astype(float), "binary_crossentropy"),
        "one output, binary": (outputs[:, :1], (DRAW.random((20, 1)) > 0.5).astype(float), "binary_crossentropy"),
        "one output, mse": (outputs[:, :1], (DRAW.random((20, 1)) > 0.5).astype(float), "mse"),
        "one-hot, mse": (outputs, np.eye(4)[labels], "mse"),
    }
    for name, (x, y, loss) in cases.items():
        model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Activation("linear")])
        model.compile(loss=loss, metrics=["accuracy", "binary_accuracy"] if x.shape == y.shape else ["accuracy"])
        told = model.evaluate(x.astype("float32"), y, verbose=0, return_dict=True)
        found.append({"name": name, "outputs": x, "targets": y, "compiled": loss, **told})
    return found


def saturated() -> list[dict[str, Any]]:
    """A cross-entropy behind a sigmoid or softmax far out: do gradients come back?"""
    found = []
    x = np.array([[40.0, -40.0], [-40.0, 40.0], [3.0, 1.0]])
    for activation, loss, y in (
        ("sigmoid", "binary_crossentropy", np.array([[0.0, 1], [0, 1], [1, 0]])),
        ("softmax", "categorical_crossentropy", np.array([[0.0, 1], [0, 1], [1, 0]])),
        ("softmax", "sparse_categorical_crossentropy", np.array([1, 1, 0])),
        ("softmax", "binary_crossentropy", np.array([[0.0, 1], [0, 1], [1, 0]])),
        ("sigmoid", "categorical_crossentropy", np.array([[0.0, 1], [0, 1], [1, 0]])),
    ):
        for eager in (False, True):
            layer = keras.layers.Dense(2, activation=activation, use_bias=False, kernel_initializer="identity")
            model = keras.Sequential([keras.Input((2,)), layer])
            model.compile(keras.optimizers.SGD(1.0), loss=loss, run_eagerly=eager)
            before = layer.kernel.numpy()
            told = model.evaluate(x.astype("float32"), y, verbose=0)
            fitted = model.fit(x.astype("float32"), y, batch_size=3, verbose=0).history["loss"][0]
            found.append({"activation": activation, "loss": loss, "eager": eager, "x": x, "y": y, "evaluate": told,
                          "fit": fitted, "gradient": before - layer.kernel.numpy()})  # fmt: skip
    return found


# Layers --------------------------------------------------------------------------------------------------------------


def normalizations() -> dict[str, Any]:
    x, y = DRAW.normal(2, 3, size=(5, 4)), DRAW.normal(1, 2, size=(2, 3, 3, 4))
    batch = {}
    for name, data in (("rows", x), ("images", y)):
        layer = keras.layers.BatchNormalization(momentum=0.9)
        outputs = [layer(data.astype("float32"), training=True) for _ in range(3)]
        batch[name] = {"x": data, "outputs": outputs[-1], "mean": layer.moving_mean, "variance": layer.moving_variance,
                       "evaluated": layer(data.astype("float32"), training=False)}  # fmt: skip
    return {"batch": batch, "layer": {"x": x, "outputs": keras.layers.LayerNormalization()(x.astype("float32"))}}


def transposed() -> list[dict[str, Any]]:
    found = []
    for padding in ("valid", "same"):
        for kernel, strides, dilation in (
            (1, 1, 1), (1, 2, 1), (1, 3, 1), (2, 1, 1), (2, 2, 1), (2, 3, 1), (2, 4, 1), (3, 1, 1), (3, 2, 1), (3, 3, 1),
            (4, 2, 1), (5, 3, 1), (3, 1, 2), (2, 1, 2), ((1, 3), (2, 2), 1), ((2, 4), (3, 1), 1),
        ):  # fmt: skip
            layer = keras.layers.Conv2DTranspose(2, kernel, strides, padding, dilation_rate=dilation)
            x = DRAW.normal(size=(1, 3, 4, 2))
            layer.build(x.shape)
            weights, bias = DRAW.normal(size=layer.kernel.shape), DRAW.normal(size=2)
            layer.set_weights([weights, bias])
            found.append({"kernel_size": kernel, "strides": strides, "padding": padding, "dilation_rate": dilation, "x": x,
                          "kernel": weights, "bias": bias, "shape": layer.compute_output_shape(x.shape),
                          "outputs": layer(x.astype("float32")) if dilation == 1 else None})  # fmt: skip  # TF: not on CPUs
    return found


def fans() -> list[dict[str, Any]]:
    """The largest value of a glorot_uniform kernel and the deviation of a he_normal one, over many draws."""
    found = []
    for name, arguments, shape, kernels in (
        ("Dense", {"units": 300}, (200,), ["kernel"]),
        ("Conv1D", {"filters": 64, "kernel_size": 5}, (9, 32), ["kernel"]),
        ("Conv2D", {"filters": 64, "kernel_size": 3}, (9, 9, 32), ["kernel"]),
        ("Conv2D", {"filters": 64, "kernel_size": 3, "groups": 4}, (9, 9, 32), ["kernel"]),
        ("Conv3D", {"filters": 32, "kernel_size": 3}, (5, 5, 5, 16), ["kernel"]),
        ("DepthwiseConv2D", {"kernel_size": 7, "depth_multiplier": 4}, (9, 9, 40), ["kernel"]),
        ("SeparableConv2D", {"filters": 96, "kernel_size": 7, "depth_multiplier": 4}, (9, 9, 40),
         ["depthwise_kernel", "pointwise_kernel"]),
        ("Conv2DTranspose", {"filters": 96, "kernel_size": 3}, (5, 5, 16), ["kernel"]),
        ("LSTM", {"units": 64}, (9, 100), ["kernel"]),
        ("GRU", {"units": 64}, (9, 100), ["kernel"]),
        ("SimpleRNN", {"units": 120}, (9, 100), ["kernel"]),
    ):  # fmt: skip
        told: dict[str, Any] = {}
        for initializer in ("glorot_uniform", "he_normal"):
            keras.utils.set_random_seed(0)
            prefixes = {"DepthwiseConv2D": ["depthwise"], "SeparableConv2D": ["depthwise", "pointwise"]}.get(
                name, ["kernel"]
            )
            given = {f"{prefix}_initializer": initializer for prefix in prefixes}
            layer = getattr(keras.layers, name)(**arguments, **given)
            layer.build((None, *shape))
            for kernel in kernels:
                holder = getattr(layer, "cell", layer)
                values = getattr(holder, kernel).numpy()
                told.setdefault(kernel, {})[initializer] = [abs(values).max(), values.std()]
        found.append({"name": name, "arguments": arguments, "shape": shape, "kernels": told})
    return found


def pooling() -> list[dict[str, Any]]:
    found = []
    x = DRAW.normal(size=(1, 5, 6, 2))
    for kind in ("AveragePooling2D", "MaxPooling2D"):
        for padding in ("valid", "same"):
            for size, strides in ((2, None), (3, 2), (2, 1), (3, 1)):
                layer = getattr(keras.layers, kind)(size, strides, padding)
                found.append({"name": kind, "pool_size": size, "strides": strides, "padding": padding, "x": x,
                              "outputs": layer(x.astype("float32"))})  # fmt: skip
    return found


def activations() -> dict[str, Any]:
    x = np.concatenate([np.linspace(-8, 8, 33), [-30.0, 30.0]]).reshape(5, 7)
    names = ("linear", "sigmoid", "tanh", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "mish", "softplus",
             "softsign", "hard_sigmoid", "exponential", "softmax", "log_softmax")  # fmt: skip
    return {"x": x, **{name: keras.layers.Activation(name)(x.astype("float32")) for name in names}}


def upsampling() -> list[dict[str, Any]]:
    x = DRAW.normal(size=(1, 3, 4, 2))
    return [
        {"size": size, "interpolation": kind, "x": x,
         "outputs": keras.layers.UpSampling2D(size, interpolation=kind)(x.astype("float32"))}
        for size in (2, 3) for kind in ("nearest", "bilinear")
    ]  # fmt: skip


def recurrent() -> list[dict[str, Any]]:
    """Layers with their gates in Keras' order: LSTM i, f, c, o; GRU z, r, h."""
    found = []
    x = DRAW.normal(size=(2, 5, 3))
    for name, arguments in (("SimpleRNN", {}), ("LSTM", {}), ("GRU", {}), ("GRU", {"reset_after": False}),
                            ("LSTM", {"return_sequences": True, "go_backwards": True})):  # fmt: skip
        layer = getattr(keras.layers, name)(4, **arguments)
        layer.build(x.shape)
        first = [w.copy() for w in layer.get_weights()]
        weights = [DRAW.normal(size=w.shape) for w in first]
        layer.set_weights(weights)
        found.append({"name": name, "arguments": arguments, "x": x, "weights": weights, "first_bias": first[2],
                      "outputs": layer(x.astype("float32"))})  # fmt: skip
    return found


# Rules of fit --------------------------------------------------------------------------------------------------------


def splits() -> list[list[Any]]:
    """[samples, validation_split, samples that are trained on]; 0 where Keras refuses."""
    from keras.src.trainers.data_adapters import array_slicing

    found = []
    for count in (1, 2, 5, 9, 10, 11, 25, 100, 101):
        for share in (0.05, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.7, 0.9):
            try:
                (train,), _ = array_slicing.train_validation_split((np.zeros((count, 1)),), share)
                found.append([count, share, len(train)])
            except ValueError:
                found.append([count, share, 0])
    return found


class _Stopped:
    stop_training = False

    def get_weights(self) -> list[Any]:
        return []

    def set_weights(self, weights: list[Any]) -> None:
        pass


def stopping() -> list[dict[str, Any]]:
    """The epoch at which EarlyStopping stops, by a course of values; None where it does not."""
    found = []
    courses = {"falls, then rises": [5, 4, 3, 3.5, 3.2, 3.1, 3.3, 3.4], "falls slowly": [1, 0.99, 0.98, 0.97, 0.96, 0.95],
               "up and down": [3, 4, 2, 4, 1, 4, 5, 6], "constant": [1.0] * 6}  # fmt: skip
    for name, values in courses.items():
        for arguments in ({}, {"patience": 2}, {"patience": 2, "min_delta": 0.05}, {"patience": 1, "start_from_epoch": 2},
                          {"patience": 1, "mode": "max"}):  # fmt: skip
            callback, model = keras.callbacks.EarlyStopping("val_loss", **arguments), _Stopped()
            callback.set_model(model)
            callback.on_train_begin()
            stopped = None
            for epoch, value in enumerate(values):
                callback.on_epoch_end(epoch, {"val_loss": float(value)})
                if model.stop_training:
                    stopped = epoch
                    break
            found.append({"name": name, "values": values, "arguments": arguments, "stopped": stopped})
    return found


def defaults() -> dict[str, dict[str, Any]]:
    """The default arguments of everything public of these rooms, where they are plain values."""
    found = {}
    for room in ("layers", "optimizers", "losses", "callbacks", "regularizers"):
        for name, kind in inspect.getmembers(getattr(keras, room), inspect.isclass):
            try:
                parameters = inspect.signature(kind.__init__).parameters.values()
            except (TypeError, ValueError):
                continue
            plainly = {p.name: p.default for p in parameters
                       if p.default is None or isinstance(p.default, bool | int | float | str | tuple)}  # fmt: skip
            found[f"{room}.{name}"] = {n: v for n, v in plainly.items() if n not in ("name", "dtype", "data_format")}
    return found


def main() -> None:
    keras.utils.set_random_seed(0)
    recorded = {
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "numpy": np.__version__},
        "optimizers": optimizers(), "losses": losses(), "accuracies": accuracies(), "saturated": saturated(),
        "normalizations": normalizations(), "transposed": transposed(), "fans": fans(), "pooling": pooling(),
        "activations": activations(), "upsampling": upsampling(), "recurrent": recurrent(),
        "splits": splits(), "stopping": stopping(), "defaults": defaults(),
    }  # fmt: skip
    lines = [f"{json.dumps(name)}: {json.dumps(plain(value))}" for name, value in recorded.items()]
    Path(__file__).with_name("recorded.json").write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
