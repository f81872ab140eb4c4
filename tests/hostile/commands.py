"""What is said on the command line: places to write to, and values that cannot be meant."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile import seeds
from tests.hostile.harness import Case
from tests.hostile.inputs import write


def outputs() -> Iterator[Case]:
    """Places to write to that are not ordinary files; what is there must not be lost."""

    def to(place: Callable[[], str], *arguments: str) -> Callable[[], list[str]]:
        def make() -> list[str]:
            Path("kept").write_text("kept")
            target = place()
            return [word.replace("@", target) for word in arguments]

        return make

    def directory() -> str:
        Path("d.svg").mkdir()
        return "d.svg"

    def loop() -> str:
        os.symlink("l.svg", "l.svg")
        return "l.svg"

    def device() -> str:
        os.symlink("/dev/full", "f.svg")
        return "f.svg"

    places = {
        "a folder": directory,
        "a link to itself": loop,
        "a full device": device,
        "a file as a folder": lambda: "kept/x.svg",
        "a long name": lambda: "x" * 400 + ".svg",
        "another kind": lambda: "x.png",
        "a NUL's neighbour": lambda: "x\udcff.svg",
    }
    for name, place in places.items():
        refused = name not in ("a NUL's neighbour",)
        yield Case("output", f"--svg to {name}", to(place, "show", "lenet5", "--svg", "@"), refused, intact=("kept",))


def options() -> Iterator[Case]:
    """Options with values that cannot be meant."""
    odd = ("-1", "0", "1e400", "nan", "inf", "9" * 30, "x", "", "1e-400", "-0.5", "1000000000")
    names = (
        "epochs",
        "batch-size",
        "lr",
        "momentum",
        "weight-decay",
        "warmup",
        "label-smoothing",
        "ema",
        "clip-norm",
        "early-stopping",
        "validation",
        "seed",
    )
    for name in names:
        for value in odd:
            if name == "epochs" and value == "1000000000":
                continue  # that is what was asked for
            usual = [] if name == "epochs" else ["--epochs", "1"]
            yield Case(
                "option",
                f"--{name} {value}",
                write("d.npz", seeds.npz(), "train", "mlp", "d.npz", "--quiet", *usual, f"--{name}={value}"),
            )
    words = (
        "",
        "x",
        "\x1b[2J",
        "a" * 10_000,
        "../..",
        "0x0x0",
        "1000000000x1x1",
        "-1x2x3",
        "shift=1e9",
        "flip=-1",
        "shift=nan,flip",
    )
    for name in ("optimizer", "schedule", "loss", "augment", "size", "device", "precision", "engine", "name", "resume"):
        for value in words:
            yield Case(
                "option",
                f"--{name} {value[:20]!a}",
                write("d.npz", seeds.npz(), "train", "mlp", "d.npz", "--quiet", "--epochs", "1", f"--{name}={value}"),
            )
    for value in words:
        yield Case("option", f"--input {value[:20]!a}", lambda value=value: ["show", "lecture_cnn", f"--input={value}"])
        yield Case("option", f"NET {value[:20]!a}", lambda value=value: ["show", "--", value])
        yield Case("option", f"--why {value[:20]!a}", lambda value=value: ["show", "lenet5", f"--why={value}"])
