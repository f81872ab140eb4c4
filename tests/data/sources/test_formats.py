"""The camera's turn, transparency, depth and colour of every format, against files that were written by hand."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageCms

from foveal.data import load
from foveal.data.sources.images import probe, read
from tests.data.made_files import Array, chunk, encoded, png, png_rows, tiff_of

RANDOM = np.random.default_rng(3)
COLOUR = RANDOM.integers(0, 256, (6, 9, 3), dtype=np.uint8)
LARGER = RANDOM.integers(0, 256, (20, 37, 3), dtype=np.uint8)


def stored(upright: Array, orientation: int) -> Array:
    """How a camera stores an upright picture, by the EXIF standard's table."""
    return np.ascontiguousarray({
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1], 5: upright.swapaxes(0, 1),
        6: np.rot90(upright, 1), 7: upright[::-1, ::-1].swapaxes(0, 1), 8: np.rot90(upright, -1),
    }[orientation])  # fmt: skip


def exif(orientation: int, order: str = ">") -> bytes:
    mark = b"MM\0*" if order == ">" else b"II*\0"
    return mark + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


TURNED = {
    "PNG": lambda a, o: png(a, 8, 2, before=[chunk(b"eXIf", exif(o))]),
    "PNG, EXIF behind the pixels": lambda a, o: png(a, 8, 2, after=[chunk(b"eXIf", exif(o, "<"))]),
    "PNG, EXIF as ImageMagick's text": lambda a, o: png(
        a, 8, 2, before=[chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(
            b"\nexif\n      32\n" + (b"Exif\0\0" + exif(o)).hex().encode() + b"\n"))]),
    "PNG, XMP": lambda a, o: png(
        a, 8, 2, before=[chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x tiff:Orientation=\"%d\"/>" % o)]),
    "WEBP": lambda a, o: encoded(Image.fromarray(a), "WEBP", lossless=True, exif=b"Exif\0\0" + exif(o)),
    "TIFF": lambda a, o: tiff_of(a, orientation=o),
    "TIFF, big-endian": lambda a, o: tiff_of(a, orientation=o, order=">"),
    "TIFF, deflate": lambda a, o: tiff_of(a, orientation=o, deflate=True),
    "TIFF, planes": lambda a, o: tiff_of(a, orientation=o, layout="planes"),
    "TIFF, planes, deflate": lambda a, o: tiff_of(a, orientation=o, layout="planes", deflate=True),
    "TIFF, tiles": lambda a, o: tiff_of(a, orientation=o, layout="tiles"),
    "TIFF, tiles, deflate": lambda a, o: tiff_of(a, orientation=o, layout="tiles", deflate=True),
    "BigTIFF": lambda a, o: tiff_of(a, orientation=o, big=True),
    "TIFF, XMP": lambda a, o: tiff_of(a, more={700: ("B", b"<tiff:Orientation>%d</tiff:Orientation>" % o)}),
    **{f"TIFF, {c}": lambda a, o, c=c: encoded(Image.fromarray(a), "TIFF", compression=c, tiffinfo={274: o})
       for c in ("tiff_lzw", "packbits", "tiff_adobe_deflate", "zstd")},
}  # fmt: skip


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", TURNED)
def test_the_turn_is_carried_out_once(kind: str, orientation: int) -> None:
    data = TURNED[kind](stored(LARGER, orientation), orientation)
    np.testing.assert_array_equal(read(data), LARGER)
    head = probe(data)
    assert (head.height, head.width, head.channels) == LARGER.shape


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("options", [{"quality": 95}, {"progressive": True}, {"quality": 95, "subsampling": 0}])
def test_the_turn_of_a_jpeg_and_its_draft(orientation: int, options: dict[str, object]) -> None:
    smooth = np.asarray(Image.fromarray(LARGER[:4, :6]).resize((96, 64), Image.Resampling.BICUBIC))

    def data(o: int) -> bytes:
        return encoded(Image.fromarray(stored(smooth, o)), "JPEG", exif=b"Exif\0\0" + exif(o), **options)

    np.testing.assert_allclose(read(data(orientation)).astype(int), smooth, atol=60)
    assert (probe(data(orientation)).height, probe(data(orientation)).width) == (64, 96)
    small, plain = read(data(orientation), (8, 12)).astype(int), read(data(1), (8, 12)).astype(int)
    assert np.abs(small - plain).mean() < 6


