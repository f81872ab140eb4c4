"""Valid inputs of every kind, small, made by code: what the mutations start from."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import json
import os
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "tif": "TIFF"}


@functools.cache
def image(suffix: str) -> bytes:
    """A colour image of 24 × 20 pixels."""
    pixels = np.random.default_rng(0).integers(0, 256, (20, 24, 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, FORMATS[suffix])
    return stream.getvalue()


def pixels(count: int = 30) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    draw = np.random.default_rng(1)
    return draw.integers(0, 256, (count, 8, 8), dtype=np.uint8), np.arange(count) % 3


@functools.cache
def npz() -> bytes:
    images, labels = pixels()
    stream = io.BytesIO()
    np.savez_compressed(stream, images=images, labels=labels)
    return stream.getvalue()


@functools.cache
def table() -> bytes:
    """A CSV of images: a label and 64 pixels a row."""
    images, labels = pixels()
    stream = io.StringIO()
    writer = csv.writer(stream)
    writer.writerow(["label", *(f"pixel{n}" for n in range(64))])
    writer.writerows([label, *row.ravel()] for label, row in zip(labels.tolist(), images, strict=True))
    return stream.getvalue().encode()


def idx(values: np.ndarray[Any, Any]) -> bytes:
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.astype(np.uint8).tobytes()


def write_idx(change: bytes | None = None) -> None:
    """The pair of files of a training set; ``change`` in place of the images."""
    images, labels = pixels()
    Path("train-images-idx3-ubyte").write_bytes(idx(images) if change is None else change)
    Path("train-labels-idx1-ubyte").write_bytes(idx(labels))


def write_folder() -> None:
    """Two classes of four images."""
    for name in ("cat", "dog"):
        Path("data", name).mkdir(parents=True)
        for number in range(4):
            Path("data", name, f"{number}.png").write_bytes(image("png"))


@functools.cache
def description() -> dict[str, Any]:
    from foveal import layers
    from foveal.network import Parallel, Residual, Sequential, codec

    tree = Sequential(
        [
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.BatchNormalization(),
            Parallel({"a": [layers.Conv2D(2, 1)], "b": [layers.MaxPooling2D(3, strides=1, padding="same")]}),
            Residual([layers.Conv2D(6, 3, padding="same")]),
            layers.Flatten(),
            layers.Dense(3),
        ],
        input_shape=(8, 8, 1),
        name="seed",
    )
    told: dict[str, Any] = codec.to_dict(tree)
    return json.loads(json.dumps(told))  # type: ignore[no-any-return]


@functools.cache
def model() -> bytes:
    """A model file of that network, with classes."""
    from foveal import Model
    from foveal.network import codec

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.safetensors")
        Model(codec.from_dict(description()), seed=0, classes=["one", "two", "three"]).save(path)
        return path.read_bytes()


@functools.cache
def run_folder() -> dict[str, bytes]:
    """Every file of a run of two epochs, by its path (``runs/r/config.json``), and of its data and description."""
    from foveal import systems

    before = os.getcwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            Path("n.json").write_text(json.dumps(description()), encoding="utf-8")
            Path("d.npz").write_bytes(npz())
            changes = {"epochs": 2, "batch_size": 8, "checkpoint_seconds": 0.0}
            systems.start(systems.plan("n.json", "d.npz", changes=changes), name="r")
            files = [path for path in sorted(Path().rglob("*")) if path.is_file() and path.name != ".lock"]
            return {str(path): path.read_bytes() for path in files}
        finally:
            os.chdir(before)


def write_run(change: dict[str, bytes], *, finished: bool) -> None:
    """The run folder in the working directory, with some files changed; an unfinished one lacks what the end writes."""
    for name, data in run_folder().items():
        path = Path(name)
        ending = path.name in ("model.safetensors", "report.html", "result.json")
        last = path == max(Path(each) for each in run_folder() if "checkpoints" in each)
        if finished or not (ending or last):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(change.get(name, data))


def compressed(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)
