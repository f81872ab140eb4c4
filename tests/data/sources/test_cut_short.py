"""Pictures that end too early are refused, whatever a decoder would make of them; whole ones never are."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from foveal.data import load
from foveal.data.sources.images import read
from foveal.errors import ImageError
from tests.data.made_files import chunk, encoded, png, png_rows, tiff_of

RANDOM = np.random.default_rng(4)
COLOUR = RANDOM.integers(0, 256, (40, 48, 3), dtype=np.uint8)
PICTURE = Image.fromarray(COLOUR)
GREY_END = COLOUR.copy()
GREY_END[20:] = 128

ROWS = png_rows(COLOUR, 8)
PNGS = {
    "the stream closes early": png(COLOUR, 8, 2, pixels=zlib.compress(ROWS[:-1])),
    "the stream closes in the middle": png(COLOUR, 8, 2, pixels=zlib.compress(ROWS[: len(ROWS) // 2])),
    "the stream is cut": png(COLOUR, 8, 2, pixels=zlib.compress(ROWS)[:-200]),
    "nothing in the stream": png(COLOUR, 8, 2, pixels=b""),
    "more rows announced": png(COLOUR, 8, 2, size=(41, 48)),
    "wider rows announced": png(COLOUR, 8, 2, size=(40, 49)),
    "interlaced, closed early": png(
        COLOUR, 8, 2, interlaced=True, pixels=zlib.compress(png_rows(COLOUR, 8, True)[:-1])
    ),
    "no IEND": png(COLOUR, 8, 2)[:-12],
    "no check sum of IEND": png(COLOUR, 8, 2)[:-2],
    "a check sum is wrong": png(COLOUR, 8, 2)[:-17] + bytes([png(COLOUR, 8, 2)[-17] ^ 1]) + png(COLOUR, 8, 2)[-16:],
    "no palette": png(COLOUR[..., :1] % 16, 4, 3),
}
JPEGS = {
    "plain": {"quality": 90},
    "grey": {"quality": 90, "mode": "L"},
    "inks": {"quality": 90, "mode": "CMYK"},
    "progressive": {"quality": 90, "progressive": True},
    "restarts": {"quality": 90, "restart_marker_blocks": 2},
    "small tables": {"quality": 90, "optimize": True, "subsampling": 2},
}


def jpeg(kind: str, pixels: np.ndarray = COLOUR) -> bytes:
    options = dict(JPEGS[kind])
    mode = str(options.pop("mode", "RGB"))
    return encoded(Image.fromarray(pixels).convert(mode), "JPEG", **options)


@pytest.mark.parametrize("case", PNGS)
def test_a_png_that_is_not_whole(case: str) -> None:
    with pytest.raises(ImageError, match="damaged or cut short"):
        read(PNGS[case])


def test_a_png_with_something_behind_it_is_whole() -> None:
    for data in (
        png(COLOUR, 8, 2) + b"more",
        png(COLOUR, 8, 2, pixels=zlib.compress(ROWS + b"\0" * 50)),
        png(COLOUR, 8, 2, after=[chunk(b"tEXt", b"Comment\0late")], before=[chunk(b"prVt", b"private")]),
    ):
        np.testing.assert_array_equal(read(data), COLOUR)


@pytest.mark.parametrize("kind", JPEGS)
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9, 0.99])
@pytest.mark.parametrize("size", [None, (10, 12)])
def test_a_jpeg_closed_early(kind: str, share: float, size: tuple[int, int] | None) -> None:
    whole = jpeg(kind)
    read(whole, size)
    end = whole.index(b"\xff\xda") + 14
    for cut in (whole[: end + int(share * (len(whole) - 2 - end))],):
        for ending in (b"\xff\xd9", b""):
            with pytest.raises(ImageError, match="damaged or cut short"):
                read(cut.rstrip(b"\xff") + ending, size)


@pytest.mark.parametrize("kind", JPEGS)
def test_a_large_jpeg_closed_early(kind: str) -> None:
    large = np.tile(COLOUR, (8, 8, 1))
    whole = jpeg(kind, large)
    read(whole)
    with pytest.raises(ImageError, match="end early"):
        read(whole[: int(0.9 * len(whole))].rstrip(b"\xff") + b"\xff\xd9")


def test_a_progressive_jpeg_that_ends_between_two_scans() -> None:
    whole = jpeg("progressive")
    last = whole.rindex(b"\xff\xda")
    with pytest.raises(ImageError, match="before all of its scans"):
        read(whole[: whole.rindex(b"\xff\xc4", 0, last)] + b"\xff\xd9")


def test_the_end_marker_is_missing() -> None:
    for kind in JPEGS:
        with pytest.raises(ImageError, match="no end marker"):
            read(jpeg(kind)[:-2])


@given(
    height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 999), kind=st.sampled_from(sorted(JPEGS)),
    level=st.sampled_from(["noise", "grey", "half"]), size=st.sampled_from([None, (9, 7)]),
)  # fmt: skip
def test_a_whole_jpeg_is_never_refused(
    height: int, width: int, seed: int, kind: str, level: str, size: tuple[int, int] | None
) -> None:
    pixels = np.full((height, width, 3), 128, np.uint8)
    if level != "grey":
        noise = np.random.default_rng(seed).integers(0, 256, pixels.shape, dtype=np.uint8)
        pixels[: height if level == "noise" else height // 2] = noise[: height if level == "noise" else height // 2]
    got = read(jpeg(kind, pixels), size)
    if size is None:
        direct = np.asarray(Image.open(io.BytesIO(jpeg(kind, pixels))).convert("L" if kind == "grey" else "RGB"))
        np.testing.assert_array_equal(got.reshape(direct.shape), direct)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 1.0])
def test_other_formats_cut_short(kind: str, share: float) -> None:
    data = encoded(PICTURE, kind)
    with pytest.raises(ImageError, match="damaged or cut short"):
        read(data[: min(int(share * len(data)), len(data) - 1)])


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_deflate", "packbits", "zstd"])
def test_compressed_tiffs_cut_short(compression: str) -> None:
    data = encoded(PICTURE, "TIFF", compression=compression)
    for share in (0.2, 0.5, 0.9):
        with pytest.raises(ImageError, match="damaged or cut short"):
            read(data[: int(share * len(data))])


@pytest.mark.parametrize("deflate", [False, True])
@pytest.mark.parametrize("layout", ["strips", "planes", "tiles"])
def test_a_tiff_that_lists_too_few_pieces(layout: str, deflate: bool) -> None:
    np.testing.assert_array_equal(read(tiff_of(COLOUR, layout=layout, deflate=deflate)), COLOUR)
    with pytest.raises(ImageError, match="ends early: 2 of"):
        read(tiff_of(COLOUR, layout=layout, deflate=deflate, keep=2))


def with_strip(data: bytes, share: float) -> bytes:
    """The TIFF of one strip, of which its directory counts only a share."""
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    (place,) = (at + 2 + 12 * n for n in range(count) if struct.unpack_from("<H", data, at + 2 + 12 * n) == (279,))
    kind, number = struct.unpack_from("<HI", data, place + 2)
    assert number == 1
    letter = {3: "<H", 4: "<I"}[kind]
    (size,) = struct.unpack_from(letter, data, place + 8)
    changed = bytearray(data)
    struct.pack_into(letter, changed, place + 8, int(share * size))
    return bytes(changed)


@pytest.mark.parametrize("compression", [None, "group3", "group4", "tiff_ccitt", "jpeg"])
@pytest.mark.parametrize("noisy", [False, True])
def test_a_strip_that_ends_early(compression: str | None, noisy: bool) -> None:
    """A fax decoder leaves the rest white, JPEG's grey, and nothing is said."""
    rows, columns = np.mgrid[:40, :56]
    values = np.random.default_rng(0).integers(0, 256, (40, 56)) if noisy else 5 * rows + columns
    picture = Image.fromarray(values.astype(np.uint8))
    picture = picture if compression == "jpeg" else picture.convert("1")
    file = io.BytesIO()
    picture.save(file, "TIFF", compression=compression)
    whole = file.getvalue()
    np.testing.assert_array_equal(read(with_strip(whole, 1.0)).squeeze(), np.asarray(Image.open(file).convert("L")))
    for share in (0.2, 0.5, 0.8, 0.95):
        with pytest.raises(ImageError, match=r"ends? early|damaged or cut short"):
            read(with_strip(whole, share))


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_ccitt", "jpeg"])
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    ink=st.floats(0, 1),
    rows=st.integers(1, 5),
    order=st.sampled_from([1, 2]),
)
def test_a_whole_fax_is_never_refused(
    compression: str, height: int, width: int, ink: float, rows: int, order: int
) -> None:
    values = np.random.default_rng(height).random((height, width)) < ink
    picture = Image.fromarray((255 * values).astype(np.uint8)) if compression == "jpeg" else Image.fromarray(values)
    info = {278: 8 * rows} if compression == "jpeg" else {266: order, 278: rows}
    file = io.BytesIO()
    picture.save(file, "TIFF", compression=compression, tiffinfo=info)
    np.testing.assert_array_equal(read(file.getvalue()).squeeze(), np.asarray(Image.open(file).convert("L")).squeeze())


def test_a_folder_counts_and_lists_them_and_takes_the_others(tmp_path: Path) -> None:
    bad = {"a.png": PNGS["the stream closes early"], "b.jpg": jpeg("plain")[:-300] + b"\xff\xd9", "c.gif": b"",
           "d.webp": encoded(PICTURE, "WEBP")[:-9], "e.tif": tiff_of(COLOUR, keep=1), "f.bmp": encoded(PICTURE, "BMP")[:-9],
           "g.png": b"text"}  # fmt: skip
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "good.png").write_bytes(png(COLOUR, 8, 2))
        for file, data in bad.items():
            (tmp_path / name / file).write_bytes(data)
    data = load(tmp_path)
    assert len(data.train) == 2
    assert sorted({line.split(":")[0] for line in data.problems}) == sorted(
        f"{n}/{f}" for n in ("one", "two") for f in bad
    )
