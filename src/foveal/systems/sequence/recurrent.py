"""Recurrent classifiers: a picture read row by row, and how far back each kind of network remembers."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from foveal import zoo
from foveal.report.blocks import Lines, Report, Section, Series
from foveal.runs.method import Method, Quick
from foveal.runs.settings import LIMIT, Setting
from foveal.systems.classification.classifier import classify, reported
from foveal.systems.sequence import adding_problem
from foveal.training.config import TrainingConfig

if TYPE_CHECKING:
    from foveal.backends.torch import Network
    from foveal.network.tree import Sequential
    from foveal.runs.run import Run

_COMMON = TrainingConfig(
    epochs=4, batch_size=64, optimizer="adam", lr=4e-3, schedule="one-cycle", clip_norm=1.0, label_smoothing=0.05,
    validation=0.05,
)  # fmt: skip
SLOWER = _COMMON.replace(epochs=8, lr=1e-3)  # the simple network breaks down at the rate of those with gates
"""Test accuracy on Fashion-MNIST, seeds 0 to 2: LSTM 0.8892, 0.8882, 0.8891; GRU 0.8954, 0.8937, 0.8950; RNN 0.8695, 0.8673,
0.8712. A whole run takes 125 to 150 s of one thread's time, some 85 of them for the adding problem. The rates are first guesses
that were kept: three epochs gave 0.886, 0.887 and 0.860 on 5,000 pictures put aside. Others were not tried."""

SETTINGS = (
    Setting(
        "lags",
        "10,30,100",
        "steps between the two numbers of the adding problem",
        text="whole numbers from 1 to 1000 with commas between; empty leaves the adding problem out",
    ),
    Setting("lag_steps", 1500, "batches of 64 sequences that each network learns from at each lag", at_least=1),
    Setting("lag_units", 32, "units of the networks of the adding problem", at_least=1),
    Setting("lag_rate", 0.01, "their highest learning rate (Adam, one cycle, gradients clipped to length 1)", above=0),
    LIMIT,
)
TITLES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
_LOOKED_AT = 1000  # test pictures whose gradients are measured


def run(run: Run) -> Report:
    """Train the classifier and test it; then the adding problem at every lag, RNN beside LSTM beside GRU.

    Raises:
        DataError: rows of a table.
        ConfigurationError: lags that are not list of whole numbers.
    """
    name, plan = run.system.name, adding_problem.plan(run)
    data = run.pictures()
    found = classify(run, network(run), data)
    rows = run.cached("rows", lambda: row_norms(found.module, found.measured.images[:_LOOKED_AT]))
    memory = adding_problem.carried_out(run, plan) if plan.lags else None
    report = reported(run, found, data, rows=rows, **({} if memory is None else {"adding": memory.to_json()}))
    own = [*([] if memory is None else adding_problem.sections(memory)), _rows_section(name, rows)]
    return dataclasses.replace(
        report,
        headlines=[*report.headlines, *([] if memory is None else adding_problem.headlines(memory))],
        sections=[*own, *report.sections],
    )


def network(run: Run) -> Sequential:
    """The recurrent network for the run's pictures."""
    data = run.pictures()
    return zoo.create(run.system.name, classes=len(data.classes), input_shape=data.shape)


def row_norms(module: Network, images: np.ndarray[Any, Any]) -> list[float]:
    """The mean over pictures of ‖d(largest output)/d(row)‖, for the rows from the last one read to the first.

    Args:
        module: a classifier of pictures, in evaluation mode.
        images: N × height × width × channels, uint8.
    """
    import torch

    x = module.as_input(images).requires_grad_()
    (gradient,) = torch.autograd.grad(module(x).max(1).values.sum(), x)
    norms = gradient.square().sum((1, 3)).sqrt().mean(0)  # N × channels × rows × columns → rows
    return [float(value) for value in norms.flip(0)]


def _rows_section(name: str, rows: list[float]) -> Section:
    text = (
        f"The {TITLES[name]} has read the bottom row last. How much its answer would still change with the rows above it, by "
        "the gradient of its largest output: a curve that falls fast is a network that has forgotten the top of the picture."
    )
    lines = Lines(
        "rows", "rows before the last", "mean norm of the gradient",
        [Series(TITLES[name], list(range(len(rows))), rows)],
        f"Of {_LOOKED_AT:,} test pictures at most. Rows that are empty in most pictures count like any other.",
    )  # fmt: skip
    return Section("Which rows count", text, [lines])


QUICK = Quick(
    data="digits",
    changes={"epochs": 1, "batch_size": 32},
    settings={"lags": "2,4", "lag_steps": 3, "lag_units": 3, "limit": 80},
)
RNN = Method(SLOWER, SETTINGS, run, QUICK, network=network)
LSTM = GRU = Method(_COMMON, SETTINGS, run, QUICK, network=network)
