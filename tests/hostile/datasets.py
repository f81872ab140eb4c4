"""Images, tables and folders: damaged, odd, and larger than they look."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.hostile import mutations, seeds
from tests.hostile.harness import Case
from tests.hostile.inputs import NAMES, not_files, write


def images() -> Iterator[Case]:
    """Pictures of every format, damaged; classified alone and within a folder of good ones."""
    model = seeds.model()

    def alone(name: str, data: bytes) -> Callable[[], list[str]]:
        def make() -> list[str]:
            Path("m.safetensors").write_bytes(model)
            Path(name).write_bytes(data)
            return ["predict", "m.safetensors", name]

        return make

    for suffix in seeds.FORMATS:
        data = seeds.image(suffix)
        for name, changed in mutations.damaged(data, 7, 84):
            cut = name.startswith("cut") and suffix not in ("gif", "webp")
            yield Case("image", f"{suffix}: {name}", alone(f"x.{suffix}", changed), refused=cut)
        for name, changed in mutations.damaged(data, 8, 14):
            yield Case("image", f"in a folder, {suffix}: {name}", _in_folder(f"bad.{suffix}", changed))
    for title, width, height in (
        ("wide", 60_000_000, 1),
        ("tall", 1, 60_000_000),
        ("square", 50_000, 50_000),
        ("nothing", 0, 5),
        ("edge", 2**31 - 1, 2**31 - 1),
    ):
        yield Case("image", f"PNG bomb, {title}", alone("x.png", bomb(width, height)), refused=True)
        yield Case("image", f"PNG bomb in a folder, {title}", _in_folder("bad.png", bomb(width, height)))
    yield Case("image", "text chunk bomb", lambda: alone("x.png", _text_bomb())())
    for name in NAMES:
        yield Case(
            "image",
            f"file name {name!a}",
            alone(f"{name}.png".replace("/", "_"), seeds.image("png")) if _writable(name) else _in_folder("x.png", b""),
        )
    yield from not_files("image", "x.png", ("predict", "nowhere", "x.png"))


def _writable(name: str) -> bool:
    return not name.startswith("-") and len(os.fsencode(name)) < 240


def _in_folder(name: str, data: bytes) -> Callable[[], list[str]]:
    def make() -> list[str]:
        seeds.write_folder()
        Path("data", "cat", name).write_bytes(data)
        return ["data", "show", "data"]

    return make


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def bomb(width: int, height: int) -> bytes:
    """A PNG whose header promises a size and whose zeros pack well."""
    zeros = zlib.compress(bytes(min(width * height // 8 + height, 8_000_000)), 9)
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zeros) + _chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    data = seeds.image("png")
    packed = zlib.compress(bytes(200_000_000), 9)
    return data[:33] + _chunk(b"zTXt", b"k\0\0" + packed) + data[33:]


def tables() -> Iterator[Case]:
    """CSV, IDX and NumPy files, damaged and odd; shown and trained on."""
    show, train = ("data", "show", "d.{0}"), ("train", "mlp", "d.{0}", "--epochs", "1", "--quiet")

    def words(verb: tuple[str, ...], suffix: str) -> list[str]:
        return [word.format(suffix) for word in verb]

    for number, (name, data) in enumerate(mutations.damaged(seeds.table(), 9, 140)):
        yield Case("table", f"csv: {name}", write("d.csv", data, *words(show if number % 3 else train, "csv")))
    for number, (name, data) in enumerate(mutations.damaged(seeds.npz(), 10, 140)):
        yield Case("table", f"npz: {name}", write("d.npz", data, *words(show if number % 3 else train, "npz")))
    images, _ = seeds.pixels()
    for name, data in mutations.damaged(seeds.idx(images), 11, 105):
        yield Case("table", f"idx: {name}", _idx(data))
    for name, header in {
        "255 axes": struct.pack(">HBB255I", 0, 8, 255, *[2**31] * 255),
        "no axis": struct.pack(">HBB", 0, 8, 0),
        "overflow": struct.pack(">HBB3I", 0, 8, 3, *[2**32 - 1] * 3),
        "type": struct.pack(">HBB3I", 0, 99, 3, 1, 8, 8),
    }.items():
        yield Case("table", f"idx: {name}", _idx(header), refused=True)
    odd = {
        "NaN": b"label,a,b\n0,nan,1\n1,2,3\n",
        "inf": b"label,a,b\n0,inf,1\n1,2,3\n",
        "ragged": b"label,a,b\n0,1\n1,2,3\n",
        "huge": b"label,a,b\n0,1e400,1\n1," + b"9" * 5_000 + b",3\n",
        "labels": b"label,a\n" + b"9" * 40 + b",1\n1,2\n",
        "names": "label,a\n\x1b[2J\u202e,1\nb,2\n".encode() * 6,
        "one class": b"label,a\n" + b"0,1\n" * 20,
        "header only": b"label,a,b\n",
        "NUL": b"label,a\n0,\0\n",
        "long field": b'label,a\n0,"' + b"x" * 3_000_000 + b'"\n',
        "wide": b"0" + b",1" * 500_000 + b"\n",
        "quote": b'label,a\n0,"1\n',
        "latin-1": "label,a\né,1\n".encode("latin-1"),
        "UTF-16": "label,a\n0,1\n".encode("utf-16"),
        "semicolons": b"label;a;b\n0;1,5;2\n1;2,5;3\n",
    }
    for name, data in odd.items():
        for verb in (show, train):
            yield Case("table", f"csv: {name}", write("d.csv", data, *words(verb, "csv")))
    yield Case("table", "csv.gz: bomb", _packed("d.csv.gz", b"0,1,2,3,4\n" * 100_000, 300, *words(show, "csv.gz")))
    yield Case(
        "table",
        "idx.gz: bomb",
        _packed("train-images-idx3-ubyte.gz", bytes(2_000_000), 300, "data", "show", "."),
        refused=True,
    )
    yield from not_files("table", "d.csv", ("data", "show", "d.csv"))
    yield from not_files("table", "d.npz", ("data", "show", "d.npz"))


def _idx(data: bytes) -> Callable[[], list[str]]:
    def make() -> list[str]:
        seeds.write_idx(data)
        return ["data", "show", "."]

    return make


def _packed(name: str, part: bytes, times: int, *arguments: str) -> Callable[[], list[str]]:
    """A small gzip file that becomes large: the same part many times over."""

    def make() -> list[str]:
        seeds.write_idx()
        if name.startswith("train"):
            Path("train-images-idx3-ubyte").unlink()
        Path(name).write_bytes(seeds.compressed(part) * times)  # gzip members may follow one another
        return list(arguments)

    return make


def folders() -> Iterator[Case]:
    """Folders of images with odd inhabitants and names."""

    def with_(change: Callable[[], None]) -> Callable[[], list[str]]:
        def make() -> list[str]:
            seeds.write_folder()
            change()
            return ["data", "show", "data"]

        return make

    yield Case("folder", "link to itself", with_(lambda: os.symlink("..", "data/cat/up")))
    yield Case("folder", "link to the root", with_(lambda: os.symlink("/", "data/cat/all")))
    yield Case("folder", "pipe", with_(lambda: os.mkfifo("data/cat/x.png")))
    yield Case("folder", "device", with_(lambda: os.symlink("/dev/zero", "data/cat/x.png")))
    yield Case("folder", "folder with an image's name", with_(lambda: Path("data/cat/x.png").mkdir()))
    yield Case("folder", "empty class", with_(lambda: Path("data/none").mkdir()))
    yield Case("folder", "nothing", with_(lambda: [path.unlink() for path in Path("data").rglob("*.png")] and None))
    for name in NAMES:
        yield Case(
            "folder", f"class {name!a}", with_(lambda name=name: os.rename("data/cat", os.path.join("data", name)))
        )
    for name in ("train", "test", "val", "Training", "__MACOSX", ".hidden"):
        yield Case("folder", f"class {name}", with_(lambda name=name: os.rename("data/cat", f"data/{name}")))
