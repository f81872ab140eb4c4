"""Where a published data set is looked for, in which order, and what is done about wrong files."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml

from foveal.data import DataWarning, load
from foveal.data.published import fashion_mnist, mnist
from foveal.data.published.catalogue import ROLES, PublishedFile, PublishedSet, check, files_of
from foveal.data.published.obtain import load_arrays, obtain
from foveal.errors import SourceError


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No network, no data of the machine's, no cache of the user's."""
    monkeypatch.setenv("FOVEAL_OFFLINE", "1")
    monkeypatch.delenv("FOVEAL_DATA", raising=False)
    monkeypatch.setattr("foveal.data.published.obtain.cache_folder", lambda name: tmp_path / "cache" / name)


def test_the_sums_are_the_published_ones(shared: Path) -> None:
    facts = yaml.safe_load((shared / "facts/published.yaml").read_text())["fashion_mnist"]
    known = fashion_mnist.FASHION_MNIST
    assert {file.name: file.sha256 for file in known.files} == facts["content_sha256"]
    assert {f"{file.name}.gz": file.gz_md5 for file in known.files} == facts["official_gz_md5"]
    assert list(known.classes) == facts["classes"]


def test_mnist_from_a_folder(shared: Path) -> None:
    (x, y), (test_x, test_y) = mnist.load_data(shared / "data/mnist")
    assert (x.shape, y.shape, test_x.shape, test_y.shape) == ((60_000, 28, 28), (60_000,), (10_000, 28, 28), (10_000,))
    assert {a.dtype for a in (x, y, test_x, test_y)} == {np.dtype(np.uint8)}
    assert y[:5].tolist() == [5, 0, 4, 1, 9]


def test_mnist_through_the_one_door(shared: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FOVEAL_DATA", str(shared / "data/mnist"))
    data = load("MNIST")
    assert data.shape == (28, 28, 1)
    assert data.source == str(shared / "data/mnist")
    assert data.train.labels.dtype == np.int64


@pytest.fixture
def small(tmp_path: Path) -> tuple[PublishedSet, Path]:
    """A published set of a few bytes, and a folder that holds it."""
    good = tmp_path / "good"
    good.mkdir()
    files = []
    for number, name in enumerate(ROLES):
        body = b"\x00\x00\x08\x01\x00\x00\x00\x03" + bytes([number, 1, 2])
        (good / f"{name}.gz").write_bytes(gzip.compress(body))
        files.append(PublishedFile(name, hashlib.sha256(body).hexdigest(), len(body), "0" * 32))
    system = str(tmp_path / "system")
    known = PublishedSet("small", "Small-Set", ("a", "b", "c"), tuple(files), ("http://nowhere.invalid/",), (system,))
    return known, good


def test_places_in_their_order(
    small: tuple[PublishedSet, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, good = small
    places = {name: tmp_path / name for name in ("explicit", "named", "cache/small", "system")}
    for place in places.values():
        shutil.copytree(good, place)
    monkeypatch.setenv("FOVEAL_DATA", str(places["named"]))
    for name in places:
        folder = places["explicit"] if name == "explicit" else None
        assert obtain(known, folder).source == str(places[name])
        shutil.rmtree(places[name])
    with pytest.raises(SourceError):
        obtain(known)


@pytest.mark.parametrize("below", ["", "small", "SmallSet/raw"])
@pytest.mark.parametrize("form", ["gz", "plain", "dotted"])
def test_forms_of_a_folder(below: str, form: str, small: tuple[PublishedSet, Path], tmp_path: Path) -> None:
    known, good = small
    place = tmp_path / "data" / below
    place.mkdir(parents=True)
    for path in good.iterdir():
        name = path.stem.replace("-idx", ".idx") if form == "dotted" else path.name if form == "gz" else path.stem
        (place / name).write_bytes(path.read_bytes() if form == "gz" else gzip.decompress(path.read_bytes()))
    found = obtain(known, tmp_path / "data")
    assert found.source == str(place)
    assert load_arrays(found, known)[1][0].tolist() == [2, 1, 2]


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda data: gzip.compress(gzip.decompress(data)[:-1] + b"x"), "holds something else: SHA-256"),
        (lambda data: gzip.compress(gzip.decompress(data) + b"x"), "holds more than 11 bytes"),
        (lambda data: gzip.compress(gzip.decompress(data)[:-1]), "holds 10 bytes, not 11"),
        (lambda data: data[:-12], "damaged or ends early"),
    ],
)
def test_a_wrong_file_is_reported_and_the_next_place_taken(
    damage, says: str, small: tuple[PublishedSet, Path], tmp_path: Path
) -> None:
    known, good = small
    shutil.copytree(good, tmp_path / "system")
    bad = good / f"{ROLES[2]}.gz"
    bad.write_bytes(damage(bad.read_bytes()))
    with pytest.warns(DataWarning) as caught:
        found = obtain(known, good)
    assert found.source == str(tmp_path / "system")
    text = str(caught[0].message)
    assert f"Small-Set in {good} is not used: {ROLES[2]}.gz" in text
    assert says in text
    assert text.endswith(f"Trying {tmp_path / 'system'} instead.")


def test_an_incomplete_folder_is_reported(small: tuple[PublishedSet, Path], tmp_path: Path) -> None:
    known, good = small
    shutil.copytree(good, tmp_path / "system")
    (good / f"{ROLES[1]}.gz").unlink()
    with pytest.warns(DataWarning, match=f"{ROLES[1]}.gz missing"):
        obtain(known, good)


def test_nowhere_lists_each_place_and_what_to_do(
    small: tuple[PublishedSet, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = dataclasses.replace(small[0], package="dataset-small")
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("FOVEAL_DATA", str(tmp_path / "nothing"))
    with pytest.raises(SourceError) as error:
        obtain(known, tmp_path / "empty")
    text = str(error.value)
    assert text.startswith("small: Small-Set is not on this machine and could not be fetched\n")
    assert f"{tmp_path}/empty: none of the four files is there" in text
    assert f"{tmp_path}/nothing: there is no such folder" in text
    assert f"{tmp_path}/cache/small: there is no such folder" in text
    assert f"{tmp_path}/system: there is no such folder" in text
    assert "the network: FOVEAL_OFFLINE is set" in text
    assert "to fix    on Debian or Ubuntu: sudo apt-get install dataset-small" in text
    assert f"into {tmp_path}/cache/small" in text
    assert "FOVEAL_DATA=FOLDER" in text
    assert "foveal train lecture_cnn digits" in text


def test_check_reads_no_further_than_it_must(tmp_path: Path) -> None:
    file = PublishedFile("a", "", 10, "")
    (tmp_path / "a.gz").write_bytes(gzip.compress(bytes(50_000_000), compresslevel=1))
    assert check(tmp_path / "a.gz", file) == "a.gz holds more than 10 bytes"


def test_lengths_of_the_four_files() -> None:
    files = files_of(dict.fromkeys(ROLES, ""), {f"{name}.gz": "" for name in ROLES})
    assert [file.length for file in files] == [47_040_016, 60_008, 7_840_016, 10_008]
