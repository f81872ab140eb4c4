"""Pictures of every kind come out as a person would expect, and bad ones say why."""

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

from foveal.data.sources.images import FORMATS, border_level, probe, read
from foveal.errors import ImageError

COLOUR = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREY = COLOUR[..., 0]


def encoded(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format(kind: str, tmp_path: Path) -> None:
    options = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": 0} if kind == "JPEG" else {}
    flat = Image.new("RGB", (9, 6), (200, 100, 50))
    path = tmp_path / "misnamed.txt"
    path.write_bytes(encoded(flat, kind, **options))
    got = read(path)
    assert got.shape == (6, 9, 3)
    assert got.dtype == np.uint8
    assert np.abs(got.astype(int) - [200, 100, 50]).max() <= 3
    head = probe(path)
    assert (head.height, head.width, head.channels) == (6, 9, 3)


def test_grey_stays_grey_and_can_be_three() -> None:
    data = encoded(Image.fromarray(GREY))
    np.testing.assert_array_equal(read(data)[..., 0], GREY)
    np.testing.assert_array_equal(read(data, channels=3), np.repeat(GREY[..., None], 3, 2))
    assert probe(data).channels == 1


def test_colour_to_grey_is_the_broadcast_formula() -> None:
    expected = COLOUR @ np.array([0.299, 0.587, 0.114])
    assert np.abs(read(encoded(Image.fromarray(COLOUR)), channels=1)[..., 0] - expected).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_cameras_turn_is_carried_out(orientation: int) -> None:
    upright = COLOUR
    stored = {  # how a camera stores the upright picture, by the EXIF standard's table
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: upright[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(Image.fromarray(np.ascontiguousarray(stored)), "PNG", exif=exif)
    np.testing.assert_array_equal(read(data), upright)
    assert (probe(data).height, probe(data).width) == upright.shape[:2]


def test_transparency_lies_on_white_unless_said() -> None:
    picture = Image.fromarray(np.dstack([COLOUR, np.full((6, 9), 128, np.uint8)]))
    share = 128 / 255
    got = read(encoded(picture)).astype(float)
    assert np.abs(got - (COLOUR * share + 255 * (1 - share))).max() <= 1
    black = read(encoded(picture), background=0).astype(float)
    assert np.abs(black - COLOUR * share).max() <= 1
    red = read(encoded(Image.new("RGBA", (2, 2), (0, 0, 0, 0))), background=(255, 0, 0))
    assert red[0, 0].tolist() == [255, 0, 0]


def test_grey_with_transparency_stays_one_channel() -> None:
    picture = Image.merge("LA", (Image.new("L", (3, 2), 10), Image.new("L", (3, 2), 0)))
    assert read(encoded(picture)).tolist() == np.full((2, 3, 1), 255).tolist()


def test_a_palette_becomes_its_colours_and_its_transparent_entry_white() -> None:
    picture = Image.new("P", (2, 1))
    picture.putpalette([10, 20, 30, 200, 100, 0])
    picture.putdata([0, 1])
    assert read(encoded(picture)).tolist() == [[[10, 20, 30], [200, 100, 0]]]
    assert read(encoded(picture, transparency=1)).tolist() == [[[10, 20, 30], [255, 255, 255]]]
    assert read(encoded(picture, "GIF", transparency=1)).tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_cut(kind: str) -> None:
    values = np.array([[0, 128, 257, 32768, 65535]], np.uint16)
    assert read(encoded(Image.fromarray(values), kind)).ravel().tolist() == [0, 0, 1, 128, 255]


def test_sixteen_bit_colour() -> None:
    rows = b"\x00" + struct.pack(">6H", 0, 32768, 65535, 65535, 257, 0)

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", 2, 1, 16, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    assert np.abs(read(data).astype(int) - [[[0, 128, 255], [255, 1, 0]]]).max() <= 1


def test_fractions_of_a_float_tiff() -> None:
    values = np.array([[0.0, 0.5, 1.0]], np.float32)
    assert read(encoded(Image.fromarray(values), "TIFF")).ravel().tolist() == [0, 128, 255]
    with pytest.raises(ImageError, match="outside what its kind holds"):
        read(encoded(Image.fromarray(values - 2), "TIFF"))


def test_one_bit_and_cmyk() -> None:
    assert read(encoded(Image.new("1", (2, 1), 1))).ravel().tolist() == [255, 255]
    got = read(encoded(Image.new("CMYK", (8, 8), (0, 255, 255, 0)), "JPEG", quality=100))
    assert np.abs(got[4, 4].astype(int) - [255, 0, 0]).max() <= 6


def test_the_first_frame_of_a_moving_picture() -> None:
    frames = [Image.new("L", (4, 4), value) for value in (50, 200)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert set(read(data).ravel().tolist()) == {50}


def test_invert() -> None:
    data = encoded(Image.fromarray(COLOUR))
    np.testing.assert_array_equal(read(data, invert=True), 255 - COLOUR)


@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    size=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    fit=st.sampled_from(["crop", "stretch", "pad"]),
    channels=st.sampled_from([1, 3]),
)
def test_the_size_asked_is_the_size_got(
    height: int, width: int, size: tuple[int, int], fit: str, channels: int
) -> None:
    data = encoded(Image.new("RGB", (width, height), (9, 9, 9)))
    got = read(data, size, channels=channels, fit=fit)  # type: ignore[arg-type]
    assert got.shape == (*size, channels)
    if fit != "pad":
        assert set(got.ravel().tolist()) == {9}


def test_crop_keeps_the_middle_pad_keeps_all() -> None:
    picture = np.zeros((10, 30, 3), np.uint8)
    picture[:, 10:20] = 100
    data = encoded(Image.fromarray(picture))
    assert set(read(data, (10, 10)).ravel().tolist()) == {100}
    padded = read(data, (30, 30), fit="pad", background=7)
    assert set(padded[:10].ravel().tolist()) == {7}
    np.testing.assert_array_equal(padded[10:20], picture)


def test_a_large_jpeg_is_reduced_as_a_small_one_would_be() -> None:
    ramp = np.repeat(np.linspace(0, 255, 512).astype(np.uint8)[None], 512, 0)
    got = read(encoded(Image.fromarray(ramp), "JPEG", quality=95), (16, 16))[8, :, 0].astype(float)
    assert np.abs(got - ramp[0].reshape(16, 32).mean(1)).max() < 4


def test_limits_hold_before_decoding(tmp_path: Path) -> None:
    data = encoded(Image.new("L", (100, 50)))
    with pytest.raises(ImageError, match="limit of pixels") as error:
        read(data, max_pixels=4999)
    assert "50 × 100 = 5,000 pixels" in str(error.value)
    path = tmp_path / "a.png"
    path.write_bytes(data)
    for act in (read, probe):
        with pytest.raises(ImageError, match="limit of bytes"):
            act(path, max_bytes=10)


def test_a_header_that_announces_a_giant_costs_nothing() -> None:
    data = bytearray(encoded(Image.new("L", (2, 2))))
    for side, most in ((12_000, "144,000,000"), (60_000, "")):
        data[16:24] = struct.pack(">II", side, side)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        with pytest.raises(ImageError, match="limit of pixels") as error:
            read(bytes(data))
        assert most in str(error.value)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "the file is empty"),
        (b"hello, I am text", "not a picture of a known format"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 1 1\n", "not a picture of a known format"),
        (encoded(Image.fromarray(COLOUR))[:60], "damaged or cut short"),
        (encoded(Image.fromarray(np.tile(COLOUR, (9, 9, 1))), "JPEG")[:900], "damaged or cut short"),
    ],
)
def test_what_is_no_picture(data: bytes, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.png"
    path.write_bytes(data)
    with pytest.raises(ImageError, match=says) as error:
        read(path)
    assert str(path) in str(error.value)


def test_a_missing_picture(tmp_path: Path) -> None:
    for act in (read, probe):
        with pytest.raises(ImageError, match="cannot be read"):
            act(tmp_path / "none.png")


@given(kind=st.sampled_from(FORMATS), seed=st.integers(0, 10_000))
@pytest.mark.filterwarnings("ignore")
def test_damaged_bytes_give_a_picture_or_our_error(kind: str, seed: int) -> None:
    random = np.random.default_rng(seed)
    data = np.frombuffer(encoded(Image.fromarray(COLOUR), kind), np.uint8).copy()
    places = random.integers(0, len(data), 1 + seed % 8)
    data[places] = random.integers(0, 256, len(places))
    try:
        got = read(data[: random.integers(1, len(data) + 1)].tobytes())
    except ImageError:
        return
    assert got.dtype == np.uint8
    assert got.ndim == 3


def test_border_level() -> None:
    picture = np.full((3, 8, 8, 1), 255, np.uint8)
    picture[:, 1:-1, 1:-1] = 0
    assert border_level(picture) == 255
    assert border_level(255 - picture[0]) == 0
