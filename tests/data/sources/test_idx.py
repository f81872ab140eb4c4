"""IDX: what is written is read, and what is damaged says how."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from foveal.data import read_idx, write_idx
from foveal.errors import DataError

DTYPES = st.sampled_from([np.uint8, np.int8, np.int16, np.int32, np.float32, np.float64])
ARRAYS = DTYPES.flatmap(
    lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=5))
)


@given(array=ARRAYS, suffix=st.sampled_from(["", ".gz"]))
def test_what_is_written_is_read(array: np.ndarray, suffix: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("idx") / f"some-idx{suffix}"
    write_idx(path, array)
    back = read_idx(path)
    assert back.dtype == array.dtype
    np.testing.assert_array_equal(back, array)
    assert back.flags.writeable


def test_the_bytes_are_those_of_the_format(tmp_path: Path) -> None:
    write_idx(tmp_path / "a", np.array([[1, 2, 3], [4, 5, -6]], np.int16))
    expected = b"\x00\x00\x0b\x02" + struct.pack(">II", 2, 3) + struct.pack(">6h", 1, 2, 3, 4, 5, -6)
    assert (tmp_path / "a").read_bytes() == expected


def test_mnist_as_it_is_published(shared: Path) -> None:
    images = read_idx(shared / "data/mnist/t10k-images-idx3-ubyte.gz")
    labels = read_idx(shared / "data/mnist/t10k-labels-idx1-ubyte.gz")
    assert images.shape == (10_000, 28, 28)
    assert labels[:5].tolist() == [7, 2, 1, 0, 4]


HEAD = b"\x00\x00\x08\x01"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "an empty file"),
        (b"\x00\x00\x08", "its first four bytes"),
        (b"\x89PNG\r\n", "89 50 4e 47"),
        (b"\x00\x00\x07\x01\x00\x00\x00\x01a", "00 00 07 01"),
        (b"\x00\x00\x08\x00", "00 00 08 00"),
        (b"\x00\x00\x08\x03\x00\x00", "the file ends within its header"),
        (HEAD + b"\x00\x00\x00\x05abc", "2 bytes are missing"),
        (HEAD + b"\x00\x00\x00\x02abc", "there is more after the last value"),
        (b"\x00\x00\x08\x03" + b"\xff" * 12, "announces more values than the limit"),
        (b"\x00\x00\x08\xff", "more axes than arrays have\n  given     255 axes"),
        (b"\x00\x00\x08\xff" + b"\xff" * 1020, "more axes than arrays have"),
        (b"\x00\x00\x08\xff" + b"\x00\x00\x00\x01" * 255 + b"a", "more axes than arrays have"),
        (b"\x00\x00\x08\x11" + b"\x00\x00\x00\x01" * 17 + b"a", "more axes than arrays have"),
        (b"\x00\x00\x0e\x10" + b"\xff" * 64, "announces more values than the limit"),
        (b"\x00\x00\x0e\x02" + b"\x80\x00\x00\x00" * 2, "announces more values than the limit"),
        (b"\x00\x00\x08\x03" + b"\x00\x00\x00\x00" * 3 + b"a", "there is more after the last value"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_a_damaged_file_says_how(data: bytes, says: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "bad-idx"
    path.write_bytes(gzip.compress(data) if packed else data)
    with pytest.raises(DataError) as error:
        read_idx(path)
    assert says in str(error.value)
    assert str(path) in str(error.value)


def test_a_gzip_cut_short_says_so(tmp_path: Path) -> None:
    path = tmp_path / "cut.gz"
    write_idx(path, np.arange(250, dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match="damaged or ends early"):
        read_idx(path)


def test_a_bomb_is_unpacked_no_further_than_it_announces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import foveal.data.sources.idx as idx

    taken: list[int] = []
    original = idx.contents

    def counted(path: Path):  # type: ignore[no-untyped-def]
        for chunk in original(path):
            taken.append(len(chunk))
            yield chunk

    monkeypatch.setattr(idx, "contents", counted)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(HEAD + b"\x00\x00\x00\x04" + bytes(20_000_000), compresslevel=1))
    with pytest.raises(DataError, match="more after the last value"):
        read_idx(path)
    assert sum(taken) < 3_000_000


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read") as error:
        read_idx(tmp_path / "none")
    assert "No such file" in str(error.value)


def test_a_type_that_idx_lacks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="IDX has no such type"):
        write_idx(tmp_path / "a", np.zeros(3, np.int64))


def test_no_values_along_an_axis_are_no_values(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\x00\x00\x08\x03" + struct.pack(">III", 0, 28, 28))
    assert read_idx(tmp_path / "a").shape == (0, 28, 28)
    (tmp_path / "b").write_bytes(b"\x00\x00\x08\x03" + struct.pack(">III", 0, 2**32 - 1, 2**32 - 1))
    with pytest.raises(DataError, match="more values than the limit"):
        read_idx(tmp_path / "b")


def test_only_files_are_read(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pipe-idx")
    for path in (tmp_path / "pipe-idx", Path("/dev/zero"), tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_idx(path)
