"""Model files and run folders: damaged anywhere, with hostile values inside, or something else in their place."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.hostile import mutations, seeds
from tests.hostile.harness import Case
from tests.hostile.inputs import not_files


def models() -> Iterator[Case]:
    """Model files: damaged anywhere, with hostile metadata, of other kinds; shown, evaluated, used."""
    data = seeds.model()
    size = struct.unpack("<Q", data[:8])[0]
    verbs = (("show", "m.safetensors"), ("predict", "m.safetensors", "x.png"), ("evaluate", "m.safetensors", "digits"))
    png = seeds.image("png")

    def make(changed: bytes, arguments: tuple[str, ...]) -> Callable[[], list[str]]:
        def inner() -> list[str]:
            Path("m.safetensors").write_bytes(changed)
            Path("x.png").write_bytes(png)
            return list(arguments)

        return inner

    for number, (name, changed) in enumerate(mutations.damaged(data, 3, 210)):
        yield Case("model", name, make(changed, verbs[number % 2]))
    for name, changed in mutations.damaged(data[8 + size :], 4, 70):
        if changed != data[8 + size :]:
            yield Case("model", f"weights, {name}", make(data[: 8 + size] + changed, verbs[1]), refused=True)
    header = json.loads(data[8 : 8 + size])
    whole = {"__metadata__": {key: _json(value) for key, value in header["__metadata__"].items()}}
    for number, (name, text) in enumerate(mutations.with_values(whole["__metadata__"], 5, 330)):
        fields = _split(text)
        if fields is None:
            continue
        changed = _model({**header, "__metadata__": fields}, data[8 + size :])
        yield Case("model", f"metadata {name}", make(changed, verbs[number % 3]))
    for name, text in mutations.with_values({k: v for k, v in header.items() if k != "__metadata__"}, 6, 120):
        body = '{"__metadata__":' + json.dumps(header["__metadata__"]) + "," + text[1:]
        yield Case(
            "model",
            f"header {name}",
            make(struct.pack("<Q", len(body.encode())) + body.encode() + data[8 + size :], verbs[1]),
        )
    yield from not_files("model", "m.safetensors", ("show", "m.safetensors"))
    yield from not_files("model", "m.safetensors", ("predict", "m.safetensors", "x.png"))
    yield from not_files("model", "m.safetensors", ("evaluate", "m.safetensors"))


def _json(value: str) -> Any:
    try:
        return json.loads(value)
    except ValueError:
        return value


def _split(text: str) -> dict[str, str] | None:
    """The metadata's values as the texts that a header holds; None where the damage made it no object."""
    try:
        told = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        return None
    return (
        {key: value if isinstance(value, str) else json.dumps(value) for key, value in told.items()}
        if isinstance(told, dict)
        else None
    )


def _model(header: dict[str, Any], body: bytes) -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


def runs() -> Iterator[Case]:
    """Run folders in which one file is damaged, missing or something else; resumed and evaluated."""
    names = [name for name in seeds.run_folder() if name.startswith("runs/") and not name.endswith(".html")]
    for name in names:
        data = seeds.run_folder()[name]
        for number, (title, changed) in enumerate(mutations.damaged(data, 12, 28)):
            finished = number % 2 == 0
            verb = ("evaluate", "runs/r") if finished else ("train", "--resume", "runs/r", "--quiet")
            yield Case("run", f"{name}: {title}", _run({name: changed}, finished, verb))
        if name.endswith(".json"):
            for number, (title, text) in enumerate(mutations.with_values(json.loads(data), 13, 150)):
                finished = number % 2 == 0
                verb = ("evaluate", "runs/r") if finished else ("train", "--resume", "runs/r", "--quiet")
                yield Case(
                    "run", f"{name}: {title}", _run({name: text.encode("utf-8", "surrogatepass")}, finished, verb)
                )
        for other in ("pipe", "folder", "nothing"):
            for finished, verb in ((True, ("evaluate", "runs/r")), (False, ("train", "--resume", "runs/r", "--quiet"))):
                yield Case("run", f"{name} is a {other}", _run({}, finished, verb, instead=(name, other)))


def _run(
    change: dict[str, bytes], finished: bool, verb: tuple[str, ...], instead: tuple[str, str] | None = None
) -> Callable[[], list[str]]:
    def make() -> list[str]:
        seeds.write_run(change, finished=finished)
        if instead is not None and (path := Path(instead[0])).exists():
            path.unlink()
            if instead[1] == "pipe":
                os.mkfifo(path)
            elif instead[1] == "folder":
                path.mkdir()
        return list(verb)

    return make
