"""Training goes on from fit to fit until compile: four times one epoch are four epochs, to the bit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import foveal
from foveal import callbacks, layers, models, optimizers
from foveal.errors import ConfigurationError
from foveal.training.config import TrainingConfig
from foveal.training.optim.schedule import SCHEDULES_THAT_GO_ON, SPANNING, schedule

RNG = np.random.default_rng(0)
X, Y = RNG.random((40, 6, 6, 1), dtype=np.float32), RNG.integers(0, 3, 40)
OPTIMIZERS = [
    "sgd",
    "momentum",
    "nesterov",
    "adagrad",
    "rmsprop",
    "adam",
    "adamw",
    optimizers.RMSprop(centered=True, momentum=0.5),
]


def model(optimizer: Any = "adam", **options: Any) -> foveal.Model:
    nodes = [
        layers.Conv2D(3, 3, use_bias=False, input_shape=(6, 6, 1)),
        layers.BatchNormalization(),
        layers.ReLU(),
        layers.Flatten(),
        layers.Dropout(0.4),
        layers.Dense(3),
    ]
    made = foveal.Model(layers.Sequential(nodes), seed=3)
    made.compile(optimizer, **options)
    return made


def weights(of: foveal.Model) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in of.module.state_dict().values()]


def same(a: foveal.Model, b: foveal.Model) -> bool:
    return all(torch.equal(one, other) for one, other in zip(weights(a), weights(b), strict=True))


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_four_times_one_epoch_are_four_epochs(optimizer: Any) -> None:
    whole, parts = model(optimizer), model(optimizer)
    wanted = whole.fit(X, Y, epochs=4, verbose=0, validation_data=(X, Y)).history
    found = [parts.fit(X, Y, epochs=1, verbose=0, validation_data=(X, Y)).history for _ in range(4)]
    assert {name: [part[name][0] for part in found] for name in wanted} == wanted
    assert same(whole, parts)
    assert parts.facts["history"] == whole.facts["history"] == wanted
    assert parts.facts["epochs"] == 4


@settings(max_examples=12)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=3),
    st.sampled_from(SCHEDULES_THAT_GO_ON),
    st.booleans(),
    st.sampled_from([None, 0.9]),
    st.sampled_from([None, 0.5]),
    st.sampled_from([0.0, 1.5]),
)
def test_in_any_parts(
    parts: list[int], kind: str, shuffle: bool, ema: float | None, clip: float | None, warmup: float
) -> None:
    options = {"schedule": kind, "step_every": 2.0, "ema": ema, "clip_norm": clip, "warmup": warmup}
    whole, cut, numbered = (model(**options) for _ in range(3))
    wanted = whole.fit(X, Y, epochs=sum(parts), verbose=0, shuffle=shuffle)
    rates: list[float] = []
    done = 0
    for count in parts:
        rates += cut.fit(X, Y, epochs=count, verbose=0, shuffle=shuffle).rates
        history = numbered.fit(X, Y, epochs=done + count, initial_epoch=done, verbose=0, shuffle=shuffle)
        assert history.epoch == list(range(done, done + count))
        done += count
        cut.predict(X), cut.evaluate(X, Y, verbose=0)  # looking changes nothing
    assert rates == wanted.rates
    assert same(whole, cut)
    assert same(whole, numbered)


@pytest.mark.parametrize("kind", SPANNING)
def test_a_schedule_over_a_run_spans_each_fit(kind: str) -> None:
    net = model(schedule=kind)
    config = TrainingConfig(schedule=kind, epochs=2)
    factor = schedule(config, 2)
    wanted = pytest.approx([0.001 * factor(1), 0.001 * factor(3)])
    for _ in range(2):
        assert net.fit(X, Y, batch_size=20, epochs=2, verbose=0).rates == wanted
    longer = schedule(config.replace(epochs=4), 2)
    assert net.fit(X, Y, batch_size=20, epochs=4, initial_epoch=2, verbose=0).rates == pytest.approx(
        [0.001 * longer(5), 0.001 * longer(7)]
    )


def test_compile_begins_anew() -> None:
    again, fresh = model(), model()
    again.fit(X, Y, epochs=2, verbose=0)
    state = {name: tensor.clone() for name, tensor in again.module.state_dict().items()}
    again.compile("adam")
    fresh.module.load_state_dict(state)
    assert again.fit(X, Y, epochs=2, verbose=0).history == fresh.fit(X, Y, epochs=2, verbose=0).history


def test_initial_epoch_is_keras() -> None:
    class Numbers(callbacks.Callback):
        def __init__(self) -> None:
            self.seen: list[int] = []

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.seen.append(epoch)

    numbers, net = Numbers(), model()
    assert net.fit(X, Y, epochs=5, initial_epoch=3, verbose=0, callbacks=[numbers]).epoch == [3, 4] == numbers.seen
    before = weights(net)
    assert net.fit(X, Y, epochs=5, initial_epoch=5, verbose=0).history == {}
    assert net.fit(X, Y, epochs=2, initial_epoch=7, verbose=0).epoch == []
    assert all(torch.equal(a, b) for a, b in zip(weights(net), before, strict=True))
    for wrong in (-1, 1.0, "1"):
        with pytest.raises(ConfigurationError, match="initial_epoch"):
            net.fit(X, Y, initial_epoch=wrong, verbose=0)


def test_a_changed_network_says_that_the_optimizer_begins_anew(capsys: pytest.CaptureFixture[str]) -> None:
    said = "the optimizer begins anew"
    net = model()
    net.fit(X, Y, verbose=0)
    net.fit(X, Y, verbose=0)
    net.module.load_state_dict(model().module.state_dict())  # other values of the same weights, as in Keras
    net.fit(X, Y, verbose=0)
    assert said not in capsys.readouterr().err
    net.pop()
    net.add(layers.Dense(3))
    net.fit(X, Y, verbose=0)
    assert capsys.readouterr().err.count(said) == 1
    frozen = model()
    frozen.fit(X, Y, verbose=0)
    frozen.module.conv2d_1.requires_grad_(False)
    kept = frozen.module.conv2d_1.weight.clone()
    frozen.fit(X, Y, verbose=0)
    assert capsys.readouterr().err.count(said) == 1
    assert torch.equal(frozen.module.conv2d_1.weight, kept)


def test_the_average_begins_anew_where_the_weights_were_changed() -> None:
    net = model(ema=0.5)
    net.fit(X, Y, epochs=2, verbose=0)
    other = model().module.state_dict()
    net.module.load_state_dict(other)
    net.fit(X, Y, epochs=3, initial_epoch=3, verbose=0)  # nothing is trained
    assert all(torch.equal(a, b) for a, b in zip(weights(net), other.values(), strict=True))


def test_best_weights_that_were_restored_are_what_the_next_fit_begins_with() -> None:
    net = model("sgd")
    stop = callbacks.EarlyStopping("loss", mode="max", restore_best_weights=True, patience=9)
    net.fit(X, Y, epochs=3, verbose=0, callbacks=[stop])
    best = weights(net)
    net.fit(X, Y, epochs=1, initial_epoch=1, verbose=0)
    assert all(torch.equal(a, b) for a, b in zip(weights(net), best, strict=True))


def test_a_fit_that_was_interrupted_is_gone_on_with() -> None:
    class Break(callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            if epoch == 1:
                raise KeyboardInterrupt

    parts, whole = model(), model()
    with pytest.raises(KeyboardInterrupt):
        parts.fit(X, Y, epochs=4, verbose=0, callbacks=[Break()])
    parts.fit(X, Y, epochs=2, verbose=0)
    whole.fit(X, Y, epochs=4, verbose=0)
    assert parts.facts["epochs"] == 2
    assert not same(parts, whole), "the order of the epoch that was cut short comes again"


def test_the_facts_of_a_saved_model_add_up(tmp_path: Path) -> None:
    net = model()
    net.facts = {"test": {"accuracy": 0.9, "count": 10}, "data": "digits", "epochs": 3}
    net.fit(X, Y, epochs=2, verbose=0)
    back = models.load_model(net.save(tmp_path / "m.safetensors"))
    assert back.facts["epochs"] == 5
    assert back.facts["data"] == "digits"
    assert "test" not in back.facts, "measured with weights that are no more"
    back.compile()
    back.fit(X, Y, verbose=0, validation_data=(X, Y))
    assert back.facts["epochs"] == 6
    assert len(back.facts["history"]["loss"]) == 3
    assert back.facts["history"]["val_loss"][:2] == [None, None]
    back.save(tmp_path / "n.safetensors")


def test_training_leaves_the_callers_random_numbers() -> None:
    net = model()
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    for _ in range(2):
        net.fit(X, Y, verbose=0)
    assert torch.equal(torch.rand(1), wanted)


SCRIPT = """
import os, signal, sys
import numpy as np, foveal
from foveal import callbacks, layers
class Send(callbacks.Callback):
    def on_train_batch_end(self, batch, logs=None):
        if batch == 2: os.kill(os.getpid(), getattr(signal, sys.argv[1]))
m = foveal.Model(layers.Sequential([layers.Dense(3, input_shape=(4,))]), seed=0); m.compile()
x, y = np.zeros((40, 4)), np.arange(40) % 3
try:
    m.fit(x, y, batch_size=4, verbose=0, callbacks=[Send()])
except KeyboardInterrupt as stop:
    print("caught:", stop)
    print(len(m.fit(x, y, verbose=0).epoch))
finally:
    print("finally")
"""


@pytest.mark.parametrize(
    ("name", "status", "out", "err"),
    [
        (
            "SIGTERM",
            143,
            "finally\n",
            "SIGTERM: stopped in epoch 1 of 1 after step 3 of 10; callbacks.ModelCheckpoint keeps",
        ),
        (
            "SIGINT",
            0,
            "caught: stopped in epoch 1 of 1 after step 3 of 10; another fit goes on from here\n1\nfinally\n",
            "",
        ),
    ],
)
def test_a_signal_in_a_program_of_ones_own_is_one_line(name: str, status: int, out: str, err: str) -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT, name], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (status, out)
    assert done.stderr.startswith(err)
    assert len(done.stderr.splitlines()) == bool(err)
