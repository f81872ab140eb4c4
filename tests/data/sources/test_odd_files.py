"""Files that are not pictures, or would be giants: one clear error each, in no time and little memory."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from foveal.data import load
from foveal.data.sources.images import MAX_SIDE, probe, read
from foveal.errors import ConfigurationError, ImageError
from tests.data.made_files import chunk, encoded, png, tiff_of

COLOUR = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)


def header_only(width: int, height: int) -> bytes:
    return png(COLOUR, 8, 2, size=(height, width))


def zeros(count: int) -> bytes:
    """So many zeros, packed."""
    packer, left, pieces = zlib.compressobj(1), count, []
    while left > 0:
        pieces.append(packer.compress(bytes(min(left, 1 << 20))))
        left -= 1 << 20
    return b"".join(pieces) + packer.flush()


@pytest.mark.parametrize("act", [read, probe])
def test_only_files_are_read(act: object, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "loop.png").symlink_to("loop.png")
    (tmp_path / "nowhere.png").symlink_to("nothing")
    (tmp_path / "empty.png").touch()
    places = [str(tmp_path / n) for n in ("pipe.png", "folder.png", "loop.png", "nowhere.png", "none.png", "nul\0.png")]
    for path in [*places, "/dev/zero", "/dev/null"]:
        with pytest.raises(ImageError, match="the file cannot be read"):
            act(path)  # type: ignore[operator]
    with pytest.raises(ImageError, match="the file is empty"):
        act(tmp_path / "empty.png")  # type: ignore[operator]


def test_a_folder_with_all_of_them_takes_the_good_ones(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder = tmp_path / name
        (folder / "inner.png").mkdir(parents=True)
        (folder / "inner.png" / "GOOD.PNG").write_bytes(png(COLOUR, 8, 2))
        (folder / "two\nlines \x1b[2J.png").write_bytes(png(COLOUR, 8, 2))
        (folder / "wrong suffix.jpg").write_bytes(png(COLOUR, 8, 2))
        os.mkfifo(folder / "pipe.png")
        (folder / "loop.png").symlink_to("loop.png")
        (folder / "empty.png").touch()
        (folder / "wide.png").write_bytes(header_only(60_000_000, 1))
        (folder / "odd\n.png").write_bytes(b"text")
    data = load(tmp_path)
    assert len(data.train) == 6
    assert len(data.problems) == 10
    for image in data.train.images:
        np.testing.assert_array_equal(image, COLOUR)
    assert all("\n" not in line and "\x1b" not in line for line in data.problems), data.problems


@pytest.mark.parametrize(("width", "height"), [(1, 60_000_000), (60_000_000, 1), (1, MAX_SIDE + 1), (MAX_SIDE + 1, 2)])
def test_a_side_is_bounded_before_decoding(width: int, height: int) -> None:
    for data in (header_only(width, height), tiff_of(COLOUR, more={256: ("I", [width]), 257: ("I", [height])})):
        for act in (read, probe):
            with pytest.raises(ImageError, match=f"at most {MAX_SIDE:,} pixels a side"):
                act(data)


def test_giants_of_every_format_are_refused() -> None:
    jpeg = bytearray(encoded(Image.fromarray(COLOUR), "JPEG"))
    frame = jpeg.index(b"\xff\xc0")
    jpeg[frame + 5 : frame + 9] = b"\xff\xff\xff\xff"
    gif = bytearray(encoded(Image.fromarray(COLOUR), "GIF"))
    gif[6:10] = b"\xff\xff\xff\xff"
    bmp = bytearray(encoded(Image.fromarray(COLOUR), "BMP"))
    bmp[18:26] = struct.pack("<ii", 60_000, 60_000)
    webp = (
        b"RIFF"
        + struct.pack("<I", 30)
        + b"WEBPVP8X"
        + struct.pack("<I", 10)
        + bytes(4)
        + b"\xff\x3f\x00\xff\x3f\x00"
        + bytes(8)
    )
    for data in (jpeg, gif, bmp, webp):
        for act in (read, probe):
            with pytest.raises(ImageError, match="over the limit of pixels"):
                act(bytes(data))


def test_what_no_pixel_needs_is_never_unpacked() -> None:
    bombs = [chunk(b"zTXt", b"a\0\0" + zeros(8 << 20))] * 20 + [chunk(b"iCCP", b"a\0\0" + zeros(64 << 20))]
    for data in (png(COLOUR, 8, 2, before=bombs), png(COLOUR, 8, 2, after=bombs[:20])):
        np.testing.assert_array_equal(read(data), COLOUR)
        assert probe(data).height == 6
    frame = b"!\xf9\x04\0\0\0\0\0," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02D\x01\0"
    gif = encoded(Image.new("L", (1, 1), 7), "GIF")[:-1] + frame * 100_000 + b";"
    assert read(gif).shape[:2] == (1, 1)


def test_tags_and_scans_without_end() -> None:
    for tag in (258, 273, 279, 320):
        with pytest.raises(ImageError, match="damaged or cut short"):
            read(_announcing(tag, 50_000_000))
    whole = encoded(Image.fromarray(COLOUR), "JPEG")
    start, end = whole.index(b"\xff\xda"), len(whole) - 2
    with pytest.raises(ImageError, match="more than 100 scans"):
        read(whole[:start] + whole[start:end] * 101 + whole[end:])
    with pytest.raises(ImageError, match="more than 200,000 parts"):
        read(png(COLOUR, 8, 2, before=[chunk(b"prVt", b"")] * 200_001))


def _announcing(tag: int, count: int) -> bytes:
    data = bytearray(tiff_of(COLOUR, more={320: ("H", [0])}))
    at = next(
        i
        for i in range(len(data) - 12)
        if data[i : i + 2] == struct.pack("<H", tag) and data[i + 2] in (3, 4) and not data[i + 3]
    )
    data[at + 4 : at + 8] = struct.pack("<I", count)
    return bytes(data)


def test_small_files_take_no_large_memory(tmp_path: Path) -> None:
    """Each would be gigabytes, in a process that may have 1,400 MB of addresses in all."""
    (tmp_path / "tall.png").write_bytes(png(COLOUR, 1, 0, size=(60_000_000, 1), pixels=zeros(1_000_000)))
    (tmp_path / "text.png").write_bytes(png(COLOUR, 8, 2, before=[chunk(b"zTXt", b"a\0\0" + zeros(1 << 28))]))
    (tmp_path / "tags.tif").write_bytes(_announcing(279, 2**32 - 1))
    (tmp_path / "good.png").write_bytes(png(COLOUR, 1, 0, size=(4_000, 8_000), pixels=zeros(4_004_000)))
    script = (
        "import resource, sys; from foveal.data.sources.images import probe, read; from foveal.errors import ImageError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1400 << 20, 1400 << 20))\n"
        "for path in sys.argv[1:]:\n"
        "    for act in (probe, read):\n"
        "        try: print('taken', act(path) is not None)\n"
        "        except ImageError as error: print('refused')\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(int(peak.split()[1]) < 350_000)\n"
    )
    files = [str(tmp_path / name) for name in ("tall.png", "text.png", "tags.tif", "good.png")]
    done = subprocess.run([sys.executable, "-c", script, *files], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    assert done.stdout.split("\n") == ["refused"] * 2 + ["taken True"] * 2 + ["refused"] * 2 + ["taken True"] * 2 + [
        "True",
        "",
    ]


@pytest.mark.parametrize("background", [-1, 256, (1, 2), (1, 2, 300), "white", 1.5])
def test_a_background_that_is_no_colour(background: object) -> None:
    with pytest.raises(ConfigurationError, match="a background is one level or three"):
        read(png(COLOUR, 8, 2), background=background)  # type: ignore[arg-type]


def test_other_arguments_that_are_none() -> None:
    data = png(COLOUR, 8, 2)
    for wrong in ({"size": (0, 1)}, {"size": (10**6, 10**6)}, {"channels": 2}, {"channels": 4}, {"fit": "squash"}):
        with pytest.raises(ConfigurationError):
            read(data, **wrong)  # type: ignore[arg-type]
    for bytes_like in (bytearray(data), memoryview(data)):
        np.testing.assert_array_equal(read(bytes_like), COLOUR)  # type: ignore[arg-type]
