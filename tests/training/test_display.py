"""What a person and a program see: exact lines, valid JSON, and a live bar that leaves only its table behind."""

from __future__ import annotations

import io
import json
import sys

import pytest
from rich.console import Console

from foveal.training import events
from foveal.training.display import JsonLines, LiveBar, PlainLines, display_for

VALUES = {"loss": 0.51234, "accuracy": 0.82, "val_loss": 0.4, "val_accuracy": 0.86}
STORY: list[events.Event] = [
    events.Started(2, 10, 320, device="cpu"),
    events.Message("this processor does not multiply bfloat16 in hardware: training in float32"),
    events.EpochStarted(1, 2, 10),
    events.StepDone(1, 4, 10, {"loss": 0.9, "accuracy": 0.6}, 5432.1, 1e-3),
    events.Saved("runs/a/checkpoints/000000010.safetensors", 2, 0),
    events.EpochDone(1, 2, 10, VALUES, 12.34, 5432.1, 1e-3),
    events.EpochStarted(2, 2, 10),
    events.EpochDone(2, 2, 10, VALUES, 123.4, 543.2, 1e-3),
    events.Finished(2, 150.0, stopped_early=True),
]


def test_plain_lines_are_one_an_epoch() -> None:
    out = io.StringIO()
    with PlainLines(out) as display:
        for event in STORY:
            display(event)
    assert out.getvalue().splitlines() == [
        "note: this processor does not multiply bfloat16 in hardware: training in float32",
        "Epoch 1/2 - 10/10 - 12.3 s - 5,432/s - loss: 0.5123 - accuracy: 0.8200 - val_loss: 0.4000 - val_accuracy: 0.8600",
        "Epoch 2/2 - 10/10 - 123.4 s - 543/s - loss: 0.5123 - accuracy: 0.8200 - val_loss: 0.4000 - val_accuracy: 0.8600",
        "Stopped early after epoch 2.",
    ]


def test_a_resumed_run_says_where_it_goes_on() -> None:
    out = io.StringIO()
    PlainLines(out)(events.Started(5, 1000, 32000, epoch=2, step=340))
    assert out.getvalue() == "Going on after step 340 of epoch 3.\n"
    PlainLines(out)(events.Started(5, 1000, 32000, epoch=5, step=0))
    assert out.getvalue().endswith("Trained already (5 epochs).\n")


def test_json_lines_hold_every_event() -> None:
    out = io.StringIO()
    display = JsonLines(out)
    for event in STORY:
        display(event)
    rows = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [row["event"] for row in rows] == [
        "started", "message", "epoch_started", "step_done", "saved", "epoch_done", "epoch_started", "epoch_done", "finished"
    ]  # fmt: skip
    assert rows[5]["values"] == VALUES


def test_the_live_bar_leaves_a_table() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=110, color_system=None)
    with LiveBar(console) as display:
        for event in STORY:
            display(event)
    text = console.file.getvalue()  # type: ignore[attr-defined]
    lines = [line.strip() for line in text.replace("\x1b[2K", "\n").split("\n")]
    assert "epoch    loss  accuracy  val_loss  val_accuracy        time  pictures/s" in lines
    assert "1  0.5123    0.8200    0.4000        0.8600      12.3 s       5,432" in lines
    assert "2  0.5123    0.8200    0.4000        0.8600  2 min 03 s         543" in lines


def test_the_bar_shows_epoch_step_loss_accuracy_speed_and_time_left() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120, color_system=None)
    with LiveBar(console) as display:
        for event in STORY[:4]:
            display(event)
        assert display._progress is not None
        display._progress.refresh()
    text = console.file.getvalue()  # type: ignore[attr-defined]
    for part in ("epoch 1/2", "4/10", "loss 0.900", "accuracy 0.600", "5,432 pictures/s", "left"):
        assert part in text


def test_the_display_follows_what_the_output_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert type(display_for("auto")).__name__ == type(display_for(1)).__name__ == "PlainLines"
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert type(display_for("auto")).__name__ == "LiveBar"
    assert type(display_for("auto", json_lines=True)).__name__ == "JsonLines"
    assert type(display_for(0)).__name__ == "Silent"


def test_a_stage_is_no_note() -> None:
    out = io.StringIO()
    PlainLines(out)(events.Stage("fine-tuning"))
    JsonLines(out)(events.Stage("fine-tuning"))
    LiveBar(Console(file=out, width=80))(events.Stage("fine-tuning"))
    assert out.getvalue().splitlines() == [
        "fine-tuning …", '{"event": "stage", "text": "fine-tuning"}', "fine-tuning …"
    ]  # fmt: skip