@pytest.mark.parametrize("kind", ["TIFF", "TIFF, tiles, deflate", "WEBP", "PNG"])
def test_a_folder_of_turned_pictures_keeps_all_of_each(kind: str, tmp_path: Path) -> None:
    for at, orientation in enumerate(range(1, 9)):
        for name in "ab":
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / f"{at}.png").write_bytes(TURNED[kind](stored(LARGER, orientation), orientation))
    data = load(tmp_path)
    assert not data.problems
    assert not data.notes
    for image in data.train.images:
        np.testing.assert_array_equal(image, LARGER)


ODD = {
    "0": ("H", [0]), "9": ("H", [9]), "65535": ("H", [65535]), "a text": ("s", b"6\0"), "two": ("H", [6, 6]),
    "a fraction": ("R", [6, 1]), "none": ("H", []),
}  # fmt: skip


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("big", [False, True])
def test_an_odd_turn_says_nothing(odd: str, big: bool) -> None:
    data = tiff_of(LARGER, more={274: ODD[odd]}, big=big)
    np.testing.assert_array_equal(read(data), LARGER)
    assert (probe(data).height, probe(data).width) == LARGER.shape[:2]


@pytest.mark.parametrize(
    "block",
    [exif(0), exif(9), exif(6)[:12], b"", b"Exif\0\0", b"II*\0\xff\xff\xff\xff", b"XX*\0" + exif(6)[4:], b"\0" * 40,
     b"II*\0" + struct.pack("<IHHHIHH", 8, 65535, 0x0111, 3, 1, 6, 0)],
)  # fmt: skip
def test_damaged_metadata_are_no_reason_to_refuse_a_picture(block: bytes) -> None:
    picture = Image.fromarray(LARGER)
    for data in (
        png(LARGER, 8, 2, before=[chunk(b"eXIf", block)]),
        encoded(picture, "WEBP", lossless=True, exif=block or b"\0"),
    ):
        np.testing.assert_array_equal(read(data), LARGER)
        assert probe(data).height == 20
    jpeg = encoded(picture, "JPEG")
    marked = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 8) + b"Exif\0\0" + block + jpeg[2:]
    np.testing.assert_array_equal(read(marked), read(jpeg))


def test_only_the_first_page_and_frame_is_read(tmp_path: Path) -> None:
    pages = [Image.fromarray(LARGER), Image.new("RGB", (5, 4)), Image.new("L", (1, 1))]
    for kind, options in (("TIFF", {}), ("WEBP", {"lossless": True}), ("PNG", {})):
        more = pages[1:] if kind == "TIFF" else [Image.new("RGB", pages[0].size)]
        data = encoded(pages[0], kind, save_all=True, append_images=more, **options)
        np.testing.assert_array_equal(read(data), LARGER)
        assert (probe(data).height, probe(data).width) == (20, 37)


# Depth and transparency, in exact numbers


@given(
    bits=st.sampled_from([1, 2, 4, 8, 16]), size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    seed=st.integers(0, 999), interlaced=st.booleans(), see_through=st.booleans(),
)  # fmt: skip
def test_grey_png_of_every_depth(
    bits: int, size: tuple[int, int], seed: int, interlaced: bool, see_through: bool
) -> None:
    random, top = np.random.default_rng(seed), (1 << bits) - 1
    values = random.integers(0, top + 1, (*size, 1))
    key = int(values.flat[seed % values.size])
    before = [chunk(b"tRNS", struct.pack(">H", key))] if see_through else []
    expected = np.rint(values * (255 / top))
    if see_through:
        expected = np.where(values == key, 255, expected)
    data = png(values, bits, 0, before=before, interlaced=interlaced)
    np.testing.assert_array_equal(read(data), expected)
    assert probe(data).channels == 1
    if see_through:
        np.testing.assert_array_equal(read(data, background=7)[values == key], 7)


