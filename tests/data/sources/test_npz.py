"""``.npz`` files that mean ill: nothing is unpickled, and what is announced is bounded before memory is taken."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from foveal.data import load, read_npz
from foveal.data.sources.npz import LIST_LIMIT
from foveal.errors import DataError


def npy(header: bytes, values: bytes = b"", version: int = 1) -> bytes:
    size = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + size + header + values


def archive(path: Path, images: bytes, method: int = zipfile.ZIP_DEFLATED) -> Path:
    labels = io.BytesIO()
    np.save(labels, np.array([0, 1]))
    with zipfile.ZipFile(path, "w", method) as file:
        file.writestr("images.npy", images)
        file.writestr("labels.npy", labels.getvalue())
    return path


def described(shape: object, descr: object = "|u1") -> bytes:
    return repr({"descr": descr, "fortran_order": False, "shape": shape}).encode()


@pytest.mark.parametrize(
    ("images", "says"),
    [
        (npy(described((10**6, 10**6)), b"abc"), "announced larger"),
        (npy(described((-1, 4, 4)), b"a" * 16), "the array is damaged"),
        (npy(described((10**30, 0, 4)), b""), "the array is damaged"),
        (npy(described((1,) * 64), b"a"), "the array is damaged"),
        (npy(described((2, 4, 4), "|O"), b"a" * 32), "would have to be unpickled"),
        (npy(described((2, 4, 4), [("x", "|O")]), b"a" * 32), "would have to be unpickled"),
        (npy(described((2, 4, 4), [("x", "|u1")]), b"a" * 32), "where numbers are read"),
        (npy(described((2, 4, 4), "|V0"), b""), "the array is damaged"),
        (npy(described((2, 4, 4), "<M8[s]"), b"a" * 256), "where numbers are read"),
        (npy(described("no shape"), b"a"), "the array is damaged"),
        (npy(b"(" * 3000, b"a"), "the array is damaged"),
        (npy(b"__import__('os').getcwd()", b"a"), "the array is damaged"),
        (npy(b"{" + b" " * 20_000 + b"}", b"a"), "at most 10,000 are read"),
        (npy(b" " * 3_000_000, version=2), "at most 10,000 are read"),
        (npy(described((2, 4, 4)), b"a" * 5), "expected 32 bytes got 5"),
        (b"\x93NUMPY\x09\x00", "the array is damaged"),
        (b"\x93NUMPY\x01", "the array is damaged"),
        (b"", "the array is damaged"),
    ],
)  # fmt: skip
def test_an_array_that_is_not_what_it_says(images: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        read_npz(archive(tmp_path / "d.npz", images))
    assert says in str(error.value)
    assert "d.npz, images" in str(error.value)
    assert len(str(error.value)) < 1000


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_only_numpys_own_packing_is_read(method: int, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="as NumPy does not pack it"):
        read_npz(archive(tmp_path / "d.npz", npy(described((2, 4, 4)), b"a" * 32), method))


def test_a_locked_array(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.npz", npy(described((2, 4, 4)), b"a" * 32))
    data = bytearray(path.read_bytes())
    at = data.index(b"PK\x01\x02")
    data[at + 8] |= 1
    data[6] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match="encrypted"):
        read_npz(path)


def test_a_wrong_check_sum(tmp_path: Path) -> None:
    path = archive(tmp_path / "d.npz", npy(described((2, 4, 4)), b"a" * 32), zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index(b"aaaa")] = 98
    path.write_bytes(data)
    with pytest.raises(DataError, match="Bad CRC"):
        read_npz(path)


@pytest.mark.parametrize("large", [False, True])
def test_a_list_of_too_many_members(large: bool, tmp_path: Path) -> None:
    path = archive(tmp_path / "d.npz", npy(described((2, 4, 4)), b"a" * 32))
    data = path.read_bytes()
    end = data.rindex(b"PK\x05\x06")
    if large:  # a second record says the true size, the first one a small one
        record = b"PK\x06\x06" + struct.pack("<QHHIIQQQQ", 44, 45, 45, 0, 0, 9, 9, LIST_LIMIT + 1, 0)
        locator = b"PK\x06\x07" + struct.pack("<IQI", 0, end, 1)
        path.write_bytes(data[:end] + record + locator + data[end:])
    else:
        path.write_bytes(data[: end + 12] + struct.pack("<I", LIST_LIMIT + 1) + data[end + 16 :])
    with pytest.raises(DataError, match="list of arrays is over its limit"):
        read_npz(path)


def test_parts_that_do_not_fit_together(tmp_path: Path) -> None:
    pictures, labels = np.zeros((4, 5, 5), np.uint8), np.array([0, 1, 0, 1])
    for more in ({"val_images": np.zeros((2, 6, 6), np.uint8), "val_labels": labels[:2]},
                 {"val_images": pictures[:3], "val_labels": labels[:2]},
                 {"test_images": np.zeros((2, 6, 6), np.uint8), "test_labels": labels[:2]}):  # fmt: skip
        np.savez(tmp_path / "d.npz", train_images=pictures, train_labels=labels, **more)
        with pytest.raises(DataError, match=r"different shapes|as many labels"):
            read_npz(tmp_path / "d.npz")


def test_only_files_are_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.npz")
    for path in (tmp_path / "pipe.npz", Path("/dev/zero")):
        with pytest.raises(DataError, match="cannot be read"):
            read_npz(path)
    with pytest.raises(DataError, match="cannot be read"):
        load(tmp_path / "pipe.npz")


def test_small_files_take_no_large_memory(tmp_path: Path) -> None:
    """In a process that may have 700 MB in all: each file is some megabytes, and would be gigabytes."""
    import gzip

    zeros = bytes(1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
        with file.open("images.npy", "w", force_zip64=True) as member:
            member.write(npy(described((600, 1024, 1024))))
            for _ in range(600):
                member.write(zeros)
        file.writestr("labels.npy", b"")
    with gzip.open(tmp_path / "bomb-images-idx3-ubyte.gz", "wb", compresslevel=1) as packed:
        packed.write(b"\0\0\x08\3" + struct.pack(">III", 600, 1024, 1024))
        for _ in range(600):
            packed.write(zeros)
    (tmp_path / "bomb-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1" + struct.pack(">I", 600) + bytes(600))
    script = (
        "import resource, sys; from foveal.data import load; from foveal.errors import DataError\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1400 << 20, 1400 << 20))\n"
        "for path in sys.argv[1:]:\n"
        "    try: load(path)\n"
        "    except DataError as error: print(error.problem)\n"
        "peak = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'))\n"
        "print(int(peak.split()[1]) < 450_000)\n"
    )
    files = [str(tmp_path / name) for name in ("bomb.npz", "bomb-images-idx3-ubyte.gz")]
    done = subprocess.run([sys.executable, "-c", script, *files], capture_output=True, text=True, check=False)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert "times as large as its file" in lines[0]
    assert "unpacks to more" in lines[1]
    assert lines[2] == "True"


def test_names_as_labels_are_not_called_damaged(tmp_path: Path) -> None:
    """The repair that is offered reads."""
    names = np.array(["b", "a", "b"])
    place = tmp_path / "named.npz"
    np.savez(place, x_train=np.zeros((3, 4, 4), np.uint8), y_train=names)
    with pytest.raises(DataError, match="the array holds no numbers") as caught:
        load(place)
    assert caught.value.fix[0].startswith("classes, y = np.unique(y, return_inverse=True)")
    np.savez(place, x_train=np.zeros((3, 4, 4), np.uint8), y_train=np.unique(names, return_inverse=True)[1])
    assert load(place).train.labels.tolist() == [1, 0, 1]


def test_pictures_without_labels_are_called_so(tmp_path: Path) -> None:
    """A file with ``x_train`` does not lack the usual names."""
    path = tmp_path / "a.npz"
    np.savez(path, x_train=np.zeros((2, 8, 8), np.uint8))
    with pytest.raises(DataError, match="x_train has no labels beside it") as error:
        load(path)
    assert error.value.expected == "x_train and y_train"