@given(bits=st.sampled_from([8, 16]), seed=st.integers(0, 999), interlaced=st.booleans(), see_through=st.booleans())
def test_colour_png_of_every_depth(bits: int, seed: int, interlaced: bool, see_through: bool) -> None:
    random, top = np.random.default_rng(seed), (1 << bits) - 1
    values = random.integers(0, top + 1, (5, 4, 3))
    values[1, 1] = values[0, 0] + [0, 0, 1 if values[0, 0, 2] < top else -1]  # nearly the transparent colour
    before = [chunk(b"tRNS", struct.pack(">3H", *values[0, 0]))] if see_through else []
    expected = np.rint(values * (255 / top))
    if see_through:
        expected[(values == values[0, 0]).all(2)] = 255
    np.testing.assert_array_equal(read(png(values, bits, 2, before=before, interlaced=interlaced)), expected)


@given(
    bits=st.sampled_from([8, 16]), colour=st.sampled_from([4, 6]), seed=st.integers(0, 999), back=st.integers(0, 255)
)
def test_png_with_alpha_of_every_depth(bits: int, colour: int, seed: int, back: int) -> None:
    random, top = np.random.default_rng(seed), (1 << bits) - 1
    depth = 2 if colour == 4 else 4
    values = random.integers(0, top + 1, (5, 4, depth))
    values[0, :, -1], values[1, :, -1] = 0, top
    share = values[..., -1:] / top
    expected = values[..., :-1] * (255 / top) * share + back * (1 - share)
    data = png(values, bits, colour, interlaced=bool(seed % 2))
    got = read(data, background=back)
    assert got.shape == (5, 4, depth - 1)
    # a half for the rounding of the result, and where 16 bits become 8, a half for the colour and one for its share
    assert np.abs(got - expected).max() <= (0.51 if bits == 8 else 1.51)
    np.testing.assert_array_equal(got[0], back)
    np.testing.assert_array_equal(got[1], np.rint(values[1, :, :-1] * (255 / top)))
    assert probe(data).channels == depth - 1


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_palette_png_with_an_alpha_for_each_colour(bits: int) -> None:
    count = 1 << bits
    colours, alphas = RANDOM.integers(0, 256, (count, 3)), RANDOM.integers(0, 256, max(1, count // 2))
    values = np.arange(4 * count).reshape(4, count, 1) % count
    before = [chunk(b"PLTE", bytes(colours.astype(np.uint8).ravel())), chunk(b"tRNS", bytes(alphas.astype(np.uint8)))]
    share = np.concatenate([alphas, np.full(count - len(alphas), 255)])[values[..., 0], None] / 255
    expected = colours[values[..., 0]] * share + 255 * (1 - share)
    assert np.abs(read(png(values, bits, 3, before=before)) - expected).max() <= 1.01
    np.testing.assert_array_equal(read(png(values, bits, 3, before=before[:1])), colours[values[..., 0]])


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("layout", ["strips", "tiles"])
@pytest.mark.parametrize("deflate", [False, True])
def test_tiff_of_sixteen_bits(order: str, layout: str, deflate: bool) -> None:
    values = RANDOM.integers(0, 65536, (20, 18, 3), dtype=np.uint16)
    for depth in (1, 3):
        data = tiff_of(values[..., :depth], order=order, layout=layout, deflate=deflate)
        np.testing.assert_array_equal(read(data), np.rint(values[..., :depth] / 257))


def test_tiff_where_zero_is_white() -> None:
    values = RANDOM.integers(0, 256, (4, 5, 1), dtype=np.uint8)
    np.testing.assert_array_equal(read(tiff_of(values, photometric=0)), 255 - values)
    wide = RANDOM.integers(0, 65536, (4, 5, 1), dtype=np.uint16)
    np.testing.assert_array_equal(read(tiff_of(wide, photometric=0)), np.rint((65535 - wide.astype(float)) / 257))


def test_tiff_with_alpha() -> None:
    values = RANDOM.integers(0, 256, (4, 5, 4), dtype=np.uint8)
    share = values[..., 3:] / 255
    apart = read(tiff_of(values, extra=[2])).astype(float)
    assert np.abs(apart - (values[..., :3] * share + 255 * (1 - share))).max() <= 1.01
    product = values.copy()  # associated alpha: colours are multiplied by it already
    product[..., :3] = np.rint(values[..., :3] * share)
    joined = read(tiff_of(product, extra=[1])).astype(float)
    assert np.abs(joined - (product[..., :3] + 255 * (1 - share)))[values[..., 3] > 30].max() <= 5
    grey = values[..., [0, 3]]
    got = read(tiff_of(grey, extra=[2], photometric=1))
    assert got.shape == (4, 5, 1)
    assert np.abs(got - (grey[..., :1] * share + 255 * (1 - share))).max() <= 1.01


def test_fractions_and_wide_whole_numbers() -> None:
    fractions = RANDOM.random((4, 5, 1)).astype(np.float32)
    np.testing.assert_array_equal(read(tiff_of(fractions, formats=3)), np.rint(fractions.astype(float) * 255))
    for top, scale in ((255, 1.0), (65535, 1 / 257)):
        wide = RANDOM.integers(0, top + 1, (4, 5, 1), dtype=np.int32)
        wide[0, 0] = top
        np.testing.assert_array_equal(read(tiff_of(wide, formats=2)), np.rint(wide * scale))


def test_twelve_bits_reach_white() -> None:
    values = np.array([[0, 4095, 2048, 16]])
    pairs = values.reshape(-1, 2)
    packed = b"".join(bytes([a >> 4, (a & 15) << 4 | b >> 8, b & 255]) for a, b in pairs.tolist())
    from tests.data.made_files import tiff

    one = {256: ("I", [4]), 257: ("I", [1]), 258: ("H", [12]), 259: ("H", [1]), 262: ("H", [1]), 277: ("H", [1])}
    assert read(tiff([packed], one | {278: ("I", [1])})).ravel().tolist() == [0, 255, 128, 1]


def test_cmyk_and_lab() -> None:
    ink = RANDOM.integers(0, 256, (4, 5, 4), dtype=np.uint8)
    light = (255 - ink[..., :3].astype(float)) * (255 - ink[..., 3:]) / 255
    assert np.abs(read(tiff_of(ink, photometric=5)) - light).max() <= 1.01
    flat = np.broadcast_to(np.array([30, 90, 160, 20], np.uint8), (16, 16, 4))
    light = (255 - flat[..., :3].astype(float)) * (255 - flat[..., 3:]) / 255
    jpeg = encoded(Image.fromarray(np.ascontiguousarray(flat), "CMYK"), "JPEG", quality=100)
    assert np.abs(read(jpeg) - light).max() <= 3
    lab = encoded(
        ImageCms.profileToProfile(Image.new("RGB", (3, 2), (200, 40, 90)), ImageCms.createProfile("sRGB"),
                                  ImageCms.createProfile("LAB"), outputMode="LAB"), "TIFF")  # fmt: skip
    assert np.abs(read(lab)[0, 0].astype(int) - [200, 40, 90]).max() <= 4


def test_a_gif_whose_picture_is_smaller_than_its_screen() -> None:
    picture = Image.new("P", (2, 2), 1)
    picture.putpalette([0, 0, 0, 10, 20, 30])
    data = bytearray(encoded(picture, "GIF"))
    data[6:10] = struct.pack("<HH", 4, 3)  # the screen
    got = read(bytes(data))
    assert got.shape == (3, 4, 3)
    assert got[:2, :2].tolist() == [[[10, 20, 30]] * 2] * 2
    assert set(got[2].ravel().tolist()) == {255}


def test_grey_of_a_gif_with_a_transparent_level_stays_grey() -> None:
    picture = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    got = read(encoded(picture, "GIF", transparency=90))
    expected = np.where(np.arange(256) == 90, 255, np.arange(256))
    assert got.ravel().tolist() == expected.tolist()


def test_rows_are_what_they_should_be() -> None:
    """The helper against Pillow, so that a mistake in it does not pass for one of ours."""
    data = png(COLOUR, 8, 2)
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(data))), COLOUR)
    assert len(png_rows(COLOUR, 8)) == 6 * 28
